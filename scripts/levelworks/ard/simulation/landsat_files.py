"""Writes a simulated scene as USGS does: a folder, or an archive, of GeoTIFFs and text files by the product's name."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation

from levelworks.ard.simulation.forward_kernels import upset_pixels
from levelworks.ard.simulation.instrument import TEMPERATURE_NOISE, add_noise, draw
from levelworks.ard.simulation.landsat_ang import angle_text
from levelworks.ard.simulation.landsat_calibration import BandCalibration, calibrations, thermal_keys
from levelworks.ard.simulation.landsat_facts import LandsatFacts
from levelworks.ard.simulation.landsat_mtl import mtl_text
from levelworks.ard.simulation.rasters import create, write_rows
from levelworks.ard.simulation.scene_maker import REFERENCE_BAND, Block, SceneMaker
from levelworks.ard.simulation.smooth_noise import Window
from levelworks.ard.simulation.truth import CIRRUS_LIMIT, TruthWriter
from levelworks.core.sun import sun_distance

BLOCK_ROWS = 256
COOLING = {"10": 1.0, "11": 1.6}
"""Kelvin that the air takes for each g cm-2 of water vapour; of the thermal band of TM and ETM+ as `COOLING_TM`."""
COOLING_TM = 1.2
CIRRUS_TEMPERATURE = 225.0
CIRRUS_EMISSION = 3.0
"""Emissivity of cirrus for each reflectance of 1. APPROXIMATE."""
DILATION = 3
"""Pixels by which QA_PIXEL widens clouds."""
VISIBLE = ("BLUE", "GREEN", "RED")


def facts_of(maker: SceneMaker) -> LandsatFacts:
    """Return what is known of a scene before its pixels are made."""
    placement, description = maker.placement, maker.description
    zenith, azimuth = (float(one) for one in placement.sun(placement.time))
    distance = round(sun_distance(placement.time), 7)
    return LandsatFacts(
        maker.sensor,
        placement.time,
        *description.path_row,
        description.level,
        description.tier,
        maker.grid,
        placement.zone,
        zenith,
        (azimuth + 180) % 360 - 180,
        distance,
        0.0,
        frozenset(),
        calibrations(maker.sensor, distance),
        description.angle_files,
    )


class LandsatWriter:
    """Writes the files of a scene, block by block.

    Parameters
    ----------
    maker : SceneMaker
    """

    def __init__(self, maker: SceneMaker) -> None:
        self.maker = maker
        self.facts = facts_of(maker)
        self.sensor = maker.sensor
        self._saturated: set[str] = set()
        self._files: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """Return the agency's identifier."""
        return self.facts.id

    @property
    def folder_name(self) -> str:
        """Return the name of the scene's folder."""
        return self.facts.id

    def write(self, folder: Path, truth: TruthWriter) -> None:
        """Write all files into a folder, and the truth of each block with them."""
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            counts = "uint8" if self.sensor.saturation == 255 else "uint16"
            reflective = [band.key for band in self.sensor.reflective]
            names = [(f"B{key}", counts) for key in (*reflective, *thermal_keys(self.sensor))]
            names += [("QA_PIXEL", "uint16"), ("QA_RADSAT", "uint16")]
            if self.facts.angle_files:
                names += [(name, "int16") for name in ("SZA", "SAA", "VZA", "VAA")]
            for name, dtype in names:
                path = folder / f"{self.facts.id}_{name}.TIF"
                nodata = 1 if name == "QA_PIXEL" else 0
                file = create(path, self.maker.grid, dtype, nodata=nodata, compress="deflate", zlevel=1)
                file.update_tags(AREA_OR_POINT="Point")
                self._files[name] = stack.enter_context(file)
            for block in self.maker.blocks(BLOCK_ROWS):
                self._write_block(block)
                truth.write(block)
        facts = replace(self.facts, cloud_cover=truth.cloud_cover, saturated=frozenset(self._saturated))
        (folder / f"{facts.id}_MTL.txt").write_text(mtl_text(facts))
        if facts.angle_files:
            (folder / f"{facts.id}_ANG.txt").write_text(angle_text(facts))

    def _write_block(self, block: Block) -> None:
        seen = block.seen > 0
        found = self.reflective_counts(block) | self.thermal_counts(block)
        radsat = np.zeros(block.window.shape, np.uint16)
        for key, counts in found.items():
            counts[~seen] = 0
            full = counts == self.sensor.saturation
            if full.any():
                self._saturated.add(key)
                radsat |= full.astype(np.uint16) << np.uint16(_saturation_bit(key))
            write_rows(self._files[f"B{key}"], counts, block.start)
        write_rows(self._files["QA_RADSAT"], radsat, block.start)
        write_rows(self._files["QA_PIXEL"], quality_of_pixels(block, self.sensor.saturation > 255), block.start)
        if not self.facts.angle_files:
            return
        angles = dict(zip(("SZA", "SAA", "VZA", "VAA"), (*block.sun_angles, *block.view_angles), strict=True))
        for name, degrees in angles.items():
            write_rows(self._files[name], np.where(seen, np.rint(degrees * 100), 0).astype(np.int16), block.start)

    def reflective_counts(self, block: Block) -> dict[str, np.ndarray]:
        """Return the counts of the reflective bands of some rows by the number of the band."""
        cosine = np.cos(np.radians(block.sun_zenith.astype(float)))
        description = self.maker.description
        found = {}
        for number, band in enumerate(self.sensor.reflective):
            reflectance = block.top_reflectance(band.name)
            if description.noise:
                reflectance = add_noise(reflectance, self.sensor, description.seed, number, block.start)
            one = self.facts.calibrations[band.key]
            found[band.key] = self._counts(reflectance * cosine, one.reflectance_gain, one.reflectance_offset)
        if description.impulse_noise > 0 and self.sensor.saturation == 255:
            keys = [self.sensor.band(name).key for name in VISIBLE]
            visible = np.stack([found[key] for key in keys])
            upset_pixels(description.seed * 1000 + 400, description.impulse_noise, block.start, visible)
            found |= dict(zip(keys, visible, strict=True))
        return found

    def thermal_counts(self, block: Block) -> dict[str, np.ndarray]:
        """Return the counts of the thermal bands of some rows by the number of the band."""
        found = {}
        for number, key in enumerate(thermal_keys(self.sensor)):
            one = self.facts.calibrations[key]
            ground, top, opacity = block.temperature(COOLING.get(key, COOLING_TM))
            light = (1 - opacity) * radiance_of(ground, one) + opacity * radiance_of(top, one)
            if block.cirrus is not None:
                emitted = np.minimum(CIRRUS_EMISSION * block.cirrus, 1)
                light += emitted * (radiance_of(np.array(CIRRUS_TEMPERATURE), one) - light)
            if self.maker.description.noise:
                spread = TEMPERATURE_NOISE[self.sensor.id] * _slope(light, one)
                light = light + spread * draw(self.maker.description.seed, 40 + number, block.start, light.shape)
            found[key] = self._counts(light, one.radiance_gain, one.radiance_offset)
        return found

    def _counts(self, values: np.ndarray, gain: float | None, offset: float | None) -> np.ndarray:
        if gain is None or offset is None:
            raise ValueError("a thermal band has no reflectance")
        counts = np.clip(np.rint((values - offset) / gain), 1, self.sensor.saturation)
        return counts.astype(np.uint8 if self.sensor.saturation == 255 else np.uint16)


