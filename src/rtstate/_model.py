"""What a conversation is made of, as a snapshot shows it: frozen, and plain to read.

What stands in the ``rtstate/1`` document gives its part of it by ``to_dict()``. Texts may still be lists of
chunks inside; reading one joins it once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from rtstate._growing import FrozenText, joined
from rtstate._json import EMPTY, thaw
from rtstate._types import LARGEST, Json


def _brief(self: Any) -> str:
    """Show the fields that say something, under their public names."""
    shown = [(field.alias or field.name, field.default) for field in attrs.fields(self.__class__)]
    told = [(name, getattr(self, name)) for name, default in shown if getattr(self, name) != default]
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told)})"


PART_TYPES: Final = frozenset({"input_text", "input_audio", "input_image", "output_text", "output_audio"})
"""The part types this library understands; parts of other types are kept whole."""

ITEM_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "message": ("role", "content"),
    "force_message": ("role", "content"),
    "function_call": ("call_id", "name", "arguments", "ready"),
    "function_call_output": ("call_id", "output"),
    "mcp_list_tools": ("server_label", "tools"),
    "mcp_call": ("server_label", "name", "arguments", "approval_request_id", "output", "error"),
    "mcp_approval_request": ("server_label", "name", "arguments"),
    "mcp_approval_response": ("approval_request_id", "approve", "reason"),
}
"""What an item of each known type holds in the document, beside what every item holds."""

ITEM_HEAD: Final = ("id", "type", "status", "response_id", "previous_item_id")
_ITEM_NAMES: Final = {kind: (*ITEM_HEAD, *names, "extra") for kind, names in ITEM_FIELDS.items()}

_PART_HEAD: Final = ("type", "text", "transcript", "audio_ms", "final", "truncated", "extra")
_SPOKEN_PART: Final = (*_PART_HEAD, "transcription")
_IMAGE_PART: Final = (*_PART_HEAD, "image_url", "detail")

MCP_FIELDS: Final = ("server_label", "tools", "approval_request_id", "error", "approve", "reason")


@attrs.frozen
class Transcription:
    """How far the transcription of a user's audio part has come."""

    status: Literal["pending", "partial", "final", "failed"] = "pending"
    error: Mapping[str, Json] | None = None

    def to_dict(self) -> dict[str, Json]:
        return {"status": self.status, "error": thaw(self.error)}


@attrs.frozen(repr=False)
class Truncated:
    """Where a spoken part was cut off, and what was probably heard of it.

    ``audio_end_ms`` is the mark, never beyond the audio received. ``basis`` says where the estimate comes
    from: ``"audio"``, the part's own audio length; ``"rate"``, a speaking rate, since no audio was seen.
    """

    audio_end_ms: int
    _heard: FrozenText = attrs.field(alias="heard_transcript", eq=joined)
    _generated: FrozenText = attrs.field(alias="generated_transcript", eq=joined)
    basis: Literal["audio", "rate"]

    __repr__ = _brief

    @property
    def heard_transcript(self) -> str | None:
        """What was probably heard. Cost: the length of the text, once."""
        return joined(self._heard)

    @property
    def generated_transcript(self) -> str | None:
        """All that the model said, heard or not."""
        return joined(self._generated)

    def to_dict(self) -> dict[str, Json]:
        return {
            "audio_end_ms": self.audio_end_ms,
            "heard_transcript": self.heard_transcript,
            "generated_transcript": self.generated_transcript,
            "basis": self.basis,
        }


