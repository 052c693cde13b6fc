"""How a hub says that it lives, and knows for how long it may take that for granted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from rtstate.errors import LogError
from rtstate.logs import Log

_LOG: Final = logging.getLogger("rtstate.hub")
_BEATS: Final = 3  # in the time of a lease, so that one may fail


class Pulse:
    """The beats of a holder: each is good for ``lease`` seconds from before it was sent.

    Once it was silent for longer, be it that the log could not be reached or that its own loop stood still,
    others may have written what it held. So that is a new life, in which nothing is sure that was so before.
    """

    def __init__(self, log: Log, holder: str, lease: float) -> None:
        self._log, self._holder, self._lease = log, holder, lease
        self._lives = 0
        self._until = 0.0

    def life(self) -> int:
        """Return the number of the life it is in; 0 while it has been silent for too long."""
        return self._lives if monotonic() < self._until else 0

    async def beat(self) -> None:
        """Say that it lives. Raises what the log raises."""
        began = monotonic()
        await self._log.beat(self._holder, self._lease)
        if not self.life():
            self._lives += 1
        self._until = began + self._lease

    async def keep(self, doubt: Callable[[], None]) -> None:
        """Say so again and again, and call ``doubt`` where it was silent for too long before."""
        while True:
            await asyncio.sleep(self._lease / _BEATS)
            before = self.life()
            try:
                await self.beat()
            except LogError as error:
                _LOG.warning("%s could not say that it lives: %s", self._holder, error)
            if not before or self.life() != before:
                doubt()

    async def end(self) -> None:
        """Give back all that it holds, if it ever lived."""
        if not self._lives:
            return
        self._until = 0.0
        try:
            await self._log.beat(self._holder, 0)
        except LogError as error:
            _LOG.warning("%s could not say that it has stopped: %s", self._holder, error)
