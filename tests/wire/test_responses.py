"""Responses: how they begin and end, what they produce, where that goes, and what it cost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments,
    arguments_done,
    assistant,
    audio_part,
    call,
    cases,
    created,
    deleted,
    delta,
    done,
    event,
    output_added,
    output_done,
    part_added,
    prove,
    response_created,
    response_done,
    sound,
    spoken,
    state,
    text_part,
    unchanged,
    user,
)

HI = added(user(text="Hi"), after=None)
BEGUN = [HI, response_created()]
OPEN = [*BEGUN, output_added(assistant()), added(assistant(), after="u1")]
HELLO = assistant("a1", text_part("Hello"), status="completed")


def response(**fields: Any) -> Event:
    return {"responses": {"r1": fields}}


def item(item_id: str = "a1", **fields: Any) -> Event:
    return {"items": {item_id: fields}}


# Beginning


@cases(
    {
        "created": (
            [],
            response_created(conversation_id="conv_1", metadata={"topic": "weather"}),
            {
                "conversation_id": "conv_1",
                "responses": {
                    "r1": {
                        "id": "r1",
                        "status": "in_progress",
                        "status_details": None,
                        "conversation_id": "conv_1",
                        "metadata": {"topic": "weather"},
                        "output": [],
                        "usage": None,
                    }
                },
            },
        ),
        "created without a conversation": (
            [],
            response_created(),
            response(conversation_id=None, metadata=None, status="in_progress") | {"conversation_id": None},
        ),
        "created with nothing but an id": (
            [],
            event("response.created", response={"id": "r1"}),
            response(status="in_progress", output=[], usage=None),
        ),
        "created with nulls": (
            [],
            event(
                "response.created", response={"id": "r1", "status": None, "output": None, "metadata": None}
            ),
            response(status="in_progress", output=[], metadata=None),
        ),
        "created with an unknown field": (
            [],
            response_created(mood="glad"),
            response(extra={"mood": "glad"}),
        ),
        "created on xAI": (
            [],
            event(
                "response.created",
                response={
                    "id": "r1",
                    "status": "in_progress",
                    "status_details": "unimplemented",
                    "usage": {},
                },
            ),
            response(status="in_progress", usage=None),
        ),
        "first seen by an item": (
            [],
            output_added(assistant()),
            response(status="in_progress", output=["a1"]),
        ),
        "first seen by a part": ([], part_added(text_part()), response(status="in_progress", output=["a1"])),
        "first seen by a delta": ([], delta("Hi"), response(status="in_progress", output=["a1"])),
        "first seen by arguments": ([], arguments("{"), response(status="in_progress", output=["f1"])),
        "created after it was seen": (
            [delta("Hi")],
            response_created(conversation_id="conv_1"),
            response(status="in_progress", output=["a1"], conversation_id="conv_1"),
        ),
        "created beside another": (
            BEGUN,
            response_created("r2", conversation_id=None),
            {"responses": {"r1": {"status": "in_progress"}, "r2": {"status": "in_progress"}}},
        ),
    }
)
def test_beginning(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "created again": (BEGUN, response_created(), None),
        "created after its end": ([*BEGUN, response_done()], response_created(), None, None),
        "created without an id": (
            [HI],
            event("response.created", response={"status": "in_progress"}),
            None,
            None,
        ),
        "created with a null id": ([HI], event("response.created", response={"id": None}), None, None),
        "done without an id": ([HI], event("response.done", response={"status": "completed"}), None, None),
        "cancelled, which says nothing that done does not": (
            OPEN,
            event("response.cancelled", response_id="r1"),
            None,
        ),
    }
)
def test_no_beginning(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# Items


@cases(
    {
        "output_item.added does not place": (
            BEGUN,
            output_added(assistant()),
            item(status="in_progress", role="assistant", response_id="r1", content=[])
            | response(output=["a1"])
            | {"order": ["u1"]},
        ),
        "item.added after it does": (
            [*BEGUN, output_added(assistant())],
            added(assistant(), after="u1"),
            {"order": ["u1", "a1"], "items": {"a1": {"response_id": "r1", "previous_item_id": "u1"}}},
        ),
        "beta's created after it does": (
            [*BEGUN, output_added(assistant())],
            created(assistant(), after="u1"),
            {"order": ["u1", "a1"], "items": {"a1": {"status": "in_progress"}}},
        ),
        "output_item.added after item.added": (
            [*BEGUN, added(assistant(), after="u1")],
            output_added(assistant()),
            item(response_id="r1") | response(output=["a1"]) | {"order": ["u1", "a1"]},
        ),
        "output_item.added without a response": (
            [HI],
            output_added(assistant(), None),
            item(response_id=None, status="in_progress") | {"order": ["u1"], "responses": {}},
        ),
        "output_item.done closes and places": (
            [*BEGUN, output_added(assistant())],
            output_done(HELLO),
            item(status="completed", content=[{"text": "Hello", "final": True}]) | {"order": ["u1", "a1"]},
        ),
        "output_item.done without a status": (
            OPEN,
            output_done(assistant("a1", text_part("Hello"))),
            item(status="completed"),
        ),
        "output_item.done of an unknown item": (
            [HI],
            output_done(HELLO),
            item(status="completed", response_id="r1") | {"order": ["u1", "a1"]},
        ),
        "output_item.done says incomplete": (
            OPEN,
            output_done(assistant(status="incomplete")),
            item(status="incomplete"),
        ),
        "output_item.done says in_progress": (
            OPEN,
            output_done(assistant(status="in_progress")),
            item(status="in_progress"),
        ),
        "the output is in the order of its indexes": (
            [*BEGUN, output_added(assistant("a2"), index=1)],
            output_added(assistant("a1"), index=0),
            response(output=["a1", "a2"]),
        ),
        "so it is where only the ends of items come": (
            [*BEGUN, output_done(assistant("a2"), index=1)],
            output_done(assistant("a1"), index=0),
            response(output=["a1", "a2"]),
        ),
        "two outputs with one index are in the order of arrival": (
            [*BEGUN, output_added(assistant("a1"), index=0)],
            output_added(call("f1"), index=0),
            response(output=["a1", "f1"]),
        ),
        "outputs without an index are in the order of arrival": (
            [*BEGUN, output_added(assistant("a1"), index=None)],
            output_added(call("f1"), index=None),
            response(output=["a1", "f1"]),
        ),
    }
)
def test_output(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "added again": (OPEN, output_added(assistant()), None),
        "added after the item's end": ([*OPEN, done(HELLO)], output_added(assistant()), None, None),
        "added after the response's end": (
            [*OPEN, response_done("r1", HELLO)],
            output_added(assistant()),
            None,
            None,
        ),
        "done again": ([*OPEN, output_done(HELLO)], output_done(HELLO), None),
        "done after the response's end": (
            [*OPEN, response_done("r1", HELLO)],
            output_done(HELLO),
            None,
            None,
        ),
        "done after item.done": ([*OPEN, done(HELLO)], output_done(HELLO), None),
    }
)
def test_no_output(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("last", [output_added, output_done])
@pytest.mark.parametrize(
    "bad", [assistant("a1", *[text_part("x")] * 1002), assistant("")], ids=["1002 parts", "no id"]
)
def test_an_impossible_item_does_not_bring_its_response(last: Any, bad: Event) -> None:
    """Law 5: an impossible event leaves the state as it was."""
    unchanged([HI], last(bad), ["impossible"])


@cases(
    {
        "a part beyond 1,000": ([HI], part_added(text_part(), index=1001), None, ["impossible"]),
        "a part of what a user said": ([HI], delta("x", "u1"), None, ["impossible"]),
        "arguments for a message": ([HI], arguments("x", "u1"), None, ["impossible"]),
    }
)
def test_an_impossible_event_does_not_bring_its_response(
    events: Any, last: Any, expected: Any, odd: Any
) -> None:
    prove(events, last, expected, odd)


# The end


@cases(
    {
        "completed": (
            [*OPEN, delta("Hel")],
            response_done("r1", HELLO, status_details=None, usage={"total_tokens": 5}),
            response(status="completed", status_details=None, output=["a1"], usage={"total_tokens": 5})
            | item(status="completed", content=[{"text": "Hello", "final": True}]),
        ),
        "without created": (
            [HI],
            response_done("r1", HELLO),
            response(status="completed", output=["a1"])
            | {"order": ["u1", "a1"], "items": {"a1": {"response_id": "r1", "content": [{"text": "Hello"}]}}},
        ),
        "with a conversation and metadata but without created": (
            [HI],
            response_done("r1", HELLO, conversation_id="conv_1", metadata={"a": "b"}),
            response(conversation_id="conv_1", metadata={"a": "b"}) | {"conversation_id": "conv_1"},
        ),
        "fills what was never streamed": (
            OPEN,
            response_done("r1", assistant("a1", text_part("One", "text"), audio_part("Two", "audio"))),
            item(
                content=[
                    {"type": "output_text", "text": "One"},
                    {"type": "output_audio", "transcript": "Two"},
                ]
            ),
        ),
        "places what nobody placed": (
            [*BEGUN, output_added(assistant("a1")), output_added(call("f1"), index=1)],
            response_done("r1", HELLO, call("f1", "{}")),
            {"order": ["u1", "a1", "f1"]},
        ),
        "does not move what was placed": (
            [*OPEN, added(user("u2"), after="u1")],
            response_done("r1", HELLO),
            {"order": ["u1", "u2", "a1"]},
        ),
        "closes what it left open": (
            [*OPEN, delta("Hel"), spoken("Hal", index=1)],
            response_done(),
            item(
                status="completed",
                content=[{"text": "Hel", "final": True}, {"transcript": "Hal", "final": True}],
            ),
        ),
        "cancelled closes what it left open": (
            [*OPEN, delta("Hel")],
            response_done(
                status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"}
            ),
            response(status="cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})
            | item(status="incomplete", content=[{"text": "Hel", "final": True}]),
        ),
        "cancelled before any output": (
            BEGUN,
            response_done(status="cancelled"),
            response(status="cancelled", output=[]) | {"order": ["u1"]},
        ),
        "cancelled with an incomplete item": (
            [*OPEN, delta("Hel")],
            response_done("r1", assistant("a1", text_part("Hel"), status="incomplete"), status="cancelled"),
            item(status="incomplete", content=[{"text": "Hel", "final": True}]),
        ),
        "cancelled after its item had ended": (
            [*OPEN, delta("Hello"), done(HELLO)],
            response_done("r1", HELLO, status="cancelled"),
            item(status="completed", content=[{"text": "Hello"}]) | response(status="cancelled"),
        ),
        "incomplete": (
            [*OPEN, delta("Hel")],
            response_done(status="incomplete", status_details={"reason": "max_output_tokens"}),
            response(status="incomplete", status_details={"reason": "max_output_tokens"})
            | item(status="incomplete"),
        ),
        "failed": (
            [*OPEN, delta("Hel")],
            response_done(status="failed", status_details={"error": {"type": "server_error", "code": "x"}}),
            response(status="failed", status_details={"error": {"type": "server_error", "code": "x"}})
            | item(status="incomplete")
            | {"errors": []},
        ),
        "an odd mix": (
            OPEN,
            response_done(status="incomplete", status_details={"reason": "turn_detected"}),
            response(status="incomplete", status_details={"reason": "turn_detected"}),
        ),
        "details that are a word": (
            OPEN,
            response_done(status_details="unimplemented"),
            response(status="completed", status_details="unimplemented"),
        ),
        "without a status": (OPEN, response_done(status=ABSENT), response(status="completed")),
        "with a null status": (OPEN, response_done(status=None), response(status="completed")),
        "with an empty output after some was streamed": (
            [*OPEN, delta("Hel")],
            response_done(status="cancelled"),
            response(output=["a1"]) | item(status="incomplete"),
        ),
        "with a null output": (
            [*OPEN, delta("Hel")],
            event("response.done", response={"id": "r1", "status": "completed", "output": None}),
            response(output=["a1"]) | item(status="completed"),
        ),
        "only its own items": (
            [*OPEN, response_created("r2"), delta("Ho", "a2", response_id="r2")],
            response_done("r2"),
            {"items": {"a1": {"status": "in_progress"}, "a2": {"status": "completed"}}},
        ),
        "a null transcript does not wipe one": (
            [*OPEN, spoken("Hello")],
            response_done("r1", assistant("a1", audio_part(None, "audio"))),
            item(content=[{"transcript": "Hello", "final": True}]),
        ),
        "an item that the response never listed": (
            [*OPEN, delta("Hel"), arguments("{", "f1")],
            response_done("r1", HELLO),
            response(output=["a1", "f1"])
            | {"items": {"f1": {"status": "completed", "arguments": "{"}, "a1": {"status": "completed"}}},
        ),
    }
)
def test_end(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_the_end_again_changes_nothing() -> None:
    last = response_done("r1", HELLO, usage={"total_tokens": 5})
    conversation = unchanged([*OPEN, last], last, None)
    assert conversation.snapshot().usage.responses.count == 1
    unchanged([*OPEN, last], response_done("r1", status="cancelled", usage={"total_tokens": 7}), None)


def test_active_responses_are_those_that_have_not_ended() -> None:
    events = [response_created("r1"), response_created("r2", conversation_id=None)]
    snapshot = state(*events).snapshot()
    assert [each.id for each in snapshot.active_responses] == ["r1", "r2"]
    snapshot = state(*events, response_done("r1", status="failed")).snapshot()
    assert [each.id for each in snapshot.active_responses] == ["r2"]
    assert [each.id for each in snapshot.responses] == ["r1", "r2"]


# Calls


@cases(
    {
        "streamed while the response runs": (
            [*BEGUN, added(call()), arguments_done("{}")],
            output_done(call("f1", "{}", status="completed")),
            item("f1", ready=True),
        ),
        "known from the end only": (
            BEGUN,
            response_done("r1", call("f1", "{}", status="completed")),
            item("f1", ready=True, status="completed", arguments="{}", response_id="r1"),
        ),
        "cancelled": (
            [*BEGUN, added(call()), arguments('{"a')],
            response_done(status="cancelled"),
            item("f1", ready=False, status="incomplete", arguments='{"a'),
        ),
        "complete, then the response fails": (
            [*BEGUN, added(call()), output_done(call("f1", "{}", status="completed"))],
            response_done("r1", call("f1", "{}", status="completed"), status="failed"),
            item("f1", ready=False, status="completed"),
        ),
        "complete, in a response that ended incomplete": (
            [*BEGUN, added(call()), output_done(call("f1", "{}", status="completed"))],
            response_done("r1", call("f1", "{}", status="completed"), status="incomplete"),
            item("f1", ready=False),
        ),
        "complete only after its response was cancelled": (
            [*BEGUN, output_added(call()), added(call()), response_done(status="cancelled")],
            output_done(call("f1", "{}", status="completed")),
            item("f1", ready=False),
        ),
        "out of band": (
            [response_created(conversation_id=None), output_added(call())],
            output_done(call("f1", "{}", status="completed")),
            item("f1", ready=True) | {"order": []},
        ),
    }
)
def test_ready(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# Out of band

ASIDE = [HI, response_created(conversation_id=None, metadata={"topic": "aside"})]


@cases(
    {
        "created": (
            [HI],
            ASIDE[1],
            response(conversation_id=None, metadata={"topic": "aside"}, out_of_band=True),
        ),
        "it turns out late": ([HI, response_created()], ASIDE[1], response(out_of_band=True)),
        "it turns out at its end": (
            [HI, response_created()],
            response_done("r1", conversation_id=None),
            response(out_of_band=True, status="completed"),
        ),
        "once told, it stays": (
            ASIDE,
            response_done("r1", conversation_id="conv_1"),
            response(out_of_band=True),
        ),
        "output_item.added": (
            ASIDE,
            output_added(assistant()),
            {"order": ["u1"], "items": {"a1": {"response_id": "r1"}}},
        ),
        "output_item.done": (ASIDE, output_done(HELLO), {"order": ["u1"]}),
        "content": (ASIDE, delta("Hel"), {"order": ["u1"], "items": {"a1": {"content": [{"text": "Hel"}]}}}),
        "its end": (
            ASIDE,
            response_done("r1", HELLO, conversation_id=None),
            {"order": ["u1"], "items": {"a1": {"status": "completed"}}},
        ),
        "its end without created": (
            [HI],
            response_done("r1", HELLO, conversation_id=None),
            {"order": ["u1"], "items": {"a1": {"status": "completed"}}},
        ),
        "its end that leaves the conversation out": (ASIDE, response_done("r1", HELLO), {"order": ["u1"]}),
        "item.added does not place it": (
            [*ASIDE, output_added(assistant())],
            added(assistant(), after="u1"),
            {"order": ["u1"], "items": {"a1": {"previous_item_id": "u1"}}},
        ),
        "what was placed before it turned out leaves the order": (
            [HI, delta("Hello")],
            ASIDE[1],
            {"order": ["u1"], "items": {"a1": {"content": [{"text": "Hello"}]}}},
        ),
        "what was announced before it turned out leaves the order": (
            [HI, added(assistant(), after="u1"), added(user("u2"), after="a1")],
            response_done("r1", HELLO, conversation_id=None),
            {"order": ["u1", "u2"]},
        ),
        "its usage counts": (
            ASIDE,
            response_done("r1", conversation_id=None, usage={"total_tokens": 5}),
            {"usage": {"responses": {"count": 1, "total_tokens": 5}}},
        ),
        "an absent conversation is the default one": (
            [HI, response_created()],
            output_done(HELLO),
            {"order": ["u1", "a1"], **response(out_of_band=False)},
        ),
        "it says nothing about the conversation's id": (
            [HI, response_created("r0", conversation_id="conv_1")],
            ASIDE[1],
            {"conversation_id": "conv_1"},
        ),
    }
)
def test_out_of_band(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# Usage

FULL = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 1,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 3, "image_tokens": 1},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
ZERO = {
    "count": 0,
    "without_usage": 0,
    "total_tokens": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "input_token_details": {
        "text_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
        "cached_tokens": 0,
        "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
}
QWEN = {
    "total_tokens": 30,
    "input_tokens": 20,
    "output_tokens": 10,
    "input_tokens_details": {"text_tokens": 15, "audio_tokens": 5},
    "output_tokens_details": {"text_tokens": 4, "audio_tokens": 6},
}
AS_GA = {
    "input_token_details": {"text_tokens": 15, "audio_tokens": 5},
    "output_token_details": {"text_tokens": 4, "audio_tokens": 6},
}


def totals(**counters: Any) -> Event:
    return {"usage": {"responses": counters}}


@cases(
    {
        "before anything is known": ([], response_created(), totals(**ZERO)),
        "every number": (BEGUN, response_done(usage=FULL), totals(count=1, without_usage=0, **FULL)),
        "as it was sent": (BEGUN, response_done(usage=FULL), response(usage=FULL)),
        "absent fields are unknown in the response and 0 in the totals": (
            BEGUN,
            response_done(usage={"total_tokens": 5, "input_token_details": {"text_tokens": 2}}),
            response(
                usage={
                    "total_tokens": 5,
                    "input_tokens": ABSENT,
                    "input_token_details": {"text_tokens": 2, "audio_tokens": ABSENT},
                }
            )
            | totals(
                **(
                    ZERO
                    | {
                        "count": 1,
                        "total_tokens": 5,
                        "input_token_details": {"text_tokens": 2, "audio_tokens": 0},
                    }
                )
            ),
        ),
        "nulls are unknown": (
            BEGUN,
            response_done(usage={"total_tokens": 5, "input_tokens": None, "input_token_details": None}),
            totals(count=1, total_tokens=5, input_tokens=0, without_usage=0),
        ),
        "they add up": (
            [response_done("r0", usage=FULL)],
            response_done(usage=FULL),
            totals(
                count=2,
                total_tokens=506,
                input_token_details={
                    "text_tokens": 238,
                    "audio_tokens": 26,
                    "image_tokens": 2,
                    "cached_tokens": 128,
                    "cached_tokens_details": {"text_tokens": 120, "audio_tokens": 6, "image_tokens": 2},
                },
                output_token_details={"text_tokens": 60, "audio_tokens": 182},
            ),
        ),
        "none": (BEGUN, response_done(), totals(**(ZERO | {"count": 1, "without_usage": 1}))),
        "null": (BEGUN, response_done(usage=None), totals(count=1, without_usage=1) | response(usage=None)),
        "empty": (BEGUN, response_done(usage={}), totals(count=1, without_usage=1)),
        "zeros are usage": (
            BEGUN,
            response_done(status="cancelled", usage={"total_tokens": 0, "input_tokens": 0}),
            totals(count=1, without_usage=0, total_tokens=0)
            | response(usage={"total_tokens": 0, "input_tokens": 0}),
        ),
        "a cancelled response costs too": (
            BEGUN,
            response_done(status="cancelled", usage=FULL),
            totals(count=1, total_tokens=253),
        ),
        "a failed one counts": (BEGUN, response_done(status="failed"), totals(count=1, without_usage=1)),
        "beside the response": (
            BEGUN,
            response_done(beside=FULL),
            totals(count=1, **FULL) | response(usage=FULL),
        ),
        "beside an empty one": (
            BEGUN,
            response_done(usage={}, beside=FULL),
            totals(count=1, without_usage=0, **FULL),
        ),
        "in both places it is the response's": (
            BEGUN,
            response_done(usage=FULL, beside={"total_tokens": 1}),
            totals(count=1, total_tokens=253),
        ),
        "Qwen's spelling": (
            BEGUN,
            response_done(usage=QWEN),
            totals(count=1, total_tokens=30, input_tokens=20, output_tokens=10, **AS_GA)
            | response(usage={**AS_GA, "input_tokens_details": ABSENT, "total_tokens": 30}),
        ),
        "more cached than there was": (
            BEGUN,
            response_done(usage={"input_tokens": 127, "input_token_details": {"cached_tokens": 384}}),
            totals(input_tokens=127, input_token_details={"cached_tokens": 384}),
        ),
        "modalities that are unknown": (
            BEGUN,
            response_done(
                usage={"total_tokens": 5, "output_token_details": {"text_tokens": 2, "grok_tokens": 3}}
            ),
            response(usage={"output_token_details": {"text_tokens": 2, "grok_tokens": 3}})
            | totals(output_token_details={"text_tokens": 2, "audio_tokens": 0}),
        ),
        "it is no part of the transcriptions'": (
            BEGUN,
            response_done(usage=FULL),
            {"usage": {"transcription": {"count": 0, "total_tokens": 0}}},
        ),
        "a response that was only created costs nothing": (
            [HI],
            response_created(usage=FULL),
            totals(**ZERO),
        ),
    }
)
def test_usage(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("status", ["completed", "cancelled", "incomplete", "failed"])
def test_a_deleted_item_is_not_brought_back_by_the_end(status: str) -> None:
    last = response_done("r1", HELLO, status=status)
    prove([*OPEN, delta("Hel"), deleted("a1")], last, {"order": ["u1"], "items": {"a1": ABSENT}}, None)


def test_the_audio_of_an_interrupted_answer_stays() -> None:
    events = [*OPEN, spoken("Hello"), sound(500)]
    found = item(content=[{"transcript": "Hello", "audio_ms": 500, "truncated": None, "final": True}])
    prove(events, response_done(status="cancelled"), found)