@attrs.frozen(weakref_slot=False, repr=False)  # no slot its twin has not
class Part:
    """One part of a message's content: text, audio with its transcript, or an image.

    ``text`` and ``transcript`` are None while unknown; the transcript of a truncated part is what was heard.
    ``audio_ms`` counts whole milliseconds received (None: no audio was seen). ``final``: no delta can change
    the text any more. A part of a type this library does not know keeps all its fields in ``extra``.
    """

    type: str | None
    _text: FrozenText = attrs.field(alias="text", eq=joined, default=None)
    _transcript: FrozenText = attrs.field(alias="transcript", eq=joined, default=None)
    audio_ms: int | None = None
    final: bool = False
    truncated: Truncated | None = None
    transcription: Transcription | None = None
    image_url: str | None = None
    detail: str | None = None
    extra: Mapping[str, Json] = EMPTY

    __repr__ = _brief

    @property
    def text(self) -> str | None:
        return joined(self._text)

    @property
    def transcript(self) -> str | None:
        return joined(self._transcript) if self.truncated is None else self.truncated.heard_transcript

    def to_dict(self) -> dict[str, Json]:
        names = self._names()
        if not names:
            return {"type": self.type, **thaw(self.extra)}
        return {name: plain(getattr(self, name)) for name in names}

    def _names(self) -> tuple[str, ...]:
        """Return the names it has in the document; none where its type is unknown and it is kept whole."""
        if self.transcription is not None:
            return _SPOKEN_PART
        if self.type == "input_image":
            return _IMAGE_PART
        return _PART_HEAD if self.type is None or self.type in PART_TYPES else ()


@attrs.frozen(weakref_slot=False, repr=False)  # no slot its twin has not
class Item:
    """One entry of a conversation: a message, a function call, its output, or an MCP item.

    Which fields mean something follows from ``type``: messages have ``role`` and ``content``, function calls
    ``call_id``, ``name``, ``arguments`` and ``ready``, their outputs ``call_id`` and ``output``; MCP items
    have their wire fields. ``arguments`` is the text verbatim, as far as it has come. ``ready``: the call is
    final and its response did not end badly, so it may be run. Fields this library does not know are in
    ``extra``.
    """

    id: str
    type: str
    status: str | None = None
    response_id: str | None = None
    previous_item_id: str | None = None
    role: str | None = None
    content: tuple[Part, ...] = ()
    call_id: str | None = None
    name: str | None = None
    _arguments: FrozenText = attrs.field(alias="arguments", eq=joined, default=None)
    ready: bool = False
    output: Json = None
    _mcp: Mapping[str, Json] = attrs.field(alias="mcp", default=EMPTY)
    extra: Mapping[str, Json] = EMPTY
    _growth: Any = attrs.field(init=False, default=None, eq=False)  # of an item that is filled in on reading

    def __repr__(self) -> str:
        told = {name: value for name, value in self.to_dict().items() if value not in (None, [], {}, False)}
        told.update({"content": self.content} if self.content else {})
        return f"Item({', '.join(f'{name}={value!r}' for name, value in told.items())})"

    @property
    def arguments(self) -> str | None:
        return joined(self._arguments)

    @property
    def server_label(self) -> str | None:
        return self._mcp.get("server_label")

    @property
    def tools(self) -> tuple[Json, ...] | None:
        return self._mcp.get("tools")

    @property
    def approval_request_id(self) -> str | None:
        return self._mcp.get("approval_request_id")

    @property
    def error(self) -> Json:
        return self._mcp.get("error")

    @property
    def approve(self) -> bool | None:
        return self._mcp.get("approve")

    @property
    def reason(self) -> str | None:
        return self._mcp.get("reason")

    def to_dict(self) -> dict[str, Json]:
        names = self._names()
        if not names:
            return {**thaw(self.extra), **{name: getattr(self, name) for name in ITEM_HEAD}}
        return {name: plain(getattr(self, name)) for name in names}

    def _names(self) -> tuple[str, ...]:
        """Return the names it has in the document; none where its type is unknown and it is kept whole."""
        return _ITEM_NAMES.get(self.type, ())


@attrs.frozen(repr=False)
class Response:
    """One answer of the model: its state, the ids of the items it produced, and what it cost.

    ``out_of_band``: it is not part of the default conversation, and its items have no place there. ``usage``
    is the wire's own, with the GA names; a key that is absent is unknown, not zero.
    """

    id: str
    status: str = "in_progress"
    status_details: Json = None
    conversation_id: str | None = None
    metadata: Mapping[str, Json] | None = None
    out_of_band: bool = False
    output: tuple[str, ...] = ()
    usage: Mapping[str, Json] | None = None
    extra: Mapping[str, Json] = EMPTY

    __repr__ = _brief

    def to_dict(self) -> dict[str, Json]:
        return {name: thaw(getattr(self, name)) for name in RESPONSE_FIELDS}


RESPONSE_FIELDS: Final = tuple(field.name for field in attrs.fields(Response))


