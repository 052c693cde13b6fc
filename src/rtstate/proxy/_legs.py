"""The two connections of a call, each of which passes its frames on to the other as they come.

There is no queue and no task between them: a frame is written to the other side in the same step in which it
was read. When the other side's buffer is full, this side is not read until it has room again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import time
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN

from rtstate.proxy._requests import refusal

_LONGEST_REASON: Final = 120
_LINGER: Final = 2.0
_ONLY_WEBSOCKETS: Final = (
    "rtstate proxy passes on WebSocket connections alone; send this request to the server itself, "
    "for instance by leaving the HTTP base URL as it is and setting only the WebSocket base URL"
)

Heard = Callable[[Frame, float], object]
"""Gets each frame after it was passed on, and when it came, in Unix seconds."""


class Leg(Connection):
    """One side of a call."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.partner: Leg | None = None
        self.heard: Heard = _ignore
        self.ended: asyncio.Future[None] = self.loop.create_future()  # a close frame, a failure, the end
        self.dismissed: tuple[int, str] | None = None  # the code and reason it was closed with from here
        self._early: list[tuple[Frame, float]] = []
        super().connection_made(transport)

    def join(self, partner: Leg, heard: Heard) -> None:
        """Pass frames on to another from now on, those first that have come already."""
        self.partner, self.heard = partner, heard
        early, self._early = self._early, []
        for frame, at in early:
            self._pass_on(partner, frame, at)
        if not partner.paused:
            self.transport.resume_reading()

    def process_event(self, event: Request | Response | Frame) -> None:
        """Pass a frame on; the rest is as it was."""
        if not (isinstance(event, Frame) and event.opcode in DATA_OPCODES):
            super().process_event(event)
        elif self.partner is not None:
            self._pass_on(self.partner, event, time())
        else:
            self._early.append((event, time()))
            self.transport.pause_reading()

    def _pass_on(self, partner: Leg, frame: Frame, at: float) -> None:
        protocol = partner.protocol
        if protocol.state is OPEN and not partner.transport.is_closing():
            match frame.opcode:
                case Opcode.TEXT:
                    protocol.send_text(frame.data, frame.fin)
                case Opcode.BINARY:
                    protocol.send_binary(frame.data, frame.fin)
                case _:
                    protocol.send_continuation(frame.data, frame.fin)
            partner.send_data()
        self.heard(frame, at)

    # Back-pressure

    def pause_writing(self) -> None:
        """Read nothing from the other side: what it sends finds no room."""
        super().pause_writing()
        if self.partner is not None:
            self.partner.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read on."""
        super().resume_writing()
        if self.partner is not None:
            self.partner.transport.resume_reading()

    # The end

    def data_received(self, data: bytes) -> None:
        """Take what came; see whether that was the end."""
        super().data_received(data)
        if self.protocol.state is not OPEN and self.protocol.state is not CONNECTING:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the other side be read again, so that its end is seen."""
        super().connection_lost(exc)
        self._end()
        if self.partner is not None and not self.partner.transport.is_closing():
            self.partner.transport.resume_reading()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    @property
    def farewell(self) -> tuple[int | None, str] | None:
        """The code and reason that this side was closed with, None where it was lost without a word."""
        close = self.protocol.close_rcvd
        if self.dismissed is not None or close is None:
            return self.dismissed
        return (None if close.code == CloseCode.NO_STATUS_RCVD else close.code), close.reason

    @property
    def fault(self) -> str:
        """What was wrong with this side, where it was not simply lost."""
        sent = self.protocol.close_sent
        return sent.reason if sent is not None and self.protocol.close_rcvd is None else ""

    async def hang_up(self, code: int | None, reason: str) -> None:
        """Close this side with a code, or with none, and wait until it is closed."""
        with suppress(ConnectionClosed):
            async with self.send_context():
                self.protocol.send_close(code, _shortened(reason))


class ClientLeg(Leg, ServerConnection):
    """The side of the application, to which the proxy is the server."""

    upstream: ServerLeg | None = None
    name: str = ""
    _spoke: bool = False
    _refused: bool = False

    def data_received(self, data: bytes) -> None:
        """Answer plain HTTP by itself, which websockets would only hang up on."""
        if self._refused:
            return
        if not self._spoke and data:
            self._spoke = True
            if not b"GET ".startswith(data[:4]):
                self._refuse()
                return
        super().data_received(data)

    def _refuse(self) -> None:
        self._refused = True
        self.transport.write(refusal(501, _ONLY_WEBSOCKETS).serialize())
        self.transport.write_eof()
        self.loop.call_later(_LINGER, self.transport.abort)  # until then its body is read, and dropped

    async def close(self, code: CloseCode | int = CloseCode.NORMAL_CLOSURE, reason: str = "") -> None:
        """Close this side, and thereby the call: the other one does not wait until this has answered."""
        if self.protocol.state is OPEN:
            self.dismissed = int(code), reason
            self._end()
        await super().close(code, reason)

    async def handshake(self, *args: Any, **kwargs: Any) -> None:
        """Shake hands; let go of the server if that comes to nothing."""
        try:
            await super().handshake(*args, **kwargs)
        finally:
            if self.upstream is not None and self.protocol.state is not OPEN:
                self.upstream.transport.abort()


class ServerLeg(Leg, ClientConnection):
    """The side of the Realtime server, to which the proxy is the client."""


class Dial(connect):
    """A connection to a server that follows nobody elsewhere: the client is told where it was sent."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect: another host would get the client's key."""
        return exc


def _ignore(frame: Frame, at: float) -> None:
    """Hear nothing."""


def _shortened(reason: str) -> str:
    return reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
