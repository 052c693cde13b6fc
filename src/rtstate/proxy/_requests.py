"""What a client asks for, and what of it is passed on: address, headers, subprotocols, and who may ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

from rtstate._hosts import is_loopback

_OF_A_HOP: Final = {
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_SECRET_NAMES: Final = re.compile(r"auth(?!or\b)|cookie|key|secret|signature|token", re.IGNORECASE)
_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def checked_upstream(url: str) -> str:
    """Return the address of a Realtime server as a WebSocket's; raise ValueError for what is none.

    >>> checked_upstream("https://api.openai.com/v1/")
    'wss://api.openai.com/v1'
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"an upstream is an address like wss://api.openai.com/v1: {error}") from None
    if parts.scheme not in _SCHEMES or not host:
        raise ValueError(f"an upstream is an address like wss://api.openai.com/v1, not {_shown(url)}")
    if "@" in parts.netloc:
        raise ValueError("an upstream has no user and password in it: the client brings its own key")
    if parts.fragment or not url.isascii() or not url.isprintable():
        raise ValueError(f"an upstream has no fragment, no space and only ASCII, unlike {_shown(url)}")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, parts.path.rstrip("/"), parts.query, ""))


def _shown(url: str) -> str:
    return repr(url.partition("?")[0][-80:])


def upstream_of(base: str, target: str) -> str:
    """Return where a request goes: the base, then its path, then both queries.

    What the end of the base and the beginning of the path have in common stands once, so a client may have
    the base's path in its own address or not.

    >>> upstream_of("wss://api.openai.com/v1", "/v1/realtime?model=gpt-realtime")
    'wss://api.openai.com/v1/realtime?model=gpt-realtime'
    >>> upstream_of("wss://me.openai.azure.com/openai/v1", "/realtime")
    'wss://me.openai.azure.com/openai/v1/realtime'
    """
    parts = urlsplit(base)
    path, _, query = target.partition("?")
    ours = [each for each in parts.path.split("/") if each]
    theirs = path.split("/")[1:]
    common = next(
        n for n in range(min(len(ours), len(theirs)), -1, -1) if ours[len(ours) - n :] == theirs[:n]
    )
    joined = "".join(f"/{each}" for each in [*ours, *theirs[common:]])
    both = "&".join(each for each in (parts.query, query) if each)
    return f"{parts.scheme}://{parts.netloc}{joined or '/'}{'?' if both else ''}{both}"


def passed_on(headers: Headers) -> Headers:
    """Return the headers that are not for one hop alone, in their order."""
    named = {name.strip().lower() for value in headers.get_all("Connection") for name in value.split(",")}
    passed = Headers()
    for name, value in headers.raw_items():
        low = name.lower()
        if low in _OF_A_HOP or low in named or low.startswith("sec-websocket-") or not value.isascii():
            continue
        passed[name] = value
    return passed


def offered(headers: Headers) -> list[str]:
    """Return the subprotocols that a client offers. Browsers send keys in them, having no headers."""
    values = headers.get_all("Sec-WebSocket-Protocol")
    return [each.strip() for value in values for each in value.split(",") if each.strip()]


def secrets_in(target: str, headers: Headers) -> Iterator[str]:
    """Yield what a client proves with who it is: in headers, in subprotocols, in the query."""
    for name, value in headers.raw_items():
        if _SECRET_NAMES.search(name) and not name.lower().startswith("sec-"):
            yield from _values(name, value)
    for protocol in offered(headers):
        for mark in ("key.", "token.", "secret.", "jwt."):
            if mark in protocol:
                yield protocol.partition(mark)[2]
    for name, value in parse_qsl(target.partition("?")[2]):
        if _SECRET_NAMES.search(name):
            yield value


def _values(name: str, value: str) -> Iterator[str]:
    if name.lower() == "cookie":
        yield from (each.partition("=")[2].strip() for each in value.split(";"))
    else:
        yield value.strip()
        yield value.strip().partition(" ")[2].strip()  # without the word Bearer


def model_of(target: str) -> str:
    """Return the model that a request names, or ``model``."""
    named = dict(parse_qsl(target.partition("?")[2])).get("model", "")
    return "".join(each if each.isalnum() or each in "-._" else "-" for each in named)[:80] or "model"


def stranger(headers: Headers, *, origins: Sequence[str], any_host: bool) -> str | None:
    """Return why whoever asks may not, None where it may.

    A web page can open a WebSocket to this machine. It has to bring a key of its own for most servers; but
    it would write into the log, and reach a server that asks for no key. So pages have to be from this
    machine, or allowed; and the name they use for it has to be its own, for a name of theirs may lead here.
    """
    for origin in headers.get_all("Origin"):
        if origin not in origins and "*" not in origins and not is_loopback(_host(origin)):
            return f"pages of {origin[:80]} may not use this proxy; rtstate proxy --allow-origin lets them"
    hosts = headers.get_all("Host")
    if not any_host and not (len(hosts) == 1 and is_loopback(_host(f"//{hosts[0]}"))):
        return "this proxy answers to localhost and 127.0.0.1 alone; use one of them as the host"
    return None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def refusal(status: int, message: str, **headers: str) -> Response:
    """Return an answer that says what was wrong, as JSON."""
    body = json.dumps({"error": {"status": status, "message": message}}, ensure_ascii=False).encode() + b"\n"
    told = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    told.update({"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status, HTTPStatus(status).phrase, told, body)


def refused_by(answer: Response) -> Response:
    """Return a server's refusal as the client gets it: status, reason, headers and body."""
    headers = passed_on(answer.headers)
    headers.update({"Content-Length": str(len(answer.body)), "Connection": "close"})
    reason = answer.reason_phrase if answer.reason_phrase.isascii() else ""
    return Response(answer.status_code, reason, headers, bytes(answer.body))
