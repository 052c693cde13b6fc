"""Run processes on a simulated clock, so that their events interleave as they do on a socket."""

from collections.abc import Iterator
from heapq import heappop, heappush
from math import inf

Process = Iterator[float]
"""A generator that yields how many seconds it waits before it goes on."""


class Clock:
    """Keep the time and an agenda of processes; equal times run in the order in which they were asked for.

    >>> clock = Clock()
    >>> def tick(name, pause):
    ...     for _ in range(2):
    ...         yield pause
    ...         print(clock.now, name)
    >>> clock.start(tick("slow", 3.0))
    >>> clock.start(tick("fast", 1.0))
    >>> clock.run()
    1.0 fast
    2.0 fast
    3.0 slow
    6.0 slow
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._agenda: list[tuple[float, int, Process]] = []
        self._asked = 0

    def start(self, process: Process, after: float = 0.0) -> None:
        """Let a process begin `after` seconds from now."""
        heappush(self._agenda, (self.now + after, self._asked, process))
        self._asked += 1

    @property
    def due(self) -> float | None:
        """Give when the next process goes on; None where none waits."""
        return self._agenda[0][0] if self._agenda else None

    def run(self, until: float = inf) -> None:
        """Run until every process has ended, or up to a time, which is then the present."""
        while self._agenda and self._agenda[0][0] <= until:
            due, _, process = heappop(self._agenda)
            self.now = max(self.now, due)
            pause = next(process, None)
            if pause is not None:
                self.start(process, pause)
        if until < inf:
            self.now = max(self.now, until)

    def clear(self) -> None:
        """Drop every waiting process; the one that is running goes on."""
        self._agenda.clear()
