"""What all exports have in common: what they leave out and say so, and what they do to the state: nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from rtstate import Snapshot, chat_messages, exports, responses_input
from rtstate.exports import agents_items, agui_messages, left_out, livekit_chat_context
from tests.exports_support import (
    Dict,
    every_session,
    image,
    left,
    mcp,
    mcp_call,
    output,
    points,
    states,
    talk,
)
from tests.helpers import (
    added,
    assistant,
    audio_part,
    call,
    committed,
    deleted,
    delta,
    output_added,
    response_created,
    response_done,
    sound,
    spoken,
    state,
    text_part,
    transcription,
    truncated,
    user,
)

EXPORTS: list[Callable[[Snapshot], Any]] = [
    chat_messages,
    responses_input,
    agents_items,
    agui_messages,
    livekit_chat_context,
]
EMPTY: list[Any] = [[], [], [], [], {"items": []}]
REQUEST = mcp("r1", "approval_request", name="buy")


def answer(item_id: str = "p1", approve: Any = True, asked: str = "r1") -> Dict:
    return mcp(item_id, "approval_response", approval_request_id=asked, approve=approve)


def of(*parts: Dict, **fields: Any) -> Dict:
    return {"id": "u1", "type": "message", "role": "user", "content": list(parts), **fields}


ALONE: dict[str, tuple[list[Dict], list[tuple[Any, ...]]]] = {
    "an empty message": ([user("u1", "")], [("u1", "empty")]),
    "a message of blanks": ([user("u1", " \n")], [("u1", "empty")]),
    "a message without parts": ([of()], [("u1", "empty")]),
    "an image without a URL": ([of(image(None))], [("u1", "empty")]),
    "speech without a transcript": ([of(audio_part(None, "input_audio"))], [("u1", "no_transcript")]),
    "an image of the assistant": ([of(image(), role="assistant")], [("u1", "unsupported")]),
    "a part of another type": ([of({"type": "hologram"})], [("u1", "unsupported")]),
    "blanks and a part of another type": (
        [of(text_part("", "input_text"), {"type": "hologram"})],
        [("u1", "unsupported")],
    ),
    "another role": ([of(text_part("Hello", "input_text"), role="tool")], [("u1", "unsupported")]),
    "no role": ([of(text_part("Hello", "input_text"), role=None)], [("u1", "unsupported")]),
    "another type": ([{"id": "x1", "type": "web_search_call"}], [("x1", "unsupported")]),
    "a call that is not ready, and its output": (
        [call(status="in_progress"), output()],
        [("f1", "not_ready"), ("o1", "no_call")],
    ),
    "a call without a name": (
        [call("f1", "{}", name=None), output()],
        [("f1", "unnamed"), ("o1", "no_call")],
    ),
    "a call without an id": ([call("f1", "{}", call_id="")], [("f1", "unnamed")]),
    "an output without its call": ([output()], [("o1", "no_call")]),
    "an output without content": ([output(text=None)], [("o1", "empty")]),
    "an MCP call that runs": ([mcp_call(output=None, status="in_progress")], [("m1", "no_output")]),
    "an MCP call without a name": ([mcp_call(name=None)], [("m1", "unnamed")]),
    "an MCP call without its server": ([mcp_call(server_label=None)], [("m1", "unnamed")]),
    "a listing that has not come": ([mcp("l1", "list_tools")], [("l1", "empty")]),
    "a listing without its server": (
        [mcp("l1", "list_tools", server_label=None, tools=[])],
        [("l1", "unnamed")],
    ),
    "a request without an answer": ([REQUEST], [("r1", "no_answer")]),
    "a request without a name": (
        [mcp("r1", "approval_request"), answer()],
        [("r1", "unnamed"), ("p1", "no_request")],
    ),
    "a request without its server": ([{**REQUEST, "server_label": None}], [("r1", "unnamed")]),
    "an answer without its request": ([answer()], [("p1", "no_request")]),
    "an answer that says nothing": ([answer(approve=None)], [("p1", "empty")]),
    "an approved call that has not come back": (
        [REQUEST, answer(), mcp_call(output=None, status="in_progress", approval_request_id="r1")],
        [("r1", "no_output"), ("p1", "no_output"), ("m1", "no_output")],
    ),
}


@pytest.mark.parametrize(("items", "expected"), ALONE.values(), ids=list(ALONE))
def test_what_is_left_out_of_all(items: list[Dict], expected: list[tuple[Any, ...]]) -> None:
    snapshot = talk(*items)
    assert left(snapshot) == expected
    assert [export(snapshot) for export in EXPORTS] == EMPTY


BESIDE: dict[str, tuple[list[Dict], list[tuple[Any, ...]]]] = {
    "nothing": ([user("u1", "Hello"), call("f1", "{}"), output(), mcp_call()], []),
    "a call that waits": ([call("f1", "{}")], [("f1", "no_output")]),
    "a second output": ([call("f1", "{}"), output(), output("o2", "43")], [("o2", "repeated")]),
    "a second call": (
        [call("f1", "{}"), output(), call("f2", "{}"), output("o2", "43")],
        [("f2", "repeated"), ("o2", "repeated")],
    ),
    "a second answer": ([REQUEST, answer(approve=False), answer("p2")], [("p2", "repeated")]),
    "parts of a message": (
        [
            of(
                text_part("Hello", "input_text"),
                {"type": "hologram"},
                text_part("", "input_text"),
                audio_part(None, "input_audio"),
            )
        ],
        [("u1", "unsupported", 1), ("u1", "no_transcript", 3)],
    ),
    "its output is still empty": ([call("f1", "{}"), output(text=None), output("o2")], [("o1", "empty")]),
}


@pytest.mark.parametrize(("items", "expected"), BESIDE.values(), ids=list(BESIDE))
def test_what_is_left_out_beside_others(items: list[Dict], expected: list[tuple[Any, ...]]) -> None:
    assert left(talk(*items)) == expected


def test_a_message_cut_off_before_anything_was_heard() -> None:
    a1 = assistant("a1")
    conversation = state(
        response_created(), output_added(a1), added(a1), spoken("One two."), truncated("a1", 0)
    )
    assert left(conversation.snapshot()) == [("a1", "unheard")]
    assert chat_messages(conversation.snapshot()) == []


def test_one_part_of_a_message_was_not_heard() -> None:
    a1 = assistant("a1")
    conversation = state(response_created(), output_added(a1), added(a1))
    for event in (delta("Look:"), spoken("One two.", index=1), truncated("a1", 0, 1)):
        conversation.feed(event)
    assert left(conversation.snapshot()) == [("a1", "unheard", 1)]
    assert chat_messages(conversation.snapshot()) == [{"role": "assistant", "content": "Look:"}]


def test_speech_of_which_there_is_no_text() -> None:
    a1 = assistant("a1")
    conversation = state(response_created(), output_added(a1), added(a1))
    assert left(conversation.snapshot()) == [("a1", "empty")]
    conversation.feed(sound(100))
    assert left(conversation.snapshot()) == [("a1", "no_transcript")]
    conversation.feed(spoken("One"))
    assert left(conversation.snapshot()) == []


def test_speech_of_the_user() -> None:
    conversation = state(committed("u1"))
    assert left(conversation.snapshot()) == [("u1", "no_transcript")]
    conversation.feed(transcription("failed", error={"message": "No."}))
    assert left(conversation.snapshot()) == [("u1", "no_transcript")]
    conversation.feed(transcription("completed", transcript=""))
    assert left(conversation.snapshot()) == [("u1", "empty")]


def test_a_call_of_a_response_that_failed() -> None:
    f1 = call("f1", "{}", status="completed")
    conversation = state(response_created(), output_added(f1), added(f1), added(output()))
    assert left(conversation.snapshot()) == []
    conversation.feed(response_done("r1", f1, status="failed"))
    assert left(conversation.snapshot()) == [("f1", "not_ready"), ("o1", "no_call")]


def test_what_is_not_in_the_order_is_no_matter() -> None:
    conversation = state(response_created("r1", conversation_id=None), delta("aside"))
    assert conversation.snapshot().unplaced
    assert left_out(conversation.snapshot()) == ()
    assert [export(conversation.snapshot()) for export in EXPORTS] == EMPTY


def test_a_deleted_output_leaves_its_call_waiting() -> None:
    conversation = state(added(call("f1", "{}", status="completed")), added(output()), deleted("o1"))
    assert left(conversation.snapshot()) == [("f1", "no_output")]


@given(states)
def test_exports_are_json_and_leave_the_state_alone(snapshot: Snapshot) -> None:
    harmless(snapshot)


@every_session
def test_so_they_do_in_every_session(name: str) -> None:
    for snapshot in points(name):
        harmless(snapshot)


def harmless(snapshot: Snapshot) -> None:
    before = snapshot.to_json()
    found = [export(snapshot) for export in EXPORTS]
    told = json.dumps(found, allow_nan=False)
    again = [export(Snapshot.from_dict(json.loads(before))) for export in EXPORTS]
    assert json.dumps(again, allow_nan=False) == told
    assert json.loads(told) == found
    for each in found:
        scribble(each)
    assert snapshot.to_json() == before
    for each in left_out(snapshot):
        assert snapshot.item(each.item_id) is not None


def scribble(value: Any) -> None:
    """Change everything: what an export gives is the caller's own."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            scribble(each)
        value.clear()


def test_the_package_offers_them_all() -> None:
    restoring = {"RestoreDialect", "RestorePlan", "restore_events", "restore_plan"}
    told = {"left_out_of_captions", "markdown", "plain_text", "srt", "transcript_json", "wav", "webvtt"}
    offered = {each.__name__ for each in (*EXPORTS, left_out, exports.LeftOut)} | restoring | told
    assert set(exports.__all__) == offered
    assert all(getattr(exports, name).__doc__ for name in offered - {"RestoreDialect"})
