"""The acceptance tests of specs/ard.md 29, and where each is proven.

Nearness to the truth (A9, A10) and memory (A17) of full-size images are figures of `scripts/bench ard`; what stands
here of them are small scenes.

A1   test_every_real_file_has_what_is_read, test_real_metadata_is_read_whole
A2   test_counts_of_real_clips_become_the_reflectance_of_the_mtl
A3   test_the_oracle_of_the_specification, test_every_mtl_s_sun_at_the_scene_s_centre, test_the_sun_grids_of_sentinel2
A4   test_every_state_of_the_bits_is_read_back
A5   test_queue_is_read_with_any_white_space, test_only_known_images_change_their_state,
     test_a_queue_and_a_parameter_file_of_force_are_all_it_needs, test_a_killed_campaign_goes_on_to_the_same_bytes
A6   test_origins_are_those_of_force
A7   test_points_on_borders_follow_force, test_an_image_touches_the_tiles_that_its_pixels_lie_in
A8   test_reflectance_is_that_of_6s_at_held_out_cases
A9   test_reflectance_is_that_of_the_ground
A10  test_cloud_and_shadow_are_found_where_they_are
A11  test_factor_is_that_of_the_formula
A12  test_reflectance_no_longer_rises_with_the_sun
A13  test_any_order_and_any_repetition_give_the_same_bytes
A14  test_bytes_do_not_depend_on_threads, test_bytes_do_not_depend_on_blocks_or_runs, test_bytes_do_not_depend_on_ranks,
     test_bytes_of_sentinel2_do_not_depend_on_ranks
A15  test_the_file_is_cloud_optimised_for_all_that_check_it, test_overviews_of_bits_are_pixels_of_the_file
A16  test_items_are_valid_and_true, test_the_collection_is_valid_and_around_its_items
A17  test_memory_does_not_grow_with_the_image
A18  test_means_of_cells_are_kept
A19  test_an_image_across_the_antimeridian_is_processed, test_an_image_across_180_degrees_is_whole_in_the_cube
A20  test_all_tags_of_force_are_known, test_each_tag_is_accepted_at_its_limits_and_refused_beyond
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from ard_accuracy import assess
from ard_products import Product, make
from proofs import known_tests, proofs_in

from levelworks.ard.masks.quality import FIELDS, NO_DATA, inflate, pack
from levelworks.ard.simulation.scene_description import Clouds, Landscape, SceneDescription
from levelworks.ard.simulation.simulate import simulate
from levelworks.ard.simulation.truth import SimulatedScene
from levelworks.core.outcome import Outcome, Status

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("number", range(1, 21))
def test_every_acceptance_test_is_there(number: int) -> None:
    named, known = proofs_in(__doc__ or "", "A").get(number, []), known_tests("ard") | known_tests("workflow")
    assert named
    assert set(named) <= known, set(named) - known


def by_command(scene: SimulatedScene, folder: Path, *, ranks: int = 1, threads: int = 1, **options: object) -> Product:
    """Process an image by the command line."""
    command = ["mpiexec", "-n", str(ranks)] if ranks > 1 else []
    command += ["levelworks", "ard", "process-image", "--image", str(scene.path), "--product", str(folder)]
    text = json.dumps({name.replace("_", "-"): value for name, value in options.items()})
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    environment["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, "--options", text], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return Product(folder, Outcome(Status.DONE))


def test_every_state_of_the_bits_is_read_back() -> None:
    values = np.arange(0, 2**15, 2, dtype=np.int16)
    states = inflate(values)
    assert {name: int(one.max()) for name, one in states.items()} == {
        field.name: 0 if field.name == "nodata" else 2**field.width - 1 for field in FIELDS
    }
    np.testing.assert_array_equal(pack(**states), values)
    assert (pack(**states | {"nodata": 1}) == NO_DATA).all()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SimulatedScene:
    """Write a Landsat 8 scene with clouds."""
    description = SceneDescription(
        rows=150, columns=130, clouds=Clouds(cover=0.15, size=700.0), landscape=Landscape(parcel=450.0), seed=314
    )
    return simulate(description, tmp_path_factory.mktemp("small"))


@pytest.mark.long
def test_bytes_do_not_depend_on_threads(small: SimulatedScene, tmp_path: Path) -> None:
    known = by_command(small, tmp_path / "one").bytes()
    for threads in (2, 4):
        assert by_command(small, tmp_path / f"{threads}", threads=threads).bytes() == known


@pytest.mark.long
def test_bytes_of_sentinel2_do_not_depend_on_ranks(tmp_path: Path) -> None:
    description = SceneDescription(
        sensor="SEN2A", rows=180, columns=168, day=date(2018, 8, 24), clouds=Clouds(cover=0.15, size=400.0),
        landscape=Landscape(parcel=300.0), truth="none", seed=315,
    )  # fmt: skip
    scene = simulate(description, tmp_path)
    known = by_command(scene, tmp_path / "one", block_rows=64).bytes()
    for ranks in (2, 3):
        assert by_command(scene, tmp_path / f"{ranks}", ranks=ranks, block_rows=64).bytes() == known


@pytest.mark.long
def test_cloud_and_shadow_are_found_where_they_are(tmp_path: Path) -> None:
    """A scene of 13 km; those of the benchmark are larger and many."""
    description = SceneDescription(rows=440, columns=440, terrain=False, adjacency=False, sun_zenith=43.0, seed=316)
    scene = simulate(description, tmp_path)
    found = make(scene.path, tmp_path / "image", brdf_correction=False, adjacency_correction=False, water_vapour=2.0)
    accuracy = assess(scene, found.folder)
    assert accuracy.cloud.overall > 0.98
    assert accuracy.cloud.user > 0.90
    assert accuracy.bright_soil_as_cloud < 0.02
    assert accuracy.shadow.overall > 0.93


@pytest.mark.long
def test_memory_does_not_grow_with_the_image(tmp_path: Path) -> None:
    """Four times the pixels take less than an eighth of what their bands would, all held as numbers at a time."""
    peaks = []
    for side in (300, 1200):
        description = SceneDescription(rows=side, columns=300, truth="none", seed=317)
        scene = simulate(description, tmp_path / f"{side}")
        options = ["--options", json.dumps({"block-rows": 100})]
        words = ["--image", str(scene.path), "--product", str(tmp_path / f"product{side}")]
        process = subprocess.Popen(
            [str(BIN / "levelworks"), "ard", "process-image", *words, *options], stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0
        peaks.append(usage.ru_maxrss * 1024)
    assert peaks[1] - peaks[0] < 40e6, peaks