def radiance_of(temperature: np.ndarray, calibration: BandCalibration) -> np.ndarray:
    """Return the radiance (W m-2 sr-1 um-1) of a brightness temperature (K) by K1 and K2, float64."""
    k1, k2 = calibration.k1 or 0.0, calibration.k2 or 0.0
    return np.asarray(k1 / np.expm1(k2 / temperature.astype(float)))


def _slope(radiance: np.ndarray, calibration: BandCalibration) -> np.ndarray:
    """Return the change of radiance by a kelvin."""
    k1, k2 = calibration.k1 or 1.0, calibration.k2 or 1.0
    temperature = k2 / np.log(k1 / radiance + 1)
    return np.asarray(radiance * (1 + radiance / k1) * k2 / temperature**2)


def _saturation_bit(key: str) -> int:
    """Return the bit of QA_RADSAT of a band: B1 is bit 0; of ETM+ the high gain of band 6 is bit 8."""
    if key == "6_VCID_2":
        return 8
    return int(key.partition("_")[0]) - 1


def quality_of_pixels(block: Block, modern: bool) -> np.ndarray:
    """Return QA_PIXEL of some rows by the truth, uint16 (USGS LSDS-1822, LSDS-1619).

    Bits 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 shadow, 5 snow, 6 clear, 7 water; 8 to 15 confidences of cloud,
    shadow, snow and cirrus: 1 low, 2 medium, 3 high. Before Landsat 8 there is no cirrus.
    """
    maker = block.maker
    around = Window.of(maker.grid, block.start, block.stop, margin=DILATION)
    base = np.float32(maker.description.landscape.base)
    wide = maker.clouds.seen(around, maker.look(REFERENCE_BAND), maker.ground_maker.elevation(around) - base)
    inner = (slice(DILATION, -DILATION), slice(DILATION, -DILATION))
    nothing = np.zeros(block.window.shape, bool)
    cloud = nothing if wide is None else wide.opacity[inner] >= 0.5
    dilated = nothing if wide is None else binary_dilation(wide.opacity >= 0.5, np.ones((7, 7), bool))[inner]
    cirrus = nothing if block.cirrus is None or not modern else block.cirrus > CIRRUS_LIMIT
    shadow = (block.shade >= 0.5) & ~cloud
    snow, water = block.snow & ~cloud, block.ground.water & ~cloud
    flags = (dilated & ~cloud, cirrus, cloud, shadow, snow, ~(cloud | dilated), water)
    quality = np.zeros(block.window.shape, np.uint16)
    for bit, flag in enumerate(flags, start=1):
        quality |= flag.astype(np.uint16) << np.uint16(bit)
    sure = [(8, cloud), (10, shadow), (12, snow)] + ([(14, cirrus)] if modern else [])
    for bit, flag in sure:
        quality |= np.where(flag, np.uint16(3), np.uint16(1)) << np.uint16(bit)
    quality[block.seen == 0] = 1
    return quality
