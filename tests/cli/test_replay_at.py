import json
from pathlib import Path

import pytest

from rtstate import Timeline
from rtstate.cli._points import Clock, Point, read_point
from tests.cli.support import added, invoke, recorded, saved_example

THREE = [added("item_1"), {"type": "ping"}, added("item_2"), added("item_3")]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_example(tmp_path_factory.mktemp("recordings"))


def order(*words: str, stdin: str) -> list[str]:
    result = invoke("replay", "-", "--json", *words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["order"]


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("0", Point(revision=0)),
        ("120", Point(revision=120)),
        (" 7 ", Point(revision=7)),
        ("12.5s", Point(seconds=12.5)),
        ("0s", Point(seconds=0)),
        ("1m5s", Point(seconds=65)),
        ("2m", Point(seconds=120)),
        ("1h0m1s", Point(seconds=3601)),
        ("90m", Point(seconds=5400)),
        ("0:12.5", Point(seconds=12.5)),
        ("1:15.020", Point(seconds=75.02)),
        ("1:01:15", Point(seconds=3675)),
    ],
)
def test_a_point_is_a_revision_or_a_time(text: str, point: Point) -> None:
    assert read_point(text) == point


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "5s1m", "12,5s", "s", "1:", ":5", "٣", "9" * 5000, "1e3"]
)
def test_nonsense_is_told_which_forms_there_are(text: str) -> None:
    result = invoke("replay", "-", "--at", text)
    assert result.exit_code == 2
    told = "is no point of a session: a revision (120) or a time since the first event (12.5s, 1m5s, 0:12.5)"
    assert told in result.stderr


@pytest.mark.parametrize(
    ("at", "ids"),
    [
        ("0", 0),
        ("1", 1),
        ("2", 2),
        ("3", 3),
        ("0s", 1),
        ("9.9s", 1),
        ("10s", 1),
        ("20s", 2),
        ("0:30", 3),
        ("1h", 3),
    ],
)
def test_the_document_is_as_it_stood_then(at: str, ids: int) -> None:
    stdin = recorded(*THREE, every=10)
    assert len(order("--at", at, stdin=stdin)) == ids


def test_the_page_has_the_counters_and_the_anomalies_of_that_moment() -> None:
    stdin = recorded(added("item_1"), {"type": "strange"}, added("item_2"), {"type": "stranger"}, every=1)
    page = invoke("replay", "-", "--at", "2", stdin=stdin).stdout
    assert "an event of the type 'strange'; ignored" in page
    assert "stranger" not in page
    assert page.endswith("3 events · 1 unknown\n")


def test_lines_after_that_moment_are_not_read() -> None:
    result = invoke("replay", "-", "--at", "1", stdin=recorded(added("item_1"), added("item_2"), "not json"))
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_revision_that_never_was() -> None:
    result = invoke("replay", "-", "--at", "4", stdin=recorded(*THREE))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: standard input has no revision 4; the last one is 3\n"


def test_a_recording_without_times() -> None:
    result = invoke("replay", "-", "--at", "1m5s", stdin=recorded(*THREE))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Error: standard input has no times: name a revision instead, from 0 to 3, "
        'or record each line as {"at": seconds, "event": {...}}\n'
    )


def test_the_same_moments_as_a_timeline_has(call: Path) -> None:
    with call.open() as lines:
        timeline = Timeline(lines)
    assert timeline.start is not None
    for seconds in (0, 0.759, 12.5, 40, 61.25, 1000):
        printed = invoke("replay", str(call), "--json", "--at", f"{seconds}s").stdout
        assert json.loads(printed) == timeline.at_time(timeline.start + seconds).to_dict()


def test_recordings_at_some_points(recording: Path) -> None:
    with recording.open("rb") as lines:
        timeline = Timeline(lines)
    for revision in (0, 1, timeline.revision // 2, timeline.revision):
        printed = invoke("replay", str(recording), "--json", "--at", str(revision)).stdout
        assert json.loads(printed) == timeline.at(revision).to_dict()
        assert invoke("replay", str(recording), "--at", str(revision)).exit_code == 0


def test_a_clock_never_goes_back() -> None:
    clock = Clock()
    assert [clock(at) for at in (None, 5, 7.0004, 6, None, 9)] == [None, 0, 2, 2, 2, 4]


def test_help_names_the_forms() -> None:
    assert "0:12.5" in invoke("replay", "--help").stdout
    assert "session.jsonl --at 12s" in invoke("--help").stdout
