"""``rtstate timing``: a line per turn with the wait as a bar, percentiles, and what is missing."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

import rtstate
from rtstate import Timeline, replay, simulate
from tests.cli.support import invoke, recorded, saved_example
from tests.helpers import committed


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved_example(tmp_path_factory.mktemp("recordings")))


def test_the_example(example: str) -> None:
    assert invoke("timing", example, width=80).stdout == (
        "Turns · 6, in seconds · the bar is the wait for audio, or else for text ────────\n"
        "#  spoke  to text  to audio  answer\n"
        "1   4.72     0.65      0.71    5.70  █████████████████████████▉\n"
        "2   5.80     0.80      0.87    5.89  ███████████████████████████████▉  barged in\n"
        "3   1.21     0.82      0.88    4.72  ████████████████████████████████\n"
        "4   4.20     0.66                    ████████████████████████▏\n"
        "5   3.81     0.69      0.73    5.70  ██████████████████████████▊\n"
        "6   3.94     0.48      0.52    5.30  ███████████████████\n"
        "\n"
        "Spread · in seconds ────────────────────────────────────────────────────────────\n"
        "          turns  least   p50   p90   p95  most\n"
        "spoke         6   1.21  4.07  5.26  5.53  5.80\n"
        "to text       6   0.48  0.67  0.81  0.81  0.82\n"
        "to audio      5   0.52  0.73  0.88  0.88  0.88\n"
        "answer        5   4.72  5.70  5.81  5.85  5.89\n"
        "\n"
        "6 of 6 turns answered · 1 barged in · 1 answer cut off\n"
    )


def test_json_is_the_timing(example: str) -> None:
    with Path(example).open() as lines:
        measured = rtstate.timing(replay(lines).snapshot())
    assert json.loads(invoke("timing", example, "--json").stdout) == measured.to_dict()


def test_it_may_stop_at_a_point(example: str) -> None:
    with Path(example).open() as lines:
        then = Timeline(lines).at(200)
    assert (
        json.loads(invoke("timing", example, "--at", "200", "--json").stdout)
        == rtstate.timing(then).to_dict()
    )


def test_without_times_it_says_so_and_shows_no_barge_ins() -> None:
    text = invoke("timing", "-", stdin=recorded(*simulate.example().events), width=80).stdout
    assert "missing     the user's speech has no times: give them with the events," in text
    assert "barged in" not in text
    assert "to audio  answer\n" in text
    assert "Spread" in text  # of the lengths of speech, which the audio itself tells
    assert "\nto audio " not in text


def test_a_turn_without_an_answer_says_so() -> None:
    text = invoke("timing", "-", stdin=recorded(committed(), every=1.0), width=80).stdout
    assert "  no answer\n" in text
    assert "missing     nothing that the user said was answered\n" in text
    assert "0 of 1 turn answered · 0 answers cut off\n" in text


def test_an_empty_session() -> None:
    assert invoke("timing", "-", stdin="").stdout == "missing     the user has not spoken\n"


@pytest.mark.parametrize("width", [20, 40, 47, 48, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(example: str, width: int) -> None:
    text = invoke("timing", example, width=width).stdout
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert all(figure in text.split() for figure in ("1.21", "0.82", "4.72", "5.81", "5.89"))


def test_every_recording_has_a_page(recording: Path) -> None:
    result = invoke("timing", str(recording), width=80)
    assert result.exit_code == 0
    assert "missing" in result.stdout
    assert "None" not in result.stdout


def test_a_file_that_cannot_be_read_is_one_sentence() -> None:
    result = invoke("timing", "nowhere.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: nowhere.jsonl cannot be read: No such file or directory\n"
