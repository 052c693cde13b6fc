"""When each message was to be heard: one walk for all views, so that none of them contradicts another.

Each session has an audio clock of its own. The server tells it of the user's speech, and so ties it to the
times of arrival, from which that of the model follows. There is one player, and it plays one message after
the other: servers send speech faster than it is played.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from rtstate._model import Item
from rtstate._trace import ItemTrace
from rtstate._types import INCOMPLETE, ItemId
from rtstate.document import Snapshot

Span: TypeAlias = tuple[float | None, float | None]
"""When something begins and ends, in milliseconds; None: unknown."""
UNKNOWN: Span = (None, None)


@attrs.frozen
class Reading:
    """Where a clock stood, in milliseconds, at a time of arrival."""

    ms: float
    at: float


@attrs.frozen
class Session:
    """Items that share a clock.

    It is the session's audio clock, where the server told anything of that; else ``is_audio`` is False, and
    it is the clock of arrival. ``readings`` are in the order of the items.
    """

    items: tuple[tuple[Item, ItemTrace], ...]
    readings: tuple[Reading, ...]
    is_audio: bool


class Player:
    """What plays the model's speech: each message as far as it was heard, none before the last is through.

    All times and lengths are in one unit, whichever.
    """

    def __init__(self) -> None:
        self._through = -math.inf

    def play(self, arrived: float, length: float, stopped: float = math.inf) -> tuple[float, float]:
        """Return when speech begins and ends that began to arrive at a time, and may have been stopped."""
        begins = max(arrived, self._through)
        self._through = max(begins, min(begins + length, stopped))
        return begins, self._through


def placed(snapshot: Snapshot) -> dict[ItemId, Span]:
    """Return when each item was, on the audio clock of its session. Cost: O(n)."""
    return {
        item_id: span if span[0] is None or span[0] >= 0 else UNKNOWN
        for session in sessions(snapshot)
        if session.is_audio
        for item_id, span in spans(snapshot, session)
    }


def sessions(snapshot: Snapshot) -> Iterator[Session]:
    """Yield the sessions that a conversation was held in, first to last. Cost: O(n).

    A snapshot may have forgotten which they were; then a user who speaks earlier than before begins one.
    """
    items: list[tuple[Item, ItemTrace]] = []
    number, begun = 0, -math.inf
    for item in snapshot.items:
        trace = snapshot.item_trace(item.id)
        start = begun if trace.start_ms is None else trace.start_ms
        if trace.session != number or start < begun:
            yield _session(items)
            items = []
            start = -math.inf if trace.start_ms is None else trace.start_ms
        number, begun = trace.session, start
        items.append((item, trace))
    yield _session(items)


def _session(items: list[tuple[Item, ItemTrace]]) -> Session:
    traces = [trace for _, trace in items]
    is_audio = any(trace.start_ms is not None or trace.end_ms is not None for trace in traces)
    found = [_reading(trace) if is_audio else _arrival(trace) for trace in traces]
    return Session(tuple(items), tuple([each for each in found if each is not None]), is_audio)


def _reading(trace: ItemTrace) -> Reading | None:
    """Return what the user's speech tells of the audio clock; None: nothing.

    The server announces the end of speech as it hears it, and the beginning a little later.
    """
    if trace.start_ms is not None and trace.end_ms is not None and trace.speech_stopped_at is not None:
        return Reading(trace.end_ms, trace.speech_stopped_at)
    if trace.start_ms is not None and trace.started_at is not None:
        return Reading(trace.start_ms, trace.started_at)
    return None


def _arrival(trace: ItemTrace) -> Reading | None:
    at = trace.started_at
    return None if at is None or not math.isfinite(at) else Reading(at * 1000, at)


def spans(snapshot: Snapshot, session: Session) -> Iterator[tuple[ItemId, Span]]:
    """Yield when each item of a session was, on its clock.

    A reading counts from its item on, the first one before it too: the clock runs while nobody speaks.
    """
    player = Player()
    clock = session.readings[0] if session.readings else Reading(math.nan, 0)
    for item, trace in session.items:
        clock = (_reading(trace) if session.is_audio else None) or clock
        yield item.id, _span(snapshot, item, trace, clock, player)


def _span(snapshot: Snapshot, item: Item, trace: ItemTrace, clock: Reading, player: Player) -> Span:
    if trace.start_ms is not None or trace.end_ms is not None:
        return trace.start_ms, trace.end_ms
    if trace.first_audio_at is not None:
        arrived = _read(clock, trace.first_audio_at)
        if arrived is None:
            return UNKNOWN
        stopped = _read(clock, stopped_at(snapshot, item, trace))
        return player.play(arrived, played_ms(item), math.inf if stopped is None else stopped)
    if trace.speech_stopped_at is None:
        return UNKNOWN
    return _read(clock, trace.started_at if has_begin(trace) else None), _read(clock, trace.speech_stopped_at)


def _read(clock: Reading, at: float | None) -> int | None:
    """Return where a clock stood at a time of arrival."""
    ms = math.nan if at is None else clock.ms + (at - clock.at) * 1000
    return round(ms) if math.isfinite(ms) else None


def has_begin(trace: ItemTrace) -> bool:
    """Tell whether the beginning of speech was told: what is only committed has its end alone."""
    return trace.start_ms is not None or trace.started_at != trace.speech_stopped_at


def stopped_at(snapshot: Snapshot, item: Item, trace: ItemTrace) -> float:
    """Return when a message was cancelled; infinity where it was not, or it was told how much was played."""
    told = any(part.truncated for part in item.content)
    if told or trace.ended_at is None or not was_cancelled(snapshot, item):
        return math.inf
    return trace.ended_at


def was_cancelled(snapshot: Snapshot, item: Item) -> bool:
    """Tell whether a message was cancelled before its end."""
    response = None if item.response_id is None else snapshot.response(item.response_id)
    return item.status == INCOMPLETE and response is not None and response.status == "cancelled"


def played_ms(item: Item) -> int:
    """Return how long a message's audio was, as far as it was played."""
    return sum(part.truncated.audio_end_ms if part.truncated else part.audio_ms or 0 for part in item.content)
