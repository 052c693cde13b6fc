"""The exceptions of this library.

::

    RtstateError
    ├── EventParseError (ValueError)   the data's fault: not JSON, or not what its event type promises
    ├── DocumentError (ValueError)     a document is not an ``rtstate/1`` document
    ├── CheckpointError (ValueError)   a checkpoint is damaged, or of a newer version
    ├── PatchError (ValueError)        an operation does not fit the document it is applied to
    ├── RevisionGap (LookupError)      the caller's: changes are missing between a replica and this one
    └── HistoryGone (LookupError)      the caller's: those changes are no longer kept
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
    """Raise when changes do not go on from where a replica stands: fetch those between, or seed it anew."""


class HistoryGone(RtstateError, LookupError):  # noqa: N818  (the contract's name)
    """Raise when changes are asked for that are no longer kept: take a snapshot and go on from there."""
