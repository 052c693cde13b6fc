"""The benchmarks run, and their results have a shape; what they measure is not tested."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil

import pytest

from benchmarks import _harness, _node, _report
from benchmarks.__main__ import main
from benchmarks._targets import TARGETS
from benchmarks.peers import utils_installed

TINY = _harness.SIZES["tiny"]
QUESTIONS = _harness.questions()


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_runs(name: str) -> None:
    if name == "page" and shutil.which("chromium") is None:
        pytest.skip("there is no Chromium; on Debian or Ubuntu: apt install chromium")
    question = QUESTIONS[name]
    figures = list(question.measure(TINY))
    assert figures
    assert len({(each.on, each.of, each.by) for each in figures}) == len(figures)
    for figure in figures:
        low, high = figure.quartiles
        assert 0 < low <= figure.ratio <= high < math.inf
        assert min(figure.medians) > 0
        assert figure.rounds == TINY.rounds

    rows = [figure.row for figure in figures if figure.row is not None]
    assert sorted(rows) == sorted(expected_rows(name))
    assert all(figure.target == TARGETS[figure.row].at_most for figure in figures if figure.row is not None)

    result = _report.result(question, TINY, figures, "a command")
    assert json.loads(json.dumps(result)) == result
    assert len(result["figures"]) == len(figures)
    assert result["question"] == name
    assert result["machine"]["cores"] > 0
    assert result["libraries"]["rtstate"]

    page = _report.page([(question, result)])
    assert f"## {question.title}\n" in page
    assert all(f"| {figure.of} ÷ {figure.by} |" in page for figure in figures)


def expected_rows(question: str) -> list[str]:
    """The targets that a question reports on here: those beside peers that are not installed are left out."""
    absent = set() if utils_installed() else {"utils"}
    if _node.version("openai-realtime-api") is None:
        absent |= {"text, JavaScript", "audio, JavaScript"}
    return [name for name, row in TARGETS.items() if row.question == question and name not in absent]


def test_every_target_belongs_to_a_question() -> None:
    assert {row.question for row in TARGETS.values()} <= set(QUESTIONS)
    assert len({row.what for row in TARGETS.values()}) == len(TARGETS)


def test_the_page_begins_with_what_has_to_be_reached() -> None:
    met, missed, *others = TARGETS.values()
    figures = [{"row": met.name, "ratio": met.at_most}, {"row": missed.name, "ratio": missed.at_most * 1.01}]
    lines = _report.summary([{"figures": figures}, {"figures": [{"row": None, "ratio": 1}, {"ratio": 2}]}])
    table = [line.split(" | ") for line in lines.splitlines() if line.startswith("| ")][1:]
    assert [row[0].removeprefix("| ") for row in table] == [row.what for row in TARGETS.values()]
    assert [row[3] for row in table] == ["yes", "no", *[""] * len(others)]
    assert {row[2] for row in table[2:]} == {"not measured"}
    assert f"1 of {len(TARGETS)} are. {len(others)} were not measured." in lines


def test_a_near_miss_does_not_look_like_a_hit() -> None:
    row = TARGETS["delta"]
    lines = _report.summary([{"figures": [{"row": "delta", "ratio": row.at_most * 1.001}]}])
    assert f"| {row.what} | 1.1 | 1.101 | no |" in lines


def test_a_note_is_shown_where_a_figure_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(TARGETS["diff"], note="it was tried")
    monkeypatch.setitem(TARGETS, "diff", row)
    for ratio, shown in ((row.at_most, False), (row.at_most * 2, True)):
        assert ("it was tried" in _report.summary([{"figures": [{"row": "diff", "ratio": ratio}]}])) is shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0000278, "0.0000278"), (0.065, "0.065"), (3.3, "3.3"), (9.996, "10"), (1234.5, "1,234")],
)
def test_a_number_is_written_without_an_exponent(value: float, text: str) -> None:
    assert _report._number(value) == text


def test_every_question_has_a_title_and_an_explanation() -> None:
    assert QUESTIONS
    for question in QUESTIONS.values():
        assert question.title
        assert len(question.explanation) > 100


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in _report.RESULTS.glob("*.json")}
    main(["parse", "--size", "tiny", "--json"])
    (result,) = json.loads(capsys.readouterr().out)
    assert (result["question"], result["size"]) == ("parse", "tiny")
    assert before == {path: path.stat().st_mtime_ns for path in _report.RESULTS.glob("*.json")}


def test_the_command_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["parse", "--size", "tiny"])
    shown = capsys.readouterr().out
    assert "orjson.loads" in shown
    assert "quartiles" in shown


def test_the_command_knows_its_questions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["speed"])
    assert "no such question: speed" in capsys.readouterr().err


def test_ratios_are_of_one_round() -> None:
    rounds = _harness.Rounds("words", {"ours": [1, 20, 6], "theirs": [2, 10, 3]})
    figure = rounds.figure("ours", "theirs", target=2)
    assert (figure.ratio, figure.quartiles, figure.medians) == (2, (1.25, 2), (6, 3))
    assert figure.met
    assert rounds.figure("ours", "theirs").met is None


def test_tasks_take_turns() -> None:
    done: list[str] = []
    tasks = {name: _harness.each(done.append, [name]) for name in "ab"}
    rounds = _harness.compare(TINY, "turns", tasks)
    assert "".join(done) == "ab" + "ab" + "ba"
    assert {name: len(times) for name, times in rounds.samples.items()} == {"a": 2, "b": 2}


def test_a_task_may_look_at_the_clock_itself() -> None:
    task = _harness.Task(lambda prepared: prepared, count=4, prepare=lambda: 8e-6)
    assert _harness.compare(TINY, "clocks", {"own": task}).samples["own"] == pytest.approx([2, 2])
