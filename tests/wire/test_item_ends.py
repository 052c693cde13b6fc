"""Deleted items, which stay deleted, and truncated ones, which stay truncated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments_done,
    assistant,
    audio_part,
    call,
    cases,
    committed,
    created,
    deleted,
    delta,
    done,
    event,
    item,
    order,
    output_added,
    part,
    part_added,
    prove,
    response_created,
    response_done,
    retrieved,
    sound,
    speech_started,
    spoken,
    streamed,
    text_part,
    transcription,
    truncated,
    unchanged,
    user,
)

U1, U2, U3 = (added(user(f"u{number}", "Hi")) for number in (1, 2, 3))
FOX = "The quick brown fox jumps."
SPEECH = [response_created(), added(assistant()), spoken(FOX)]  # no audio, as over WebRTC
PLAYED = [*SPEECH, sound(2000)]


# Deletion


@cases(
    {
        "an item goes": ([U1, U2, U3], deleted("u2"), order("u1", "u3") | {"items": {"u2": ABSENT}}),
        "an item without a place goes": ([speech_started()], deleted("u1"), {"items": {"u1": ABSENT}}),
        "the output of its response keeps its id": (
            [response_created(), added(assistant()), delta("Hi"), response_done()],
            deleted("a1"),
            {"items": {}, "order": [], "responses": {"r1": {"output": ["a1"]}}},
        ),
        "of a running response": (
            [response_created(), output_added(assistant()), added(assistant()), delta("Hi")],
            deleted("a1"),
            {"items": {}, "order": [], "responses": {"r1": {"output": ["a1"], "status": "in_progress"}}},
        ),
    }
)
def test_deletion(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


LATE = {
    "deleted again": deleted("a1"),
    "added": added(assistant("a1", text_part("Hi"))),
    "created": created(assistant("a1", text_part("Hi"))),
    "done": done(assistant("a1", text_part("Hi"))),
    "retrieved": retrieved(assistant("a1", text_part("Hi"))),
    "truncated": truncated(),
    "text delta": delta("Hi"),
    "text done": streamed("output_text.done", text="Hi"),
    "transcript delta": spoken("Hi"),
    "transcript done": streamed("output_audio_transcript.done", transcript="Hi"),
    "audio delta": sound(100),
    "audio done": streamed("output_audio.done"),
    "part added": part_added(text_part()),
    "part done": streamed("content_part.done", part=text_part("Hi")),
    "arguments done": arguments_done("{}", "a1"),
    "arguments delta": event("response.function_call_arguments.delta", item_id="a1", delta="{"),
    "mcp arguments": event("response.mcp_call_arguments.delta", item_id="a1", delta="{"),
    "mcp completed": event("response.mcp_call.completed", item_id="a1", output_index=0),
    "mcp listed": event("mcp_list_tools.completed", item_id="a1"),
    "speech started": speech_started("a1", 100),
    "speech stopped": event("input_audio_buffer.speech_stopped", item_id="a1", audio_end_ms=5),
    "committed": committed("a1", after=None),
    "transcription delta": transcription("delta", "a1", delta="Hi"),
    "transcription updated": transcription("updated", "a1", transcript="Hi"),
    "transcription failed": transcription("failed", "a1", error={"message": "no"}),
    "transcription segment": transcription("segment", "a1", id="s", text="Hi", speaker="A", start=0, end=1),
}


@pytest.mark.parametrize("last", LATE.values(), ids=LATE.keys())
def test_deleted_items_stay_deleted(last: Event) -> None:
    """Whether the id was announced before it was deleted or not."""
    unchanged([U1, response_created(), added(assistant()), delta("Hello"), deleted("a1")], last, None)
    unchanged([U1, response_created(), deleted("a1")], last, None)


def test_a_deleted_item_in_the_output_of_a_response_stays_deleted() -> None:
    events = [U1, response_created(), added(assistant()), deleted("a1")]
    for last in (
        output_added(assistant("a1", text_part("Hi"))),
        response_done("r1", assistant("a1", text_part("Hi"))),
    ):
        prove(events, last, {"order": ["u1"], "items": {"a1": ABSENT}}, None)


def test_a_transcription_of_a_deleted_item_does_not_bring_it_back() -> None:
    events = [speech_started(), committed(), deleted("u1")]
    last = transcription("completed", transcript="Hi", usage={"type": "duration", "seconds": 1})
    prove(events, last, {"items": {"u1": ABSENT}, "order": []}, None)


def test_a_tombstone_for_an_unknown_id_is_no_change() -> None:
    conversation = unchanged([U1], deleted("u9"), None)
    assert conversation.revision == 1


def test_a_deletion_without_an_id_is_the_one_that_was_asked_for() -> None:
    """xAI leaves ``item_id`` empty."""
    prove([U1, U2, event("conversation.item.delete", item_id="u1")], deleted(""), order("u2"))
    unchanged([U1, U2], deleted(""), ["impossible"])


# Truncation


def cut(end: int, heard: str | None, generated: str | None = FOX, basis: str = "audio") -> Event:
    known = {
        "audio_end_ms": end,
        "heard_transcript": heard,
        "generated_transcript": generated,
        "basis": basis,
    }
    return part(transcript=heard, truncated=known)


@cases(
    {
        "in the middle": (PLAYED, truncated(), cut(1000, "The quick")),
        "at the start": (PLAYED, truncated(audio_end_ms=0), cut(0, "")),
        "at the end": (PLAYED, truncated(audio_end_ms=2000), cut(2000, FOX)),
        "beyond the end it clamps to the audio": (PLAYED, truncated(audio_end_ms=9000), cut(2000, FOX)),
        "a fraction of a millisecond": (PLAYED, truncated(audio_end_ms=1000.7), cut(1000, "The quick")),
        "without audio it goes by a speaking rate": (
            SPEECH,
            truncated(),
            cut(1000, "The quick brown", basis="rate"),
        ),
        "a null index is the first part": (PLAYED, truncated(index=None), cut(1000, "The quick")),
        "no index is the first part": (PLAYED, truncated(index=ABSENT), cut(1000, "The quick")),
        "after response.done": (
            [*PLAYED, response_done("r1", assistant("a1", audio_part(FOX)))],
            truncated(),
            cut(1000, "The quick"),
        ),
        "before there is a text": (
            [response_created(), added(assistant()), sound(2000)],
            truncated(),
            cut(1000, None, None),
        ),
        "the text that comes later is cut too": (
            [response_created(), added(assistant()), sound(2000), truncated()],
            spoken(FOX),
            cut(1000, "The quick"),
        ),
        "deltas go on growing what was generated": (
            [*PLAYED, truncated()],
            spoken(" Over the dog."),
            cut(1000, "The quick brown", FOX + " Over the dog."),
        ),
        "sticky against transcript.done": (
            [*PLAYED, truncated()],
            streamed("output_audio_transcript.done", transcript=FOX),
            cut(1000, "The quick") | part(final=True, transcript="The quick"),
        ),
        "sticky against content_part.done": (
            [*PLAYED, truncated()],
            streamed("content_part.done", part=audio_part(FOX, "audio")),
            part(transcript="The quick", final=True),
        ),
        "sticky against item.done": (
            [*PLAYED, truncated()],
            done(assistant("a1", audio_part(FOX))),
            part(transcript="The quick", final=True),
        ),
        "sticky against response.done": (
            [*PLAYED, truncated()],
            response_done("r1", assistant("a1", audio_part(FOX)), status="cancelled"),
            part(transcript="The quick", final=True),
        ),
        "a final copy with more text than was streamed": (
            [*PLAYED, truncated()],
            done(assistant("a1", audio_part(FOX + " And more, much more."))),
            cut(1000, "The quick brown fox", FOX + " And more, much more."),
        ),
        "clamps again when more audio arrives": (
            [*PLAYED, truncated(audio_end_ms=2500)],
            sound(2000),
            cut(2500, "The quick brown"),
        ),
        "audio after the mark does not raise it": (
            [*PLAYED, truncated()],
            sound(2000),
            cut(1000, "The"),
        ),
        "of several marks the smallest wins": (
            [*PLAYED, truncated()],
            truncated(audio_end_ms=500),
            cut(500, "The"),
        ),
        "the first audio after a mark changes its basis": (
            [*SPEECH, truncated()],
            sound(2000),
            cut(1000, "The quick"),
        ),
        "marks only its own part": (
            [*PLAYED, spoken("Another part.", index=1), sound(1000, index=1)],
            truncated(audio_end_ms=600, index=1),
            item(
                "a1",
                content=[
                    {"transcript": FOX, "truncated": None},
                    {"transcript": "Another", "truncated": {"audio_end_ms": 600}},
                ],
            ),
        ),
        "beta's audio can be cut too": (
            [response_created(), spoken(FOX), sound(2000, name="audio")],
            truncated(),
            cut(1000, "The quick"),
        ),
    }
)
def test_truncation(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "a larger mark after a smaller one": ([*PLAYED, truncated()], truncated(audio_end_ms=1500), None),
        "the same mark again": ([*PLAYED, truncated()], truncated(), None),
        "an unknown item": (PLAYED, truncated("a9"), None, ["unknown_item"]),
        "an unknown part": (PLAYED, truncated(index=3), None, ["impossible"]),
        "a text": ([response_created(), delta("Hi")], truncated(), None, ["impossible"]),
        "what a user said": ([added(user(status="completed"))], truncated("u1"), None, ["impossible"]),
        "a function call": ([added(call())], truncated("f1"), None, ["impossible"]),
        "no mark": (PLAYED, truncated(audio_end_ms=ABSENT), None, ["impossible"]),
        "a null mark": (PLAYED, truncated(audio_end_ms=None), None, ["impossible"]),
        "a negative mark": (PLAYED, truncated(audio_end_ms=-1), None, ["impossible"]),
    }
)
def test_no_truncation(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)
