"""Recordings: lines of events, with and without their times."""

import json
from collections.abc import Iterable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest

from rtstate import Conversation, EventParseError, Timeline, replay, simulate
from rtstate.recording import unwrap, unwrap_raw

EVENT = {"type": "ping", "timestamp": 1}
WRAPPED = {"at": 1.5, "event": EVENT}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (EVENT, (EVENT, None)),
        (WRAPPED, (EVENT, 1.5)),
        (json.dumps(WRAPPED), (EVENT, 1.5)),
        (json.dumps(WRAPPED).encode(), (EVENT, 1.5)),
        (bytearray(json.dumps(WRAPPED).encode()), (EVENT, 1.5)),
        ("  " + json.dumps(WRAPPED) + "\n", (EVENT, 1.5)),
        ({"at": 2, "event": EVENT}, (EVENT, 2.0)),
        ({"at": None, "event": EVENT}, (EVENT, None)),
        ({"at": True, "event": EVENT}, (EVENT, None)),
        ({"at": "noon", "event": EVENT}, (EVENT, None)),
        ({"at": 10**400, "event": EVENT}, (EVENT, None)),
        ('{"at": 1e999, "event": {"type": "ping", "timestamp": 1}}', (EVENT, None)),
        ({"at": float("nan"), "event": EVENT}, (EVENT, None)),
        ({"event": EVENT}, (EVENT, None)),
    ],
)
def test_a_line_is_an_event_or_holds_one(line: Any, expected: Any) -> None:
    assert unwrap(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(EVENT),
        json.dumps(EVENT).encode(),
        '{"at": 1.5, "event"',
        b'{"at": 1.5, "event"',
        '{"type": "input_audio_buffer.dtmf_event_received", "event": {"at": 1}}',
        {"type": "odd", "event": EVENT},
        {"at": 1.5, "event": "ping"},
        '{"at": 1, "event": 2}',
        "[]",
    ],
)
def test_any_other_line_is_passed_on_as_it_is(line: Any) -> None:
    assert unwrap(line) == (line, None)


def test_a_recording_that_keeps_its_times_last_is_read_all_the_same() -> None:
    """The time may stand behind an event of any length."""
    event = {"type": "ping", "padding": "x" * 500}
    assert unwrap(json.dumps({"event": event, "at": 1.5})) == (event, 1.5)
    assert unwrap(json.dumps({"event": event, "at": 1.5}).encode()) == (event, 1.5)


ODD = '{"type"\t:"ping" , "numbers":[1e2,1.0, -0, 1E+2, 12345678901234567890],"a":"\\u00e9\\/é", "event":{}}'


@pytest.mark.parametrize(
    "wrapped",
    [
        '{"at": 1.5, "event": %s}',
        '{"at":1.5,"event":%s}',
        ' { "event" :\r%s\n,"at":1.5 } \n',
        '{"at": 1.5, "by": {"event": "}"}, "event": %s, "more": [{}]}',
        '{"at": 1.5, "event": {"type": "first"}, "event": %s}',
        '{"at": 1.5, "\u2028é": "\x85", "event": %s}',
    ],
)
def test_the_event_of_a_line_can_be_had_as_it_stands_there(wrapped: str) -> None:
    line = wrapped.replace("%s", ODD)
    assert unwrap_raw(line) == (ODD, 1.5)
    assert unwrap_raw(line.encode()) == (ODD.encode(), 1.5)
    assert unwrap_raw(bytearray(line.encode())) == (ODD.encode(), 1.5)


@pytest.mark.parametrize(
    "line", [ODD, ODD.encode(), '{"at": 1, "event": {', b"\xff", '{"at": 1, "event": 2}', EVENT]
)
def test_what_is_not_wrapped_is_had_as_it_is(line: Any) -> None:
    assert unwrap_raw(line) == (line, None)


def test_an_event_in_a_mapping_is_one() -> None:
    assert unwrap_raw(WRAPPED) == (EVENT, 1.5)


PINGS = ['{"type": "ping"}\n', '{"type": "ping"}\n']


@pytest.mark.parametrize("marked", ["\ufeff", "\ufeff\n", "\ufeff \n"])
@pytest.mark.parametrize("of", [str, str.encode, lambda line: bytearray(line.encode())])
@pytest.mark.parametrize("read", [replay, Timeline])
def test_a_byte_order_mark_is_no_part_of_the_first_line(marked: str, of: Any, read: Any) -> None:
    lines = (marked + "".join(PINGS)).splitlines(keepends=True)
    result = read([of(line) for line in lines])
    if isinstance(result, Timeline):
        result = result.conversation
    assert (result.stats.noted, result.anomalies) == (2, ())


def test_a_byte_order_mark_further_down_is_damage() -> None:
    assert replay([PINGS[0], "\ufeff" + PINGS[1]]).stats.invalid == 1


def test_a_replay_is_the_state_after_the_last_line() -> None:
    session = simulate.session(seed=5, turns=3)
    conversation = Conversation()
    for at, event in session.timed:
        conversation.feed(event, at)
    expected = conversation.snapshot()
    recordings: list[Iterable[Any]] = [
        session.events,
        session.lines(),
        session.lines(timed=True),
        (line.encode() for line in session.lines(timed=True)),
        StringIO("\n".join(session.lines()) + "\n\n"),
        BytesIO("\n\n".join(session.lines(timed=True)).encode()),
    ]
    for lines in recordings:
        assert replay(lines).snapshot() == expected


def test_times_reach_the_changes() -> None:
    conversation = replay(simulate.session(seed=5, turns=1).lines(timed=True))
    times = [change.at for change in conversation.changes()]
    assert None not in times
    assert times == sorted(times, key=lambda at: at or 0)
    assert {change.at for change in replay(simulate.session(seed=5, turns=1).lines()).changes()} == {None}


def test_options_are_the_conversations() -> None:
    assert replay([], history=5, audio="keep").audio
    with pytest.raises(EventParseError):
        replay(["no JSON"], strict=True)
    with pytest.raises(TypeError):
        replay([], colour="red")


def test_a_broken_line_is_an_anomaly_and_the_rest_counts() -> None:
    conversation = replay(["", "  \n", b" ", "no JSON", json.dumps(EVENT)])
    assert (conversation.stats.events, conversation.stats.invalid, conversation.stats.noted) == (2, 1, 1)


@pytest.mark.parametrize("line", ['{"at": 1, "event": {"type": "ping"}', b'{"event": nonsense}'])
def test_a_line_that_begins_like_a_wrapped_event_and_is_none_is_passed_on(line: Any) -> None:
    assert unwrap(line) == (line, None)


@pytest.mark.parametrize("lines", ["{}", b"{}", bytearray(b"{}"), {"type": "ping"}])
def test_one_text_is_no_recording(lines: Any) -> None:
    with pytest.raises(
        TypeError, match="expected the lines of a recording, such as an open file, not one text"
    ):
        replay(lines)


def test_a_path_is_to_be_opened(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"not its path: replay\(open\('.*call.jsonl'\)\)$"):
        replay(tmp_path / "call.jsonl")  # type: ignore[arg-type]
