"""Options: what people may write, and what they are told where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from levelworks.core.options import OneOrMore, OnOff, Options, describe, option, parse_options, validate
from levelworks.core.outcome import InvalidOptions


class Inner(Options):
    """Options within options."""

    depth: float = option(1.0, "how deep it goes", unit="m", gt=0)


class Trial(Options):
    """Options of every kind."""

    gain: float = Field(description="EM gain of the frames", ge=1)
    window: int = option(3, "width of the window", unit="px", ge=1, le=99)
    tail: int | Literal["auto"] = option(10, "pixels after a ray", unit="px")
    limit: float | None = option(None, "largest share; null takes another's", ge=0, le=1)
    smooth: Annotated[Literal["off", "on", "auto"], OnOff] = option("on", "whether to smooth.")
    frames: Annotated[list[str], OneOrMore] = option([], "folders and files")
    read_noise: float = option(2.5, "noise of the detector", alias="read-noise")
    inner: Inner = option(Inner(), "the options within")
    named: dict[str, Inner] = option({}, "options by name")


def parse(**values: Any) -> Trial:
    return parse_options(Trial, json.dumps({"gain": 10.0, **values}))


def complaint(**values: Any) -> str:
    with pytest.raises(InvalidOptions) as caught:
        validate(Trial, {"gain": 10.0, **values}, "config")
    assert caught.value.exit_code == 64
    return str(caught.value)


def test_what_is_right_is_taken() -> None:
    found = parse(window=5, tail="auto", inner={"depth": 2}, named={"int": {"depth": 3}})
    assert (found.window, found.tail, found.inner.depth, found.named["int"].depth) == (5, "auto", 2.0, 3.0)


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    assert complaint(widnow=5) == "config: widnow: unknown key; did you mean 'window'?"
    assert complaint(inner={"dept": 5}) == "config: inner.dept: unknown key; did you mean 'depth'?"
    assert complaint(**{"read-nois": 1}) == "config: read-nois: unknown key; did you mean 'read-noise'?"


def test_an_unknown_key_unlike_any_comes_with_all_known_ones() -> None:
    assert complaint(inner={"xyz": 5}) == "config: inner.xyz: unknown key; known here: depth"


def test_a_wrong_type_is_told_with_value_meaning_and_unit() -> None:
    assert complaint(window="wide").startswith("config: window: is 'wide': input should be a valid integer")
    assert complaint(window="wide").endswith("(width of the window [px])")
    assert (
        complaint(inner=5)
        == "config: inner: is 5: input should be a valid dictionary or instance of Inner (the options within)"
    )


def test_a_value_out_of_range_is_told_with_the_range() -> None:
    message = "config: window: is 0: input should be greater than or equal to 1 (width of the window [px])"
    assert complaint(window=0) == message
    assert (
        complaint(named={"deep": {"depth": -1}})
        == "config: named.deep.depth: is -1: input should be greater than 0 (how deep it goes [m])"
    )


def test_a_missing_value_is_required() -> None:
    with pytest.raises(InvalidOptions) as caught:
        validate(Trial, {}, "options")
    assert str(caught.value) == "options: gain: is required (EM gain of the frames)"


def test_alternatives_of_one_key_are_told_together() -> None:
    message = complaint(tail="longest")
    assert message.count("config: tail:") == 1
    assert "valid integer" in message
    assert " or " in message
    assert "'auto'" in message
    assert "\n" not in message


def test_every_wrong_key_has_a_line() -> None:
    lines = complaint(window=0, limit=2, inner={"depth": "x"}).splitlines()
    assert sorted(line.split(": ")[1] for line in lines) == ["inner.depth", "limit", "window"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value: float) -> None:
    assert "config: read-noise: is " in complaint(**{"read-noise": value})
    assert "finite number" in complaint(**{"read-noise": value})


def test_defaults_are_checked_and_values_frozen() -> None:
    class Wrong(Options):
        share: float = option(2.0, "a share", le=1)

    with pytest.raises(ValidationError):
        Wrong()
    with pytest.raises(ValidationError):
        Inner().depth = 3.0


@pytest.mark.parametrize(
    ("text", "expected"), [("on", "on"), ("off", "off"), ("yes", "on"), ("auto", "auto"), ("'off'", "off")]
)
def test_yaml_s_truth_values_are_words_again(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "options.yaml"
    path.write_text(f"gain: 3\nsmooth: {text}\n")
    assert parse_options(Trial, str(path)).smooth == expected


def test_yaml_s_numbers_with_an_exponent_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_text("gain: 1e3\nlimit: 2e-1\nread-noise: 5\n")
    found = parse_options(Trial, str(path))
    assert (found.gain, found.limit, found.read_noise) == (1000.0, 0.2, 5.0)


def test_one_text_is_a_list_of_one() -> None:
    assert parse(frames="raw").frames == ["raw"]
    assert parse(frames=["raw", "more"]).frames == ["raw", "more"]


def test_options_come_as_text_or_as_a_file(tmp_path: Path) -> None:
    as_json, as_yaml = tmp_path / "options.json", tmp_path / "options.yaml"
    as_json.write_text('{"gain": 7, "window": 9}')
    as_yaml.write_text("# of the night\ngain: 7\nwindow: 9\n")
    expected = Trial(gain=7, window=9)
    for text in ('{"gain": 7, "window": 9}', "  {gain: 7, window: 9}\n", str(as_json), str(as_yaml)):
        assert parse_options(Trial, text) == expected


@pytest.mark.parametrize("text", [None, ""])
def test_no_options_are_the_defaults(text: str | None) -> None:
    assert parse_options(Inner, text) == Inner()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no-such-file.yaml", "takes JSON or a file; 'no-such-file.yaml' is neither"),
        ("depth: 2, " * 60, "takes JSON or a file"),
        (".", "takes JSON or a file"),
        ('{"depth": 2', "neither JSON nor YAML"),
        ('{"depth": 2}}', "neither JSON nor YAML"),
        ('{"depth": "x"}', "options: depth: is 'x'"),
    ],
)
def test_texts_that_are_no_options(text: str, message: str) -> None:
    with pytest.raises(InvalidOptions, match=message):
        parse_options(Inner, text)


@pytest.mark.parametrize("content", ["[1, 2]", "just a text", "3"])
def test_files_that_hold_no_mapping(tmp_path: Path, content: str) -> None:
    (tmp_path / "options.yaml").write_text(content)
    with pytest.raises(InvalidOptions, match="must be a mapping of keys to values, got"):
        parse_options(Inner, str(tmp_path / "options.yaml"))


def test_the_help_shows_name_default_meaning_and_unit() -> None:
    lines = describe(Trial).splitlines()
    shown = dict(zip(lines[::2], lines[1::2], strict=True))
    assert shown["  gain: required"].startswith("      EM gain of the frames")
    assert shown["  window: 3"].startswith("      width of the window [px]")
    assert "  read-noise: 2.5" in shown
    assert shown['  smooth: "on"'].startswith("      whether to smooth")
    assert shown["  limit: null"].startswith("      largest share; null takes another's")
