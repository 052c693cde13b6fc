"""A live client with ``websockets``: the state stands beside the socket, and both directions go into it.

python examples/live_websockets.py ws://127.0.0.1:8702/v1/realtime     (rtstate fake-server: no key)
OPENAI_API_KEY=… python examples/live_websockets.py "wss://api.openai.com/v1/realtime?model=gpt-realtime"
"""

import asyncio
import json
import os
import sys
import time

from websockets.asyncio.client import connect

import rtstate

ASKED = {
    "type": "message",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hello! Who are you?"}],
}


async def main(url: str) -> rtstate.Conversation:
    conversation = rtstate.Conversation()
    headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'none')}"}
    async with connect(url, additional_headers=headers, max_size=None) as socket:

        async def send(event: dict[str, object]) -> None:
            conversation.sent(event, at=time.time())
            await socket.send(json.dumps(event))

        await send({"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}})
        await send({"type": "conversation.item.create", "item": ASKED})
        await send({"type": "response.create"})
        async for message in socket:
            change = conversation.feed(message, at=time.time())
            for anomaly in change.anomalies:
                print("odd:", anomaly.message, file=sys.stderr)
            if change.event_type in ("response.done", "error"):
                break
    snapshot = conversation.snapshot()
    for turn in rtstate.transcript(snapshot):
        print(f"{turn.role or '':>9}: {turn.heard}")
    print(f"{snapshot.usage.responses.total_tokens} tokens")
    return conversation


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
