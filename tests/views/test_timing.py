"""How long the user spoke and waited, by times that the events came with; nothing is made up."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Percentiles, Snapshot, Timing, TurnTiming, replay, simulate, timing
from rtstate.views.timing import NO_ANSWER, NO_AUDIO, NO_SPEECH, NO_TIMES
from tests.helpers import (
    Event,
    added,
    arguments,
    assistant,
    call,
    committed,
    delta,
    event,
    output_added,
    response_created,
    response_done,
    sound,
    speech_started,
    speech_stopped,
    spoken,
    truncated,
    user,
)
from tests.strategies import STREAMS, Stream

Timed = tuple[float | None, Event]


def measured(*events: Timed) -> Timing:
    conversation = Conversation()
    for at, each in events:
        conversation.feed(each, at)
    return timing(conversation.snapshot())


def speech(number: int, start: float, end: float, after: str | None = None) -> list[Timed]:
    """The user speaks: the session's audio clock began at 100 s of ours."""
    item_id = f"u{number}"
    return [
        (start, speech_started(item_id, ms=(start - 100) * 1000)),
        (end, speech_stopped(item_id, ms=(end - 100) * 1000)),
        (end, committed(item_id, after=after)),
    ]


def answer(number: int, at: float, ms: int = 1000, after: str | None = None) -> list[Timed]:
    """The assistant speaks: text first, audio a tenth of a second later."""
    item_id, response_id = f"a{number}", f"r{number}"
    return [
        (at - 0.2, response_created(response_id)),
        (at - 0.2, added(assistant(item_id, response_id=response_id), after=after or f"u{number}")),
        (at, spoken("Hello", item_id, response_id=response_id)),
        (at + 0.1, sound(ms, item_id, response_id=response_id)),
        (at + 0.3, response_done(response_id, assistant(item_id, status="completed"))),
    ]


ONE = [*speech(1, 110, 112), *answer(1, 112.5)]


def test_a_turn() -> None:
    [turn] = measured(*ONE).turns
    assert turn == TurnTiming(
        item_id="u1",
        answer_ids=("a1",),
        ended_at=112,
        speech=2.0,
        first_text=0.5,
        first_audio=0.6,
        generated=1.0,
        heard=1.0,
    )


def test_speech_counts_on_the_audio_clock_where_there_is_one() -> None:
    late = [(110.7, speech_started("u1", ms=10_000)), (112.2, speech_stopped("u1", ms=12_000))]
    assert measured(*late, (112.2, committed())).turns[0].speech == 2.0
    clockless = [(110.7, speech_started("u1")), (112.2, speech_stopped("u1")), (112.2, committed())]
    assert measured(*clockless).turns[0].speech == 1.5


def test_speech_that_is_only_committed_has_an_end_and_no_length() -> None:
    [turn] = measured((112, committed(after=None)), *answer(1, 112.5)).turns
    assert (turn.ended_at, turn.speech, turn.first_audio, turn.barged_in) == (112, None, 0.6, None)


