"""The nouns that the simulated server thinks in, and the truth that it vouches for at the end."""

from dataclasses import dataclass, field
from typing import Any, Literal

BYTES_PER_MS = 48  # PCM16, mono, 24 kHz

Event = dict[str, Any]
Status = Literal["in_progress", "completed", "incomplete"]


@dataclass(slots=True)
class Part:
    """Hold one content part under its GA type; `audio` is base64 chunks as they were streamed."""

    type: str
    text: str | None = None
    audio: list[str] = field(default_factory=list[str])
    audio_bytes: int = 0
    heard_from: float = 0.0
    bytes_per_ms: int = BYTES_PER_MS

    @property
    def audio_ms(self) -> int:
        """Give the whole milliseconds of audio."""
        return self.audio_bytes // self.bytes_per_ms


@dataclass(slots=True)
class Item:
    """Hold one item; `fields` are the wire fields of everything that is not a message."""

    id: str
    type: str = "message"
    role: str | None = None
    status: Status = "completed"
    parts: list[Part] = field(default_factory=list[Part])
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    previous_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Count the tokens of one response."""

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    output_text: int = 0
    output_audio: int = 0

    @property
    def input(self) -> int:
        """Sum what went in, cached tokens included."""
        return self.input_text + self.input_audio + self.input_image

    @property
    def output(self) -> int:
        """Sum what came out."""
        return self.output_text + self.output_audio


@dataclass(slots=True)
class Response:
    """Hold one response and the items that it has produced so far."""

    id: str
    conversation_id: str | None
    modality: Literal["text", "audio"]
    metadata: dict[str, str] | None = None
    status: str = "in_progress"
    status_details: dict[str, Any] | None = None
    output: list[Item] = field(default_factory=list[Item])
    usage: Usage | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """State what a reader of the whole session must end up with.

    `order` is the default conversation, over all sessions of a reconnect. Items that were deleted appear in
    `deleted` only; items of out-of-band responses appear in the mappings but not in `order`.
    """

    order: tuple[str, ...]
    texts: dict[str, tuple[str | None, ...]]
    """Messages: the text or transcript of each part, as generated; None where there is none."""
    roles: dict[str, str]
    """Messages only."""
    statuses: dict[str, str]
    arguments: dict[str, str]
    """Function and MCP calls: the argument text, verbatim, by item id."""
    outputs: dict[str, str]
    """Function call outputs by call id."""
    deleted: tuple[str, ...]
    truncated: dict[tuple[str, int], int]
    """`audio_end_ms` by item id and content index."""
    audio_ms: dict[tuple[str, int], int]
    """Whole milliseconds of streamed assistant audio by item id and content index."""
    responses: dict[str, str]
    """Final status by response id; a response that a reconnect cut off is incomplete."""
    out_of_band: tuple[str, ...]
    response_usage: dict[str, int]
    """input_tokens, cached_tokens, output_tokens, total_tokens, count (those that ended), without_usage."""
    transcription_usage: dict[str, float]
    """input_tokens, output_tokens, total_tokens, seconds, count (of final transcriptions), without_usage."""
    transcription_status: dict[str, str]
    """pending, partial, final or failed, for each spoken user item."""
