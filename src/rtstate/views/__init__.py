"""What a snapshot says, read for one purpose: pure functions, worked out when they are called."""

from rtstate.views.barge_in import can_create_response, interrupt_events, truncate_event
from rtstate.views.tools import McpApproval, McpTools, ToolCall, mcp_approvals, mcp_tools, tool_calls
from rtstate.views.transcript import Turn, transcript

__all__ = [
    "McpApproval",
    "McpTools",
    "ToolCall",
    "Turn",
    "can_create_response",
    "interrupt_events",
    "mcp_approvals",
    "mcp_tools",
    "tool_calls",
    "transcript",
    "truncate_event",
]
