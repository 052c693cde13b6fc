"""What only Azure Voice Live sends beside the conversation: avatars, animation, search, hosted agents."""

from __future__ import annotations

from typing import Literal

from rtstate.wire._base import ServerEvent, noted
from rtstate.wire._objects import Index, Milliseconds


class VoiceLivePartEvent(ServerEvent):
    """Data that goes with the audio of one part: word timing, mouth shapes, facial animation."""

    type: Literal[
        "response.audio_timestamp.delta",
        "response.audio_timestamp.done",
        "response.animation_viseme.delta",
        "response.animation_viseme.done",
        "response.animation_blendshapes.delta",
        "response.animation_blendshapes.done",
    ]
    response_id: str | None = None
    item_id: str | None = None
    output_index: Index = None
    content_index: Index = 0
    audio_offset_ms: Milliseconds = None
    viseme_id: int | None = None


class VoiceLiveEvent(ServerEvent):
    """Any other event of Voice Live's own: it says nothing about the items of the conversation."""

    type: Literal[
        "warning",
        "session.avatar.connecting",
        "session.avatar.switch_to_speaking",
        "session.avatar.switch_to_idle",
        "response.emotion_hypothesis",
        "response.video.delta",
        "response.web_search_call.searching",
        "response.web_search_call.in_progress",
        "response.web_search_call.completed",
        "response.file_search_call.searching",
        "response.file_search_call.in_progress",
        "response.file_search_call.completed",
        "response.audio_transcript.annotation.added",
        "response.invocation.delta",
        "response.foundry_agent_call_arguments.delta",
        "response.foundry_agent_call_arguments.done",
        "response.foundry_agent_call.in_progress",
        "response.foundry_agent_call.completed",
        "response.foundry_agent_call.failed",
        "mcp_approval_request",
        "mcp_approval_response",
        "byom_credential.updated",
        "rtc.call.sdp.created",
        "rtc.call.error",
    ]


ROWS = (
    noted(VoiceLivePartEvent),
    noted(VoiceLiveEvent),
)
