"""What `levelworks quarantine` removes, and what it says of names that nothing has."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign_standings import job
from campaigns import LINE, make_campaign, run_copy

from levelworks.campaign.commands import quarantine
from levelworks.campaign.put_aside import remove_products_of, unknown_granules, unknown_words
from levelworks.campaign.read_standing import read_standing
from levelworks.campaign.standing import State
from levelworks.core.quarantine import TABLE, read_quarantine


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign of three granules, of one of which a further product is made, with its table of outcomes."""
    monkeypatch.chdir(tmp_path)
    make_campaign(Path(), {"a": "fine", "b": "fine", "c": "bad"})
    run_copy(Path("results", LINE, "copy-twice", "a.txt"), Path("results", LINE, "again", "a.txt"))
    (tmp_path / "results" / LINE / "outcomes.tsv").write_text("granule\n")
    (tmp_path / "results" / "other").mkdir()
    (tmp_path / "results" / "other" / "outcomes.tsv").write_text("granule\n")
    return tmp_path


def products(campaign: Path) -> set[str]:
    folder = campaign / "results" / LINE
    return {str(path.relative_to(folder)) for path in folder.rglob("*.t?[tv]")}


def test_what_reads_level_1_goes_with_the_table_of_outcomes_and_nothing_else(campaign: Path) -> None:
    before = products(campaign)
    removed = remove_products_of(read_standing(campaign).cells, ["a"], campaign, Path("results"))
    assert [cell.stage for cell in removed] == ["copy-twice"]
    assert before - products(campaign) == {"copy-twice/a.txt", "copy-twice/second/a.txt", "outcomes.tsv"}
    assert (campaign / "results/other/outcomes.tsv").exists()


def test_the_table_stays_where_nothing_had_been_made(campaign: Path) -> None:
    assert not remove_products_of(read_standing(campaign).cells, ["d"], campaign, Path("results"))
    assert "outcomes.tsv" in products(campaign)


@pytest.mark.parametrize("name", ["b", "b.raw", "c"])
def test_names_of_inputs_are_known(campaign: Path, name: str) -> None:
    assert unknown_granules(read_standing(campaign).cells, [name, "nosuch"], campaign) == ["nosuch"]


def test_so_are_granules_that_wait(campaign: Path) -> None:
    cells = [job("insar", "parse-safe", "108A_1_2/g1", State.WAITING)]
    assert unknown_granules(cells, ["g1.SAFE", "g2"], campaign) == ["g2"]
    assert "named so; 1 job to come may read it. It stays" in unknown_words(cells, ["g2"])
    assert "g2: no granule of this campaign is named so; nothing has run here yet" in unknown_words([], ["g2"])


def test_a_name_that_nothing_has_is_told_once_and_stays(campaign: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert quarantine(["nosuch", "b", "--reason", "stray light"]) == 0
    assert [record.getMessage().partition(". ")[0] for record in caplog.records] == [
        "nosuch: no granule of this campaign is named so"
    ]
    assert read_quarantine(campaign) == {"nosuch": "stray light", "b": "stray light"}
    caplog.clear()
    assert quarantine(["b", "--reason", "haze"]) == 0
    assert quarantine(["nosuch", "b", "--release"]) == 0
    assert not caplog.records
    assert not (campaign / TABLE).exists()
