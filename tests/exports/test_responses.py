"""The Responses API: what becomes what, and the vendor's own types take it."""

from typing import Any

import pytest
from hypothesis import given
from openai.types.responses import ResponseInputItemParam
from pydantic import ValidationError

from rtstate import Snapshot, responses_input
from tests.exports_support import (
    Dict,
    adapter,
    answered,
    assert_calls_within,
    called_within,
    every_session,
    image,
    mcp,
    mcp_call,
    output,
    points,
    said,
    states,
    talk,
    text_of,
    validate,
)
from tests.helpers import assistant, audio_part, call, text_part, user

ITEM = adapter(ResponseInputItemParam)
CALL = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "42"}
BOUGHT = {
    "type": "mcp_call",
    "id": "mcp_m1",
    "server_label": "shop",
    "name": "buy",
    "arguments": '{"n": 1}',
    "output": "bought",
    "error": None,
}
REQUEST = mcp("mcpr_1", "approval_request", name="buy", arguments="{}")


def answer(approve: bool, reason: Any = None, item_id: str = "p1", asked: str = "mcpr_1") -> Dict:
    return mcp(item_id, "approval_response", approval_request_id=asked, approve=approve, reason=reason)


def asked(approve: bool, reason: Any = None, name: str = "mcpr_1") -> list[Dict]:
    request = {
        "type": "mcp_approval_request",
        "id": name,
        "server_label": "shop",
        "name": "buy",
        "arguments": "{}",
    }
    told = {
        "type": "mcp_approval_response",
        "approval_request_id": name,
        "approve": approve,
        "reason": reason,
    }
    return [request, told]


def message(role: str, *parts: Dict) -> Dict:
    return {"type": "message", "role": role, "content": list(parts)}


def text(words: str) -> Dict:
    return {"type": "input_text", "text": words}


def failed(error: Any, **fields: Any) -> tuple[list[Dict], list[Dict]]:
    return [mcp_call(output=None, error=error)], [{**BOUGHT, "output": None, "error": fields}]


TOOL = {"name": "buy", "input_schema": {"type": "object"}, "description": "Buys.", "annotations": {"a": 1}}
TABLE: dict[str, tuple[list[Dict], list[Dict]]] = {
    "nothing": ([], []),
    "roles": (
        [
            {**user("s1", "Be kind."), "role": "system"},
            user("u1", "Hello"),
            assistant("a1", text_part("Hi."), audio_part("How are you?")),
        ],
        [
            message("system", text("Be kind.")),
            message("user", text("Hello")),
            {"type": "message", "role": "assistant", "content": "Hi.\nHow are you?"},
        ],
    ),
    "speech and an image": (
        [{**user("u1"), "content": [audio_part("Look", "input_audio"), image(detail="high")]}],
        [
            message(
                "user",
                text("Look"),
                {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "high"},
            )
        ],
    ),
    "a call": (
        [call("f1", "{}"), user("u1", "Hello"), output()],
        [CALL, OUTPUT, message("user", text("Hello"))],
    ),
    "parallel calls": (
        [call("f1", "{}"), call("f2", "{}", call_id="call_2"), output(), output("o2", "7", "call_2")],
        [CALL, {**CALL, "call_id": "call_2"}, OUTPUT, {**OUTPUT, "call_id": "call_2", "output": "7"}],
    ),
    "a call of an MCP server": ([mcp_call()], [BOUGHT]),
    "an id that fits": ([mcp_call("mcp_7")], [{**BOUGHT, "id": "mcp_7"}]),
    "calls of both kinds": ([call("f1", "{}"), mcp_call(), output()], [CALL, BOUGHT, OUTPUT]),
    "a protocol error": failed(
        {"type": "protocol_error", "code": 7, "message": "No."},
        type="mcp_protocol_error",
        code=7,
        message="No.",
    ),
    "an HTTP error": failed(
        {"type": "http_error", "code": 500, "message": "Down."}, type="http_error", code=500, message="Down."
    ),
    "an execution error": failed(
        {"type": "tool_execution_error", "message": "Sold out."},
        type="mcp_tool_execution_error",
        content="Sold out.",
    ),
    "an error of this API": failed(
        {"type": "mcp_protocol_error", "code": 7, "message": "No."},
        type="mcp_protocol_error",
        code=7,
        message="No.",
    ),
    "an error without its code": failed(
        {"type": "http_error", "message": "Down."}, type="mcp_tool_execution_error", content="Down."
    ),
    "an error in other words": failed(
        {"odd": ["x"]}, type="mcp_tool_execution_error", content={"odd": ["x"]}
    ),
    "an error that is a text": failed("Down.", type="mcp_tool_execution_error", content="Down."),
    "a listing": (
        [mcp("l1", "list_tools", tools=[{**TOOL, "odd": 1}, {"name": "sell"}, {"description": "nameless"}])],
        [
            {
                "type": "mcp_list_tools",
                "id": "mcpl_l1",
                "server_label": "shop",
                "tools": [TOOL, {"name": "sell", "input_schema": {}}],
            }
        ],
    ),
    "an approval that was refused": ([REQUEST, answer(False, "Too dear.")], asked(False, "Too dear.")),
    "an approval with an odd reason": ([REQUEST, answer(False, {"a": 1})], asked(False, '{"a": 1}')),
    "an approved call": (
        [REQUEST, answer(True), mcp_call(approval_request_id="mcpr_1")],
        [*asked(True), {**BOUGHT, "approval_request_id": "mcpr_1"}],
    ),
    "an approval under another id": (
        [
            {**REQUEST, "id": "r1", "arguments": None},
            answer(True, asked="r1"),
            mcp_call(approval_request_id="r1"),
        ],
        [*asked(True, name="mcpr_r1"), {**BOUGHT, "approval_request_id": "mcpr_r1"}],
    ),
    "an answer before its request": ([answer(False), REQUEST], asked(False)),
    "a call whose approval is gone": ([mcp_call(approval_request_id="mcpr_1")], [BOUGHT]),
    "an approval that has not been used": ([REQUEST, answer(True)], []),
}


