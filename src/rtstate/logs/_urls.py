"""Logs by their URL."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from rtstate.errors import LogUnavailable
from rtstate.logs._log import Log
from rtstate.logs.memory import MemoryLog

FORMS = "sqlite:///calls.db, redis://host:6379/0 or memory:"


def open_log(url: str, *, create: bool = True) -> Log:
    """Return the log that a URL names, made where there is none yet, unless ``create`` is false.

    ``sqlite:///calls.db`` is a file (four slashes for a path from the root), ``redis://host:6379/0`` a server
    (``rediss://`` with TLS, ``redis+cluster://`` for a cluster), ``memory:`` lasts as long as the object.
    Raises ValueError for any other, ModuleNotFoundError where an extra is needed, LogUnavailable for a file
    that cannot be opened. A server is not asked before it is needed.

    >>> open_log("memory:")
    <MemoryLog>
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and (parts.query or parts.fragment):
        raise ValueError(f"{url!r} names no file: in its path write ? as %3F and # as %23")
    match parts.scheme:
        case "memory":
            return MemoryLog()
        case "sqlite" if parts.path == "/:memory:":
            raise ValueError(f"{url!r} is no file: a log in memory is memory:")
        case "sqlite" if not parts.netloc and parts.path[:1] == "/" and len(parts.path) > 1:
            from rtstate.logs.sqlite import SqliteLog

            path = unquote(parts.path[1:])
            if not create and not Path(path).exists():
                raise LogUnavailable(f"there is no log {path}")
            return SqliteLog(path)
        case "redis" | "rediss" | "redis+cluster" | "rediss+cluster" | "unix":
            try:
                from rtstate.logs.redis import RedisLog
            except ModuleNotFoundError as missing:
                if (missing.name or "").partition(".")[0] != "redis":
                    raise
                raise ModuleNotFoundError(
                    "a Redis log needs redis-py: pip install 'rtstate[redis]'", name="redis"
                ) from None
            return RedisLog.from_url(url)
        case _:
            raise ValueError(f"{shown(url)!r} names no log; a log is {FORMS}")


def shown(url: str) -> str:
    """Return a URL without what may be a password."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}…@{rest.rpartition('@')[2]}" if "@" in rest else url
