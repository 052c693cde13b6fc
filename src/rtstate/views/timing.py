"""How quickly a conversation went: from the end of the user's speech to the answer, turn by turn."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import attrs

from rtstate._json import thaw
from rtstate._model import Item
from rtstate._trace import ItemTrace
from rtstate._types import ItemId, Json
from rtstate.document import Snapshot, expect_snapshot
from rtstate.views._placed import Player, has_begin, stopped_at
from rtstate.views.transcript import transcript

NO_SPEECH: Final = "the user has not spoken"
NO_TIMES: Final = "the user's speech has no times: give them with the events, feed(event, at=seconds)"
NO_ANSWER: Final = "nothing that the user said was answered"
NO_AUDIO: Final = (
    "no audio of an answer was seen: it was written, or came on a track of its own (WebRTC, SIP)"
)


@attrs.frozen
class Percentiles:
    """How some durations are spread, in seconds.

    Between two of them a percentile lies on the straight line from the one to the other (the ``inclusive``
    method of ``statistics.quantiles``, which spreadsheets and NumPy use too); of a single one all are that
    one.
    """

    count: int
    lowest: float
    p50: float
    p90: float
    p95: float
    highest: float


@attrs.frozen
class TurnTiming:
    """One turn: the user speaks, and is answered. Durations are in seconds, None where they are not known.

    - ``item_id``: what the user said; ``answer_ids``: the assistant's messages from there to the user's next
      message. Speech that was taken up again before anything was answered is a turn of its own, without an
      answer.
    - ``ended_at``: when the end of the speech was told (``speech_stopped``, else ``committed``), on the clock
      of the caller. Latencies count from there.
    - ``speech``: how long the user spoke, on the audio clock of the session, by voice activity detection:
      with the padding before, and the silence that told the end. Without that clock, by times of arrival.
    - ``first_text`` and ``first_audio``: from ``ended_at`` to the arrival of the first text and the first
      audio of the answer. The silence that the server waits for to be sure of the end comes before, and is
      not in it; a call of a tool in between is. None where it arrived before the end: it answers no question.
    - ``generated``: how long the answer's speech is; ``heard``: what is left of it where it was cut off. None
      where no audio was seen.
    - ``interrupted``: the answer was cut off, or cancelled before its end.
    - ``barged_in``: the user began to speak before the assistant was through; ``overlap``: for how long both
      were to be heard, until the assistant was through or cut off. Both are estimates: speech is taken to be
      played from when its first audio arrived, without a pause, one message after the other, until it was cut
      off or cancelled. None where the user's beginning, or the assistant's last speech before it in the same
      session, has no time or no length.
    """

    item_id: ItemId
    answer_ids: tuple[ItemId, ...] = ()
    ended_at: float | None = None
    speech: float | None = None
    first_text: float | None = None
    first_audio: float | None = None
    generated: float | None = None
    heard: float | None = None
    interrupted: bool = False
    barged_in: bool | None = None
    overlap: float | None = None


@attrs.frozen
class Timing:
    """The turns in which the user spoke, and how their durations are spread; None where there are none.

    ``answered`` turns have an answer. ``interruptions`` is how many of all the assistant's messages were cut
    off or cancelled, ``barge_ins`` how often the user began to speak before the assistant was through: None
    where that is known of no turn.
    ``missing`` says what could not be measured, and why: nothing here is made up for it.
    """

    turns: tuple[TurnTiming, ...] = ()
    answered: int = 0
    interruptions: int = 0
    barge_ins: int | None = None
    speech: Percentiles | None = None
    first_text: Percentiles | None = None
    first_audio: Percentiles | None = None
    generated: Percentiles | None = None
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return thaw(attrs.asdict(self))  # type: ignore[no-any-return]


def timing(snapshot: Snapshot) -> Timing:
    """Return how long the user spoke and waited, turn by turn.

    It needs the times at which events came: ``conversation.feed(event, at=seconds)``, or a recording with
    ``{"at": seconds, "event": {...}}``. Cost: O(n log n).

    >>> from rtstate import Conversation, simulate
    >>> conversation = Conversation()
    >>> for at, event in simulate.example().timed:
    ...     _ = conversation.feed(event, at)
    >>> measured = timing(conversation.snapshot())
    >>> measured.answered, measured.interruptions, measured.first_audio.p50
    (6, 1, 0.734)
    """
    expect_snapshot(snapshot)
    messages = _messages(snapshot)
    turns = tuple(_turns(messages))
    return Timing(
        turns=turns,
        answered=sum(bool(turn.answer_ids) for turn in turns),
        interruptions=sum(each.interrupted for each in messages if not each.is_users),
        barge_ins=_told_sum(turn.barged_in for turn in turns),
        speech=_spread(turn.speech for turn in turns),
        first_text=_spread(turn.first_text for turn in turns),
        first_audio=_spread(turn.first_audio for turn in turns),
        generated=_spread(turn.generated for turn in turns),
        missing=tuple(_missing(turns)),
    )


@attrs.frozen
class _Message:
    """One message of the conversation, with what its timing follows from."""

    item: Item
    trace: ItemTrace
    interrupted: bool
    stopped_at: float

    @property
    def is_users(self) -> bool:
        return self.item.role == "user"

    @property
    def is_spoken(self) -> bool:
        return any(part.type in ("input_audio", "output_audio") for part in self.item.content)

    @property
    def generated_ms(self) -> int | None:
        return _told_sum(part.audio_ms for part in self.item.content)

    @property
    def heard_ms(self) -> int | None:
        return _told_sum(
            part.truncated.audio_end_ms if part.truncated and part.audio_ms is not None else part.audio_ms
            for part in self.item.content
        )


def _messages(snapshot: Snapshot) -> list[_Message]:
    messages: list[_Message] = []
    for turn in transcript(snapshot):
        item = snapshot.item(turn.item_id)
        assert item is not None, "a turn is one of its items"
        trace = snapshot.item_trace(item.id)
        interrupted = turn.status == "interrupted"
        messages.append(_Message(item, trace, interrupted, stopped_at(snapshot, item, trace)))
    return messages


def _turns(messages: list[_Message]) -> Iterator[TurnTiming]:
    """Yield the turns that begin with the user's speech, in the order of the conversation."""
    starts = [place for place, message in enumerate(messages) if message.is_users]
    played = _played(messages)
    for start, end in pairwise([*starts, len(messages)]):
        if messages[start].is_spoken:
            answer = [each for each in messages[start + 1 : end] if each.item.role == "assistant"]
            yield _turn(messages[start], answer, played[start])