@pytest.mark.parametrize(("items", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(items: list[Dict], expected: list[Dict]) -> None:
    found = responses_input(talk(*items))
    assert found == expected
    check(found)


def check(items: list[Dict]) -> None:
    """The types take it, and every output follows its call, every answer its request."""
    calls: list[str] = []
    requests: list[str] = []
    for item in items:
        validate(ITEM, item)
        match item["type"]:
            case "function_call":
                calls.append(item["call_id"])
            case "function_call_output":
                calls.remove(item["call_id"])
            case "mcp_approval_request":
                requests.append(item["id"])
            case "mcp_approval_response":
                assert item["approval_request_id"] == requests[-1]
            case "mcp_call":
                assert item.get("approval_request_id") in (None, *requests)
    assert calls == []
    names = [item["id"] for item in items if "id" in item]
    assert len(set(names)) == len(names)


@every_session
def test_every_session_at_every_point(name: str) -> None:
    for snapshot in points(name):
        items = responses_input(snapshot)
        check(items)
        words = [(each["role"], text_of(each["content"])) for each in items if each["type"] == "message"]
        assert words == said(snapshot)
        outputs = {each["call_id"]: each["output"] for each in items if each["type"].endswith("call_output")}
        assert outputs == answered(snapshot, mcp=False)
        came_back = [each for each in items if each["type"] == "mcp_call"]
        assert len(came_back) == len(answered(snapshot)) - len(outputs)


@pytest.mark.parametrize(
    "wrong",
    [
        message("user", {"type": "input_audio", "transcript": "Hello"}),
        message("assistant", {"type": "output_text", "text": "Hello"}),
        {**CALL, "ready": True},
        {**OUTPUT, "output": {"a": 1}},
        {**BOUGHT, "error": {"type": "protocol_error", "code": 7, "message": "No."}},
        {**BOUGHT, "id": None},
    ],
)
def test_the_check_can_fail(wrong: Dict) -> None:
    with pytest.raises(ValidationError):
        validate(ITEM, wrong)


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    check(responses_input(snapshot))


def test_ids_and_names_are_such_as_the_api_takes() -> None:
    snapshot, kept = called_within(64)
    items = responses_input(snapshot)
    assert assert_calls_within(64, kept, items) == 5
    [of_mcp] = [each for each in items if each["type"] == "mcp_call"]
    assert len(of_mcp["id"]) <= 64
    assert of_mcp["id"].startswith("mcp_")
    assert of_mcp["name"].startswith("files.read ")  # as its server lists it
