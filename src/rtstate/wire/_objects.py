"""The objects that events carry: items and their parts, responses, usage, sessions and their settings.

Every field but an item's ``type`` may be absent or null, and unknown fields are kept, because no server sends
exactly what another one does. What the wire enumerates (status, role, modality) is plain text for that
reason.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Discriminator, NonNegativeInt, SerializerFunctionWrapHandler, Tag, WrapSerializer

from rtstate.wire._base import JsonObject, ServerEvent, Wire

Index: TypeAlias = NonNegativeInt | None
Milliseconds: TypeAlias = int | float | None
TokenLimit: TypeAlias = int | Literal["inf"] | None


# Sessions


class AudioFormat(Wire):
    """An audio format: ``audio/pcm`` with its ``rate`` in Hz, ``audio/pcmu`` or ``audio/pcma``."""

    type: str | None = None
    rate: int | None = None


class InputAudioTranscription(Wire):
    """How the user's audio is transcribed."""

    model: str | None = "gpt-4o-transcribe"
    language: str | None = None
    languages: list[str] | None = None
    prompt: str | None = None
    keywords: list[str] | None = None
    delay: str | None = None


class InputAudioNoiseReduction(Wire):
    """How the user's audio is cleaned: ``near_field`` or ``far_field``."""

    type: str | None = None


class TurnDetection(Wire):
    """Turns found by silence; also any kind this library does not know, such as ``azure_semantic_vad``."""

    type: str | None = "server_vad"
    threshold: float | None = 0.5
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 800
    create_response: bool | None = None
    interrupt_response: bool | None = None
    idle_timeout_ms: Milliseconds = None


class SemanticTurnDetection(Wire):
    """Turns found by what is said; ``eagerness`` is ``low``, ``medium``, ``high`` or ``auto``."""

    type: str | None = "semantic_vad"
    eagerness: str | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


def _kind_of_turn_detection(value: JsonObject | Wire | bool | None) -> str:
    if isinstance(value, dict):
        return "semantic" if value.get("type") == "semantic_vad" else "other"
    return "semantic" if isinstance(value, SemanticTurnDetection) else "other"


def _null_when_off(value: Any, serialize: SerializerFunctionWrapHandler) -> Any:
    return None if value is False else serialize(value)


_AnyTurnDetection: TypeAlias = Annotated[
    Annotated[TurnDetection, Tag("other")] | Annotated[SemanticTurnDetection, Tag("semantic")],
    Discriminator(_kind_of_turn_detection),
]

# A null has to be sent to switch turn detection off, but exclude_none drops None: hence False.
TurnDetectionSetting: TypeAlias = Annotated[_AnyTurnDetection | bool | None, WrapSerializer(_null_when_off)]
"""How turns are found; ``False`` means not at all, and is written as null."""


class AudioInput(Wire):
    """The GA settings of the user's audio."""

    format: str | AudioFormat | None = None
    transcription: InputAudioTranscription | None = None
    noise_reduction: InputAudioNoiseReduction | None = None
    turn_detection: TurnDetectionSetting = None
    transport: str | None = None


class AudioOutput(Wire):
    """The GA settings of the model's audio; ``language`` is that of a translation."""

    format: str | AudioFormat | None = None
    voice: str | JsonObject | None = None
    speed: float | None = None
    model: str | None = None
    language: str | None = None
    transport: str | None = None


class AudioConfig(Wire):
    """The GA audio settings of a session or a response."""

    input: AudioInput | None = None
    output: AudioOutput | None = None


