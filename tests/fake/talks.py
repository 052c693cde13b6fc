"""Conversations of real clients with a Realtime server, as functions of its URL.

Each returns what the client saw, in order: every event as it crossed the socket, and what the client made of
it, so that both can be compared with the state.
"""

import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI

from tests.fake.support import WEATHER, silence, text_item, tone

Event = dict[str, Any]


@dataclass
class Seen:
    """What a client saw: raw events, both ways, and what its library had parsed of the server's."""

    events: list[Event] = field(default_factory=list[Event])
    parsed: list[Any] = field(default_factory=list[Any])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    """By item: the deltas of text or transcript, joined by the client."""
    audio: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def last(self, type_: str) -> Any:
        """The parsed server event of a type that came last."""
        return [event for event in self.parsed if event.type == type_][-1]


class SdkClient:
    """The official SDK's connection, and a note of all that crosses it."""

    def __init__(self, connection: Any, beta: bool) -> None:
        self.connection = connection
        self.beta = beta
        self.seen = Seen()

    async def send(self, type_: str, **fields: Any) -> None:
        event = {"type": type_, **fields}
        self.seen.events.append(event)
        await self.connection.send(event)

    async def until(self, *types: str, when: Callable[[Any], bool] = lambda event: True) -> Any:
        """Read up to an event of one of these types; return it as the SDK parsed it."""
        while True:
            raw = await self.connection.recv_bytes()
            event = self.connection.parse_event(raw)
            self.seen.events.append(json.loads(raw))
            self.seen.parsed.append(event)
            self._gather(event)
            if event.type in types and when(event):
                return event

    def _gather(self, event: Any) -> None:
        if event.type.endswith(("text.delta", "audio_transcript.delta")):
            self.seen.texts[event.item_id] = self.seen.texts.get(event.item_id, "") + event.delta
        elif event.type.endswith("audio.delta"):
            known = self.seen.audio.get(event.item_id, b"")
            self.seen.audio[event.item_id] = known + b64decode(event.delta)

    async def configure(self, **wish: Any) -> None:
        await self.until("session.created")
        if not self.beta:
            wish = {"type": "realtime", **wish}
        await self.send("session.update", session=wish)
        await self.until("session.updated")

    async def ask(self, text: str) -> None:
        await self.send("conversation.item.create", item=text_item(text))
        await self.send("response.create")

    async def say(self, ms: int = 800) -> None:
        for number in range(ms // 100):
            await self.send("input_audio_buffer.append", audio=tone(100, number))
        await self.send("input_audio_buffer.append", audio=silence(400))

    @property
    def audio_delta(self) -> str:
        return "response.audio.delta" if self.beta else "response.output_audio.delta"

    def text_only(self) -> Event:
        return {"modalities": ["text"]} if self.beta else {"output_modalities": ["text"]}

    def heard(self, **detection: Any) -> Event:
        """The settings under which speech is transcribed."""
        model, more = {"model": "gpt-4o-transcribe"}, {"type": "server_vad", **detection}
        if self.beta:
            return {"input_audio_transcription": model, "turn_detection": more}
        return {"audio": {"input": {"transcription": model, "turn_detection": more}}}


def sdk(url: str, beta: bool = False) -> AbstractAsyncContextManager[Any]:
    """A connection of the SDK to `url`, which ends in `/realtime`."""
    client = AsyncOpenAI(api_key="fake", websocket_base_url=url.removesuffix("/realtime"))
    if beta:
        return client.beta.realtime.connect(model="gpt-4o-realtime-preview")
    return client.realtime.connect(model="gpt-realtime")


async def text(url: str, beta: bool = False) -> Seen:
    """Two typed questions and answers, the first of them deleted in the end."""
    async with sdk(url, beta) as connection:
        client = SdkClient(connection, beta)
        await client.configure(instructions="Be brief.", **client.text_only())
        for question in ("Hello", "And what else?"):
            await client.ask(question)
            done = await client.until("response.done")
        items = [event for event in client.seen.parsed if event.type.startswith("conversation.item.")]
        await client.send("conversation.item.delete", item_id=items[0].item.id)
        await client.until("conversation.item.deleted")
        await client.send("conversation.item.retrieve", item_id=done.response.output[0].id)
        await client.until("conversation.item.retrieved")
    return client.seen


async def audio(url: str, beta: bool = False) -> Seen:
    """A spoken question, which is transcribed, and a spoken answer."""
    async with sdk(url, beta) as connection:
        client = SdkClient(connection, beta)
        await client.configure(**client.heard())
        await client.say()
        waited = {"conversation.item.input_audio_transcription.completed", "response.done"}
        while waited:
            waited.discard((await client.until(*waited)).type)
    return client.seen


async def tool(url: str, beta: bool = False) -> Seen:
    """A question, a function call, its output, and the answer."""
    async with sdk(url, beta) as connection:
        client = SdkClient(connection, beta)
        await client.configure(tools=[WEATHER], **client.text_only())
        await client.ask("What's the weather like in Lisbon?")
        done = await client.until("response.done")
        [call] = done.response.output
        output = {"type": "function_call_output", "call_id": call.call_id, "output": '{"temperature": 19}'}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        await client.until("response.done")
    return client.seen


async def cancel(url: str, beta: bool = False) -> Seen:
    """An answer that the client cancels as soon as it hears it, and one that cannot be cancelled any more."""
    async with sdk(url, beta) as connection:
        client = SdkClient(connection, beta)
        await client.configure()
        await client.ask("Tell me everything.")
        await client.until(client.audio_delta)
        await client.send("response.cancel")
        await client.until("response.done")
        await client.send("response.cancel", event_id="too_late")
        await client.until("error")
    return client.seen


async def truncate(url: str, beta: bool = False) -> Seen:
    """An answer that the user speaks over, truncated where it was heard, and the answer to that."""
    async with sdk(url, beta) as connection:
        client = SdkClient(connection, beta)
        await client.configure(**client.heard(interrupt_response=True))
        await client.ask("Tell me everything.")
        first = await client.until(client.audio_delta)
        await client.say()
        await client.until("input_audio_buffer.speech_started")
        heard_ms = min(120, len(client.seen.audio[first.item_id]) // 48)
        fields = {"item_id": first.item_id, "content_index": 0, "audio_end_ms": heard_ms}
        await client.send("conversation.item.truncate", **fields)
        await client.until("conversation.item.truncated")
        await client.until("response.done", when=lambda event: event.response.status == "completed")
    return client.seen


TALKS: dict[str, Callable[..., Any]] = {
    "text": text,
    "audio": audio,
    "tool": tool,
    "cancel": cancel,
    "truncate": truncate,
}


@dataclass
class AgentSeen(Seen):
    """What a session of the OpenAI Agents SDK saw, and its own history in the end."""

    history: list[Any] = field(default_factory=list[Any])
    called: list[str] = field(default_factory=list[str])


async def agent(url: str) -> AgentSeen:
    """A session of the Agents SDK: a tool, typed and spoken questions, an answer that is spoken over."""
    from agents import function_tool
    from agents.realtime import RealtimeAgent, RealtimeRunner

    seen = AgentSeen()

    @function_tool
    def get_weather(city: str, unit: str) -> str:
        """Tell the weather."""
        seen.called.append(f"{city} {unit}")
        return '{"temperature": 19}'

    runner = RealtimeRunner(
        RealtimeAgent(name="Nora", instructions="Be brief.", tools=[get_weather]),
        config={
            "tracing_disabled": True,
            "model_settings": {
                "input_audio_transcription": {"model": "gpt-4o-transcribe"},
                "turn_detection": {"type": "server_vad", "interrupt_response": True},
            },
        },
    )
    session = await runner.run(model_config={"url": url, "api_key": "fake"})
    async with session:
        events = aiter(session)

        async def until(type_: str) -> Any:
            async for event in events:
                if event.type == "error":
                    raise AssertionError(event.error)
                if event.type == "raw_model_event" and event.data.type == "raw_server_event":
                    seen.events.append(event.data.data)
                if event.type == type_:
                    return event
            raise AssertionError(f"the session ended before {type_}")

        async def say() -> None:
            for number in range(8):
                await session.send_audio(b64decode(tone(100, number)))
            await session.send_audio(b64decode(silence(400)))

        await session.send_message("What's the weather like in Lisbon?")
        await until("tool_end")
        await until("audio_end")
        await say()
        await until("audio")
        await say()
        await until("audio_interrupted")
        await until("audio_end")  # of what was interrupted
        await until("audio_end")
        await session.send_message("Thank you, goodbye.")
        await until("audio_end")
        await until("agent_end")
        seen.history = list(session._history)
    return seen
