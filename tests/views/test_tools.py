"""The tools of a conversation: calls with their outputs, approvals with their answers, listings by server."""

import json
from typing import Any

import pytest
from hypothesis import given

from rtstate import McpApproval, McpTools, Snapshot, mcp_approvals, mcp_tools, tool_calls
from tests.exports_support import Dict, mcp, mcp_call, output, points, states, talk
from tests.helpers import (
    added,
    arguments,
    arguments_done,
    call,
    deleted,
    output_added,
    response_created,
    response_done,
    state,
    user,
)


def test_a_call_grows_until_it_may_be_run() -> None:
    f1 = call("f1", "")
    conversation = state(response_created(), output_added(f1), added(f1))
    seen: list[tuple[Any, ...]] = []
    for event in (
        arguments(""),
        arguments('{"city": "Pa'),
        arguments('ris"}'),
        arguments_done('{"city": "Paris"}'),
        response_done("r1", {**f1, "arguments": '{"city": "Paris"}', "status": "completed"}),
    ):
        conversation.feed(event)
        [found] = tool_calls(conversation.snapshot())
        seen.append((found.arguments, found.complete, found.ready, found.status))
    assert seen == [
        (None, False, False, "in_progress"),
        ({"city": "Pa"}, False, False, "in_progress"),
        ({"city": "Paris"}, True, False, "in_progress"),
        ({"city": "Paris"}, True, False, "in_progress"),
        ({"city": "Paris"}, True, True, "completed"),
    ]
    assert (found.item_id, found.call_id, found.kind, found.name) == ("f1", "call_1", "function", "look_up")
    assert (found.arguments_text, found.response_id, found.placed) == ('{"city": "Paris"}', "r1", True)
    assert (found.output, found.output_item_id, found.error, found.server_label) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "parsed", "complete"),
    [
        (None, None, False),
        ("", None, False),
        ("{}", {}, True),
        (' {"a": [1, {"b": null}]}\n', {"a": [1, {"b": None}]}, True),
        ('{"a": 1, "b', {"a": 1}, False),
        ('{"a": [1, 2', {"a": [1, 2]}, False),
        ("[1]", [1], False),
        ('"tex', "tex", False),
        ("not JSON", None, False),
        ('{"a": NaN}', None, False),
        ('{"a": 1e999}', {"a": None}, True),
        ('{"a": 1} and more', {"a": 1}, False),
        ("[" * 10_000, None, False),
    ],
)
def test_arguments_are_parsed_as_far_as_they_go(text: str | None, parsed: Any, complete: bool) -> None:
    [found] = tool_calls(state(added(call("f1", text))).snapshot())
    assert (found.arguments_text, found.arguments, found.complete) == (text or None, parsed, complete)


def test_half_a_surrogate_pair_is_no_json() -> None:
    document = talk(call("f1", "{}")).to_dict()
    document["items"]["f1"]["arguments"] = '{"a": "\ud800"}'
    [found] = tool_calls(Snapshot.from_dict(document))
    assert (found.arguments, found.complete) == (None, False)


def test_arguments_are_the_callers_own() -> None:
    snapshot = talk(call("f1", '{"a": [1]}'))
    tool_calls(snapshot)[0].arguments["a"].append(2)
    assert tool_calls(snapshot)[0].arguments == {"a": [1]}
    assert len({*tool_calls(snapshot), *tool_calls(snapshot)}) == 1


def test_outputs_are_paired_by_call_id() -> None:
    snapshot = talk(
        output("o0", "7", "call_2"),
        call("f1", "{}"),
        call("f2", "{}", call_id="call_2"),
        call("f3", "{}", call_id="call_3"),
        user("u1", "Hello"),
        output("o1", {"n": [1]}),
        output("o4", "unasked", "call_4"),
    )
    found = [(each.call_id, each.output, each.output_item_id) for each in tool_calls(snapshot)]
    assert found == [("call_1", {"n": [1]}, "o1"), ("call_2", "7", "o0"), ("call_3", None, None)]


def test_the_first_output_counts() -> None:
    snapshot = talk(call("f1", "{}"), output("o1", None), output("o2", "first"), output("o3", "second"))
    [found] = tool_calls(snapshot)
    assert (found.output, found.output_item_id) == ("first", "o2")


def test_a_deleted_output_is_none() -> None:
    conversation = state(added(call("f1", "{}")), added(output()), deleted("o1"))
    assert [each.output for each in tool_calls(conversation.snapshot())] == [None]


def test_calls_of_a_response_out_of_band_come_last_and_are_marked() -> None:
    aside = call("f0", "{}", call_id="call_0", status="completed")
    conversation = state(
        response_created("r0", conversation_id=None), output_added(aside, "r0"), added(call("f1", "{}"))
    )
    assert [(each.item_id, each.placed) for each in tool_calls(conversation.snapshot())] == [
        ("f1", True),
        ("f0", False),
    ]


