"""Play a recorded session to a client that is really there: the server's events, at the recorded pace."""

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from rtstate.simulate._checks import Refusal
from rtstate.simulate._requests import CLIENT_TYPES, parse
from rtstate.simulate._truth import Event

_GAP = 0.02  # seconds between two events of a recording without times
_APPEND = "input_audio_buffer.append"
_CREATE = "conversation.item.create"
_ANNOUNCED = ("conversation.item.added", "conversation.item.created")
_MORE_CLIENT_TYPES = frozenset({"transcription_session.update", "output_audio_buffer.clear"})


class Recorded(NamedTuple):
    """Hold an event of a recording and the seconds since the one before."""

    gap: float
    event: Event

    @property
    def by_client(self) -> bool:
        """Tell whether the client sent it."""
        return self.event["type"] in CLIENT_TYPES | _MORE_CLIENT_TYPES


def read_recording(lines: Iterable[str]) -> list[Recorded]:
    """Return the events of a recording: JSON, one a line, plain or as {"at": seconds, "event": {...}}.

    Raises ValueError, which names the line, for what is no event, and for a recording without any.

    >>> recorded = read_recording(['{"at": 1.0, "event": {"type": "session.created"}}'])
    >>> recorded[0].gap, recorded[0].event["type"]
    (0.0, 'session.created')
    """
    return list(_read(lines)) or _raise("there is no event in it")


def _read(lines: Iterable[str]) -> Iterator[Recorded]:
    before: float | None = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event, at = _unwrapped(parse(line))
        except Refusal as refusal:
            raise ValueError(f"line {number}: {refusal.message}") from None
        if not isinstance(event.get("type"), str):
            raise ValueError(f"line {number}: an event has a type, which is a text")
        first = before is None
        gap = 0.0 if first else _GAP if at is None else max(0.0, at - (before or 0.0))
        before = at if at is not None else before or 0.0
        yield Recorded(gap, event)


def _raise(message: str) -> Any:
    raise ValueError(message)


def _unwrapped(line: Event) -> tuple[Event, float | None]:
    event, at = line.get("event"), line.get("at")
    if "type" in line or not isinstance(event, dict):
        return line, None
    return cast(Event, event), float(at) if isinstance(at, (int, float)) else None


class Playback:
    """Serve one session from a recording, as a `Service` serves one from a script.

    Where the recording has an event of the client's, it goes on once the client has sent one of that kind, of
    audio as much as was recorded, or after `patience` seconds; with None it waits for ever. Items that the
    client names itself keep their names, and errors name the client's events. What follows the last event is
    silence.

    >>> playback = Playback(
    ...     read_recording(
    ...         ['{"type": "session.created"}', '{"type": "response.create"}', '{"type": "response.created"}']
    ...     )
    ... )
    >>> [event["type"] for event in playback.run(1.0)], playback.due
    (['session.created'], 5.02)
    >>> playback.take('{"type": "response.create"}', 2.0)
    >>> [event["type"] for event in playback.run(3.0)], playback.due
    (['response.created'], None)
    """

    ended: tuple[int, str] | None = None

    def __init__(self, recorded: Iterable[Recorded], patience: float | None = 5.0) -> None:
        self._recorded = tuple(recorded)
        self._patience = patience
        self._next = 0
        self._at = 0.0  # when the one before was due
        self._arrived = 0.0
        self._out: list[Event] = []
        self._came: dict[str, deque[Event]] = {}
        self._missed = Counter[str]()
        self._audio = 0  # characters of base64 that came and were not asked for yet
        self._mute = False
        self._names: dict[str, str] = {}

    @property
    def due(self) -> float | None:
        """Give when there is more to send, or no more patience; None at the end."""
        if self._next >= len(self._recorded):
            return None
        recorded = self._recorded[self._next]
        if not recorded.by_client:
            return self._at + recorded.gap
        if self._has(recorded.event):
            return self._at
        return None if self._patience is None else self._at + recorded.gap + self._patience

    def run(self, now: float) -> list[Event]:
        """Return what is to be sent up to now, in order."""
        self._go_on(now)
        events, self._out = self._out, []
        return events

    def take(self, frame: str | bytes | Mapping[str, Any], now: float) -> None:
        """Take a client event; what is none is answered as the API answers it."""
        self._go_on(now)
        self._arrived = now
        try:
            event = parse(frame)
        except Refusal as refusal:
            error = {"type": "invalid_request_error", "code": refusal.code, "message": refusal.message}
            self._out.append({"type": "error", "error": {**error, "param": None, "event_id": None}})
            return
        kind = str(event.get("type"))
        if kind == _APPEND:
            self._mute = False
            self._audio += _length(event)
        elif self._missed[kind]:
            self._missed[kind] -= 1  # late: the recording has gone on without it
        else:
            self._came.setdefault(kind, deque(maxlen=1000)).append(event)

    def _go_on(self, now: float) -> None:
        while (due := self.due) is not None and due <= now:
            recorded = self._recorded[self._next]
            self._next += 1
            if not recorded.by_client:
                self._at = due
                self._out.append(self._renamed(recorded.event))
            elif self._has(recorded.event):
                self._at = max(self._at, self._arrived)
                self._meet(recorded.event)
            else:
                self._at = due
                self._miss(recorded.event["type"])

    def _has(self, wanted: Event) -> bool:
        if wanted["type"] == _APPEND:
            return self._mute or self._audio >= _length(wanted)
        return bool(self._came.get(wanted["type"]))

    def _meet(self, wanted: Event) -> None:
        """Take the client's event for the recorded one, and its names for those recorded."""
        if wanted["type"] == _APPEND:
            self._audio = max(0, self._audio - _length(wanted))
            return
        came = self._came[wanted["type"]].popleft()
        self._name(wanted.get("event_id"), came.get("event_id"))
        if wanted["type"] == _CREATE and isinstance(came.get("item"), dict):
            self._name(wanted.get("item", {}).get("id") or self._announced(), came["item"].get("id"))

    def _announced(self) -> str | None:
        """Return the id under which the server announces what the client has just created."""
        items = (
            each.event["item"] for each in self._recorded[self._next :] if each.event["type"] in _ANNOUNCED
        )
        return next((item.get("id") for item in items if item.get("id") not in self._names), None)

    def _name(self, recorded: Any, given: Any) -> None:
        if isinstance(recorded, str) and isinstance(given, str) and recorded and given:
            self._names[recorded] = given

    def _miss(self, kind: str) -> None:
        if kind == _APPEND:
            self._mute = True
        else:
            self._missed[kind] += 1

    def _renamed(self, event: Event) -> Event:
        return cast(Event, _replaced(event, self._names)) if self._names else event


def _length(event: Event) -> int:
    audio = event.get("audio")
    return len(audio) if isinstance(audio, str) else 0


def _replaced(value: Any, names: Mapping[str, str]) -> Any:
    """Return a JSON value with other names in it."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(inner, names) for key, inner in cast(Event, value).items()}
    if isinstance(value, list):
        return [_replaced(inner, names) for inner in cast("list[Any]", value)]  # type: ignore[redundant-cast]
    return value


def lines_of(timed: Iterable[tuple[float, Event]]) -> Iterator[str]:
    """Yield timed events as the lines of a recording."""
    for at, event in timed:
        yield json.dumps({"at": at, "event": event}, ensure_ascii=False)
