"""Which granules a campaign plans over its runs, and where what it makes stands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError

from levelworks.core.outcome import InvalidOptions
from levelworks.xco2.cog_stage import _numbered
from levelworks.xco2.cogs import cog_name
from levelworks.xco2.days import State, read_state
from levelworks.xco2.days_stage import find_ready, known_gaps, select
from levelworks.xco2.layout import Layout
from levelworks.xco2.options import SelectDays, Xco2
from levelworks.xco2.plan import plan_campaign
from levelworks.xco2.simulated_campaigns import campaign_targets
from levelworks.xco2.targets import write_targets

FIRST = dt.date(2020, 3, 3)
PRODUCTS = {"oco2": "oco2_LtCO2", "oco3": "oco3_LtCO2", "oco3_sif": "oco3_LtSIF"}


def name(number: int, dataset: str = "oco3", build: str = "B11072Ar") -> str:
    return f"{PRODUCTS[dataset]}_{FIRST + dt.timedelta(days=number):%y%m%d}_{build}_240915205334s.nc4"


def days_of(*numbers: int, build: str = "B11072Ar") -> list[str]:
    return [name(number, dataset, build) for number in numbers for dataset in PRODUCTS]


def rounds(names: list[str], options: SelectDays, state: State, number: int) -> list[list[str]]:
    """Return the files that each of several runs plans, the state of one going into the next."""
    planned = []
    for _ in range(number):
        ready = find_ready(names, known_gaps(None), state, options)
        planned.append(sorted(file for files in ready.planned.values() for file in files.values()))
        state = State(
            {
                **state.processed,
                **{day: {**state.processed.get(day, {}), **one} for day, one in ready.selection.selected.items()},
            }
        )
    return planned


@pytest.fixture
def sites(tmp_path: Path) -> Path:
    write_targets(campaign_targets(2), tmp_path / "targets.json")
    return tmp_path / "targets.json"


@pytest.fixture
def granules(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for one in days_of(0, 1, 2, 3, 4, 5):
        (folder / one).touch()
    return folder


def test_a_skipped_dataset_stays_skipped_in_later_runs():
    first, second = rounds(days_of(0, 1), SelectDays(skipped=["oco2"]), State(), 2)
    assert first == second
    assert not any(one.startswith("oco2") for one in second)


@pytest.mark.parametrize("every_day", [False, True])
def test_a_dataset_that_is_skipped_from_now_on_makes_no_day_new(every_day):
    processed = find_ready(days_of(0, 1), known_gaps(None), State(), SelectDays()).selection.selected
    options = SelectDays(skipped=["oco2"], every_day=every_day, limit=1)
    (planned,) = rounds(days_of(0, 1, 2), options, State(processed), 1)
    assert sorted(one.split("_")[2] for one in planned) == [f"20030{day}" for day in (3, 3, 4, 4, 5, 5)]


def test_a_limit_holds_for_days_with_newer_files_too():
    state = State(find_ready(days_of(0, 1, 2), known_gaps(None), State(), SelectDays()).selection.selected)
    names = days_of(0, 1, 2) + days_of(0, 1, 2, build="B12000Ar")
    first, second, third = rounds(names, SelectDays(limit=2), state, 3)
    assert [sum("B12000Ar" in one for one in planned) for planned in (first, second, third)] == [6, 9, 9]
    assert [len(planned) for planned in (first, second, third)] == [9, 9, 9]


def test_what_was_processed_elsewhere_counts_in_the_plan_and_in_the_state(granules, sites, tmp_path):
    elsewhere = tmp_path / "elsewhere.json"
    own = tmp_path / "state.json"
    files = sorted(granules.iterdir())
    select([path for path in files if "20030" in path.name and path.name.split("_")[2] <= "200305"], None, None, None,
           tmp_path / "days.json", elsewhere, SelectDays())  # fmt: skip
    section = Xco2(granules=[str(granules)], targets=str(sites), state=elsewhere, select_days={"limit": 1})
    for day in ("200306", "200307", "200308"):
        planned = plan_campaign(section, own).granules
        new = {one.split("_")[2] for one in planned}
        assert max(new) == day
        assert min(new) == "200306"
        standing = own if own.exists() else None
        select(files, None, elsewhere, standing, tmp_path / "days.json", tmp_path / "next.json", section.select_days)
        (tmp_path / "next.json").replace(own)
    assert {day.isoformat() for day in read_state(own)[0].processed} == {"2020-03-06", "2020-03-07", "2020-03-08"}


def test_datasets_without_targets_are_refused_before_any_job(granules, sites, tmp_path):
    section = Xco2(granules=[str(granules)], targets={"oco2": sites})
    with pytest.raises(InvalidOptions, match=r"xco2\.targets\.oco3 names no file, but there are granules of oco3;"):
        plan_campaign(section, tmp_path / "state.json")
    skipping = section.model_copy(update={"select_days": SelectDays(skipped=["oco3", "oco3_sif"])})
    assert plan_campaign(skipping, tmp_path / "state.json").datasets == ["oco2"]


@pytest.mark.parametrize(
    "layout", ["{quality}/{dataset}_{target}.zarr", "{dataset}/{target}.zarr", "../{quality}/{dataset}/{target}"]
)
def test_layouts_in_which_cubes_could_be_mistaken_are_refused(layout):
    with pytest.raises(ValidationError, match="parted by /"):
        Xco2(layout=layout)


def test_mosaics_never_stand_where_cubes_have_their_folders(granules, sites, tmp_path):
    section = Xco2(granules=[str(granules)], targets=str(sites), world="on", cube_folder=tmp_path / "product")
    layout = Layout(plan_campaign(section, tmp_path / "state.json"), tmp_path / "results")
    cube = Path(layout.cube.format(quality="pre_qf", dataset="oco3", target="x"))
    assert Path(layout.mosaic.format(quality="pre_qf")) not in cube.parents
    alone = section.model_copy(update={"cubes": "off"})
    layout = Layout(plan_campaign(alone, tmp_path / "state.json"), tmp_path / "results")
    assert layout.mosaic.format(quality="pre_qf") == str(tmp_path / "product" / "pre_qf")


def test_captures_of_one_second_have_files_of_their_own():
    first = cog_name("oco3", "x", 1583200000.2, True, "/xco2")
    assert _numbered(first, 0) == "oco3-co2_x_2020-03-03T014640Z_filtered_xco2.tif"
    assert _numbered(first, 1) == "oco3-co2_x_2020-03-03T014640Z-2_filtered_xco2.tif"
