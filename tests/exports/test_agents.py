"""The OpenAI Agents SDK: its sessions keep our items, its models of both APIs read them."""

import asyncio

import pytest
from agents import SQLiteSession, TResponseInputItem
from agents.models.chatcmpl_converter import Converter
from agents.run_internal.items import drop_orphan_function_calls, prepare_model_input_items
from hypothesis import given

from rtstate import Snapshot, chat_messages, responses_input
from rtstate.exports import agents_items
from tests.exports_support import (
    Dict,
    adapter,
    answered,
    assert_calls_within,
    called_within,
    every_session,
    in_turn,
    mcp,
    mcp_call,
    output,
    points,
    said,
    states,
    talk,
    text_of,
    validate,
)
from tests.helpers import assistant, audio_part, call, user

ITEM = adapter(TResponseInputItem)


def test_mcp_calls_are_function_calls() -> None:
    snapshot = talk(
        mcp("l1", "list_tools", tools=[]),
        user("u1", "Hello"),
        mcp("r1", "approval_request", name="buy"),
        mcp("p1", "approval_response", approval_request_id="r1", approve=False),
        mcp_call(),
        assistant("a1", audio_part("Bought.")),
    )
    items = agents_items(snapshot)
    assert items == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "function_call", "call_id": "m1", "name": "buy", "arguments": '{"n": 1}'},
        {"type": "function_call_output", "call_id": "m1", "output": "bought"},
        {"type": "message", "role": "assistant", "content": "Bought."},
    ]
    check(items)


def test_it_is_what_the_responses_api_takes() -> None:
    snapshot = talk(user("u1", "Hello"), call("f1", "{}"), assistant("a1", audio_part("Hm.")), output())
    assert agents_items(snapshot) == responses_input(snapshot)


def check(items: list[Dict]) -> None:
    for item in items:
        validate(ITEM, item)
    assert drop_orphan_function_calls(items) == items  # pyright: ignore[reportArgumentType]
    assert prepare_model_input_items([], items) == items  # pyright: ignore[reportArgumentType]
    in_turn(Converter.items_to_messages(items))  # pyright: ignore[reportArgumentType]


@every_session
def test_every_session_at_every_point(name: str) -> None:
    for snapshot in points(name):
        items = agents_items(snapshot)
        check(items)
        words = [(each["role"], text_of(each["content"])) for each in items if each["type"] == "message"]
        assert words == said(snapshot)
        outputs = {each["call_id"]: each["output"] for each in items if each["type"].endswith("call_output")}
        assert outputs == answered(snapshot, longest=40)


@every_session
def test_its_chat_messages_are_ours(name: str) -> None:
    """Its way from items to chat messages and our own export say the same, call by call."""
    snapshot = points(name)[-1]
    theirs = Converter.items_to_messages(agents_items(snapshot))  # pyright: ignore[reportArgumentType]
    ours = chat_messages(snapshot)
    assert [calls_of(each) for each in theirs if calls_of(each)] == [
        calls_of(each) for each in ours if calls_of(each)
    ]
    assert [(each["tool_call_id"], each["content"]) for each in theirs if each["role"] == "tool"] == [
        (each["tool_call_id"], each["content"]) for each in ours if each["role"] == "tool"
    ]


def calls_of(message: Dict) -> list[Dict]:
    return list(message.get("tool_calls") or ())


@pytest.mark.filterwarnings("default::ResourceWarning")  # the SDK leaves its connections to the collector
def test_a_session_keeps_it() -> None:
    items = agents_items(points("ga 0")[-1])

    async def keep() -> list[TResponseInputItem]:
        session = SQLiteSession("call")
        await session.add_items(items)  # pyright: ignore[reportArgumentType]
        kept = await session.get_items()
        session.close()
        return kept

    assert asyncio.run(keep()) == items


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    check(agents_items(snapshot))


def test_ids_and_names_are_such_as_any_model_takes() -> None:
    snapshot, kept = called_within(40)
    items = agents_items(snapshot)
    assert assert_calls_within(40, kept, items) == 6
