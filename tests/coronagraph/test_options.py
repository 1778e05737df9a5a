"""Options of the line: the peer's preset, words that YAML turns into truth values, unions, and messages."""

from __future__ import annotations

import re

import pytest
import yaml

from levelworks.core.options import parse_options, validate
from levelworks.core.outcome import InvalidOptions
from levelworks.coronagraph.options import (
    IIT,
    LEVEL1_NAMES,
    CalibrateFrame,
    Coronagraph,
    Detector,
    MakeNoiseMaps,
)

FRAMES = {"frames": "raw"}


def read(text: str, model: type = CalibrateFrame):
    return validate(model, yaml.safe_load(text) or {}, "config")


def message(values: dict, model: type = CalibrateFrame) -> str:
    with pytest.raises(InvalidOptions) as caught:
        validate(model, values, "config")
    return str(caught.value)


def test_the_peer_s_preset():
    options = read("compat: iit")
    assert {key: getattr(options, key) for key in IIT} == IIT
    assert (options.tail_from, options.cosmic_ray_filter, options.cosmic_ray_box, options.cosmic_ray_tail) == (
        "head", 1, 3, 10,
    )  # fmt: skip
    assert (options.saturation_threshold, options.plateau_threshold, options.plateau_well) == (0.7, 0.7, "register")
    assert options.head_threshold is None
    ours = read("")
    assert [key for key in IIT if getattr(ours, key) == IIT[key]] == []


def test_what_the_user_says_beats_the_preset():
    options = read("{compat: iit, desmear: on, precision: float32, max_saturated: 0.5}")
    assert (options.desmear, options.precision, options.max_saturated) == ("on", "float32", 0.5)
    assert (options.adaptive_tail, options.bias_outlier_sigma) == (False, 0.0)


@pytest.mark.parametrize("model", [Detector, MakeNoiseMaps])
def test_the_preset_sets_only_what_a_stage_has(model):
    options = validate(model, {"compat": "iit"}, "config")
    assert options.adaptive_tail is False
    assert not hasattr(options, "precision")


def test_the_preset_holds_within_the_config():
    section = validate(Coronagraph, {"calibrate-frame": {"compat": "iit"}}, "config")
    assert section.calibrate_frame.precision == "float64"
    assert section.make_noise_maps.adaptive_tail is True


@pytest.mark.parametrize(
    ("word", "meaning"), [("on", "on"), ("off", "off"), ("auto", "auto"), ("'on'", "on"), ("no", "off")]
)
def test_words_that_yaml_takes_for_truth_values(word, meaning):
    assert read(f"desmear: {word}").desmear == meaning


@pytest.mark.parametrize(("given", "value"), [("auto", "auto"), ("0", 0), ("25", 25)])
def test_tail_is_a_number_or_a_word(given, value):
    assert read(f"cosmic_ray_tail: {given}").cosmic_ray_tail == value


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"desmear": "maybe"}, ["config: desmear: is 'maybe'", "'off', 'on' or 'auto'"]),
        ({"cosmic_ray_tail": "long"}, ["config: cosmic_ray_tail: is 'long'", "'auto'", " or "]),
        ({"cosmic_ray_tail": -3}, ["cosmic_ray_tail is -3", "0 or more pixels, or auto"]),
        ({"k_gain": 0.0}, ["config: k_gain: is 0.0", "greater than 0", "e-/DN"]),
        ({"k_gain": "big"}, ["config: k_gain: is 'big'", "number"]),
        ({"saturation_threshold": 1.5}, ["config: saturation_threshold: is 1.5", "less than or equal to 1"]),
        ({"masked_value": "zero"}, ["config: masked_value: is 'zero'", "'keep' or 'nan'"]),
        ({"compat": "seed"}, ["config: compat: is 'seed'", "'none' or 'iit'"]),
        ({"precision": 32}, ["config: precision: is 32", "'float32' or 'float64'"]),
        ({"desmeer": "on"}, ["config: desmeer: unknown key; did you mean 'desmear'?"]),
        ({"qqq": 1}, ["config: qqq: unknown key; known here: ", "adaptive_tail"]),
        ({"row_read_time": None}, ["config: row_read_time: is None", "number", "[s]"]),
    ],
)
def test_messages_name_key_value_and_what_is_allowed(values, parts):
    text = message(values)
    for part in parts:
        assert part in text
    assert "\n" not in text
    assert "pydantic" not in text


