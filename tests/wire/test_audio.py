"""The audio buffers: who is speaking, and which item the user's speech becomes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    cases,
    committed,
    done,
    event,
    prove,
    response_created,
    speech_started,
    speech_stopped,
    spoken,
    state,
    transcription,
    unchanged,
    user,
)

STARTED = [speech_started(ms=1000)]
STOPPED = [*STARTED, speech_stopped(ms=2500)]
HI = added(user("u0", "Hi"))


def heard(speaking: bool, item_id: str | None, started: float | None, stopped: float | None = None) -> Event:
    known = {"speaking": speaking, "item_id": item_id}
    return {"input_audio": {**known, "speech_started_ms": started, "speech_stopped_ms": stopped}}


PENDING = {
    "type": "message",
    "role": "user",
    "status": "in_progress",
    "response_id": None,
    "previous_item_id": None,
    "content": [
        {
            "type": "input_audio",
            "text": None,
            "transcript": None,
            "audio_ms": None,
            "final": False,
            "truncated": None,
            "transcription": {"status": "pending", "error": None},
        }
    ],
}


@cases(
    {
        "speech starts": ([], speech_started(ms=1000), heard(True, "u1", 1000)),
        "the first sight of an item": ([], speech_started(), {"items": {"u1": PENDING}, "order": []}),
        "speech starts without an offset": ([], speech_started(), heard(True, "u1", None)),
        "speech starts with a null offset": ([], speech_started(ms=None), heard(True, "u1", None)),
        "speech starts at 0": ([], speech_started(ms=0), heard(True, "u1", 0)),
        "another speech starts": (STOPPED, speech_started("u2", 4000), heard(True, "u2", 4000)),
        "speech starts of an item that is there": (
            [added(user(status="completed"))],
            speech_started(ms=5),
            heard(True, "u1", 5) | {"items": {"u1": {"status": "completed"}}, "order": ["u1"]},
        ),
        "speech stops": (STARTED, speech_stopped(ms=2500), heard(False, "u1", 1000, 2500)),
        "speech stops without an offset": (STARTED, speech_stopped(), heard(False, "u1", 1000)),
        "speech stops without an item": (
            STARTED,
            speech_stopped(ABSENT, 2500),
            heard(False, "u1", 1000, 2500),
        ),
        "speech stops that nobody saw start": ([], speech_stopped(ms=2500), heard(False, "u1", None, 2500)),
        "committed after speech": (
            [HI, *STOPPED],
            committed(after="u0"),
            {"order": ["u0", "u1"], "items": {"u1": {**PENDING, "previous_item_id": "u0"}}},
        ),
        "committed is a first sight too": (
            [HI],
            committed(after="u0"),
            {"order": ["u0", "u1"], "items": {"u1": {**PENDING, "previous_item_id": "u0"}}},
        ),
        "committed without an anchor appends": ([HI], committed(), {"order": ["u0", "u1"]}),
        "committed with null is the head": ([HI], committed(after=None), {"order": ["u1", "u0"]}),
        "committed with an unknown anchor parks": (
            [HI],
            committed(after="u9"),
            {"order": ["u0", "u1"]},
            ["unknown_anchor"],
        ),
        "committed after its transcription": (
            [transcription("completed", transcript="Hello")],
            committed(after=None),
            {"order": ["u1"], "items": {"u1": {"status": "completed", "content": [{"transcript": "Hello"}]}}},
        ),
        "added after committed": (
            [HI, committed(after=None)],
            added(user(status="completed"), after=None),
            {"order": ["u1", "u0"], "items": {"u1": {"status": "completed", "content": PENDING["content"]}}},
        ),
        "cleared": (STARTED, event("input_audio_buffer.cleared"), heard(False, None, None)),
    }
)
def test_speech(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "started again": (STARTED, speech_started(ms=1000), None),
        "stopped again": (STOPPED, speech_stopped(ms=2500), None),
        "committed again": ([HI, committed(after="u0")], committed(after="u0"), None),
        "committed again elsewhere": ([HI, committed(after="u0")], committed(after=None), None),
        "committed after added": (
            [HI, added(user(status="completed"), after="u0"), done(user(status="completed"))],
            committed(after="u0"),
            None,
        ),
        "the end of an earlier speech": (
            [*STARTED, speech_started("u2", 3000)],
            speech_stopped("u1", 2500),
            None,
            None,
        ),
        "cleared, and nothing was said": ([HI], event("input_audio_buffer.cleared"), None),
    }
)
def test_no_speech(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_clearing_keeps_what_was_committed() -> None:
    events = [*STOPPED, committed(after=None)]
    document = state(*events, event("input_audio_buffer.cleared")).snapshot().to_dict()
    assert document["order"] == ["u1"]
    assert document["items"]["u1"]["role"] == "user"


def test_clearing_is_no_deletion() -> None:
    events = [*STARTED, event("input_audio_buffer.cleared")]
    prove(events, committed(after=None), {"order": ["u1"], "items": {"u1": {"role": "user"}}})


def test_clearing_keeps_what_was_heard() -> None:
    heard_of = [*STARTED, transcription("delta", delta="Hel")]
    kept = {"items": {"u1": {"content": [{"transcript": "Hel"}]}}, "input_audio": {"item_id": None}}
    prove(heard_of, event("input_audio_buffer.cleared"), kept)
    prove(STARTED, event("input_audio_buffer.cleared"), {"items": {"u1": ABSENT}})


def test_speech_over_an_answer_leaves_the_answer_alone() -> None:
    events = [response_created(), added(assistant()), spoken("Hello")]
    found = {
        "items": {"a1": {"content": [{"transcript": "Hello"}]}},
        "responses": {"r1": {"status": "in_progress"}},
    }
    prove(events, speech_started(ms=9000), found)


def test_the_speech_of_an_assistant_leaves_its_item_as_it_was() -> None:
    events = [response_created(), added(assistant()), spoken("Hello")]
    before = state(*events).snapshot().to_dict()
    for last in (speech_started("a1", 5), speech_stopped("a1", 6)):
        prove(events, last, {"items": before["items"], "order": before["order"]}, None)


@pytest.mark.parametrize(
    "last",
    [
        event("input_audio_buffer.timeout_triggered", item_id="u9", audio_start_ms=1, audio_end_ms=2),
        event("input_audio_buffer.dtmf_event_received", event="9", received_at=1763605109),
        event("input_audio_buffer.dtmf_event_received", digit="9"),
        event("output_audio_buffer.started", response_id="r1"),
        event("output_audio_buffer.stopped", response_id="r1"),
        event("output_audio_buffer.cleared", response_id="r1"),
        event("output_audio_buffer.started"),
        event("output_audio_buffer.cleared", response_id="r9"),
    ],
    ids=lambda last: last["type"],
)
def test_events_that_say_nothing_about_the_conversation(last: Event) -> None:
    conversation = unchanged([HI, response_created(), added(assistant()), spoken("Hi")], last)
    assert conversation.stats.noted == 1


def test_speech_events_of_an_old_session_change_nothing() -> None:
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    events = [sessions[0], *STOPPED, sessions[1]]
    for last in (speech_started(ms=1), speech_stopped(ms=9), committed(after=None)):
        unchanged(events, last, None)
