"""What a review of the line found wrong: dead detector columns, gases whose own air is opaque, sites far away."""

from __future__ import annotations

import numpy as np
import pytest
from level1_scene import Level1Scene

from levelworks.core.outcome import NothingToProduce
from levelworks.plumes.detection.plume_pieces import Piece, join_pieces
from levelworks.plumes.detection.plume_spectra import evidence_of_plume
from levelworks.plumes.emission.quantify_plumes import DetectedPlume
from levelworks.plumes.layers import open_layers
from levelworks.plumes.readers.enmap_reader import open_enmap
from levelworks.plumes.readers.open_scene import open_scene
from levelworks.plumes.retrieval.absorption import FWHM_TO_SIGMA, library_source, scene_absorption
from levelworks.plumes.retrieval.absorption_files import read_absorption
from levelworks.plumes.retrieval.absorption_stage import USUAL_MIXING_RATIOS, tabulate_absorption
from levelworks.plumes.retrieval.quality import FLAGS
from levelworks.plumes.retrieval.retrieval_options import Absorption, Retrieve
from levelworks.plumes.retrieval.retrieve_stage import retrieve
from levelworks.plumes.simulation.enmap_files import write_enmap
from levelworks.plumes.simulation.enmap_instrument import enmap_spectral
from levelworks.plumes.simulation.prisma_files import write_prisma
from levelworks.plumes.simulation.prisma_instrument import prisma_spectral
from levelworks.plumes.simulation.simulate import SceneDescription
from levelworks.plumes.simulation.simulated_campaigns import satellite_scene
from levelworks.plumes.tables import solar_irradiance
from levelworks.plumes.units import AVOGADRO, dry_column

SPECTRAL = enmap_spectral()
KEEP_ALL = {"water": "own", "clouds": "keep", "classes": "none"}


class Deadened:
    """A scene that measures nothing where detector elements are dead: (columns, bands) bool."""

    def __init__(self, scene: object, dead: np.ndarray, transmittance: np.ndarray | None = None) -> None:
        self.scene, self.dead, self.transmittance = scene, dead, transmittance

    def __getattr__(self, name: str) -> object:
        return getattr(self.scene, name)

    def radiance(self, rows: range) -> np.ndarray:
        found = self.scene.radiance(rows)
        if self.transmittance is not None:
            found = found * self.transmittance[rows.start : rows.stop]
        return np.where(self.dead, 0, found).astype(np.float32)


def retrieved(product, folder, *names: str, **options) -> list[np.ndarray]:
    """Retrieve a granule, its narrow window alone, and return some layers."""
    tabulate_absorption(product, None, {}, {}, folder / "a.nc", Absorption())
    wanted = Retrieve(primary="narrow", windows="primary", **options)
    retrieve(product, None, None, None, folder / "a.nc", None, folder / "x.nc", wanted)
    with open_layers(folder / "x.nc") as layers:
        return [layers.read(name) for name in names]


def lines_of_carbon_dioxide() -> tuple[np.ndarray, np.ndarray]:
    """Return lines as strong and as wide as those near 2 um: wavelengths (nm) and cm2 per molecule."""
    wavelengths = np.arange(1975.0, 2045.0, 0.004)
    wave = 1e7 / wavelengths
    section = np.zeros(wave.size)
    for line in np.arange(wave.min(), wave.max(), 1.56):
        section += 1e-21 * 0.07 / np.pi / ((wave - line) ** 2 + 0.07**2)
    return wavelengths, section


def test_carbon_dioxide_is_added_to_air_that_holds_some(emit, tmp_path) -> None:
    """Lines that the usual carbon dioxide has blackened darken no further, Beer's law channel by channel."""
    wavelengths, section = lines_of_carbon_dioxide()
    table = tmp_path / "co2.txt"
    np.savetxt(table, np.stack([wavelengths, section], axis=1), fmt="%.5f %.6e")
    tabulate_absorption(
        emit.radiance, emit.observations, {}, {"co2": table}, tmp_path / "a.nc", Absorption(gases=["co2"])
    )
    found = read_absorption(tmp_path / "a.nc")["co2"]
    with open_scene(emit.radiance, emit.observations) as scene:
        geometry, centres, widths = scene.geometry, scene.spectral.centres, scene.spectral.widths
    path = float((1 / np.cos(np.radians(geometry.sun_zenith)) + 1 / np.cos(np.radians(geometry.view_zenith))).mean())
    height = float(geometry.elevation.mean())
    air = dry_column(101325.0 * (1 - 0.0065 * height / 288.15) ** 5.25588) * path
    depth = section * AVOGADRO / 1e4
    sun = solar_irradiance()
    light = np.interp(wavelengths, sun.wavelengths, sun.irradiance) * np.exp(-depth * USUAL_MIXING_RATIOS["co2"] * air)
    band = int(np.argmin(np.abs(centres[0] - 2010)))
    response = np.exp(-0.5 * ((wavelengths - centres[0, band]) / (widths[0, band] * FWHM_TO_SIGMA)) ** 2)
    usual = light * response
    for added in (found.slant_columns[1], 60.0, 150.0):
        expected = np.log((usual * np.exp(-depth * added)).sum() / usual.sum())
        tabulated = np.interp(added, found.slant_columns, found.ln_transmittance[0, band])
        assert tabulated == pytest.approx(expected, rel=0.02)
    # without the usual air the bands would seem to darken several times as much
    bare = np.log((response * np.exp(-depth * 1.0)).sum() / response.sum())
    assert bare / found.unit[0, band] > 3


