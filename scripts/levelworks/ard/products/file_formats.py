"""The formats of the cube's files: COG, GeoTIFF, ENVI, or what a file of GDAL options says (spec sections 2 and 17)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from levelworks import __version__
from levelworks.ard.products.layers import Layer
from levelworks.ard.products.windows import Window
from levelworks.ard.scene import ImageGrid
from levelworks.ard.sensors import SENSORS
from levelworks.core.outcome import InvalidOptions

MOST_OPTIONS = 32
COG_DRIVER = "COG"


class RowWriter(Protocol):
    """Takes blocks of rows from the top."""

    def write(self, start: int, rows: np.ndarray) -> None:
        """Write rows, shape (bands, rows, columns); the first is counted in the part that is written."""


@dataclass(frozen=True)
class FileFormat:
    """A format: its name, the ending of its files, and for a custom one GDAL's driver and options."""

    name: str
    suffix: str
    driver: str = ""
    creation: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_overviews(self) -> bool:
        """Tell whether files have overviews from the beginning."""
        return self.name == "cog" or self.driver == COG_DRIVER


FORMATS = {
    "cog": FileFormat("cog", ".tif"),
    "geotiff": FileFormat("geotiff", ".tif"),
    "envi": FileFormat("envi", ".dat", "ENVI"),
}


def file_format(name: str, options: Path | None) -> FileFormat:
    """Return a format by its name; ``custom`` takes a file of options.

    Raises
    ------
    InvalidOptions
        Where a custom format has no file, or an invalid one.
    """
    if name != "custom":
        return FORMATS[name]
    if options is None:
        raise InvalidOptions("merge-tile.format is custom: output-options must name a file of GDAL options")
    return read_output_options(options)


def read_output_options(path: Path) -> FileFormat:
    """Read a file of ``TAG = VALUE`` lines: DRIVER, EXTENSION, and up to 32 creation options of the driver.

    Raises
    ------
    InvalidOptions
        Where DRIVER or EXTENSION is missing, a line is none, there are too many, or GDAL can't write the driver.
    """
    from rasterio import Env

    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        name, sign, value = (part.strip() for part in text.partition("="))
        if not (name and sign and value):
            raise InvalidOptions(f"{path} line {number}: {text!r} is not TAG = VALUE")
        values[name.upper()] = value
    missing = [name for name in ("DRIVER", "EXTENSION") if name not in values]
    if missing:
        raise InvalidOptions(f"{path}: {' and '.join(missing)} must be given")
    driver, extension = values.pop("DRIVER"), values.pop("EXTENSION")
    if len(values) > MOST_OPTIONS:
        raise InvalidOptions(f"{path}: has {len(values)} options, more than {MOST_OPTIONS}")
    with Env() as environment:
        known = driver in environment.drivers()
    if not known:
        raise InvalidOptions(f"{path}: GDAL has no driver {driver!r} for files")
    return FileFormat("custom", "." + extension.lstrip("."), driver, values)


def open_writer(
    form: FileFormat,
    path: Path,
    grid: ImageGrid,
    layer: Layer,
    sensor: str,
    date: str,
    images: Sequence[str],
    part: Window | None = None,
) -> AbstractContextManager[RowWriter]:
    """Open a file of a layer of the cube for writing.

    Parameters
    ----------
    path : Path
        With the suffix of the format.
    date : str
        ``YYYYMMDD``.
    images : sequence of str
        Identifiers of the images that it is made of.
    part : Window, optional
        See `CogWriter`.
    """
    from levelworks.ard.products.cog import CogWriter

    bands = layer.bands(sensor)
    facts: dict[str, Any] = {
        "units": layer.unit,
        "scale": 1.0 / layer.scale,
        "part": part,
    }
    domains, band_domains = _force_metadata(layer, sensor, date, images)
    if form.name == "cog":
        overviews = "average" if layer.measured else "nearest"
        return CogWriter(
            path,
            grid,
            len(bands),
            layer.dtype,
            layer.nodata,
            bands,
            overviews=overviews,  # type: ignore[arg-type]
            tags=domains,
            band_tags=band_domains,
            **facts,
        )
    return _by_gdal(form, path, grid, layer, bands, domains, band_domains, facts)


@contextmanager
def _by_gdal(
    form: FileFormat,
    path: Path,
    grid: ImageGrid,
    layer: Layer,
    bands: Sequence[str],
    domains: Mapping[str, Mapping[str, str]],
    band_domains: Sequence[Mapping[str, Mapping[str, str]]],
    facts: Mapping[str, Any],
) -> Iterator[RowWriter]:
    """Write a tiled GeoTIFF, and copy it into another format where one is asked for."""
    from rasterio import Env
    from rasterio.shutil import copy

    from levelworks.ard.products.tiled import ImageWriter

    metadata: dict[str, Any] = {"domains": domains, "band_domains": band_domains}
    if form.name == "geotiff":
        with ImageWriter(path, grid, len(bands), layer.dtype, layer.nodata, bands, **facts, **metadata) as writer:
            yield writer
        return
    with TemporaryDirectory(prefix="merge-tile.") as work:
        source = Path(work) / "source.tif"
        with ImageWriter(source, grid, len(bands), layer.dtype, layer.nodata, bands, **facts, **metadata) as writer:
            yield writer
        # Without being told, GDAL leaves out the metadata of bands.
        more = {"COPY_SRC_MDD": "YES"} if form.driver in ("GTiff", COG_DRIVER) else {}
        with Env(GDAL_PAM_ENABLED=form.driver == "ENVI"):
            copy(str(source), str(path), driver=form.driver, **more, **form.creation)
    if form.driver == "ENVI":
        _forget_folder(path)


def _forget_folder(path: Path) -> None:
    """Take the folder out of the description in an ENVI header: files are renamed, and bytes must not tell of it."""
    header = path.with_suffix(".hdr")
    text = header.read_text(encoding="utf-8").replace(str(path), path.name)
    header.write_text(text, encoding="utf-8")


def _force_metadata(
    layer: Layer, sensor: str, date: str, images: Sequence[str]
) -> tuple[dict[str, dict[str, str]], list[dict[str, dict[str, str]]]]:
    """Return FORCE's items of a file and of its bands (spec section 16), by domain."""
    found = SENSORS[sensor]
    whole = {
        "FORCE_version": f"levelworks {__version__}",
        "FORCE_description": f"levelworks Level 2: {layer.title}",
        "FORCE_product": layer.name,
        "FORCE_param": " ".join(images),
    }
    bands = []
    for name in layer.bands(sensor):
        items = {"Domain": name}
        if layer.spectral:
            items |= {"Wavelength": f"{found.band(name).wavelength:.3f}", "Wavelength_unit": "micrometers"}
        items |= {
            "Scale": f"{layer.scale:.3f}",
            "Sensor": sensor,
            "Date": f"{date[:4]}-{date[4:6]}-{date[6:]}",
        }
        bands.append({"FORCE": items})
    return {"FORCE": whole}, bands
