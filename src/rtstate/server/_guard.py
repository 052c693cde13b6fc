"""Who may ask: the names this server goes by, the pages that may use it, the token; and safe headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtstate._hosts import address_of, is_loopback
from rtstate.server._errors import as_json, refuse

CSP: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_OPEN: Final = ("/", "/healthz", "/favicon.ico")
_POLICY_VIOLATION: Final = 1008


class Guard:
    """Middleware that lets nobody in who may not, and gives every answer safe headers.

    A page elsewhere cannot use a server of this machine by a name that leads here (the Host header), nor by
    asking from there (the Origin header).
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; say it as all errors are said where that goes wrong."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = {**scope, "path": still_encoded(scope)}
        guarded = _Answer(send, own_path(scope))
        try:
            self._check(Headers(scope=scope))
            await self._app(scope, receive, guarded)
        except HTTPException as error:
            await answer(error, scope, receive, guarded)
        except asyncio.CancelledError:  # what was on its way had its time
            if guarded.begun or not scope["app"].state.rtstate.stopping.is_set():
                raise
            await answer(refuse(503, "the server is stopping", retry_after=1), scope, receive, guarded)
        except Exception:  # which Starlette logs
            if not guarded.begun:
                wrong = refuse(500, "something went wrong here; the server's log says what")
                await answer(wrong, scope, receive, guarded)
            raise

    def _check(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or (host := _hostname(hosts[0])) is None:
            raise refuse(400, "a request has one Host header, the name or address of this server")
        if not (is_loopback(host) or host in self._hosts):
            raise refuse(
                421,
                f"this server does not go by the name {host!r:.100}; rtstate serve --allow-host makes it",
            )
        self._check_origin(headers.getlist("origin"), hosts[0])

    def _check_origin(self, origins: list[str], host: str) -> None:
        for origin in origins:
            same = _netloc(origin) == host.lower()
            if not same and origin.lower() not in self._origins:
                raise refuse(
                    403,
                    f"pages of {origin!r:.100} may not use this; rtstate serve --allow-origin lets them",
                )


class Token:
    """Middleware that asks everybody for the token, but for the page itself, which holds nothing."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] in ("http", "websocket") and not _is_open(own_path(scope)):
            told = Headers(scope=scope).getlist("authorization")
            kind, _, token = told[0].partition(" ") if len(told) == 1 else ("", "", "")
            given = token.strip().encode("latin-1", "replace")
            if not (compare_digest(given, self._token) and kind.lower() == "bearer"):
                error = refuse(401, "this server needs its token: Authorization: Bearer TOKEN")
                error.headers = {"WWW-Authenticate": "Bearer"}
                await answer(error, scope, receive, send)
                return
        await self._app(scope, receive, send)


def _netloc(origin: str) -> str | None:
    """Return the host and port of an origin; None for what is none, as "null"."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return parts.netloc.lower() if parts.scheme in ("http", "https") and parts.netloc else None


def _hostname(host: str) -> str | None:
    """Return the name or address that a Host header has, without the port.

    >>> [_hostname(host) for host in ("LocalHost:8700", "[::1]:8700", "a b", "user@host", "")]
    ['localhost', '::1', None, None, None]
    """
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    plain = parts.netloc == host and "@" not in host and not any(each.isspace() for each in host)
    return address_of(name.rstrip(".")) or None if name and plain else None


def still_encoded(scope: Scope) -> str:
    """Return the path as it was sent: a name may have a slash in it, which is no end of it."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def own_path(scope: Scope) -> str:
    """Return the path as it was sent, without that under which the app is mounted."""
    path, root = still_encoded(scope), scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _is_open(path: str) -> bool:
    """Tell whether a path is that of the page, which holds nothing."""
    return path in _OPEN or path.startswith("/page/")


class _Answer:
    """Gives an answer the headers that keep a browser from doing more with it than it should."""

    def __init__(self, send: Send, path: str) -> None:
        self._send = send
        self._caching = "no-cache" if path == "/" or path.startswith("/page/") else "no-store"
        self.begun = False

    async def __call__(self, message: Message) -> None:
        """Send a part of it."""
        self.begun = True
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Content-Security-Policy"] = CSP
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["X-Frame-Options"] = "DENY"
            headers["Cache-Control"] = self._caching
        await self._send(message)


async def answer(error: HTTPException, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what is refused."""
    if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
        await as_json(error)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": error.detail})