def test_a_dead_detector_column_costs_its_neighbours_nothing(tmp_path) -> None:
    dead = np.zeros((18, SPECTRAL.bands), dtype=bool)
    dead[7] = True
    whole = write_enmap(tmp_path / "whole", Level1Scene(SPECTRAL))
    broken = write_enmap(tmp_path / "broken", Level1Scene(SPECTRAL), dead_elements=dead)
    (before,) = retrieved(whole, tmp_path / "whole", "ch4", **KEEP_ALL)
    (after,) = retrieved(broken, tmp_path / "broken", "ch4", **KEEP_ALL)
    assert np.isfinite(before).all()
    assert not np.isfinite(after[:, 7]).any()
    assert np.isfinite(np.delete(after, 7, axis=1)).all()


def test_dead_elements_that_leave_too_few_bands_are_no_crash(tmp_path) -> None:
    """Each column has lost a fifth of its bands, another fifth in each: all bands are dead somewhere in the group."""
    dead = np.zeros((18, SPECTRAL.bands), dtype=bool)
    for column in range(18):
        dead[column, column % 5 :: 5] = True
    product = write_enmap(tmp_path, Level1Scene(SPECTRAL), dead_elements=dead)
    alone = retrieved(product, tmp_path, "ch4", columns_per_group=1, **KEEP_ALL)[0]
    assert np.isfinite(alone).all()
    with pytest.raises(NothingToProduce):
        retrieved(product, tmp_path, "ch4", **KEEP_ALL)


def test_a_dead_element_at_1380_nm_is_no_cirrus(tmp_path) -> None:
    spectral = prisma_spectral(12)
    scene = satellite_scene(SceneDescription(surface="desert", seed=5), "PRISMA", spectral, 40, 12)
    dead = np.zeros((12, spectral.bands), dtype=bool)
    dead[4, spectral.nearest(1380.0)] = True
    product = write_prisma(tmp_path, Deadened(scene, dead), dead_elements=dead)
    quality, amount = retrieved(product, tmp_path, "quality", "ch4")
    assert not (quality & FLAGS["cirrus"]).any()
    assert np.isfinite(amount[:, 4]).mean() > 0.9


def test_spectra_are_compared_where_detector_elements_are_dead(tmp_path) -> None:
    scene = satellite_scene(SceneDescription(surface="desert", seed=6), "EnMAP", SPECTRAL, 60, 40)
    dead = np.random.default_rng(7).uniform(size=(40, SPECTRAL.bands)) < 0.05
    mask = np.zeros((60, 40), dtype=bool)
    mask[20:26, 15:22] = True
    unit = np.nan_to_num(scene_absorption(library_source(), SPECTRAL).unit[0])
    darkened = Deadened(scene, dead, np.where(mask[..., None], np.exp(0.3 * unit), 1.0))
    product = write_enmap(tmp_path, darkened, dead_elements=dead)
    tabulate_absorption(product, None, {}, {}, tmp_path / "a.nc", Absorption())
    with open_enmap(product) as opened:
        known = read_absorption(tmp_path / "a.nc")["ch4"]
        evidence = evidence_of_plume(opened, known, mask, mask.astype(float), ~mask, "hsi-20240724t104526-plume0", 10)
    assert evidence.correlation > 0.6  # dead elements unbridged: 0.14, and a column thirty times too large
    assert evidence.column == pytest.approx(0.3, rel=0.2)
    assert evidence.control == 0


@pytest.mark.parametrize(("distance", "name"), [(200.0, "North well"), (2.4e6, ""), (None, "North well")])
def test_a_plume_takes_the_name_of_a_site_that_is_near(distance: float | None, name: str) -> None:
    properties = {"site": "North well", "site_distance_m": distance}
    assert DetectedPlume("ch4", 1, None, properties=properties).site == name


def test_thousands_of_pieces_are_joined_as_a_few_are() -> None:
    """Pairs of pieces, each across a gap along their common direction; pairs lie far apart."""
    square = np.argwhere(np.ones((2, 6), dtype=bool))
    pieces = [
        Piece(square + np.array([40 * pair, 9 * side]), 9.0, (40 * pair, 9 * side), 0.0)
        for pair in range(2000)
        for side in (0, 1)
    ]
    groups = join_pieces(pieces, 5.0, 4.0, 0.5)
    assert groups == [[2 * pair, 2 * pair + 1] for pair in range(2000)]
