"""What a client sends: settings, audio, items, and the start and end of a response."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate._types import END
from rtstate.wire._base import ClientEvent, JsonObject, ignored, noted, reduced
from rtstate.wire._copies import read_item
from rtstate.wire._objects import AnyItem, Index, ResponseProperties, SessionProperties


class SessionUpdateEvent(ClientEvent):
    """Change the settings that are given and leave the others; GA wants ``session.type``."""

    type: Literal["session.update", "transcription_session.update"] = "session.update"
    session: SessionProperties


class SessionCloseEvent(ClientEvent):
    """Close a translation session after what is still to be said."""

    type: Literal["session.close"] = "session.close"


class InputAudioBufferAppendEvent(ClientEvent):
    """Add base64 audio to the input buffer."""

    type: Literal["input_audio_buffer.append"] = "input_audio_buffer.append"
    audio: str


class SessionInputAudioBufferAppendEvent(ClientEvent):
    """Add base64 audio (PCM16, 24 kHz, mono) to the input of a translation session."""

    type: Literal["session.input_audio_buffer.append"] = "session.input_audio_buffer.append"
    audio: str


class InputAudioBufferCommitEvent(ClientEvent):
    """Make the input buffer a user item; no response follows by itself."""

    type: Literal["input_audio_buffer.commit"] = "input_audio_buffer.commit"


class InputAudioBufferClearEvent(ClientEvent):
    """Drop the audio that is not committed yet."""

    type: Literal["input_audio_buffer.clear"] = "input_audio_buffer.clear"


class OutputAudioBufferClearEvent(ClientEvent):
    """Stop playing, over WebRTC and SIP."""

    type: Literal["output_audio_buffer.clear"] = "output_audio_buffer.clear"


class ConversationItemCreateEvent(ClientEvent):
    """Add an item: last, or after ``previous_item_id``, where ``root`` means first."""

    type: Literal["conversation.item.create"] = "conversation.item.create"
    previous_item_id: str | None = None
    item: AnyItem


class ConversationItemRetrieveEvent(ClientEvent):
    """Ask for the server's copy of an item, audio included."""

    type: Literal["conversation.item.retrieve"] = "conversation.item.retrieve"
    item_id: str


class ConversationItemTruncateEvent(ClientEvent):
    """Cut an assistant's audio to what was played: ``audio_end_ms`` from the start of the part."""

    type: Literal["conversation.item.truncate"] = "conversation.item.truncate"
    item_id: str
    content_index: Index = 0
    audio_end_ms: int | float


class ConversationItemDeleteEvent(ClientEvent):
    """Remove an item."""

    type: Literal["conversation.item.delete"] = "conversation.item.delete"
    item_id: str


class ResponseCreateEvent(ClientEvent):
    """Ask for a response; ``response`` overrides the session for this one."""

    type: Literal["response.create"] = "response.create"
    response: ResponseProperties | None = None


class ResponseCancelEvent(ClientEvent):
    """Cancel ``response_id``, or the response in progress in the default conversation."""

    type: Literal["response.cancel"] = "response.cancel"
    response_id: str | None = None


class McpApprovalResponseEvent(ClientEvent):
    """Decide about an MCP call, on Azure Voice Live, where this is an event of its own."""

    type: Literal["mcp_approval_response"] = "mcp_approval_response"
    approval_request_id: str | None = None
    approve: bool | None = None
    reason: str | None = None


class VoiceLiveClientEvent(ClientEvent):
    """Any event that only Azure Voice Live takes; a new one must name its type."""

    type: Literal[
        "input_audio.turn.start",
        "input_audio.turn.append",
        "input_audio.turn.end",
        "input_audio.turn.cancel",
        "input_audio.clear",
        "input_text.delta",
        "input_text.done",
        "session.avatar.connect",
        "rtc.call.sdp.create",
        "byom_credential.update",
    ]


def on_create(draft: Draft, event: JsonObject) -> None:
    previous = event.get("previous_item_id")  # a client's null is the end, a server's the head
    copy = read_item(draft, event["item"]) if event["item"].get("id") else None
    if copy:
        anchor = None if previous == "root" else previous or END
        draft.ask_item(copy, anchor, event.get("event_id"))


def on_delete(draft: Draft, event: JsonObject) -> None:
    draft.ask_deletion(event["item_id"], event.get("event_id"))


def on_truncate(draft: Draft, event: JsonObject) -> None:
    index, end = event.get("content_index") or 0, event.get("audio_end_ms")
    draft.ask_truncation(event["item_id"], index, end, event.get("event_id"))


ROWS = (
    noted(SessionUpdateEvent),
    noted(SessionCloseEvent),
    ignored(InputAudioBufferAppendEvent),
    ignored(SessionInputAudioBufferAppendEvent),
    noted(InputAudioBufferCommitEvent),
    noted(InputAudioBufferClearEvent),
    noted(OutputAudioBufferClearEvent),
    reduced(ConversationItemCreateEvent, on_create),
    noted(ConversationItemRetrieveEvent),
    reduced(ConversationItemTruncateEvent, on_truncate),
    reduced(ConversationItemDeleteEvent, on_delete),
    noted(ResponseCreateEvent),
    noted(ResponseCancelEvent),
    noted(McpApprovalResponseEvent),
    noted(VoiceLiveClientEvent),
)