class SessionProperties(Wire):
    """The settings of a session, of every kind and dialect.

    GA nests what concerns audio in ``audio`` and names its ``type`` (``realtime``, ``transcription``,
    ``translation``); beta is flat, from ``modalities`` on; ``resumption``, ``replace`` (xAI) and
    ``provider_data`` (Inworld) are extensions. ``turn_detection=False`` switches turn detection off.
    ``expires_at`` is in Unix seconds, 0 while unknown.
    """

    type: str | None = None
    object: str | None = None
    id: str | None = None
    model: str | None = None
    expires_at: int | float | None = None
    output_modalities: list[str] | None = None
    instructions: str | None = None
    audio: AudioConfig | None = None
    include: list[str] | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    reasoning: JsonObject | None = None
    max_output_tokens: TokenLimit = None
    truncation: str | JsonObject | None = None
    tracing: str | JsonObject | None = None
    prompt: JsonObject | None = None
    modalities: list[str] | None = None
    voice: str | JsonObject | None = None
    speed: float | None = None
    input_audio_format: str | AudioFormat | None = None
    output_audio_format: str | AudioFormat | None = None
    input_audio_transcription: InputAudioTranscription | None = None
    input_audio_noise_reduction: InputAudioNoiseReduction | None = None
    turn_detection: TurnDetectionSetting = None
    temperature: float | None = None
    max_response_output_tokens: TokenLimit = None
    client_secret: JsonObject | None = None
    resumption: JsonObject | None = None
    replace: JsonObject | None = None
    provider_data: JsonObject | None = None


class RealtimeConversation(Wire):
    """The conversation of a session."""

    id: str | None = None
    object: str | None = None


class RealtimeError(Wire):
    """What went wrong; ``event_id`` is that of the client event at fault, null when there is none."""

    type: str | None = None
    code: str | int | None = None
    message: str | None = None
    param: str | None = None
    event_id: str | None = None


class RateLimit(Wire):
    """What is left of one limit; ``name`` is ``requests`` or ``tokens``."""

    name: str | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


# Items


class ItemContent(Wire):
    """One part of an item.

    ``type`` is ``input_text``, ``input_audio``, ``input_image``, ``output_text`` or ``output_audio``; beta
    and the parts of a response say ``text`` and ``audio``. ``audio`` is base64, ``image_url`` a data URI.
    """

    type: str | None = None
    id: str | None = None
    text: str | None = None
    audio: str | None = None
    transcript: str | None = None
    image_url: str | None = None
    detail: str | None = None
    format: str | AudioFormat | None = None


class UnknownContent(Wire):
    """A part of a type this library does not know; all its fields are kept as they came."""

    type: str


def _content_kind(part: Any) -> str:
    return _kind(part, _CONTENT_TYPES, ItemContent)


_CONTENT_TYPES = frozenset(
    {None, "", "input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio"}
)
AnyContent: TypeAlias = Annotated[
    Annotated[ItemContent, Tag("known")] | Annotated[UnknownContent, Tag("unknown")],
    Discriminator(_content_kind),
]


class ConversationItem(Wire):
    """One entry of a conversation: a message, a function call, its output, or a step of an MCP server.

    Messages have ``role`` (system, user, assistant; xAI also tool) and ``content``; a function call has
    ``call_id``, ``name`` and ``arguments`` (JSON as text); its output has ``call_id`` and ``output``. The
    fields from ``server_label`` on are those of MCP items. ``status`` is ``in_progress``, ``completed`` or
    ``incomplete``. Without an ``id`` the server makes one.
    """

    id: str | None = None
    object: str | None = None
    type: str | None = None
    status: str | None = None
    role: str | None = None
    content: list[AnyContent] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Any = None
    server_label: str | None = None
    tools: list[JsonObject] | None = None
    approval_request_id: str | None = None
    approve: bool | None = None
    reason: Any = None
    error: Any = None


class UnknownItem(Wire):
    """An item of a type this library does not know; all its fields are kept as they came."""

    id: str | None = None
    type: str


def _item_kind(item: Any) -> str:
    return _kind(item, _ITEM_TYPES, ConversationItem)


def _kind(value: Any, known: frozenset[str | None], model: type[Wire]) -> str:
    """Tell by its type whether a value, plain or an object already, is to be read as a known one."""
    if isinstance(value, dict):
        of_type = cast("JsonObject", value).get("type")
        return "unknown" if isinstance(of_type, str) and of_type not in known else "known"
    return "known" if isinstance(value, model) else "unknown"


