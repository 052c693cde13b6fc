"""Hold a call as a client does: speak, listen, interrupt, run a tool, say goodbye."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from rtstate.simulate._audio import chunk
from rtstate.simulate._dialects import WIRES, ga_name
from rtstate.simulate._script import TOOL_USES, function_tools
from rtstate.simulate._truth import BYTES_PER_MS, Event
from rtstate.simulate.live._websockets import websockets

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

_CHUNK_MS = 100
_SILENCE = b64encode(bytes(_CHUNK_MS * BYTES_PER_MS)).decode("ascii")
_SPEECH_MS = 1500
_HEARD_BEFORE_INTERRUPTING_MS = 700
_INSTRUCTIONS = "You are a friendly voice assistant. Be brief."
_OUTPUTS = {use.name: use.output for use in TOOL_USES}


class TalkError(RuntimeError):
    """Raise when a call does not go on: the message says what was waited for."""


@dataclass(slots=True)
class Talk:
    """Hold what was said in a call, as its client saw it: events with seconds, both ways, in order."""

    timed: list[tuple[float, Event]] = field(default_factory=list[tuple[float, Event]])
    responses: int = 0
    calls: int = 0
    """Function calls that were answered."""
    interruptions: int = 0
    errors: list[Event] = field(default_factory=list[Event])

    @property
    def events(self) -> list[Event]:
        """Give the events without their times."""
        return [event for _, event in self.timed]


async def talk(
    url: str,
    *,
    key: str = "fake",
    dialect: Literal["ga", "beta"] = "ga",
    speed: float = 1.0,
    patience: float = 30.0,
    seed: int = 7,
    on_event: Callable[[Event], object] | None = None,
) -> Talk:
    """Hold a whole call at a Realtime URL, of half a minute at speed 1, and return what was said.

    The caller asks by voice (tone bursts, which voice activity detection takes for speech), runs a tool if
    the model calls one, interrupts an answer and truncates it where it stopped hearing it, types a last word,
    and hangs up. `speed` has to be that of the server. Nothing is waited for longer than `patience` seconds:
    then TalkError, as where the connection fails or is closed.
    """
    if not 0 < speed < float("inf"):
        raise ValueError(f"speed is how many times as fast as life somebody speaks, above 0, not {speed!r}")
    library = websockets()
    headers = {"Authorization": f"Bearer {key}"} | (
        {"OpenAI-Beta": "realtime=v1"} if dialect == "beta" else {}
    )
    try:
        connection = await library.asyncio.client.connect(
            url, additional_headers=headers, max_size=None, compression=None, proxy=None
        )
    except (OSError, TimeoutError, library.exceptions.WebSocketException) as error:
        raise TalkError(f"no call at {url}: {error}") from None
    async with connection:
        caller = _Caller(connection, dialect, speed, patience, seed, on_event)
        await caller.hold_call()
    return caller.talk


class _Caller:
    def __init__(
        self,
        connection: ClientConnection,
        dialect: str,
        speed: float,
        patience: float,
        seed: int,
        on_event: Callable[[Event], object] | None,
    ) -> None:
        self.talk = Talk()
        self._connection = connection
        self._wire = WIRES[dialect](Random(seed))
        self._speed, self._patience, self._on_event = speed, patience, on_event
        self._start = time.monotonic()
        self._changed = asyncio.Event()
        self._seen: set[str] = set()
        self._running: set[str] = set()
        self._to_say = 0  # milliseconds
        self._playing: str = ""
        self._played_from = 0.0
        self._received_ms = 0.0

    async def hold_call(self) -> None:
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._act())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if tasks[1] not in done:
                raise TalkError("the server hung up before the end of the call")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # the plan

    async def _act(self) -> None:
        await self._until(lambda: "session.created" in self._seen, "session.created")
        settings = self._wire.session_update("audio", _INSTRUCTIONS, function_tools(TOOL_USES[:2]))
        await self._send("session.update", session=settings)
        await self._until(lambda: "session.updated" in self._seen, "session.updated")
        microphone = asyncio.create_task(self._microphone())
        try:
            await self._ask()
            await self._ask()  # the script of the fake server has a tool here
            await self._ask(listen_ms=_HEARD_BEFORE_INTERRUPTING_MS)
            await self._ask()
            await self._type("Thank you, goodbye.")
        finally:
            microphone.cancel()
            await asyncio.gather(microphone, return_exceptions=True)
        await self._connection.close()

    async def _ask(self, listen_ms: int | None = None) -> None:
        """Say something, and listen to the answer: to its end, or for so long."""
        before, played = self.talk.responses, self._playing
        self._to_say = _SPEECH_MS
        await self._until(lambda: self._to_say <= 0, "the microphone")
        if listen_ms is not None:
            await self._until(lambda: self._playing != played, "an answer to interrupt")
            await self._until(lambda: self._heard_ms() >= listen_ms, "its beginning", poll=True)
            return
        await self._answered(before)

    async def _answered(self, before: int) -> None:
        await self._until(lambda: self.talk.responses > before and not self._running, "an answer")
        await self._until(lambda: self._heard_ms() >= self._received_ms, "the end of the answer", poll=True)

    async def _type(self, text: str) -> None:
        before = self.talk.responses
        part = {"type": "input_text", "text": text}
        await self._send(
            "conversation.item.create", item={"type": "message", "role": "user", "content": [part]}
        )
        await self._send("response.create")
        await self._answered(before)

    async def _until(self, holds: Callable[[], bool], what: str, *, poll: bool = False) -> None:
        """Wait until something holds; with `poll` it may come true without an event."""
        try:
            async with asyncio.timeout(self._patience):
                while not holds():
                    self._changed.clear()
                    if poll:
                        await asyncio.sleep(0.02 / self._speed)
                    else:
                        await self._changed.wait()
        except TimeoutError:
            raise TalkError(f"waited {self._patience:g} s for {what}") from None

    # the ears and the mouth

    async def _microphone(self) -> None:
        """Send sound all the time, as a microphone does: speech when there is something to say."""
        due, number = time.monotonic(), 0
        while True:
            speaks, number = self._to_say > 0, number + 1
            audio = chunk(_CHUNK_MS * BYTES_PER_MS, number) if speaks else _SILENCE
            await self._send("input_audio_buffer.append", audio=audio)
            if speaks:
                self._to_say -= _CHUNK_MS
                self._changed.set()
            due = max(due + _CHUNK_MS / 1000 / self._speed, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _heard_ms(self) -> float:
        """Give how much of what is played was heard by now."""
        if not self._playing:
            return 0.0
        return min((time.monotonic() - self._played_from) * self._speed * 1000, self._received_ms)

    async def _send(self, type_: str, **fields: Any) -> None:
        event = {"type": type_, **fields}
        self._note(event)
        try:
            await self._connection.send(json.dumps(event))
        except websockets().exceptions.ConnectionClosed:
            raise TalkError("the server hung up before the end of the call") from None

    def _note(self, event: Event) -> None:
        self.talk.timed.append((round(time.monotonic() - self._start, 3), event))

    async def _listen(self) -> None:
        async for frame in self._connection:
            event = json.loads(frame)
            self._note(event)
            if self._on_event:
                self._on_event(event)
            await self._react(ga_name(event["type"]), event)
            self._seen.add(event["type"])
            self._changed.set()

    async def _react(self, type_: str, event: Event) -> None:
        match type_:
            case "error":
                self.talk.errors.append(event["error"])
            case "input_audio_buffer.speech_started":
                await self._stop_playing()
            case "response.created":
                self._running.add(event["response"]["id"])
            case "response.output_audio.delta":
                self._play(event)
            case "response.done":
                await self._finish(event["response"])
            case _:
                pass

    def _play(self, event: Event) -> None:
        if event["item_id"] != self._playing:
            self._playing = str(event["item_id"])
            self._played_from, self._received_ms = time.monotonic(), 0.0
        self._received_ms += len(b64decode(event["delta"])) / BYTES_PER_MS

    async def _stop_playing(self) -> None:
        """Fall silent when the user speaks, and say how much was heard."""
        heard, received = self._heard_ms(), self._received_ms
        if not self._playing or heard >= received:
            return
        item_id, self._playing, self._received_ms = self._playing, "", 0.0
        self.talk.interruptions += 1
        await self._send(
            "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=int(heard)
        )

    async def _finish(self, response: Mapping[str, Any]) -> None:
        calls = [item for item in response["output"] if item["type"] == "function_call"]
        if response["status"] == "completed" and calls:
            for item in calls:
                self.talk.calls += 1
                output = _OUTPUTS.get(item["name"], "{}")
                answer = {"type": "function_call_output", "call_id": item["call_id"], "output": output}
                await self._send("conversation.item.create", item=answer)
            await self._send("response.create")
        elif response["status"] != "cancelled":
            self.talk.responses += 1
        self._running.discard(response["id"])
