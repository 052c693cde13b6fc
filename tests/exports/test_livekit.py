"""LiveKit Agents: its chat context reads what we write, and makes of it what other APIs take."""

import pytest
from hypothesis import given
from livekit.agents.llm import ChatContext, ChatMessage

from rtstate import Snapshot, chat_messages
from rtstate.exports import livekit_chat_context
from tests.exports_support import (
    Dict,
    accounted_for,
    answered,
    every_session,
    image,
    in_turn,
    mcp_call,
    output,
    points,
    said,
    short,
    states,
    talk,
    text_of,
)
from tests.helpers import (
    added,
    assistant,
    audio_part,
    call,
    output_added,
    response_created,
    response_done,
    spoken,
    state,
    text_part,
    truncated,
    user,
)

TABLE: dict[str, tuple[list[Dict], list[Dict]]] = {
    "nothing": ([], []),
    "messages": (
        [user("u1", "Hello"), assistant("a1", audio_part("Hi."), text_part("There."))],
        [
            {"id": "u1", "type": "message", "role": "user", "content": ["Hello"], "interrupted": False},
            {
                "id": "a1",
                "type": "message",
                "role": "assistant",
                "content": ["Hi.", "There."],
                "interrupted": False,
            },
        ],
    ),
    "an image": (
        [{**user("u1"), "content": [text_part("Look", "input_text"), image("https://a.example/b.png")]}],
        [
            {
                "id": "u1",
                "type": "message",
                "role": "user",
                "content": [
                    "Look",
                    {
                        "id": "u1_1",
                        "type": "image_content",
                        "image": "https://a.example/b.png",
                        "inference_detail": "auto",
                    },
                ],
                "interrupted": False,
            }
        ],
    ),
    "a call and an MCP call": (
        [call("f1", "{}"), mcp_call(output=None, error={"message": "Down."}), output()],
        [
            {
                "id": "f1",
                "type": "function_call",
                "call_id": "call_1",
                "name": "look_up",
                "arguments": "{}",
                "group_id": "f1",
            },
            {
                "id": "m1",
                "type": "function_call",
                "call_id": "m1",
                "name": "buy",
                "arguments": '{"n": 1}',
                "group_id": "f1",
            },
            {
                "id": "o1",
                "type": "function_call_output",
                "name": "look_up",
                "call_id": "call_1",
                "output": "42",
                "is_error": False,
            },
            {
                "id": "m1_output",
                "type": "function_call_output",
                "name": "buy",
                "call_id": "m1",
                "output": "Down.",
                "is_error": True,
            },
        ],
    ),
}


@pytest.mark.parametrize(("items", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(items: list[Dict], expected: list[Dict]) -> None:
    snapshot = talk(*items)
    assert livekit_chat_context(snapshot) == {"items": expected}
    check(snapshot)


def test_a_truncated_message_was_interrupted() -> None:
    a1 = assistant("a1")
    conversation = state(
        response_created(), output_added(a1), added(a1), spoken("One two three."), truncated("a1", 200)
    )
    [message] = livekit_chat_context(conversation.snapshot())["items"]
    assert (message["interrupted"], message["content"]) == (True, ["One"])


@pytest.mark.parametrize(("status", "interrupted"), [("cancelled", True), ("completed", False)])
def test_a_message_that_was_cancelled_was_interrupted(status: str, interrupted: bool) -> None:
    conversation = state(
        response_created(), added(assistant("a1")), spoken("One"), response_done(status=status)
    )
    [message] = livekit_chat_context(conversation.snapshot())["items"]
    assert (message["interrupted"], message["content"]) == (interrupted, ["One"])


def test_words_and_calls_of_one_answer_are_a_group() -> None:
    a1, f1 = assistant("a1", text_part("One moment.")), call("f1", "{}", status="completed")
    conversation = state(response_created(), *(output_added(each) for each in (a1, f1)), added(a1), added(f1))
    conversation.feed(added(output()))
    _, made, _ = livekit_chat_context(conversation.snapshot())["items"]
    assert made["group_id"] == "a1"
    check(conversation.snapshot())


def check(snapshot: Snapshot) -> ChatContext:
    """It reads it, loses nothing, and writes the same; its own chat messages say what ours say."""
    data = livekit_chat_context(snapshot)
    context = ChatContext.from_dict(data)
    written = context.to_dict(exclude_image=False)["items"]
    pairs = zip(data["items"], written, strict=True)
    assert [{key: new[key] for key in old} for old, new in pairs] == data["items"]
    names = [item.id for item in context.items]
    assert len(set(names)) == len(names)
    theirs, _ = context.to_provider_format("openai")
    in_turn(theirs)
    assert [_said(each) for each in theirs] == [_said(each) for each in chat_messages(snapshot)]
    return context


def _said(message: Dict) -> tuple[str, str, list[Dict]]:
    calls = [{**each, "id": short(each["id"], 40)} for each in message.get("tool_calls", ())]
    return message["role"], text_of(message.get("content")), calls


@every_session
def test_every_session_at_every_point(name: str) -> None:
    for snapshot in points(name):
        context = check(snapshot)
        messages = [item for item in context.items if isinstance(item, ChatMessage)]
        assert [(each.role, each.raw_text_content or "") for each in messages] == said(snapshot)
        outputs = {each.call_id: each.output for each in context.items if each.type == "function_call_output"}
        assert outputs == answered(snapshot)
        accounted_for(snapshot, {item.id for item in context.items if not item.id.endswith("_output")})


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    check(snapshot)
