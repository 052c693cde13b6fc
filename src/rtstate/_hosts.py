"""Names of machines, and the pages that a server is told to let in, written as browsers send them.

What no browser sends would never match, and whoever wrote it would not learn why: it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")  # with such an end a name is an address, and spelled out
_SITE: Final = "write it as https://desk.example or http://desk.example:8080"
_HOST: Final = "write it as desk.example or 192.168.1.5"


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's own.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.1", "::1", "example.com", "127.0.0.1.nip.io")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def hosts_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what :func:`host_of` makes of each."""
    if isinstance(texts, str):
        raise ValueError(f"hosts are several names, not one text: write [{texts!r:.100}]")
    return tuple(map(host_of, texts))


def origins_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return what :func:`origin_of` makes of each."""
    if isinstance(texts, str):
        raise ValueError(f"origins are several sites, not one text: write [{texts!r:.100}]")
    return tuple(map(origin_of, texts))


def host_of(text: str) -> str:
    """Return a host as it is compared with a Host header; raise ValueError for what none ever has.

    >>> host_of("Desk.example."), host_of("[2001:DB8::0:5]")
    ('desk.example', '2001:db8::5')
    """
    if "*" in text:
        raise ValueError(f"{text!r:.100} is no host: name each, as desk.example; * stands for none")
    _expect_plain(text, "host", _HOST)
    if "://" in text:
        raise ValueError(f"{text!r:.100} is no host, for it has a scheme: {_HOST}")
    if any(mark in text for mark in "/?#@%"):
        raise ValueError(f"{text!r:.100} is no host, for there is more in it than a name: {_HOST}")
    host = address_of(text[1:-1] if text[:1] + text[-1:] == "[]" else text).lower()
    if ":" not in host:
        return _expect_name(host.removesuffix("."), text, "host", _HOST)
    if not _is_address(host):
        raise ValueError(f"{text!r:.100} is no host: leave out its port, for any is meant; {_HOST}")
    return host


def origin_of(text: str) -> str:
    """Return an origin as browsers send it; raise ValueError for what none sends.

    >>> origin_of("HTTPS://Desk.example:443/")
    'https://desk.example'
    """
    if "*" in text or text.lower() == "null":
        raise ValueError(f"{text!r:.100} is no origin: name each site, as https://desk.example")
    _expect_plain(text, "origin", _SITE)
    scheme, mark, rest = text.lower().partition("://")
    rest = rest.removesuffix("/")
    if not mark:
        raise ValueError(
            f"{text!r:.100} is no origin, for it does not begin with https:// or http://: {_SITE}"
        )
    if any(each in rest for each in "/?#@%"):
        raise ValueError(
            f"{text!r:.100} is no origin, for there is more in it than scheme, host, port: {_SITE}"
        )
    if scheme in ("ws", "wss"):
        raise ValueError(f"{text!r:.100} is no origin: a page comes by http or https; {_SITE}")
    if scheme == "file" or not rest or not _SCHEME.fullmatch(scheme):
        raise ValueError(f"{text!r:.100} is no origin that a browser sends: {_SITE}")
    return f"{scheme}://{_site(scheme, rest, text) if scheme in _PORTS else rest}"


def address_of(host: str) -> str:
    """Return an IPv6 address in its one short form, anything else as it is.

    >>> address_of("2001:db8:0:0::5"), address_of("desk.example")
    ('2001:db8::5', 'desk.example')
    """
    return ip_address(host).compressed if ":" in host and _is_address(host) else host


def _site(scheme: str, rest: str, text: str) -> str:
    """Return the host and the port, but for that which the scheme has anyway."""
    try:
        parts = urlsplit(f"//{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{text!r:.100} is no origin, for its host or its port is none: {_SITE}") from None
    if ":" in host:
        host = f"[{address_of(host)}]"
    else:
        _expect_name(host.removesuffix("."), text, "origin", _SITE)
    return host if port is None or port == _PORTS[scheme] else f"{host}:{port}"


def _expect_plain(text: str, what: str, example: str) -> None:
    if re.search(r"[\s,;]", text):
        raise ValueError(
            f"{text!r:.100} is no {what}: give one at a time, without spaces and commas; {example}"
        )
    if not (text.isascii() and text.isprintable()):
        raise ValueError(f"{text!r:.100} is no {what}: browsers send ASCII, other names as xn--…; {example}")


def _expect_name(name: str, text: str, what: str, example: str) -> str:
    last = name.rpartition(".")[2]
    if not _NAME.fullmatch(name) or (_NUMBER.fullmatch(last) and not _is_address(name)):
        raise ValueError(f"{text!r:.100} is no {what}, for no name or address is like that: {example}")
    return name


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
