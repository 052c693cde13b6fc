"""How much of a spoken text was heard before it was cut off: an estimate, and it says so.

Neither the client's truncate event nor the server's answer carries text, so this is the client's own guess:
the heard share of the part's audio, taken of its text and cut back to a whole word. Where no audio was seen
(WebRTC and SIP carry it on a track of its own) the share comes from an ordinary speaking rate.
"""

from __future__ import annotations

from typing import Final

from rtstate._growing import FrozenText, joined

CHARACTERS_PER_SECOND: Final = 15
"""An ordinary speaking rate: about 150 words a minute, six characters a word with its space."""


def heard_text(generated: str, heard_ms: int, audio_ms: int | None) -> str:
    """Return the part of a text that was heard, cut at a word.

    ``heard_ms`` is how long it played; ``audio_ms`` how long the whole text takes, None where unknown.

    >>> heard_text("The quick brown fox jumps.", 1000, 2000)
    'The quick'
    >>> heard_text("The quick brown fox jumps.", 1000, None)
    'The quick brown'
    """
    if audio_ms is None:
        end = heard_ms * CHARACTERS_PER_SECOND // 1000
    else:
        end = len(generated) * heard_ms // audio_ms if audio_ms else 0
    if end >= len(generated):
        return generated
    if not generated[end].isspace():
        end = max((at for at, letter in enumerate(generated[:end]) if letter.isspace()), default=0)
    return generated[:end].rstrip()


class HeardText:
    """The heard part of a text that may still be chunks: worked out when it is first read."""

    __slots__ = ("_audio_ms", "_generated", "_heard_ms", "_text")

    def __init__(self, generated: FrozenText, heard_ms: int, audio_ms: int | None) -> None:
        self._generated = generated
        self._heard_ms = heard_ms
        self._audio_ms = audio_ms
        self._text: str | None = None

    @property
    def text(self) -> str | None:
        """The heard text; None where nothing was generated. Cost: the length of the text, once."""
        if self._text is None:
            generated = joined(self._generated)
            if generated is not None:
                self._text = heard_text(generated, self._heard_ms, self._audio_ms)
        return self._text

    def __repr__(self) -> str:
        return repr(self.text)
