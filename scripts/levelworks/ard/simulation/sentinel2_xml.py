"""The metadata of a simulated Sentinel-2 product: MTD_MSIL1C.xml of the product and MTD_TL.xml of the granule.

Source: Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), and real files of baselines 02.06 to 03.01
(shared/data/ard/meta/sentinel2_l1c).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from levelworks.ard.simulation.sentinel2_facts import PROCESSING_DELAY, Sentinel2Facts

QUANTIFICATION = 10000
PHYSICAL = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
IRRADIANCE = {
    "SEN2A": "1884.69 1959.66 1823.24 1512.06 1424.64 1287.61 1162.08 1041.63 955.32 812.92 367.15 245.59 85.25",
    "SEN2B": "1874.30 1959.75 1824.93 1512.79 1425.78 1291.13 1175.57 1041.28 953.93 817.58 365.41 247.08 87.75",
}
"""W m-2 um-1; of the units C and D those of A stand in."""


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"


def product_xml(facts: Sentinel2Facts) -> str:
    """Return the metadata of the product."""
    time, (absolute, relative) = _stamp(facts.time), facts.orbit
    made = _stamp(facts.time + PROCESSING_DELAY)
    images = "\n".join(
        f"            <IMAGE_FILE>GRANULE/{facts.granule}/IMG_DATA/{facts.stem}_B{band.key}</IMAGE_FILE>"
        for band in facts.sensor.bands
    )
    irradiance = IRRADIANCE.get(facts.sensor.id, IRRADIANCE["SEN2A"]).split()
    solar = "\n".join(
        f'          <SOLAR_IRRADIANCE bandId="{number}" unit="W/m²/µm">{value}</SOLAR_IRRADIANCE>'
        for number, value in enumerate(irradiance)
    )
    spectral = "\n".join(
        f"""        <Spectral_Information bandId="{number}" physicalBand="{physical}">
          <RESOLUTION>{band.resolution}</RESOLUTION>
          <Wavelength>
            <CENTRAL unit="nm">{1000 * band.wavelength:.1f}</CENTRAL>
          </Wavelength>
        </Spectral_Information>"""
        for number, (band, physical) in enumerate(zip(facts.sensor.bands, PHYSICAL, strict=True))
    )
    offsets = ""
    if facts.offset:
        rows = "\n".join(
            f'              <RADIO_ADD_OFFSET band_id="{number}">{facts.offset}</RADIO_ADD_OFFSET>'
            for number in range(len(PHYSICAL))
        )
        offsets = f"\n            <Radiometric_Offset_List>\n{rows}\n            </Radiometric_Offset_List>"
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <n1:General_Info>
    <Product_Info>
      <PRODUCT_START_TIME>{time}</PRODUCT_START_TIME>
      <PRODUCT_STOP_TIME>{time}</PRODUCT_STOP_TIME>
      <PRODUCT_URI>{facts.name}.SAFE</PRODUCT_URI>
      <PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL>
      <PRODUCT_TYPE>S2MSI1C</PRODUCT_TYPE>
      <PROCESSING_BASELINE>{facts.baseline}</PROCESSING_BASELINE>
      <GENERATION_TIME>{made}</GENERATION_TIME>
      <PREVIEW_IMAGE_URL>Not applicable</PREVIEW_IMAGE_URL>
      <PREVIEW_GEO_INFO>Not applicable</PREVIEW_GEO_INFO>
      <Datatake datatakeIdentifier="G{facts.unit}_{facts.time:%Y%m%dT%H%M%S}_{absolute:06d}_N{facts.baseline}">
        <SPACECRAFT_NAME>Sentinel-2{facts.sensor.id[-1]}</SPACECRAFT_NAME>
        <DATATAKE_TYPE>INS-NOBS</DATATAKE_TYPE>
        <DATATAKE_SENSING_START>{time}</DATATAKE_SENSING_START>
        <SENSING_ORBIT_NUMBER>{relative}</SENSING_ORBIT_NUMBER>
        <SENSING_ORBIT_DIRECTION>DESCENDING</SENSING_ORBIT_DIRECTION>
      </Datatake>
      <Query_Options completeSingleTile="true">
        <PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT>
      </Query_Options>
      <Product_Organisation>
        <Granule_List>
          <Granule datastripIdentifier="{facts.strip_id}" granuleIdentifier="{facts.tile_id}" imageFormat="JPEG2000">
{images}
          </Granule>
        </Granule_List>
      </Product_Organisation>
    </Product_Info>
    <Product_Image_Characteristics>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Special_Values>
        <SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
        <SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX>
      </Special_Values>
      <Image_Display_Order>
        <RED_CHANNEL>3</RED_CHANNEL>
        <GREEN_CHANNEL>2</GREEN_CHANNEL>
        <BLUE_CHANNEL>1</BLUE_CHANNEL>
      </Image_Display_Order>
      <QUANTIFICATION_VALUE unit="none">{QUANTIFICATION}</QUANTIFICATION_VALUE>{offsets}
      <Reflectance_Conversion>
        <U>{facts.distance_factor:.15f}</U>
        <Solar_Irradiance_List>
{solar}
        </Solar_Irradiance_List>
      </Reflectance_Conversion>
      <Spectral_Information_List>
{spectral}
      </Spectral_Information_List>
      <REFERENCE_BAND>3</REFERENCE_BAND>
    </Product_Image_Characteristics>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Coordinate_Reference_System>
      <GEO_TABLES version="1">EPSG</GEO_TABLES>
      <HORIZONTAL_CS_TYPE>GEOGRAPHIC</HORIZONTAL_CS_TYPE>
    </Coordinate_Reference_System>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info>
    <Cloud_Coverage_Assessment>{facts.cloud_cover:.4f}</Cloud_Coverage_Assessment>
    <Technical_Quality_Assessment>
      <DEGRADED_ANC_DATA_PERCENTAGE>0.0</DEGRADED_ANC_DATA_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
    </Technical_Quality_Assessment>
  </n1:Quality_Indicators_Info>
</n1:Level-1C_User_Product>
"""


