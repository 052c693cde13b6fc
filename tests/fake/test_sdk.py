"""The official SDK holds conversations with the fake server, and the state agrees with what the SDK saw."""

import asyncio
from typing import Any

import pytest
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from rtstate import Conversation, tool_calls, transcript
from rtstate.simulate.live import serve_fake
from tests.fake.talks import TALKS, Seen

pytestmark = pytest.mark.anyio

PARSERS: dict[bool, TypeAdapter[Any]] = {
    False: TypeAdapter(RealtimeServerEvent),
    True: TypeAdapter(BetaServerEvent),
}


def of(seen: Seen) -> Conversation:
    conversation = Conversation(audio="keep")
    for event in seen.events:
        conversation.feed(event)
    return conversation


async def hold(name: str, beta: bool) -> Seen:
    async with serve_fake(speed=4) as server, asyncio.timeout(30):
        seen = await TALKS[name](server.url, beta)
        [call] = server.calls
        assert call.dialect == ("beta" if beta else "ga")
        sent = [event for event in call.events if "event_id" in event and event["event_id"] != "too_late"]
        came = [event.event_id for event in seen.parsed]
        assert [event["event_id"] for event in sent][: len(came)] == came
    return seen


@pytest.mark.parametrize("beta", [False, True], ids=["ga", "beta"])
@pytest.mark.parametrize("name", TALKS)
async def test_the_state_is_what_the_sdk_saw(name: str, beta: bool) -> None:
    seen = await hold(name, beta)
    for event in seen.parsed:  # what the SDK builds without validation is valid, too
        PARSERS[beta].validate_python(event.model_dump(mode="json", exclude_unset=True))
    conversation = of(seen)
    snapshot = conversation.snapshot()
    assert conversation.anomalies == ()
    for item_id, text in seen.texts.items():
        item = snapshot.item(item_id)
        assert item is not None
        [part] = item.content
        generated = part.truncated.generated_transcript if part.truncated else part.text or part.transcript
        assert generated == text
    for item_id, sound in seen.audio.items():
        assert conversation.audio(item_id, 0) == sound
    responses = [event.response for event in seen.parsed if event.type == "response.done"]
    assert [each.status for each in snapshot.responses] == [each.status for each in responses]
    billed = sum(each.usage.total_tokens for each in responses)
    assert snapshot.usage.responses.total_tokens == billed > 0


async def test_text_is_deleted_and_retrieved() -> None:
    seen = await hold("text", beta=False)
    snapshot = of(seen).snapshot()
    assert [item.role for item in snapshot.items] == ["assistant", "user", "assistant"]
    assert seen.last("conversation.item.retrieved").item.content[0].text == snapshot.items[-1].content[0].text


async def test_audio_is_transcribed() -> None:
    user, assistant = transcript(of(await hold("audio", beta=False)).snapshot())
    assert (user.role, user.status, assistant.status) == ("user", "final", "final")
    assert user.text


async def test_a_tool_is_called_once() -> None:
    [call] = tool_calls(of(await hold("tool", beta=False)).snapshot())
    assert (call.name, call.arguments) == ("get_weather", {"city": "Lisbon", "unit": "celsius"})
    assert call.output == '{"temperature": 19}'


async def test_cancelling_twice_is_an_error_that_names_its_event() -> None:
    seen = await hold("cancel", beta=False)
    assert seen.last("error").error.event_id == "too_late"
    assert seen.last("error").error.code == "response_cancel_not_active"
    assert seen.last("response.done").response.status_details.reason == "client_cancelled"


async def test_speaking_over_an_answer_cuts_it() -> None:
    seen = await hold("truncate", beta=False)
    snapshot = of(seen).snapshot()
    assert [each.status for each in snapshot.responses] == ["cancelled", "completed"]
    [cut] = [turn for turn in transcript(snapshot) if turn.status == "interrupted"]
    assert cut.role == "assistant"
