"""EnMAP Level-1B granules: two cubes of raw numbers, calibrated and joined by wavelength (specs/plumes.md 4.4, 1.3).

Both cubes are taken pixel by pixel as they stand, as HyperGas takes them: Level 1B doesn't register VNIR to SWIR, so
that VNIR pixels (colour pictures, no2) lie where ``attributes["rpc_vnir"]`` says, and all others where
``geometry.rpc`` says.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from levelworks.core.outcome import InvalidInput
from levelworks.core.sun import sun_distance
from levelworks.plumes.mapping.angles import angles_of, direction_vectors, interpolate_directions
from levelworks.plumes.mapping.rpc import image_to_ground, image_to_terrain
from levelworks.plumes.readers.detector_bands import SWIR, VNIR, JoinedBands, join_detectors
from levelworks.plumes.readers.enmap_archive import EnmapArchive, open_archive
from levelworks.plumes.readers.enmap_metadata import Angle, Detector, EnmapMetadata, parse_metadata
from levelworks.plumes.readers.enmap_quality import Quality, read_quality
from levelworks.plumes.readers.scene_terrain import Terrain, terrain_heights
from levelworks.plumes.scene import Geometry, Rpc, Scene, Spectral

PARTS = ("SPECTRAL_IMAGE_VNIR", "SPECTRAL_IMAGE_SWIR")
RPC_WAVELENGTHS = (550.0, 2300.0)
"""nm: the bands whose RPC places the VNIR (green) and the SWIR (methane) pixels."""
MICROWATT = 100.0
"""uW cm-2 in one W m-2."""


@dataclass
class EnmapScene(Scene):
    """One EnMAP granule.

    Raw numbers of a band are read whole at its first use and kept, 2 MB a band: members of a ZIP are compressed, and
    each block of columns would unpack them again. Ask for all bands at once where that can be.
    """

    archive: EnmapArchive = field(kw_only=True)
    metadata: EnmapMetadata = field(kw_only=True)
    joined: JoinedBands = field(kw_only=True)
    _numbers: dict[tuple[int, int], np.ndarray] = field(default_factory=dict, kw_only=True, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, kw_only=True, repr=False)

    def read(self, columns: range, bands: np.ndarray) -> np.ndarray:
        """Return spectral radiance, (columns, rows, bands) float32; see `Scene.read`."""
        with self._lock:
            self._load(bands)
        radiance = np.empty((len(columns), self.rows, len(bands)), dtype=np.float32)
        for place, band in enumerate(bands):
            detector, index = int(self.joined.detector[band]), int(self.joined.band[band])
            camera = self._camera(detector)
            numbers = self._numbers[detector, index][columns.start : columns.stop : columns.step]
            gain, offset = MICROWATT * camera.gains[index], MICROWATT * camera.offsets[index]
            values = numbers * np.float32(gain) + np.float32(offset)
            values[numbers == self.metadata.background] = np.nan
            radiance[..., place] = values
        return radiance

    def close(self) -> None:
        """Forget what was read; no file stays open between reads."""
        self._numbers.clear()

    def _camera(self, detector: int) -> Detector:
        return self.metadata.swir if detector == SWIR else self.metadata.vnir

    def _load(self, bands: np.ndarray) -> None:
        """Read the bands that weren't yet, each (columns, rows)."""
        from rasterio.errors import RasterioIOError

        for detector in (VNIR, SWIR):
            wanted = np.unique(self.joined.band[bands][self.joined.detector[bands] == detector])
            missing = [int(index) for index in wanted if (detector, int(index)) not in self._numbers]
            if not missing:
                continue
            with self.archive.unpacked_image(PARTS[detector]) as file:
                try:
                    cube = file.read([index + 1 for index in missing])
                except RasterioIOError as error:
                    raise InvalidInput(
                        f"{self.archive.path}: {PARTS[detector]} can't be read ({error}): fetch the product again"
                    ) from None
            for index, numbers in zip(missing, cube, strict=True):
                self._numbers[detector, index] = np.ascontiguousarray(numbers.T)


