"""Make audio that is cheap, the same everywhere, and really PCM: soft tones in whole-number arithmetic."""

from base64 import b64encode
from functools import lru_cache
from struct import pack

_PERIODS = (96, 120, 150, 200)  # samples at 24 kHz: tones from 250 down to 120 Hz
_SAMPLES = 48_000


@lru_cache(maxsize=len(_PERIODS))
def _tone(period: int) -> bytes:
    def sample(n: int) -> int:
        swell = abs(n % 4_800 - 2_400)
        return (abs(n % period * 4 - period * 2) - period) * swell // 48

    return pack(f"<{_SAMPLES}h", *map(sample, range(_SAMPLES)))


@lru_cache(maxsize=1024)
def chunk(size: int, number: int = 0) -> str:
    """Give `size` bytes (at most two seconds) of PCM16 at 24 kHz as base64.

    `number` picks one of a few sounds.

    >>> len(chunk(4800))
    6400
    >>> chunk(4800, 1) == chunk(4800, 5)
    True
    """
    return b64encode(_tone(_PERIODS[number % len(_PERIODS)])[:size]).decode("ascii")
