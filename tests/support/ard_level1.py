"""Small Level-1 folders as the agencies lay them out: an MTL with its bands, a SAFE with its granule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine

LANDSAT8 = "LC08_L1TP_193024_20180824_20200831_02_T1"
LANDSAT5 = "LT05_L1TP_218072_20100801_20200823_02_T1"
LANDSAT7 = "L71020039_03920000727"
SAFE = "S2A_MSIL1C_20220629T101041_N0400_R022_T33UUP_20220629T121042"
GRANULE = "L1C_T33UUP_A036657_20220629T101040"
KEYS = ("01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12")
RESOLUTIONS = dict(zip(KEYS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20), strict=True))


def landsat8_tags(rows: int, columns: int, **changes: str) -> dict[str, str]:
    """Return the tags of a small Landsat 8 scene under the names of Collection 2; none of a value of None stays."""
    tags = {
        "LANDSAT_PRODUCT_ID": LANDSAT8,
        "LANDSAT_SCENE_ID": "LC81930242018236LGN00",
        "PROCESSING_LEVEL": "L1TP",
        "COLLECTION_NUMBER": "02",
        "COLLECTION_CATEGORY": "T1",
        "SPACECRAFT_ID": "LANDSAT_8",
        "SENSOR_ID": "OLI_TIRS",
        "WRS_PATH": "193",
        "WRS_ROW": "24",
        "NADIR_OFFNADIR": "NADIR",
        "DATE_ACQUIRED": "2018-08-24",
        "SCENE_CENTER_TIME": "10:02:27.4633800Z",
        "EARTH_SUN_DISTANCE": "1.0110014",
        "GRID_CELL_SIZE_REFLECTIVE": "30.00",
        "REFLECTIVE_LINES": str(rows),
        "REFLECTIVE_SAMPLES": str(columns),
        "CORNER_UL_PROJECTION_X_PRODUCT": "400200.000",
        "CORNER_UL_PROJECTION_Y_PRODUCT": "5700000.000",
        "K1_CONSTANT_BAND_10": "774.8853",
        "K2_CONSTANT_BAND_10": "1321.0789",
        "RADIANCE_MULT_BAND_10": "3.3420E-04",
        "RADIANCE_ADD_BAND_10": "0.10000",
    }
    for band in (*range(1, 8), 9):
        tags[f"REFLECTANCE_MULT_BAND_{band}"] = "2.0000E-05"
        tags[f"REFLECTANCE_ADD_BAND_{band}"] = "-0.100000"
    for band in (*range(1, 8), 9, 10):
        tags[f"FILE_NAME_BAND_{band}"] = f"{LANDSAT8}_B{band}.TIF"
    return {name: value for name, value in (tags | changes).items() if value is not None}


def landsat5_tags(rows: int, columns: int) -> dict[str, str]:
    """Return the tags of a small Landsat 5 scene, with radiance from extremes alone and no thermal constants."""
    tags = landsat8_tags(rows, columns, SPACECRAFT_ID="LANDSAT_5", SENSOR_ID="TM")
    kept = {
        name: value
        for name, value in tags.items()
        if not name.startswith(("REFLECTANCE_", "RADIANCE_", "FILE_NAME_", "K1_", "K2_"))
    }
    kept |= {"LANDSAT_PRODUCT_ID": LANDSAT5, "LANDSAT_SCENE_ID": "LT52180722010213CUB00"}
    for band in range(1, 8):
        kept |= {
            f"FILE_NAME_BAND_{band}": f"{LANDSAT5}_B{band}.TIF",
            f"RADIANCE_MAXIMUM_BAND_{band}": f"{100 + 20 * band}.0",
            f"RADIANCE_MINIMUM_BAND_{band}": "-1.52",
            f"QUANTIZE_CAL_MAX_BAND_{band}": "255",
            f"QUANTIZE_CAL_MIN_BAND_{band}": "1",
        }
    return kept


def old_tags(rows: int, columns: int) -> dict[str, str]:
    """Return the tags of a small Landsat 7 scene under the names before 2012."""
    tags = {
        "SPACECRAFT_ID": "Landsat7",
        "SENSOR_ID": "ETM+",
        "PRODUCT_TYPE": "L1T",
        "ACQUISITION_DATE": "2000-07-27",
        "SCENE_CENTER_SCAN_TIME": "16:12:05.1234567Z",
        "WRS_PATH": "20",
        "STARTING_ROW": "39",
        "ENDING_ROW": "39",
        "PRODUCT_UL_CORNER_MAPX": "400200.000",
        "PRODUCT_UL_CORNER_MAPY": "5700000.000",
        "PRODUCT_SAMPLES_REF": str(columns),
        "PRODUCT_LINES_REF": str(rows),
        "GRID_CELL_SIZE_REF": "30.000",
    }
    for band, key in (("1", "10"), ("2", "20"), ("3", "30"), ("4", "40"), ("5", "50"), ("61", "61"), ("7", "70")):
        tags |= {
            f"BAND{band}_FILE_NAME": f"{LANDSAT7}_B{key}.TIF",
            f"LMAX_BAND{band}": "191.600" if band != "61" else "17.040",
            f"LMIN_BAND{band}": "-6.200" if band != "61" else "0.000",
            f"QCALMAX_BAND{band}": "255.0",
            f"QCALMIN_BAND{band}": "1.0",
        }
    return tags


def mtl_text(tags: Mapping[str, str], root: str = "LANDSAT_METADATA_FILE") -> str:
    """Return an MTL of tags, in one group."""
    lines = [f"GROUP = {root}", "  GROUP = ALL"]
    for name, value in tags.items():
        bare = value.replace(".", "", 1).replace("-", "").replace("E", "").isdigit()
        lines.append(f"    {name} = {value}" if bare else f'    {name} = "{value}"')
    return "\n".join([*lines, "  END_GROUP = ALL", f"END_GROUP = {root}", "END", ""])


def write_tiff(
    path: Path, values: np.ndarray, *, west: float = 400185.0, north: float = 5700015.0, **more: Any
) -> Path:
    """Write a band in UTM zone 33."""
    path.unlink(missing_ok=True)  # written over, GDAL would remove the MTL beside it as well
    profile = {"driver": "GTiff", "crs": "EPSG:32633", "count": 1, "dtype": values.dtype, "compress": "deflate"}
    profile |= {"height": values.shape[0], "width": values.shape[1], "nodata": 0}
    with rasterio.open(path, "w", transform=Affine(30.0, 0.0, west, 0.0, -30.0, north), **(profile | more)) as file:
        file.write(values, 1)
    return path


def write_landsat(folder: Path, tags: dict[str, str], *, seed: int = 3) -> Path:
    """Write a scene whose bands are random counts; the tags name files and size."""
    folder.mkdir(parents=True, exist_ok=True)
    name = tags.get("LANDSAT_PRODUCT_ID", LANDSAT7)
    (folder / f"{name}_MTL.txt").write_text(mtl_text(tags))
    shape = tuple(int(tags.get(new) or tags[old]) for new, old in (
        ("REFLECTIVE_LINES", "PRODUCT_LINES_REF"), ("REFLECTIVE_SAMPLES", "PRODUCT_SAMPLES_REF")
    ))  # fmt: skip
    random = np.random.default_rng(seed)
    eight = tags["SPACECRAFT_ID"][-1] in "457"
    for tag, file in tags.items():
        if tag.startswith("FILE_NAME_BAND_") or tag.endswith("_FILE_NAME"):
            counts = random.integers(1, 255 if eight else 60000, shape).astype(np.uint8 if eight else np.uint16)
            write_tiff(folder / file, counts)
    return folder


def write_safe(
    folder: Path,
    *,
    size: int = 180,
    offset: int | None = -1000,
    sensed: str = "2022-06-29T10:15:00.123456Z",
    degraded: str = "0.0",
    seed: int = 4,
) -> Path:
    """Write a SAFE of one granule whose bands are random counts; `offset` None leaves it without, as before 04.00."""
    safe = folder / f"{SAFE}.SAFE"
    granule = safe / "GRANULE" / GRANULE
    (granule / "IMG_DATA").mkdir(parents=True)
    (granule / "QI_DATA").mkdir()
    (safe / "MTD_MSIL1C.xml").write_text(product_xml(offset, degraded), encoding="utf-8")
    (granule / "MTD_TL.xml").write_text(granule_xml(size, sensed), encoding="utf-8")
    random = np.random.default_rng(seed)
    for key in KEYS:
        pixels = size * 10 // RESOLUTIONS[key]
        counts = random.integers(1, 12000, (pixels, pixels)).astype(np.uint16)
        write_jp2(granule / "IMG_DATA" / f"T33UUP_20220629T101041_B{key}.jp2", counts, RESOLUTIONS[key])
    return safe


def write_jp2(path: Path, values: np.ndarray, resolution: int) -> Path:
    """Write layers (or one) in JPEG 2000 without loss, on the corner of tile 33UUP."""
    layers = values if values.ndim == 3 else values[None]
    profile = {"driver": "JP2OpenJPEG", "crs": "EPSG:32633", "QUALITY": "100", "REVERSIBLE": "YES"}
    profile |= {"count": layers.shape[0], "height": layers.shape[1], "width": layers.shape[2], "dtype": layers.dtype}
    transform = Affine(resolution, 0.0, 300000.0, 0.0, -resolution, 5800020.0)
    with rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(layers)
    return path


def product_xml(offset: int | None, degraded: str = "0.0") -> str:
    """Return MTD_MSIL1C.xml; the offset of band 3 is one more than the others'."""
    offsets = ""
    if offset is not None:
        values = [offset + (index == 3) for index in range(13)]
        tags = "".join(f'<RADIO_ADD_OFFSET band_id="{i}">{value}</RADIO_ADD_OFFSET>' for i, value in enumerate(values))
        offsets = f"<Radiometric_Offset_List>{tags}</Radiometric_Offset_List>"
    irradiance = "".join(
        f'<SOLAR_IRRADIANCE bandId="{i}" unit="W/m²/µm">{1900 - 100 * i}</SOLAR_IRRADIANCE>' for i in range(13)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
<n1:General_Info><Product_Info><PRODUCT_START_TIME>2022-06-29T10:10:41.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{SAFE}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>
<PROCESSING_BASELINE>{"04.00" if offset is not None else "03.01"}</PROCESSING_BASELINE>
<Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake></Product_Info>
<Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
</Special_Values><QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>{offsets}
<Reflectance_Conversion><U>0.967</U><Solar_Irradiance_List>{irradiance}</Solar_Irradiance_List></Reflectance_Conversion>
</Product_Image_Characteristics></n1:General_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>12.5</Cloud_Coverage_Assessment><Technical_Quality_Assessment>
<DEGRADED_MSI_DATA_PERCENTAGE>{degraded}</DEGRADED_MSI_DATA_PERCENTAGE></Technical_Quality_Assessment>
</n1:Quality_Indicators_Info></n1:Level-1C_User_Product>
"""


def granule_xml(size: int, sensed: str) -> str:
    """Return MTD_TL.xml: detector 5 over the west of the tile, 6 over the east, azimuths about north."""
    sizes = "".join(
        f'<Size resolution="{r}"><NROWS>{size * 10 // r}</NROWS><NCOLS>{size * 10 // r}</NCOLS></Size>'
        for r in (10, 20, 60)
    )
    places = "".join(
        f'<Geoposition resolution="{r}"><ULX>300000</ULX><ULY>5800020</ULY></Geoposition>' for r in (10, 20, 60)
    )
    ones = np.ones((23, 23))
    column = np.arange(23) * ones
    views = "".join(
        f'<Viewing_Incidence_Angles_Grids bandId="{band}" detectorId="{detector}">'
        f"{_grid('Zenith', np.where(inside, 4.0, np.nan))}{_grid('Azimuth', np.where(inside, azimuth, np.nan))}"
        "</Viewing_Incidence_Angles_Grids>"
        for band in range(13)
        for detector, inside, azimuth in ((5, column < 12, 350.0), (6, column > 10, 20.0))
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd">
<n1:General_Info><TILE_ID>S2A_OPER_MSI_L1C_TL_VGS4_20220629T121042_A036657_T33UUP_N04.00</TILE_ID>
<SENSING_TIME metadataLevel="Standard">{sensed}</SENSING_TIME></n1:General_Info>
<n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32633</HORIZONTAL_CS_CODE>{sizes}{places}</Tile_Geocoding>
<Tile_Angles><Sun_Angles_Grid>{_grid("Zenith", 32.0 * ones)}{_grid("Azimuth", 150.0 * ones)}</Sun_Angles_Grid>
{views}</Tile_Angles></n1:Geometric_Info></n1:Level-1C_Tile_ID>
"""


def _grid(name: str, values: np.ndarray) -> str:
    rows = "".join(f"<VALUES>{' '.join(f'{value:g}' for value in row)}</VALUES>" for row in values)
    steps = '<COL_STEP unit="m">5000</COL_STEP><ROW_STEP unit="m">5000</ROW_STEP>'
    return f"<{name}>{steps}<Values_List>{rows}</Values_List></{name}>"


def gml_mask(features: list[tuple[str, str, list[tuple[float, float]]]]) -> str:
    """Return a GML mask of features: identifier, type, ring."""
    members = "".join(
        f'<eop:MaskFeature gml:id="{name}"><eop:maskType>{kind}</eop:maskType><eop:extentOf><gml:Polygon>'
        f'<gml:exterior><gml:LinearRing><gml:posList srsDimension="3">'
        f"{' '.join(f'{x} {y} 0' for x, y in [*ring, ring[0]])}</gml:posList></gml:LinearRing></gml:exterior>"
        "</gml:Polygon></eop:extentOf></eop:MaskFeature>"
        for name, kind, ring in features
    )
    return (
        '<?xml version="1.0"?><eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" '
        f'xmlns:gml="http://www.opengis.net/gml/3.2"><eop:maskMembers>{members}</eop:maskMembers></eop:Mask>'
    )