def test_every_wrong_key_has_a_line():
    lines = message({"desmear": "maybe", "k_gain": -1, "typo": 1}).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("config: ") for line in lines)


def test_messages_within_the_config_name_the_whole_key():
    text = message({"datasets": {"a": {"frames": 5, "kind": "flat"}}, "calibrate-frame": {"desmear": 3}}, Coronagraph)
    for part in (
        "config: datasets.a.frames: ",
        "config: datasets.a.kind: is 'flat'",
        "config: calibrate-frame.desmear: is 3",
    ):
        assert part in text
    assert "calibrate-frame" in message({"calibrate-frames": {}}, Coronagraph)
    assert "datasets.a.frames: is required" in message({"datasets": {"a": {}}}, Coronagraph)


def test_frames_are_one_text_or_a_list():
    for given in ("raw", ["raw"]):
        section = validate(Coronagraph, {"datasets": {"a": {"frames": given}}}, "config")
        assert section.datasets["a"].frames == ["raw"]


@pytest.mark.parametrize("name", ["my data", "a/b", "x.y", "", "é!"])
def test_names_of_datasets_suit_files(name):
    assert "names hold letters, digits" in message({"datasets": {name: FRAMES}}, Coronagraph)


@pytest.mark.parametrize("name", ["a", "HD-2_b", "3"])
def test_sound_names_of_datasets(name):
    assert list(validate(Coronagraph, {"datasets": {name: FRAMES}}, "config").datasets) == [name]


def test_photon_counted_darks_must_be_there_and_counted():
    def problem(**darks: object) -> str:
        science = FRAMES | {"count_photons": True, "photon_counting_dark": "d"}
        return message({"datasets": {"s": science, **darks}}, Coronagraph)

    assert "datasets.s.photon_counting_dark: there is no dataset 'd'" in problem()
    uncounted = {"datasets": {"s": FRAMES | {"photon_counting_dark": "d"}, "d": FRAMES}}
    assert "s needs count_photons: true" in message(uncounted, Coronagraph)
    sound = {"s": FRAMES | {"count_photons": True, "photon_counting_dark": "d"}, "d": FRAMES}
    assert validate(Coronagraph, {"datasets": sound}, "config").datasets["s"].photon_counting_dark == "d"


@pytest.mark.parametrize(
    "name",
    [
        "CGI_EXCAM_L1_0000012345.fits",
        "CGI_EXCAM_L1_XXXXXX.fits",
        "cgi_0200001001001001001_20250216t0000000_l1_.fits",
        "CGI_0200001001001001001_20250216T1234567_L1_.fits",
    ],
)
def test_level1_names(name):
    assert re.fullmatch(LEVEL1_NAMES, name)


@pytest.mark.parametrize(
    "name",
    [
        "CGI_EXCAM_L2a_0000012345.fits",
        "CGI_EXCAM_L1_0000012345_L2a_image.fits.tmp",
        "cgi_0200001001001001001_20250216t0000000_l2a_.fits",
        "xCGI_EXCAM_L1_1.fits",
        "CGI_EXCAM_L1_1_fits",
    ],
)
def test_other_names(name):
    assert not re.fullmatch(LEVEL1_NAMES, name)


def test_options_are_frozen_and_read_from_json_and_files(tmp_path):
    options = parse_options(CalibrateFrame, '{"desmear": "off", "k_gain": 8.7}')
    assert (options.desmear, options.k_gain) == ("off", 8.7)
    with pytest.raises(ValueError, match="frozen"):
        options.k_gain = 3.0
    (tmp_path / "options.yaml").write_text("desmear: off\nk_gain: 8.7\n")
    assert parse_options(CalibrateFrame, str(tmp_path / "options.yaml")) == options
    with pytest.raises(InvalidOptions, match="neither"):
        parse_options(CalibrateFrame, str(tmp_path / "nowhere.yaml"))
