"""The shapes in which a draft is written down: what a checkpoint holds of it.

They are checked on reading, field by field.
"""

from __future__ import annotations

from typing import Final, Literal

from typing_extensions import TypedDict

from rtstate._types import AudioMode, Dialect, Json

_Billed = Literal["", "counted", "priced"]
_Object = dict[str, Json]
_Number = int | float
_Spoken = Literal["text", "transcript"]


class SavedAudio(TypedDict):
    """Audio received so far; ``chunks`` is null where it is only measured."""

    source: str
    bytes_per_second: int
    size: int
    chunks: list[str] | None


class SavedTranscription(TypedDict):
    """How far a transcription has come."""

    status: Literal["pending", "partial", "final", "failed"]
    error: _Object | None


class SavedPart(TypedDict, total=False):
    """A part.

    ``growing`` names the texts that deltas still may go to, with the wire name of those deltas; ``stream`` is
    the one among them that the next delta probably goes to.
    """

    type: str | None
    text: str
    transcript: str
    growing: dict[_Spoken, str]
    stream: _Spoken
    audio: SavedAudio
    audio_ms: int
    final: bool
    marks: dict[str, int]
    arrivals: list[list[int]]
    transcription: SavedTranscription
    segments: list[str]
    image_url: str
    detail: str
    extra: _Object
    streamed: bool
    billed: _Billed


class SavedTranscribed(TypedDict):
    """What transcribed a part, and at what cost."""

    content_index: int
    model: str | None
    usage: _Object | None


class SavedTrace(TypedDict, total=False):
    """When an item or a response was, and what did it."""

    started_at: _Number
    first_text_at: _Number
    first_audio_at: _Number
    speech_stopped_at: _Number
    truncated_at: _Number
    ended_at: _Number
    start_ms: _Number
    end_ms: _Number
    session: int
    transcribed: list[SavedTranscribed]
    model: str


class _SavedItem(TypedDict):
    id: str
    type: str


class SavedItem(_SavedItem, total=False):
    """An item."""

    session: int
    status: str
    response_id: str
    previous_item_id: str
    typed: bool
    anchored: bool
    role: str
    parts: list[SavedPart]
    call_id: str
    name: str
    arguments: str
    growing: dict[Literal["arguments"], str]
    arguments_final: bool
    ready: bool
    output: Json
    hidden: int
    placed: bool
    trace: SavedTrace
    mcp: _Object
    extra: _Object


class _SavedResponse(TypedDict):
    id: str


class SavedResponse(_SavedResponse, total=False):
    """A response."""

    status: str
    status_details: Json
    conversation_id: str
    metadata: _Object
    output: list[str]
    indexes: list[int]
    usage: _Object
    extra: _Object
    out_of_band: bool
    ended: bool
    billed: _Billed
    bytes_per_second: int
    trace: SavedTrace


class SavedOrder(TypedDict):
    """The order: every id with a place, the ghosts among them, and who waits for and hangs on whom."""

    ids: list[str]
    ghosts: list[str]
    waiting: dict[str, list[str]]
    hangers: dict[str, list[str]]
    floor: str | None


class SavedRequest(TypedDict):
    """A request of the client that nobody has answered."""

    event_id: str
    kind: Literal["create", "delete", "truncate"]
    item_id: str
    index: int


class SavedSession(TypedDict):
    """One of the sessions there were."""

    id: str | None
    model: str | None
    expires_at: _Number | None
    first_revision: int


class SavedInputAudio(TypedDict):
    """What voice activity detection last said."""

    speaking: bool
    item_id: str | None
    speech_started_ms: _Number | None
    speech_stopped_ms: _Number | None


class SavedRateLimit(TypedDict):
    """A rate limit."""

    limit: _Number | None
    remaining: _Number | None
    reset_seconds: _Number | None


class SavedError(TypedDict):
    """An error of the server."""

    type: str | None
    code: str | int | None
    message: str | None
    param: str | None
    event_id: str | None


class SavedTranslation(TypedDict):
    """The transcripts of a translation session."""

    input_transcript: str | None
    output_transcript: str | None


class SavedFinishing(TypedDict):
    """What the user said that is final as soon as something else begins, and what it cost."""

    item_id: str
    index: int
    usage: _Object | None


class SavedDraft(TypedDict):
    """All of a draft.

    ``slots`` are the ids as snapshots list them, null where that is the order of the items; ids that are gone
    and may come again keep their place there.
    """

    audio: AudioMode
    dialect: Dialect
    null_is_end: bool
    revision: int
    stats: dict[str, int]
    conversation_id: str | None
    is_named: bool
    session: _Object | None
    session_number: int
    has_session: bool
    sessions: list[SavedSession]
    input_bytes_per_second: int | None
    output_bytes_per_second: int | None
    answer_model: str | None
    transcription_model: str | None
    input_audio: SavedInputAudio
    rate_limits: dict[str, SavedRateLimit]
    errors: list[SavedError]
    translation: SavedTranslation | None
    usage: _Object
    items: list[SavedItem]
    slots: list[str] | None
    dead: list[str]
    order: SavedOrder
    responses: list[SavedResponse]
    calls: dict[str, str]
    deletions: list[str]
    finishing: SavedFinishing | None
    requests: list[SavedRequest]


SHAPES: Final = (
    SavedTranscribed,
    SavedTrace,
    SavedAudio,
    SavedTranscription,
    SavedPart,
    SavedItem,
    SavedResponse,
    SavedOrder,
    SavedRequest,
    SavedSession,
    SavedInputAudio,
    SavedRateLimit,
    SavedError,
    SavedTranslation,
    SavedFinishing,
    SavedDraft,
)
"""All of them, for whoever reads them."""
