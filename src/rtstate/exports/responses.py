"""The conversation as input of the Responses API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rtstate._json import thaw
from rtstate._model import Item
from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.exports._common import Approval, Call, Listing, Message, as_text, entries
from rtstate.exports._ids import RESPONSES_ID, id_for


def responses_input(snapshot: Snapshot) -> list[dict[str, Json]]:
    """Return the conversation as input items of the Responses API.

    Spoken parts are their transcripts, and of what was cut off only what was heard. What the user said is
    ``input_text``; what the assistant said is plain text, since ``output_text`` needs an id that this API
    gave. Outputs follow their calls at once. MCP calls, listings and answered approvals keep their own types.
    Only MCP items have ids, since the API requires them there. Ids and names of functions that it refuses are
    made into others. What ``rtstate.exports.left_out`` lists is not
    in it. Cost: O(n), and the texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_audio", "transcript": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> responses_input(conversation.snapshot())
    [{'type': 'message', 'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hello.'}]}]
    """
    items: list[dict[str, Json]] = []
    approved: set[Json] = set()
    for entry in entries(snapshot):
        if isinstance(entry, Message):
            items.append(message_item(entry))
        elif isinstance(entry, Approval):
            approved.add(entry.request.id)
            items += _approval(entry)
        elif isinstance(entry, Listing):
            items.append(_listing(entry.item))
        else:
            functions = [call.within(RESPONSES_ID) for call in entry if call.item.type == "function_call"]
            items += [call_item(call) for call in functions]
            items += [_mcp_call(call, approved) for call in entry if call.item.type == "mcp_call"]
            items += [output_item(call) for call in functions]
    return items


def message_item(message: Message) -> dict[str, Json]:
    """Return a message: of parts, or as plain text where the assistant speaks."""
    said: Json = message.text
    if message.role != "assistant":
        said = [
            {"type": "input_text", "text": each}
            if isinstance(each, str)
            else {"type": "input_image", "image_url": each.url, "detail": each.detail}
            for each in message.content
        ]
    return {"type": "message", "role": message.role, "content": said}


def call_item(call: Call) -> dict[str, Json]:
    """Return a call, also one of MCP, as the call of a function."""
    return {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}


def output_item(call: Call) -> dict[str, Json]:
    """Return the output of a call."""
    return {"type": "function_call_output", "call_id": call.call_id, "output": call.output}


def _mcp_call(call: Call, approved: set[Json]) -> dict[str, Json]:
    item = call.item
    made: dict[str, Json] = {
        "type": "mcp_call",
        "id": _id_of("mcp", item.id),
        "server_label": item.server_label,
        "name": call.name,
        "arguments": call.arguments,
        "output": None if item.output is None else call.output,
        "error": None if item.error is None else _error(item.error),
    }
    if item.approval_request_id is not None and item.approval_request_id in approved:
        made["approval_request_id"] = _id_of("mcpr", item.approval_request_id)
    return made


def _approval(approval: Approval) -> list[dict[str, Json]]:
    request, answer = approval.request, approval.answer
    request_id = _id_of("mcpr", request.id)
    asked = {
        "type": "mcp_approval_request",
        "id": request_id,
        "server_label": request.server_label,
        "name": request.name,
        "arguments": request.arguments or "{}",
    }
    answered = {
        "type": "mcp_approval_response",
        "approval_request_id": request_id,
        "approve": answer.approve,
        "reason": None if answer.reason is None else as_text(answer.reason),
    }
    return [asked, answered]


def _listing(item: Item) -> dict[str, Json]:
    tools = [tool for tool in thaw(item.tools) if isinstance(tool.get("name"), str)]
    return {
        "type": "mcp_list_tools",
        "id": _id_of("mcpl", item.id),
        "server_label": item.server_label,
        "tools": [_tool(tool) for tool in tools],
    }


def _tool(tool: dict[str, Json]) -> dict[str, Json]:
    """Return a listed tool with the fields that this API knows."""
    known: dict[str, Json] = {"name": tool["name"], "input_schema": tool.get("input_schema") or {}}
    if isinstance(tool.get("description"), str):
        known["description"] = tool["description"]
    if tool.get("annotations") is not None:
        known["annotations"] = tool["annotations"]
    return known


_ERRORS: Mapping[Json, str] = {
    "protocol_error": "mcp_protocol_error",
    "mcp_protocol_error": "mcp_protocol_error",
    "http_error": "http_error",
}


def _error(error: Json) -> dict[str, Json]:
    """Return the error of an MCP call, whose types have other names here than in realtime sessions."""
    told: Mapping[str, Any] = error if isinstance(error, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]
    code, message = told.get("code"), told.get("message")
    kind = _ERRORS.get(told.get("type"))
    if kind is not None and isinstance(code, int) and isinstance(message, str):
        return {"type": kind, "code": code, "message": message}
    content = message if isinstance(message, str) else thaw(error)
    return {"type": "mcp_tool_execution_error", "content": content}


def _id_of(prefix: str, item_id: str) -> str:
    """Return an id that begins as the API wants the ids of such items to begin, and is not too long.

    >>> _id_of("mcp", "mcp_1"), _id_of("mcp", "item_1")
    ('mcp_1', 'mcp_item_1')
    """
    begun = item_id if item_id.startswith(f"{prefix}_") else f"{prefix}_{item_id}"
    return id_for(begun, prefix, RESPONSES_ID)
