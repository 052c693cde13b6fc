"""The tools of a conversation: what was called with what, what came back, what waits for an approval.

Nothing here is kept while events come in: calls and outputs are paired, and arguments parsed, on reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import attrs
from pydantic_core import from_json

from rtstate._json import freeze, thaw
from rtstate._model import Item
from rtstate._types import ItemId, Json, ResponseId
from rtstate.document import Snapshot, expect_snapshot


@attrs.frozen
class ToolCall:
    """One call of a tool, with its output.

    ``arguments_text`` is verbatim, ``arguments`` what it parses to as far as it has come (None where nothing
    does), and ``complete`` says that it is a whole JSON object. ``ready``: the call is final and its response
    did not end badly, so you may run it; never so for MCP calls, which the server runs. ``output`` is
    verbatim, None until there is one. MCP calls have ``error``, ``server_label`` and ``approval_request_id``.
    ``placed`` is False for a call that is not in the conversation's order: one of a response out of band.
    """

    item_id: ItemId
    call_id: str | None
    kind: Literal["function", "mcp"]
    name: str | None
    arguments_text: str | None
    arguments: Json = attrs.field(hash=False)
    complete: bool
    ready: bool
    output: Json = attrs.field(hash=False)
    output_item_id: ItemId | None
    error: Json = attrs.field(hash=False)
    response_id: ResponseId | None
    server_label: str | None
    approval_request_id: ItemId | None
    status: str | None
    placed: bool = True

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return thaw(attrs.asdict(self))  # type: ignore[no-any-return]


@attrs.frozen
class McpApproval:
    """A call that an MCP server wants approved. ``approved`` is None until somebody has answered."""

    item_id: ItemId
    server_label: str | None
    name: str | None
    arguments_text: str | None
    arguments: Json = attrs.field(hash=False)
    approved: bool | None
    reason: str | None
    answer_item_id: ItemId | None
    response_id: ResponseId | None
    placed: bool = True

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return thaw(attrs.asdict(self))  # type: ignore[no-any-return]


@attrs.frozen
class McpTools:
    """The tools of an MCP server, as it lists them; None while it has not.

    ``status`` is that of the listing: ``incomplete`` means that it failed.
    """

    server_label: str
    tools: tuple[Json, ...] | None = attrs.field(hash=False)
    item_id: ItemId
    status: str | None

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return thaw(attrs.asdict(self))  # type: ignore[no-any-return]


def tool_calls(snapshot: Snapshot) -> tuple[ToolCall, ...]:
    """Return all calls of tools, in conversation order; those without a place in it come last.

    A call is paired with its output by ``call_id``; of several outputs the first one counts, which is the one
    the model went on from. An output without a call is not a call. Cost: O(n), and the arguments' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> told = {"type": "response.function_call_arguments.delta", "item_id": "item_1", "call_id": "call_1"}
    >>> _ = conversation.feed({**told, "delta": '{"city": "Par'})
    >>> [call] = tool_calls(conversation.snapshot())
    >>> call.arguments, call.complete, call.ready
    ({'city': 'Par'}, False, False)
    """
    found = _all_items(snapshot)
    outputs = first_outputs(item for item, _ in found)
    return tuple([_call(item, placed, outputs) for item, placed in found if item.type in _KINDS])


def mcp_approvals(snapshot: Snapshot) -> tuple[McpApproval, ...]:
    """Return the calls that MCP servers wanted approved, in conversation order, each with its answer.

    Of several answers the first one counts. Cost: O(n), and the arguments' lengths.
    """
    found = _all_items(snapshot)
    answers = first_answers(item for item, _ in found)
    return tuple(
        [
            _approval(item, placed, answers.get(item.id))
            for item, placed in found
            if item.type == "mcp_approval_request"
        ]
    )


def mcp_tools(snapshot: Snapshot) -> dict[str, McpTools]:
    """Return the tools of each MCP server by its label, as last listed. Cost: O(n)."""
    listed: dict[str, McpTools] = {}
    for item, _ in _all_items(snapshot):
        if item.type == "mcp_list_tools" and item.server_label is not None:
            tools = None if item.tools is None else tuple(thaw(item.tools))
            if tools is not None or listed.get(item.server_label, _UNLISTED).tools is None:
                listed[item.server_label] = McpTools(item.server_label, tools, item.id, item.status)
    return listed


def first_outputs(items: Iterable[Item]) -> dict[str, Item]:
    """Return the items that hold the output of a function call, by its ``call_id``: the first of each."""
    outputs: dict[str, Item] = {}
    for item in items:
        if item.type == "function_call_output" and item.output is not None and item.call_id is not None:
            outputs.setdefault(item.call_id, item)
    return outputs


def first_answers(items: Iterable[Item]) -> dict[str, Item]:
    """Return the items that answer a request for approval, by the id of the request: the first of each."""
    answers: dict[str, Item] = {}
    for item in items:
        asked = item.approval_request_id
        if item.type == "mcp_approval_response" and asked is not None and item.approve is not None:
            answers.setdefault(asked, item)
    return answers


_KINDS: dict[str, Literal["function", "mcp"]] = {"function_call": "function", "mcp_call": "mcp"}
_UNLISTED = McpTools("", None, "", None)


def _all_items(snapshot: Snapshot) -> list[tuple[Item, bool]]:
    """Return every item, and whether it has a place in the order."""
    expect_snapshot(snapshot)
    placed = [(item, True) for item in snapshot.items]
    return placed + [(item, False) for item in snapshot.unplaced]


def _call(item: Item, placed: bool, outputs: dict[str, Item]) -> ToolCall:
    kind = _KINDS[item.type]
    answer = None if item.call_id is None else outputs.get(item.call_id)
    text = item.arguments
    output = item.output if answer is None else answer.output
    return ToolCall(
        item.id,
        item.call_id,
        kind,
        item.name,
        text,
        _parsed(text),
        _is_object(text),
        item.ready,
        thaw(output),
        None if answer is None else answer.id,
        thaw(item.error),
        item.response_id,
        item.server_label,
        item.approval_request_id,
        item.status,
        placed,
    )


def _approval(item: Item, placed: bool, answer: Item | None) -> McpApproval:
    return McpApproval(
        item.id,
        item.server_label,
        item.name,
        item.arguments,
        _parsed(item.arguments),
        None if answer is None else answer.approve,
        None if answer is None else answer.reason,
        None if answer is None else answer.id,
        item.response_id,
        placed,
    )


def _parsed(text: str | None) -> Json:
    """Return what a JSON text says as far as it has come; None where it says nothing yet, or is no JSON."""
    if text is None:
        return None
    try:
        return thaw(freeze(from_json(text, allow_inf_nan=False, allow_partial="trailing-strings")))
    except (TypeError, ValueError):  # TypeError: half a surrogate pair
        return None


def _is_object(text: str | None) -> bool:
    """Tell whether a text is one whole JSON object. No delta can change it then: nothing may follow one."""
    if text is None:
        return False
    try:
        return isinstance(from_json(text, allow_inf_nan=False), dict)
    except (TypeError, ValueError):
        return False