def granule_xml(facts: Sentinel2Facts) -> str:
    """Return the metadata of the granule."""
    grid = facts.grid
    sizes = "\n".join(
        f"""      <Size resolution="{step}">
        <NROWS>{grid.rows * 10 // step}</NROWS>
        <NCOLS>{grid.columns * 10 // step}</NCOLS>
      </Size>"""
        for step in (10, 20, 60)
    )
    places = "\n".join(
        f"""      <Geoposition resolution="{step}">
        <ULX>{grid.west:.0f}</ULX>
        <ULY>{grid.north:.0f}</ULY>
        <XDIM>{step}</XDIM>
        <YDIM>-{step}</YDIM>
      </Geoposition>"""
        for step in (10, 20, 60)
    )
    angles = facts.angles
    views = "\n".join(
        f'      <Viewing_Incidence_Angles_Grids bandId="{band}" detectorId="{detector}">\n'
        f"{_grid('Zenith', zenith)}\n{_grid('Azimuth', azimuth)}\n      </Viewing_Incidence_Angles_Grids>"
        for (band, detector), (zenith, azimuth) in angles.views.items()
    )
    means = "\n".join(
        f"""        <Mean_Viewing_Incidence_Angle bandId="{band}">
          <ZENITH_ANGLE unit="deg">{zenith:.13f}</ZENITH_ANGLE>
          <AZIMUTH_ANGLE unit="deg">{azimuth:.12f}</AZIMUTH_ANGLE>
        </Mean_Viewing_Incidence_Angle>"""
        for band, (zenith, azimuth) in angles.mean_views.items()
    )
    numbers = {band.key: number for number, band in enumerate(facts.sensor.bands)}
    masks = "\n".join(
        f'      <MASK_FILENAME bandId="{numbers[key]}" type="{kind}">GRANULE/{facts.granule}/QI_DATA/{kind}_B{key}.'
        f"{facts.mask_ending}</MASK_FILENAME>"
        for kind, key in facts.masks
    )
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <n1:General_Info>
    <TILE_ID metadataLevel="Brief">{facts.tile_id}</TILE_ID>
    <DATASTRIP_ID metadataLevel="Standard">{facts.strip_id}</DATASTRIP_ID>
    <DOWNLINK_PRIORITY metadataLevel="Standard">NOMINAL</DOWNLINK_PRIORITY>
    <SENSING_TIME metadataLevel="Standard">{_stamp(facts.time)}</SENSING_TIME>
  </n1:General_Info>
  <n1:Geometric_Info>
    <Tile_Geocoding metadataLevel="Brief">
      <HORIZONTAL_CS_NAME>{facts.zone_name}</HORIZONTAL_CS_NAME>
      <HORIZONTAL_CS_CODE>{grid.crs}</HORIZONTAL_CS_CODE>
{sizes}
{places}
    </Tile_Geocoding>
    <Tile_Angles metadataLevel="Standard">
      <Sun_Angles_Grid>
{_grid("Zenith", angles.sun_zenith)}
{_grid("Azimuth", angles.sun_azimuth)}
      </Sun_Angles_Grid>
      <Mean_Sun_Angle>
        <ZENITH_ANGLE unit="deg">{angles.mean_sun[0]:.13f}</ZENITH_ANGLE>
        <AZIMUTH_ANGLE unit="deg">{angles.mean_sun[1]:.12f}</AZIMUTH_ANGLE>
      </Mean_Sun_Angle>
{views}
      <Mean_Viewing_Incidence_Angle_List>
{means}
      </Mean_Viewing_Incidence_Angle_List>
    </Tile_Angles>
  </n1:Geometric_Info>
  <n1:Quality_Indicators_Info metadataLevel="Standard">
    <Image_Content_QI>
      <CLOUDY_PIXEL_PERCENTAGE>{facts.cloud_cover:.4f}</CLOUDY_PIXEL_PERCENTAGE>
      <DEGRADED_MSI_DATA_PERCENTAGE>0</DEGRADED_MSI_DATA_PERCENTAGE>
    </Image_Content_QI>
    <Pixel_Level_QI geometry="FULL_RESOLUTION">
{masks}
    </Pixel_Level_QI>
  </n1:Quality_Indicators_Info>
</n1:Level-1C_Tile_ID>
"""


def _grid(name: str, values: np.ndarray) -> str:
    rows = "\n".join(
        f"            <VALUES>{' '.join('NaN' if np.isnan(one) else f'{one:.6g}' for one in row)}</VALUES>"
        for row in values
    )
    return f"""        <{name}>
          <COL_STEP unit="m">5000</COL_STEP>
          <ROW_STEP unit="m">5000</ROW_STEP>
          <Values_List>
{rows}
          </Values_List>
        </{name}>"""
