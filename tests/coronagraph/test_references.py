"""References of a frame: what is flagged, what is said, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from levelworks.core.outcome import InvalidReference
from levelworks.coronagraph.dq import DQ
from levelworks.coronagraph.references import ReferenceFiles, load_references

SHAPE = (6, 8)


def written(path, values):
    fits.writeto(path, values, overwrite=True)
    return path


def load(gain=1.0, strict=True, **files):
    return load_references(ReferenceFiles(**files), SHAPE, gain, 1.0, strict=strict)


def test_no_references_leave_frames_as_they_are():
    loaded, notes = load()
    assert not loaded.dark.any()
    assert loaded.flat is None
    assert loaded.curve is None
    assert not loaded.dq.any()
    assert notes == ()


def test_flat_flags_zeros_and_what_is_not_finite(tmp_path):
    flat = np.ones(SHAPE)
    flat[1, 1], flat[2, 2], flat[3, 3] = 0, np.nan, 9
    loaded, notes = load(flat=written(tmp_path / "flat.fits", flat))
    assert loaded.dq[1, 1] & DQ.DEAD
    assert loaded.dq[2, 2] == DQ.UNRELIABLE
    assert loaded.dq[3, 3] == DQ.UNRELIABLE
    assert np.count_nonzero(loaded.dq) == 3
    assert "3 pixels" in notes[0]


@pytest.mark.parametrize("values", [np.full(SHAPE, np.nan), np.full(SHAPE, 40.0), np.zeros(SHAPE)])
def test_what_is_no_flat_is_refused(tmp_path, values):
    with pytest.raises(InvalidReference, match=r"flat\.fits is no flat"):
        load(flat=written(tmp_path / "flat.fits", values))


def test_bad_pixels_keep_their_bits_and_must_be_whole(tmp_path):
    bits = np.zeros(SHAPE, dtype=np.int64)
    bits[0, 1], bits[4, 4] = 1, DQ.HOT | DQ.DEAD
    loaded, _ = load(bad_pixels=written(tmp_path / "bad.fits", bits))
    assert np.array_equal(loaded.dq, bits)
    with pytest.raises(InvalidReference, match="whole numbers"):
        load(bad_pixels=written(tmp_path / "half.fits", np.full(SHAPE, 0.5)))


def test_wrong_shape_names_file_and_both_shapes(tmp_path):
    with pytest.raises(InvalidReference, match=r"references\.flat: .*flat\.fits has 3x3 pixels, the image region 6x8"):
        load(flat=written(tmp_path / "flat.fits", np.ones((3, 3))))


def test_sentinels_in_a_nonlinearity_table_are_refused_but_for_the_peer(shared_data):
    path = shared_data / "coronagraph" / "nonlin_spike_update.csv"
    with pytest.raises(InvalidReference, match="sentinels"):
        load(gain=50.0, nonlinearity=path)
    loaded, notes = load(gain=50.0, strict=False, nonlinearity=path)
    assert loaded.curve.factors.max() == 10000
    assert any("outside 0.8..1.25" in note for note in notes)
    assert load(gain=1.0, nonlinearity=path)[1] == ()


def test_a_changed_file_is_read_again(tmp_path):
    path = written(tmp_path / "flat.fits", np.ones(SHAPE))
    assert load(flat=path)[0].flat[0, 0] == 1
    written(path, np.full((SHAPE), 1.5))
    assert load(flat=path)[0].flat[0, 0] == 1.5


def test_dark_of_another_setting_is_refused(tmp_path):
    from levelworks.coronagraph.dark import NoiseMap, master_dark
    from levelworks.coronagraph.products import write_dark

    zero = NoiseMap(np.zeros(SHAPE))
    write_dark(tmp_path / "dark.fits", master_dark(zero, zero, zero, 5.0, 1.0), 5.0, 1.0, {})
    assert not load(gain=5.0, dark=tmp_path / "dark.fits")[0].dark.any()
    assert not load(gain=5.0000000001, dark=tmp_path / "dark.fits")[0].dark.any()
    with pytest.raises(InvalidReference, match="is for gain 5 and 1 s, the frame has gain 1 and 1 s"):
        load(gain=1.0, dark=tmp_path / "dark.fits")


def test_missing_reference_is_named(tmp_path):
    with pytest.raises(InvalidReference, match=r"nowhere\.fits can't be read"):
        load(flat=tmp_path / "nowhere.fits")
