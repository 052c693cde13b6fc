"""AG-UI: its own models take our messages, with no key left over."""

from typing import Any

import pytest
from ag_ui.core import Message
from hypothesis import given
from pydantic import BaseModel, TypeAdapter

from rtstate import Snapshot
from rtstate.exports import agui_messages
from tests.exports_support import (
    Dict,
    accounted_for,
    answered,
    every_session,
    image,
    mcp_call,
    output,
    points,
    said,
    states,
    talk,
    text_of,
)
from tests.helpers import assistant, audio_part, call, text_part, user

MESSAGES: TypeAdapter[Any] = TypeAdapter(list[Message])


def called(item_id: str, *calls: tuple[str, str, str]) -> Dict:
    functions = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": text}}
        for id_, name, text in calls
    ]
    return {"id": item_id, "role": "assistant", "toolCalls": functions}


ONE, BUY = ("call_1", "look_up", "{}"), ("m1", "buy", '{"n": 1}')
TOOL = {"id": "o1", "role": "tool", "toolCallId": "call_1", "content": "42"}
TABLE: dict[str, tuple[list[Dict], list[Dict]]] = {
    "nothing": ([], []),
    "messages": (
        [
            {**user("s1", "Be kind."), "role": "system"},
            user("u1", "Hello"),
            assistant("a1", audio_part("Hi."), text_part("There.")),
        ],
        [
            {"id": "s1", "role": "system", "content": "Be kind."},
            {"id": "u1", "role": "user", "content": "Hello"},
            {"id": "a1", "role": "assistant", "content": "Hi.\nThere."},
        ],
    ),
    "images": (
        [
            {
                **user("u1"),
                "content": [
                    text_part("Look", "input_text"),
                    image(),
                    image("https://a.example/b.png"),
                    image("data:,a"),
                ],
            }
        ],
        [
            {
                "id": "u1",
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {"type": "image", "source": {"type": "data", "value": "iVBO", "mimeType": "image/png"}},
                    {"type": "image", "source": {"type": "url", "value": "https://a.example/b.png"}},
                    {"type": "image", "source": {"type": "url", "value": "data:,a"}},
                ],
            }
        ],
    ),
    "a call that waits": ([call("f1", "{}")], [called("f1", ONE)]),
    "a call that may not be run": ([call("f1", "{}", status="in_progress")], []),
    "one that waits, one that came back": (
        [call("f1", "{}"), call("f2", "{}", call_id="call_2"), output()],
        [called("f1", ONE, ("call_2", "look_up", "{}")), TOOL],
    ),
    "a call of an MCP server that failed": (
        [mcp_call(output="half", error={"message": "Down."})],
        [
            called("m1", BUY),
            {"id": "m1_output", "role": "tool", "toolCallId": "m1", "content": "half", "error": "Down."},
        ],
    ),
}


@pytest.mark.parametrize(("items", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(items: list[Dict], expected: list[Dict]) -> None:
    snapshot = talk(*items)
    assert agui_messages(snapshot) == expected
    check(snapshot)


def check(snapshot: Snapshot) -> list[Dict]:
    """Its models keep unknown keys rather than refuse them: there must be none, at any depth."""
    messages = agui_messages(snapshot)
    read = MESSAGES.validate_python(messages, strict=True)
    unknown(read)
    assert MESSAGES.dump_python(read, by_alias=True) == messages
    names = [each["id"] for each in messages]
    assert len(set(names)) == len(names)
    return messages


def unknown(value: Any) -> None:
    if isinstance(value, BaseModel):
        assert not value.model_extra
        value = [getattr(value, name) for name in type(value).model_fields]
    if isinstance(value, list):
        for each in value:
            unknown(each)


@every_session
def test_every_session_at_every_point(name: str) -> None:
    for snapshot in points(name):
        messages = check(snapshot)
        words = [
            (each["role"], text_of(each["content"]))
            for each in messages
            if each["role"] != "tool" and "content" in each
        ]
        assert words == said(snapshot)
        calls = [call["id"] for each in messages for call in each.get("toolCalls", ())]
        outputs = {each["toolCallId"]: each["content"] for each in messages if each["role"] == "tool"}
        assert outputs == answered(snapshot)
        assert calls == list(dict.fromkeys(calls))
        assert set(calls) == set(answered(snapshot, waiting=True))
        waiting = {item.id for item in snapshot.items if item.call_id in set(calls) - set(outputs)}
        accounted_for(snapshot, exported(snapshot, messages) - waiting)


def exported(snapshot: Snapshot, messages: list[Dict]) -> set[str]:
    """The ids of the items that are in it: of messages, of outputs and of calls."""
    calls = {call["id"] for each in messages for call in each.get("toolCalls", ())}
    ids = {each["id"] for each in messages} | calls
    return {
        item.id
        for item in snapshot.items
        if item.id in ids or (item.type == "function_call" and item.call_id in calls)
    }


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    check(snapshot)
