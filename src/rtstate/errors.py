"""The exceptions of this library.

::

    RtstateError
    ├── EventParseError (ValueError)   the data's fault: not JSON, or not what its event type promises
    ├── DocumentError (ValueError)     a document is not an ``rtstate/1`` document
    ├── CheckpointError (ValueError)   a checkpoint is damaged, or of a newer version
    ├── PatchError (ValueError)        an operation does not fit the document it is applied to
    ├── RevisionGap (LookupError)      the caller's: changes are missing between a replica and this one
    ├── HistoryGone (LookupError)      the caller's: those changes, or events, are no longer kept
    ├── LogError                       a log did not do what it was asked for; nothing was written
    │   ├── StaleWriter                others have written since
    │   ├── LeaseHeld, LeaseLost       another writes this conversation
    │   ├── LogBehind                  the log ends before where a reader stands
    │   ├── ConversationGone           it was deleted meanwhile
    │   ├── LogUnavailable             its server, file or disk: try again
    │   ├── LogDamaged                 what it holds is not what was written
    │   └── LogClosed                  the caller's: it has been closed
    └── HubError                       a hub did not do what it was asked for
        ├── HubFull                    every conversation it holds is in use
        └── HubStopped                 the caller's: it has been stopped
"""

from __future__ import annotations

from functools import partial


class RtstateError(Exception):
    """Base of every error this library raises on purpose."""


class EventParseError(RtstateError, ValueError):
    """Raise when an event cannot be read.

    ``event_type`` is the event's type where it could be read, ``path`` the place of the bad field
    (``"item.content.0.text"``), ``expected`` what was expected there. The payload is never part of the
    message: it may hold audio or what somebody said.

    >>> error = EventParseError("should be a string", event_type="error", path="error.message")
    >>> print(error)
    error: error.message: should be a string
    """

    def __init__(self, expected: str, *, event_type: str | None = None, path: str = "") -> None:
        self.expected = expected
        self.event_type = event_type
        self.path = path
        super().__init__(": ".join(word for word in (event_type or "event", path, expected) if word))

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), event_type=self.event_type, path=self.path), (self.expected,)


class DocumentError(RtstateError, ValueError):
    """Raise when a document cannot be read as ``rtstate/1``; the message says where it goes wrong."""


class CheckpointError(RtstateError, ValueError):
    """Raise when a checkpoint cannot be restored: it is damaged, of a newer version, or none at all."""


class PatchError(RtstateError, ValueError):
    """Raise when an operation does not fit the document it is applied to; the message says which and why."""


class RevisionGap(RtstateError, LookupError):  # noqa: N818  (as HistoryGone)
    """Raise when changes do not go on from where a replica stands: fetch those that do, or seed it anew."""


class HistoryGone(RtstateError, LookupError):  # noqa: N818  (the contract's name)
    """Raise when changes are asked for that are no longer kept: take a snapshot and go on from there."""


class LogError(RtstateError):
    """Raise when a log did not do what it was asked for. What was to be written is not acknowledged."""


class StaleWriter(LogError):  # noqa: N818  (as HistoryGone; so are those below)
    """Raise when a conversation does not end where a writer thinks: read on from there, then try again.

    ``expected`` is where the writer thought it ends, ``last`` where it does.
    """

    def __init__(self, name: str, expected: int, last: int) -> None:
        self.name, self.expected, self.last = name, expected, last
        super().__init__(
            f"{name!r} ends at {last}, not at {expected}: "
            + (
                "others have written since; read what they did"
                if last > expected
                else "the log has lost its end"
            )
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.expected, self.last)


class LeaseHeld(LogError):  # noqa: N818
    """Raise when another writes a conversation: send its events there, or wait until it is done or dead."""

    def __init__(self, name: str, holder: str) -> None:
        self.name, self.holder = name, holder
        super().__init__(
            f"{name!r} is written by {holder!r}: send its events there, or wait until that is done"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.holder)


class LeaseLost(LogError):  # noqa: N818
    """Raise when a writer was taken for dead, or has given its lease back: acquire it again, and read on."""

    def __init__(self, name: str, holder: str) -> None:
        self.name, self.holder = name, holder
        super().__init__(
            f"{holder!r} no longer writes {name!r}: acquire it again, and read what others wrote"
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.holder)


class LogBehind(LogError):  # noqa: N818
    """Raise when a conversation ends before the point that a reader goes on from."""


class ConversationGone(LogError, LookupError):  # noqa: N818
    """Raise when there is no such conversation, or no longer: it was deleted meanwhile."""


class LogUnavailable(LogError):  # noqa: N818
    """Raise when a log cannot be reached, is locked, or has no room left; the message says what to do.

    What was to be written may have been written all the same, where the answer was lost.
    """


class LogDamaged(LogError):  # noqa: N818
    """Raise when what a log holds is not what was written: a broken disk, or a server that lost some."""


class LogClosed(LogError):  # noqa: N818
    """Raise when a log is used after it was closed."""


class HubError(RtstateError):
    """Raise when a hub did not do what it was asked for."""


class HubFull(HubError):  # noqa: N818
    """Raise when a hub's budget is taken by conversations that are in use: follow fewer, or allow it more."""


class HubStopped(HubError):  # noqa: N818
    """Raise when a hub is used after it was stopped."""
