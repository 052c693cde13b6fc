"""What an anomaly says: which item, part or call it is about, and what was done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    Event,
    added,
    arguments,
    assistant,
    call,
    deleted,
    delta,
    done,
    event,
    output_added,
    response_created,
    response_done,
    speech_started,
    speech_stopped,
    state,
    text_part,
    transcription,
    truncated,
    user,
)

MCP = {"id": "m1", "type": "mcp_list_tools", "server_label": "s"}

ODD: dict[str, tuple[list[Event], Event, list[tuple[str, str]]]] = {
    # items
    "an item without an id": (
        [],
        added({"type": "message"}),
        [("impossible", "an item without an id; ignored")],
    ),
    "an item with too many parts": (
        [],
        added(assistant("a1", *[text_part()] * 1002)),
        [("impossible", "item 'a1' with more than 1001 parts; ignored")],
    ),
    "an item of another type": (
        [added(call("f1"))],
        done(assistant("f1")),
        [("impossible", "item 'f1' was a function_call and is now a message; ignored")],
    ),
    "an item behind itself": (
        [],
        added(user(), after="u1"),
        [("unknown_anchor", "item 'u1' is to follow itself; placed at the end")],
    ),
    "an item behind one that has no place": (
        [],
        added(user(), after="u9"),
        [("unknown_anchor", "item 'u1' is to follow 'u9', which has no place yet")],
    ),
    "a deletion of nobody": (
        [],
        deleted(""),
        [("impossible", "a deletion of no item, and none was asked for; ignored")],
    ),
    # answers
    "a response without an id": (
        [],
        event("response.created", response={}),
        [("impossible", "a response without an id; ignored")],
    ),
    "a part too far": (
        [],
        delta("Hi", index=1001),
        [("impossible", "content_index 1001 is beyond 1000; ignored")],
    ),
    "a text of the user's": (
        [added(user())],
        delta("Hi", "u1"),
        [("impossible", "part 0 of item 'u1' is not one the model can speak; ignored")],
    ),
    "a text after its end": (
        [delta("Hi"), done(assistant("a1", text_part("Hi")))],
        delta("Ho"),
        [("late", "part 0 of item 'a1' is named after its end; ignored")],
    ),
    "a text of a response that is over": (
        [response_created(), response_done()],
        delta("Hi"),
        [("late", "item 'a1' is first named after its response ended; ignored")],
    ),
    "a truncation of nobody": (
        [],
        truncated("a9"),
        [("unknown_item", "a truncation of item 'a9', which nobody announced; ignored")],
    ),
    "a truncation of a text": (
        [delta("Hi")],
        truncated(),
        [("impossible", "a truncation of item 'a1', part 0, that fits no speech; ignored")],
    ),
    "arguments of nobody": (
        [],
        arguments("{", None, call_id="call_9"),
        [("unknown_item", "arguments of call 'call_9', which no item makes; ignored")],
    ),
    "arguments of a message": (
        [delta("Hi")],
        arguments("{", "a1"),
        [("impossible", "arguments for item 'a1', which is a message; ignored")],
    ),
    "arguments after their end": (
        [added(call()), done(call("f1", "{}"))],
        arguments("{"),
        [("late", "a delta for the arguments of item 'f1' after its end; ignored")],
    ),
    "progress of another type": (
        [output_added(MCP)],
        event("response.mcp_call.in_progress", item_id="m1"),
        [("impossible", "item 'm1' is a mcp_list_tools, not a mcp_call; ignored")],
    ),
    # speech
    "the end of another turn": (
        [speech_started("u2")],
        speech_stopped("u1"),
        [("late", "the end of speech of item 'u1' while 'u2' speaks; ignored")],
    ),
    "a transcription too far": (
        [],
        transcription("delta", index=1001, delta="Hi"),
        [("impossible", "content_index 1001 is beyond 1000; ignored")],
    ),
    "a transcription of an answer": (
        [delta("Hi")],
        transcription("delta", "a1", delta="Hi"),
        [("impossible", "part 0 of item 'a1' is not one the user can have spoken; ignored")],
    ),
    "a transcription after its end": (
        [transcription("completed", transcript="Hi")],
        transcription("delta", delta="Ho"),
        [("late", "a transcription delta for item 'u1' after its end; ignored")],
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_anomaly_says_what_it_is_about(name: str) -> None:
    events, last, told = ODD[name]
    change = state(*events).feed(last)
    assert [(each.kind, each.message) for each in change.anomalies] == told


@pytest.mark.parametrize(
    ("events", "last"),
    [
        ([], added(assistant("a1", *[text_part()] * 1001))),
        ([], delta("Hi", index=1000)),
        ([], transcription("delta", index=1000, delta="Hi")),
    ],
)
def test_the_last_part_there_can_be(events: list[Event], last: Event) -> None:
    conversation = state(*events)
    assert not conversation.feed(last).anomalies
    [item_id] = conversation.snapshot().to_dict()["items"]
    item: Any = conversation.snapshot().item(item_id)
    assert len(item.content) == 1001


def test_only_what_was_refused_is_counted() -> None:
    """An anchor or an item that nobody knows yet is noted, and is no fault."""
    conversation = state(*(last for events, last, _ in ODD.values() if not events))
    assert (conversation.stats.impossible, conversation.stats.late, conversation.stats.unknown) == (6, 0, 0)
    assert state(truncated("a9")).stats.impossible == 0
