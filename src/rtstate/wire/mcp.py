"""Remote MCP servers: the listing of their tools, and the calls a response makes to them."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate._types import COMPLETED, IN_PROGRESS, INCOMPLETE
from rtstate.wire._base import Handler, JsonObject, Padding, ServerEvent, reduced
from rtstate.wire._objects import Index


class McpListToolsInProgress(ServerEvent):
    """The tools of an MCP server are being listed, for the item announced just before."""

    type: Literal["mcp_list_tools.in_progress"]
    item_id: str | None = None


class McpListToolsCompleted(ServerEvent):
    """The tools of an MCP server are known; they come with the item's ``conversation.item.done``."""

    type: Literal["mcp_list_tools.completed"]
    item_id: str | None = None


class McpListToolsFailed(ServerEvent):
    """The tools of an MCP server could not be listed."""

    type: Literal["mcp_list_tools.failed"]
    item_id: str | None = None


class ResponseMcpCallArgumentsDelta(ServerEvent):
    """More of the arguments of an MCP call."""

    type: Literal["response.mcp_call_arguments.delta"]
    response_id: str | None = None
    item_id: str
    output_index: Index = None
    delta: str
    obfuscation: Padding = None


class ResponseMcpCallArgumentsDone(ServerEvent):
    """The whole arguments of an MCP call; ``call_id`` and ``name`` come from xAI only."""

    type: Literal["response.mcp_call_arguments.done"]
    response_id: str | None = None
    item_id: str
    output_index: Index = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class ResponseMcpCallInProgress(ServerEvent):
    """An MCP call was sent to its server."""

    type: Literal["response.mcp_call.in_progress"]
    item_id: str
    output_index: Index = None


class ResponseMcpCallCompleted(ServerEvent):
    """An MCP call came back; its output comes with the item."""

    type: Literal["response.mcp_call.completed"]
    item_id: str
    output_index: Index = None


class ResponseMcpCallFailed(ServerEvent):
    """An MCP call failed; its error comes with the item."""

    type: Literal["response.mcp_call.failed"]
    item_id: str
    output_index: Index = None


def on_arguments_delta(draft: Draft, event: JsonObject) -> None:
    draft.append_arguments(event["item_id"], "mcp_call", event["delta"], event.get("response_id"))


def on_arguments_done(draft: Draft, event: JsonObject) -> None:
    told = {"name": event.get("name")}
    draft.finish_arguments(
        event["item_id"], "mcp_call", event.get("arguments"), event.get("response_id"), **told
    )


def _progress(item_type: str, status: str) -> Handler:
    """Return the handler of an event that only says how far an MCP item is; MCP items have no wire status."""

    def on_progress(draft: Draft, event: JsonObject) -> None:
        draft.advance_item(event.get("item_id"), item_type, status)

    return on_progress


ROWS = (
    reduced(ResponseMcpCallArgumentsDelta, on_arguments_delta),
    reduced(ResponseMcpCallArgumentsDone, on_arguments_done),
    reduced(ResponseMcpCallInProgress, _progress("mcp_call", IN_PROGRESS)),
    reduced(ResponseMcpCallCompleted, _progress("mcp_call", COMPLETED)),
    reduced(ResponseMcpCallFailed, _progress("mcp_call", INCOMPLETE)),
    reduced(McpListToolsInProgress, _progress("mcp_list_tools", IN_PROGRESS)),
    reduced(McpListToolsCompleted, _progress("mcp_list_tools", COMPLETED)),
    reduced(McpListToolsFailed, _progress("mcp_list_tools", INCOMPLETE)),
)
