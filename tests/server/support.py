"""What the tests of the server share: one that runs, and how its streams are read."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx

from rtstate import Conversation, Snapshot, apply_patch, simulate
from rtstate.hub import Hub
from rtstate.logs import Log, MemoryLog
from rtstate.recording import unwrap
from rtstate.server import create_app, serve
from rtstate.server._state import State

CALL = "call"
LINES = tuple(simulate.example().lines(timed=True))
NDJSON = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json"}


@attrs.define
class Served:
    port: int
    hub: Hub
    log: Log
    state: State
    client: httpx.AsyncClient
    task: "asyncio.Task[None]"

    async def post(self, lines: Iterable[str], name: str = CALL) -> dict[str, Any]:
        every = list(lines)
        told: dict[str, Any] = {}
        for start in range(0, len(every), 400):
            answer = await self.client.post(
                f"/conversations/{name}/events", content="\n".join(every[start : start + 400]), headers=NDJSON
            )
            assert answer.status_code == 200, answer.text
            more = answer.json()
            told = (
                {key: more[key] if key == "revision" else told[key] + more[key] for key in more}
                if told
                else more
            )
        return told

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(f"/conversations/{CALL}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def served(log: Log | None = None, hub: Hub | None = None, **options: Any) -> AsyncGenerator[Served]:
    log = log or MemoryLog()
    hub = hub or Hub(log, history=200)
    app = create_app(hub, log, **options)
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, port=0, started=ready.set_result))
    await asyncio.wait([ready, task], return_when=asyncio.FIRST_COMPLETED)
    port = ready.result()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Served(port, hub, log, app.state.rtstate, client, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await hub.stop()
        await log.close()


def state_after(lines: Iterable[str]) -> Snapshot:
    conversation = Conversation()
    for line in lines:
        event, at = unwrap(line)
        conversation.feed(event, at)
    return conversation.snapshot()


@attrs.frozen
class Frame:
    event: str
    id: int | None
    data: Any
    place: str | None


async def frames(response: httpx.Response) -> AsyncGenerator[Frame]:
    """Read a stream as the specification says, as far as it is used here."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if not line:
            if "data" in fields:
                place = fields.get("id")
                revision = None if place is None else int(place.partition(".")[0])
                yield Frame(fields.get("event", ""), revision, json.loads(fields["data"]), place)
            fields = {}
        else:
            key, _, value = line.partition(": ")
            fields[key] = value


@asynccontextmanager
async def following(
    client: httpx.AsyncClient, path: str = f"/conversations/{CALL}/changes", **headers: str
) -> AsyncGenerator[AsyncGenerator[Frame]]:
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        stream = frames(response)
        try:
            yield stream
        finally:
            await stream.aclose()


async def folded(stream: AsyncGenerator[Frame], revision: int, document: Any = None) -> Any:
    """Apply a stream as a page does, up to a revision; whatever does not go on from what is there fails."""
    async with asyncio.timeout(30):
        while document is None or document["revision"] < revision:
            frame = await anext(stream)
            if frame.event == "snapshot":
                document = frame.data
            else:
                assert frame.event == "patch"
                assert frame.data["since"] == document["revision"]
                document = apply_patch(document, frame.data["patch"])
            assert document["revision"] == frame.id
    return document
