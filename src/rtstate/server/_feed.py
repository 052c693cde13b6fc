"""Following over Server-Sent Events: what a frame holds is made once for all who follow at one pace.

A channel is one follower of the hub, for one conversation, form and rate. Each frame it makes leads from the
revision of the one before; who stands there gets those very bytes. Who does not, for it came later or reads
slowly, gets what leads it there, or a snapshot. Nothing is queued for anybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from traceback import format_tb
from typing import Final, TypeAlias

import attrs

from rtstate._change import Change
from rtstate.errors import ConversationGone, HubStopped, RtstateError
from rtstate.hub import Hub
from rtstate.server._json import dumps
from rtstate.server._metrics import Metrics
from rtstate.server._place import Place, birth_of, place_of
from rtstate.update import Update, coalesce

_LOG: Final = logging.getLogger("rtstate.server")
_RECENT: Final = 1_000  # changes that lead those on who are a little behind
_NOTHING_NEW: Final = b": nothing new\n\n"  # which shows at once that the stream is there
_Key: TypeAlias = tuple[str, bool, int]


def sse(event: str, data: bytes, place: str | None = None) -> bytes:
    r"""Return an event of a stream; ``data`` is on one line, ``place`` its id.

    >>> sse("gone", b"{}")
    b'event: gone\ndata: {}\n\n'
    """
    line = b"" if place is None else b"id: %s\n" % place.encode()
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), line, data)


def gone(error: Exception) -> bytes:
    """Return the last event of a conversation that was deleted."""
    return sse("gone", dumps({"message": str(error.args[0]) if error.args else "it was deleted"}))


def encoded(update: Update, append: bool, birth: str) -> bytes:
    """Return an update as an event of a stream. Cost: its size."""
    if update.snapshot is not None:
        return sse("snapshot", dumps(update.snapshot.to_dict()), place_of(update.revision, birth))
    if not update:
        return _NOTHING_NEW
    return sse("patch", dumps(update.to_dict(append)), place_of(update.revision, birth))


@attrs.frozen
class _Frame:
    """What leads all from one revision to the next; ``fed`` is when the first event in it came here."""

    since: int | None
    revision: int
    data: bytes
    fed: float | None


class Channel:
    """One conversation in one form at one rate, followed once for all who want that."""

    def __init__(self, hub: Hub, key: _Key, since: int, birth: str) -> None:
        self.name, self._append, self._rate = key
        self.members = 0
        self.frame: _Frame | None = None
        self.epoch = 0
        """How often it was begun anew, with a snapshot: whoever stands in another has to, too."""
        self.ended: Exception | None = None
        self.birth = birth
        """Which conversation of this name it is; empty where that is not known yet."""
        self._hub = hub
        self._fed: float | None = None
        self._recent: deque[Change] = deque(maxlen=_RECENT)
        self._led: dict[int, bytes] = {}
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run(since))

    def note_fed(self, when: float) -> None:
        """Note when an event came here, to tell how long it takes to its followers."""
        if self._fed is None:
            self._fed = when

    async def news(self) -> None:
        """Wait for the next frame, or the end."""
        await self._news.wait()

    def lead(self, revision: int) -> bytes | None:
        """Return what leads from a revision to that of the frame; None where that is not at hand."""
        frame = self.frame
        assert frame is not None
        if frame.since in (None, revision):
            return frame.data
        data = self._led.get(revision)
        if data is None:
            changes = [each for each in self._recent if revision < each.revision <= frame.revision]
            if not changes or changes[0].revision != revision + 1:
                return None
            data = self._led[revision] = encoded(coalesce(changes), self._append, self.birth)
        return data

    def end(self, error: Exception) -> None:
        """End it: all its followers end."""
        if self.ended is None:
            self.ended = error
        self._ring()

    async def close(self) -> None:
        """Follow the hub no longer."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def _ring(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _run(self, since: int) -> None:
        try:
            async with aclosing(self._hub.follow(self.name, self._rate, since=since)) as updates:
                async for update in updates:
                    self._take(update)
        except RtstateError as error:
            self.end(error)
        except Exception as error:
            where = "".join(format_tb(error.__traceback__))  # and no message, which may have a name in it
            _LOG.error("no longer followed: %s\n%s", type(error).__name__, where)
            self.end(error)

    def _take(self, update: Update) -> None:
        self._led.clear()
        if update.snapshot is not None:
            self.epoch += 1
            self._recent.clear()
        self._recent.extend(update.changes)
        fed, self._fed = self._fed, None
        self.birth = birth_of(self._hub.started(self.name)) or self.birth
        data = encoded(update, self._append, self.birth)
        self.frame = _Frame(update.since, update.revision, data, fed)
        self._ring()


