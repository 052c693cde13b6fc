"""The conversation as captions: WebVTT and SRT, written by webvtt-py."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from rtstate._heard import CHARACTERS_PER_SECOND
from rtstate._types import ItemId
from rtstate.document import Snapshot
from rtstate.exports._common import LeftOut, Reason
from rtstate.exports._people import lines, speaker
from rtstate.views._placed import Reading, Session, Span, sessions, spans
from rtstate.views.transcript import Turn, transcript

if TYPE_CHECKING:
    from webvtt import WebVTT

_LATEST_MS: Final = 99 * 3_600_000
"""Longer than any call, and the hours of SRT have two digits: what is beyond it is no time."""
_SHORTEST_MS: Final = 500
_IDENTIFIER: Final = re.compile(r"[\w.:-]+", re.ASCII)
_Time: TypeAlias = tuple[float, float]
"""When a turn begins and ends."""
_NO_MARKUP: Final = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})
"""SRT has no escapes, and players read tags in ``<>`` and ``{}``."""


def webvtt(snapshot: Snapshot, *, speakers: Mapping[str, str] | None = None) -> str:
    """Return the transcript as WebVTT, a turn a cue, each in the voice of its speaker: ``<v User>Hello``.

    Times are those of the session's audio clock, so they fit a recording of its input; where the server tells
    none (xAI, push to talk), those of arrival, from the first message on. A session that follows a reconnect
    goes on after the one before it. Cues come by their beginnings, and overlap where two speak at once. A
    turn of which only the beginning or only the end is known lasts as long as its words take to say, and none
    less than half a second. Of a turn that was cut off it is what was heard. No turn is split: nobody told
    when its words were said.

    What has no time or no words is left out, and :func:`left_out_of_captions` lists it: what was typed, and,
    where events came without their times (``feed(event, at=…)``), all but the user's turns that voice
    activity detection timed. ``speakers`` has names by role. The identifier of a cue is its item's.
    Needs the extra ``rtstate[captions]``. Cost: O(n log n), and the texts' lengths.

    >>> from rtstate import replay, simulate
    >>> snapshot = replay(simulate.example().lines(timed=True)).snapshot()
    >>> print("".join(webvtt(snapshot, speakers={"assistant": "Nora"}).splitlines(True)[:5]))
    WEBVTT
    <BLANKLINE>
    item_...
    00:00:...
    <v Nora>Hello, this is Nora from Lumen Home. How can I help you today?
    <BLANKLINE>
    """
    return _file(
        (cue, f"<v {escape(name, quote=False)}>" + escape("\n".join(words), quote=False), cue.turn.item_id)
        for cue in _cues(snapshot)
        for name, words in [(speaker(cue.turn.role, speakers), lines(cue.turn.text))]
    ).content


def srt(snapshot: Snapshot, *, speakers: Mapping[str, str] | None = None) -> str:
    """Return the transcript as SRT (SubRip), a turn a cue, that begins with its speaker: ``User: Hello``.

    Cues and their times are those of :func:`webvtt`. SRT has no way to escape what players read as tags, so
    ``<>`` become ``‹›`` and ``{}`` become ``()``. Needs the extra ``rtstate[captions]``. Cost: O(n log n),
    and the texts' lengths.
    """
    made = io.StringIO()
    _file(
        (cue, f"{speaker(cue.turn.role, speakers)}: {words}".translate(_NO_MARKUP), None)
        for cue in _cues(snapshot)
        for words in ["\n".join(lines(cue.turn.text))]
    ).write(made, format="srt")
    text = made.getvalue()
    return text and f"{text}\n"


def left_out_of_captions(snapshot: Snapshot) -> tuple[LeftOut, ...]:
    """Return the turns that captions leave out, in conversation order, and why. Cost: O(n).

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_text", "text": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> left_out_of_captions(conversation.snapshot())
    (LeftOut(item_id='item_1', reason='no_time', content_index=None),)
    """
    found: list[LeftOut] = []
    for turn, time in _timed(snapshot):
        reason = _why_not(turn, time)
        if reason is not None:
            found.append(LeftOut(turn.item_id, reason))
    return tuple(found)


@attrs.frozen
class _Cue:
    """A turn, and when it is on the screen."""

    start_ms: int
    end_ms: int
    turn: Turn


def _why_not(turn: Turn, time: _Time | None) -> Reason | None:
    """Return why a turn is no cue; None if it is one."""
    if lines(turn.text):
        return "no_time" if time is None else None
    if turn.text is None:
        return "no_transcript"
    return "unheard" if turn.status == "interrupted" and lines(turn.generated) else "empty"


def _cues(snapshot: Snapshot) -> list[_Cue]:
    """Return the cues of all sessions on one clock, by their beginnings."""
    cues = [
        _Cue(round(time[0]), round(time[1]), turn)
        for turn, time in _timed(snapshot)
        if time is not None and lines(turn.text)
    ]
    return sorted(cues, key=lambda cue: cue.start_ms)


def _timed(snapshot: Snapshot) -> list[tuple[Turn, _Time | None]]:
    """Return the turns, and when each begins and ends on one clock for all sessions; None: unknown."""
    turns = {turn.item_id: turn for turn in transcript(snapshot)}
    times: dict[ItemId, _Time | None] = {}
    clock = _OneClock()
    for session in sessions(snapshot):
        told: dict[ItemId, _Time] = {}
        for item_id, span in spans(snapshot, session):
            time = _whole(turns[item_id], span, session) if item_id in turns else None
            if time is not None:
                told[item_id] = time
        clock.begin(session, [start for start, _ in told.values()])
        times.update({item_id: clock.read(time) for item_id, time in told.items()})
    return [(turn, times.get(item_id)) for item_id, turn in turns.items()]


def _whole(turn: Turn, span: Span, session: Session) -> _Time | None:
    """Return when a turn begins and ends; where one of them is unknown, by the length of its words."""
    start, end = span
    length = len(turn.text or "") * 1000 // CHARACTERS_PER_SECOND
    if start is None:
        if end is None:
            return None
        start = end - max(length, _SHORTEST_MS)
        if session.is_audio and start < 0 <= end:
            start = 0
    elif end is None or not start <= end <= start + _LATEST_MS:
        end = start + length
    return start, max(end, start + _SHORTEST_MS)


class _OneClock:
    """One clock for several sessions, which each have their own.

    That of a new session began when the times of arrival say, and where there are none directly after the
    last turn of the session before.
    """

    def __init__(self) -> None:
        self._shift_ms: float = 0
        self._last: Reading | None = None
        self._end_ms: float = 0

    def begin(self, session: Session, starts: list[float]) -> None:
        """Set where a session stands; ``starts`` are when its turns began."""
        zero = 0 if session.is_audio else min([*starts, *(each.ms for each in session.readings)], default=0)
        self._shift_ms = self._end_ms - zero
        if session.readings:
            first, last = session.readings[0], session.readings[-1]
            passed = math.nan if self._last is None else (first.at - self._last.at) * 1000
            if self._last is not None and 0 <= passed <= _LATEST_MS:
                self._shift_ms = self._last.ms + passed - first.ms
            self._last = Reading(last.ms + self._shift_ms, last.at)

    def read(self, time: _Time) -> _Time | None:
        """Return when a turn begins and ends on the one clock; None where that is no time."""
        begins, ends = time[0] + self._shift_ms, time[1] + self._shift_ms
        if not 0 <= begins <= _LATEST_MS:
            return None
        self._end_ms = max(self._end_ms, ends)
        return begins, ends


def _file(told: Iterable[tuple[_Cue, str, str | None]]) -> WebVTT:
    """Return a file of cues, each with its text and its identifier."""
    try:
        from webvtt import Caption, WebVTT
        from webvtt.models import Timestamp
    except ModuleNotFoundError as missing:
        hint = "captions need webvtt-py: pip install 'rtstate[captions]'"
        raise ModuleNotFoundError(hint, name=missing.name) from None

    def stamp(milliseconds: int) -> str:
        return str(Timestamp.from_seconds(milliseconds / 1000))

    return WebVTT(
        captions=[
            Caption(
                stamp(cue.start_ms),
                stamp(cue.end_ms),
                text,
                identifier if identifier and _IDENTIFIER.fullmatch(identifier) else None,
            )
            for cue, text, identifier in told
        ]
    )
