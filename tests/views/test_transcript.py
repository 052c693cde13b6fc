"""The transcript: turns in the order of the conversation, whatever came when."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Snapshot, Turn, replay, simulate, transcript
from rtstate._model import PART_TYPES
from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    audio_part,
    call,
    committed,
    deleted,
    delta,
    done,
    event,
    output_added,
    part_done,
    response_created,
    response_done,
    retrieved,
    sound,
    speech_started,
    speech_stopped,
    spoken,
    state,
    streamed,
    text_part,
    transcription,
    truncated,
    user,
)
from tests.strategies import STREAMS, Stream

HEARD = transcription("completed", transcript="Hello")


def turns(*events: Event) -> tuple[Turn, ...]:
    return transcript(state(*events).snapshot())


def said(*events: Event) -> list[tuple[Any, ...]]:
    return [(turn.role, turn.text, turn.status) for turn in turns(*events)]


ANSWER = [response_created(), added(assistant(), after="u1"), spoken("Hi there.")]

ORDERS: dict[str, list[Event]] = {
    # who speaks first comes first, however late it is written down
    "a transcript after the answer": [committed(after=None), added(user(), after=None), *ANSWER, HEARD],
    "a transcript before its item": [HEARD, committed(after=None), added(user(), after=None), *ANSWER],
    "a transcript without its item's announcement": [speech_started(), HEARD, committed(after=None), *ANSWER],
    "an answer before what it answers": [*ANSWER, committed(after=None), HEARD],
    "an answer announced twice": [committed(after=None), output_added(assistant()), *ANSWER, HEARD],
    "deltas before any announcement": [
        response_created(),
        spoken("Hi there."),
        committed(after=None),
        HEARD,
        added(assistant(), after="u1"),
    ],
    "a null anchor on a done": [committed(after=None), *ANSWER, done(assistant(), after=None), HEARD],
    "a deleted item in between": [
        added(user("x", "No"), after=None),
        committed(after="x"),
        deleted("x"),
        *ANSWER,
        HEARD,
    ],
    "an anchor that nobody ever announces": [
        committed(after="nobody"),
        added(user(), after="nobody"),
        *ANSWER,
        HEARD,
    ],
    "the head, told last": [*ANSWER, added(user(), after="root"), HEARD],
    "a copy without a place": [committed(after=None), *ANSWER, HEARD, retrieved(user())],
    "a response that nobody announced": [
        committed(after=None),
        added(assistant(), after="u1"),
        spoken("Hi there."),
        HEARD,
    ],
    "an end before the transcript": [committed(after=None), *ANSWER, response_done(), HEARD],
    "deltas of the transcript in between": [
        committed(after=None),
        *ANSWER[:2],
        transcription("delta", delta="Hel"),
        ANSWER[2],
        transcription("delta", delta="lo"),
        HEARD,
    ],
}


def test_a_turn_is_plain_json_if_asked() -> None:
    turn = Turn("user", "Hi", "u1", "final", start_ms=3)
    assert json.loads(json.dumps(turn.to_dict())) == {
        "role": "user",
        "text": "Hi",
        "item_id": "u1",
        "status": "final",
        "heard": None,
        "generated": None,
        "start_ms": 3,
        "end_ms": None,
        "started_at": None,
        "ended_at": None,
    }


@pytest.mark.parametrize("events", ORDERS.values(), ids=list(ORDERS))
def test_turns_come_in_the_order_of_the_conversation(events: list[Event]) -> None:
    assert said(*events, response_done()) == [
        ("user", "Hello", "final"),
        ("assistant", "Hi there.", "final"),
    ]


def test_messages_of_one_response_keep_their_order_when_their_ends_come_together() -> None:
    """Section 3.7: several messages in one response, the ends of their audio just before its own."""
    one, two = assistant("a1"), assistant("a2")
    ends = [part_done(audio_part(text), each) for text, each in (("Two.", "a2"), ("One.", "a1"))]
    said_by = said(
        response_created(),
        *(added(one, after=None), spoken("One."), sound(100)),
        *(added(two, after="a1"), spoken("Two.", "a2"), sound(100, "a2")),
        *(*ends, done(two, after="a1"), done(one, after=None)),
        response_done("r1", one, call("f1"), two),
    )
    assert said_by == [("assistant", "One.", "final"), ("assistant", "Two.", "final")]


def test_transcripts_that_come_in_another_order_find_their_turns() -> None:
    """Section 7: two turns are committed, and the second is understood first."""
    events = [committed("u1", None), committed("u2", "u1")]
    late = [transcription("completed", "u2", transcript="two"), transcription("completed", transcript="one")]
    assert [turn.text for turn in turns(*events, *late)] == ["one", "two"]


STATUSES: dict[str, tuple[list[Event], tuple[Any, ...]]] = {
    "nothing is known yet": ([committed()], ("user", None, "pending")),
    "it is being understood": ([committed(), transcription("delta", delta="He")], ("user", "He", "partial")),
    "it could not be understood": (
        [committed(), transcription("delta", delta="He"), transcription("failed", error={"code": "x"})],
        ("user", "He", "failed"),
    ),
    "an answer has begun": (
        [response_created(), added(assistant(), after=None)],
        ("assistant", None, "pending"),
    ),
    "an answer is being given": ([response_created(), spoken("Hi")], ("assistant", "Hi", "partial")),
    "an answer was cut off": (
        [response_created(), spoken("Hi there, you."), sound(1400), truncated(audio_end_ms=700)],
        ("assistant", "Hi", "interrupted"),
    ),
    "an answer was cancelled": (
        [response_created(), spoken("Hi"), response_done(status="cancelled")],
        ("assistant", "Hi", "interrupted"),
    ),
    "an answer stopped short of its end": (
        [response_created(), spoken("Hi"), response_done(status="incomplete")],
        ("assistant", "Hi", "final"),
    ),
    "an answer failed": (
        [response_created(), spoken("Hi"), response_done(status="failed")],
        ("assistant", "Hi", "final"),
    ),
    "the connection was lost within an answer": (
        [
            *(event("session.created", session={"id": "s1"}), response_created(), spoken("Hi")),
            *(added(assistant()), event("session.created", session={"id": "s2"})),
        ],
        ("assistant", "Hi", "final"),
    ),
    "it was typed": ([added(user("u1", "Hello"))], ("user", "Hello", "final")),
    "it has two parts": (
        [part_done(text_part("One."), index=0), part_done(text_part("Two."), index=1), response_done()],
        ("assistant", "One. Two.", "final"),
    ),
}


@pytest.mark.parametrize(("events", "expected"), STATUSES.values(), ids=list(STATUSES))
def test_a_turn_says_how_far_it_is(events: list[Event], expected: tuple[Any, ...]) -> None:
    assert said(*events) == [expected]


def test_an_interrupted_turn_has_what_was_heard_and_what_was_generated() -> None:
    (turn,) = turns(response_created(), spoken("Hi there, you."), sound(1400), truncated(audio_end_ms=700))
    assert (turn.text, turn.heard, turn.generated) == ("Hi", "Hi", "Hi there, you.")
    (turn,) = turns(added(user("u1", "Hello")))
    assert turn.text == turn.heard == turn.generated == "Hello"


def test_speech_with_an_empty_text_beside_it_says_what_was_spoken() -> None:
    events = [response_created(), spoken("Hi there."), streamed("output_text.done", text="")]
    assert said(*events) == [("assistant", "Hi there.", "final")]


def test_of_a_part_that_was_cut_off_the_transcript_counts() -> None:
    streams = [spoken("one two three"), sound(1000), delta(" and more")]
    [turn] = turns(response_created(), *streams, truncated("a1", 500))
    assert turn.generated == "one two three"
    assert turn.generated.startswith(turn.text or "no text")


def test_only_messages_with_something_to_say_are_turns() -> None:
    output = {"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "{}"}
    empty = added(assistant("a2", status="completed", content=[]))
    assert said(added(call()), added(output), empty, added(user("u1", "Hello"))) == [
        ("user", "Hello", "final")
    ]


def test_what_was_translated_stands_beside_the_turns() -> None:
    snapshot = state(event("session.output_transcript.delta", delta="Ho")).snapshot()
    assert transcript(snapshot) == ()
    assert snapshot.translation is not None
    assert snapshot.translation.output_transcript == "Ho"


def test_what_is_out_of_band_is_no_turn() -> None:
    assert turns(response_created(conversation_id=None), spoken("aside")) == ()


def timed(*events: tuple[float, Event]) -> tuple[Turn, ...]:
    conversation = Conversation()
    for at, each in events:
        conversation.feed(each, at)
    return transcript(conversation.snapshot())


def test_turns_have_times_on_both_clocks() -> None:
    """The user begins at 2,000 ms of the session's audio, which is when the caller's clock shows 100 s."""
    one, other = timed(
        (100.0, speech_started(ms=2000)),
        (101.5, speech_stopped(ms=3400)),
        (101.6, committed(after=None)),
        (102.0, response_created()),
        (102.1, added(assistant(), after="u1")),
        (102.25, sound(1000)),
        (102.3, spoken("Hi there, you.")),
        (102.5, HEARD),
        (103.0, truncated(audio_end_ms=600)),
        (103.5, response_done(status="cancelled")),
    )
    assert (one.start_ms, one.end_ms, one.started_at, one.ended_at) == (2000, 3400, 100.0, 102.5)
    assert (other.start_ms, other.end_ms) == (
        4150,
        4750,
    )  # 750 ms after the user stopped; 600 ms of it played
    assert (other.started_at, other.ended_at) == (102.1, 103.5)


def times(*events: tuple[float, Event]) -> dict[str, tuple[Any, Any]]:
    """When the turns were, by item, whatever their order."""
    ids = dict.fromkeys(each["item_id"] for _, each in events if "item_id" in each)
    placed = [(120.0, added({"id": item_id, "type": "message"})) for item_id in ids]
    return {turn.item_id: (turn.start_ms, turn.end_ms) for turn in timed(*events, *placed)}


HEARD_TO_9 = ((109.0, speech_started("u1", ms=8000)), (110.0, speech_stopped("u1", ms=9000)))
CLOCKS: dict[str, tuple[list[tuple[float, Event]], tuple[Any, Any]]] = {
    "an answer": ([*HEARD_TO_9, (111.0, sound(500))], (10_000, 10_500)),
    "a greeting": ([(101.5, sound(500)), *HEARD_TO_9], (500, 1000)),
    "before the audio began": ([(100.5, sound(500)), *HEARD_TO_9], (None, None)),
    "at no time": ([(math.inf, sound(500)), *HEARD_TO_9], (None, None)),
    "while the user speaks": ([HEARD_TO_9[0], (111.0, sound(500))], (10_000, 10_500)),
}


@pytest.mark.parametrize(("events", "expected"), CLOCKS.values(), ids=list(CLOCKS))
def test_the_audio_clock_runs_while_nobody_speaks(
    events: list[tuple[float, Event]], expected: tuple[Any, Any]
) -> None:
    assert times(*events)["a1"] == expected


A1, A2 = sound(500, "a1"), sound(700, "a2", response_id="r2")
QUEUES: dict[str, tuple[list[tuple[float, Event]], list[tuple[Any, Any]]]] = {
    "of one response": (
        [(111.0, A1), (111.1, sound(700, "a2"))],
        [(10_000, 10_500), (10_500, 11_200)],
    ),
    "of two": ([(111.0, A1), (111.1, A2)], [(10_000, 10_500), (10_500, 11_200)]),
    "after a pause": ([(111.0, A1), (112.0, A2)], [(10_000, 10_500), (11_000, 11_700)]),
    "after a cut": (
        [(111.0, A1), (111.3, truncated("a1", 200)), (111.1, A2)],
        [(10_000, 10_200), (10_200, 10_900)],
    ),
    "after what was cancelled": (
        [(111.0, A1), (111.2, response_done("r1", status="cancelled")), (111.1, A2)],
        [(10_000, 10_200), (10_200, 10_900)],
    ),
    "after what was cancelled, and cut before": (
        [
            (111.0, A1),
            (111.2, truncated("a1", 100)),
            (111.3, response_done("r1", status="cancelled")),
            (111.1, A2),
        ],
        [(10_000, 10_100), (10_100, 10_800)],
    ),
    "after what was cancelled when all of it had been played": (
        [(111.0, A1), (112.0, response_done("r1", status="cancelled")), (111.1, A2)],
        [(10_000, 10_500), (10_500, 11_200)],
    ),
    "cancelled before it was played": (
        [(111.0, A1), (111.1, A2), (111.2, response_done("r2", status="cancelled"))],
        [(10_000, 10_500), (10_500, 10_500)],
    ),
}


@pytest.mark.parametrize(("events", "expected"), QUEUES.values(), ids=list(QUEUES))
def test_messages_are_played_one_after_the_other(
    events: list[tuple[float, Event]], expected: list[tuple[Any, Any]]
) -> None:
    found = times(*HEARD_TO_9, *events)
    assert [found["a1"], found["a2"]] == expected


def in_two_sessions(*second: tuple[float, Event]) -> dict[str, tuple[Any, Any]]:
    """When the turns were, the first two of them in a session of their own."""
    one, two = (event("session.created", session={"id": name}) for name in ("s1", "s2"))
    first = [(110.0, committed("u1")), (111.0, sound(30_000, "a1")), (111.0, added(assistant("a1")))]
    found = timed((100.0, one), *HEARD_TO_9, *first, (112.0, two), *second)
    return {turn.item_id: (turn.start_ms, turn.end_ms) for turn in found}


def test_a_new_session_has_a_clock_and_a_player_of_its_own() -> None:
    greeting = [(113.0, A2), (113.0, added(assistant("a2")))]
    heard = [(131.0, speech_started("u2", ms=20_000)), (132.0, speech_stopped("u2", ms=21_000))]
    assert in_two_sessions(*greeting, *heard, (132.0, committed("u2"))) == {
        "u1": (8000, 9000),
        "a1": (10_000, 40_000),
        "a2": (2000, 2700),
        "u2": (20_000, 21_000),
    }


def test_where_a_session_has_no_audio_clock_no_turn_has_a_time_on_it() -> None:
    found = in_two_sessions((113.0, A2), (113.0, added(assistant("a2"))), (114.0, committed("u2")))
    assert [found["u2"], found["a2"]] == [(None, None), (None, None)]


def test_of_what_was_only_committed_the_end_is_known() -> None:
    assert times(*HEARD_TO_9, (114, committed("u2")))["u2"] == (None, 13_000)


def test_what_nobody_told_is_unknown() -> None:
    for turn in turns(speech_started(ms=ABSENT), *ANSWER, sound(500), response_done()):
        assert (turn.start_ms, turn.end_ms, turn.started_at, turn.ended_at) == (None, None, None, None)


def test_a_document_has_no_times_and_the_same_words() -> None:
    conversation = replay(simulate.example().lines(timed=True))
    there = transcript(conversation.snapshot())
    here = transcript(Snapshot.from_dict(conversation.snapshot().to_dict()))
    words = [(turn.role, turn.text, turn.status, turn.heard, turn.generated) for turn in there]
    assert words == [(turn.role, turn.text, turn.status, turn.heard, turn.generated) for turn in here]
    assert all(turn.started_at is not None for turn in there)
    assert all(turn.started_at is None for turn in here)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_session_reads_as_it_was_held(dialect: str) -> None:
    session = simulate.session(seed=11, turns=6, dialect=dialect)
    found = {turn.item_id: turn for turn in transcript(replay(session.events).snapshot())}
    order = [item_id for item_id in session.truth.order if item_id in found]
    assert list(found) == order
    for item_id, texts in session.truth.texts.items():
        if item_id in found and found[item_id].status == "final":
            assert found[item_id].generated == " ".join(text for text in texts if text is not None)


def test_every_recording_reads(recording: Path) -> None:
    with recording.open() as lines:
        snapshot = replay(lines).snapshot()
    found = transcript(snapshot)
    assert [turn.item_id for turn in found] == [
        each for each in snapshot.order if each in {t.item_id for t in found}
    ]
    json.dumps([turn.text for turn in found])


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
@given(st.data())
def test_any_state_reads(stream: st.SearchStrategy[Stream], data: st.DataObject) -> None:
    conversation = Conversation()
    for number, each in enumerate(data.draw(stream)):
        conversation.feed(each, float(number))
    snapshot = conversation.snapshot()
    for turn in transcript(snapshot):
        item = snapshot.item(turn.item_id)
        assert item is not None
        assert turn.role == item.role
        assert (turn.text is None) is (turn.heard is None)
        assert turn.ended_at is None or (turn.started_at is not None and turn.started_at <= turn.ended_at)
        known = [part for part in item.content if item.status == "in_progress" or part.type in PART_TYPES]
        assert turn.status != "final" or all(part.final for part in known)


def test_a_part_of_an_unknown_type_keeps_no_turn_open() -> None:
    content = [text_part("Look:", "input_text"), {"type": "input_file", "file_id": "f"}]
    [turn] = transcript(state(added({**user("u1"), "content": content, "status": "completed"})).snapshot())
    assert (turn.text, turn.status) == ("Look:", "final")


def test_an_empty_part_leaves_no_space() -> None:
    content = [text_part(""), audio_part("Hello")]
    events = [
        delta("", index=0),
        spoken("Hello", index=1),
        done(assistant("a1", *content, status="completed")),
    ]
    [turn] = transcript(state(*events).snapshot())
    assert turn.text == "Hello"
