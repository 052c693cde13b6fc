"""Time travel: the state at any revision, or at any moment, of a recording or of a live conversation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import partial
from math import isfinite
from typing import Final, Generic, TypeVar

from sortedcontainers import SortedDict

from rtstate._change import Change
from rtstate._draft.work import ItemWork, ResponseWork
from rtstate._patched import Traces, patched
from rtstate._trace import NO_ITEM_TRACE, NO_RESPONSE_TRACE, ItemTrace, ResponseTrace
from rtstate._types import AudioMode, Dialect
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.recording import lines_of
from rtstate.update import coalesce
from rtstate.wire import Raw

INTERVAL: Final = 100

Trace = TypeVar("Trace", ItemTrace, ResponseTrace)


class _Was(Generic[Trace]):
    """The traces of items, or of responses, at each revision: no document, and so no change, tells them."""

    def __init__(self, unknown: Trace) -> None:
        self._unknown: Trace = unknown
        self._revisions: list[int] = []
        self._ids: list[str] = []  # whose trace was another from each of these on
        self._of: dict[str, tuple[list[int], list[Trace]]] = {}

    def note(self, revision: int, entity_id: str, trace: Trace) -> None:
        self._revisions.append(revision)
        self._ids.append(entity_id)
        revisions, traces = self._of.setdefault(entity_id, ([], []))
        revisions.append(revision)
        traces.append(trace)

    def at(self, revision: int, entity_id: str) -> Trace:
        """Return the trace that an entity had. Cost: O(log n) in how often it was another."""
        revisions, traces = self._of.get(entity_id, ((), ()))
        place = bisect_right(revisions, revision)
        return traces[place - 1] if place else self._unknown

    def noted(self, after: int, until: int) -> dict[str, None]:
        """Return the ids of those whose trace has changed between two revisions. Cost: their number."""
        ids = self._ids[bisect_right(self._revisions, after) : bisect_right(self._revisions, until)]
        return dict.fromkeys(ids)


class Timeline:
    """Everything that happened to a conversation, and the state at every point of it.

    Takes the lines of a recording, as :func:`replay` does, and more events by :meth:`feed`. It keeps every
    change, and a snapshot each ``interval`` revisions: snapshots share what did not change, so that one takes
    a few kilobytes. The other options are those of :class:`Conversation`.

    >>> from rtstate import simulate
    >>> timeline = Timeline(simulate.example().lines(timed=True))
    >>> timeline
    <Timeline of 672 events, 509 revisions>
    >>> [len(timeline.at(revision).order) for revision in (0, 100, 509)]
    [0, 3, 18]
    """

    def __init__(
        self,
        lines: Iterable[Raw] = (),
        *,
        interval: int = INTERVAL,
        audio: AudioMode = "measure",
        dialect: Dialect = "auto",
        strict: bool = False,
    ) -> None:
        if interval < 1:
            raise ValueError(f"interval is how many revisions lie between two snapshots, not {interval!r}")
        self._interval = interval
        self._conversation = Conversation(audio=audio, dialect=dialect, history=0, strict=strict)
        self._events: list[Change] = []
        self._changes: list[Change] = []  # the change to revision n is at n - 1
        self._kept: SortedDict[int, Snapshot] = SortedDict({0: self._conversation.snapshot()})
        self._item_traces, self._response_traces = _Was(NO_ITEM_TRACE), _Was(NO_RESPONSE_TRACE)
        self._marked: list[ItemWork | ResponseWork] = []
        self._conversation._draft.marked = self._marked  # pyright: ignore[reportPrivateUsage]
        self._times: list[float] = []
        self._reached: list[int] = []  # the revision at each of these times
        for event, at in lines_of(lines):
            self.feed(event, at)

    def feed(self, raw: Raw, at: float | None = None) -> Change:
        """Apply one event more, as :meth:`Conversation.feed`, and return what it changed. Cost: O(1)."""
        change = self._conversation.feed(raw, at)
        self._events.append(change)
        if change:
            self._changes.append(change)
            for node in self._marked:
                if isinstance(node, ItemWork):
                    self._item_traces.note(change.revision, node.id, node.trace)
                else:
                    self._response_traces.note(change.revision, node.id, node.trace)
            self._marked.clear()
            if change.revision % self._interval == 0:
                self._kept[change.revision] = self._conversation.snapshot()
        if at is not None and isfinite(at):
            self._times.append(max(at, self._times[-1]) if self._times else at)
            self._reached.append(change.revision)
        return change

    @property
    def conversation(self) -> Conversation:
        """The conversation where it stands now; feed it by :meth:`feed` alone."""
        return self._conversation

    @property
    def events(self) -> tuple[Change, ...]:
        """What each event did, in order; those that changed nothing are there too. Cost: O(n)."""
        return tuple(self._events)

    @property
    def revision(self) -> int:
        """The last revision."""
        return len(self._changes)

    @property
    def start(self) -> float | None:
        """The time of the first event that has one, None if none has."""
        return self._times[0] if self._times else None

    @property
    def end(self) -> float | None:
        """The time of the last event that has one, None if none has."""
        return self._times[-1] if self._times else None

    def at(self, revision: int) -> Snapshot:
        """Return the state at a revision, 0 being the beginning.

        Raises ValueError for one that has never been. Cost: what changed since the last snapshot that was
        kept, whatever the length of the recording.
        """
        if not 0 <= revision <= self.revision:
            raise ValueError(f"there is no revision {revision}; the last one is {self.revision}")
        kept, snapshot = self._kept.peekitem(self._kept.bisect_right(revision) - 1)
        if kept == revision:
            return snapshot
        traces = Traces(
            partial(self._item_traces.at, revision),
            partial(self._response_traces.at, revision),
            self._item_traces.noted(kept, revision),
            self._response_traces.noted(kept, revision),
        )
        return patched(snapshot, coalesce(self._changes[kept:revision]).patch(), traces)

    def at_time(self, seconds: float) -> Snapshot:
        """Return the state at a moment, on the clock of the events' own ``at``.

        That is after the last event that had come by then; before the first one it is the empty state. Raises
        ValueError where no event has a time. Cost: as :meth:`at`.
        """
        return self.at(self.revision_at(seconds))

    def revision_at(self, seconds: float) -> int:
        """Return the revision that was reached at a moment. Cost: O(log n)."""
        if not self._times:
            raise ValueError('no event has a time: give feed() one, or record lines as {"at": …, "event": …}')
        place = bisect_right(self._times, seconds)
        return self._reached[place - 1] if place else 0

    def changes(self, since: int = 0, until: int | None = None) -> tuple[Change, ...]:
        """Return the changes after one revision up to another, all unless told. Cost: their number.

        Raises ValueError for a revision that has never been.
        """
        until = self.revision if until is None else until
        if not 0 <= since <= until <= self.revision:
            raise ValueError(f"no revisions go from {since} to {until}; the last one is {self.revision}")
        return tuple(self._changes[since:until])

    def __repr__(self) -> str:
        return f"<Timeline of {len(self._events):,} events, {self.revision:,} revisions>"
