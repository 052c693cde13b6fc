"""Hear when somebody speaks: voice activity by the energy of what was appended."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from rtstate.simulate._g711 import PCM16, bytes_per_ms, loudness

_FRAME_MS = 20
_ONSET = 3  # loud frames in a row: one alone is a click
_FULL_THRESHOLD = 1200.0  # the loudness that a threshold of 1 asks for
_EAGERNESS = {"low": 900, "medium": 600, "auto": 600, "high": 300}


class Heard(NamedTuple):
    """Say that speech started or stopped, in milliseconds of all audio of the session."""

    what: Literal["started", "stopped"]
    ms: int


class Ear:
    """Hold the input audio buffer, and tell when speech starts and stops in it.

    `detection` is the session's `turn_detection`; None where the client decides when a turn ends.
    """

    def __init__(self) -> None:
        self.encoding = PCM16
        self.detection: dict[str, Any] | None = None
        self.speaking = False
        self._buffer = bytearray()
        self._heard_bytes = 0  # of the buffer
        self._before_ms = 0  # what came before the buffer
        self._loud = self._quiet = 0  # frames in a row

    @property
    def ms(self) -> int:
        """Give how much audio the session has sent."""
        return self._before_ms + self.buffered_ms

    @property
    def buffered_ms(self) -> int:
        """Give how much audio waits in the buffer."""
        return len(self._buffer) // bytes_per_ms(self.encoding)

    def configure(self, encoding: str, detection: dict[str, Any] | None) -> None:
        """Take the session's settings; in another encoding the buffer begins anew."""
        if encoding != self.encoding:
            self.take()
            self.encoding = encoding
        if detection is None:
            self._hush()
        self.detection = detection

    def append(self, data: bytes) -> Iterator[Heard]:
        """Add audio, and yield what is heard in it, each at once: `take` may follow it."""
        self._buffer += data
        if self.detection is None:
            self._heard_bytes = len(self._buffer)
            return
        size = _FRAME_MS * bytes_per_ms(self.encoding)
        while len(self._buffer) - self._heard_bytes >= size:
            frame = bytes(self._buffer[self._heard_bytes : self._heard_bytes + size])
            self._heard_bytes += size
            yield from self._listen(frame)
        if not self.speaking:
            self._forget()

    def take(self) -> bytes:
        """Return the audio heard so far and leave the buffer without it; whoever spoke has stopped."""
        heard = len(self._buffer) if self.detection is None else self._heard_bytes
        data = bytes(self._buffer[:heard])
        self._drop(heard)
        self._hush()
        return data

    def clear(self) -> None:
        """Drop everything."""
        self._drop(len(self._buffer))
        self._hush()

    def _listen(self, frame: bytes) -> Iterator[Heard]:
        detection = self.detection or {}
        threshold = detection.get("threshold")
        loud = loudness(frame, self.encoding) > _FULL_THRESHOLD * (0.5 if threshold is None else threshold)
        self._loud = self._loud + 1 if loud else 0
        self._quiet = 0 if loud else self._quiet + 1
        now = self._before_ms + self._heard_bytes // bytes_per_ms(self.encoding)
        if not self.speaking and self._loud >= _ONSET:
            self.speaking = True
            began = max(self._before_ms, now - _ONSET * _FRAME_MS - self._padding_ms())
            self._drop((began - self._before_ms) * bytes_per_ms(self.encoding))
            yield Heard("started", began)
        elif self.speaking and self._quiet * _FRAME_MS >= self._silence_ms():
            self.speaking = False
            yield Heard("stopped", now)

    def _padding_ms(self) -> int:
        found = (self.detection or {}).get("prefix_padding_ms")
        return 300 if found is None else int(found)

    def _silence_ms(self) -> int:
        detection = self.detection or {}
        if detection.get("type") == "semantic_vad":
            return _EAGERNESS[detection.get("eagerness") or "auto"]
        found = detection.get("silence_duration_ms")
        return max(_FRAME_MS, 200 if found is None else int(found))

    def _forget(self) -> None:
        """Keep of silence only as much as is put before speech."""
        kept = (self._padding_ms() + _ONSET * _FRAME_MS) * bytes_per_ms(self.encoding)
        self._drop(max(0, self._heard_bytes - kept))

    def _drop(self, size: int) -> None:
        whole = size // bytes_per_ms(self.encoding)
        self._before_ms += whole
        del self._buffer[:size]
        self._heard_bytes = max(0, self._heard_bytes - size)

    def _hush(self) -> None:
        self.speaking = False
        self._loud = self._quiet = 0
