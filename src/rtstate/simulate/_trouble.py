"""Serve with faults: events that come twice, or late and so after others."""

from collections.abc import Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any, Protocol

from rtstate.simulate._truth import Event


class Endpoint(Protocol):
    """Take what a client sends, and give what is due; `Service` and `Playback` are such."""

    @property
    def ended(self) -> tuple[int, str] | None:
        """Give the close code and reason once the session has ended."""
        ...

    @property
    def due(self) -> float | None:
        """Give when there is more to send; None while only the client can make it go on."""
        ...

    def run(self, now: float) -> list[Event]:
        """Return what is to be sent up to now."""
        ...

    def take(self, frame: str | bytes | Mapping[str, Any], now: float) -> None:
        """Take a client event."""
        ...


class Trouble:
    """Send a share of an endpoint's events twice, and a share of them late, by up to `most` seconds.

    A duplicate is the same event with the same event id. A late event lets those after it pass.
    """

    def __init__(
        self, endpoint: Endpoint, rng: Random, *, duplicate: float = 0.0, late: float = 0.0, most: float = 0.5
    ) -> None:
        for name, share in {"duplicate": duplicate, "late": late}.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is a share from 0 to 1, not {share}")
        self._endpoint, self._rng = endpoint, rng
        self._duplicate, self._late, self._most = duplicate, late, most
        self._held: list[tuple[float, int, Event]] = []
        self._count = 0

    @property
    def ended(self) -> tuple[int, str] | None:
        """Give the close code and reason once the session has ended and nothing is held up."""
        return None if self._held else self._endpoint.ended

    @property
    def due(self) -> float | None:
        """Give when there is more to send."""
        times = [self._held[0][0]] if self._held else []
        due = self._endpoint.due
        return min([*times, due]) if due is not None else min(times, default=None)

    def take(self, frame: str | bytes | Mapping[str, Any], now: float) -> None:
        """Take a client event."""
        self._endpoint.take(frame, now)

    def run(self, now: float) -> list[Event]:
        """Return what is to be sent up to now, in the order in which it comes to the client."""
        for event in self._endpoint.run(now):
            self._hold(now + self._delay(self._late), event)
            if self._rng.random() < self._duplicate:
                self._hold(now + self._delay(0.5), event)
        events: list[Event] = []
        while self._held and self._held[0][0] <= now:
            events.append(heappop(self._held)[2])
        return events

    def _delay(self, share: float) -> float:
        return self._rng.uniform(0, self._most) if self._rng.random() < share else 0.0

    def _hold(self, until: float, event: Event) -> None:
        heappush(self._held, (until, self._count, event))
        self._count += 1
