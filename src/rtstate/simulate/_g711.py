"""Tell PCM from G.711: how loud audio is, and the soft tones in either."""

import sys
from array import array
from bisect import bisect_left
from functools import lru_cache

PCM16 = "pcm16"
ULAW = "g711_ulaw"
ALAW = "g711_alaw"

NAMES = {
    "audio/pcm": PCM16,
    "audio/pcmu": ULAW,
    "audio/pcma": ALAW,
    PCM16: PCM16,
    ULAW: ULAW,
    ALAW: ALAW,
}
"""The encodings by their names in GA and in beta."""


def bytes_per_ms(encoding: str) -> int:
    """Give 48 for PCM of 16 bits at 24 kHz, 8 for G.711 at 8 kHz."""
    return 48 if encoding == PCM16 else 8


def samples(data: bytes, encoding: str) -> "array[int]":
    """Return audio as whole numbers from -32768 to 32767; half a sample at the end is dropped."""
    if encoding == PCM16:
        found = array("h", data[: len(data) // 2 * 2])
        if sys.byteorder == "big":
            found.byteswap()
        return found
    table = _decoded(encoding)
    return array("h", [table[byte] for byte in data])


def loudness(data: bytes, encoding: str) -> float:
    """Give the root mean square of audio, from every fourth sample: enough to tell a voice from silence.

    >>> loudness(bytes(960), PCM16)
    0.0
    >>> loudness(bytes([255]) * 160, ULAW)
    0.0
    """
    found = samples(data, encoding)[::4]
    return float((sum(sample * sample for sample in found) / len(found)) ** 0.5) if found else 0.0


def encode(data: bytes, encoding: str) -> bytes:
    """Return PCM at 24 kHz in an encoding; for G.711 every third sample is kept, the others are dropped.

    >>> len(encode(bytes(4800), ULAW))
    800
    """
    if encoding == PCM16:
        return data
    levels, codes = _levels(encoding)
    found = samples(data, PCM16)[::3]
    return bytes(codes[min(bisect_left(levels, sample), len(levels) - 1)] for sample in found)


@lru_cache(maxsize=2)
def _levels(encoding: str) -> tuple[list[int], list[int]]:
    pairs = sorted((level, code) for code, level in enumerate(_decoded(encoding)))
    return [level for level, _ in pairs], [code for _, code in pairs]


@lru_cache(maxsize=2)
def _decoded(encoding: str) -> tuple[int, ...]:
    return tuple(map(_ulaw if encoding == ULAW else _alaw, range(256)))


def _ulaw(code: int) -> int:
    """Decode one byte of G.711 µ-law."""
    code = ~code & 0xFF
    level = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -level if code & 0x80 else level


def _alaw(code: int) -> int:
    """Decode one byte of G.711 A-law."""
    code ^= 0x55
    level, segment = (code & 0x0F) << 4, code >> 4 & 7
    level = level + 8 if segment == 0 else level + 0x108 << segment - 1
    return level if code & 0x80 else -level