def test_a_tool_in_between_is_part_of_the_wait() -> None:
    events = [
        *speech(1, 110, 112),
        *((112.1, response_created("r0")), (112.2, output_added(call("f1"), "r0"))),
        *((112.2, added(call("f1"), after="u1")), (112.3, arguments("{}", "f1", response_id="r0"))),
        (112.4, response_done("r0", call("f1", "{}", status="completed"))),
        (
            113.0,
            added(
                {"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "5"}, after="f1"
            ),
        ),
        *answer(1, 114, after="o1"),
    ]
    [turn] = measured(*events).turns
    assert (turn.answer_ids, turn.first_text, turn.first_audio) == (("a1",), 2.0, 2.1)


def test_an_answer_of_several_messages_counts_from_the_first_and_is_as_long_as_all() -> None:
    [turn] = measured(*ONE, *answer(2, 114, 500, after="a1")).turns
    assert (turn.answer_ids, turn.first_audio, turn.generated) == (("a1", "a2"), 0.6, 1.5)


def test_speech_that_is_taken_up_again_has_no_answer() -> None:
    result = measured(*speech(1, 110, 112), *speech(2, 113, 114, after="u1"), *answer(2, 114.5))
    assert [(turn.item_id, turn.answer_ids) for turn in result.turns] == [("u1", ()), ("u2", ("a2",))]
    assert (result.answered, result.turns[0].first_audio) == (1, None)


def test_a_written_message_is_no_turn_but_ends_one() -> None:
    written = (113.0, added(user("u2", "Hello?"), after="u1"))
    result = measured(*speech(1, 110, 112), written, *answer(2, 113.5, after="u2"))
    assert [(turn.item_id, turn.answer_ids) for turn in result.turns] == [("u1", ())]


def test_what_came_before_the_end_of_the_speech_is_no_answer_to_it() -> None:
    [turn] = measured(*speech(1, 110, 112), *answer(1, 111)).turns
    assert (turn.answer_ids, turn.first_text, turn.first_audio) == (("a1",), None, None)


def test_a_clock_that_goes_back_gives_no_durations() -> None:
    audio = [(110.0, speech_started("u1", ms=5000)), (112.0, speech_stopped("u1", ms=4000))]
    assert measured(*audio, (112.0, committed())).turns[0].speech is None
    events = [(112.0, speech_started("u1")), (110.0, speech_stopped("u1")), (110.0, committed())]
    assert measured(*events).turns[0].speech is None


# Interruptions and overlap: the first answer is to be heard from 112.6 to 113.6

BARGE_INS: dict[str, tuple[list[Timed], tuple[Any, Any]]] = {
    "it had ended": (speech(2, 113.7, 115, "a1"), (False, 0.0)),
    "into the answer": (speech(2, 113.2, 115, "a1"), (True, 0.4)),
    "into the answer, which is cut off at once": (
        [*speech(2, 113.2, 115, "a1"), (113.3, truncated("a1", 600))],
        (True, 0.0),
    ),
    "into the answer, which is cut off later": (
        [*speech(2, 113.2, 115, "a1"), (113.5, truncated("a1", 800))],
        (True, 0.2),
    ),
    "after an answer that was cut off before": (
        [(113, truncated("a1", 400)), *speech(2, 113.8, 115, "a1")],
        (False, 0.0),
    ),
    "into a second message, which plays after the first": (
        [*answer(2, 112.7, after="a1"), *speech(3, 114.1, 115, "a2")],
        (True, 0.5),
    ),
    "a second time": ([*speech(2, 113.2, 113.3, "a1"), *speech(3, 113.4, 115, "u2")], (True, 0.2)),
    "after a message without sound": (
        [
            (112.9, added(assistant("a2"), after="a1")),
            (113, delta("Hi", "a2", response_id="r2")),
            *speech(3, 113.2, 115, "a2"),
        ],
        (True, 0.4),
    ),
    "after a message whose sound nobody saw": (
        [
            (112.9, added(assistant("a2"), after="a1")),
            (113, spoken("Hi", "a2", response_id="r2")),
            *speech(3, 113.2, 115, "a2"),
        ],
        (None, None),
    ),
    "into an answer that was cancelled, and played no longer": (
        [
            (113.7, response_created("r2")),
            (113.7, added(assistant("a2", response_id="r2"), after="a1")),
            (113.7, sound(9000, "a2", response_id="r2")),
            (114.2, response_done("r2", assistant("a2", status="incomplete"), status="cancelled")),
            *speech(3, 114, 115, "a2"),
        ],
        (True, 0.2),
    ),
    "into the answer, of the session before": (
        [(113, event("session.created", session={"id": name})) for name in ("s1", "s2")]
        + speech(2, 113.2, 115, "a1"),
        (None, None),
    ),
    "without a beginning that anybody told": ([(113.2, committed("u2", after="a1"))], (None, None)),
    "at a time that nobody told": ([(None, event) for _, event in speech(2, 113.2, 115, "a1")], (None, None)),
}


@pytest.mark.parametrize(("events", "expected"), BARGE_INS.values(), ids=BARGE_INS)
def test_the_user_speaks_while_the_assistant_does(events: list[Timed], expected: tuple[Any, Any]) -> None:
    result = measured(*ONE, *events)
    last = result.turns[-1]
    assert (last.barged_in, last.overlap) == expected
    assert result.turns[0].barged_in is None  # nobody had spoken before


def test_barge_ins_are_counted_where_they_can_be_known() -> None:
    assert measured(*ONE).barge_ins is None
    assert measured(*ONE, *speech(2, 113.7, 115, "a1")).barge_ins == 0
    assert measured(*ONE, *speech(2, 113.2, 115, "a1")).barge_ins == 1


def test_an_answer_that_was_cut_off_is_interrupted() -> None:
    result = measured(*ONE, (113, truncated("a1", 400)))
    assert (result.interruptions, result.turns[0].interrupted) == (1, True)
    assert (result.turns[0].generated, result.turns[0].heard) == (1.0, 0.4)


def test_an_answer_that_was_cancelled_is_interrupted_and_one_to_nobody_counts_too() -> None:
    begun = [(101.0, response_created("r0")), (101.0, added(assistant("a0", response_id="r0"), after=None))]
    cancelled = [
        (101.1, spoken("Hel", "a0", response_id="r0")),
        (101.2, response_done("r0", status="cancelled")),
    ]
    result = measured(*begun, *cancelled, *speech(1, 110, 112, "a0"), *answer(1, 112.5))
    assert (result.interruptions, result.turns[0].interrupted) == (1, False)


# Percentiles


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        ([0.5], Percentiles(1, 0.5, 0.5, 0.5, 0.5, 0.5)),
        ([0.4, 0.6], Percentiles(2, 0.4, 0.5, 0.58, 0.59, 0.6)),
        ([0.5, 0.3, 0.1, 0.2, 0.4], Percentiles(5, 0.1, 0.3, 0.46, 0.48, 0.5)),
    ],
)
def test_percentiles_lie_on_straight_lines(waits: list[float], expected: Percentiles) -> None:
    events: list[Timed] = []
    for number, wait in enumerate(waits, 1):
        start = 100 + 10 * number
        before = f"a{number - 1}" if number > 1 else None
        events += [*speech(number, start, start + 1, before), *answer(number, start + 1 + wait)]
    assert measured(*events).first_text == expected


