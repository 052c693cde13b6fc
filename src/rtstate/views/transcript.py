"""The transcript: who said what, in the order of the conversation, and how much of it was heard."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from rtstate._model import PART_TYPES, Item, Part
from rtstate._types import IN_PROGRESS, Json
from rtstate.document import Snapshot, expect_snapshot
from rtstate.views._placed import UNKNOWN, Span, placed, was_cancelled

TurnStatus: TypeAlias = Literal["pending", "partial", "final", "failed", "interrupted"]


@attrs.frozen
class Turn:
    """One message of a transcript.

    ``text`` is what counts as said: of an interrupted answer what was heard, an estimate. ``heard`` and
    ``generated`` are both texts of a message that was cut off; of any other they are the text itself.
    ``status``: ``pending`` (nothing is known yet), ``partial`` (more may come), ``final``, ``failed`` (the
    transcription did), ``interrupted`` (cut off, or cancelled before its end). An answer that stopped short
    for another reason (the limit of tokens, an error, a lost connection) is ``final``: nothing more of it
    comes, and its item is ``incomplete``.

    ``start_ms`` and ``end_ms`` are on the session's audio clock, where voice activity detection told the
    user's; the model's follow from the times of arrival, and its messages are played one after the other,
    until they were cut off or cancelled. ``started_at`` and ``ended_at`` are those times, in the caller's
    seconds. None: unknown.
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

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return attrs.asdict(self)


def transcript(snapshot: Snapshot) -> tuple[Turn, ...]:
    """Return the messages of the default conversation as turns, first to last whatever order they came in.

    Messages without content that nothing more can come of are left out; calls, their outputs and MCP items
    are no turns. A translation session has no messages and so no turns: what it said is in
    ``snapshot.translation``. Cost: O(n).

    >>> from rtstate import replay, simulate
    >>> turn = transcript(replay(simulate.example().events).snapshot())[5]
    >>> turn.status, turn.text, turn.generated[44:]
    ('interrupted', "Thank you, I've found it. Your lamp left our", ' warehouse on Friday')
    """
    expect_snapshot(snapshot)
    spans = placed(snapshot)
    return tuple(
        [_turn(snapshot, item, spans.get(item.id, UNKNOWN)) for item in snapshot.items if _is_turn(item)]
    )


def _is_turn(item: Item) -> bool:
    return item.type in ("message", "force_message") and (bool(item.content) or item.status == IN_PROGRESS)


def _turn(snapshot: Snapshot, item: Item, span: Span) -> Turn:
    trace = snapshot.item_trace(item.id)
    text = _text(item.content)
    return Turn(
        item.role,
        text,
        item.id,
        _status(snapshot, item, text),
        heard=text,
        generated=_joined([_generated(part) for part in item.content]),
        start_ms=span[0],
        end_ms=span[1],
        started_at=trace.started_at,
        ended_at=trace.ended_at,
    )


def was_interrupted(snapshot: Snapshot, item: Item) -> bool:
    """Tell whether a message was cut off, or cancelled before its end."""
    return any(part.truncated for part in item.content) or was_cancelled(snapshot, item)


def _status(snapshot: Snapshot, item: Item, text: str | None) -> TurnStatus:
    if was_interrupted(snapshot, item):
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
