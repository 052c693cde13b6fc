"""What a page elsewhere, a stranger or a broken client may try; and the server goes on."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.server import Limits, create_app, is_loopback
from rtstate.server._app import routes
from rtstate.server._openapi import DOCUMENT, PATHS
from tests.server.support import CALL, JSON, LINES, NDJSON, served

pytestmark = pytest.mark.anyio
EVENTS = f"/conversations/{CALL}/events"
TOKEN = "a-secret-token"
GOOD = {"Authorization": f"Bearer {TOKEN}"}
LIMITS = Limits(body=50_000, event=20_000)

ATTACKS = [
    # what                       status  method  path  headers  body
    ("a name that leads here", 421, "GET", "/", {"Host": "evil.example"}, None),
    ("one that looks like ours", 421, "GET", "/", {"Host": "127.0.0.1.evil.example"}, None),
    ("one with a user in it", 400, "GET", "/", {"Host": "localhost@evil.example"}, None),
    ("no name", 400, "GET", "/", {"Host": ""}, None),
    ("another's page", 403, "GET", "/conversations", {**GOOD, "Origin": "https://evil.example"}, None),
    (
        "our port, another host",
        403,
        "GET",
        "/conversations",
        {**GOOD, "Origin": "http://evil.example:1"},
        None,
    ),
    ("a page from a file", 403, "GET", "/conversations", {**GOOD, "Origin": "null"}, None),
    ("another's page that feeds", 403, "POST", EVENTS, {**GOOD, **JSON, "Origin": "http://x.example"}, b"{}"),
    ("a form", 415, "POST", EVENTS, {**GOOD, "content-type": "text/plain"}, b"{}"),
    ("no kind at all", 415, "POST", EVENTS, GOOD, b"{}"),
    ("no token", 401, "GET", "/conversations", {}, None),
    ("a wrong token", 401, "GET", "/conversations", {"Authorization": "Bearer a-secret-tokem"}, None),
    ("another scheme", 401, "GET", "/conversations", {"Authorization": f"Basic {TOKEN}"}, None),
    ("a token in the query", 401, "GET", f"/conversations?token={TOKEN}", {}, None),
    ("counts without a token", 401, "GET", "/metrics", {}, None),
    ("the page's folder left", 404, "GET", "/page/%2e%2e/conversations", {}, None),
    ("a file beside the page", 404, "GET", "/page/..%2f_app.py", GOOD, None),
    ("a file of the machine", 404, "GET", "/page//etc/passwd", GOOD, None),
    ("too much", 413, "POST", EVENTS, {**GOOD, **JSON}, b" " * 60_000),
    ("too long an event", 413, "POST", EVENTS, {**GOOD, **NDJSON}, b"{}\n" + b"x" * 21_000),
    ("nothing", 400, "POST", EVENTS, {**GOOD, **JSON}, b" \n "),
    ("too long a name", 400, "GET", f"/conversations/{'x' * 300}", GOOD, None),
    ("a name that is no text", 400, "GET", "/conversations/%ff", GOOD, None),
    ("a name with a line end", 400, "GET", "/conversations/a%0Ab", GOOD, None),
    ("a revision that is none", 400, "GET", f"/conversations/{CALL}?revision=-1", GOOD, None),
    ("a huge one", 400, "GET", f"/conversations/{CALL}?revision={'9' * 5_000}", GOOD, None),
    ("digits of another script", 400, "GET", f"/conversations/{CALL}?revision=%D9%A3", GOOD, None),
    ("a rate beyond", 400, "GET", f"/conversations/{CALL}/changes?rate=1000", GOOD, None),
    ("a form of patch", 400, "GET", f"/conversations/{CALL}/changes?patch=xml", GOOD, None),
    ("no such place", 404, "GET", "/nope", GOOD, None),
    ("a stranger that asks first", 401, "OPTIONS", EVENTS, {"Access-Control-Request-Method": "POST"}, None),
    ("no such method", 405, "PUT", "/conversations", GOOD, None),
]


@pytest.mark.parametrize(
    ("status", "method", "path", "headers", "body"),
    [each[1:] for each in ATTACKS],
    ids=[each[0] for each in ATTACKS],
)
async def test_what_is_refused(
    status: int,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with served(token=TOKEN, limits=LIMITS) as server:
        await server.hub.feed(CALL, "{}")
        answer = await server.client.request(method, path, headers=headers, content=body)
        assert answer.status_code == status, answer.text
        told = answer.json()["error"]
        assert told["status"] == status
        assert told["message"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
        good = await server.client.get("/conversations", headers=GOOD)
        assert good.status_code == 200
        summary = await server.log.summary(CALL)
        assert summary is not None
        assert summary.last == 1
    assert not any(TOKEN in record.getMessage() for record in caplog.records if "httpx" not in record.name)


async def test_who_is_let_in() -> None:
    async with served(
        token=TOKEN, hosts=("desk.example",), origins=("https://desk.example",), limits=LIMITS
    ) as server:
        own = f"http://127.0.0.1:{server.port}"
        for headers in (
            {"Host": "desk.example"},
            {"Host": "LOCALHOST:99"},
            {"Host": "[::1]"},
            {"Origin": own},
            {"Origin": "https://desk.example"},
        ):
            answer = await server.client.get("/conversations", headers={**GOOD, **headers})
            assert answer.status_code == 200, headers
        for open_to_all in ("/", "/page/index.html", "/healthz"):
            assert (await server.client.get(open_to_all)).status_code == 200


async def chunks(count: int) -> AsyncGenerator[bytes]:
    for _ in range(count):
        yield b" " * 10_000


async def test_a_body_without_a_length_is_bounded_too() -> None:
    async with served(limits=LIMITS) as server:
        answer = await server.client.post(EVENTS, content=chunks(8), headers=JSON)
        assert answer.status_code == 413


POST = f"POST {EVENTS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        f"{POST}Content-Length: 99\r\n\r\n{{",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n5\r\n{{",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        "\x00\xff nonsense\r\n\r\n",
        f"GET {EVENTS} HTTP/1.1\r\n" + "X: " + "y" * 200_000 + "\r\n\r\n",
        f"GET /conversations/{CALL}/changes HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=["half a body", "half a chunk", "two hosts", "nonsense", "a huge header", "gone while it follows"],
)
async def test_a_broken_client_ends_nothing(sent: str) -> None:
    async with served() as server:
        await server.post(LINES[:10])
        with socket.create_connection(("127.0.0.1", server.port)) as broken:
            await asyncio.to_thread(broken.sendall, sent.encode("latin-1"))
            await asyncio.sleep(0.05)
        assert (await server.client.get("/healthz")).status_code == 200
        summary = await server.log.summary(CALL)
        assert summary is not None
        assert summary.last == 10
        async with asyncio.timeout(10):
            while server.state.streams.total:
                await asyncio.sleep(0.01)


def test_a_token_is_one_that_a_header_takes() -> None:
    log = MemoryLog()
    for token in ("", "two words", "ü", "a\nb"):
        with pytest.raises(ValueError, match="a token is"):
            create_app(Hub(log), log, token=token)


def test_what_is_loopback() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "app.localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "localhost.example", "")))


def test_the_description_has_every_route_and_no_other() -> None:
    described = {(path, method.upper()) for path, methods in PATHS.items() for method in methods}
    there: set[tuple[str, str]] = set()
    for route in routes():
        path = str(getattr(route, "path", ""))
        if path != "/page":
            methods = (getattr(route, "methods", None) or {"GET"}) - {"HEAD"}
            there |= {(path, method) for method in methods}
    assert described == there


def test_the_description_is_well_formed() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    for path, methods in PATHS.items():
        for what in methods.values():
            assert what["summary"].endswith(".")
            assert "default" in what["responses"]
            placed = {each["name"] for each in what["parameters"] if each["in"] == "path"}
            assert placed == {part[1:-1] for part in path.split("/") if part.startswith("{")}
            for each in what["parameters"]:
                assert each["schema"]["type"]
                assert each["in"] == "query" or each["required"]


async def test_the_description_is_served() -> None:
    async with served() as server:
        assert (await server.client.get("/openapi.json")).json() == DOCUMENT


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    async with served(limits=Limits(body_timeout=0.2)) as server:

        async def slow() -> AsyncGenerator[bytes]:
            yield b"{"
            await asyncio.sleep(1)

        answer = await server.client.post(EVENTS, content=slow(), headers=JSON)
        assert answer.status_code == 408
        assert "0.2 s to arrive" in answer.json()["error"]["message"]


def test_limits_are_above_nothing() -> None:
    with pytest.raises(ValueError, match="streams is a number above 0"):
        Limits(streams=0)


async def test_a_page_that_may_use_it_can_read_the_answers() -> None:
    page = {"Origin": "https://desk.example"}
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with served(token=TOKEN, origins=("https://Desk.example/",)) as server:
        may = await server.client.options(EVENTS, headers={**page, **ask})
        assert may.status_code == 200
        assert may.headers["access-control-allow-origin"] == "https://desk.example"
        assert "authorization" in may.headers["access-control-allow-headers"].lower()
        for headers, status in (({**page, **GOOD}, 200), (page, 401)):
            answer = await server.client.get("/conversations", headers=headers)
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "https://desk.example"
            assert answer.headers["x-content-type-options"] == "nosniff"
        strange = await server.client.options(EVENTS, headers={"Origin": "https://evil.example", **ask})
        assert strange.status_code == 403
        assert "access-control-allow-origin" not in strange.headers


async def test_what_goes_wrong_is_an_answer_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    async with served() as server:
        server.state.log = None  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        answer = await server.client.get("/conversations")
        assert answer.status_code == 500
        assert answer.json()["error"]["status"] == 500
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert 'status="500"' in (await server.client.get("/metrics")).text
    assert "AttributeError" in capsys.readouterr().err


async def test_what_is_not_done_in_time_when_it_stops_is_told_to_come_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("rtstate.server._serve._PATIENCE", 0.2)
    async with served() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"{POST}Content-Length: 99\r\nExpect: 100-continue\r\n\r\n".encode())
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        server.task.cancel()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"x-content-type-options: nosniff" in answer
    assert b"stopping" in answer
    assert "Traceback" not in capsys.readouterr().err


async def test_the_page_of_a_mounted_app_needs_no_token_and_all_else_does() -> None:
    async with MemoryLog() as log, Hub(log) as hub:
        app = Starlette(routes=[Mount("/rt", create_app(hub, log, token=TOKEN))])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            paths = ("/rt/", "/rt/page/main.js", "/rt/healthz", "/rt/conversations", "/rt/metrics")
            answers = [await client.get(path) for path in paths]
            assert [each.status_code for each in answers] == [200, 200, 200, 401, 401]
            assert [each.headers["cache-control"] for each in answers[:3]] == ["no-cache"] * 2 + ["no-store"]
            counted = (await client.get("/rt/metrics", headers=GOOD)).text
            assert 'route="/page"' in counted
            assert 'route="other"' not in counted
