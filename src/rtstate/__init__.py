"""The state of a realtime voice conversation.

``Conversation`` takes the events of a Realtime API, one by one, and holds what they amount to: ordered items,
responses, usage. ``snapshot()`` gives it as an immutable ``Snapshot``, every event as a ``Change``.
"""

from rtstate._change import Anomaly, Change, Stats
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
from rtstate.diff import diff
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
from rtstate.views import (
    ContextEstimate,
    McpApproval,
    McpTools,
    Percentiles,
    Timing,
    Tokens,
    ToolCall,
    Turn,
    TurnTiming,
    Usage,
    UsageEntry,
    UsageTotals,
    can_create_response,
    interrupt_events,
    mcp_approvals,
    mcp_tools,
    timing,
    tool_calls,
    transcript,
    truncate_event,
    usage,
)
from rtstate.wire import ClientEvent, Raw, ServerEvent, UnknownEvent, parse_client_event, parse_server_event

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
