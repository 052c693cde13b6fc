"""What the document does not tell of an entity: when it was, and which model did it at what cost.

Times are the ``at`` that came with the events, on the caller's own clock, None where none was given. They
stand beside the items and responses of a snapshot, not in them, so that no patch and no item changes by them.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rtstate._types import Json


@attrs.frozen
class Transcribed:
    """One transcription of what the user said: the model that did it, and what it cost if that was told."""

    content_index: int
    model: str | None = None
    usage: Mapping[str, Json] | None = None


@attrs.frozen
class ItemTrace:
    """When an item was: times of arrival (``…_at``, seconds), and on the session's audio clock (``…_ms``).

    ``start_ms`` and ``end_ms`` are where voice activity detection heard the user begin and end. ``session``
    tells whose clock that is: sessions count from 0 on, and each begins its clock anew.
    """

    started_at: float | None = None
    first_text_at: float | None = None
    first_audio_at: float | None = None
    speech_stopped_at: float | None = None
    truncated_at: float | None = None
    ended_at: float | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    transcribed: tuple[Transcribed, ...] = ()
    session: int = 0


@attrs.frozen
class ResponseTrace:
    """When a response began and ended, in seconds, and the model that gave it."""

    started_at: float | None = None
    ended_at: float | None = None
    model: str | None = None


NO_ITEM_TRACE = ItemTrace()
NO_RESPONSE_TRACE = ResponseTrace()
