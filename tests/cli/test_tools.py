import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rtstate import simulate
from tests.cli.support import invoke, recorded, saved_example
from tests.recordings_support import recording_names


def item(type_: str, item_id: str = "item_1", **fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.added", "item": {"id": item_id, "type": type_, **fields}}


def function(**fields: Any) -> dict[str, Any]:
    known = {"call_id": "call_1", "name": "look_up", "arguments": '{"a": "b"}', "status": "completed"}
    return item("function_call", **{**known, **fields})


def mcp(**fields: Any) -> dict[str, Any]:
    known = {"server_label": "shop", "name": "buy", "arguments": "{}"}
    return item("mcp_call", **{**known, **fields})


OUTPUT = item("function_call_output", "item_2", call_id="call_1", output="42", status="completed")
ASKED = item("mcp_approval_request", server_label="shop", name="buy", arguments="{}")
ANSWER = item("mcp_approval_response", "item_2", approval_request_id="item_1", approve=False, reason="No.")
LISTED = item("mcp_list_tools", server_label="shop", tools=[{"name": "buy"}, {"name": "sell"}])
BAD_END = {"type": "response.done", "response": {"id": "resp_1", "status": "cancelled", "output": []}}
PARTIAL = {
    "type": "response.function_call_arguments.delta",
    "item_id": "item_1",
    "response_id": "resp_1",
    "call_id": "call_1",
    "delta": '{"a": "b',
}


def shown(*events: Any, width: int = 100) -> list[str]:
    result = invoke("tools", "-", stdin=recorded(*events), width=width)
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.stdout.splitlines()]


CALLS: dict[str, tuple[list[Any], list[str]]] = {
    "it may be run": ([function()], ['ready       look_up(a="b")']),
    "it was run": ([function(), OUTPUT], ['done        look_up(a="b")', "            → 42"]),
    "it is being written": ([PARTIAL], ['partial     (no name yet)({"a": "b)']),
    "its response ended badly": ([PARTIAL, BAD_END], ['stopped     (no name yet)({"a": "b)']),
    "a server runs it": ([mcp(status="in_progress")], ["running     shop.buy()"]),
    "a server ran it": ([mcp(output="ok")], ["done        shop.buy()", "            → ok"]),
    "it failed": (
        [mcp(error={"type": "http_error", "message": "Down\x1b."})],
        ["failed      shop.buy()", "            → http_error: Down�."],
    ),
    "nobody has answered": ([ASKED], ["asked       shop.buy()"]),
    "it was refused": ([ASKED, ANSWER], ["refused     shop.buy()", "            No."]),
    "what a server offers": ([LISTED], ["shop        buy, sell"]),
    "it offers nothing": ([item("mcp_list_tools", server_label="shop", tools=[])], ["shop        no tools"]),
    "it has not said": ([item("mcp_list_tools", server_label="shop")], ["shop        not listed yet"]),
}


@pytest.mark.parametrize(("events", "lines"), CALLS.values(), ids=list(CALLS))
def test_what_a_call_looks_like(events: list[Any], lines: list[str]) -> None:
    found = [line.removesuffix("item_1").rstrip() for line in shown(*events)]
    assert found[-len(lines) :] == lines


def test_the_example_at_100_columns(tmp_path: Path) -> None:
    result = invoke("tools", str(saved_example(tmp_path)))
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0].startswith("Tools · 1 call ───")
    assert lines[1] == 'done        track_order(order_number="LH-40291")'.ljust(89) + "item_…e9v1l"
    assert lines[2].startswith('            → {"status": "in_transit"')


def test_no_calls_are_none() -> None:
    assert [line.partition(" ─")[0] for line in shown()] == ["Tools · 0 calls"]


@pytest.mark.parametrize("width", [20, 40, 80, 140])
@pytest.mark.parametrize("name", recording_names())
def test_no_line_is_too_long(recordings: Path, name: str, width: int) -> None:
    result = invoke("tools", str(recordings / f"{name}.jsonl"), width=width)
    assert result.exit_code == 0
    assert max(map(cell_len, result.stdout.splitlines())) <= min(width, 100)


def test_programs_get_json() -> None:
    session = simulate.session(3, 4, "ga", ["tools", "parallel_tools", "mcp"])
    lines = recorded(*session.events)
    plain, pretty = (invoke("tools", "-", flag, stdin=lines).stdout for flag in ("--json", "--pretty"))
    found = json.loads(plain)
    assert found == json.loads(pretty)
    assert set(found) == {"tool_calls", "mcp_approvals", "mcp_tools"}
    assert {
        each["item_id"]: each["arguments_text"] for each in found["tool_calls"]
    } == session.truth.arguments
    assert list(found["mcp_tools"]) == ["handbook"]


def test_a_point_is_a_point(tmp_path: Path) -> None:
    result = invoke("tools", str(saved_example(tmp_path)), "--json", "--at", "163")
    [call] = json.loads(result.stdout)["tool_calls"]
    assert (call["arguments"], call["complete"]) == ({"order_number": "LH-40291"}, True)
    assert (call["ready"], call["output"]) == (False, None)
