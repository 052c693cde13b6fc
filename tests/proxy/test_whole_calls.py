"""Real clients call a Realtime server through the proxy, and what the page shows is what they saw."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx
import pytest

from rtstate import Conversation, Snapshot, transcript
from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.proxy import Proxy
from rtstate.server import create_app
from rtstate.simulate.live import serve_fake
from tests.fake.talks import TALKS, Seen, agent

pytestmark = pytest.mark.anyio
Event = dict[str, Any]


@attrs.define
class Recorded:
    """What is left of a call once it is over: its events, and the state as the server shows it."""

    url: str
    events: list[Event] = attrs.Factory(list[Event])
    shown: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        assert self.shown is not None
        return self.shown


@asynccontextmanager
async def through_the_proxy(**options: Any) -> AsyncGenerator[Recorded]:
    """A fake server behind a proxy, for one call."""
    async with MemoryLog() as log, Hub(log) as hub, serve_fake(**options) as fake, asyncio.timeout(60):
        async with Proxy(hub, log, fake.base_url) as proxy:
            await proxy.start("127.0.0.1", 0)
            recorded = Recorded(f"{proxy.url}/v1/realtime")
            yield recorded
        [name] = [name async for name in log.names()]
        recorded.events = [json.loads(each.raw) async for each in log.read(name)]
        transport = httpx.ASGITransport(create_app(hub, log))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get(f"/conversations/{name}")
        recorded.shown = Snapshot.from_dict(answer.json())


def by_side(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """The server's events and the client's, each in order: each side sees the two interleave otherwise."""
    of_server = [each for each in events if str(each.get("event_id", "")).startswith("event_")]
    return of_server, [each for each in events if each not in of_server]


@pytest.mark.parametrize("beta", [False, True], ids=["ga", "beta"])
@pytest.mark.parametrize("name", TALKS)
async def test_what_is_shown_is_what_the_sdk_saw(name: str, beta: bool) -> None:
    async with through_the_proxy(speed=4) as recorded:
        seen: Seen = await TALKS[name](recorded.url, beta)
    server, client = by_side(seen.events)
    recorded_server, recorded_client = by_side(recorded.events)
    assert recorded_client == client
    assert recorded_server[: len(server)] == server
    shown = recorded.snapshot
    for item_id, text in seen.texts.items():
        [turn] = [each for each in transcript(shown) if each.item_id == item_id]
        assert turn.generated == text
    done = [event.response for event in seen.parsed if event.type == "response.done"]
    assert [each.status for each in shown.responses][: len(done)] == [each.status for each in done]
    assert shown.usage.responses.total_tokens == sum(each.usage.total_tokens for each in done) > 0


async def test_what_is_shown_is_what_an_agent_saw() -> None:
    async with through_the_proxy(speed=4) as recorded:
        seen = await agent(recorded.url)
    server, _ = by_side(recorded.events)
    assert server[: len(seen.events)] == seen.events
    known = {item.item_id: item for item in seen.history if item.type == "message"}
    turns = transcript(recorded.snapshot)
    assert {turn.item_id for turn in turns} <= set(known)
    for turn in turns:
        if turn.status == "final":
            parts = known[turn.item_id].content
            said = [getattr(part, "text", None) or getattr(part, "transcript", None) or "" for part in parts]
            assert "".join(said) == turn.text


async def test_a_recorded_call_is_what_the_fake_server_knows() -> None:
    async with through_the_proxy(speed=0) as recorded:
        await TALKS["tool"](recorded.url)
    conversation = Conversation()
    for event in recorded.events:
        assert not conversation.feed(event).anomalies
    assert conversation.snapshot() == recorded.snapshot
