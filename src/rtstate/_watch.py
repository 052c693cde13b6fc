"""Following a conversation at the pace of a screen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from typing import Protocol

from rtstate._change import Change
from rtstate.document import Snapshot
from rtstate.errors import HistoryGone
from rtstate.update import Update, coalesce


class Source(Protocol):
    """What can be followed: a conversation, or whatever else has revisions, snapshots and changes.

    It may be read anew, and then its revisions are not those of before; or end, and then it raises why when
    it is asked for them. Of both it calls back with None.
    """

    @property
    def revision(self) -> int: ...
    def snapshot(self) -> Snapshot: ...
    def changes(self, since: int) -> Iterator[Change]: ...
    def subscribe(self, callback: Callable[[Change | None], object]) -> Callable[[], None]: ...


async def watch(source: Source, rate: float, since: int | None) -> AsyncGenerator[Update]:
    """Yield what has changed, at most ``rate`` times a second. See :meth:`Conversation.watch`.

    Nothing is queued: between two updates only flags are set, and what has changed is asked of the history.
    """
    import asyncio  # takes longer to import than the rest of the library

    loop, changed, told = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    revision, pause = since, 1 / rate

    def hear(change: Change | None) -> None:
        nonlocal revision
        changed.set()
        if change is None:
            revision = None
            told.set()

    unsubscribe = source.subscribe(hear)
    try:
        while True:
            if revision != source.revision:
                changed.clear()
                update = updated(source, revision)
                revision, next_frame = update.revision, loop.time() + pause
                yield update
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_frame):
                        while await told.wait():
                            told.clear()
                            _ = source.revision  # of an end one hears at once
            else:
                await changed.wait()
                changed.clear()
    finally:
        unsubscribe()


def updated(source: Source, since: int | None) -> Update:
    """Return what leads on from a revision: its changes, or a snapshot where they are not at hand."""
    if since is not None and since == source.revision:
        return Update(since, since)
    if since is not None and 0 <= since <= source.revision:
        try:
            return coalesce(source.changes(since))
        except HistoryGone:
            pass
    return Update(None, source.revision, snapshot=source.snapshot())
