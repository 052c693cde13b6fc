"""How much a server takes, and from whom."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Any, Final

import attrs

from rtstate.server._errors import refuse

_CLIENTS: Final = 10_000  # whose pace is remembered


def _positive(_: object, attribute: attrs.Attribute[Any], value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name} is a number above 0, not {value!r}")


def _most(default: Any) -> Any:
    return attrs.field(default=default, validator=_positive)


@attrs.frozen(kw_only=True)
class Limits:
    """What a server takes: sizes in bytes, times in seconds; a client is an address."""

    body: int = _most(8 << 20)
    """Bytes of one request; more is 413."""
    body_timeout: float = _most(60.0)
    """How long a request may take to send them; longer is 408."""
    event: int = _most(4 << 20)
    """Bytes of one event, which is one line or one message; more is 413."""
    events_per_second: float = _most(5_000.0)
    """Events of one client, in the long run; more is 429."""
    burst: int = _most(50_000)
    """Events of one client at once; more is 429, or 413 in one request."""
    streams: int = _most(1_000)
    """Open streams, feeding ones included; more is 503."""
    client_streams: int = _most(250)
    """Open streams of one client; more is 429."""
    send_timeout: float = _most(30.0)
    """How long a follower may not read before it is dropped."""
    keep_alive: float = _most(15.0)
    """A comment goes to a follower this often, so that nothing between takes it for dead."""
    conversations: int = _most(100_000)
    """Conversations that one server begins; more is 507."""
    name: int = _most(200)
    """Characters of a conversation's name; more is 400."""
    past: int = _most(64)
    """Conversations whose past is kept ready."""
    past_bytes: int = _most(128 << 20)
    """Bytes of all that is kept ready for that; a quarter of it for one."""


class Pace:
    """How many events each client may still send: a bucket each, that fills up with time."""

    def __init__(self, limits: Limits) -> None:
        self._rate, self._most = limits.events_per_second, limits.burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, events: int) -> None:
        """Take that many; raise 429 with the time until they are there, 413 for what never will be."""
        if events > self._most:
            raise refuse(413, f"{events:,} events at once; send at most {self._most:,} in one request")
        now = monotonic()
        had, since = self._buckets.pop(client, (float(self._most), now))
        had = min(float(self._most), had + (now - since) * self._rate)
        left = had - events
        self._buckets[client] = (max(left, 0.0) if left >= 0 else had, now)
        while len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if left < 0:
            wait = max(1, ceil(-left / self._rate))
            raise refuse(
                429,
                f"more than {self._rate:,.0f} events a second: send these again in {wait} s",
                retry_after=wait,
            )


class Streams:
    """The open streams, in all and of each client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextmanager
    def one(self, client: str) -> Generator[None]:
        """Count one more while it is open; raise 503 or 429 where there are too many."""
        if self.total >= self._limits.streams:
            raise refuse(503, f"{self.total:,} streams are open, and no more are taken", retry_after=5)
        if self._open[client] >= self._limits.client_streams:
            raise refuse(
                429, f"{self._open[client]:,} streams are open from here: close some first", retry_after=5
            )
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
