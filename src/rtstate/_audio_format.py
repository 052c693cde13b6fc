"""How the audio of a session is encoded, read from the settings of a session or a response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, cast

import attrs

from rtstate._json import EMPTY

Encoding: TypeAlias = Literal["pcm", "pcmu", "pcma"]
Side: TypeAlias = Literal["input", "output"]

_PCM_RATE: Final = 24_000
_G711_RATE: Final = 8_000
_G711: Final[Mapping[str, Encoding]] = {
    "pcmu": "pcmu",
    "pcma": "pcma",
    "g711_ulaw": "pcmu",
    "g711_alaw": "pcma",
}


_RATE: Final = re.compile(r"[_-](\d{4,6})hz$")  # Azure Voice Live: pcm16_8000hz


@attrs.frozen
class AudioFormat:
    """Mono audio at a rate in Hz: 16-bit PCM, little endian, or G.711 (``pcmu``: μ-law, ``pcma``: A-law)."""

    encoding: Encoding = "pcm"
    rate: int = _PCM_RATE

    @property
    def bytes_per_second(self) -> int:
        """The size of a second of it."""
        return self.rate * 2 if self.encoding == "pcm" else self.rate


def audio_format(settings: Mapping[str, Any], side: Side) -> AudioFormat | None:
    """Return the format that a session or a response sets for one side; None where it sets none we know.

    GA has objects within ``audio``, beta names of its own at the top, and other spellings are met as well.

    >>> audio_format({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "output")
    AudioFormat(encoding='pcm', rate=16000)
    >>> audio_format({"input_audio_format": "g711_ulaw"}, "input")
    AudioFormat(encoding='pcmu', rate=8000)
    """
    audio = cast("Mapping[str, Any]", (settings.get("audio") or EMPTY).get(side) or EMPTY)
    told = settings.get(f"{side}_audio_sampling_rate")
    described = audio.get("format") or settings.get(f"{side}_audio_format") or ("pcm16" if told else "")
    form: Mapping[str, Any] = {"type": described} if isinstance(described, str) else described
    name = str(form.get("type")).lower().removeprefix("audio/").replace("g711-", "g711_")
    if name in _G711:
        return AudioFormat(_G711[name], _G711_RATE)
    if not name.startswith("pcm"):
        return None
    spelled = _RATE.search(name)
    rate = int(spelled[1]) if spelled else form.get("rate") or told
    return AudioFormat(rate=rate if isinstance(rate, int) and rate > 0 else _PCM_RATE)
