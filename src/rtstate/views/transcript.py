"""The transcript: who said what, in the order of the conversation, and how much of it was heard."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from typing import Literal, TypeAlias

import attrs

from rtstate._model import PART_TYPES, Item, Part
from rtstate._trace import ItemTrace
from rtstate._types import IN_PROGRESS, INCOMPLETE
from rtstate.document import Snapshot, expect_snapshot

TurnStatus: TypeAlias = Literal["pending", "partial", "final", "failed", "interrupted"]


@attrs.frozen
class Turn:
    """One message of a transcript.

    ``text`` is what counts as said: of an interrupted answer what was heard, an estimate. ``heard`` and
    ``generated`` are both texts of a message that was cut off; of any other they are the text itself.
    ``status``: ``pending`` (nothing is known yet), ``partial`` (more may come), ``final``, ``failed`` (the
    transcription did), ``interrupted`` (cut off, or cancelled before its end). ``start_ms`` and ``end_ms``
    are on the session's audio clock, where voice activity detection told the user's; the model's follow from
    the times of arrival, and the messages of one response are played one after the other. ``started_at`` and
    ``ended_at`` are those times, in the caller's seconds. None: unknown.
    """

    role: str | None
    text: str | None
    item_id: str
    status: TurnStatus
    heard: str | None = None
    generated: str | None = None
    start_ms: float | None = None
    end_ms: float | None = None
    started_at: float | None = None
    ended_at: float | None = None


def transcript(snapshot: Snapshot) -> tuple[Turn, ...]:
    """Return the messages of the default conversation as turns, first to last whatever order they came in.

    Messages without content that nothing more can come of are left out; calls, their outputs and MCP items
    are no turns. Cost: O(n).

    >>> from rtstate import replay, simulate
    >>> turn = transcript(replay(simulate.example().events).snapshot())[5]
    >>> turn.status, turn.text, turn.generated[44:]
    ('interrupted', "Thank you, I've found it. Your lamp left our", ' warehouse on Friday')
    """
    expect_snapshot(snapshot)
    clock = _Clock(filter(None, (_reading(snapshot.item_trace(item.id)) for item in snapshot.items)))
    return tuple([_turn(snapshot, item, clock) for item in snapshot.items if _is_turn(item)])


def _is_turn(item: Item) -> bool:
    return item.type in ("message", "force_message") and (bool(item.content) or item.status == IN_PROGRESS)


def _turn(snapshot: Snapshot, item: Item, clock: _Clock) -> Turn:
    trace = snapshot.item_trace(item.id)
    start_ms, end_ms = trace.start_ms, trace.end_ms
    reading = _reading(trace)
    if reading is not None:
        clock.set(*reading)
    elif start_ms is None and trace.first_audio_at is not None:
        start_ms, end_ms = clock.play(item, trace.first_audio_at)
    text = _text(item.content)
    return Turn(
        item.role,
        text,
        item.id,
        _status(snapshot, item, text),
        heard=text,
        generated=_joined([_generated(part) for part in item.content]),
        start_ms=start_ms,
        end_ms=end_ms,
        started_at=trace.started_at,
        ended_at=trace.ended_at,
    )


def _reading(trace: ItemTrace) -> tuple[float, float] | None:
    """Return where the audio clock stood at a time of arrival, as the user's speech tells; None: it does not.

    The server announces the end of speech as it hears it, and the beginning a little later.
    """
    if trace.start_ms is not None and trace.end_ms is not None and trace.speech_stopped_at is not None:
        return trace.end_ms, trace.speech_stopped_at
    if trace.start_ms is not None and trace.started_at is not None:
        return trace.start_ms, trace.started_at
    return None


class _Clock:
    """Where the session's audio clock stood at a time of arrival, as when the user was last heard.

    Until the user was heard, as when that was for the first time: the clock runs while nobody speaks.
    """

    def __init__(self, readings: Iterable[tuple[float, float]]) -> None:
        self._offset_ms: float | None = None
        self._played: tuple[str | None, int] = (None, 0)
        for reading in islice(readings, 1):
            self.set(*reading)

    def set(self, ms: float, at: float) -> None:
        self._offset_ms = ms - at * 1000

    def play(self, item: Item, at: float) -> tuple[float | None, float | None]:
        """Return when an item of the model's was played whose audio began to arrive at some time."""
        stood = math.nan if self._offset_ms is None else at * 1000 + self._offset_ms
        if not 0 <= stood < math.inf:
            return None, None
        start = round(stood)
        response_id, end = self._played
        if item.response_id is not None and item.response_id == response_id:
            start = max(start, end)
        end = start + played_ms(item)
        self._played = item.response_id, end
        return start, end


def _status(snapshot: Snapshot, item: Item, text: str | None) -> TurnStatus:
    if any(part.truncated for part in item.content) or _was_cancelled(snapshot, item):
        return "interrupted"
    transcriptions = [part.transcription.status for part in item.content if part.transcription]
    if "failed" in transcriptions:
        return "failed"
    if item.content and all(part.final or _is_over(item, part) for part in item.content):
        return "final"
    return "pending" if text is None else "partial"


def _is_over(item: Item, part: Part) -> bool:
    """Tell whether a part that this library does not know, and cannot call final, has ended all the same."""
    return item.status != IN_PROGRESS and part.type is not None and part.type not in PART_TYPES


def _was_cancelled(snapshot: Snapshot, item: Item) -> bool:
    response = None if item.response_id is None else snapshot.response(item.response_id)
    return item.status == INCOMPLETE and response is not None and response.status == "cancelled"


def _text(parts: tuple[Part, ...]) -> str | None:
    return _joined([_said(part) for part in parts])


def _said(part: Part) -> str | None:
    """Return what a part says; of one that was cut off it is the transcript that was."""
    if part.truncated is not None or part.text is None:
        return part.transcript
    return part.text or part.transcript or part.text


def _generated(part: Part) -> str | None:
    return _said(part) if part.truncated is None else part.truncated.generated_transcript


def _joined(texts: list[str | None]) -> str | None:
    """Return the texts of a message's parts as one, None where there is none at all."""
    told = [text for text in texts if text is not None]
    return " ".join(filter(None, told)) if told else None


def played_ms(item: Item) -> int:
    """Return how long a message's audio was, as far as it was played."""
    return sum(part.truncated.audio_end_ms if part.truncated else part.audio_ms or 0 for part in item.content)
