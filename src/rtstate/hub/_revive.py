"""A conversation from its log: the last checkpoint, and the events since."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import attrs

from rtstate.conversation import Conversation
from rtstate.errors import CheckpointError, ConversationGone, HistoryGone, LogBehind, LogDamaged
from rtstate.hub._weight import bulk_of, bulk_of_checkpoint
from rtstate.logs import Checkpoint, Log, Record

_LOG: Final = logging.getLogger("rtstate.hub")


@attrs.frozen
class Revived:
    """A conversation after the event ``seq``, by way of a checkpoint after ``saved``.

    ``started`` tells it from another of its name; ``bulk`` is what is needed to estimate its memory;
    ``latest`` is the event ``seq``, where that is not in the checkpoint.
    """

    conversation: Conversation
    seq: int
    saved: int
    started: float | None
    bulk: int
    latest: Record | None = None


async def revive(log: Log, name: str, new: Callable[[], Conversation] = Conversation) -> Revived:
    """Return a conversation as the log has it; ``new`` makes the empty one that it starts from.

    A checkpoint that cannot be read is passed over while all events are there; otherwise that is LogDamaged.
    Cost: what the checkpoint holds, and the events since.

    >>> import asyncio
    >>> from rtstate.logs import MemoryLog, Record
    >>> async def kept():
    ...     async with MemoryLog() as log:
    ...         event = '{"type": "input_audio_buffer.committed", "item_id": "item_1"}'
    ...         await log.append("call", [Record.of(event)], expected=0)
    ...         return (await revive(log, "call")).conversation.revision
    >>> asyncio.run(kept())
    1
    """
    while True:
        summary = await log.summary(name)
        kept = await log.load(name)
        conversation, saved = restored(name, kept, summary.first if summary else 1, new)
        seq, bulk = saved, bulk_of_checkpoint(kept.data, conversation) if kept else 0
        latest: Record | None = None
        started = summary.started if summary else None
        try:
            async with aclosing(log.read(name, seq)) as entries:
                async for entry in entries:
                    conversation.feed(entry.raw, entry.at)
                    seq, latest = entry.seq, entry
                    bulk += bulk_of(entry.raw, entry.type, keep_audio=conversation.keeps_audio)
        except (HistoryGone, ConversationGone):
            continue  # it was trimmed meanwhile, so there is a newer checkpoint; or deleted
        except LogBehind:
            if started is not None and started == await birth_of(log, name):
                raise  # otherwise it began meanwhile, or was deleted
            continue
        if started == await birth_of(log, name):  # or this is half of one, and half of another of its name
            return Revived(conversation, seq, saved, started, bulk, latest)


async def birth_of(log: Log, name: str) -> float | None:
    """Return when what the log has under a name began; None where there is none."""
    summary = await log.summary(name)
    return summary.started if summary else None


def restored(
    name: str, kept: Checkpoint | None, first: int, new: Callable[[], Conversation]
) -> tuple[Conversation, int]:
    """Return the conversation of a checkpoint; where that is damaged, the one before the first event."""
    try:
        if kept is not None:
            conversation = Conversation.restore(kept.data)
            conversation._strict = False  # pyright: ignore[reportPrivateUsage]  (a log keeps bad events too)
            return conversation, kept.seq
    except CheckpointError as error:
        if first > 1:
            raise LogDamaged(
                f"the checkpoint of {name!r} cannot be read, and the events before {first} are gone: {error}"
            ) from None
        _LOG.warning("the checkpoint of %r cannot be read; reading all its events: %s", name, error)
    return new(), 0
