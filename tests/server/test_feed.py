"""Following over SSE: from the start, from a revision, together, too slowly, and to the end."""

import asyncio
import json
import resource
import socket
from contextlib import AsyncExitStack

import httpx
import pytest

from rtstate import apply_patch
from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.logs.sqlite import SqliteLog
from rtstate.server import Limits
from tests.server.support import CALL, LINES, Served, folded, following, served, state_after

pytestmark = pytest.mark.anyio
WHOLE = state_after(LINES)


async def until(what: object, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # type: ignore[operator]
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("form", ["append", "rfc6902"])
async def test_a_stream_leads_to_the_document(server: Served, form: str) -> None:
    await server.post(LINES[:100])
    async with following(server.client, f"/conversations/{CALL}/changes?patch={form}&rate=60") as stream:
        document = await folded(stream, 1)
        for start in range(100, len(LINES), 40):
            await server.post(LINES[start : start + 40])
        assert await folded(stream, WHOLE.revision, document) == WHOLE.to_dict()


async def test_a_follower_goes_on_from_its_last_event(server: Served) -> None:
    await server.post(LINES[:300])
    async with following(server.client) as stream:
        document = (await anext(stream)).data
    await server.post(LINES[300:350])
    async with following(
        server.client,
        f"/conversations/{CALL}/changes?since=1",
        **{"Last-Event-ID": str(document["revision"])},
    ) as stream:
        frame = await anext(stream)
        assert (frame.event, frame.data["since"]) == ("patch", document["revision"])
    async with following(
        server.client, f"/conversations/{CALL}/changes?since={document['revision']}"
    ) as stream:
        assert await folded(stream, state_after(LINES[:350]).revision, document) == await server.get("")


@pytest.mark.parametrize("since", [1, 10**9])
async def test_who_is_too_far_behind_begins_with_a_snapshot(server: Served, since: int) -> None:
    await server.post(LINES)
    async with following(server.client, f"/conversations/{CALL}/changes?since={since}") as stream:
        frame = await anext(stream)
        assert (frame.event, frame.data) == ("snapshot", WHOLE.to_dict())


async def test_changes_of_one_moment_are_one_frame(server: Served) -> None:
    await server.post(LINES[:10])
    async with following(server.client, f"/conversations/{CALL}/changes?rate=1") as stream:
        document = (await anext(stream)).data
        await server.post(LINES[10:20])
        first = await anext(stream)
        await server.post(LINES[20:150])
        second = await anext(stream)
        assert second.data["since"] == first.id
        assert second.id == state_after(LINES[:150]).revision
        assert document["revision"] == first.data["since"]


async def test_followers_share_the_bytes_of_a_frame(server: Served) -> None:
    await server.post(LINES[:100])
    async with AsyncExitStack() as open_streams:
        streams = [await open_streams.enter_async_context(following(server.client)) for _ in range(12)]
        documents = [(await anext(stream)).data for stream in streams]
        assert len(server.state.feeds._channels) == 1
        assert server.hub.stats.followers == 1
        [channel] = server.state.feeds._channels.values()
        for start in range(100, len(LINES), 60):
            await server.post(LINES[start : start + 60])
        whole = await asyncio.gather(
            *(
                folded(stream, WHOLE.revision, document)
                for stream, document in zip(streams, documents, strict=True)
            )
        )
        assert all(each == WHOLE.to_dict() for each in whole)
        late = await open_streams.enter_async_context(following(server.client))
        assert await folded(late, WHOLE.revision) == WHOLE.to_dict()
        assert channel.members == 13
    await until(lambda: not server.state.feeds._channels and not server.hub.stats.followers)
    assert server.state.streams.total == 0


async def test_a_stream_ends_when_its_conversation_is_deleted(server: Served) -> None:
    await server.post(LINES[:10])
    async with following(server.client) as stream:
        await anext(stream)
        assert (await server.client.delete(f"/conversations/{CALL}")).status_code == 204
        frames = [frame async for frame in stream]
    assert [frame.event for frame in frames] == ["gone"]
    assert "deleted" in frames[0].data["message"]


async def test_streams_end_with_the_server_and_go_on_with_the_next(tmp_path: object) -> None:
    url = f"{tmp_path}/calls.db"
    async with served(SqliteLog(url)) as server:
        await server.post(LINES[:300])
        async with following(server.client) as stream:
            document = (await anext(stream)).data
            server.task.cancel()
            assert [frame async for frame in stream] == []
    async with served(SqliteLog(url)) as again:
        since = {"Last-Event-ID": str(document["revision"])}
        async with following(again.client, **since) as stream:
            await again.post(LINES[300:])
            assert await folded(stream, WHOLE.revision, document) == WHOLE.to_dict()


async def test_what_another_process_writes_is_followed() -> None:
    log = MemoryLog()
    async with served(log) as server, Hub(log) as writer:
        await writer.feed_all(CALL, [(line, None) for line in LINES[:50]])
        async with following(server.client) as stream:
            document = (await anext(stream)).data
            await writer.feed_all(CALL, [('{"type": "input_audio_buffer.committed", "item_id": "x"}', None)])
            assert "x" in (await folded(stream, document["revision"] + 1, document))["items"]


async def test_who_never_reads_is_dropped_and_holds_next_to_nothing() -> None:
    limits = Limits(send_timeout=0.5)
    async with served(limits=limits) as server:
        await server.post(LINES)
        stuck = socket.create_connection(("127.0.0.1", server.port))
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        path = f"/conversations/{CALL}/changes?rate=60&patch=rfc6902"
        stuck.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: server.state.streams.total == 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        big = (
            '{"type":"conversation.item.added","item":{"id":"%d","type":"message","role":"user","content":'
            '[{"type":"input_text","text":"%s"}]}}'
        )
        for number in range(200):
            await server.post([big % (number, "x" * 100_000)])
            if server.state.streams.total == 0:
                break
        await until(lambda: server.state.streams.total == 0)
        assert server.state.metrics.dropped._value.get() == 1
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 200_000  # kB; the conversation itself is a part of that
        async with following(server.client) as stream:  # others go on
            assert (await anext(stream)).event == "snapshot"
        stuck.close()


@pytest.mark.parametrize("limits", [Limits(streams=3), Limits(client_streams=3)])
async def test_there_are_only_so_many_streams(limits: Limits) -> None:
    async with served(limits=limits) as server:
        await server.post(LINES[:10])
        async with AsyncExitStack() as open_streams:
            for _ in range(3):
                stream = await open_streams.enter_async_context(following(server.client))
                await anext(stream)
            refused = await server.client.get(f"/conversations/{CALL}/changes")
            assert refused.status_code == (503 if limits.streams == 3 else 429)
            assert int(refused.headers["retry-after"]) > 0
        await until(lambda: server.state.streams.total == 0)
        async with following(server.client) as stream:
            await anext(stream)


async def test_a_comment_keeps_a_stream_alive() -> None:
    async with served(limits=Limits(keep_alive=0.05)) as server:
        await server.post(LINES[:10])
        async with server.client.stream("GET", f"/conversations/{CALL}/changes") as response:
            lines = response.aiter_lines()
            while not (line := await anext(lines)).startswith(":"):
                pass
            assert line == ": "


async def test_how_late_is_counted(server: Served) -> None:
    await server.post(LINES[:10])
    event = '{"type": "input_audio_buffer.committed", "item_id": "%d"}'
    async with following(server.client) as stream:
        await anext(stream)
        for number in range(3):
            await server.post([event % number])
            await anext(stream)
    assert server.state.metrics.latency._sum.get() > 0


async def test_a_stream_of_a_stock_client() -> None:
    """Whoever reads it with another library than ours reads the same."""
    async with served() as server:
        await server.post(LINES[:50])
        async with (
            httpx.AsyncClient() as client,
            client.stream("GET", f"http://localhost:{server.port}/conversations/{CALL}/changes") as response,
        ):
            assert response.headers["cache-control"] == "no-store"
            assert (await anext(response.aiter_lines())) == "event: snapshot"


async def test_who_comes_between_two_frames_goes_on_from_where_it_came(server: Served) -> None:
    async def commit(number: int) -> None:
        await server.post([json.dumps({"type": "input_audio_buffer.committed", "item_id": str(number)})])

    path = f"/conversations/{CALL}/changes?rate=2"
    await commit(0)
    async with following(server.client, path) as one, AsyncExitStack() as others:
        document = await folded(one, 1)
        await commit(1)
        document = await folded(one, 2, document)  # and the next frame is half a second away
        late = []
        for number in range(2, 6):
            await commit(number)
            stream = await others.enter_async_context(following(server.client, path))
            late.append((stream, await folded(stream, number + 1)))
        await commit(6)
        whole = await server.get("")
        assert await folded(one, 7, document) == whole
        for stream, begun in late:
            assert await folded(stream, 7, begun) == whole


@pytest.mark.parametrize("recent", [10, 1_000])
async def test_who_reads_slowly_gets_several_frames_as_one(
    server: Served, recent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtstate.server._feed._RECENT", recent)
    await server.post(LINES[:100])
    slow = server.state.feeds.follow(CALL, rate=60)
    first = await anext(slow)
    begun = state_after(LINES[:100])
    assert first.startswith(b"event: snapshot\nid: %d." % begun.revision)
    async with following(server.client, f"/conversations/{CALL}/changes?rate=60") as stream:
        document = await folded(stream, 1)
        for start in range(100, 260, 20):
            await server.post(LINES[start : start + 20])
            await folded(stream, state_after(LINES[: start + 20]).revision, document)
            document = await server.get("")
    data = await anext(slow)
    assert data.startswith(b"event: patch\nid: %d." % document["revision"])
    update = json.loads(data.partition(b"data: ")[2])
    assert update["since"] == begun.revision
    assert apply_patch(begun.to_dict(), update["patch"]) == document
    await slow.aclose()


async def begun(server: Served, *items: str) -> None:
    for item in items:
        await server.post([f'{{"type": "input_audio_buffer.committed", "item_id": "{item}"}}'])


async def test_who_was_away_while_another_took_the_name_begins_anew(server: Served) -> None:
    await begun(server, "old_1", "old_2")
    async with following(server.client) as stream:
        last = (await anext(stream)).place
    assert last is not None
    tag = (await server.client.get(f"/conversations/{CALL}")).headers["etag"]
    await server.client.delete(f"/conversations/{CALL}")
    await begun(server, "new_1", "new_2")
    known = await server.client.get(f"/conversations/{CALL}", headers={"If-None-Match": tag})
    assert known.status_code == 200
    assert known.headers["etag"] != tag
    await begun(server, "new_3")
    async with following(server.client, **{"Last-Event-ID": last}) as stream:
        first = await anext(stream)
        assert first.event == "snapshot"
        assert first.data["order"] == ["new_1", "new_2", "new_3"]
    again = f"/conversations/{CALL}/changes?since={first.place}"
    async with following(server.client, again) as stream:
        await begun(server, "new_4")
        assert (await anext(stream)).event == "patch"


async def test_a_snapshot_is_never_that_of_another_of_its_name(server: Served) -> None:
    await begun(server, "old")
    feeds = server.state.feeds
    slow = feeds.follow(CALL)
    assert b"old" in await anext(slow)
    await server.client.delete(f"/conversations/{CALL}")
    await begun(server, "new")
    fresh = feeds.follow(CALL)
    assert b"old" not in await anext(fresh)
    await slow.aclose()
    await fresh.aclose()


async def test_no_frame_of_another_of_its_name_is_shared(server: Served) -> None:
    await begun(server, "old_1")
    before = server.state.feeds.follow(CALL, rate=1)
    await anext(before)
    await begun(server, "old_2")
    assert b"old_2" in await anext(before)  # the next frame is due in a second
    await server.client.delete(f"/conversations/{CALL}")
    await begun(server, "new_1")
    after = server.state.feeds.follow(CALL, rate=1)
    assert b"new_1" in await anext(after)
    assert b"event: gone" in await anext(before)
    await begun(server, "new_2")
    assert b"new_2" in await anext(after)
    await before.aclose()
    await after.aclose()


async def test_a_signal_cuts_off_no_stream(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await begun(server, "one")
    async with server.client.stream("GET", f"/conversations/{CALL}/agui") as response:
        lines = response.aiter_lines()
        await anext(lines)
        monkeypatch.setattr("sse_starlette.sse.AppStatus.should_exit", True)  # as its patch of uvicorn does
        await asyncio.sleep(0.6)  # it looks twice a second
        server.task.cancel()
        assert any("RUN_FINISHED" in line for line in [each async for each in lines])
