"""What a snapshot tells beside the document: when things were, and which model did them."""

from __future__ import annotations

from typing import Any

import pytest

from rtstate import Conversation, ItemTrace, Replica, ResponseTrace, Snapshot, Transcribed, reduce, simulate
from tests.helpers import (
    Event,
    added,
    arguments,
    assistant,
    call,
    committed,
    event,
    response_created,
    response_done,
    sound,
    speech_started,
    speech_stopped,
    spoken,
    state,
    transcription,
    truncated,
    user,
)

GA: Event = {"model": "gpt-realtime", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
BETA: Event = {"model": "gpt-4o-realtime", "input_audio_transcription": {"model": "gpt-4o-transcribe"}}


def timed(*events: Event, **options: Any) -> Conversation:
    """Feed events at 1 s, 2 s and so on."""
    conversation = Conversation(**options)
    for number, each in enumerate(events, 1):
        conversation.feed(each, float(number))
    return conversation


def item(*events: Event, item_id: str = "a1") -> ItemTrace:
    return timed(*events).snapshot().item_trace(item_id)


def test_an_answer_has_its_times() -> None:
    events = [response_created(), added(assistant()), sound(500), spoken("Hi"), spoken(" you"), sound(500)]
    trace = item(*events, truncated(audio_end_ms=600), response_done())
    assert trace == ItemTrace(started_at=2, first_audio_at=3, first_text_at=4, truncated_at=7, ended_at=8)
    snapshot = timed(*events, response_done()).snapshot()
    assert snapshot.response_trace("r1") == ResponseTrace(started_at=1, ended_at=7)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([speech_stopped(ms=900), speech_stopped(ms=900)], (900, 2)),
        ([speech_stopped(ms=900), event("input_audio_buffer.speech_stopped", item_id="u1")], (900, 2)),
        ([speech_stopped(ms=900), speech_stopped(ms=700)], (900, 2)),
        ([speech_stopped(ms=900), speech_started(ms=1000), speech_stopped(ms=1500)], (1500, 4)),
        ([committed(), speech_stopped(ms=900)], (900, 2)),
    ],
)
def test_speech_ends_when_that_was_told_first_unless_it_is_taken_up_again(
    events: list[Event], expected: tuple[float, float]
) -> None:
    trace = item(speech_started(ms=120), *events, item_id="u1")
    assert (trace.end_ms, trace.speech_stopped_at) == expected


def test_times_alone_make_no_new_snapshot() -> None:
    """They stand in the next one: a snapshot is new exactly where the document is."""
    conversation = timed(speech_started(ms=120), speech_stopped(ms=900))
    before = conversation.snapshot()
    conversation._draft.mark(conversation._draft.items["u1"], ended_at=5)
    assert conversation.snapshot() is before
    assert before.item_trace("u1").ended_at is None
    conversation.feed(committed())
    assert conversation.snapshot().item_trace("u1").ended_at == 5


def test_speech_has_its_times_on_both_clocks() -> None:
    events = [speech_started(ms=120), speech_stopped(ms=900), committed(), transcription("delta", delta="Hi")]
    trace = item(*events, transcription("completed", transcript="Hi."), item_id="u1")
    assert trace == ItemTrace(
        started_at=1,
        speech_stopped_at=2,
        first_text_at=4,
        ended_at=5,
        start_ms=120,
        end_ms=900,
        transcribed=(Transcribed(0),),
    )


def test_speech_that_is_only_committed_stopped_then() -> None:
    assert item(committed(), item_id="u1") == ItemTrace(started_at=1, speech_stopped_at=1)


def test_an_item_belongs_to_the_session_it_came_in() -> None:
    one, two = (event("session.created", session={"id": name}) for name in ("s1", "s2"))
    events = [
        added(user("u0", "Hi")),
        one,
        added(user("u1", "Hi")),
        two,
        added(user("u2", "Hi")),
        committed("u1"),
    ]
    for conversation in (timed(*events), state(*events)):
        snapshot = conversation.snapshot()
        again = Conversation.restore(conversation.checkpoint()).snapshot()
        reduced = reduce(snapshot, [added(user("u3", "Hi"))])
        sessions = [reduced.item_trace(f"u{n}").session for n in range(4)]
        assert sessions == [0, 0, 1, 1]
        assert [again.item_trace(f"u{n}") for n in range(3)] == [
            snapshot.item_trace(f"u{n}") for n in range(3)
        ]


