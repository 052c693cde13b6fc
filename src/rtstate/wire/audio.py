"""The two audio buffers: what the user is saying, and what is being played (over WebRTC and SIP only).

Offsets count all audio written to the input buffer since the session began.
"""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate.wire._base import JsonObject, ServerEvent, noted, reduced
from rtstate.wire._copies import anchor, offset
from rtstate.wire._objects import Milliseconds


class InputAudioBufferCommitted(ServerEvent):
    """The buffer became the user item ``item_id``, whose place is known from here on."""

    type: Literal["input_audio_buffer.committed"]
    previous_item_id: str | None = None
    item_id: str


class InputAudioBufferCleared(ServerEvent):
    """The buffer was emptied at the client's request."""

    type: Literal["input_audio_buffer.cleared"]


class InputAudioBufferSpeechStarted(ServerEvent):
    """The user began to speak; the offset includes the padding, and xAI and Inworld send none."""

    type: Literal["input_audio_buffer.speech_started"]
    audio_start_ms: Milliseconds = None
    item_id: str | None = None


class InputAudioBufferSpeechStopped(ServerEvent):
    """The user fell silent; the offset includes the silence, and xAI and Inworld send none."""

    type: Literal["input_audio_buffer.speech_stopped"]
    audio_end_ms: Milliseconds = None
    item_id: str | None = None


class InputAudioBufferTimeoutTriggered(ServerEvent):
    """The user said nothing for ``idle_timeout_ms``; the silence becomes the item ``item_id``."""

    type: Literal["input_audio_buffer.timeout_triggered"]
    audio_start_ms: Milliseconds = None
    audio_end_ms: Milliseconds = None
    item_id: str | None = None


class InputAudioBufferDtmfEventReceived(ServerEvent):
    """A key was pressed on the telephone: ``event``, or ``digit`` on xAI; ``received_at`` in Unix seconds."""

    type: Literal["input_audio_buffer.dtmf_event_received"]
    event: str | None = None
    digit: str | None = None
    received_at: int | float | None = None


class OutputAudioBufferStarted(ServerEvent):
    """The audio of a response began to play."""

    type: Literal["output_audio_buffer.started"]
    response_id: str | None = None


class OutputAudioBufferStopped(ServerEvent):
    """The audio of a response was played to its end, after ``response.done``."""

    type: Literal["output_audio_buffer.stopped"]
    response_id: str | None = None


class OutputAudioBufferCleared(ServerEvent):
    """The rest of the audio was thrown away: the user interrupted, or the client asked for it."""

    type: Literal["output_audio_buffer.cleared"]
    response_id: str | None = None


def on_committed(draft: Draft, event: JsonObject) -> None:
    item = draft.commit_speech(event["item_id"])
    if item and "previous_item_id" in event:
        draft.place(item, anchor(event))
    elif item:
        draft.place_for_now(item)


def on_speech_started(draft: Draft, event: JsonObject) -> None:
    draft.start_speech(event.get("item_id") or None, offset(event, "audio_start_ms"))


def on_speech_stopped(draft: Draft, event: JsonObject) -> None:
    draft.stop_speech(event.get("item_id") or None, offset(event, "audio_end_ms"))


def on_cleared(draft: Draft, event: JsonObject) -> None:
    draft.discard_speech()


ROWS = (
    reduced(InputAudioBufferSpeechStarted, on_speech_started),
    reduced(InputAudioBufferSpeechStopped, on_speech_stopped),
    reduced(InputAudioBufferCommitted, on_committed),
    reduced(InputAudioBufferCleared, on_cleared),
    noted(InputAudioBufferTimeoutTriggered),
    noted(InputAudioBufferDtmfEventReceived),
    noted(OutputAudioBufferStarted),
    noted(OutputAudioBufferStopped),
    noted(OutputAudioBufferCleared),
)
