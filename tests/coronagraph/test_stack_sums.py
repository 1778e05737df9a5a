"""Sums of stacks: masks, and the same bits under any split."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from levelworks.core.outcome import InvalidInput
from levelworks.coronagraph.stack_sums import StackSums, merge_sums


def test_whole_frames_through_the_sums():
    """Frames with a mask: the sums are those of the usable finite electrons."""
    rng, shape = np.random.default_rng(), (31, 47)
    frames = [(rng.normal(5, 3, shape), rng.random(shape) > 0.1) for _ in range(6)]
    frames[1][0][2, 2] = np.nan
    sums = StackSums.empty(shape, 10.0, 1.0)
    for electrons, usable in frames:
        sums.add(electrons, usable)
    sound = np.stack([usable & np.isfinite(electrons) for electrons, usable in frames])
    values = np.where(sound, np.stack([electrons for electrons, _ in frames]), 0)
    assert sums.frames == 6
    assert_array_equal(sums.count, sound.sum(axis=0))
    assert_allclose(sums.total, values.sum(axis=0), rtol=1e-13, atol=1e-13)


def test_blocks_merge_to_the_same_bits_in_any_order():
    rng, shape = np.random.default_rng(), (9, 11)
    blocks = []
    for number in range(5):
        block = StackSums.empty(shape, 100.0, 5.0, number)
        for _ in range(7):
            block.add(rng.normal(0, 1e3, shape), rng.random(shape) > 0.1)
        blocks.append(block)
    merged = merge_sums(blocks)
    assert merged.frames == 35
    for _ in range(5):
        again = merge_sums([blocks[i] for i in rng.permutation(5)])
        assert again.total.tobytes() == merged.total.tobytes()
        assert_array_equal(again.count, merged.count)
    assert blocks[0].frames == 7, "merging must not change a block"


def test_blocks_that_do_not_belong_together_are_refused():
    def block(gain=10.0, time=1.0, number=0, shape=(3, 3)):
        return StackSums.empty(shape, gain, time, number)

    for blocks in (
        [],
        [block(), block()],
        [block(), block(gain=20.0, number=1)],
        [block(), block(time=2.0, number=1)],
        [block(), block(shape=(3, 4), number=1)],
    ):
        with pytest.raises(InvalidInput):
            merge_sums(blocks)
    with pytest.raises(InvalidInput, match="differ"):
        block().add(np.zeros((4, 3)), np.ones((4, 3), bool))
