"""What the user said: the transcription of input audio, which may come before the item or long after it."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft, PartWork
from rtstate._json import freeze
from rtstate._types import IN_PROGRESS
from rtstate.wire._base import JsonObject, Padding, ServerEvent, reduced
from rtstate.wire._copies import read_usage
from rtstate.wire._objects import (
    Index,
    LogProb,
    TranscriptionError,
    TranscriptionLanguage,
    TranscriptionUsage,
)


class ConversationItemInputAudioTranscriptionDelta(ServerEvent):
    """More of the transcript, to be appended; ``delta`` may be empty or absent."""

    type: Literal["conversation.item.input_audio_transcription.delta"]
    item_id: str
    content_index: Index = 0
    delta: str | None = None
    logprobs: list[LogProb] | None = None
    obfuscation: Padding = None


class ConversationItemInputAudioTranscriptionCompleted(ServerEvent):
    """The whole transcript and its cost; xAI repeats it, cumulative, with ``status`` ``in_progress``."""

    type: Literal["conversation.item.input_audio_transcription.completed"]
    item_id: str
    content_index: Index = 0
    transcript: str | None = None
    languages: list[TranscriptionLanguage] | None = None
    logprobs: list[LogProb] | None = None
    usage: TranscriptionUsage | None = None
    status: str | None = None


class ConversationItemInputAudioTranscriptionFailed(ServerEvent):
    """The audio could not be transcribed; the item itself stands."""

    type: Literal["conversation.item.input_audio_transcription.failed"]
    item_id: str
    content_index: Index = 0
    error: TranscriptionError | None = None


class ConversationItemInputAudioTranscriptionSegment(ServerEvent):
    """A stretch of the transcript with its ``speaker``; ``start`` and ``end`` are in seconds."""

    type: Literal["conversation.item.input_audio_transcription.segment"]
    item_id: str
    content_index: Index = 0
    id: str | None = None
    text: str | None = None
    speaker: str | None = None
    start: float | None = None
    end: float | None = None


class ConversationItemInputAudioTranscriptionUpdated(ServerEvent):
    """The transcript so far, cumulative, from xAI."""

    type: Literal["conversation.item.input_audio_transcription.updated"]
    item_id: str
    content_index: Index = 0
    transcript: str | None = None


def _part(draft: Draft, event: JsonObject, *, delta: bool = False) -> PartWork | None:
    return draft.user_part(event["item_id"], event.get("content_index") or 0, delta=delta)


def on_delta(draft: Draft, event: JsonObject) -> None:
    part = _part(draft, event, delta=True)
    if part:
        draft.append_transcription(part, event.get("delta") or "")


def on_completed(draft: Draft, event: JsonObject) -> None:
    part = _part(draft, event)
    if part and event.get("status") == IN_PROGRESS:
        usage = read_usage(event.get("usage"))
        draft.revise_transcription(part, event.get("transcript") or "", usage, finishing=True)
    elif part:
        told = {key: event[key] for key in ("languages", "logprobs") if event.get(key) is not None}
        usage = read_usage(event.get("usage"))
        draft.finish_transcription(part, event.get("transcript"), usage, freeze(told))


def on_updated(draft: Draft, event: JsonObject) -> None:
    part = _part(draft, event)
    if part:
        draft.revise_transcription(part, event.get("transcript") or "")


def on_failed(draft: Draft, event: JsonObject) -> None:
    part = _part(draft, event)
    if part:
        draft.fail_transcription(part, freeze(event.get("error")))


def on_segment(draft: Draft, event: JsonObject) -> None:
    part = _part(draft, event)
    if part:
        segment = {key: event.get(key) for key in ("id", "speaker", "start", "end", "text")}
        draft.add_segment(part, freeze(segment))


ROWS = (
    reduced(ConversationItemInputAudioTranscriptionDelta, on_delta),
    reduced(ConversationItemInputAudioTranscriptionCompleted, on_completed),
    reduced(ConversationItemInputAudioTranscriptionUpdated, on_updated),
    reduced(ConversationItemInputAudioTranscriptionFailed, on_failed),
    reduced(ConversationItemInputAudioTranscriptionSegment, on_segment),
)
