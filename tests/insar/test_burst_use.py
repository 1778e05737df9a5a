"""Bursts that were removed: who needs them, which products stand on the same ones, which dates are spent."""

from __future__ import annotations

import json
import os
import shutil
from itertools import pairwise

import pytest

from levelworks.core.outcome import InvalidInput, InvalidReference, Outcome, Status
from levelworks.core.record import make_record, record_path, to_json
from levelworks.insar.burst_use import BurstUse, Consumer
from levelworks.insar.coregistration.rslc_files import find_bursts

DATES = ("20250101", "20250113", "20250125", "20250206")
PAIRS = tuple(pairwise(DATES))
FIGURES = {"started": "", "wall_s": 0, "cpu_s": 0, "peak_memory_mb": 0}
TIME = 1_700_000_000


class Products:
    """Bursts of dates, and a pair of each with the next."""

    def __init__(self, root):
        self.folders = {date: root / "coregister" / "frame" / date for date in DATES}
        for date in DATES:
            self.resample(date, date)
        self.pairs = {pair: root / "form" / f"{'_'.join(pair)}.h5" for pair in PAIRS}
        (root / "form").mkdir()
        for pair in PAIRS:
            self.form(pair)

    def resample(self, date, content, time=TIME):
        folder = self.folders[date]
        folder.mkdir(parents=True)
        (folder / "bursts").write_text(content)
        self.note(folder, {}, time)

    def form(self, pair, **options):
        self.pairs[pair].write_text("phase")
        inputs = {name: [record_path(self.folders[date])] for name, date in zip(("first", "second"), pair, strict=True)}
        self.note(self.pairs[pair], inputs, TIME + 60, options)

    def note(self, product, inputs, time, options=None):
        content = make_record(
            line="insar",
            stage="any",
            version=1,
            options=options or {},
            outcome=Outcome(),
            inputs=inputs,
            outputs={"product": (product, product)},
            figures=[FIGURES | {"started": f"{time}"}],
        )
        record_path(product).write_text(to_json(content))
        for path in (product, record_path(product)):
            os.utime(path, (time, time))

    def use(self, **options):
        return BurstUse(self.folders, [Consumer(path, pair, 1, options) for pair, path in self.pairs.items()])

    def remove(self, date):
        shutil.rmtree(self.folders[date])


@pytest.fixture
def products(tmp_path):
    return Products(tmp_path)


def test_dates_are_spent_when_all_stands(products):
    assert products.use().spent(1, DATES[0]) == list(DATES[1:3])
    assert products.use().spent(0, DATES[0]) == list(DATES[1:])
    assert products.use().spent(9, DATES[0]) == []
    assert products.use(window=5).spent(1, DATES[0]) == []
    products.pairs[PAIRS[1]].unlink()
    assert products.use().spent(0, DATES[0]) == [DATES[3]]
    products.form(PAIRS[1])
    products.remove(DATES[1])
    assert products.use().spent(0, DATES[0]) == list(DATES[2:])


def test_removed_dates_are_needed_for_what_does_not_stand(products):
    assert products.use().removed == products.use().needed == frozenset()
    products.remove(DATES[1])
    products.remove(DATES[3])
    assert products.use().removed == {DATES[1], DATES[3]}
    assert products.use().needed == frozenset()
    assert products.use(window=5).needed == {DATES[1], DATES[3]}
    products.pairs[PAIRS[2]].unlink()
    assert products.use().needed == {DATES[3]}
    # Without a record there is nothing to be made again: Snakemake sees that by itself.
    record_path(products.folders[DATES[3]]).unlink()
    assert products.use().removed == {DATES[1]}


def test_products_stand_on_the_same_bursts_made_again(products):
    pair = str(products.pairs[PAIRS[1]])
    assert not products.use().unchanged(pair, DATES[1])  # as they are older, nobody asks
    products.remove(DATES[1])
    products.pairs[PAIRS[0]].unlink()
    assert products.use().unchanged(pair, DATES[1])  # about to be made again
    assert not products.use().unchanged(str(products.pairs[PAIRS[0]]), DATES[1])
    products.resample(DATES[1], DATES[1], TIME + 600)
    assert products.use().unchanged(pair, DATES[1])
    assert not products.use().unchanged(pair, DATES[2])
    products.remove(DATES[1])
    products.resample(DATES[1], "moved", TIME + 600)
    assert not products.use().unchanged(pair, DATES[1])
    assert products.use().spent(0, DATES[0]) == [DATES[3]]


def test_records_of_before_count_for_nothing(products):
    """Without the checksum of what a pair was made of, it is not known to stand."""
    path = record_path(products.pairs[PAIRS[0]])
    content = json.loads(path.read_text())
    for entries in content["inputs"].values():
        for entry in entries:
            del entry["product"]
    path.write_text(json.dumps(content))
    assert DATES[1] not in products.use().spent(0, DATES[0])


def test_who_finds_no_bursts_is_told_what_to_do(products):
    folder = products.folders[DATES[1]]
    assert find_bursts(record_path(folder)) == find_bursts(folder) == folder
    products.remove(DATES[1])
    with pytest.raises(InvalidReference, match=rf"were removed.* remove .*{DATES[1]}\.json, and Snakemake"):
        find_bursts(record_path(folder))
    content = json.loads(record_path(folder).read_text())
    record_path(folder).write_text(json.dumps(content | {"outcome": Status.QUARANTINED, "reason": "torn"}))
    with pytest.raises(InvalidInput, match="torn"):
        find_bursts(folder)
