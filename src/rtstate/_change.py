"""What one event did, and what several did together.

Operations are kept as the draft wrote them down and rendered only when they are read.
"""

from __future__ import annotations

from typing import Final

import attrs

from rtstate import _operations as ops
from rtstate._operations import Operation, RawOperations
from rtstate._twin import twin
from rtstate._types import AnomalyKind, Json


@attrs.frozen
class Anomaly:
    """Something odd, and what was done about it.

    ``kind``: ``invalid`` (could not be read), ``unknown`` (an event type this library does not know),
    ``impossible`` (read, but it makes no sense here), ``late`` (its text came after the end),
    ``unknown_item`` and ``unknown_anchor`` (it names an item nobody announced). ``number`` counts the events
    of the conversation, the first being 1.
    """

    kind: AnomalyKind
    message: str
    number: int
    event_type: str | None = None
    event_id: str | None = None


@attrs.frozen(eq=False, repr=False, weakref_slot=False)  # no slot its twin has not
class Change:
    """What one event did to the conversation.

    ``revision`` is the document's revision after it; ``at`` the time the caller gave. A change without
    operations changed nothing.
    """

    revision: int
    at: float | None = None
    event_id: str | None = None
    event_type: str | None = None
    anomalies: tuple[Anomaly, ...] = ()
    _raw: RawOperations = attrs.field(alias="raw", default=())

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in order, the revision's own last. Cost: their size."""
        return tuple(ops.operations(ops.listed(self._raw), self.revision)) if self._raw else ()

    def __repr__(self) -> str:
        count = len(ops.listed(self._raw))
        return f"<Change revision {self.revision}: {self.event_type}, {count} operations>"

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self._raw)

    def patch(self, append: bool = True) -> list[dict[str, Json]]:
        """Return this change as JSON Patch operations on the document.

        With ``append=False`` a growing text is replaced whole, which any RFC 6902 library understands and
        which costs the length of the text. Cost otherwise: the size of what changed.
        """
        return ops.patch(ops.listed(self._raw), self.revision, append=append) if self._raw else []

    def inverse(self) -> list[dict[str, Json]]:
        """Return the operations that take this change back, strictly RFC 6902.

        Applied to the document after the change they give the one before it, so that a viewer can step back.
        Cost: the size of what changed, with the whole of a text that grew.
        """
        return ops.inverse(ops.listed(self._raw), self.revision - 1) if self._raw else []


ChangeTwin: Final = twin(Change)


@attrs.define
class Stats:
    """Counters since the conversation began. They count; the document does not change with them."""

    events: int = 0
    """Events taken, of whatever kind."""
    duplicates: int = 0
    """Events that repeated another: the same ``event_id``, or the second spelling of one delta."""
    unknown: int = 0
    """Events of a type this library does not know."""
    invalid: int = 0
    """Events that could not be read."""
    impossible: int = 0
    """Events that made no sense where they came."""
    late: int = 0
    """Things that came after the end of what they were about."""
    noted: int = 0
    """Known events without conversation state."""
    ignored: int = 0
    """Known events of no interest to a reader of the conversation."""