@attrs.frozen
class SessionInfo:
    """One session that the conversation had: a connection to the server, which begins a new one.

    What the server has not said is None. ``expires_at`` is in Unix seconds. ``first_revision`` is that of
    the first change that could be made in it.
    """

    id: str | None = None
    model: str | None = None
    expires_at: float | None = None
    first_revision: int = 1


@attrs.frozen
class InputAudio:
    """What voice activity detection last said about the user; times are on the session's audio clock."""

    speaking: bool = False
    item_id: str | None = None
    speech_started_ms: float | None = None
    speech_stopped_ms: float | None = None

    def to_dict(self) -> dict[str, Json]:
        return attrs.asdict(self)


@attrs.frozen
class RateLimit:
    """One rate limit as the server last reported it."""

    limit: float | None = None
    remaining: float | None = None
    reset_seconds: float | None = None

    def to_dict(self) -> dict[str, Json]:
        return attrs.asdict(self)


@attrs.frozen
class ErrorRecord:
    """One ``error`` event. ``event_id`` is the client event that failed, None where it was none."""

    type: str | None = None
    code: str | int | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None

    def to_dict(self) -> dict[str, Json]:
        return attrs.asdict(self)


@attrs.frozen
class Translation:
    """The two running transcripts of a translation session, which has no items and no responses."""

    _input: FrozenText = attrs.field(alias="input_transcript", eq=joined, default=None)
    _output: FrozenText = attrs.field(alias="output_transcript", eq=joined, default=None)

    @property
    def input_transcript(self) -> str | None:
        """What was said, in the source language."""
        return joined(self._input)

    @property
    def output_transcript(self) -> str | None:
        """The same, translated."""
        return joined(self._output)

    def to_dict(self) -> dict[str, Json]:
        return {"input_transcript": self.input_transcript, "output_transcript": self.output_transcript}


@attrs.frozen
class ModalityTokens:
    """Tokens by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


@attrs.frozen
class InputTokens:
    """Input tokens by modality; the cached ones are among them, not beside them."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: ModalityTokens = ModalityTokens()


@attrs.frozen
class TextAudioTokens:
    """Tokens by modality, where there are no images."""

    text_tokens: int = 0
    audio_tokens: int = 0


@attrs.frozen
class ResponseTotals:
    """What all responses that ended cost together; ``without_usage`` of them did not say."""

    count: int = 0
    without_usage: int = 0
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokens = InputTokens()
    output_token_details: TextAudioTokens = TextAudioTokens()


@attrs.frozen
class TranscriptionTotals:
    """What all final transcriptions cost together: some models bill tokens, some seconds."""

    count: int = 0
    without_usage: int = 0
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: TextAudioTokens = TextAudioTokens()
    seconds: float = 0


@attrs.frozen
class Totals:
    """The bill so far: the model's responses, and apart from them the transcription of the user."""

    responses: ResponseTotals = ResponseTotals()
    transcription: TranscriptionTotals = TranscriptionTotals()

    def to_dict(self) -> dict[str, Json]:
        return attrs.asdict(self)


def amount(value: Json) -> float | None:
    """Return an amount that a usage tells; None where it tells none, or what nobody can have used.

    >>> amount(12), amount(0), amount(-1), amount(True), amount("12")
    (12, 0, None, None, None)
    """
    told = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < LARGEST
    return value if told else None


def read_totals(usage: Mapping[str, Json]) -> Totals:
    """Return the totals that a document, or the draft's counters, hold."""
    responses, transcription = dict(usage["responses"]), dict(usage["transcription"])
    for totals, kind in ((responses, ResponseTotals), (transcription, TranscriptionTotals)):
        for field in attrs.fields(kind):
            totals[field.name]
    spent = dict(responses["input_token_details"])
    spent["cached_tokens_details"] = ModalityTokens(**spent["cached_tokens_details"])
    responses["input_token_details"] = InputTokens(**spent)
    responses["output_token_details"] = TextAudioTokens(**responses["output_token_details"])
    transcription["input_token_details"] = TextAudioTokens(**transcription["input_token_details"])
    return Totals(ResponseTotals(**responses), TranscriptionTotals(**transcription))


def plain(value: Any) -> Json:
    """Return any value that the state holds as plain JSON: nouns, texts that grew, frozen dicts."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, tuple):
        return [plain(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.text if hasattr(value, "text") else value
