"""What an anomaly says: which item, part or call it is about, and what was done."""

from __future__ import annotations

from typing import Any

import pytest

from rtstate import Conversation, timing, transcript
from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments,
    arguments_done,
    assistant,
    audio_part,
    call,
    committed,
    deleted,
    delta,
    done,
    event,
    output_added,
    output_done,
    part_added,
    part_done,
    response_created,
    response_done,
    retrieved,
    sent,
    sound,
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


NAMELESS: dict[str, Event] = {
    "a delta": delta("Hi", ""),
    "audio that became an item": committed(""),
    "a transcription": transcription("delta", "", delta="Hi"),
}


@pytest.mark.parametrize("last", NAMELESS.values(), ids=list(NAMELESS))
def test_an_empty_id_names_no_item(last: Event) -> None:
    conversation = Conversation()
    change = conversation.feed(last)
    assert not change
    assert [each.message for each in change.anomalies] == ["an item without an id; ignored"]


def test_an_empty_name_is_as_good_as_none() -> None:
    conversation = state(
        output_added(call("f1", call_id="c1", name="look_up", role=None)),
        arguments_done("{}", name="", call_id=""),
        done(call("f1", "{}", call_id="", name="", status="completed")),
        {**speech_started(""), "audio_start_ms": 5},
        {**delta("a"), "event_id": "", "response_id": ""},
        {**delta("b"), "event_id": "", "response_id": ""},
    )
    snapshot = conversation.snapshot()
    assert [(item.id, item.call_id, item.name) for item in snapshot.items] == [
        ("f1", "c1", "look_up"),
        ("a1", None, None),
    ]
    assert [part.text for part in snapshot.items[1].content] == ["ab"]
    assert [each.id for each in snapshot.responses] == ["r1"]
    assert snapshot.input_audio.speaking
    assert conversation.stats.duplicates == 0


@pytest.mark.parametrize("ms", [10**400, -(10**400), 1e300])
def test_a_place_that_no_clock_shows_is_none(ms: float) -> None:
    conversation = Conversation()
    for number, each in enumerate([speech_started("u1", ms), speech_stopped("u1", ms), committed("u1")]):
        conversation.feed(each, at=float(number))
    conversation.feed(sound(1_000))
    conversation.feed(truncated("a1", ms))
    snapshot = conversation.snapshot()
    assert (snapshot.input_audio.speech_started_ms, snapshot.items[1].content[0].truncated) == (None, None)
    assert transcript(snapshot)
    assert timing(snapshot)


def test_speech_that_was_committed_has_stopped_whoever_spoke() -> None:
    conversation = state(speech_started(ABSENT), committed("u1"))
    assert not conversation.snapshot().input_audio.speaking


def test_an_unknown_part_is_taken_whole_when_it_ends() -> None:
    refusal = {"type": "refusal", "refusal": "I can't"}
    conversation = state(output_added(assistant("a1")), part_added({"type": "refusal", "refusal": ""}))
    change = conversation.feed(part_done(refusal))
    assert not change.anomalies
    assert conversation.snapshot().to_dict()["items"]["a1"]["content"][0]["refusal"] == "I can't"
    assert conversation.feed(part_done(text_part("Hi"))).anomalies


def test_the_last_word_of_a_status_we_do_not_know_counts() -> None:
    search = {"id": "w1", "type": "web_search_call"}
    conversation = state(output_added({**search, "status": "searching"}))
    for status in ("failed", "in_progress"):
        conversation.feed(output_done({**search, "status": status}))
        assert conversation.snapshot().items[0].status == "failed"


def test_a_part_may_say_its_format() -> None:
    form = {"type": "audio/pcm", "rate": 24_000}
    conversation = state(retrieved(assistant("a1", {**audio_part("Hi"), "format": form})))
    item = conversation.snapshot().item("a1")
    assert item is not None
    assert (item.content[0].transcript, conversation.stats.invalid) == ("Hi", 0)


CALL = {"type": "function_call", "call_id": "c1", "name": "look_up"}
GONE: dict[str, list[Event]] = {
    "refused": [
        sent(event("conversation.item.create", event_id="e1", item={"id": "f1", **CALL, "arguments": "{}"})),
        event("error", error={"type": "invalid_request_error", "event_id": "e1"}),
    ],
    "deleted": [output_added({"id": "f1", **CALL}), deleted("f1")],
    "of another session": [
        event("session.created", session={"id": "s1"}),
        output_added({"id": "f1", **CALL}),
        event("session.created", session={"id": "s2"}),
    ],
}


@pytest.mark.parametrize("before", GONE.values(), ids=list(GONE))
def test_a_call_is_made_by_the_item_that_is_there(before: list[Event]) -> None:
    """Some servers name only the call; one that is made again is made by another item."""
    conversation = state(*before, added({"id": "f2", **CALL, "status": "in_progress"}))
    conversation.feed(event("response.function_call_arguments.done", call_id="c1", arguments='{"a": 1}'))
    conversation.feed(done({"id": "f2", **CALL, "status": "completed"}))
    made = conversation.snapshot().item("f2")
    assert made is not None
    assert (made.arguments, made.ready) == ('{"a": 1}', True)
    gone = conversation.snapshot().item("f1")
    assert gone is None or gone.arguments is None


def test_what_nobody_knows_takes_no_id_from_the_client() -> None:
    conversation = state(added(user("u1", "Hi")), event("response.brand_new", event_id="event_1"))
    assert conversation.feed(sent(event("conversation.item.delete", event_id="event_1", item_id="u1")))
    assert conversation.snapshot().items == ()
