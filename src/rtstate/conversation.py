"""The conversation: events in, state and changes out."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any, Final, get_args

import attrs

from rtstate._change import Anomaly, Change, ChangeTwin, Stats
from rtstate._draft import Draft
from rtstate._draft.saving import load, save
from rtstate._model import SessionInfo
from rtstate._seen import Seen
from rtstate._types import LARGEST, AudioMode, Dialect, as_time
from rtstate._watch import watch
from rtstate.checkpoint import pack, unpack
from rtstate.document import Snapshot
from rtstate.errors import CheckpointError, EventParseError, HistoryGone
from rtstate.update import Update
from rtstate.wire import CLIENT_HANDLERS, HANDLERS, Raw, read_event, said_by

_LOG: Final = logging.getLogger("rtstate")
KEPT_ANOMALIES: Final = 100


def _ignore_unknown(draft: Draft, event: Mapping[str, Any]) -> None:
    draft.note("unknown", f"an event of the type {event['type']!r}; ignored")


class Conversation:
    """The state of one realtime conversation, built from its events.

    ``audio``: ``"measure"`` counts audio and drops it, ``"keep"`` also keeps it. ``dialect`` matters only
    where one wire value means two things. ``history`` is how many changes are kept for :meth:`changes`.
    ``strict``: an event that cannot be read raises instead of becoming an anomaly; the state is untouched
    either way.

    >>> conversation = Conversation()
    >>> change = conversation.feed('{"type": "input_audio_buffer.committed", "item_id": "item_1"}')
    >>> conversation.snapshot().items[0].role
    'user'
    >>> [operation["path"] for operation in change.patch()]
    ['/items/item_1', '/order/0', '/revision']
    """

    def __init__(
        self,
        *,
        audio: AudioMode = "measure",
        dialect: Dialect = "auto",
        history: int = 1000,
        strict: bool = False,
    ) -> None:
        if audio not in get_args(AudioMode):
            raise ValueError(f"audio is one of {get_args(AudioMode)}, not {audio!r}")
        if dialect not in get_args(Dialect):
            raise ValueError(f"dialect is one of {get_args(Dialect)}, not {dialect!r}")
        if not 0 <= history <= 1 << 31:
            raise ValueError(f"history is how many changes are kept, 0 or some more, not {history!r}")
        self._draft = Draft(audio, dialect)
        self._strict = strict
        self._history: deque[Change] = deque(maxlen=history)
        self._anomalies: deque[Anomaly] = deque(maxlen=KEPT_ANOMALIES)
        self._seen = Seen()
        self._sent = Seen()
        self._subscribers: dict[object, Callable[[Change], object]] = {}
        self._unpublished: list[Change] = []

    def feed(self, raw: Raw, at: float | None = None) -> Change:
        """Parse one event, of the server or the client, apply it, and return what it changed.

        ``at`` is when it was received, in seconds on any clock; it is carried along, never compared, and one
        that no clock shows (NaN, 1e300) is none. Cost: O(1) beside the parsing, whatever the conversation's
        length. Raises EventParseError if ``strict``, and TypeError for what is no JSON or no time at all.
        """
        draft = self._draft
        if at is not None and not (at.__class__ is float and -LARGEST < at < LARGEST):
            at = as_time(at)
        draft.at = at
        event_id: str | None = None
        try:
            event = read_event(raw)
        except EventParseError as error:
            if self._strict:
                raise
            draft.note("invalid", str(error))
            event_type = error.event_type
        else:
            event_type, event_id = event["type"], event.get("event_id")
            seen = self._seen if event_type not in CLIENT_HANDLERS else self._sent
            handler = HANDLERS.get(event_type) or CLIENT_HANDLERS.get(event_type, _ignore_unknown)
            if not event_id or not seen.has(event_id):
                handler(draft, event)
            else:
                draft.stats.duplicates += 1

        draft.stats.events += 1
        change = ChangeTwin()
        change._raw = operations = draft.take()
        change.revision = draft.revision
        change.at = at
        change.event_id = event_id
        change.event_type = event_type
        change.anomalies = self._flag(event_type, event_id) if draft.notes else ()
        change.__class__ = Change
        if operations:
            self._history.append(change)
            if self._subscribers:
                self._publish(change)
        return change  # type: ignore[no-any-return]

    def apply(self, event: Any, at: float | None = None) -> Change:
        """Apply one parsed event: ours, a mapping, or any object with ``type`` and ``model_dump()``.

        Of an object only what was sent is read (``exclude_unset``): a field that was not is absent, not null.
        Everything else as in :meth:`feed`. Raises TypeError for anything that is no event at all.
        """
        kind = type(event).__name__
        if isinstance(event, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"expected an event or a mapping, not {kind}; feed() takes JSON")
        return self.feed(said_by(event), at)

    def sent(self, event: Any, at: float | None = None) -> Change:
        """Apply one event that the client sent: JSON, a mapping or an object.

        Created items (those with an id of their own), deletions and truncations show at once. The server's
        answer confirms them; an ``error`` that names their ``event_id`` takes them back. An ``event_id`` is
        used once: a second event by the same one is a repeat, and changes nothing. For a client event
        ``feed`` and ``apply`` do the same.
        """
        return self.feed(said_by(event), at)

    def snapshot(self) -> Snapshot:
        """Return the state as it stands, the very same object while nothing has changed.

        Cost: O(log n) for each entity that changed since the last snapshot.
        """
        return self._draft.freeze()

    @property
    def revision(self) -> int:
        """How many events have changed the document."""
        return self._draft.revision

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The last 100 things that were odd, oldest first, and what was done about each."""
        return tuple(self._anomalies)

    @property
    def keeps_audio(self) -> bool:
        """Whether :meth:`audio` has any, or it is only measured."""
        return self._draft.keep_audio

    @property
    def stats(self) -> Stats:
        """Counters of what came: events, duplicates, unknown, late, and so on."""
        return self._draft.stats

    @property
    def sessions(self) -> tuple[SessionInfo, ...]:
        """The sessions there were, oldest first; the last one is the current one.

        A connection that was lost and made again is two of them.
        """
        return tuple(self._draft.sessions)

    def expires_in(self, now: float) -> float | None:
        """Return how many seconds the current session has left at ``now``, in Unix seconds.

        Negative once that is over; None while the server has not said. Nothing here reads a clock.

        >>> conversation = Conversation()
        >>> session = {"id": "sess_1", "expires_at": 1_900_003_600}
        >>> _ = conversation.feed({"type": "session.created", "session": session})
        >>> conversation.expires_in(now=1_900_000_000)
        3600
        """
        expires_at = self._draft.sessions[-1].expires_at if self._draft.sessions else None
        return None if expires_at is None else expires_at - now

    def changes(self, since: int = 0) -> Iterator[Change]:
        """Return the changes after a revision, oldest first.

        Raises HistoryGone where some of them are no longer kept, and ValueError for a revision that has never
        been. Cost: the history that is kept.
        """
        if not 0 <= since <= self.revision:
            raise ValueError(f"there is no revision {since}; this is revision {self.revision}")
        missing = self.revision - since
        if missing > len(self._history):
            raise HistoryGone(
                f"the changes since revision {since} are no longer kept, only the last {len(self._history)}; "
                "take a snapshot and go on from there"
            )
        return iter(list(self._history)[len(self._history) - missing :])

    def subscribe(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Call ``callback(change)`` after each change, and return the function that ends this.

        A callback that raises is logged, and harms neither the state nor the others. If one feeds an event,
        that change is published once all have seen this one. Raises TypeError for a coroutine function,
        which nobody would await; :meth:`watch` is for those.
        """
        if iscoroutinefunction(callback):
            raise TypeError("a callback is called, not awaited: follow with `async for` over watch()")
        subscription = object()
        self._subscribers[subscription] = callback

        def unsubscribe() -> None:
            self._subscribers.pop(subscription, None)

        return unsubscribe

    def watch(self, rate: float = 20.0, *, since: int | None = None) -> AsyncGenerator[Update]:
        """Follow the conversation for a user interface, at most ``rate`` updates a second.

        An async iterator of :class:`Update`: first a snapshot, or the changes after ``since`` if they are
        still kept, then what has changed since the last one, as soon as the rate allows. Events are never
        held up, and nothing is queued for a slow reader: it gets all that it missed as one update, or a
        snapshot when more changed than the history keeps. Read it on the event loop that feeds the
        conversation. Raises ValueError for a rate that is not above 0.

        >>> import asyncio
        >>> async def first(conversation):
        ...     async for update in conversation.watch():
        ...         return update
        >>> asyncio.run(first(Conversation()))
        <Update to a snapshot of revision 0>
        """
        if not rate > 0:
            raise ValueError(f"rate is how many updates a second, above 0, not {rate!r}")
        return watch(self, rate, since)

    def checkpoint(self) -> bytes:
        """Return everything as bytes, hidden state included: :meth:`restore` goes on exactly here.

        Not part of it are the subscribers and the history of changes. Cost: the size of the conversation,
        and with ``audio="keep"`` the audio.
        """
        return pack(
            {
                "history": self._history.maxlen,
                "strict": self._strict,
                "anomalies": [attrs.asdict(anomaly) for anomaly in self._anomalies],
                "draft": save(self._draft),
            },
            self._seen.save(),
            self._sent.save(),
        )

    @classmethod
    def restore(cls, data: bytes | bytearray | memoryview[int]) -> Conversation:
        """Return the conversation of a checkpoint, with the options it had.

        Its history is empty: ``changes(since=)`` raises HistoryGone for a revision before the checkpoint.
        Raises CheckpointError for what is damaged, of a newer version, or no checkpoint at all. Cost: the
        size of the conversation.

        >>> conversation = Conversation()
        >>> _ = conversation.feed('{"type": "input_audio_buffer.committed", "item_id": "item_1"}')
        >>> Conversation.restore(conversation.checkpoint()).snapshot() == conversation.snapshot()
        True
        """
        saved, seen, sent = unpack(data)
        conversation = cls(history=saved["history"], strict=saved["strict"])
        try:
            conversation._draft = load(saved["draft"])
        except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(f"this checkpoint does not hold together: {error!r}") from None
        conversation._seen.load(seen)
        conversation._sent.load(sent)
        conversation._anomalies.extend([Anomaly(**anomaly) for anomaly in saved["anomalies"]])
        return conversation

    def audio(self, item_id: str, content_index: int = 0) -> bytes:
        """Return the audio received for a part, in the session's format; needs ``audio="keep"``.

        Raises ValueError where audio is only measured, LookupError where there is no such part.
        """
        if not self._draft.keep_audio:
            raise ValueError('audio was only measured; make the conversation with audio="keep"')
        item = self._draft.items.get(item_id)
        if item is None or not 0 <= content_index < len(item.parts):
            raise LookupError(f"no part {content_index} of an item {item_id!r}")
        part = item.parts[content_index]
        return b"" if part.audio is None else part.audio.decoded()

    def _publish(self, change: Change) -> None:
        self._unpublished.append(change)
        if len(self._unpublished) > 1:
            return  # a callback fed an event: its change waits its turn
        try:
            for each in self._unpublished:  # which may grow meanwhile
                self._tell(each)
        finally:
            self._unpublished.clear()

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._subscribers.values()):
            try:
                callback(change)
            except Exception:
                _LOG.exception("a subscriber failed at %r", change)

    def _flag(self, event_type: str | None, event_id: str | None) -> tuple[Anomaly, ...]:
        number = self._draft.stats.events
        anomalies = tuple([Anomaly(*note, number, event_type, event_id) for note in self._draft.notes])
        self._draft.notes.clear()
        self._anomalies.extend(anomalies)
        return anomalies

    def __repr__(self) -> str:
        return f"<Conversation {self._draft.conversation_id or 'without an id'}, revision {self.revision}>"
