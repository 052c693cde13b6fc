"""Items: their status, what they hold, and what later copies of them say."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rtstate import Snapshot
from tests.helpers import (
    ABSENT,
    added,
    arguments_done,
    assistant,
    audio_part,
    call,
    cases,
    created,
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
    unchanged,
    user,
)

U1 = added(user("u1", "Hi"))

SPEECH = [response_created(), added(assistant()), spoken("Hi")]  # no audio, as over WebRTC


# Status


@cases(
    {
        "in_progress after added": ([], added(assistant()), item("a1", status="in_progress")),
        "completed after done": ([], done(assistant()), item("a1", status="completed")),
        "completed after created": ([], created(assistant()), item("a1", status="completed")),
        "in_progress after created while a response makes it": (
            [response_created(), output_added(assistant())],
            created(assistant()),
            item("a1", status="in_progress"),
        ),
        "added says completed": ([], added(user(status="completed")), item("u1", status="completed")),
        "done says incomplete": (
            [added(assistant())],
            done(assistant(status="incomplete")),
            item("a1", status="incomplete"),
        ),
        "done says in_progress": (
            [added(assistant())],
            done(assistant("a1", text_part("Hel"), status="in_progress")),
            item("a1", status="in_progress"),
        ),
        "a null status is none": ([], added(assistant(status=None)), item("a1", status="in_progress")),
        "an item known only from retrieved": (
            [],
            retrieved(assistant("a1", audio_part("Hi"))),
            item("a1", status="completed") | order(),
        ),
        "retrieved says in_progress": (
            [],
            retrieved(assistant(status="in_progress")),
            item("a1", status="in_progress"),
        ),
    }
)
def test_status(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("again", [added, created, done, retrieved])
@pytest.mark.parametrize("status", ["in_progress", "incomplete", None, ABSENT])
def test_status_never_goes_backwards(again: Any, status: Any) -> None:
    unchanged([done(assistant(status="completed"))], again(assistant(status=status)), None)


@pytest.mark.parametrize("status", ["in_progress", None, ABSENT])
def test_asking_for_an_item_does_not_end_it(status: Any) -> None:
    """What the server shows of an item that is being made says nothing of its end."""
    unchanged([response_created(), added(assistant()), delta("Hel")], retrieved(assistant(status=status)))


@pytest.mark.parametrize("announce", [added, created, done])
def test_what_the_server_has_announced_no_error_takes_back(announce: Any) -> None:
    """An error takes back what its client event did, as long as the server has not shown the item itself."""
    asked = event("conversation.item.create", event_id="event_mine", item=user("u2", "Ho"))
    error = event("error", error={"message": "No.", "event_id": "event_mine"})
    prove([U1, asked], error, order("u1") | {"items": {"u2": ABSENT}})
    prove([U1, asked, announce(user("u2", "Ho"), after="u1")], error, order("u1", "u2"))


def test_an_explicit_in_progress_on_done_keeps_the_item_open() -> None:
    events = [response_created(), added(assistant()), delta("Hel"), done(assistant(status="in_progress"))]
    prove(events, delta("lo"), part(text="Hello", final=False))


# What an item holds


@cases(
    {
        "what a user typed is final at once": (
            [],
            added(user(text="Hi", status="completed"), after=None),
            {
                "order": ["u1"],
                "items": {
                    "u1": {
                        "id": "u1",
                        "type": "message",
                        "role": "user",
                        "status": "completed",
                        "response_id": None,
                        "previous_item_id": None,
                        "extra": {},
                        "content": [
                            {
                                "type": "input_text",
                                "text": "Hi",
                                "transcript": None,
                                "audio_ms": None,
                                "final": True,
                                "truncated": None,
                                "transcription": ABSENT,
                            }
                        ],
                    }
                },
            },
        ),
        "typed text is final while the item is in progress": (
            [],
            added(user(text="Hi", status="in_progress")),
            part("u1", text="Hi", final=True),
        ),
        "what a user spoke waits for its transcription": (
            [],
            added(user(status="completed")),
            part(
                "u1",
                type="input_audio",
                transcript=None,
                final=False,
                transcription={"status": "pending", "error": None},
            ),
        ),
        "an assistant's text that the client made": (
            [],
            added(assistant("a1", text_part("Hello"), status="completed")),
            part(type="output_text", text="Hello", final=True, transcription=ABSENT),
        ),
        "beta's text of an assistant": (
            [],
            created(assistant("a1", text_part("Hello", "text"))),
            part(type="output_text", text="Hello", final=True),
        ),
        "beta's audio of an assistant": (
            [],
            done(assistant("a1", audio_part("Hello", "audio"))),
            part(type="output_audio", transcript="Hello", text=None, final=True),
        ),
        "beta's text of a user": (
            [],
            created(user(content=[text_part("Hi", "text")])),
            part("u1", text="Hi"),
        ),
        "an image": (
            [],
            added(
                user(
                    content=[
                        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"}
                    ]
                )
            ),
            part(
                "u1",
                type="input_image",
                final=True,
                image_url="data:image/png;base64,AA==",
                detail="low",
            ),
        ),
        "a system message": (
            [],
            added(
                {
                    "id": "s1",
                    "type": "message",
                    "role": "system",
                    "content": [text_part("Be brief.", "input_text")],
                }
            ),
            {"items": {"s1": {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]}}},
        ),
        "an item without content or role": (
            [],
            added({"id": "x1", "type": "message"}),
            item("x1", role=None, content=[], status="in_progress"),
        ),
        "nulls for every optional field": (
            [],
            created(
                {
                    "id": "x1",
                    "type": "message",
                    "status": None,
                    "role": None,
                    "content": None,
                    "call_id": None,
                }
            ),
            item("x1", role=None, content=[], status="completed", call_id=ABSENT, extra={}),
        ),
        "object says nothing": ([], added(user(text="Hi", object="realtime.item")), item("u1", extra={})),
        "an item type that is unknown is kept whole": (
            [U1],
            added(
                {
                    "id": "x1",
                    "type": "hologram",
                    "depth": 3,
                    "content": [{"type": "smell", "notes": ["pine"]}],
                }
            ),
            item("x1", type="hologram", depth=3, content=[{"type": "smell", "notes": ["pine"]}], extra=ABSENT)
            | order("u1", "x1"),
        ),
        "a part type that is unknown is kept whole": (
            [],
            added(user(content=[text_part("Hi", "input_text"), {"type": "smell", "notes": ["pine"]}])),
            item("u1", content=[{"text": "Hi"}, {"type": "smell", "notes": ["pine"], "text": ABSENT}]),
        ),
        "a field that is unknown is an extra": (
            [],
            added(user(content=[{**text_part("Hi", "input_text"), "lang": "en"}], mood={"glad": True})),
            item("u1", extra={"mood": {"glad": True}}, mood=ABSENT, content=[{"extra": {"lang": "en"}}]),
        ),
        "a user's audio that comes with its transcript": (
            [],
            created(user(content=[audio_part("Hello", "input_audio")], status="completed")),
            part("u1", transcript="Hello", final=True, transcription={"status": "final", "error": None}),
        ),
    }
)
def test_content(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("item_id", [ABSENT, None, ""])
@pytest.mark.parametrize("announce", [added, created, done, retrieved, output_added])
def test_an_item_without_an_id_is_impossible(announce: Any, item_id: Any) -> None:
    unchanged([U1], announce(user(item_id, "Hi")), ["impossible"])


# Copies


@cases(
    {
        "a final copy wins over the deltas": (
            [response_created(), added(assistant()), delta("Hel")],
            done(assistant("a1", text_part("Hello"))),
            part(text="Hello", final=True) | item("a1", status="completed", content=[{"text": "Hello"}]),
        ),
        "a final copy fills what was never streamed": (
            [added(assistant())],
            done(assistant("a1", text_part("Hello"), audio_part("World"))),
            item("a1", content=[{"text": "Hello", "final": True}, {"transcript": "World", "final": True}]),
        ),
        "an empty text in a copy says nothing": (
            [response_created(), added(assistant()), delta("Hello")],
            done(assistant("a1", text_part(""))),
            part(text="Hello", final=True),
        ),
        "a null text in a copy says nothing": (
            [response_created(), added(assistant()), spoken("Hello")],
            done(assistant("a1", audio_part(None))),
            part(transcript="Hello", final=True),
        ),
        "a copy without content says nothing": (
            [response_created(), added(assistant()), spoken("Hello")],
            done(assistant(content=ABSENT)),
            part(transcript="Hello", final=True),
        ),
        "parts that were never streamed go with a final copy of fewer": (
            [added(assistant("a1", text_part("Hello"), text_part("World")))],
            done(assistant("a1", text_part("Hello"))),
            item("a1", content=[{"text": "Hello"}]),
        ),
        "parts that were streamed stay with a final copy of fewer": (
            [response_created(), added(assistant()), delta("Hello"), delta("World", index=1)],
            done(assistant("a1", text_part("Hello"))),
            item("a1", content=[{"text": "Hello"}, {"text": "World", "final": True}]),
        ),
        "a part that no copy lists goes, one before it that was streamed stays": (
            [response_created(), added(assistant()), delta("Hello"), part_added(text_part(), index=1)],
            done(assistant("a1")),
            item("a1", content=[{"text": "Hello"}]),
        ),
        "a null transcript does not wipe one": (
            [speech_started(), transcription("completed", transcript="Hello")],
            added(user(status="completed")),
            part("u1", transcript="Hello", final=True) | order("u1"),
        ),
        "a copy that is not final does not replace deltas": (
            [response_created(), delta("Hello")],
            added(assistant("a1", text_part("Hel"), status="in_progress")),
            part(text="Hello", final=False),
        ),
        "retrieved refreshes a text": (
            [done(assistant("a1", audio_part("Hel"), status="completed"))],
            retrieved(assistant("a1", audio_part("Hello"), status="completed")),
            part(transcript="Hello"),
        ),
        "retrieved of a user's message brings its transcript": (
            [added(user(status="completed"))],
            retrieved(user(content=[audio_part("Hello", "input_audio")], status="completed")),
            part("u1", transcript="Hello"),
        ),
    }
)
def test_copies(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_a_joined_text_is_the_text_where_no_final_one_comes() -> None:
    prove(
        [response_created(), added(assistant()), delta("Hel"), delta("lo")],
        done(assistant(content=ABSENT)),
        part(text="Hello", final=True),
    )


@pytest.mark.parametrize("status", ["completed", ABSENT])
def test_retrieved_brings_audio_and_no_place(status: Any) -> None:
    copy = {**audio_part("Hi", "audio"), "audio": base64.b64encode(bytes(4800)).decode(), "format": "pcm16"}
    last = retrieved(assistant("a1", copy, status=status))
    found = part(type="output_audio", transcript="Hi", audio_ms=100, final=True, extra={"format": "pcm16"})
    prove([U1], last, found | order("u1"))


def test_streamed_audio_is_not_counted_again_by_a_copy() -> None:
    copy = {**audio_part("Hi"), "audio": base64.b64encode(bytes(4800)).decode()}
    prove([*SPEECH, sound(250)], retrieved(assistant("a1", copy, status="in_progress")), part(audio_ms=250))


def test_a_users_audio_has_the_input_format() -> None:
    copy = {**audio_part(None, "input_audio"), "audio": base64.b64encode(bytes(800)).decode()}
    formats = {
        "input": {"format": {"type": "audio/pcmu"}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}},
    }
    session = event("session.created", session={"id": "s1", "audio": formats})
    prove([session], retrieved(user(content=[copy])), part("u1", audio_ms=100, type="input_audio"))


def test_an_item_of_more_than_1001_parts_is_impossible() -> None:
    for announce in (added, created, done, retrieved, output_added):
        unchanged([U1], announce(assistant("a1", *[text_part("x")] * 1002)), ["impossible"])
    prove([], done(assistant("a1", *[text_part("x")] * 1001)), item("a1", status="completed"))


def test_beta_and_ga_names_mix_in_one_stream() -> None:
    said = assistant("a1", text_part("Hello", "text"), status="completed")
    begun = [
        U1,
        response_created(),
        output_added(assistant()),
        created(assistant(status="in_progress"), after="u1"),
    ]
    unchanged(begun, added(assistant(status="in_progress"), after="u1"))
    events = [
        *begun,
        delta("Hel", name="text"),
        streamed("output_text.done", text="Hello"),
        done(said, after=None),
    ]
    unchanged(events, created(said, after="u1"))
    prove(events, response_done("r1", said), order("u1", "a1") | part(text="Hello", final=True))


def test_an_assistant_whose_text_is_called_input_text_can_speak() -> None:
    """The first Azure previews said so."""
    begun = [response_created(), added(assistant()), part_added(text_part("", "input_text"))]
    prove(begun, delta("Hi", name="text"), part(text="Hi", final=False))
    prove([*begun, delta("Hel", name="text")], delta("lo", name="text"), part(text="Hello", final=False))


# Function calls


@cases(
    {
        "a call begins": (
            [U1],
            added(call(status="in_progress"), after="u1"),
            item(
                "f1",
                call_id="call_1",
                name="look_up",
                arguments=None,
                ready=False,
                role=ABSENT,
                content=ABSENT,
            ),
        ),
        "a call that ends may be run": (
            [added(call())],
            done(call("f1", '{"a": 1}')),
            item("f1", arguments='{"a": 1}', ready=True, status="completed"),
        ),
        "a call that was cut short may not": (
            [added(call())],
            done(call("f1", '{"a": ', status="incomplete")),
            item("f1", arguments='{"a": ', ready=False, status="incomplete"),
        ),
        "a call that is still in progress may not": (
            [],
            done(call("f1", '{"a": 1}', status="in_progress")),
            item("f1", arguments='{"a": 1}', ready=False),
        ),
        "a call of a history": (
            [],
            added(call("f1", '{"a": 1}', status="completed")),
            item("f1", arguments='{"a": 1}', ready=True),
        ),
        "a call of beta": ([], created(call("f1", "{}")), item("f1", arguments="{}", ready=True)),
        "final arguments without the end of the item": (
            [added(call())],
            arguments_done("{}", response_id=ABSENT),
            item("f1", arguments="{}", ready=False, status="in_progress"),
        ),
        "an output": (
            [added(call())],
            added({"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": '{"b": 2}'}),
            item("o1", call_id="call_1", output='{"b": 2}', status="in_progress") | order("f1", "o1"),
        ),
        "an output ends": (
            [added({"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "x"})],
            done({"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "x"}),
            item("o1", output="x", status="completed"),
        ),
        "a role on a call is an extra": (
            [],
            added(call("f1", "{}", role="tool")),
            item("f1", role=ABSENT, extra={"role": "tool"}),
        ),
    }
)
def test_calls(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# An item that turns out to be of another type, or that one event shows twice: only the laws say what holds

HOLOGRAM = {"id": "a1", "type": "hologram", "depth": 1}
MCP = {"id": "a1", "type": "mcp_call", "server_label": "docs", "name": "search", "arguments": "{}"}


@cases(
    {
        "a message is a call": ([response_created(), delta("Hi")], done(call("a1", "{}")), {}, None),
        "a message whose second part came first is a call": (
            [response_created(), delta("Hi", index=1)],
            done(call("a1", "{}")),
            {},
            None,
        ),
        "a message is of an unknown type": (
            [response_created(), sound(1, index=1)],
            done(HOLOGRAM),
            {},
            None,
        ),
        "what was spoken is a call": ([speech_started("a1")], done(call("a1", "{}")), {}, None),
        "a call is a message": ([added(call("a1", "{}"))], done(assistant("a1", text_part("Hi"))), {}, None),
        "a call is an MCP call": ([added(call("a1", "{}"))], done(MCP), {}, None),
        "an MCP call is a call": ([added(MCP)], done(call("a1", "{}")), {}, None),
        "a call is of an unknown type": ([added(call("a1", "{}"))], done(HOLOGRAM), {}, None),
        "an unknown type is a message": ([added(HOLOGRAM)], done(assistant("a1", text_part("Hi"))), {}, None),
        "an MCP call gets the arguments of a function call": (
            [added(MCP)],
            arguments_done("[]", "a1"),
            {},
            None,
        ),
        "a function call gets the arguments of an MCP call": (
            [added(call("a1"))],
            event("response.mcp_call_arguments.done", item_id="a1", name="x", arguments="[]"),
            {},
            None,
        ),
        "a response lists a message twice": (
            [added(assistant("a1", text_part("Hi")))],
            response_done("r1", assistant("a1"), assistant("a1", text_part("Hello"))),
            {"order": ["a1"], "responses": {"r1": {"output": ["a1"]}}},
            None,
        ),
        "a response lists an item as two": (
            [],
            response_done("r1", assistant("a1", text_part("Hi")), call("a1", "{}")),
            {"order": ["a1"], "responses": {"r1": {"output": ["a1"]}}},
            None,
        ),
    }
)
def test_odd_items_keep_the_laws(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_an_item_that_becomes_another_keeps_nothing_that_type_does_not_have() -> None:
    """Heard of first by a transcription, it was taken for the user's message."""
    before = [transcription("completed", transcript="Hi")]
    conversation = prove(before, added(call("u1")), item("u1", role=ABSENT))
    shown = conversation.snapshot().item("u1")
    assert shown is not None
    assert shown.role is None
    assert shown == Snapshot.from_dict(conversation.snapshot().to_dict()).item("u1")