def _turn(user: _Message, answer: list[_Message], played: _Played | None) -> TurnTiming:
    trace = user.trace
    began = trace.started_at if has_begin(trace) else None
    barged_in, overlap = None, None
    if played is not None and began is not None:
        barged_in, overlap = began < played.generated, _exact(max(0.0, played.heard - began))
    return TurnTiming(
        item_id=user.item.id,
        answer_ids=tuple([each.item.id for each in answer]),
        ended_at=trace.speech_stopped_at,
        speech=_speech(trace),
        first_text=_since(trace.speech_stopped_at, [each.trace.first_text_at for each in answer]),
        first_audio=_since(trace.speech_stopped_at, [each.trace.first_audio_at for each in answer]),
        generated=_in_seconds(_told_sum(each.generated_ms for each in answer)),
        heard=_in_seconds(_told_sum(each.heard_ms for each in answer)),
        interrupted=any(each.interrupted for each in answer),
        barged_in=barged_in,
        overlap=overlap,
    )


@attrs.frozen
class _Played:
    """When the assistant's speech so far had been played, as far as it was heard, and if it all had been."""

    heard: float
    generated: float


def _played(messages: list[_Message]) -> list[_Played | None]:
    """Return, for each message, when the assistant's speech before it had been played; None: unknown."""
    ends: list[_Played | None] = []
    last: _Played | None = None
    player, session = Player(), 0
    for each in messages:
        if each.trace.session != session:  # what the one before it had still to say is not played now
            player, last, session = Player(), None, each.trace.session
        ends.append(last)
        if not each.is_users and each.is_spoken:
            began, heard, generated = each.trace.first_audio_at, each.heard_ms, each.generated_ms
            if began is None or heard is None or generated is None:
                player, last = Player(), None
            else:
                begins, ends_at = player.play(began, heard / 1000, each.stopped_at)
                last = _Played(ends_at, begins + generated / 1000)
    return ends


def _speech(trace: ItemTrace) -> float | None:
    if trace.start_ms is not None and trace.end_ms is not None:
        return _in_seconds(trace.end_ms - trace.start_ms) if trace.end_ms >= trace.start_ms else None
    if not has_begin(trace):
        return None
    return _since(trace.started_at, [trace.speech_stopped_at])


def _since(start: float | None, times: Iterable[float | None]) -> float | None:
    """Return the seconds from a time to the first of others; None if it came before."""
    first = min([at for at in times if at is not None], default=None)
    return None if start is None or first is None or first < start else _exact(first - start)


def _told_sum(values: Iterable[int | None]) -> int | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def _in_seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else _exact(milliseconds / 1000)


def _exact(seconds: float) -> float:
    """Return seconds without what floating point adds to a difference."""
    return round(seconds, 6)


def _spread(values: Iterable[float | None]) -> Percentiles | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    twentieths = statistics.quantiles(known, n=20, method="inclusive") if len(known) > 1 else known * 19
    p50, p90, p95 = (_exact(twentieths[place]) for place in (9, 17, 18))
    return Percentiles(len(known), known[0], p50, p90, p95, known[-1])


def _missing(turns: tuple[TurnTiming, ...]) -> Iterator[str]:
    """Yield why there are no figures of a kind."""
    if not turns:
        yield NO_SPEECH
        return
    if all(turn.ended_at is None for turn in turns):
        yield NO_TIMES
    if not any(turn.answer_ids for turn in turns):
        yield NO_ANSWER
    elif all(turn.generated is None for turn in turns):
        yield NO_AUDIO