@given(st.lists(st.integers(100, 5000), min_size=2, max_size=30))
def test_the_middle_is_the_median(waits_ms: list[int]) -> None:
    events: list[Timed] = []
    for number, wait in enumerate(waits_ms, 1):
        start = 100 + 10 * number
        before = f"a{number - 1}" if number > 1 else None
        events += [*speech(number, start, start + 1, before), *answer(number, start + 1 + wait / 1000)]
    spread = measured(*events).first_text
    assert spread is not None
    assert spread.p50 == pytest.approx(statistics.median(waits_ms) / 1000)
    assert spread.lowest <= spread.p50 <= spread.p90 <= spread.p95 <= spread.highest


# What is missing

MISSING: dict[str, tuple[list[Timed], tuple[str, ...]]] = {
    "nothing": (ONE, ()),
    "speech": ([(1, added(user("u1", "Hi")))], (NO_SPEECH,)),
    "times": ([(None, event) for _, event in ONE], (NO_TIMES,)),
    "an answer": (speech(1, 110, 112), (NO_ANSWER,)),
    "audio": (
        [*speech(1, 110, 112), (113, added(assistant(), after="u1")), (113, delta("Hi"))],
        (NO_AUDIO,),
    ),
    "everything": ([(None, committed())], (NO_TIMES, NO_ANSWER)),
}


@pytest.mark.parametrize(("events", "missing"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said(events: list[Timed], missing: tuple[str, ...]) -> None:
    assert measured(*events).missing == missing


def test_without_times_there_are_only_lengths_of_sound() -> None:
    result = measured(*[(None, event) for _, event in ONE])
    assert result.turns == (TurnTiming("u1", ("a1",), speech=2.0, generated=1.0, heard=1.0),)
    assert (result.first_text, result.first_audio, result.barge_ins) == (None, None, None)


def test_a_recording_without_times_gives_none(recording: Path) -> None:
    with recording.open("rb") as lines:
        result = timing(replay(lines).snapshot())
    assert result.missing
    assert result.first_audio is result.first_text is result.barge_ins is None


def test_a_document_has_no_times() -> None:
    conversation = Conversation()
    for at, each in ONE:
        conversation.feed(each, at)
    result = timing(Snapshot.from_dict(conversation.snapshot().to_dict()))
    assert NO_TIMES in result.missing
    assert result.turns[0].first_audio is None


# Laws


@pytest.mark.parametrize("kind", STREAMS)
def test_durations_are_durations_whatever_comes(kind: str) -> None:
    @given(STREAMS[kind], st.lists(st.none() | st.floats(-5, 5), min_size=1, max_size=9))
    def holds(events: Stream, steps: list[float | None]) -> None:
        conversation, at = Conversation(), 0.0
        for number, each in enumerate(events):
            step = steps[number % len(steps)]
            at += step or 0
            conversation.feed(each, None if step is None else at)
        result = timing(conversation.snapshot())
        json.dumps(result.to_dict(), allow_nan=False)
        for turn in result.turns:
            lengths = (
                turn.speech,
                turn.first_text,
                turn.first_audio,
                turn.generated,
                turn.heard,
                turn.overlap,
            )
            assert all(length is None or length >= 0 for length in lengths)
            assert (turn.heard or 0) <= (turn.generated or 0)
            assert (turn.barged_in is None) is (turn.overlap is None)
            assert turn.barged_in or not turn.overlap

    holds()


@pytest.mark.parametrize("seed", range(4))
def test_adding_to_every_time_changes_no_duration(seed: int) -> None:
    results: list[Timing] = []
    for shift in (0.0, 1024.0):
        conversation = Conversation()
        for at, each in simulate.session(seed, 5, simulate.DIALECTS[seed]).timed:
            conversation.feed(each, at + shift)
        results.append(timing(conversation.snapshot()))
    first, second = (result.to_dict() for result in results)
    for turn in (*first["turns"], *second["turns"]):
        del turn["ended_at"]
    assert first == second
