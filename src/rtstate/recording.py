"""Recordings: sessions written down, one JSON event a line, and the state they lead to.

A line is an event, or ``{"at": seconds, "event": {...}}`` where the recorder noted the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from json import JSONDecoder
from math import isfinite
from typing import Any, Final, cast

from pydantic_core import from_json

from rtstate._types import AudioMode, Dialect
from rtstate.conversation import Conversation
from rtstate.wire import Raw

_WRAPPED: Final = re.compile(r'"event"\s*:\s*{')
_HEAD: Final = 300  # how far into a line the event of a wrapped one begins
_WRAPPED_BYTES: Final = re.compile(_WRAPPED.pattern.encode())
_BETWEEN: Final = re.compile(r"[ \t\n\r,:]*")  # the members of an object, and their names and values
_DECODER: Final = JSONDecoder(parse_int=str, parse_float=str)  # of numbers only their ends matter
_MARK: Final = "\ufeff"  # what some editors put before the first line


def unwrap(line: Raw) -> tuple[Raw, float | None]:
    """Return the event of a recorded line, and its time where the line has one.

    >>> unwrap('{"at": 1.5, "event": {"type": "ping"}}')
    ({'type': 'ping'}, 1.5)
    """
    wrapped: Any = line
    if isinstance(line, (str, bytes, bytearray)):
        if not (
            _WRAPPED.search(line, 0, _HEAD)
            if isinstance(line, str)
            else _WRAPPED_BYTES.search(line, 0, _HEAD)
        ):
            return line, None
        try:
            wrapped = from_json(line)
        except ValueError:
            return line, None
    if isinstance(wrapped, Mapping) and "type" not in wrapped:
        recorded = cast(Mapping[str, Any], wrapped)
        event, at = recorded.get("event"), recorded.get("at")
        if isinstance(event, Mapping):
            timed = isinstance(at, (int, float)) and not isinstance(at, bool)
            return cast(Mapping[str, Any], event), _seconds(at) if timed else None
    return line, None


def unwrap_raw(line: Raw) -> tuple[Raw, float | None]:
    """Return the event of a recorded line as it stands there, byte by byte, and its time where it has one.

    >>> unwrap_raw('{"at": 1.5, "event": {"type":"ping","timestamp":1e2}}')
    ('{"type":"ping","timestamp":1e2}', 1.5)
    """
    event, at = unwrap(line)
    if isinstance(line, (str, bytes, bytearray)) and isinstance(event, Mapping):
        begin, end = _where(line if isinstance(line, str) else line.decode("latin-1"))  # a character a byte
        return line[begin:end], at
    return event, at


def _where(wrapped: str) -> tuple[int, int]:
    """Return where the event of a wrapped line begins and ends: the last one, as for all that read JSON."""
    place, found = wrapped.index("{") + 1, (0, 0)
    while wrapped[begin := _past(wrapped, place)] != "}":
        name, place = _DECODER.raw_decode(wrapped, begin)
        begin = _past(wrapped, place)
        _, place = _DECODER.raw_decode(wrapped, begin)
        if name == "event":
            found = begin, place
    return found


def _past(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    assert found is not None  # it may be empty
    return found.end()


def _seconds(at: Any) -> float | None:
    """Return a time, None for one that no clock shows."""
    try:
        seconds = float(at)
    except OverflowError:
        return None
    return seconds if isfinite(seconds) else None


def replay(
    lines: Iterable[Raw],
    *,
    audio: AudioMode = "measure",
    dialect: Dialect = "auto",
    history: int = 1000,
    strict: bool = False,
) -> Conversation:
    """Return the conversation that a recording leads to.

    ``lines`` are events (JSON text, bytes or mappings), or wrapped as ``{"at": seconds, "event": {...}}``; an
    open file does. Empty lines and a byte order mark are passed over. The options are those of
    :class:`rtstate.Conversation`.

    >>> replay(['{"type": "ping"}']).stats.noted
    1
    """
    conversation = Conversation(audio=audio, dialect=dialect, history=history, strict=strict)
    for event, at in lines_of(lines):
        conversation.feed(event, at)
    return conversation


def lines_of(lines: Iterable[Raw]) -> Iterator[tuple[Raw, float | None]]:
    """Yield the events of a recording, each with its time where it has one; empty lines are passed over.

    A byte order mark before the first line is no part of it.
    """
    if isinstance(lines, (str, bytes, bytearray, Mapping)):
        raise TypeError("expected the lines of a recording, such as an open file, not one text")
    if hasattr(lines, "__fspath__"):
        raise TypeError(f"expected the lines of a recording, not its path: replay(open({str(lines)!r}))")
    for number, line in enumerate(lines):
        told = line if number else _unmarked(line)
        if not isinstance(told, (str, bytes, bytearray)) or told.strip():
            yield unwrap(told)


def _unmarked(line: Raw) -> Raw:
    if isinstance(line, str):
        return line.removeprefix(_MARK)
    return line.removeprefix(_MARK.encode()) if isinstance(line, (bytes, bytearray)) else line
