"""What a snapshot says, read for one purpose: pure functions, worked out when they are called."""

from rtstate.views.barge_in import can_create_response, interrupt_events, truncate_event
from rtstate.views.context import ContextEstimate
from rtstate.views.timing import Percentiles, Timing, TurnTiming, timing
from rtstate.views.tools import McpApproval, McpTools, ToolCall, mcp_approvals, mcp_tools, tool_calls
from rtstate.views.transcript import Turn, transcript
from rtstate.views.usage import Tokens, Usage, UsageEntry, UsageTotals, usage

__all__ = [
    "ContextEstimate",
    "McpApproval",
    "McpTools",
    "Percentiles",
    "Timing",
    "Tokens",
    "ToolCall",
    "Turn",
    "TurnTiming",
    "Usage",
    "UsageEntry",
    "UsageTotals",
    "can_create_response",
    "interrupt_events",
    "mcp_approvals",
    "mcp_tools",
    "timing",
    "tool_calls",
    "transcript",
    "truncate_event",
    "usage",
]
