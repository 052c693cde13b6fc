"""The past of a conversation: what each event changed, and the document as it stood then.

Changes of a long call are not kept. Kept are marks, the state after every few hundred events, made in one
pass over the log; from the nearest one the events are applied again. Where the log was trimmed, the past
begins at the log's checkpoint.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import attrs
from pydantic_core import from_json

from rtstate._change import Change
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import ConversationGone, HistoryGone
from rtstate.hub import Hub
from rtstate.logs import Entry, Log, Summary
from rtstate.server._errors import refuse
from rtstate.server._limits import Limits

SPACING: Final = 500
_SLICE: Final = 50  # events, between two looks at what else there is to do


@attrs.frozen
class _Mark:
    """The state after the event ``seq``."""

    seq: int
    revision: int
    data: bytes


class Past:
    """The marks of one conversation; further apart where they would take too much."""

    def __init__(self, summary: Summary, first: _Mark, most: int) -> None:
        self.started = summary.started
        self.size = len(first.data)
        self.lock = asyncio.Lock()
        self.last = _Mark(first.seq, first.revision, b"")
        """How far it has been read."""
        self._marks = [first]
        self._spacing = SPACING
        self._most = most

    @property
    def first(self) -> _Mark:
        """Where it begins."""
        return self._marks[0]

    def before(self, seq: int) -> _Mark:
        """Return the last mark up to an event."""
        return self._marks[max(0, bisect_right(self._marks, seq, key=lambda mark: mark.seq) - 1)]

    def before_revision(self, revision: int) -> _Mark:
        """Return the last mark before a revision, or at it."""
        return self._marks[max(0, bisect_right(self._marks, revision, key=lambda mark: mark.revision) - 1)]

    def passed(self, seq: int, conversation: Conversation) -> None:
        """Note how far it was read, and mark that where a mark is due."""
        self.last = _Mark(seq, conversation.revision, b"")
        if seq - self._marks[-1].seq < self._spacing:
            return
        self._marks.append(_Mark(seq, conversation.revision, conversation.checkpoint()))
        self.size += len(self._marks[-1].data)
        while self.size > self._most and len(self._marks) > 2:
            self._marks[1:] = self._marks[2::2]
            self._spacing *= 2
            self.size = sum(len(mark.data) for mark in self._marks)


class Pasts:
    """The pasts that were asked for lately, bounded by their number and their bytes."""

    def __init__(self, hub: Hub, log: Log, limits: Limits) -> None:
        self._hub, self._log, self._limits = hub, log, limits
        self._pasts: OrderedDict[str, Past] = OrderedDict()

    @property
    def size(self) -> int:
        """Bytes of all marks."""
        return sum(past.size for past in self._pasts.values())

    async def document(self, name: str, summary: Summary, revision: int) -> Snapshot:
        """Return the conversation as it stood at a revision; raise 404 if it never was, 410 if trimmed."""
        past = await self._of(name, summary)
        if revision > past.last.revision:
            raise refuse(404, f"{name!r} has come to revision {past.last.revision:,}, not {revision:,} yet")
        if revision < past.first.revision:
            raise refuse(
                410, f"{name!r} was trimmed: its first revision that is kept is {past.first.revision:,}"
            )
        mark = past.before_revision(revision)
        conversation = self._restored(mark)
        async with aclosing(self._again(name, mark, conversation)) as steps:
            if conversation.revision < revision:
                async for _ in steps:
                    if conversation.revision >= revision:
                        break
        return conversation.snapshot()

    async def events(
        self, name: str, summary: Summary, after: int | None, before: int | None, limit: int, raw: bool
    ) -> dict[str, Any]:
        """Return what some events changed: those after one, or the last before one. Raise 410 if trimmed."""
        past = await self._of(name, summary)
        begin = past.first.seq
        if after is not None and after < begin:
            raise refuse(410, f"{name!r} was trimmed: what events changed is kept after event {begin:,}")
        start = begin if after is None else after
        if before is not None:
            if before <= begin:
                raise refuse(410, f"{name!r} was trimmed: what events changed is kept after event {begin:,}")
            start = max(start, min(before, past.last.seq + 1) - 1 - limit)
        end = min(start + limit, past.last.seq, *(() if before is None else (before - 1,)))
        told: list[dict[str, Any]] = []
        if start < end:
            mark = past.before(start)
            async with aclosing(self._again(name, mark, self._restored(mark))) as steps:
                async for entry, change in steps:
                    if entry.seq > start:
                        told.append(_told(entry, change, raw))
                    if entry.seq >= end:
                        break
        return {"events": told, "first": begin + 1, "last": past.last.seq}

    def forget(self, name: str) -> None:
        """Keep nothing of a conversation any longer."""
        self._pasts.pop(name, None)

    async def _of(self, name: str, summary: Summary) -> Past:
        """Return the past of a conversation, read up to its end."""
        for _ in range(3):
            past = self._pasts.get(name)
            if past is None or past.started != summary.started or past.last.seq > summary.last:
                past = self._pasts[name] = Past(
                    summary, await self._begin(name, summary), self._limits.past_bytes // 4
                )
            self._pasts.move_to_end(name)
            try:
                async with past.lock:
                    await self._read_on(name, past, summary.last)
            except HistoryGone:  # trimmed since: it begins later now
                self.forget(name)
                continue
            self._bound()
            return past
        raise HistoryGone(f"{name!r} is trimmed faster than it is read: ask again")

    async def _begin(self, name: str, summary: Summary) -> _Mark:
        """Return where the past begins: before the first event, or at the checkpoint of a trimmed log."""
        if summary.first == 1:
            empty = self._hub.new()
            return _Mark(0, empty.revision, empty.checkpoint())
        kept = await self._log.load(name)
        if kept is None:
            raise ConversationGone(f"{name!r} was deleted")
        return _Mark(kept.seq, Conversation.restore(kept.data).revision, kept.data)

    async def _read_on(self, name: str, past: Past, last: int) -> None:
        if past.last.seq >= last:
            return
        mark = past.before(past.last.seq)
        conversation = self._restored(mark)
        async with aclosing(self._again(name, mark, conversation)) as steps:
            async for entry, _ in steps:
                if entry.seq > past.last.seq:
                    past.passed(entry.seq, conversation)
                if entry.seq >= last:
                    break

    @staticmethod
    def _restored(mark: _Mark) -> Conversation:
        conversation = Conversation.restore(mark.data)
        conversation._strict = False  # pyright: ignore[reportPrivateUsage]  (a log keeps bad events too)
        return conversation

    async def _again(
        self, name: str, mark: _Mark, conversation: Conversation
    ) -> AsyncGenerator[tuple[Entry, Change]]:
        """Yield the events after a mark with what each changes, as they are applied again."""
        async with aclosing(self._log.read(name, mark.seq)) as entries:
            async for entry in entries:
                yield entry, conversation.feed(entry.raw, entry.at)
                if entry.seq % _SLICE == 0:
                    await asyncio.sleep(0)

    def _bound(self) -> None:
        """Let go of those asked for longest ago, of as many as are too many."""
        size = self.size
        while len(self._pasts) > 1 and (
            len(self._pasts) > self._limits.past or size > self._limits.past_bytes
        ):
            _, past = self._pasts.popitem(last=False)
            size -= past.size


def _told(entry: Entry, change: Change, raw: bool) -> dict[str, Any]:
    """Return what is told of an event; the revision is not part of its patch."""
    told: dict[str, Any] = {
        "seq": entry.seq,
        "at": entry.at,
        "type": change.event_type or entry.type,
        "event_id": change.event_id,
        "revision": change.revision,
        "bytes": len(entry.raw),
        "patch": [each for each in change.patch() if each["path"] != "/revision"],
        "anomalies": [attrs.asdict(each) for each in change.anomalies],
    }
    if raw:
        told["event"] = _raw(entry.raw)
    return told


def _raw(raw: bytes) -> Any:
    """Return an event as JSON; as text where it is none, or holds numbers that JSON has not."""
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError:
        return raw.decode(errors="replace")
