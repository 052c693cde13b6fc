"""Several changes as one: what a viewer that is a little behind gets at once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import attrs

from rtstate import _operations as ops
from rtstate._change import Change
from rtstate._types import Json
from rtstate.document import Snapshot


@attrs.frozen(eq=False)
class Update:
    """What leads a viewer from one revision to a later one: changes, or a snapshot to start from.

    ``since`` is the revision the changes go on from; with a ``snapshot`` it is None, whatever the viewer has.
    """

    since: int | None
    revision: int
    changes: tuple[Change, ...] = ()
    snapshot: Snapshot | None = None

    def patch(self, append: bool = True) -> list[dict[str, Json]]:
        """Return the update as JSON Patch operations on the document, the revision among them once.

        Deltas of one text are joined, and of several writes to one field the last counts. A snapshot
        replaces the whole document (path ``""``). ``append`` as in :meth:`Change.patch`. Cost: the size of
        what changed.
        """
        if self.snapshot is not None:
            return [{"op": "replace", "path": "", "value": self.snapshot.to_dict()}]
        raws = ops.merged(raw for change in self.changes for raw in ops.listed(change._raw))  # pyright: ignore[reportPrivateUsage]
        return ops.patch(raws, self.revision, append=append) if self.revision != self.since else []

    def to_dict(self, append: bool = True) -> dict[str, Json]:
        """Return what a :class:`Replica` elsewhere takes: ``since``, ``revision`` and ``patch``."""
        return {"since": self.since, "revision": self.revision, "patch": self.patch(append)}

    def __bool__(self) -> bool:
        """Tell whether it leads anywhere."""
        return self.revision != self.since

    def __repr__(self) -> str:
        if self.snapshot is not None:
            return f"<Update to a snapshot of revision {self.revision}>"
        return f"<Update from revision {self.since} to {self.revision}: {len(self.changes)} changes>"


def coalesce(changes: Iterable[Change]) -> Update:
    """Return several changes that follow one another as one update. Cost: their operations.

    Changes that changed nothing are left out. Raises ValueError where one is missing between two, or where
    there is none at all.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> delta = {"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hi"}
    >>> update = coalesce([conversation.feed(delta) for _ in range(5)])
    >>> update, update.patch()[-2]
    (<Update from revision 0 to 5: 5 changes>, {'op': 'append', ... 'value': 'HiHiHiHi'})
    """
    made = tuple(changes)
    if not made:
        raise ValueError("coalesce() takes at least one change")
    for one, other in pairwise(made):
        if other.revision - bool(other) != one.revision:
            raise ValueError(f"revision {one.revision} is followed by {other.revision}: changes are missing")
    told = tuple([change for change in made if change])
    return Update(made[0].revision - bool(made[0]), made[-1].revision, told)
