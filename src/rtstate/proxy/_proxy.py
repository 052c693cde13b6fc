"""The proxy: it takes calls, makes the same to the server, and joins the two."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, cast

import attrs
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtstate._hosts import origins_of
from rtstate.conversation import Conversation
from rtstate.hub import Hub
from rtstate.logs import Log
from rtstate.proxy import _requests as requests
from rtstate.proxy._legs import ClientLeg, Dial, Leg, ServerLeg
from rtstate.proxy._names import TEMPLATE, Names
from rtstate.proxy._recorder import Recorder
from rtstate.proxy._redaction import redactor

_WIRE: Final = logging.getLogger("rtstate.proxy.wire")
_WIRE.setLevel(logging.CRITICAL)  # websockets notes headers, and keys with them
_LOG: Final = logging.getLogger("rtstate.proxy")


@attrs.frozen
class Limits:
    """How much a proxy takes, and how long it waits, in seconds.

    ``calls`` at once, bytes of one message (``message``), bytes of a call that wait for the log
    (``backlog``); ``connect`` until the server has answered, ``beat`` between two pings of a side,
    ``silence`` until one that does not answer them is taken for dead, ``close`` for a side to close,
    ``finish`` for the log after a call.
    """

    calls: int = 100
    message: int = 64 << 20
    backlog: int = 16 << 20
    connect: float = 10.0
    beat: float = 20.0
    silence: float = 60.0
    close: float = 10.0
    finish: float = 10.0


class Proxy:
    """A proxy in front of a Realtime server, which records every call into a log through a hub.

    What either side sends is passed on as it is and at once, and only then recorded, without keys
    (:func:`redactor`). ``upstream`` is the server's address; a client has the proxy's instead. ``name`` is
    the template of calls' names, of ``{time}``, ``{model}`` and ``{id}``. Pages of this machine may use it,
    and those of ``origins``. ``compress`` lets each side agree on compression, which takes time. ``told``
    gets a line when a call begins, ends or cannot be recorded; no line has a key or a query in it.

    Raises ValueError for what is no upstream, no template, or no origin that a browser sends.

    >>> import asyncio
    >>> from rtstate.logs import MemoryLog
    >>> async def address():
    ...     async with MemoryLog() as log, Hub(log) as hub:
    ...         async with Proxy(hub, log, "wss://api.openai.com/v1") as proxy:
    ...             await proxy.start("127.0.0.1", 0)
    ...             return proxy.url
    >>> asyncio.run(address())
    'ws://127.0.0.1:...'
    """

    def __init__(
        self,
        hub: Hub,
        log: Log,
        upstream: str,
        *,
        name: str = TEMPLATE,
        origins: Sequence[str] = (),
        any_host: bool = False,
        compress: bool = False,
        limits: Limits = Limits(),
        tls: ssl.SSLContext | None = None,
        told: Callable[[str], object] = _LOG.info,
    ) -> None:
        self.upstream: Final = requests.checked_upstream(upstream)
        self._hub, self._log, self._names = hub, log, Names(name)
        self._origins = ("*",) if "*" in origins else origins_of(origins)
        self._any_host, self._limits = any_host, limits
        self._told = _whoever_listens(told)
        self._tls: dict[str, Any] = {} if tls is None else {"ssl": tls}
        self._wire: dict[str, Any] = {
            "compression": "deflate" if compress else None,
            "max_size": limits.message,
            "ping_interval": limits.beat,
            "ping_timeout": limits.silence,
            "close_timeout": limits.close,
            "write_limit": 64 << 10,
            "logger": _WIRE,
        }
        self._calls: set[ClientLeg] = set()
        self._server: Server | None = None

    @property
    def calls(self) -> int:
        """How many calls there are now, those included that are only being connected or written down."""
        return len(self._calls)

    @property
    def url(self) -> str:
        """Where it can be reached. Raises RuntimeError before it was started."""
        if self._server is None:
            raise RuntimeError("the proxy has not been started")
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"ws://{f'[{host}]' if ':' in host else host}:{port}"

    async def start(self, host: str = "127.0.0.1", port: int = 8701) -> None:
        """Take calls from now on; port 0 is any that is free. Raises OSError where that is taken."""
        Conversation().feed(b'{"type": "ping"}')  # the parser is built now, not while the first call waits
        self._server = await serve(
            self._call,
            host,
            port,
            process_request=self._requested,
            process_response=_answered,
            select_subprotocol=_chosen,
            create_connection=ClientLeg,
            server_header=None,
            open_timeout=self._limits.connect + 5,
            family=socket.AF_UNSPEC if host != "localhost" else socket.AF_INET,
            **self._wire,
        )

    async def stop(self) -> None:
        """Take no more calls, end those there are with code 1001, and write down what waits."""
        if self._server is not None:
            self._server.close(reason="the proxy is stopping")
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # The handshakes

    async def _requested(self, connection: ServerConnection, request: Request) -> Response | None:
        """Make the call to the server before the client's is taken: its answer is what the client gets."""
        client = cast("ClientLeg", connection)
        headers = request.headers
        if why := requests.stranger(headers, origins=self._origins, any_host=self._any_host):
            return requests.refusal(403, why)
        if not any("websocket" in value.lower() for value in headers.get_all("Upgrade")):
            return requests.refusal(
                426, "rtstate proxy passes on WebSocket connections alone; open one here", Upgrade="websocket"
            )
        if not request.path.startswith("/"):
            return requests.refusal(400, "the path of a request begins with a slash")
        if self.calls >= self._limits.calls:
            return requests.refusal(
                503, f"there are {self.calls:,} calls already, as many as this proxy takes", Retry_After="5"
            )
        self._calls.add(client)
        client.connection_lost_waiter.add_done_callback(partial(self._uncount, client))
        return await self._dial(client, request)

    def _uncount(self, client: ClientLeg, _: object) -> None:
        """Count a call no more, unless it is still being written down: then that does it."""
        if not client.name:
            self._calls.discard(client)

    async def _dial(self, client: ClientLeg, request: Request) -> Response | None:
        """Connect to the server, and give None, or its refusal."""
        place = requests.upstream_of(self.upstream, request.path)
        protocols = [Subprotocol(each) for each in requests.offered(request.headers)]
        try:
            client.upstream = cast(
                "ServerLeg",
                await Dial(
                    place,
                    subprotocols=protocols or None,
                    additional_headers=requests.passed_on(request.headers),
                    user_agent_header=None,
                    create_connection=ServerLeg,
                    open_timeout=self._limits.connect,
                    **self._wire,
                    **self._tls,
                ),
            )
        except InvalidStatus as refused:
            self._told(f"refused by the server with {refused.response.status_code}: {_path(request)}")
            return requests.refused_by(refused.response)
        except (OSError, WebSocketException, ValueError, ImportError) as error:
            late = isinstance(error, TimeoutError)
            why = f"{_host(place)} {_reason(error)}"
            self._told(f"no call: {why}")
            return requests.refusal(504 if late else 502, f"rtstate proxy: {why}")
        return None

    # The call

    async def _call(self, connection: ServerConnection) -> None:
        """Join the two sides until one ends, then end the other in the same way."""
        client = cast("ClientLeg", connection)
        request, server = client.request, client.upstream
        assert request is not None
        assert server is not None
        client.name = name = self._names.new(requests.model_of(request.path))
        started = time.monotonic()
        secrets = requests.secrets_in(request.path, request.headers)
        recorder = Recorder(self._hub, self._log, name, redactor(secrets), self._limits.backlog, self._told)
        self._told(f"{name} begins: {_path(request)}")
        try:
            server.join(client, recorder.from_server)
            client.join(server, recorder.from_client)
            how = await _until_the_end(client, server)
        finally:
            seconds = time.monotonic() - started
            await recorder.finish(self._limits.finish)
            self._calls.discard(client)
        lost = f", {recorder.lost.events:,} of them not recorded" if recorder.lost.events else ""
        self._told(
            f"{name} ends after {seconds:.1f} s; events: {recorder.client.counts.events:,} of the client, "
            f"{recorder.server.counts.events:,} of the server{lost}; {how}"
        )


