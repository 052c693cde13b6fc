"""What a snapshot says, read for one purpose: pure functions, worked out when they are called."""

from rtstate.views.tools import McpApproval, McpTools, ToolCall, mcp_approvals, mcp_tools, tool_calls
from rtstate.views.transcript import Turn, transcript

__all__ = [
    "McpApproval",
    "McpTools",
    "ToolCall",
    "Turn",
    "mcp_approvals",
    "mcp_tools",
    "tool_calls",
    "transcript",
]
