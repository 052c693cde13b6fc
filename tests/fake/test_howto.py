"""The loop of the page on tools, word for word, with a server that refuses what the API refuses."""

import asyncio
import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from rtstate import Conversation, tool_calls
from rtstate.simulate.live import serve_fake
from tests.fake.support import WEATHER

pytestmark = pytest.mark.anyio
PAGE = Path(__file__).parents[2] / "docs" / "howto" / "tools.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    """What the page's code defines."""
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    module: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, str(PAGE), "exec"), module)
    return module


async def test_a_call_is_run_and_answered_once(page: dict[str, Any]) -> None:
    asked: list[dict[str, str]] = []

    def get_weather(**arguments: str) -> dict[str, int]:
        asked.append(arguments)
        return {"degrees": 21}

    conversation, sent = Conversation(), list[dict[str, Any]]()
    session = {"type": "realtime", "output_modalities": ["text"], "tools": [WEATHER]}
    question = {"type": "input_text", "text": "What's the weather like in Lisbon?"}
    first = [
        {"type": "session.update", "session": session},
        {
            "type": "conversation.item.create",
            "item": {"type": "message", "role": "user", "content": [question]},
        },
        {"type": "response.create"},
    ]
    async with serve_fake(speed=0) as server, connect(f"{server.base_url}/realtime?model=m") as socket:
        for event in first:
            await socket.send(json.dumps(event))
        tools = page["Tools"](sent.append, **{WEATHER["name"]: get_weather})
        ended, written = 0, 0
        async with asyncio.timeout(20):
            while ended < 2:
                event = json.loads(await socket.recv())
                assert event["type"] != "error", event
                conversation.feed(event)
                tools.look(conversation.snapshot())
                for each in sent[written:]:
                    await socket.send(json.dumps(each))
                written = len(sent)
                ended += event["type"] == "response.done"
    assert [each["type"] for each in sent] == ["conversation.item.create", "response.create"]
    assert len(asked) == 1
    [call] = tool_calls(conversation.snapshot())
    assert json.loads(call.output) == {"degrees": 21}


@pytest.mark.parametrize("calls", [1, 2, 3])
async def test_several_calls_of_a_response_get_one_answer(page: dict[str, Any], calls: int) -> None:
    conversation, sent = Conversation(), list[dict[str, Any]]()
    tools = page["Tools"](sent.append, weather=page["weather"])
    response = {"id": "resp_1", "status": "in_progress"}
    for event in (
        {"type": "response.created", "response": response},
        *(page["call"](number, "Rome") for number in range(calls)),
        {"type": "response.done", "response": {**response, "status": "completed"}},
        {"type": "response.created", "response": {**response, "id": "resp_2"}},
        {"type": "response.done", "response": {"id": "resp_2", "status": "completed"}},
    ):
        conversation.apply(event)
        for _ in range(2):  # looking once more changes nothing
            tools.look(conversation.snapshot())
    kinds = [each["type"] for each in sent]
    assert kinds == ["conversation.item.create"] * calls + ["response.create"]
    outputs = [each["item"]["call_id"] for each in sent[:-1]]
    assert outputs == [f"call_{number}" for number in range(calls)]


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("azure_tool_call_round", 1),
        ("openai_tool_call_round", 1),
        ("qwen_omni_text_tools", 2),  # in one response
        ("voice_live_tool_call_round", 1),
        ("xai_tool_call_round", 1),
    ],
)
def test_the_calls_of_a_recorded_session_get_one_answer(
    page: dict[str, Any], recordings: Path, name: str, count: int
) -> None:
    conversation, sent = Conversation(), list[dict[str, Any]]()
    tools = page["Tools"](sent.append)  # it knows no tool, which is an answer too
    for line in (recordings / f"{name}.jsonl").read_text().splitlines():
        conversation.feed(line)
        tools.look(conversation.snapshot())
    calls = [call.call_id for call in tool_calls(conversation.snapshot())]
    assert len(calls) == count
    assert [each["item"]["call_id"] for each in sent[:-1]] == calls
    assert sent[-1] == {"type": "response.create"}


@pytest.mark.parametrize("arguments", ["", "[]", '{"city": Paris}', '{"town": "Paris"}'])
async def test_what_cannot_be_run_is_told_to_the_model(page: dict[str, Any], arguments: str) -> None:
    conversation, sent = Conversation(), list[dict[str, Any]]()
    event = page["call"](1, "Paris")
    event["item"]["arguments"] = arguments
    conversation.apply(event)
    page["Tools"](sent.append, weather=page["weather"]).look(conversation.snapshot())
    [told] = sent
    assert told["item"]["output"].startswith("error: ")
