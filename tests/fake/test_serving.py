"""The server on a real port: handshakes, dialects, keys, time, faults; and the client that holds a call."""

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from rtstate import Conversation, replay
from rtstate.simulate import Service
from rtstate.simulate._trouble import Trouble
from rtstate.simulate.live import TalkError, serve_fake, talk

pytestmark = pytest.mark.anyio

BETA = {"OpenAI-Beta": "realtime=v1"}


async def first(url: str, **options: Any) -> dict[str, Any]:
    async with connect(url, proxy=None, **options) as socket:
        return json.loads(await socket.recv())


async def test_the_dialect_is_the_clients() -> None:
    async with serve_fake() as server:
        await first(server.url)
        await first(server.url, additional_headers=BETA)
        protocols = [Subprotocol(each) for each in ("realtime", "openai-beta.realtime-v1")]
        await first(server.url, subprotocols=protocols)
        await first(f"{server.base_url}/any/path?model=my-model")
        assert [call.dialect for call in server.calls] == ["ga", "beta", "beta", "ga"]
        created = [call.events[0]["session"] for call in server.calls]
        assert ["type" in session for session in created] == [True, False, False, True]
        assert created[3]["model"] == "my-model"
    async with serve_fake(dialect="beta") as server:
        assert "type" not in (await first(server.url))["session"]


async def test_a_key_is_asked_for() -> None:
    async with serve_fake(key="sk-1") as server:
        for headers in ({}, {"Authorization": "Bearer sk-2"}, {"api-key": "sk-"}):
            with pytest.raises(InvalidStatus) as refused:
                await first(server.url, additional_headers=headers)
            response = refused.value.response
            assert (response.status_code, response.headers["Content-Type"]) == (401, "application/json")
            assert json.loads(response.body)["error"]["code"] == "invalid_api_key"
        await first(server.url, additional_headers={"Authorization": "Bearer sk-1"})
        await first(server.url, additional_headers={"api-key": "sk-1"})
        browser = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.sk-1")]
        await first(server.url, subprotocols=browser)
        assert len(server.calls) == 3


async def test_sessions_differ_and_the_seed_repeats_them() -> None:
    async def ids(seed: int) -> list[str]:
        async with serve_fake(seed=seed) as server:
            return [(await first(server.url))["session"]["id"] for _ in range(2)]

    one, same, other = await ids(1), await ids(1), await ids(2)
    assert one == same
    assert len({*one, *other}) == 4


async def test_a_session_expires_with_an_error_and_a_close() -> None:
    async with serve_fake(speed=1000, expire_after=60) as server, connect(server.url, proxy=None) as socket:
        events: list[Any] = []
        with suppress(ConnectionClosed):
            while True:
                events.append(json.loads(await socket.recv()))
        assert [event["type"] for event in events] == ["session.created", "error"]
        assert events[1]["error"]["code"] == "session_expired"
        assert socket.close_code == 1001


async def test_without_waiting_an_answer_comes_at_once() -> None:
    async with serve_fake(speed=0) as server, connect(server.url, proxy=None) as socket:
        await socket.send('{"type": "response.create"}')
        async with asyncio.timeout(20):
            while json.loads(await socket.recv())["type"] != "response.done":
                pass


async def test_a_busy_machine_leaves_time_to_cancel() -> None:
    async with serve_fake(speed=10) as server, connect(server.url, proxy=None) as socket, asyncio.timeout(30):
        await socket.send('{"type": "response.create"}')
        while not json.loads(await socket.recv())["type"].endswith("transcript.delta"):
            pass
        time.sleep(1.5)
        await socket.send('{"type": "response.cancel"}')
        while (event := json.loads(await socket.recv()))["type"] != "response.done":
            pass
    assert event["response"]["status"] == "cancelled"


async def test_what_was_late_comes_before_the_end() -> None:
    endpoint = Trouble(Service(expire_after=5), Random(1), late=1.0)
    assert endpoint.run(0.0) == []
    came = endpoint.run(5.0)
    assert endpoint.ended is None
    due = endpoint.due
    assert due is not None
    came += endpoint.run(due)
    assert [event["type"] for event in came] == ["session.created", "error"]
    assert endpoint.ended is not None


async def test_frames_that_are_no_events_are_answered() -> None:
    async with serve_fake() as server, connect(server.url, proxy=None) as socket:
        await socket.recv()
        for frame in ("{", b"\xff\x00", "[]"):
            await socket.send(frame)
            assert json.loads(await socket.recv())["type"] == "error"
        assert server.calls[0].received == 3