class Feeds:
    """The channels of a server."""

    def __init__(self, hub: Hub, metrics: Metrics) -> None:
        self._hub, self._metrics = hub, metrics
        self._channels: dict[_Key, Channel] = {}
        self._of: dict[str, dict[_Key, Channel]] = {}
        self._snapshots: dict[str, tuple[str, bytes]] = {}
        self._stopped = False

    def note_fed(self, name: str, when: float) -> None:
        """Note when an event of a conversation came here."""
        for channel in self._of.get(name, {}).values():
            channel.note_fed(when)

    async def follow(
        self, name: str, append: bool = True, rate: int = 20, since: Place | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield the events of a stream: a snapshot or what changed since, then what changes.

        A snapshot too where ``since`` is a place in another conversation of this name. The first raises what
        the hub raises; later the stream ends, by ``gone`` where it was deleted.
        """
        first = await self._hub.update(name, None if since is None else since.revision)
        birth = birth_of(self._hub.started(name))
        if since is not None and since.birth not in ("", birth):
            first = await self._hub.update(name)
            birth = birth_of(self._hub.started(name))
        channel = self._join((name, append, rate), first.revision, birth)
        try:
            epoch, revision = channel.epoch, first.revision
            yield self._first(name, first, append, birth)
            seen: _Frame | None = (
                channel.frame if channel.frame and channel.frame.revision == revision else None
            )
            while True:
                frame = channel.frame
                if channel.ended is not None:
                    if isinstance(channel.ended, ConversationGone):
                        yield gone(channel.ended)
                    return
                if frame is None or frame is seen:
                    await channel.news()
                    continue
                seen = frame
                if epoch == channel.epoch and revision >= frame.revision:
                    continue
                data = channel.lead(revision) if epoch == channel.epoch or frame.since is None else None
                reached = frame.revision
                if data is None:
                    try:
                        update = await self._hub.update(name, revision if epoch == channel.epoch else None)
                    except RtstateError as error:
                        channel.end(error)
                        continue
                    data, reached = encoded(update, append, channel.birth), update.revision
                epoch, revision = channel.epoch, reached
                yield data
                if frame.fed is not None:
                    self._metrics.latency.observe(monotonic() - frame.fed)
        finally:
            await self._leave(channel, (name, append, rate))

    def stop(self) -> None:
        """End every stream."""
        self._stopped = True
        for channel in self._channels.values():
            channel.end(HubStopped("the server stops"))

    def _join(self, key: _Key, revision: int, birth: str) -> Channel:
        if self._stopped:
            raise HubStopped("the server stops")
        channel = self._channels.get(key)
        if channel is not None and birth and channel.birth not in ("", birth):  # it hears of that later
            channel.end(ConversationGone(f"{key[0]!r} was deleted"))
        if channel is None or channel.ended is not None:
            channel = Channel(self._hub, key, revision, birth)
            self._channels[key] = self._of.setdefault(key[0], {})[key] = channel
        channel.members += 1
        return channel

    async def _leave(self, channel: Channel, key: _Key) -> None:
        channel.members -= 1
        if channel.members:
            return
        if self._channels.get(key) is channel:
            del self._channels[key], self._of[key[0]][key]
            if not self._of[key[0]]:
                del self._of[key[0]]
                self._snapshots.pop(key[0], None)
        await channel.close()

    def _first(self, name: str, update: Update, append: bool, birth: str) -> bytes:
        """Return what a follower gets first: the same bytes for all who come at one revision."""
        if update.snapshot is None:
            return encoded(update, append, birth)
        wanted = place_of(update.revision, birth)
        place, data = self._snapshots.get(name, ("", b""))
        if place != wanted:
            data = encoded(update, append, birth)
            self._snapshots[name] = (wanted, data)
        return data
