"""MCP: listing the tools of a server, calling one, and asking for approval."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    cases,
    created,
    done,
    event,
    item,
    output_added,
    output_done,
    prove,
    response_created,
    response_done,
    state,
    unchanged,
    user,
)

HI = added(user(text="Hi"), after=None)
TOOLS = [{"name": "search", "input_schema": {"type": "object"}}]


def listing(**fields: Any) -> Event:
    return {"id": "l1", "type": "mcp_list_tools", "server_label": "docs", **fields}


def mcp_call(**fields: Any) -> Event:
    return {"id": "m1", "type": "mcp_call", "server_label": "docs", "name": "search", **fields}


def list_tools(kind: str, item_id: Any = "l1") -> Event:
    return event(f"mcp_list_tools.{kind}", item_id=item_id)


def progress(kind: str) -> Event:
    return event(f"response.mcp_call.{kind}", item_id="m1", output_index=0)


def arguments(kind: str, **fields: Any) -> Event:
    return event(
        f"response.mcp_call_arguments.{kind}", response_id="r1", item_id="m1", output_index=0, **fields
    )


CALLED = [
    HI,
    response_created(),
    output_added(mcp_call(arguments="")),
    added(mcp_call(arguments=""), after="u1"),
]


@cases(
    {
        "a listing begins": (
            [HI],
            added(listing(), after="u1"),
            item("l1", status="in_progress", server_label="docs", tools=None, extra={})
            | {"order": ["u1", "l1"]},
        ),
        "a listing goes on before its item": (
            [HI],
            list_tools("in_progress"),
            item("l1", type="mcp_list_tools", status="in_progress", tools=None) | {"order": ["u1"]},
        ),
        "a listing is completed": (
            [added(listing())],
            list_tools("completed"),
            item("l1", status="completed"),
        ),
        "a listing fails": ([added(listing())], list_tools("failed"), item("l1", status="incomplete")),
        "the tools come with the end of the item": (
            [added(listing()), list_tools("in_progress"), list_tools("completed")],
            done(listing(tools=TOOLS)),
            item("l1", status="completed", tools=TOOLS, server_label="docs"),
        ),
        "the tools come before the listing is completed": (
            [added(listing()), done(listing(tools=TOOLS))],
            event("conversation.item.retrieved", item=listing(tools=[*TOOLS, {"name": "fetch"}])),
            item("l1", tools=[*TOOLS, {"name": "fetch"}]),
        ),
        "a call begins": (
            [HI, response_created()],
            output_added(mcp_call(arguments="", approval_request_id="p1")),
            item(
                "m1",
                status="in_progress",
                name="search",
                arguments=None,
                approval_request_id="p1",
                output=None,
                error=None,
                response_id="r1",
                ready=ABSENT,
            )
            | {"order": ["u1"]},
        ),
        "the whole of a call nobody announced": (
            [],
            arguments("done", arguments="{}", name="search"),
            item("m1", type="mcp_call", name="search", arguments="{}", response_id="r1"),
        ),
        "arguments": (CALLED, arguments("delta", delta='{"q"'), item("m1", arguments='{"q"')),
        "arguments append": (
            [*CALLED, arguments("delta", delta='{"q"')],
            arguments("delta", delta=": 1}"),
            item("m1", arguments='{"q": 1}'),
        ),
        "the whole arguments": (
            [*CALLED, arguments("delta", delta="[")],
            arguments("done", arguments="{}"),
            item("m1", arguments="{}", status="in_progress"),
        ),
        "no whole arguments": (
            [*CALLED, arguments("delta", delta="{}")],
            arguments("done", arguments=None),
            item("m1", arguments="{}"),
        ),
        "arguments of a call nobody announced": (
            [],
            arguments("delta", delta="{"),
            item("m1", type="mcp_call", arguments="{", response_id="r1") | {"order": ["m1"]},
        ),
        "a call is completed": (CALLED, progress("completed"), item("m1", status="completed")),
        "a call fails": (CALLED, progress("failed"), item("m1", status="incomplete")),
        "a call goes on before its item": (
            [HI],
            progress("in_progress"),
            item("m1", type="mcp_call", status="in_progress") | {"order": ["u1"]},
        ),
        "the output comes with the end of the item": (
            [*CALLED, arguments("done", arguments="{}"), progress("completed")],
            output_done(mcp_call(arguments="{}", output="found it")),
            item("m1", output="found it", arguments="{}", status="completed", error=None),
        ),
        "the output comes with the end of the response": (
            [*CALLED, arguments("done", arguments="{}"), progress("completed")],
            response_done("r1", mcp_call(arguments="{}", output="found it")),
            item("m1", output="found it", status="completed"),
        ),
        "the error comes with the end of the item": (
            [*CALLED, progress("failed")],
            done(mcp_call(arguments="{}", error={"type": "http_error", "code": 500})),
            item("m1", error={"type": "http_error", "code": 500}),
        ),
        "another name of a call": (
            [],
            done({**mcp_call(arguments="{}", output="x"), "type": "mcp_tool_call"}),
            item("m1", type="mcp_call", output="x", arguments="{}"),
        ),
        "a request for approval": (
            [HI, response_created()],
            output_done(
                {
                    "id": "p1",
                    "type": "mcp_approval_request",
                    "server_label": "docs",
                    "name": "s",
                    "arguments": "{}",
                }
            ),
            item(
                "p1", type="mcp_approval_request", server_label="docs", name="s", arguments="{}", ready=ABSENT
            )
            | {"order": ["u1", "p1"]},
        ),
        "an approval": (
            [HI],
            added(
                {
                    "id": "p2",
                    "type": "mcp_approval_response",
                    "approval_request_id": "p1",
                    "approve": True,
                    "reason": None,
                },
                after="u1",
            ),
            item("p2", approval_request_id="p1", approve=True, reason=None) | {"order": ["u1", "p2"]},
        ),
        "a refusal": (
            [HI],
            created(
                {"id": "p2", "type": "mcp_approval_response", "approval_request_id": "p1", "approve": False}
            ),
            item("p2", approve=False, status="completed"),
        ),
    }
)
def test_mcp(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "a listing goes on": ([added(listing())], list_tools("in_progress"), None),
        "a listing without an item": ([HI], list_tools("completed", None), None, None),
        "in_progress after completed": (
            [added(listing()), list_tools("completed")],
            list_tools("in_progress"),
            None,
            None,
        ),
        "failed after completed": (
            [added(listing()), list_tools("completed")],
            list_tools("failed"),
            None,
            None,
        ),
        "completed again": ([*CALLED, progress("completed")], progress("completed"), None),
        "in_progress after the end": ([*CALLED, progress("completed")], progress("in_progress"), None, None),
        "a delta after the whole": (
            [*CALLED, arguments("done", arguments="{}")],
            arguments("delta", delta="!"),
            None,
            ["late"],
        ),
        "the whole again": (
            [*CALLED, arguments("done", arguments="{}")],
            arguments("done", arguments="{}"),
            None,
        ),
        "a delta after the end of the response": (
            [*CALLED, response_done()],
            arguments("delta", delta="!"),
            None,
            ["late"],
        ),
        "arguments of a message": (
            [added(assistant("m1"))],
            arguments("delta", delta="!"),
            None,
            ["impossible"],
        ),
        "the same item again": ([added(listing(tools=TOOLS))], added(listing(tools=TOOLS)), None),
        "a copy without tools": ([done(listing(tools=TOOLS))], done(listing(tools=None)), None),
    }
)
def test_no_mcp(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_nothing_of_the_old_session_is_finished_by_the_new_one() -> None:
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    events = [sessions[0], *CALLED, added(listing(), after="m1"), sessions[1]]
    assert state(*events).snapshot().item("m1").status == "incomplete"  # type: ignore[union-attr]
    for last in (
        progress("completed"),
        list_tools("completed"),
        arguments("delta", delta="!"),
        arguments("done", arguments="{}"),
    ):
        unchanged(events, last, None)


@pytest.mark.parametrize("status", ["cancelled", "failed", "incomplete"])
def test_a_response_that_ends_badly_leaves_its_mcp_call_incomplete(status: str) -> None:
    events = [*CALLED, arguments("delta", delta="{")]
    prove(events, response_done(status=status), item("m1", status="incomplete", arguments="{"))