def open_enmap(product: Path, terrain: Terrain | None = None) -> EnmapScene:
    """Open an EnMAP Level-1B product.

    Parameters
    ----------
    product : Path
        The agency's ZIP, or the folder that it was unpacked to; members may lie in a folder inside.
    terrain : Path or callable, optional
        An elevation model, or heights above the ellipsoid (m) at longitudes and latitudes. Without it all pixels are
        placed at the mean ground elevation that the agency gives.

    Returns
    -------
    EnmapScene
        ``attributes`` has ``rpc_vnir`` (Rpc), ``dead_elements`` ((columns, bands) bool: detector elements without
        measurement), ``revision``, and where given ``water_vapour`` (g cm-2) and ``aerosol_optical_thickness``.

    Raises
    ------
    InvalidInput
        Where it is truncated, of another level, lacks an image or a calibration, or where band counts or sizes of
        metadata and images disagree.
    """
    archive = open_archive(product)
    metadata = parse_metadata(archive.metadata(), str(product))
    for part, camera in zip(PARTS, (metadata.vnir, metadata.swir), strict=True):
        _check(archive, part, camera)
    rows, columns = metadata.swir.rows, metadata.swir.columns
    notes: list[str] = []
    joined = join_detectors(metadata.vnir.centres, metadata.swir.centres)
    quality = read_quality(archive, rows, columns, (metadata.vnir.bands, metadata.swir.bands), notes)
    rpc_vnir, rpc = (
        camera.rpcs[int(np.argmin(np.abs(camera.centres - wavelength)))]
        for camera, wavelength in zip((metadata.vnir, metadata.swir), RPC_WAVELENGTHS, strict=True)
    )
    if terrain is None:
        notes.append(f"No terrain: all pixels are placed at the mean ground elevation, {metadata.elevation:g} m.")
    return EnmapScene(
        name=archive.name,
        sensor="EnMAP",
        start=metadata.start,
        end=metadata.end,
        rows=rows,
        columns=columns,
        spectral=Spectral(
            _joined(joined, metadata.vnir.centres, metadata.swir.centres)[None],
            _joined(joined, metadata.vnir.widths, metadata.swir.widths)[None],
        ),
        geometry=_geometry(metadata, rpc, terrain, notes),
        earth_sun=sun_distance(metadata.start),
        masks=quality.masks,
        attributes=_attributes(metadata, joined, quality, rpc_vnir),
        notes=notes,
        archive=archive,
        metadata=metadata,
        joined=joined,
    )


def _check(archive: EnmapArchive, part: str, camera: Detector) -> None:
    with archive.open_image(part) as file:
        found = (file.count, file.height, file.width)
        kind = np.dtype(file.dtypes[0])
    expected = (camera.bands, camera.rows, camera.columns)
    if found != expected:
        raise InvalidInput(
            f"{archive.path}: {part} has {found[0]} bands, {found[1]} rows and {found[2]} columns, METADATA.XML says "
            f"{expected[0]}, {expected[1]} and {expected[2]}: fetch the product again"
        )
    if kind.kind not in "iu":
        raise InvalidInput(f"{archive.path}: {part} holds {kind} values, not the raw numbers of Level 1B")


def _joined(joined: JoinedBands, vnir: np.ndarray, swir: np.ndarray) -> np.ndarray:
    """Return values of the last axis of two detectors as those of the joined bands."""
    both = np.concatenate([vnir, swir], axis=-1)
    return both[..., joined.band + np.where(joined.detector == SWIR, vnir.shape[-1], 0)]


def _attributes(metadata: EnmapMetadata, joined: JoinedBands, quality: Quality, rpc_vnir: Rpc) -> dict[str, object]:
    optional = {
        "water_vapour": metadata.water_vapour,
        "aerosol_optical_thickness": metadata.aerosol_optical_thickness,
    }
    return {
        "revision": metadata.revision,
        "rpc_vnir": rpc_vnir,
        "dead_elements": _joined(joined, *quality.dead),
        **{name: value for name, value in optional.items() if value is not None},
    }


def _geometry(metadata: EnmapMetadata, rpc: Rpc, terrain: Terrain | None, notes: list[str]) -> Geometry:
    rows, columns = metadata.swir.rows, metadata.swir.columns
    line, sample = np.meshgrid(np.arange(rows, dtype=float), np.arange(columns, dtype=float), indexing="ij")
    longitude, latitude = image_to_ground(rpc, line, sample, metadata.elevation)
    elevation = np.full((rows, columns), metadata.elevation)
    if terrain is not None:
        heights = terrain_heights(terrain, longitude, latitude, notes, metadata.elevation)
        longitude, latitude, elevation = image_to_terrain(rpc, line, sample, heights)
    sun_elevation, off_nadir = metadata.sun_elevation, metadata.off_nadir
    sun_zenith = Angle(90 - sun_elevation.corners, None if sun_elevation.centre is None else 90 - sun_elevation.centre)
    view_zenith = Angle(np.abs(off_nadir.corners), None if off_nadir.centre is None else abs(off_nadir.centre))
    sun = _directions(sun_zenith, metadata.sun_azimuth, (rows, columns))
    view = _directions(view_zenith, metadata.scene_azimuth, (rows, columns))
    return Geometry(
        longitude=longitude,
        latitude=latitude,
        elevation=elevation.astype(np.float32),
        sun_zenith=sun[0],
        sun_azimuth=sun[1],
        view_zenith=view[0],
        view_azimuth=view[1],
        rpc=rpc,
    )


def _directions(zenith: Angle, azimuth: Angle, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return zeniths and azimuths of all pixels, float32, from those of the corners and the centre."""
    corners = (zenith.corners, azimuth.corners)
    middle = angles_of(direction_vectors(*corners).mean(axis=(0, 1)))
    centre = (
        float(middle[0]) if zenith.centre is None else zenith.centre,
        float(middle[1]) if azimuth.centre is None else azimuth.centre,
    )
    zeniths, azimuths = interpolate_directions(corners, centre, shape)
    return zeniths.astype(np.float32), azimuths.astype(np.float32)
