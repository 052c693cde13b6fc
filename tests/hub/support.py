"""What the tests of the hub share."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from rtstate import Conversation, Replica, Snapshot, Update, simulate
from rtstate.hub import Hub
from rtstate.logs import Log

CALL = "call"
EVENTS: Sequence[str] = tuple(simulate.example().lines())


def said(text: str, item_id: str = "item_1") -> dict[str, str]:
    return {"type": "response.output_text.delta", "item_id": item_id, "response_id": "resp_1", "delta": text}


def expected(events: Sequence[object] = EVENTS) -> Snapshot:
    conversation = Conversation()
    for event in events:
        conversation.feed(event)  # type: ignore[arg-type]
    return conversation.snapshot()


async def feed(hub: Hub, events: Sequence[object] = EVENTS, name: str = CALL) -> None:
    for event in events:
        await hub.feed(name, event)  # type: ignore[arg-type]


async def kept(log: Log, name: str = CALL) -> list[bytes]:
    return [entry.raw async for entry in log.read(name)]


async def until(updates: AsyncGenerator[Update], revision: int, seconds: float = 30) -> Snapshot:
    """Follow as a viewer does, by its patches, up to a revision."""
    replica = Replica(Conversation().snapshot())
    async with asyncio.timeout(seconds), aclosing(updates):
        async for update in updates:
            replica.apply(update)
            if replica.snapshot().revision >= revision:
                return replica.snapshot()
    raise AssertionError("it ended")
