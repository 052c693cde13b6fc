"""The state of a realtime voice conversation.

``Conversation`` takes the events of a Realtime API, one by one, and holds what they amount to: ordered items,
responses, usage. ``snapshot()`` gives it as an immutable ``Snapshot``, every event as a ``Change``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rtstate import cost as cost
    from rtstate import errors as errors
    from rtstate import events as events
    from rtstate import exports as exports
    from rtstate import hub as hub
    from rtstate import logs as logs
    from rtstate import patching as patching
    from rtstate import simulate as simulate
    from rtstate import views as views
    from rtstate import wire as wire
    from rtstate._change import Anomaly, Change, Stats
    from rtstate._diff import diff
    from rtstate._model import (
        ErrorRecord,
        InputAudio,
        InputTokens,
        Item,
        ModalityTokens,
        Part,
        RateLimit,
        Response,
        ResponseTotals,
        SessionInfo,
        TextAudioTokens,
        Totals,
        Transcription,
        TranscriptionTotals,
        Translation,
        Truncated,
    )
    from rtstate._operations import Operation
    from rtstate._trace import ItemTrace, ResponseTrace, Transcribed
    from rtstate._types import AnomalyKind, AudioMode, Dialect
    from rtstate.conversation import Conversation
    from rtstate.document import Snapshot
    from rtstate.errors import (
        CheckpointError,
        DocumentError,
        EventParseError,
        HistoryGone,
        PatchError,
        RevisionGap,
        RtstateError,
    )
    from rtstate.exports import (
        LeftOut,
        RestorePlan,
        chat_messages,
        responses_input,
        restore_events,
        restore_plan,
    )
    from rtstate.patching import apply_patch
    from rtstate.pure import reduce
    from rtstate.recording import replay
    from rtstate.replica import Replica
    from rtstate.timeline import Timeline
    from rtstate.update import Update, coalesce
    from rtstate.views.barge_in import can_create_response, interrupt_events, truncate_event
    from rtstate.views.context import ContextEstimate
    from rtstate.views.timing import Percentiles, Timing, TurnTiming, timing
    from rtstate.views.tools import McpApproval, McpTools, ToolCall, mcp_approvals, mcp_tools, tool_calls
    from rtstate.views.transcript import Turn, transcript
    from rtstate.views.usage import Tokens, Usage, UsageEntry, UsageTotals, usage
    from rtstate.wire import (
        ClientEvent,
        Raw,
        ServerEvent,
        UnknownEvent,
        parse_client_event,
        parse_server_event,
    )

__version__ = "0.1.0"

__all__ = [
    "Anomaly",
    "AnomalyKind",
    "AudioMode",
    "Change",
    "CheckpointError",
    "ClientEvent",
    "ContextEstimate",
    "Conversation",
    "Dialect",
    "DocumentError",
    "ErrorRecord",
    "EventParseError",
    "HistoryGone",
    "InputAudio",
    "InputTokens",
    "Item",
    "ItemTrace",
    "LeftOut",
    "McpApproval",
    "McpTools",
    "ModalityTokens",
    "Operation",
    "Part",
    "PatchError",
    "Percentiles",
    "RateLimit",
    "Raw",
    "Replica",
    "Response",
    "ResponseTotals",
    "ResponseTrace",
    "RestorePlan",
    "RevisionGap",
    "RtstateError",
    "ServerEvent",
    "SessionInfo",
    "Snapshot",
    "Stats",
    "TextAudioTokens",
    "Timeline",
    "Timing",
    "Tokens",
    "ToolCall",
    "Totals",
    "Transcribed",
    "Transcription",
    "TranscriptionTotals",
    "Translation",
    "Truncated",
    "Turn",
    "TurnTiming",
    "UnknownEvent",
    "Update",
    "Usage",
    "UsageEntry",
    "UsageTotals",
    "apply_patch",
    "can_create_response",
    "chat_messages",
    "coalesce",
    "diff",
    "interrupt_events",
    "mcp_approvals",
    "mcp_tools",
    "parse_client_event",
    "parse_server_event",
    "reduce",
    "replay",
    "responses_input",
    "restore_events",
    "restore_plan",
    "timing",
    "tool_calls",
    "transcript",
    "truncate_event",
    "usage",
]

_NAMES: Final = {
    "_change": "Anomaly Change Stats",
    "_diff": "diff",
    "_model": (
        "ErrorRecord InputAudio InputTokens Item ModalityTokens Part RateLimit Response ResponseTotals "
        "SessionInfo TextAudioTokens Totals Transcription TranscriptionTotals Translation Truncated"
    ),
    "_operations": "Operation",
    "_trace": "ItemTrace ResponseTrace Transcribed",
    "_types": "AnomalyKind AudioMode Dialect",
    "conversation": "Conversation",
    "document": "Snapshot",
    "errors": (
        "CheckpointError DocumentError EventParseError HistoryGone PatchError RevisionGap RtstateError"
    ),
    "exports": "LeftOut RestorePlan chat_messages responses_input restore_events restore_plan",
    "patching": "apply_patch",
    "pure": "reduce",
    "recording": "replay",
    "replica": "Replica",
    "timeline": "Timeline",
    "update": "Update coalesce",
    "views.barge_in": "can_create_response interrupt_events truncate_event",
    "views.context": "ContextEstimate",
    "views.timing": "Percentiles Timing TurnTiming timing",
    "views.tools": "McpApproval McpTools ToolCall mcp_approvals mcp_tools tool_calls",
    "views.transcript": "Turn transcript",
    "views.usage": "Tokens Usage UsageEntry UsageTotals usage",
    "wire": "ClientEvent Raw ServerEvent UnknownEvent parse_client_event parse_server_event",
}
_HOMES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}
_MODULES: Final = frozenset(
    {"cost", "errors", "events", "exports", "hub", "logs", "patching", "simulate", "views", "wire"}
)

if not TYPE_CHECKING:  # which would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a name when it is first asked for: who only folds patches never waits for pydantic."""
        if name in _MODULES:
            return import_module(f"rtstate.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module 'rtstate' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"rtstate.{_HOMES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
