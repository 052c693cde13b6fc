"""A copy of a conversation's state that is kept up to date by its changes, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard, cast

import attrs

from rtstate._change import Change
from rtstate._patched import patched
from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.errors import PatchError, RevisionGap
from rtstate.patching import apply_patch
from rtstate.update import Update

News: TypeAlias = Change | Update | Mapping[str, Json] | Sequence[Mapping[str, Json]]
"""What a replica takes: a change, an update, the update's own dict, or the operations of one change."""


class Replica:
    """The state of a conversation that lives elsewhere, followed by its changes.

    Takes a snapshot or an ``rtstate/1`` document to start from. Every change has to go on from the revision
    that the replica stands at: one that is missing is noticed, one that comes again is passed over.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> replica = Replica(conversation.snapshot().to_dict())
    >>> change = conversation.feed('{"type": "input_audio_buffer.committed", "item_id": "item_1"}')
    >>> replica.apply(change.patch())  # or the change itself, where it is at hand
    True
    >>> replica.snapshot() == conversation.snapshot()
    True
    """

    def __init__(self, state: Snapshot | Mapping[str, Json]) -> None:
        self.seed(state)

    def seed(self, state: Snapshot | Mapping[str, Json]) -> None:
        """Start anew from a snapshot or a document, whatever was known. Cost: its size."""
        snapshot = state if isinstance(state, Snapshot) else Snapshot.from_dict(state)
        self._snapshot = attrs.evolve(
            snapshot,
            items=snapshot._items.with_own_index(),  # pyright: ignore[reportPrivateUsage]
            responses=snapshot._responses.with_own_index(),  # pyright: ignore[reportPrivateUsage]
        )

    @property
    def revision(self) -> int:
        """The revision it stands at."""
        return self._snapshot.revision

    def snapshot(self) -> Snapshot:
        """Return the state as it stands: immutable, and shared with the one before where nothing changed."""
        return self._snapshot

    def apply(self, news: News) -> bool:
        """Take what changed, and tell whether that was new: what the replica has already is passed over.

        ``news`` is a :class:`Change`, an :class:`Update` (or its ``to_dict()``, from elsewhere), or the
        operations of one change (none at all: it changed nothing). An update with a snapshot seeds the
        replica. Raises RevisionGap where changes are missing in between, or where it has some of an update,
        PatchError and DocumentError for operations that do not fit; the replica is then as it was. Cost: the
        entities that change, and a look at all ids where the order does.
        """
        since, revision, operations = _read(news)
        if since is None:
            self.seed(apply_patch(None, operations))
            return True
        if revision <= self.revision:
            return False
        if since != self.revision:
            raise RevisionGap(_gap(since, self.revision))
        snapshot = patched(self._snapshot, operations)
        if snapshot.revision != revision:
            raise PatchError(f"these operations lead to revision {snapshot.revision}, not {revision}")
        self._snapshot = snapshot
        return True

    def __repr__(self) -> str:
        return f"<Replica at revision {self.revision}>"


def _gap(since: int, at: int) -> str:
    """Return what to do where changes do not go on from where a replica is."""
    told = f"these changes go on from revision {since} and the replica is at {at}"
    if since < at:
        return (
            f"{told}, so it has some of them: apply changes(since={at}) instead, or seed it with a snapshot"
        )
    return f"{told}: apply changes(since={at}) first, or seed it with a snapshot"


def _read(news: Any) -> tuple[int | None, int, Sequence[Mapping[str, Json]]]:
    """Return which revision something goes on from (None: from none), which it leads to, and how."""
    if isinstance(news, Change):
        return news.revision - bool(news), news.revision, news.patch()
    if isinstance(news, Update):
        return news.since, news.revision, news.patch()
    if isinstance(news, Mapping):
        told = cast("Mapping[str, Any]", news)
        since: Any = told.get("since")
        revision, operations = told.get("revision"), told.get("patch")
        known = since is None or _is_revision(since)
        if not (known and _is_revision(revision) and isinstance(operations, list)):
            raise PatchError(
                "an update has a patch, the revision it leads to, and since: a revision, or null"
            )
        return since, revision, operations  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(news, Sequence) or isinstance(news, (str, bytes, bytearray)):
        raise TypeError(f"expected a change, an update or operations, not {type(news).__name__}")
    return _read_operations(list(news))  # pyright: ignore[reportUnknownArgumentType]


def _read_operations(operations: list[Any]) -> tuple[int | None, int, list[Any]]:
    if not operations:
        return 0, 0, operations
    told = [cast("Mapping[str, Any]", each) for each in operations if isinstance(each, Mapping)]
    told = [each for each in told if each.get("op") == "replace"]
    if any(each.get("path") == "" for each in told):
        return None, 0, operations
    revision: Any = None
    for each in told:
        if each.get("path") == "/revision":
            revision = each.get("value")
    if not _is_revision(revision):
        raise PatchError("the operations of a change end with its revision; these have none")
    return revision - 1, revision, operations


def _is_revision(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