async def test_many_sessions_run_side_by_side() -> None:
    async def ask(url: str) -> str:
        async with connect(url, proxy=None) as socket:
            await socket.send('{"type": "response.create", "response": {"output_modalities": ["text"]}}')
            async for frame in socket:
                event = json.loads(frame)
                if event["type"] == "response.done":
                    return event["response"]["status"]
        return "closed"

    async with serve_fake(speed=10) as server, asyncio.timeout(30):
        assert await asyncio.gather(*(ask(server.url) for _ in range(30))) == ["completed"] * 30
        assert len({call.events[0]["session"]["id"] for call in server.calls}) == 30


async def test_faults_are_told_from_each_other_and_survived() -> None:
    frames: list[str | bytes] = []
    async with (
        serve_fake(speed=20, duplicate=0.5, late=0.3) as server,
        connect(server.url, proxy=None) as socket,
        asyncio.timeout(30),
    ):
        await socket.send('{"type": "response.create", "event_id": "mine"}')
        while not frames or json.loads(frames[-1])["type"] != "rate_limits.updated":
            frames.append(await socket.recv())
    conversation = replay(frames)
    assert conversation.stats.duplicates > 3
    with pytest.raises(ValueError, match="late is a share from 0 to 1, not 2"):
        async with serve_fake(late=2):
            pass


@pytest.mark.parametrize("speed", [0, 1])
async def test_a_recording_is_played_back(speed: float) -> None:
    lines = ['{"type": "session.created"}', '{"type": "response.create"}', '{"type": "response.created"}']
    async with (
        serve_fake(recording=lines, speed=speed) as server,
        connect(server.url, proxy=None) as socket,
        asyncio.timeout(30),
    ):
        assert json.loads(await socket.recv()) == {"type": "session.created"}
        await socket.send(lines[1])
        assert json.loads(await socket.recv()) == {"type": "response.created"}
    assert [json.dumps(event) for event in server.calls[0].events] == lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dialect": "gamma"}, "dialect is 'auto', 'ga' or 'beta', not 'gamma'"),
        ({"speed": -1}, "speed is 0"),
        ({"expire_after": 0}, "expires after more than 0 seconds"),
        ({"expire_after": 60, "speed": 0}, "would expire at once"),
        ({"recording": []}, "there is no event in it"),
    ],
)
async def test_what_cannot_be_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        async with serve_fake(**options):
            pass


@pytest.mark.parametrize("dialect", ["ga", "beta"])
async def test_a_call_is_held_from_hello_to_goodbye(dialect: Any) -> None:
    async with serve_fake(speed=8) as server:
        held = await talk(server.url, dialect=dialect, speed=8)
        [call] = server.calls
    assert (held.responses, held.calls, held.interruptions, held.errors) == (4, 1, 1, [])
    states = [Conversation(), Conversation()]
    for state, events in zip(states, (held.events, call.events), strict=True):
        for event in events:
            state.feed(event)
        assert state.anomalies == ()
    assert states[0].snapshot().order == states[1].snapshot().order
    cut = [part.truncated for item in states[0].snapshot().items for part in item.content if part.truncated]
    assert len(cut) == 1
    assert replay(call.lines()).snapshot().order == states[0].snapshot().order


async def test_a_call_that_goes_wrong_says_why() -> None:
    async with serve_fake(speed=8, expire_after=3) as server:
        with pytest.raises(TalkError, match="hung up"):
            await talk(server.url, speed=8)
        url = server.url
    with pytest.raises(TalkError, match=f"no call at {url}"):
        await talk(url)
    async with serve_fake(recording=['{"type": "session.created"}']) as server:
        with pytest.raises(TalkError, match=r"waited 0.2 s for session.updated"):
            await talk(server.url, patience=0.2)
    with pytest.raises(ValueError, match="above 0"):
        await talk(url, speed=0)


def test_websockets_is_loaded_by_who_serves_and_missed_with_a_hint() -> None:
    program = """
import sys, asyncio
import rtstate, rtstate.simulate.live as live
assert "websockets" not in sys.modules
sys.modules["websockets"] = None
async def serve():
    async with live.serve_fake(): pass
try: asyncio.run(serve())
except ModuleNotFoundError as missing: print(missing)
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "a live session needs websockets: pip install 'rtstate[server]'\n"