def test_a_call_whose_response_fails_is_not_ready() -> None:
    f1 = call("f1", "{}", status="completed")
    conversation = state(response_created(), output_added(f1), added(f1))
    assert [each.ready for each in tool_calls(conversation.snapshot())] == [True]
    conversation.feed(response_done("r1", f1, status="cancelled"))
    assert [each.ready for each in tool_calls(conversation.snapshot())] == [False]


def test_calls_of_mcp_servers() -> None:
    error = {"type": "http_error", "code": 500, "message": "Down."}
    snapshot = talk(mcp_call(approval_request_id="r1"), mcp_call("m2", output=None, error=error))
    first, second = tool_calls(snapshot)
    assert (first.kind, first.server_label, first.name, first.call_id) == ("mcp", "shop", "buy", None)
    assert (first.arguments, first.output, first.error) == ({"n": 1}, "bought", None)
    assert (first.approval_request_id, first.ready, first.output_item_id) == ("r1", False, None)
    assert (second.output, second.error, type(second.error)) == (None, error, dict)


def test_approvals_are_paired_with_their_answers() -> None:
    def answer(item_id: str, request: str, approve: bool | None, reason: str | None = None) -> Dict:
        return mcp(item_id, "approval_response", approval_request_id=request, approve=approve, reason=reason)

    def request(item_id: str) -> Dict:
        return mcp(item_id, "approval_request", name="buy", arguments='{"n": 1}')

    snapshot = talk(
        *(request(f"r{number}") for number in range(4)),
        answer("p0", "r0", True),
        answer("p1", "r1", None),
        answer("p2", "r1", False, "Too dear."),
        answer("p3", "r1", True),
        answer("p4", "r9", True),
    )
    told = ("shop", "buy", '{"n": 1}', {"n": 1})
    assert mcp_approvals(snapshot) == (
        McpApproval("r0", *told, True, None, "p0", None),
        McpApproval("r1", *told, False, "Too dear.", "p2", None),
        McpApproval("r2", *told, None, None, None, None),
        McpApproval("r3", *told, None, None, None, None),
    )


def test_tools_by_server() -> None:
    buy = {"name": "buy", "input_schema": {"type": "object"}}
    snapshot = talk(
        mcp("l1", "list_tools", tools=[{"name": "old"}]),
        mcp("l2", "list_tools", tools=[buy]),
        mcp("l3", "list_tools", status="in_progress"),
        mcp("l4", "list_tools", server_label="bank", status="in_progress"),
        mcp("l5", "list_tools", server_label="bank", status="in_progress"),
        mcp("l6", "list_tools", server_label=None, tools=[buy]),
    )
    found = mcp_tools(snapshot)
    assert found == {
        "shop": McpTools("shop", (buy,), "l2", "completed"),
        "bank": McpTools("bank", None, "l5", "in_progress"),
    }
    assert type(found["shop"].tools[0]) is dict  # pyright: ignore[reportOptionalSubscript]


def test_a_listing_that_failed_says_so() -> None:
    conversation = state(added(mcp("l1", "list_tools")))
    conversation.feed({"type": "mcp_list_tools.failed", "item_id": "l1"})
    assert mcp_tools(conversation.snapshot()) == {"shop": McpTools("shop", None, "l1", "incomplete")}


def test_a_session_with_mcp() -> None:
    snapshot = points("ga 0")[-1]
    kinds = {each.kind for each in tool_calls(snapshot)}
    assert kinds == {"function", "mcp"}
    assert mcp_tools(snapshot)
    assert all(each.output is not None for each in tool_calls(snapshot) if each.ready)
    done_ones = [each for each in tool_calls(snapshot) if each.status == "completed"]
    assert all(each.complete for each in done_ones)


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    before = snapshot.to_json()
    calls = tool_calls(snapshot)
    items = {each.item_id: snapshot.item(each.item_id) for each in calls}
    assert [each.item_id for each in calls] == [
        item.id
        for item in (*snapshot.items, *snapshot.unplaced)
        if item.type in ("function_call", "mcp_call")
    ]
    for each in calls:
        item = items[each.item_id]
        assert item is not None
        assert (each.arguments_text, each.ready, each.status) == (item.arguments, item.ready, item.status)
        assert each.placed is (each.item_id in snapshot.order)
        assert each.complete is is_object(each.arguments_text)
        assert not each.complete or each.arguments == json.loads(each.arguments_text or "")
    mcp_approvals(snapshot)
    mcp_tools(snapshot)
    assert snapshot.to_json() == before


def is_object(text: str | None) -> bool:
    try:
        return isinstance(json.loads(text or ""), dict)
    except ValueError:
        return False


def test_all_is_plain_json_if_asked() -> None:
    snapshot = points("ga 0")[-1]
    views = [*tool_calls(snapshot), *mcp_approvals(snapshot), *mcp_tools(snapshot).values()]
    plain = [each.to_dict() for each in views]
    assert json.loads(json.dumps(plain)) == plain
    assert {each["item_id"] for each in plain} == {each.item_id for each in views}