def test_arguments_are_text() -> None:
    trace = item(added(call()), arguments('{"a"'), arguments(": 1}"), item_id="f1")
    assert (trace.started_at, trace.first_text_at) == (1, 2)


def test_a_text_that_comes_whole_has_its_time_too() -> None:
    assert item(added(user("u1", "Hi")), item_id="u1").first_text_at == 1


def test_without_times_there_are_none() -> None:
    conversation = Conversation()
    for each in (response_created(), spoken("Hi"), sound(100), response_done()):
        conversation.feed(each)
    assert conversation.snapshot().item_trace("a1") == ItemTrace()
    assert conversation.snapshot().response_trace("r1") == ResponseTrace()


def test_an_id_that_nobody_knows_has_no_trace() -> None:
    snapshot = Conversation().snapshot()
    assert snapshot.item_trace("a1") == ItemTrace()
    assert snapshot.response_trace("r1") == ResponseTrace()


# Models


@pytest.mark.parametrize(
    ("session", "answers", "transcribes"),
    [(GA, "gpt-realtime", "whisper-1"), (BETA, "gpt-4o-realtime", "gpt-4o-transcribe"), ({}, None, None)],
)
def test_models_are_those_of_the_session(session: Event, answers: Any, transcribes: Any) -> None:
    events = [event("session.created", session={"id": "s1", **session}), committed(), response_created()]
    usage = {"type": "tokens", "total_tokens": 9, "input_tokens": 6, "output_tokens": 3}
    snapshot = timed(*events, transcription("completed", transcript="Hi", usage=usage)).snapshot()
    assert snapshot.response_trace("r1").model == answers
    assert snapshot.item_trace("u1").transcribed == (Transcribed(0, transcribes, usage),)


def test_a_model_counts_from_when_it_was_set_and_for_its_session() -> None:
    first = event("session.created", session={"id": "s1", **GA})
    update = event("session.updated", session={"model": "gpt-realtime-mini"})
    second = event("session.created", session={"id": "s2"})
    events = [first, response_created("r1"), update, response_created("r2"), second, response_created("r3")]
    snapshot = timed(*events).snapshot()
    models = [snapshot.response_trace(each).model for each in ("r1", "r2", "r3")]
    assert models == ["gpt-realtime", "gpt-realtime-mini", None]


def test_a_transcription_that_is_told_again_is_one() -> None:
    usage = {"type": "duration", "seconds": 1.5}
    told = [
        transcription("completed", transcript="Hi"),
        transcription("completed", transcript="Hi", usage=usage),
    ]
    trace = item(committed(), *told, transcription("completed", transcript="Hi"), item_id="u1")
    assert trace.transcribed == (Transcribed(0, None, usage),)


# No document, no patch, no item changes by it


def test_a_trace_changes_neither_items_nor_changes() -> None:
    events = simulate.example().events
    one, other = Conversation(), Conversation()
    for number, each in enumerate(events):
        before = one.snapshot()
        assert one.feed(each, number / 10).patch() == other.feed(each).patch()
        after = one.snapshot()
        for shown in after.items:
            was = before.item(shown.id)
            assert was is None or was is shown or was.to_dict() != shown.to_dict()
    assert one.snapshot() == other.snapshot()


def test_an_old_snapshot_keeps_its_trace() -> None:
    conversation = timed(response_created(), added(assistant()))
    before = conversation.snapshot()
    conversation.feed(spoken("Hi"), 9.0)
    assert before.item_trace("a1").first_text_at is None
    assert conversation.snapshot().item_trace("a1").first_text_at == 9


def test_a_trace_goes_along_where_the_state_does() -> None:
    conversation = Conversation()
    for at, each in simulate.example().timed:
        conversation.feed(each, at)
    snapshot = conversation.snapshot()
    restored = Conversation.restore(conversation.checkpoint()).snapshot()
    reduced = reduce(snapshot, [response_created("r9")])
    replica = Replica(snapshot)
    replica.apply(conversation.feed(response_created("r9")))
    for shown in snapshot.items:
        trace = snapshot.item_trace(shown.id)
        assert trace.started_at is not None
        for elsewhere in (restored, reduced, replica.snapshot()):
            assert elsewhere.item_trace(shown.id) == trace
    for response in snapshot.responses:
        for elsewhere in (restored, reduced, replica.snapshot()):
            assert elsewhere.response_trace(response.id) == snapshot.response_trace(response.id)
    assert Snapshot.from_dict(snapshot.to_dict()).item_trace(snapshot.order[0]) == ItemTrace()
