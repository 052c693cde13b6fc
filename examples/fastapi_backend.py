"""A backend that holds a call, and a browser that shows it as it goes on.

uvicorn --app-dir examples fastapi_backend:app, then open http://127.0.0.1:8000 and play a recording to it:
python examples/fastapi_backend.py session.jsonl

Your own backend has the events at hand, and feeds them where it receives them from its socket.
"""

import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse

import rtstate
from rtstate.recording import unwrap

PAGE = """<!doctype html>
<title>A call</title>
<ol id="turns"></ol>
<script>
  new EventSource("/turns").onmessage = message => {
    for (const turn of JSON.parse(message.data)) {
      const line = document.getElementById(turn.item_id) ?? document.createElement("li");
      line.id = turn.item_id;
      line.textContent = `${turn.role}: ${turn.heard}`;
      if (!line.parentNode) turns.append(line);
    }
  };
</script>
"""

app = FastAPI()
conversation = rtstate.Conversation()


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse(PAGE)


@app.post("/events")
async def feed(request: Request) -> dict[str, int]:
    change = conversation.feed(await request.body(), at=time.time())
    return {"revision": change.revision}


@app.get("/turns")
async def turns() -> StreamingResponse:
    return StreamingResponse(_turns(), media_type="text/event-stream")


async def _turns() -> AsyncIterator[str]:
    """Send the turns that are new or have changed, at most ten times a second."""
    sent: dict[str, rtstate.Turn] = {}
    async for _ in conversation.watch(rate=10):
        told: list[dict[str, Any]] = []
        for turn in rtstate.transcript(conversation.snapshot()):
            if sent.get(turn.item_id) != turn:
                sent[turn.item_id] = turn
                told.append({"item_id": turn.item_id, "role": turn.role, "heard": turn.heard})
        if told:
            yield f"data: {json.dumps(told)}\n\n"


def play(path: str, url: str = "http://127.0.0.1:8000") -> None:
    """Send a recording to the backend, in its own time."""
    began: float | None = None
    with httpx.Client(base_url=url) as client, Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            event, at = unwrap(line)
            if at is not None:
                began = time.monotonic() - at if began is None else began
                time.sleep(max(0.0, began + at - time.monotonic()))
            client.post("/events", content=json.dumps(event)).raise_for_status()


if __name__ == "__main__":
    play(*sys.argv[1:])
