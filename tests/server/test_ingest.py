"""Events over a WebSocket, and what is refused of them."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rtstate.errors import LogUnavailable
from rtstate.hub import Hub
from rtstate.logs import Log, MemoryLog, open_log
from rtstate.server import Limits
from tests.server.support import CALL, JSON, LINES, NDJSON, Served, served, state_after

pytestmark = pytest.mark.anyio


def url(server: Served, name: str = CALL) -> str:
    return f"ws://127.0.0.1:{server.port}/conversations/{name}/ingest"


async def test_each_message_is_an_event_and_each_batch_is_told_of(server: Served) -> None:
    kept = 0
    async with connect(url(server)) as socket:
        for line in LINES:
            await socket.send(line)
        async with asyncio.timeout(30):
            while kept < len(LINES):
                told = json.loads(await socket.recv())
                kept += told["events"]
                assert told["seq"] == kept
    assert told["revision"] == state_after(LINES).revision
    assert await server.get("") == state_after(LINES).to_dict()


async def test_what_came_before_a_client_was_gone_is_kept() -> None:
    gate = asyncio.Event()
    events = [line for line in LINES if len(line) < 1_000][:200]  # less than may wait

    class Slow(MemoryLog):
        async def _append(self, *arguments: object) -> int:
            await gate.wait()
            return await super()._append(*arguments)  # type: ignore[arg-type]

    async with served(Slow()) as server:
        async with connect(url(server)) as socket:
            for line in events:
                await socket.send(line)
        gate.set()
        async with asyncio.timeout(30):
            while (summary := await server.log.summary(CALL)) is None or summary.last < len(events):
                await asyncio.sleep(0.01)
        assert await server.get("") == state_after(events).to_dict()


async def test_a_socket_is_refused_where_another_writes() -> None:
    log = MemoryLog()
    async with served(log) as server, Hub(log, holder="other") as other:
        await other.feed(CALL, "{}")
        async with connect(url(server)) as socket:
            await socket.send("{}")
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, "other" in closed.value.rcvd.reason) == (1008, True)


async def test_a_socket_that_is_not_taken_is_told_why() -> None:
    async with served(limits=Limits(streams=1)) as server:
        await server.post(LINES[:1])
        async with connect(url(server)):
            for name, status in (("a%00b", 400), (CALL, 503)):
                with pytest.raises(InvalidStatus) as refused:
                    async with connect(url(server, name)):
                        pass
                answer = refused.value.response
                assert answer.status_code == json.loads(answer.body)["error"]["status"] == status
                assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_page_elsewhere_opens_no_socket(server: Served) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url(server), additional_headers=headers):
                pass
        assert refused.value.response.status_code == 403


async def test_a_socket_needs_the_token() -> None:
    async with served(token="secret") as server:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url(server)):
                pass
        assert refused.value.response.status_code == 401
        async with connect(url(server), additional_headers={"Authorization": "Bearer secret"}) as socket:
            await socket.send(LINES[0])
            assert json.loads(await socket.recv())["seq"] == 1


async def test_a_message_that_is_too_long_closes_the_socket() -> None:
    async with served(limits=Limits(event=1_000)) as server:
        async with connect(url(server)) as socket:
            with suppress(ConnectionClosed):
                await socket.send("x" * 2_000)
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code in (1008, 1009)
        assert (await server.client.get("/healthz")).status_code == 200


async def test_a_client_has_its_pace() -> None:
    async with served(limits=Limits(events_per_second=1, burst=10)) as server:
        path = f"/conversations/{CALL}/events"
        answers = [await server.client.post(path, content="{}\n" * 4, headers=NDJSON) for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert int(answers[2].headers["retry-after"]) in (1, 2)
        assert (await server.client.post(path, content="{}\n" * 11, headers=NDJSON)).status_code == 413
        summary = await server.log.summary(CALL)
        assert summary is not None
        assert summary.last == 8


async def test_a_server_begins_only_so_many_conversations() -> None:
    async with served(limits=Limits(conversations=2)) as server:
        codes = [
            (
                await server.client.post(f"/conversations/{name}/events", content="{}", headers=JSON)
            ).status_code
            for name in ("a", "b", "a", "c")
        ]
        assert codes == [200, 200, 200, 507]


async def test_a_log_that_fails_is_said_to_and_the_server_goes_on() -> None:
    class Failing(MemoryLog):
        fails = False

        async def _append(self, *arguments: object) -> int:
            if self.fails:
                raise LogUnavailable("the disk is full; make room, then try again")
            return await super()._append(*arguments)  # type: ignore[arg-type]

    log: Log = Failing()
    async with served(log) as server:
        await server.post(LINES[:10])
        Failing.fails = True
        answer = await server.client.post(f"/conversations/{CALL}/events", content="{}", headers=JSON)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "disk is full" in answer.json()["error"]["message"]
        Failing.fails = False
        assert (await server.post(LINES[10:20]))["events"] == 10


async def told_of(server: Served, lines: list[str]) -> tuple[int, int]:
    """Send lines over a socket until it is closed: how many were told of, and the code."""
    told = 0
    async with connect(url(server)) as socket:
        with suppress(ConnectionClosed):
            for line in lines:
                await socket.send(line)
        with suppress(ConnectionClosed):
            async with asyncio.timeout(30):
                while True:
                    told += json.loads(await socket.recv())["events"]
    return told, socket.close_code or 0


async def test_what_is_kept_before_a_refusal_is_told_of() -> None:
    async with served(limits=Limits(events_per_second=0.001, burst=50)) as server:
        assert await told_of(server, ["{}"] * 80) == (50, 1013)
    async with served(limits=Limits(event=1_000)) as server:
        assert await told_of(server, ["{}"] * 30 + ["x" * 2_000]) == (30, 1008)


async def test_what_is_kept_when_the_server_stops_is_told_of() -> None:
    gate, came = asyncio.Event(), asyncio.Event()

    class Slow(MemoryLog):
        async def _append(self, *arguments: object) -> int:
            came.set()
            await gate.wait()
            return await super()._append(*arguments)  # type: ignore[arg-type]

    async with served(Slow()) as server, asyncio.TaskGroup() as group:
        telling = group.create_task(told_of(server, ["{}"] * 30))
        await came.wait()
        server.task.cancel()
        asyncio.get_running_loop().call_later(0.2, gate.set)
        assert await telling == (30, 1012)


async def test_what_never_began_is_not_counted() -> None:
    async with served(limits=Limits(conversations=1)) as server:
        for _ in range(3):
            async with connect(url(server)):
                pass
        assert (await server.post(["{}"], "a"))["events"] == 1


async def test_a_body_is_taken_as_it_is(server: Served) -> None:
    path = f"/conversations/{CALL}/events"
    squeezed = await server.client.post(path, content=b"{}", headers={**NDJSON, "Content-Encoding": "gzip"})
    assert squeezed.status_code == 415
    marked = await server.client.post(path, content="\ufeff" + LINES[0], headers=NDJSON)
    assert (marked.json()["changed"], marked.json()["anomalies"]) == (1, [])


@pytest.mark.parametrize("name", ["%2e", "%2e%2e"])
async def test_a_name_that_no_browser_can_ask_for_is_refused(server: Served, name: str) -> None:
    answer = await server.client.post(f"/conversations/{name}/events", content="{}", headers=JSON)
    assert answer.status_code == 400


ODD = (
    '{"type"\t:"ping" , "numbers":[1e2,1.0, -0, 1E+2],"a":"\\u00e9\\/é"}',
    '{"event": 1,"type":"odd",  "n":1.50}',
)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_an_event_with_a_time_is_kept_as_it_came(kind: str, tmp_path: Path) -> None:
    where = "memory:" if kind == "memory" else f"sqlite:///{tmp_path}/calls.db"
    lines = [f'{{"at": 1.50,"event":{ODD[0]}}}', f'{{ "event" : {ODD[0]} , "at":2e0}}\r', ODD[1]]
    path = f"/conversations/{CALL}/events"
    async with served(open_log(where)) as server:
        assert (await server.post(lines))["events"] == 3
        one = await server.client.post(path, content=f" {lines[0]}\n".encode(), headers=JSON)
        assert one.status_code == 200
        async with connect(url(server)) as socket:
            for sent in (lines[0], lines[0].encode()):
                await socket.send(sent)
                await socket.recv()
        kept = [(entry.raw.decode(), entry.type, entry.at) async for entry in server.log.read(CALL)]
    ping = ODD[0], "ping"
    assert kept[:2] == [(*ping, 1.5), (*ping, 2.0)]
    assert kept[2][:2] == (ODD[1], "odd")
    assert kept[3:] == [(*ping, 1.5)] * 3
