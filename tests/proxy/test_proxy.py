"""Calls through the proxy: addresses, headers, refusals, ends, and what the log holds of them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from rtstate import Conversation, simulate
from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.proxy import Limits, Proxy
from tests.proxy.support import KEY, SOON, dial, echo, free_port, proxied, silent, until

pytestmark = pytest.mark.anyio


async def test_the_openai_package_needs_another_base_url_and_nothing_else() -> None:
    events = list(simulate.example().events)
    created = next(event for event in events if event["type"] == "session.created")

    async def upstream(connection: ServerConnection) -> None:
        await connection.send(json.dumps(created))
        asked = json.loads(await connection.recv())
        await connection.send(json.dumps({"type": "session.updated", "session": asked["session"]}))
        await connection.wait_closed()

    async with proxied(upstream) as call:
        client = AsyncOpenAI(api_key=KEY, websocket_base_url=f"{call.proxy.url}/v1")
        async with client.realtime.connect(model="gpt-realtime") as connection:
            assert (await connection.recv()).type == "session.created"
            await connection.session.update(session={"type": "realtime", "instructions": f"Say {KEY}."})
            updated = await connection.recv()
            assert updated.type == "session.updated"
            assert updated.session.instructions == f"Say {KEY}."  # what crosses is not redacted
        await call.over()
        [request] = call.requests
        assert request.path == "/v1/realtime?model=gpt-realtime"
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        kept = await call.kept()
        assert [entry.type for entry in kept] == ["session.created", "session.update", "session.updated"]
        assert not any(KEY.encode() in entry.raw for entry in kept)
        assert kept[0].raw == json.dumps(created).encode()
        assert not any(KEY in line or "gpt-realtime" in line for line in call.lines)
        await client.close()


async def test_the_agents_package_takes_a_url() -> None:
    from agents.realtime.openai_realtime import OpenAIRealtimeWebSocketModel

    async def upstream(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "error", "error": {"type": "x", "message": "hi"}}))
        await connection.wait_closed()

    async with proxied(upstream) as call:
        model = OpenAIRealtimeWebSocketModel()
        url = f"{call.proxy.url}/v1/realtime?model=m"
        await model.connect({"api_key": KEY, "url": url, "initial_model_settings": {}})
        await model.close()
        await call.over()
        [request] = call.requests
        assert request.path == "/v1/realtime?model=m"
        assert any(entry.type == "session.update" for entry in await call.kept())


async def test_headers_and_subprotocols_cross_both_ways() -> None:
    offered = [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{KEY}")]

    def answered(_: ServerConnection, __: Request, response: Response) -> None:
        response.headers["X-Request-Id"] = "req_1"
        response.headers["Set-Cookie"] = "a=1"
        response.headers["Set-Cookie"] = "b=2"

    upstream = {"subprotocols": [Subprotocol("realtime")], "process_response": answered}
    headers = Headers([("api-key", KEY), ("OpenAI-Beta", "realtime=v1"), ("Cookie", "c=3"), ("X-Two", "1")])
    headers["X-Two"] = "2"
    async with proxied(echo, upstream=upstream) as call:
        async with dial(
            call.url, subprotocols=offered, additional_headers=headers, origin="http://localhost:3000"
        ) as client:
            assert client.subprotocol == "realtime"
            assert client.response is not None
            assert client.response.headers["X-Request-Id"] == "req_1"
            assert client.response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
            assert len(client.response.headers.get_all("Date")) == 1
            await client.send(f'{{"type": "x", "key": "{KEY}"}}')
            assert KEY in str(await client.recv())
        await call.over()
        got = call.requests[0].headers
        assert got["Sec-WebSocket-Protocol"] == ", ".join(offered)
        assert (got["api-key"], got["OpenAI-Beta"], got["Cookie"]) == (KEY, "realtime=v1", "c=3")
        assert got["Origin"] == "http://localhost:3000"
        assert got.get_all("X-Two") == ["1", "2"]
        assert got["Host"] == call.upstream.removeprefix("ws://")
        assert not any(KEY.encode() in entry.raw for entry in await call.kept())


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (401, {"WWW-Authenticate": "Bearer"}, b'{"error": {"message": "Incorrect API key"}}'),
        (403, {}, b"no"),
        (404, {}, b""),
        (429, {"Retry-After": "7", "x-ratelimit-reset": "7s"}, b'{"error": {"code": "rate_limit"}}'),
        (500, {}, b"\xff\x00"),
        (307, {"Location": "ws://127.0.0.1:9/elsewhere"}, b""),
    ],
)
async def test_a_refusal_reaches_the_client_as_it_is(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    def refuse(_: ServerConnection, __: Request) -> Response:
        answer = Headers({**headers, "Content-Type": "application/x", "Content-Length": str(len(body))})
        return Response(status, "As It Is", answer, body)

    async with proxied(echo, upstream={"process_request": refuse}) as call:
        async with httpx.AsyncClient() as http:
            asked = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            }
            answer = await http.get(call.url.replace("ws:", "http:") + "/realtime", headers=asked)
        assert (answer.status_code, answer.reason_phrase, answer.content) == (status, "As It Is", body)
        assert answer.headers["Content-Type"] == "application/x"
        for name, value in headers.items():
            assert answer.headers[name] == value
        assert call.lines == [f"refused by the server with {status}: /v1/realtime"]
        await call.over()


CLOSES = [(1000, ""), (1000, "bye"), (1001, ""), (1011, "oops"), (3000, ""), (4001, "é" * 50), (None, "")]


@pytest.mark.parametrize("closes", ["client", "server"])
@pytest.mark.parametrize(("code", "reason"), CLOSES)
async def test_codes_and_reasons_cross(closes: str, code: int | None, reason: str) -> None:
    ended: list[Any] = []

    async def close(connection: Any) -> None:
        connection.protocol.send_close(code, reason)
        connection.send_data()
        await connection.wait_closed()

    async def upstream(connection: ServerConnection) -> None:
        if closes == "server":
            await close(connection)
        await connection.wait_closed()
        ended.append((connection.close_code, connection.close_reason))

    async with proxied(upstream) as call:
        client = await dial(call.url)
        if closes == "client":
            await close(client)
        await client.wait_closed()
        await until(lambda: ended)
        other = ended[0] if closes == "client" else (client.close_code, client.close_reason)
        assert other == (1005 if code is None else code, reason)
        await call.over()
        assert call.lines[-1].endswith(f"closed by the {closes} with {code or 'no code'}")


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("POST", "/v1/realtime/client_secrets", 501, "send this request to the server itself"),
        ("OPTIONS", "/v1/realtime", 501, "WebSocket connections alone"),
        ("GET", "/v1/models", 426, "WebSocket connections alone"),
    ],
)
async def test_plain_http_is_told_where_to_go(method: str, path: str, status: int, said: str) -> None:
    async with proxied() as call, httpx.AsyncClient() as http:
        body = b"x" * 200_000 if method == "POST" else b""
        answer = await http.request(method, call.proxy.url.replace("ws:", "http:") + path, content=body)
        assert answer.status_code == status
        assert said in answer.json()["error"]["message"]
        assert call.requests == []
        await call.over()


@pytest.mark.parametrize(
    "headers", [{"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Key": "short"}, {"Connection": "close"}]
)
async def test_half_a_handshake_leaves_nothing_open_behind_the_proxy(headers: dict[str, str]) -> None:
    """The server may have been asked by then; that connection is closed as well."""
    gone = asyncio.Event()

    async def upstream(connection: ServerConnection) -> None:
        await connection.wait_closed()
        gone.set()

    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        **headers,
    }
    async with proxied(upstream) as call, httpx.AsyncClient() as http:
        answer = await http.get(call.url.replace("ws:", "http:"), headers=asked)
        assert answer.status_code in (400, 426)
        await asyncio.wait_for(gone.wait(), SOON)
        await call.over()


async def refused(call_url: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as raised:
        await dial(call_url, **options)
    response = raised.value.response
    return response.status_code, json.loads(bytes(response.body))["error"]["message"]


async def test_pages_from_elsewhere_are_refused_before_anything_else_happens() -> None:
    async with proxied() as call:
        status, said = await refused(call.url, origin="https://evil.example")
        assert (status, "https://evil.example may not" in said) == (403, True)
        assert call.requests == []
    async with proxied(origins=["https://app.example"]) as call:
        await (await dial(call.url, origin="https://app.example")).close()


async def test_there_is_an_end_to_how_many_calls_there_are() -> None:
    async with proxied(silent, limits=Limits(calls=2)) as call:
        clients = [await dial(call.url) for _ in range(2)]
        status, said = await refused(call.url)
        assert (status, "2 calls already" in said) == (503, True)
        await clients.pop().close()
        await until(lambda: call.proxy.calls < 2)
        clients.append(await dial(call.url))
        for client in clients:
            await client.close()


@pytest.mark.parametrize(
    ("upstream", "status", "said"),
    [
        ("ws://no-such-host.invalid/v1", 502, "its name leads nowhere"),
        ("ws://127.0.0.1:{free}/v1", 502, "nothing listens there"),
        ("wss://127.0.0.1:{plain}/v1", 502, "see whether --upstream is ws:// or wss://"),
        ("ws://127.0.0.1:{hangs up}/v1", 502, "hung up"),
        ("ws://127.0.0.1:{silent}/v1", 504, "did not answer in time"),
    ],
)
async def test_a_server_that_cannot_be_reached(upstream: str, status: int, said: str) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with MemoryLog() as log, Hub(log) as hub:
        servers = {
            "hangs up": await asyncio.start_server(hang_up, "127.0.0.1", 0),
            "silent": await asyncio.start_server(say_nothing, "127.0.0.1", 0),
            "plain": await asyncio.start_server(answer, "127.0.0.1", 0),
        }
        place = upstream.replace("{free}", str(free_port()))
        for name, server in servers.items():
            place = place.replace(f"{{{name}}}", str(server.sockets[0].getsockname()[1]))
        lines: list[str] = []
        async with Proxy(hub, log, place, told=lines.append, limits=Limits(connect=0.5)) as proxy:
            await proxy.start("127.0.0.1", 0)
            assert (await refused(f"{proxy.url}/v1?api-key={KEY}"))[0] == status
            message = (await refused(f"{proxy.url}/v1?api-key={KEY}"))[1]
            assert said in message
            assert KEY not in message + str(lines)
            assert len(lines) == 2
            await until(lambda: not proxy.calls)
        for server in servers.values():
            server.close()


async def test_a_client_that_gives_up_waiting_leaves_nothing_open() -> None:
    asked, gone, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slowly(_: ServerConnection, __: Request) -> None:
        asked.set()
        await go_on.wait()

    async def upstream(connection: ServerConnection) -> None:
        await connection.wait_closed()
        gone.set()

    async with proxied(upstream, upstream={"process_request": slowly}) as call:
        dialing = asyncio.ensure_future(dial(call.url).__await_impl__())
        await asyncio.wait_for(asked.wait(), SOON)
        dialing.cancel()
        await asyncio.wait([dialing])
        await call.over()
        go_on.set()
        await asyncio.wait_for(gone.wait(), SOON)


async def test_the_log_comes_to_what_the_client_saw() -> None:
    """A whole session: the events in the log, both directions in order, reduce to the same document."""
    session = simulate.example()
    events = [json.dumps(event) for event in session.events]
    ours = [event["type"] in CLIENT_TYPES for event in session.events]

    async def upstream(connection: ServerConnection) -> None:
        for event, of_client in zip(events, ours, strict=True):
            if of_client:
                assert await connection.recv() == event
            else:
                await connection.send(event)
        await connection.close()

    async with proxied(upstream) as call:
        seen = Conversation()
        async with dial(call.url) as client:
            for event, of_client in zip(events, ours, strict=True):
                if of_client:
                    await client.send(event)
                else:
                    assert await client.recv() == event
                seen.feed(event)
        await call.over()
        kept = await call.kept()
        assert sorted(entry.raw for entry in kept) == sorted(event.encode() for event in events)
        of_server = [e.encode() for e, of_client in zip(events, ours, strict=True) if not of_client]
        assert [entry.raw for entry in kept if entry.raw in set(of_server)] == of_server
        times = [entry.at for entry in kept if entry.at is not None]
        assert len(times) == len(kept)
        assert times == sorted(times)
        [name] = [name async for name in call.log.names()]
        assert (await call.hub.snapshot(name)).to_dict() == seen.snapshot().to_dict()
        summary = await call.log.summary(name)
        assert summary is not None
        assert summary.checkpoint == len(events)  # it was closed


CLIENT_TYPES = {
    *("session.update", "response.create", "response.cancel", "conversation.item.create"),
    *("conversation.item.delete", "conversation.item.truncate", "conversation.item.retrieve"),
    *("input_audio_buffer.append", "input_audio_buffer.commit", "input_audio_buffer.clear"),
    "output_audio_buffer.clear",
}


async def test_calls_at_once_are_conversations_of_their_own() -> None:
    async with proxied(name="{model}") as call:

        async def talk(number: int) -> None:
            async with dial(f"{call.url}?model=m{number}") as client:
                for _ in range(20):
                    await client.send(f'{{"type": "x", "number": {number}}}')
                    await client.recv()

        await asyncio.gather(*map(talk, range(10)))
        await call.over()
        names = sorted([name async for name in call.log.names()])
        assert [name[:3] for name in names] == [f"m{number}-" for number in range(10)]
        for number, name in enumerate(names):
            kept = [entry.raw async for entry in call.log.read(name)]
            assert kept == [b'{"type": "x", "number": %d}' % number] * 40


async def drained(client: ClientConnection) -> AsyncGenerator[object]:
    with suppress(ConnectionClosed):
        while True:
            yield await client.recv()


async def test_stopping_ends_calls_and_keeps_what_waits() -> None:
    codes: list[int | None] = []
    seen: list[object] = []

    async def upstream(connection: ServerConnection) -> None:
        async for event in connection:
            seen.append(event)
            await connection.send(event)
        codes.append(connection.close_code)

    async with proxied(upstream) as call:
        client = await dial(call.url, max_queue=None)
        for number in range(50):
            await client.send(f'{{"type": "x", "number": {number}}}')
        await until(lambda: len(seen) == 50)
        await call.proxy.stop()  # though the client has read nothing yet
        assert len([event async for event in drained(client)]) == 50
        assert (client.close_code, client.close_reason) == (1001, "the proxy is stopping")
        await until(lambda: codes)
        assert codes == [1001]
        assert len(await call.kept()) == 100
        assert call.lines[-1].endswith("closed by the proxy with 1001")


async def test_a_recorder_that_breaks_breaks_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong in what only writes down, the call goes on."""
    from rtstate.proxy._recorder import Recorder

    def broken(self: Recorder, *_: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(Recorder, "_keep", broken)
    async with proxied() as call, dial(call.url) as client:
        for _ in range(3):
            await client.send("x")
            assert await client.recv() == "x"


async def test_where_nobody_listens_any_more_calls_go_on() -> None:
    """As behind ``| head``, or in a terminal that was closed."""

    def closed(_: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    async with proxied(told=closed) as call:
        for _ in range(2):
            async with dial(call.url) as client:
                await client.send("x")
                assert await client.recv() == "x"
        async with asyncio.timeout(5):
            while call.proxy.calls:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("origin", ["https://app.example/", "HTTPS://App.Example:443", "*"])
async def test_an_origin_is_one_in_any_spelling(origin: str) -> None:
    async with proxied(origins=[origin]) as call:
        await (await dial(call.url, origin="https://app.example")).close()


@pytest.mark.parametrize("origin", ["app.example", "https://app.example/page", "wss://app.example"])
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    log = MemoryLog()
    with pytest.raises(ValueError, match="is no origin"):
        Proxy(Hub(log), log, "wss://upstream.example/v1", origins=[origin])
