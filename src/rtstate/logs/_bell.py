"""Who waits for news of which conversation, and how they are woken."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager


class Bell:
    """Wake those who wait for a conversation.

    A ring is a hint. It may come for nothing, and one may be missed: who cannot afford that looks for itself.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def listen(self, name: str) -> Generator[asyncio.Event, None, None]:
        """Give the event that is set at each ring for a name; whoever wakes by it clears it."""
        rung = asyncio.Event()
        self._waiting.setdefault(name, set()).add(rung)
        try:
            yield rung
        finally:
            listeners = self._waiting[name]
            listeners.discard(rung)
            if not listeners:
                del self._waiting[name]

    def ring(self, name: str) -> None:
        """Wake those who wait for a name. Cost: their number."""
        for rung in self._waiting.get(name, ()):
            rung.set()

    def ring_all(self) -> None:
        """Wake everybody."""
        for name in self._waiting:
            self.ring(name)

    def __contains__(self, name: object) -> bool:
        return name in self._waiting

    def __iter__(self) -> Iterator[str]:
        """Name what somebody waits for."""
        return iter(tuple(self._waiting))

    def __len__(self) -> int:
        return len(self._waiting)
