"""The reducer as a pure function: a state and events in, the next state out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from rtstate._draft.reviving import revive
from rtstate._types import Dialect
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.wire._copies import input_bytes_per_second, output_bytes_per_second


@overload
def reduce(state: Snapshot, events: Iterable[Any], *, dialect: Dialect = "auto") -> Snapshot: ...
@overload
def reduce(state: bytes, events: Iterable[Any]) -> bytes: ...
def reduce(state: Snapshot | bytes, events: Iterable[Any], *, dialect: Dialect = "auto") -> Snapshot | bytes:
    """Return the state after some events, of the same kind as the one given, which stays as it was.

    From a checkpoint (bytes) it is exact: ``reduce(reduce(c, one), two)`` is ``reduce(c, [*one, *two])``. A
    snapshot has only what shows, so that repeated events, late ones for deleted items and anchors that are
    still missing are not known from before, nor that there was a session before this one. Items that no event
    touches are shared with the snapshot given, and it is returned itself if nothing changes. ``events`` are
    JSON, mappings or event objects; ``dialect`` as for :class:`Conversation`, a checkpoint has its own. Cost:
    the size of the state, so a live :class:`Conversation` is the better way for a stream.

    >>> empty = Conversation().snapshot()
    >>> heard = reduce(empty, ['{"type": "input_audio_buffer.committed", "item_id": "item_1"}'])
    >>> heard.order, empty.order
    (('item_1',), ())
    """
    if isinstance(state, Snapshot):
        conversation = Conversation(dialect=dialect, history=0)
        conversation._draft = revive(state, dialect, input_bytes_per_second, output_bytes_per_second)  # pyright: ignore[reportPrivateUsage]
        _feed(conversation, events)
        return conversation.snapshot() if conversation.revision != state.revision else state
    conversation = Conversation.restore(state)
    _feed(conversation, events)
    return conversation.checkpoint()


def _feed(conversation: Conversation, events: Iterable[Any]) -> None:
    if isinstance(events, (str, bytes, bytearray, dict)):
        raise TypeError("reduce() takes events in a list or another iterable, not one alone")
    for event in events:
        conversation.sent(event)  # which takes whatever is an event, of either side
