"""The official SDK's own events go into the conversation as they are.

OPENAI_API_KEY=none python examples/live_openai.py ws://127.0.0.1:8702/v1     (rtstate fake-server)
OPENAI_API_KEY=… python examples/live_openai.py

Through ``rtstate proxy`` the same call appears on the page: its URL is ws://127.0.0.1:8701/v1.
"""

import asyncio
import sys
import time

from openai import AsyncOpenAI

import rtstate


async def main(url: str | None = None) -> rtstate.Conversation:
    conversation = rtstate.Conversation()
    client = AsyncOpenAI(websocket_base_url=url)
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}
        )
        await connection.response.create()
        async for event in connection:
            conversation.apply(event, at=time.time())
            if event.type in ("response.done", "error"):
                break
    for turn in rtstate.transcript(conversation.snapshot()):
        print(f"{turn.role or '':>9}: {turn.heard}")
    return conversation


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
