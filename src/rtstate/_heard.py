"""How much of a spoken text was heard before it was cut off: an estimate, and it says so.

Neither the client's truncate event nor the server's answer carries text, so this is the client's own guess,
made of what is known best, and cut back to a whole word:

- The share of the audio that was heard, taken of the text by how long each letter takes to say: a digit is a
  word of its own, and the voice rests at a comma and at a full stop.
- No word is spoken before its text has come. Where servers send both in step, this finds the pauses.
- Servers send text ahead of its audio, and an answer that is cancelled keeps that text. So where a text needs
  far longer than its audio at an ordinary pace, it is spoken at an ordinary pace.
- Where no audio was seen (WebRTC and SIP carry it on a track of its own) the pace is the ordinary one too.

``docs/performance.md`` has the error of each in words, measured on synthetic speech.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, TypeAlias
from unicodedata import category, east_asian_width

from rtstate._growing import FrozenText, joined

CHARACTERS_PER_SECOND: Final = 15
"""An ordinary pace, with the pauses: about 150 words a minute."""
ORDINARY_MS: Final = 60
"""How long a letter takes at that pace, without them."""

Arrival: TypeAlias = tuple[int, int]
"""The text from this letter on came when so many milliseconds of audio had."""

_PAUSES: Final = {**dict.fromkeys(".!?…:;。！？：；", 6), **dict.fromkeys(",،、，—–", 4)}
_DIGIT: Final = 4
_WIDE: Final = 3  # a syllable of Chinese, Japanese or Korean
_UNSPACED: Final = (("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))
"""Thai and Lao, Burmese, Khmer: where their words end only a dictionary tells."""
_HANGUL: Final = (("\u1100", "\u11ff"), ("\uac00", "\ud7a3"))
_AHEAD: Final = 1.3
"""A text that needs so many times its audio at an ordinary pace is ahead of it."""
_SLACK_MS: Final = 300
"""How much a text may come later than its audio than the first of it did."""
_FASTEST: Final = 0.6
"""Of the even pace: arrivals that ask for a faster one are not believed."""


def heard_text(
    generated: str,
    heard_ms: int,
    audio_ms: int | None,
    arrivals: Sequence[Arrival] = (),
    *,
    whole: bool = False,
) -> str:
    """Return the part of a text that was heard, cut at a word. Cost: the length of the text.

    ``heard_ms`` is how long it played, ``audio_ms`` how much audio came (None: unknown). ``whole`` says that
    this is the audio of all of the text.

    >>> heard_text("The quick brown fox jumps.", 900, 1700)
    'The quick'
    >>> heard_text("The quick brown fox jumps.", 1000, None)
    'The quick brown'
    """
    lengths = list(accumulate(map(_length, generated, [*generated[1:], ""]), initial=0))
    ordinary_ms = lengths[-1] * ORDINARY_MS
    total_ms = ordinary_ms if audio_ms is None else audio_ms
    if not whole and ordinary_ms > total_ms * _AHEAD:
        total_ms = ordinary_ms
    if not heard_ms:
        return ""
    if heard_ms >= total_ms or not generated:
        return generated
    return _cut(generated, _end(lengths, heard_ms, total_ms, _bounds(arrivals, len(generated))))


def _length(letter: str, following: str) -> int:
    """Return how long a letter takes to say, a plain one taking 1; the voice rests where a word ends too."""
    if letter in _PAUSES and (following.isspace() or not letter.isascii()):
        return _PAUSES[letter]
    if letter.isdecimal():
        return _DIGIT
    return _WIDE if _is_wide(letter) else 1


def _is_wide(letter: str) -> bool:
    return not letter.isascii() and east_asian_width(letter) in "WF"


def _bounds(arrivals: Sequence[Arrival], size: int) -> list[Arrival]:
    """Return before which times no word from some letter on can have been spoken."""
    lag = arrivals[0][1] if arrivals and not arrivals[0][0] else 0  # a server may send text behind its audio
    bounds = [(start, ms - lag - _SLACK_MS) for start, ms in arrivals]
    return [(start, ms) for start, ms in bounds if ms > 0 and start < size]


def _end(lengths: Sequence[int], heard_ms: float, total_ms: float, bounds: Sequence[Arrival]) -> int:
    """Return how many letters were spoken, at the slowest pace that ends in time though it waits."""
    whole = lengths[-1]
    even = total_ms / whole
    pace = min([even, *((total_ms - ms) / (whole - lengths[start]) for start, ms in bounds)])
    pace = max(pace, even * _FASTEST)
    begun, first = 0.0, 0  # when the text from a letter on is spoken
    for start, ms in bounds:
        begins = max(begun + pace * (lengths[start] - lengths[first]), ms)
        if begins > heard_ms:
            last = start
            break
        begun, first = begins, start
    else:
        last = len(lengths) - 1
    return min(last, bisect_right(lengths, lengths[first] + (heard_ms - begun) / pace) - 1)


def _cut(text: str, end: int) -> str:
    """Return the whole words among the first letters of a text."""
    while 0 < end < len(text) and not _is_boundary(text[end - 1], text[end]):
        end -= 1
    return text[:end].rstrip()


def _is_boundary(before: str, after: str) -> bool:
    """Tell whether a word may end between two letters: at a space, in some scripts at any letter."""
    if after.isspace():
        return True
    if after.isascii() and before.isascii():
        return False
    joined_up = category(after).startswith("M") or "\u200d" in (before, after)
    return not joined_up and (_is_word(before) or _is_word(after))


def _is_word(letter: str) -> bool:
    """Tell whether a letter may be cut off by itself: its script has no spaces between words."""
    if any(first <= letter <= last for first, last in _UNSPACED):
        return True
    return _is_wide(letter) and not any(first <= letter <= last for first, last in _HANGUL)


class HeardText:
    """The heard part of a text that may still be chunks: worked out when it is first read.

    Of ``arrivals``, a list that may grow, it takes those that are there now.
    """

    __slots__ = ("_arrivals", "_audio_ms", "_count", "_generated", "_heard_ms", "_text", "_whole")

    def __init__(
        self,
        generated: FrozenText,
        heard_ms: int,
        audio_ms: int | None,
        arrivals: list[Arrival] | None = None,
        *,
        whole: bool = False,
    ) -> None:
        self._generated = generated
        self._heard_ms = heard_ms
        self._audio_ms = audio_ms
        self._arrivals = arrivals or []
        self._count = len(self._arrivals)
        self._whole = whole
        self._text: str | None = None

    @property
    def text(self) -> str | None:
        """The heard text; None where nothing was generated. Cost: the length of the text, once."""
        if self._text is None:
            generated = joined(self._generated)
            if generated is not None:
                arrivals = self._arrivals[: self._count]
                self._text = heard_text(
                    generated, self._heard_ms, self._audio_ms, arrivals, whole=self._whole
                )
        return self._text

    def __repr__(self) -> str:
        return repr(self.text)
