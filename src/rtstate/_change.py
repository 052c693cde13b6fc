"""What one event did: its operations on the document, written down as the reducer wrote.

An operation is kept as the tuple the draft made of it, and rendered only when it is read.
``(op, path, value)`` is RFC 6902; ``(text, count)`` says that a growing text took its ``count``-th chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import attrs

from rtstate._growing import Growing
from rtstate._model import plain
from rtstate._twin import twin
from rtstate._types import AnomalyKind, Json, JsonPath

RawOperation = tuple[str, JsonPath, Any] | tuple[Growing, int]


class Operation(NamedTuple):
    """One operation on the document: ``add``, ``replace``, ``remove`` (RFC 6902) or ``append`` to a text."""

    op: str
    path: JsonPath
    value: Json = None

    def to_dict(self) -> dict[str, Json]:
        """Return the operation as JSON Patch writes it, its path a JSON Pointer (RFC 6901)."""
        pointer = "".join(f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in self.path)
        if self.op == "remove":
            return {"op": self.op, "path": pointer}
        return {"op": self.op, "path": pointer, "value": self.value}


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
    _raw: Sequence[RawOperation] = attrs.field(alias="raw", default=())

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, in order, the revision's own last. Cost: their size."""
        return tuple(self._render(append=True))

    def __repr__(self) -> str:
        return f"<Change revision {self.revision}: {self.event_type}, {len(self._raw)} operations>"

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self._raw)

    def patch(self, append: bool = True) -> list[dict[str, Json]]:
        """Return this change as JSON Patch operations on the document.

        With ``append=False`` a growing text is replaced whole, which any RFC 6902 library understands and
        which costs the length of the text. Cost otherwise: the size of what changed.
        """
        return [operation.to_dict() for operation in self._render(append=append)]

    def _render(self, *, append: bool) -> Iterator[Operation]:
        for raw in self._raw:
            if len(raw) == 3:
                yield Operation(raw[0], raw[1], plain(raw[2]))
            elif append:
                yield Operation("append", raw[0].path, raw[0].chunks[raw[1] - 1])
            else:
                yield Operation("replace", raw[0].path, "".join(raw[0].chunks[: raw[1]]))
        if self._raw:
            yield Operation("replace", ("revision",), self.revision)


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
