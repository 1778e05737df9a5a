"""Opens a Level-1 granule of any of the sensors, by its name and by what it holds."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py

from levelworks.core.outcome import InvalidInput
from levelworks.plumes.names import sensor_of
from levelworks.plumes.readers.enmap_archive import METADATA
from levelworks.plumes.readers.scene_terrain import Terrain
from levelworks.plumes.scene import Scene, Sensor

EXPECTED = "EMIT_L1B_RAD_*.nc, ENMAP01-____L1B-*.ZIP, PRS_L1_*.he5 or PRS_L1_*.zip"


def open_scene(
    radiance: Path,
    observations: Path | None = None,
    mask: Path | None = None,
    *,
    terrain: Terrain | None = None,
    smile: bool = True,
) -> Scene:
    """Open a granule of EMIT, EnMAP or PRISMA.

    Parameters
    ----------
    radiance : Path
        The agency's file; of EnMAP, also the folder that it was unpacked to.
    observations, mask : Path, optional
        Of EMIT: ``EMIT_L1B_OBS_*.nc`` and ``EMIT_L2A_MASK_*.nc``.
    terrain : Path or callable, optional
        Of EnMAP and PRISMA: an elevation model, or heights (m) at longitudes and latitudes.
    smile : bool
        Of PRISMA: whether each detector column has its own wavelengths.

    Raises
    ------
    InvalidInput
        Where it is none of them, or named as one sensor's and made as another's, or what its reader refuses.
    """
    named, held = sensor_of(radiance.name), content_of(radiance)
    if held is None:
        raise InvalidInput(f"{radiance} holds no granule of EMIT, EnMAP or PRISMA: expected is {EXPECTED}")
    if named is not None and named != held:
        raise InvalidInput(f"{radiance} has the name of {named} and the content of {held}: fetch it again")
    if held == "EMIT":
        from levelworks.plumes.readers.emit_reader import open_emit

        return open_emit(radiance, observations, mask)
    extra = [path.name for path in (observations, mask) if path is not None]
    if extra:
        raise InvalidInput(f"{radiance.name} is of {held}, which takes no {' and '.join(extra)}: leave them out")
    if held == "EnMAP":
        from levelworks.plumes.readers.enmap_reader import open_enmap

        return open_enmap(radiance, terrain)
    from levelworks.plumes.readers.prisma_reader import open_prisma

    return open_prisma(radiance, terrain, smile=smile)


def content_of(path: Path) -> Sensor | None:
    """Return the sensor whose granule a file or folder holds, or None.

    Raises
    ------
    InvalidInput
        Where the file doesn't exist, or is neither a whole ZIP nor a whole HDF5 file.
    """
    if path.is_dir():
        return "EnMAP" if any(path.rglob(f"*{METADATA}")) else None
    if not path.exists():
        raise InvalidInput(f"{path} does not exist")
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [name.upper() for name in archive.namelist()]
        if any(name.endswith(METADATA) for name in names):
            return "EnMAP"
        return "PRISMA" if any(name.endswith(".HE5") for name in names) else None
    try:
        with h5py.File(path, "r") as file:
            if "HDFEOS" in file:
                return "PRISMA"
            return "EMIT" if "radiance" in file else None
    except OSError as error:
        raise InvalidInput(
            f"{path} is neither a whole ZIP nor a whole HDF5 file ({error}): expected is {EXPECTED}; fetch it again"
        ) from None
