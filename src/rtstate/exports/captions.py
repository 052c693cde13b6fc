"""The conversation as captions: WebVTT and SRT, written by webvtt-py."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Final

import attrs

from rtstate._heard import CHARACTERS_PER_SECOND
from rtstate.document import Snapshot
from rtstate.exports._common import LeftOut, Reason
from rtstate.exports._people import lines, speaker
from rtstate.views.transcript import Turn, played_ms, transcript

if TYPE_CHECKING:
    from webvtt import WebVTT

_LATEST_MS: Final = 99 * 3_600_000
"""Longer than any session, and the hours of SRT have two digits: what is beyond it is no time."""
_SHORTEST_MS: Final = 500
_IDENTIFIER: Final = re.compile(r"[\w.:-]+", re.ASCII)
_NO_MARKUP: Final = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})
"""SRT has no escapes, and players read tags in ``<>`` and ``{}``."""


def webvtt(snapshot: Snapshot, *, speakers: Mapping[str, str] | None = None) -> str:
    """Return the transcript as WebVTT, a turn a cue, each in the voice of its speaker: ``<v User>Hello``.

    Times are those of the session's audio clock, so they fit a recording of its input; where the server tells
    none (xAI), those of arrival, from the first message on. A session that follows a reconnect goes on after
    the one before it. Cues come by their beginnings, and overlap where two speak at once. A turn whose end is
    unknown lasts as long as its words take to say, and none less than half a second. Of a turn that was cut
    off it is what was heard. No turn is split: nobody told when its words were said.

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
    for turn in _turns(snapshot):
        reason = _why_not(turn)
        if reason is not None:
            found.append(LeftOut(turn.item_id, reason))
    return tuple(found)


@attrs.frozen
class _Cue:
    """A turn, and when it is on the screen."""

    start_ms: int
    end_ms: int
    turn: Turn


def _why_not(turn: Turn) -> Reason | None:
    """Return why a turn is no cue; None if it is one."""
    if lines(turn.text):
        return None if _has_time(turn) else "no_time"
    if turn.text is None:
        return "no_transcript"
    return "unheard" if turn.status == "interrupted" and lines(turn.generated) else "empty"


def _has_time(turn: Turn) -> bool:
    return turn.start_ms is not None and 0 <= turn.start_ms <= _LATEST_MS


def _turns(snapshot: Snapshot) -> tuple[Turn, ...]:
    """Return the turns of a transcript, by the times of arrival where no audio clock is known."""
    turns = transcript(snapshot)
    times = [turn.started_at for turn in turns if turn.started_at is not None]
    if not times or any(turn.start_ms is not None for turn in turns):
        return turns
    return tuple([_by_arrival(snapshot, turn, min(times)) for turn in turns])


def _by_arrival(snapshot: Snapshot, turn: Turn, begun: float) -> Turn:
    item, trace = snapshot.item(turn.item_id), snapshot.item_trace(turn.item_id)
    if item is not None and trace.first_audio_at is not None:
        start = (trace.first_audio_at - begun) * 1000
        return attrs.evolve(turn, start_ms=start, end_ms=start + played_ms(item))
    if trace.started_at is not None and trace.speech_stopped_at is not None:
        start, end = (trace.started_at - begun) * 1000, (trace.speech_stopped_at - begun) * 1000
        return attrs.evolve(turn, start_ms=start, end_ms=end)
    return turn


def _cues(snapshot: Snapshot) -> list[_Cue]:
    """Return the cues of all sessions on one clock, by their beginnings."""
    clock = _OneClock()
    timed = [(turn, *clock.read(turn)) for turn in _turns(snapshot) if _has_time(turn)]
    cues = [_Cue(begins, ends, turn) for turn, begins, ends in timed if lines(turn.text)]
    return sorted(cues, key=lambda cue: cue.start_ms)


class _OneClock:
    """One clock for several sessions: the audio clock of each begins at 0.

    A new session shows by the user, who speaks earlier than before. Its clock began when the times of arrival
    say, and where there are none directly after the last turn of the session before.
    """

    def __init__(self) -> None:
        self._shift_ms = 0
        self._last: Turn | None = None
        self._end_ms = 0

    def read(self, turn: Turn) -> tuple[int, int]:
        """Return when a turn begins and ends."""
        start = turn.start_ms or 0
        if turn.role == "user":
            if self._last is not None and start < (self._last.start_ms or 0):
                self._shift_ms = self._begun(turn, self._last)
            self._last = turn
        begins = round(start) + self._shift_ms
        ends = begins + max(_length(turn), _SHORTEST_MS)
        self._end_ms = max(self._end_ms, ends)
        return begins, ends

    def _begun(self, turn: Turn, last: Turn) -> int:
        """Return where the clock of a new session begins on this one."""
        if turn.started_at is not None and last.started_at is not None:
            passed = (turn.started_at - last.started_at) * 1000
            if 0 <= passed <= _LATEST_MS:
                return round((last.start_ms or 0) + self._shift_ms + passed - (turn.start_ms or 0))
        return self._end_ms


def _length(turn: Turn) -> int:
    """Return how long a turn is, by its words where its end is not known."""
    start, end = turn.start_ms or 0, turn.end_ms
    if end is not None and start < end <= 2 * _LATEST_MS:
        return round(end - start)
    return len(turn.text or "") * 1000 // CHARACTERS_PER_SECOND


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
