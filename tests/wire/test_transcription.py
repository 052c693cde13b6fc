"""Transcriptions of what the user said: before the item, in the middle of it, long after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    call,
    cases,
    committed,
    deleted,
    done,
    event,
    prove,
    response_created,
    speech_started,
    spoken,
    state,
    transcription,
    unchanged,
    user,
)

SAID = [added(user(status="completed"), after=None)]
PARTIAL = [*SAID, transcription("delta", delta="Hel")]
FINAL = [*SAID, transcription("completed", transcript="Hello")]
FAILED = [*PARTIAL, transcription("failed", error={"type": "transcription_error", "message": "noise"})]
TOKENS = {
    "type": "tokens",
    "total_tokens": 48,
    "input_tokens": 38,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 10, "audio_tokens": 28},
}
SECONDS = {"type": "duration", "seconds": 1.5}


def part(transcript: str | None, status: str, error: Any = None, **fields: Any) -> Event:
    known = {"type": "input_audio", "transcript": transcript, "final": status in ("final", "failed")}
    content = {**known, "transcription": {"status": status, "error": error}, **fields}
    return {"items": {"u1": {"role": "user", "content": [content]}}}


def totals(**counters: Any) -> Event:
    return {"usage": {"transcription": counters}}


@cases(
    {
        "delta": (SAID, transcription("delta", delta="Hel"), part("Hel", "partial")),
        "deltas append": (PARTIAL, transcription("delta", delta="lo"), part("Hello", "partial")),
        "delta without an index": (
            SAID,
            transcription("delta", index=ABSENT, delta="Hel"),
            part("Hel", "partial"),
        ),
        "delta with a null index": (
            SAID,
            transcription("delta", index=None, delta="Hel"),
            part("Hel", "partial"),
        ),
        "delta of an item nobody announced": (
            [],
            transcription("delta", delta="Hel"),
            part("Hel", "partial") | {"order": []},
        ),
        "delta of an item that was only spoken": (
            [speech_started()],
            transcription("delta", delta="Hel"),
            part("Hel", "partial") | {"order": []},
        ),
        "delta between committed and added": (
            [committed(after=None)],
            transcription("delta", delta="Hel"),
            part("Hel", "partial") | {"order": ["u1"]},
        ),
        "the item arrives after a delta with a null transcript": (
            [transcription("delta", delta="Hel")],
            added(user(status="completed"), after=None),
            part("Hel", "partial") | {"order": ["u1"]},
        ),
        "an item's end is not the end of its transcription": (
            [transcription("delta", delta="Hel"), *SAID, done(user(status="completed"))],
            transcription("delta", delta="lo"),
            part("Hello", "partial"),
        ),
        "completed": (SAID, transcription("completed", transcript="Hello"), part("Hello", "final")),
        "completed replaces deltas": (
            PARTIAL,
            transcription("completed", transcript="Jello"),
            part("Jello", "final"),
        ),
        "completed without a transcript keeps the deltas": (
            PARTIAL,
            transcription("completed"),
            part("Hel", "final"),
        ),
        "completed with a null transcript keeps the deltas": (
            PARTIAL,
            transcription("completed", transcript=None),
            part("Hel", "final"),
        ),
        "completed with an empty transcript is a text": (
            PARTIAL,
            transcription("completed", transcript=""),
            part("", "final"),
        ),
        "completed of silence": (SAID, transcription("completed", transcript=""), part("", "final")),
        "completed before its item": (
            [],
            transcription("completed", transcript="Hello"),
            part("Hello", "final") | {"order": []},
        ),
        "the item arrives after completed with a null transcript": (
            [transcription("completed", transcript="Hello")],
            added(user(status="completed"), after=None),
            part("Hello", "final") | {"order": ["u1"]},
        ),
        "completed in the middle of an answer": (
            [*PARTIAL, response_created(), added(assistant(), after="u1"), spoken("Hi")],
            transcription("completed", transcript="Hello"),
            part("Hello", "final"),
        ),
        "completed keeps what else it tells": (
            SAID,
            transcription("completed", transcript="Hello", languages=[{"code": "en"}], logprobs=None),
            part("Hello", "final", extra={"languages": [{"code": "en"}]}),
        ),
        "completed keeps how likely its words are": (
            SAID,
            transcription("completed", transcript="Hello", logprobs=[{"token": "Hello", "logprob": -0.1}]),
            part("Hello", "final", extra={"logprobs": [{"token": "Hello", "logprob": -0.1}]}),
        ),
        "failed": (
            SAID,
            transcription("failed", error={"type": "transcription_error", "code": "noise", "message": "?"}),
            part(None, "failed", {"type": "transcription_error", "code": "noise", "message": "?"}),
        ),
        "failed keeps the partial text": (
            PARTIAL,
            transcription("failed", error={"message": "noise"}),
            part("Hel", "failed", {"message": "noise"}),
        ),
        "failed without an error": (SAID, transcription("failed"), part(None, "failed")),
        "failed before its item": (
            [],
            transcription("failed", error={"message": "noise"}),
            part(None, "failed", {"message": "noise"}) | {"order": []},
        ),
        "completed after failed wins": (
            FAILED,
            transcription("completed", transcript="Hello"),
            part("Hello", "final"),
        ),
        "a later final transcript wins": (
            FINAL,
            transcription("completed", transcript="Jello"),
            part("Jello", "final"),
        ),
    }
)
def test_transcription(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "the same completed again": (FINAL, transcription("completed", transcript="Hello"), None),
        "an empty completed after one with a text": (FINAL, transcription("completed", transcript=""), None),
        "a completed without a text after one with a text": (FINAL, transcription("completed"), None),
        "failed after completed": (FINAL, transcription("failed", error={"message": "noise"}), None),
        "failed again": (FAILED, FAILED[-1], None),
        "a delta after completed": (FINAL, transcription("delta", delta="!"), None, ["late"]),
        "a delta after failed": (FAILED, transcription("delta", delta="!"), None, ["late"]),
        "an empty delta": (PARTIAL, transcription("delta", delta=""), None),
        "a null delta": (PARTIAL, transcription("delta", delta=None), None),
        "no delta": (PARTIAL, transcription("delta"), None),
        "an index above 1,000": (SAID, transcription("delta", index=1001, delta="Hi"), None, ["impossible"]),
        "completed with an index above 1,000": (
            SAID,
            transcription("completed", index=1001, transcript="Hi"),
            None,
            ["impossible"],
        ),
        "of an assistant's speech": (
            [response_created(), added(assistant()), spoken("Hi")],
            transcription("completed", "a1", transcript="Ho"),
            None,
            ["impossible"],
        ),
        "of a function call": (
            [added(call())],
            transcription("completed", "f1", transcript="Ho"),
            None,
            ["impossible"],
        ),
        "of what was typed": (
            [added(user(text="Hi"))],
            transcription("completed", transcript="Ho"),
            None,
            ["impossible"],
        ),
    }
)
def test_no_transcription(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("status", ["in_progress", ABSENT])
def test_a_final_transcription_completes_the_item(status: Any) -> None:
    found = {"items": {"u1": {"status": "completed"}}}
    prove([added(user(status=status))], transcription("completed", transcript="Hi"), found)
    prove([speech_started()], transcription("completed", transcript="Hi"), found)
    prove([], transcription("completed", transcript="Hi"), found)
    prove([], transcription("delta", delta="Hi"), {"items": {"u1": {"status": "in_progress"}}})


def test_transcriptions_finish_out_of_order() -> None:
    events = [committed("u1", after=None), committed("u2", after="u1")]
    events += [transcription("delta", "u2", delta="Two"), transcription("delta", "u1", delta="One")]
    prove(
        [*events, transcription("completed", "u2", transcript="Two.")],
        transcription("completed", "u1", transcript="One."),
        {
            "order": ["u1", "u2"],
            "items": {
                "u1": {"content": [{"transcript": "One."}]},
                "u2": {"content": [{"transcript": "Two."}]},
            },
        },
    )


def test_a_part_far_out_makes_those_before_it() -> None:
    last = transcription("delta", index=2, delta="Hi")
    typed, untold = (
        {"type": "input_audio", "transcript": None},
        {"type": None, "transcript": None, "final": False},
    )
    found = {"items": {"u1": {"content": [typed, untold, {"type": "input_audio", "transcript": "Hi"}]}}}
    prove(SAID, last, found)
    document = state(*SAID, transcription("delta", index=1000, delta="Hi")).snapshot().to_dict()
    assert len(document["items"]["u1"]["content"]) == 1001


# Usage


@cases(
    {
        "tokens": (
            SAID,
            transcription("completed", transcript="Hi", usage=TOKENS),
            totals(
                count=1,
                without_usage=0,
                total_tokens=48,
                input_tokens=38,
                output_tokens=10,
                input_token_details={"text_tokens": 10, "audio_tokens": 28},
                seconds=0,
            ),
        ),
        "seconds": (
            SAID,
            transcription("completed", transcript="Hi", usage=SECONDS),
            totals(count=1, without_usage=0, total_tokens=0, seconds=1.5),
        ),
        "seconds add up": (
            [transcription("completed", "u0", transcript="Hi", usage=SECONDS)],
            transcription("completed", transcript="Hi", usage={"type": "duration", "seconds": 2}),
            totals(count=2, without_usage=0, seconds=3.5),
        ),
        "none": (
            SAID,
            transcription("completed", transcript="Hi"),
            totals(count=1, without_usage=1, seconds=0),
        ),
        "null": (
            SAID,
            transcription("completed", transcript="Hi", usage=None),
            totals(count=1, without_usage=1),
        ),
        "two parts of one item are two": (
            [*SAID, transcription("completed", transcript="Hi", usage=SECONDS)],
            transcription("completed", index=1, transcript="Ho", usage=SECONDS),
            totals(count=2, seconds=3.0),
        ),
        "once, however often it comes": (
            [*SAID, transcription("completed", transcript="Hi", usage=SECONDS)],
            transcription("completed", transcript="Hi!", usage=SECONDS),
            totals(count=1, seconds=1.5),
        ),
        "a failure is none": (SAID, FAILED[-1], totals(count=0, without_usage=0)),
        "a partial one is none": (
            SAID,
            transcription("completed", transcript="Hi", status="in_progress", usage=SECONDS),
            totals(count=0, seconds=0),
        ),
        "a failure that was completed after all": (
            FAILED,
            transcription("completed", transcript="Hi", usage=TOKENS),
            totals(count=1, total_tokens=48),
        ),
        "it is no part of the responses'": (
            SAID,
            transcription("completed", transcript="Hi", usage=TOKENS),
            {"usage": {"responses": {"count": 0, "total_tokens": 0}}},
        ),
    }
)
def test_usage(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# xAI: cumulative transcripts


def cumulative(transcript: str, kind: str = "completed") -> Event:
    status = {"status": "in_progress"} if kind == "completed" else {}
    return transcription(kind, transcript=transcript, **status)


@cases(
    {
        "completed in progress is partial": (SAID, cumulative("Hel"), part("Hel", "partial")),
        "completed in progress replaces": (
            [*SAID, cumulative("Hel")],
            cumulative("Hello"),
            part("Hello", "partial"),
        ),
        "completed ends it": (
            [*SAID, cumulative("Hel")],
            transcription("completed", transcript="Hello.", status="completed"),
            part("Hello.", "final"),
        ),
        "completed in progress goes on from a final one": (
            FINAL,
            cumulative("Hello again"),
            {"items": {"u1": {"content": [{"transcript": "Hello again"}]}}},
        ),
        "updated": (SAID, cumulative("Hel", "updated"), part("Hel", "partial")),
        "updated replaces": (
            [*SAID, cumulative("Hel", "updated")],
            cumulative("Hi", "updated"),
            part("Hi", "partial"),
        ),
        "updated before its item": ([], cumulative("Hel", "updated"), part("Hel", "partial") | {"order": []}),
    }
)
def test_cumulative(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "completed in progress that does not go on from a final one": (
            FINAL,
            cumulative("Jello again"),
            None,
            None,
        ),
        "completed in progress that falls behind a final one": (FINAL, cumulative("Hel"), None, None),
        "updated that says less than a final one": (FINAL, cumulative("Hel", "updated"), None, None),
        "updated that says nothing": (PARTIAL, cumulative("", "updated"), None),
        "updated without a transcript": (PARTIAL, transcription("updated"), None),
        "one in progress without a transcript": (
            PARTIAL,
            transcription("completed", status="in_progress"),
            None,
        ),
        "updated with a null transcript": (PARTIAL, transcription("updated", transcript=None), None),
    }
)
def test_no_cumulative(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize(
    "between", [[], [cumulative("Hello", "updated")]], ids=["at once", "updated between"]
)
def test_the_last_in_progress_is_final_once_something_else_begins(between: list[Event]) -> None:
    waiting = [*SAID, transcription("completed", transcript="Hello", status="in_progress", usage=SECONDS)]
    found = part("Hello", "final") | totals(count=1, seconds=1.5)
    prove([*waiting, *between], response_created(), found)


def test_a_new_session_does_not_make_the_last_in_progress_final() -> None:
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    events = [sessions[0], *SAID, cumulative("Hello"), sessions[1]]
    for last in (added(user("u2"), after=None), response_created()):
        prove(events, last, part("Hello", "partial") | totals(count=0))


@pytest.mark.parametrize(
    "gone",
    [
        [deleted("u1")],
        [event("error", error={"event_id": "event_1"}), speech_started()],
        [done(call("u1", "{}", status="completed"))],
    ],
    ids=["deleted", "refused and begun anew", "no message"],
)
def test_the_last_in_progress_of_what_is_gone_is_never_final(gone: list[Event]) -> None:
    first = event("conversation.item.create", event_id="event_1", item={"id": "u1", "type": "message"})
    if gone[0]["type"] != "error":
        first = speech_started()
    prove([first, cumulative("Hello"), *gone], response_created(), totals(count=0))


# Diarization

SEGMENT = {"id": "seg_1", "text": "Hello", "speaker": "A", "start": 0.0, "end": 0.4}


def test_a_segment_is_side_data() -> None:
    prove(PARTIAL, transcription("segment", **SEGMENT), part("Hel", "partial", extra={"segments": [SEGMENT]}))
    unchanged([*PARTIAL, transcription("segment", **SEGMENT)], transcription("segment", **SEGMENT))
    second = {**SEGMENT, "id": "seg_2", "speaker": "B"}
    prove(
        [*PARTIAL, transcription("segment", **SEGMENT)],
        transcription("segment", **second),
        part("Hel", "partial", extra={"segments": [SEGMENT, second]}),
    )
    prove([], transcription("segment", **SEGMENT), {"order": [], "items": {"u1": {"role": "user"}}})
    strange = added(user(content=[{"type": "input_audio", "segments": 5}]))
    prove(
        [strange], transcription("segment", **SEGMENT), part(None, "pending", extra={"segments": [SEGMENT]})
    )


# A new session


@pytest.mark.parametrize(
    "last",
    [
        transcription("delta", delta="lo"),
        transcription("completed", transcript="Hello"),
        transcription("updated", transcript="Hello"),
        transcription("failed", error={"message": "noise"}),
        transcription("segment", **SEGMENT),
    ],
    ids=lambda last: last["type"].rpartition(".")[2],
)
def test_a_new_session_finishes_nothing_of_the_old(last: Event) -> None:
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    events = [sessions[0], *PARTIAL, sessions[1]]
    assert state(*events).snapshot().item("u1").content[0].transcription.status == "partial"  # type: ignore[union-attr]
    unchanged(events, last, None)


def test_a_transcript_that_was_never_streamed_survives_a_final_copy_without_parts() -> None:
    events = [speech_started(), transcription("completed", transcript="Hello")]
    prove(events, done(user(content=[])), part("Hello", "final"))
