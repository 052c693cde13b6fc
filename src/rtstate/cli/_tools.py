"""``rtstate tools``: which tools were called, with what, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from rtstate import (
    Conversation,
    McpApproval,
    McpTools,
    Snapshot,
    ToolCall,
    mcp_approvals,
    mcp_tools,
    tool_calls,
)
from rtstate._types import Dialect
from rtstate.cli._items import call, output, reason, tool_name
from rtstate.cli._layout import BAD, QUIET, WARNING, Entry, clean, count, heading
from rtstate.cli._points import AT, Point, states
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT
from rtstate.cli._words import short_id


@click.command("tools", short_help="Show which tools were called, and what came of it.")
@click.argument("name", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
@click.option("--pretty", is_flag=True, help="Print it with indentation.")
@AT
@DIALECT
def tools_command(name: str, as_json: bool, pretty: bool, point: Point | None, dialect: Dialect) -> None:
    """Show the calls of tools in FILE, or in standard input for "-", with their arguments and outputs.

    A call is done, failed, ready (it may be run), running (an MCP server's), partial (its arguments are not
    all there), or stopped (its response ended badly: it must not be run).

    \b
    rtstate tools session.jsonl --at 1m5s
    rtstate tools session.jsonl --json | jq '.tool_calls[] | {name, arguments, output}'
    """  # noqa: D301
    [snapshot] = states(name, Conversation(dialect=dialect, history=0), [point])
    if as_json or pretty:
        found = json.dumps(_for_programs(snapshot), ensure_ascii=False, indent=2 if pretty else None)
        click.echo(found.encode())
    else:
        print_blocks(page_console(), _page(snapshot))


def _for_programs(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "tool_calls": [each.to_dict() for each in tool_calls(snapshot)],
        "mcp_approvals": [each.to_dict() for each in mcp_approvals(snapshot)],
        "mcp_tools": {label: each.to_dict() for label, each in mcp_tools(snapshot).items()},
    }


def _page(snapshot: Snapshot) -> Iterator[RenderableType]:
    """Yield the calls, the approvals and the listings from top to bottom."""
    calls, approvals, listed = tool_calls(snapshot), mcp_approvals(snapshot), mcp_tools(snapshot)
    yield heading("Tools", count(len(calls), "call"))
    yield from map(_call, calls)
    if approvals:
        yield Text()
        yield heading("Approvals", f"{len(approvals):,}")
        yield from map(_approval, approvals)
    if listed:
        yield Text()
        yield heading("MCP servers", f"{len(listed):,}")
        yield from map(_listing, listed.values())


def _call(each: ToolCall) -> Entry:
    label, style = _standing(each)
    body = call(each.name, each.arguments_text, each.server_label)
    if each.output is not None:
        body = Text.assemble(body, "\n", output(each.output))
    elif each.error is not None:
        body = Text.assemble(body, "\n→ ", (reason(each.error), BAD))
    return Entry(label, style, body, note=_id(each.item_id), noted=True)


def _standing(each: ToolCall) -> tuple[str, str]:
    """Return how a call stands in a word, and its style."""
    if each.output is not None:
        return "done", "green"
    if each.error is not None:
        return "failed", BAD
    if each.ready:
        return "ready", "cyan"
    if each.status in (None, "in_progress"):
        return ("running", QUIET) if each.kind == "mcp" and each.complete else ("partial", QUIET)
    return "stopped", WARNING


def _approval(each: McpApproval) -> Entry:
    body = call(each.name, each.arguments_text, each.server_label)
    if each.reason:
        body = Text.assemble(body, f"\n{clean(each.reason)}")
    label, style = {True: ("approved", "green"), False: ("refused", WARNING), None: ("asked", "cyan")}[
        each.approved
    ]
    return Entry(label, style, body, note=_id(each.item_id), noted=True)


def _listing(each: McpTools) -> Entry:
    names = ", ".join(tool_name(tool) for tool in each.tools or ())
    missing = "not listed yet" if each.tools is None else "no tools"
    return Entry(clean(each.server_label), "bold blue", Text(names) if names else Text(missing, QUIET))


def _id(item_id: str) -> str:
    return short_id(item_id, "item")
