"""The session and what surrounds the conversation: settings, errors, limits, and translation sessions."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate._json import freeze
from rtstate._model import ErrorRecord
from rtstate._model import RateLimit as Limit
from rtstate.wire._base import JsonObject, ServerEvent, noted, reduced
from rtstate.wire._copies import input_bytes_per_second, output_bytes_per_second, transcription_model
from rtstate.wire._objects import (
    Milliseconds,
    RateLimit,
    RealtimeConversation,
    RealtimeError,
    SessionProperties,
)


class SessionCreatedEvent(ServerEvent):
    """The first event of a connection, with the settings in force; Inworld may leave them out."""

    type: Literal["session.created", "transcription_session.created"]
    session: SessionProperties | None = None


class SessionUpdatedEvent(ServerEvent):
    """The settings after a ``session.update``: all of them on OpenAI, some servers send the changed ones."""

    type: Literal["session.updated", "transcription_session.updated"]
    session: SessionProperties | None = None


class SessionClosed(ServerEvent):
    """The end of a translation session, after the last of its output."""

    type: Literal["session.closed"]


class ConversationCreated(ServerEvent):
    """The default conversation, announced after ``session.created`` by beta and xAI."""

    type: Literal["conversation.created"]
    conversation: RealtimeConversation
    previous_item_id: str | None = None


class ErrorEvent(ServerEvent):
    """Something went wrong, most often with a client event; ``error.event_id`` names that event."""

    type: Literal["error"]
    error: RealtimeError


class RateLimitsUpdated(ServerEvent):
    """The limits in force, which replace all earlier ones; comes around each response, or never."""

    type: Literal["rate_limits.updated"]
    rate_limits: list[RateLimit]


class Ping(ServerEvent):
    """A sign of life from xAI and Inworld; ``timestamp`` is in milliseconds."""

    type: Literal["ping"]
    timestamp: Milliseconds = None


class SessionInputTranscriptDelta(ServerEvent):
    """More of the speaker's words in a translation session, to be appended as they are."""

    type: Literal["session.input_transcript.delta"]
    delta: str
    elapsed_ms: Milliseconds = None


class SessionOutputTranscriptDelta(ServerEvent):
    """More of the translated words in a translation session, to be appended as they are."""

    type: Literal["session.output_transcript.delta"]
    delta: str
    elapsed_ms: Milliseconds = None


class SessionOutputAudioDelta(ServerEvent):
    """More of the translated speech in a translation session, as base64 PCM."""

    type: Literal["session.output_audio.delta"]
    delta: str
    sample_rate: int | None = None
    channels: int | None = None
    format: str | None = None
    elapsed_ms: Milliseconds = None


def on_created(draft: Draft, event: JsonObject) -> None:
    session = event.get("session")
    draft.open_session(None if session is None else freeze(session))
    _read_session(draft, session or {})


def on_updated(draft: Draft, event: JsonObject) -> None:
    session: JsonObject = event.get("session") or {}
    draft.update_session(freeze(session))
    _read_session(draft, session)


def _read_session(draft: Draft, session: JsonObject) -> None:
    draft.set_formats(input=input_bytes_per_second(session), output=output_bytes_per_second(session))
    draft.set_models(answers=session.get("model"), transcription=transcription_model(session))
    if (session.get("model") or "").startswith("grok"):
        draft.speaks("xai")


def on_conversation(draft: Draft, event: JsonObject) -> None:
    if "previous_item_id" in event:  # only xAI puts one on every event
        draft.speaks("xai")
    if event["conversation"].get("id"):
        draft.name_conversation(event["conversation"]["id"])


def on_error(draft: Draft, event: JsonObject) -> None:
    error = event["error"]
    draft.add_error(
        ErrorRecord(*(error.get(name) for name in ("type", "code", "message", "param", "event_id")))
    )


def on_rate_limits(draft: Draft, event: JsonObject) -> None:
    draft.set_rate_limits(
        {
            each["name"]: Limit(each.get("limit"), each.get("remaining"), each.get("reset_seconds"))
            for each in event["rate_limits"]
            if each.get("name")
        }
    )


def on_input_transcript(draft: Draft, event: JsonObject) -> None:
    draft.append_translation("input_transcript", event["delta"])


def on_output_transcript(draft: Draft, event: JsonObject) -> None:
    draft.append_translation("output_transcript", event["delta"])


ROWS = (
    reduced(SessionCreatedEvent, on_created),
    reduced(SessionUpdatedEvent, on_updated),
    reduced(ConversationCreated, on_conversation),
    reduced(ErrorEvent, on_error),
    reduced(RateLimitsUpdated, on_rate_limits),
    reduced(SessionInputTranscriptDelta, on_input_transcript),
    reduced(SessionOutputTranscriptDelta, on_output_transcript),
    noted(SessionOutputAudioDelta),
    noted(SessionClosed),
    noted(Ping),
)
