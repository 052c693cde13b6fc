"""Running the app: on a port, until a signal, and then to a clean end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn
from starlette.applications import Starlette

from rtstate.server._state import State
from rtstate.server._streams import stop

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_PATIENCE: Final = 5  # seconds that what is on its way has when it stops


class _Server(uvicorn.Server):
    """A server that ends its streams first, so that it need not wait for them."""

    def __init__(self, config: uvicorn.Config, state: State, started: Callable[[int], object] | None) -> None:
        super().__init__(config)
        self._state, self._started = state, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._started is not None and self.servers:
            self._started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await stop(self._state)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop by signals, which are not raised again: whoever serves still has something to close."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self.handle_exit) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:  # the second one
            self.force_exit = True
        self.should_exit = True


async def serve(
    app: Starlette,
    host: str = "127.0.0.1",
    port: int = 8700,
    *,
    started: Callable[[int], object] | None = None,
    sockets: list[socket.socket] | None = None,
) -> None:
    """Serve an app of :func:`create_app` until SIGINT or SIGTERM; ``started`` is called with the port.

    Then streams end, and what is on its way is finished; a second signal ends it at once. It ends in the same
    way when it is cancelled. The hub and the log stay the caller's to stop and close. Port 0 is a free one.
    Raises OSError where the port is taken.
    """
    state: State = app.state.rtstate
    limits = state.limits
    config = uvicorn.Config(
        app,
        host,
        port,
        access_log=False,  # a query, or a name, may be nobody's business
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=max(limits.event, limits.body),  # one that is too long is told of
        timeout_graceful_shutdown=_PATIENCE,
    )
    own = sockets or [bound(host, port)]
    for each in own:
        _give_up(each, limits.send_timeout)
    server = _Server(config, state, started)
    serving = asyncio.create_task(server.serve(own))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise
    finally:
        for each in own:
            each.close()


def _give_up(listening: socket.socket, seconds: float) -> None:
    """Have connections end whose client takes nothing, so that one that was dropped leaves nothing."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux, which passes it on to what is accepted
        with suppress(OSError):  # a socket of another family
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(2_000 * seconds))


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; raise OSError where it cannot."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made
