"""Speech of which it is known when each word begins: eSpeak NG says so while it speaks.

The library comes in a wheel (``espeakng-loader``) and is called as its header ``speak_lib.h`` has it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, Final

import attrs
import espeakng_loader  # type: ignore[import-untyped]

_SYNCHRONOUS: Final = 2  # AUDIO_OUTPUT_SYNCHRONOUS: all samples have gone to the callback on return
_UTF8: Final = 1
_RATE: Final = 1  # espeakRATE: words a minute
_WORD: Final = 1  # the type of event that begins a word


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Callback: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@attrs.frozen
class Word:
    """One word of a text: where it stands there, and when it is spoken."""

    start: int
    end: int
    start_ms: float
    end_ms: float


@attrs.frozen
class Speech:
    """A text, spoken."""

    text: str
    words: tuple[Word, ...]
    ms: float

    def heard(self, ms: float) -> int:
        """Return how many words have been spoken to their end."""
        return sum(word.end_ms <= ms for word in self.words)

    def then(self, other: Speech, pause_ms: float) -> Speech:
        """Return the speech that goes on with another one after a pause, which belongs to the last word."""
        shift, later = len(self.text) + 1, self.ms + pause_ms
        last = attrs.evolve(self.words[-1], end_ms=self.ms)
        moved = [
            Word(word.start + shift, word.end + shift, word.start_ms + later, word.end_ms + later)
            for word in other.words
        ]
        return Speech(f"{self.text} {other.text}", (*self.words[:-1], last, *moved), later + other.ms)


class _Voice:
    """The synthesizer, of which a process has one."""

    def __init__(self) -> None:
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        folder = espeakng_loader.get_data_path().encode()
        self._rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, folder, 0)
        if self._rate <= 0:
            raise RuntimeError("eSpeak NG does not start")
        self._samples = 0
        self._begun: list[tuple[int, int]] = []
        self._callback = _Callback(self._take)  # kept: the library calls it for as long as it lives
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, _: Any, count: int, events: Any) -> int:
        self._samples += count
        at = 0
        while events[at].type:
            if events[at].type == _WORD:
                self._begun.append((events[at].text_position - 1, events[at].audio_position))
            at += 1
        return 0

    def say(self, text: str, voice: str, words_per_minute: int) -> Speech:
        self._samples, self._begun = 0, []
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"eSpeak NG has no voice {voice!r}")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        raw = text.encode()
        self._library.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, _UTF8, None, None)
        ms = self._samples * 1000 / self._rate
        return Speech(text, tuple(_words(text, self._begun, ms)), ms)


def _words(text: str, begun: Sequence[tuple[int, int]], ms: float) -> Iterator[Word]:
    """Yield the words between spaces: a number, say, is several to the synthesizer."""
    spans: list[tuple[int, int, float]] = []
    for word in text.split():
        start = text.index(word, spans[-1][1] if spans else 0)
        end = start + len(word)
        at = next((at for position, at in begun if start <= position < end), spans[-1][2] if spans else 0)
        spans.append((start, end, at))
    for (start, end, at), (*_, until) in pairwise([*spans, (0, 0, ms)]):
        yield Word(start, end, at, until)


@cache
def _synthesizer() -> _Voice:
    return _Voice()


@cache
def say(text: str, voice: str = "en-us", words_per_minute: int = 165) -> Speech:
    """Return a text as a voice speaks it."""
    return _synthesizer().say(text, voice, words_per_minute)
