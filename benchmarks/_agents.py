"""Two peers in Python that keep a history: ``openai-agents`` and ``openai-realtime-api-utils``."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from importlib import import_module
from time import process_time
from types import TracebackType
from typing import Any, Self

from agents import set_tracing_disabled
from agents.realtime import OpenAIRealtimeWebSocketModel, RealtimeAgent, RealtimeRunner, RealtimeSession
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from benchmarks._harness import Task


class _Socket:
    """Stand in for the WebSocket: hand over what is given without a wait, and drop what is sent."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._given = asyncio.Event()
        self._taken = asyncio.Event()

    async def give(self, messages: Sequence[bytes]) -> None:
        """Return once all of these, and what their handling has started, are done."""
        self._messages.extend(messages)
        self._taken.clear()
        self._given.set()
        await self._taken.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._messages:
            self._given.clear()
            self._taken.set()
            await self._given.wait()
        return self._messages.popleft()

    async def send(self, message: object) -> None:
        pass

    async def close(self) -> None:
        pass


class _Model(OpenAIRealtimeWebSocketModel):
    """The model as it is, on a stand-in for its socket."""

    async def _create_websocket_connection(self, *_: Any, **__: Any) -> Any:
        self.socket = _Socket()
        return self.socket


class Agents:
    """A session of ``openai-agents`` that is fed by :meth:`feed`; a context manager."""

    def __init__(self) -> None:
        set_tracing_disabled(True)
        self._runner = asyncio.Runner()
        self._model = _Model()
        self._session: RealtimeSession = self._runner.run(self._open())

    async def _open(self) -> RealtimeSession:
        runner = RealtimeRunner(RealtimeAgent(name="benchmark"), model=self._model)
        session = await runner.run(model_config={"api_key": "none"})
        return await session.enter()

    def feed(self, messages: Sequence[bytes]) -> float:
        """Return how many seconds of the processor it takes until all of these have been handled."""
        started = process_time()
        self._runner.run(self._model.socket.give(messages))
        return process_time() - started

    @property
    def known(self) -> tuple[int, str]:
        """How many items its history has, and the text of the last one."""
        history: list[Any] = self._session._history  # type: ignore[assignment]
        part = history[-1].content[0]
        return len(history), part.text if part.type == "text" else part.transcript

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._session.close())
        self._runner.close()


def agents_task(raws: Sequence[bytes], before: Sequence[bytes] = ()) -> Task:
    """Return the task of feeding events to a session that has taken those before, untimed."""

    def prepare() -> Agents:
        agents = Agents()
        agents.feed(before)
        return agents

    def run(agents: Agents) -> float:
        with agents:
            return agents.feed(raws)

    return Task(run, len(raws), prepare)


class Utils:
    """``openai-realtime-api-utils``: its ``TrackConversation`` behind the ``openai`` package's parser."""

    def __init__(self) -> None:
        middlewares = import_module("openai_realtime_api_utils.middlewares")
        self._tracker = middlewares.TrackConversation()
        self._connection = AsyncRealtimeConnection.__new__(
            AsyncRealtimeConnection
        )  # its parser needs no socket

    def feed(self, messages: Sequence[bytes]) -> None:
        """Handle these as ``hook_handlers`` does with what it receives."""
        parse, handle, connection = (
            self._connection.parse_event,
            self._tracker.server_event_handler,
            self._connection,
        )
        for message in messages:
            handle(parse(message), {}, connection)

    @property
    def known(self) -> tuple[int, str]:
        """How many items its conversation has, and the text of the last one."""
        cells = list(self._tracker.conversation_group.iter_main_conversation())
        part = self._tracker.all_items[cells[-1].item_id].content[0]
        return len(cells), part.text or part.transcript


def utils_task(raws: Sequence[bytes], before: Sequence[bytes] = ()) -> Task:
    """Return the task of feeding events to a tracker that has taken those before, untimed."""

    def prepare() -> Utils:
        utils = Utils()
        utils.feed(before)
        return utils

    return Task(lambda utils: utils.feed(raws), len(raws), prepare)
