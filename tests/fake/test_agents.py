"""A realtime session of the OpenAI Agents SDK, with its own WebSocket, against the fake server."""

import asyncio
from typing import Any

import pytest

from rtstate import Conversation, tool_calls, transcript
from rtstate.simulate.live import serve_fake
from tests.fake.talks import agent

pytestmark = pytest.mark.anyio


def text_of(item: Any) -> str:
    return "".join(
        getattr(part, "text", None) or getattr(part, "transcript", None) or "" for part in item.content
    )


async def test_an_agent_calls_its_tool_and_is_interrupted() -> None:
    async with serve_fake(speed=4) as server, asyncio.timeout(60):
        seen = await agent(server.url)
    [call] = server.calls
    conversation = Conversation()
    for event in call.events:
        conversation.feed(event)
    snapshot = conversation.snapshot()
    assert conversation.anomalies == ()
    assert snapshot.errors == ()
    came = [event["event_id"] for event in seen.events]
    sent = [event.get("event_id", "") for event in call.events]
    assert [each for each in sent if each.startswith("event_")][: len(came)] == came
    assert seen.called == ["Lisbon celsius"] * 2, "once for what was typed, and once for what was said"
    assert [used.output for used in tool_calls(snapshot)] == ['{"temperature": 19}'] * 2
    assert "cancelled" in [each.status for each in snapshot.responses]
    known = {item.item_id: text_of(item) for item in seen.history if item.type == "message"}
    turns = {turn.item_id: turn for turn in transcript(snapshot)}
    assert set(turns) <= set(known)
    for item_id, turn in turns.items():
        if turn.status == "final" and item_id in known:
            assert known[item_id] == turn.text