_ITEM_TYPES = frozenset(
    {
        None,
        "",  # is no type either
        "message",
        "force_message",
        "function_call",
        "function_call_output",
        "item_reference",
        "mcp_list_tools",
        "mcp_call",
        "mcp_tool_call",
        "mcp_approval_request",
        "mcp_approval_response",
    }
)
AnyItem: TypeAlias = Annotated[
    Annotated[ConversationItem, Tag("known")] | Annotated[UnknownItem, Tag("unknown")],
    Discriminator(_item_kind),
]


# Responses


class CachedTokensDetails(Wire):
    """Tokens by modality; a count that was not sent reads as 0."""

    text_tokens: int | float | None = 0
    audio_tokens: int | float | None = 0
    image_tokens: int | float | None = 0


class TokenDetails(CachedTokensDetails):
    """Input or output tokens by modality; ``cached_tokens`` are part of the input, not an addition to it."""

    cached_tokens: int | float | None = 0
    cached_tokens_details: CachedTokensDetails | None = None


class Usage(Wire):
    """The tokens of one response; Qwen spells the details ``input_tokens_details`` and so on."""

    total_tokens: int | float | None = None
    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    input_token_details: TokenDetails | None = None
    output_token_details: TokenDetails | None = None


class StatusDetails(Wire):
    """Why a response ended: ``reason`` when cancelled or incomplete, ``error`` when failed."""

    type: str | None = None
    reason: str | None = None
    error: RealtimeError | str | None = None


class Response(Wire):
    """One answer of the model.

    ``status`` is ``in_progress``, ``completed``, ``cancelled``, ``incomplete`` or ``failed``;
    ``status_details`` is bare text on xAI. A ``conversation_id`` of null means out of band, an absent one
    the default conversation. Beta has ``modalities``, ``voice``, ``output_audio_format`` and ``temperature``.
    """

    id: str | None = None
    object: str | None = None
    status: str | None = None
    status_details: StatusDetails | str | None = None
    output: list[AnyItem] | None = None
    conversation_id: str | None = None
    metadata: JsonObject | None = None
    usage: Usage | None = None
    max_output_tokens: TokenLimit = None
    output_modalities: list[str] | None = None
    audio: AudioConfig | None = None
    modalities: list[str] | None = None
    voice: str | JsonObject | None = None
    output_audio_format: str | AudioFormat | None = None
    temperature: float | None = None


class ResponseProperties(Wire):
    """What a client asks of one response; what it leaves out is taken from the session.

    ``conversation`` is ``auto`` or ``none`` (out of band). ``input`` replaces the context: a list of items
    and item references, or ``[]`` for none at all.
    """

    conversation: str | None = None
    metadata: JsonObject | None = None
    input: list[AnyItem] | None = None
    instructions: str | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    reasoning: JsonObject | None = None
    prompt: JsonObject | None = None
    output_modalities: list[str] | None = None
    audio: AudioConfig | None = None
    max_output_tokens: TokenLimit = None
    modalities: list[str] | None = None
    voice: str | JsonObject | None = None
    output_audio_format: str | AudioFormat | None = None
    temperature: float | None = None
    max_response_output_tokens: TokenLimit = None


class PartEvent(ServerEvent):
    """An event about one part of an item that a response is making."""

    response_id: str | None = None
    item_id: str
    output_index: Index = None
    content_index: Index = 0


# Transcription of the user's audio


class TranscriptionUsage(Wire):
    """What one transcription cost: tokens, or ``seconds`` of audio where it is billed by duration."""

    type: str | None = None
    total_tokens: int | float | None = None
    input_tokens: int | float | None = None
    output_tokens: int | float | None = None
    input_token_details: TokenDetails | None = None
    seconds: float | None = None


class TranscriptionError(Wire):
    """Why the audio of an item could not be transcribed."""

    type: str | None = None
    code: str | int | None = None
    message: str | None = None
    param: str | None = None


class TranscriptionLanguage(Wire):
    """A language heard in the audio."""

    code: str | None = None


class LogProb(Wire):
    """How sure the transcription is of one token."""

    token: str | None = None
    logprob: float | None = None
    bytes: list[int] | None = None
