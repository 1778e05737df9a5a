"""Which shell commands may run without a shell, and that they get the words that a shell would give."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snakemake_executor_plugin_jobarray.node.words import StageCommand, read_stage_command

LINES = ("coronagraph", "xco2")
STAGE = "levelworks coronagraph make-dark"
SIGNS = "$`\\!#~*?[]{}()|&;<>\n"

plain = st.text("abcXYZ019_./=:,@%+^-", min_size=1, max_size=12)
quotable = st.text('ab01 $`\\!#~*?[]{}()|&;<>"\n\t\ré', max_size=12)
with_quotes = st.text("ab01 $`\\!#~*?[]{}()|&;<>\"\n\t\ré''", max_size=12)


def shell_words(command: str) -> list[str]:
    """Return the words that /bin/sh hands to ``levelworks``."""
    program = 'levelworks() { printf "%s\\0" "$@"; }\n' + command
    done = subprocess.run(["/bin/sh", "-c", program], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def test_a_stage_command_is_its_words() -> None:
    command = """levelworks coronagraph make-dark --dark "a b.fits" --options '{"gain": 100}'"""
    words = ("coronagraph", "make-dark", "--dark", "a b.fits", "--options", '{"gain": 100}')
    assert read_stage_command(command, LINES) == StageCommand(words, None)


@pytest.mark.parametrize("log", ["logs/one.log", "'logs/with blank.log'", "'odd;$name'", "'a\"b'"])
@pytest.mark.parametrize("form", ["{} > {} 2>&1", "{} >{} 2>&1", "{}  >  {}   2>&1  ", " {}\t>\t{}\t2>&1\n"])
def test_both_streams_into_one_file_are_taken_over(form: str, log: str) -> None:
    found = read_stage_command(form.format(STAGE, log), LINES)
    assert found == StageCommand(("coronagraph", "make-dark"), shlex.split(log)[0])


@pytest.mark.parametrize(
    "tail",
    [
        "> log",
        "1> log 2>&1",
        "2> log 2>&1",
        "12>log 2>&1",
        "word1> log 2>&1",
        ">\nlog 2>&1",
        "\n> log 2>&1",
        "> log\n2>&1",
        ">\rlog 2>&1",
        "\r> log 2>&1",
        "> log\r2>&1",
        "> log 2>&1\r",
        ">\u00a0log 2>&1",
        "> log\u00a02>&1",
        "> log 2>&1\u00a0",
        """> 'it'"'"'s' 2>&1""",
        ">> log 2>&1",
        "&> log",
        "2>&1",
        "2>&1 > log",
        "> log 2>&1 2>&1",
        "> log 2> log",
        "> log > log 2>&1",
        "> $LOG 2>&1",
        '> "log" 2>&1',
        "> ~/log 2>&1",
        "> l*g 2>&1",
        "> 2>&1",
        "> log 2>&1 &",
        "> log 2>&1; true",
        "< list > log 2>&1",
        "| tee log 2>&1",
        "'> log 2>&1",
        "'> log 2>&1'; true",
    ],
)
def test_any_other_redirection_needs_a_shell(tail: str) -> None:
    assert read_stage_command(f"{STAGE} {tail}", LINES) is None


def test_what_looks_like_a_redirection_inside_of_quotes_is_a_word() -> None:
    found = read_stage_command(f"{STAGE} '> log 2>&1'", LINES)
    assert found == StageCommand(("coronagraph", "make-dark", "> log 2>&1"), None)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('"two words"', "two words"),
        ('"it\'s"', "it's"),
        ("""'it'"'"'s $HOME'""", "it's $HOME"),
        ("""a"b c"'d;e'""", "ab cd;e"),
        ('""', ""),
        ("a\u00a0b", "a\u00a0b"),
    ],
)
def test_quotes_around_what_no_shell_acts_upon_need_none(text: str, word: str) -> None:
    found = read_stage_command(f"{STAGE} {text}", LINES)
    assert found == StageCommand(("coronagraph", "make-dark", word), None)
    assert list(found.words) == shell_words(f"{STAGE} {text}")


@pytest.mark.parametrize(
    "text", ['"$HOME"', '"`date`"', '"a\\"b"', """'a'"$HOME"'b'""", """"'$HOME'\"""", """"it's" $HOME 'x'"""]
)
def test_what_a_shell_finds_in_double_quotes_needs_one(text: str) -> None:
    assert read_stage_command(f"{STAGE} {text}", LINES) is None


@pytest.mark.parametrize(
    "command",
    [
        "",
        "levelworks",
        "levelworks coronagraph",
        "levelworks coronagraph --help",
        "levelworks status results",
        "levelworks ard make-dark",
        "levelworks-old coronagraph make-dark",
        "/usr/bin/levelworks coronagraph make-dark",
        "mpiexec -n 2 levelworks coronagraph make-dark",
        "A=1 levelworks coronagraph make-dark",
        "time levelworks coronagraph make-dark",
        "levelworks coronagraph make-dark 'open",
        'levelworks coronagraph make-dark "open',
    ],
)
def test_anything_but_a_stage_of_a_known_line_needs_a_shell(command: str) -> None:
    assert read_stage_command(command, LINES) is None


@given(st.lists(plain, max_size=3), st.sampled_from(SIGNS), plain, st.lists(plain, max_size=3), st.booleans())
def test_a_sign_of_the_shell_outside_of_single_quotes_needs_a_shell(
    before: list[str], sign: str, word: str, after: list[str], double_quoted: bool
) -> None:
    middle = f'"{word}{sign}{word}"' if double_quoted else f"{word}{sign}{word}"
    assert read_stage_command(" ".join([STAGE, *before, middle, *after]), LINES) is None


@given(st.lists(st.one_of(plain, quotable, with_quotes), max_size=5), st.one_of(st.none(), plain, quotable))
def test_words_in_single_quotes_arrive_as_they_are(words: list[str], log: str | None) -> None:
    assume(log != "")
    tail = "" if log is None else f" > {shlex.quote(log)} 2>&1"
    found = read_stage_command(" ".join([STAGE, *map(shlex.quote, words)]) + tail, LINES)
    assert found == StageCommand(("coronagraph", "make-dark", *words), log)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*"ab'' \t=%^,\"\"\n\r\u00a0\\", "$HOME"]), max_size=16))
def test_a_command_that_needs_no_shell_has_the_words_that_a_shell_finds(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = read_stage_command(f"{STAGE} {text}", LINES)
    if found is not None:
        assert list(found.words) == shell_words(f"{STAGE} {text}")
