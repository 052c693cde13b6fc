"""What we are measured beside, and the data for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks._harness import Task
from rtstate import Conversation, simulate
from rtstate.wire import EVENTS, TABLE


def on_the_wire(events: Iterable[simulate.Event]) -> list[bytes]:
    """Return events as a socket hands them over: compact JSON in bytes."""
    return [json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() for event in events]


def server_events(events: Iterable[simulate.Event]) -> list[simulate.Event]:
    """Return those events that the server sends."""
    return [event for event in events if event["type"] in TABLE]


def mixed_session(turns: int) -> list[simulate.Event]:
    """Return a session of at least so many turns: speech, text, tools and more, all of it from 25 on."""
    return list(simulate.session(seed=7, turns=turns).events)


def by_class(raw: bytes) -> Any:
    """Parse an event the usual way: JSON to a dict, the class by its type, then validation."""
    payload = json.loads(raw)
    return EVENTS[payload["type"]].event.model_validate(payload)


def added(item_id: str, behind: str | None) -> simulate.Event:
    """Return the event that places a typed message."""
    return {
        "type": "conversation.item.added",
        "event_id": f"event_of_{item_id}",
        "previous_item_id": behind,
        "item": {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": "What time is it?"}],
        },
    }


def feeding(raws: Sequence[bytes], before: Sequence[bytes] = ()) -> Task:
    """Return the task of feeding events to a conversation that has taken those before, untimed."""

    def prepare() -> Conversation:
        conversation = Conversation()
        for raw in before:
            conversation.feed(raw)
        return conversation

    def run(conversation: Conversation) -> None:
        feed = conversation.feed
        for raw in raws:
            feed(raw)

    return Task(run, len(raws), prepare)