def _whoever_listens(told: Callable[[str], object]) -> Callable[[str], None]:
    """Return what tells it where somebody listens: a terminal may be closed, and the calls go on."""

    def tell(said: str) -> None:
        try:
            told(said)
        except Exception as error:
            _LOG.warning("nobody was told %r: %s", said, error)

    return tell


async def _until_the_end(client: ClientLeg, server: ServerLeg) -> str:
    """Wait until a side ends, end the other as that did, and tell how it was."""
    await asyncio.wait([client.ended, server.ended], return_when=asyncio.FIRST_COMPLETED)
    first, other = (client, server) if client.ended.done() else (server, client)
    whose = "client" if first is client else "server"
    if first.farewell is not None:
        code, reason = first.farewell
        how = f"closed by the {'proxy' if first.dismissed else whose} with {code or 'no code'}"
    else:
        code = CloseCode.GOING_AWAY if first is client else CloseCode.INTERNAL_ERROR
        reason = f"the connection to the {whose} was lost" + (f": {first.fault}" if first.fault else "")
        how = reason
    await asyncio.gather(other.hang_up(code, reason), _closed(first))
    return how


async def _closed(leg: Leg) -> None:
    """Wait until a side is closed, which it began by itself."""
    await leg.close()


def _answered(connection: ServerConnection, request: Request, response: Response) -> None:
    """Add to the answer what the server's own had."""
    client = cast("ClientLeg", connection)
    if response.status_code == 101 and client.upstream is not None and client.upstream.response is not None:
        passed = requests.passed_on(client.upstream.response.headers)
        if "Date" in passed:
            with suppress(KeyError):
                del response.headers["Date"]
        response.headers.update(passed)


def _chosen(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Return the subprotocol that the server has chosen."""
    upstream = cast("ClientLeg", connection).upstream
    return None if upstream is None else upstream.subprotocol


def _path(request: Request) -> str:
    return request.path.partition("?")[0]


def _host(place: str) -> str:
    return place.partition("://")[2].partition("/")[0]


def _reason(error: Exception) -> str:
    """Return why there is no connection, without what may be a key in it."""
    match error:
        case TimeoutError():
            return "did not answer in time"
        case socket.gaierror():
            return "is not known: its name leads nowhere; see whether --upstream is right"
        case ConnectionRefusedError():
            return "takes no connections: nothing listens there"
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return "speaks no TLS as this machine does; see whether --upstream is ws:// or wss://"
        case InvalidMessage():
            return "hung up, or answered with what is no HTTP"
        case InvalidHandshake():
            return "answered, but not as a WebSocket server does"
        case OSError():
            return f"cannot be reached: {error.strerror or type(error).__name__}"
        case _:
            return f"cannot be reached: {type(error).__name__}"
