"""Hubs in real processes, over real files and servers, that are killed, stopped, cut off and damaged."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from rtstate.errors import ConversationGone, LogDamaged, LogUnavailable
from rtstate.hub import Hub
from rtstate.logs import Log, open_log
from rtstate.logs.redis import RedisLog
from rtstate.logs.sqlite import SqliteLog
from tests.hub.processes import Process, numbered, numbers, replayed, surely
from tests.hub.support import CALL, until
from tests.logs.disk import on_a_small_disk
from tests.logs.process import ROOT
from tests.logs.redis_support import Proxy, asking, prefix
from tests.logs.support import eventually
from tests.logs.test_kills import KINDS, urls
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

CI = bool(os.environ.get("CI"))
KILLS = int(os.environ.get("RTSTATE_KILLS") or (100 if CI else 10))
EXAMPLES = int(os.environ.get("RTSTATE_EXAMPLES") or (200 if CI else 40))
Launch = Callable[..., RedisServer]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts servers that the test may harm."""
    launched: list[RedisServer] = []

    def launch(**options: str) -> RedisServer:
        launched.append(RedisServer(tmp_path, **options))
        return launched[-1].start()

    yield launch
    for server in launched:
        server.stop()


@asynccontextmanager
async def follower(url: str, pause: float = 0) -> AsyncIterator[Process]:
    """A process that follows the call."""
    process = Process("follow", url, str(pause), CALL)
    try:
        assert await process.line() == "ready"
        yield process
    finally:
        ended = process.end()
    assert ended == 0


async def same_everywhere(hub: Hub, log: Log, following: Process, count: int) -> int:
    """See that hub, log and follower have so many events, each once; return how many updates it took."""
    snapshot = await hub.snapshot(CALL)
    assert numbers(snapshot) == [*range(count)]
    assert (await replayed(log, CALL)).to_json() == snapshot.to_json()
    seen = (await following.ask(call=snapshot.revision))[CALL]
    assert seen["failed"] is None
    assert seen["document"] == snapshot.to_json()
    updates: int = seen["updates"]
    return updates


# Processes


@pytest.mark.parametrize("trim", ["keep", "trim"])
@pytest.mark.parametrize("kind", KINDS)
def test_hubs_that_are_killed_lose_nothing_and_apply_nothing_twice(
    kind: str, trim: str, tmp_path: Path
) -> None:
    kills = max(KILLS // 2, 1)
    with urls(kind, tmp_path) as url:
        program = [sys.executable, "-m", "tests.hub.killed", url, str(kills), "1", trim]
        ran = subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    print(kind, trim, figures)
    assert figures["kills"] == kills
    assert figures["acknowledged"] > kills
    assert figures["updates"]
    assert kills < 5 or figures["took_over_from_another"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_writer_that_was_stopped_for_longer_than_its_lease_is_refused(
    kind: str, tmp_path: Path
) -> None:
    """It does not know that it stood still; the log does."""
    with urls(kind, tmp_path) as url:
        stalled = Process("rival", url, CALL, "A", "1000000", "0", "0.3")
        assert await stalled.line() == "writing"
        heir = Process("rival", url, CALL, "B", "1000000", "0", "30")
        try:
            assert await heir.line() == "held"
            for _ in range(10):  # it may be stopped as it holds the file's lock, and then nobody can write
                os.kill(stalled.pid, signal.SIGSTOP)
                with suppress(TimeoutError):
                    async with open_log(url) as log, asyncio.timeout(2):
                        while (summary := await log.summary(CALL)) is None or summary.holder != "B":
                            await asyncio.sleep(0.02)
                    break
                os.kill(stalled.pid, signal.SIGCONT)
                await asyncio.sleep(0.1)
            os.kill(stalled.pid, signal.SIGCONT)
            async with open_log(url) as log:
                assert await stalled.line() == "held"
                summary = await log.summary(CALL)
                assert summary is not None
                assert summary.holder == "B"
                before = [entry.raw async for entry in log.read(CALL)]
                later: list[bytes] = []
                async with asyncio.timeout(30):
                    while not later:
                        await asyncio.sleep(0.3)
                        later = [entry.raw async for entry in log.read(CALL, len(before))]
                assert all(b'"item_B' in raw for raw in later), "who has lost its lease has written"
        finally:
            for each in (stalled, heir):
                os.kill(each.pid, signal.SIGKILL)
                each.end()
        async with open_log(url) as log:
            snapshot = await replayed(log, CALL)
            for me in ("A", "B"):
                assert (found := numbers(snapshot, me)) == [*range(len(found))]


@pytest.mark.parametrize("kind", KINDS)
async def test_two_hubs_that_want_the_same_conversation_write_each_event_once(
    kind: str, tmp_path: Path
) -> None:
    """Each lets the other write now and then, and one is stopped for longer than its lease."""
    count = 400 if CI else 100
    with urls(kind, tmp_path) as url:
        processes = [Process("rival", url, CALL, me, str(count), "7", "0.15") for me in ("A", "B")]
        told = [asyncio.create_task(each.line()) for each in processes]
        random = Random(1)
        while not all(task.done() for task in told):
            await asyncio.sleep(random.uniform(0.05, 0.3))
            which = random.randrange(2)
            if not told[which].done():
                os.kill(processes[which].pid, signal.SIGSTOP)
                await asyncio.sleep(random.choice([0.02, 0.25]))
                os.kill(processes[which].pid, signal.SIGCONT)
        assert any(refused for task in told for refused in task.result())
        assert [each.end() for each in processes] == [0, 0]
        async with open_log(url) as log, Hub(log) as hub:
            snapshot = await replayed(log, CALL)
            assert numbers(snapshot, "A") == numbers(snapshot, "B") == [*range(count)]
            assert (await hub.snapshot(CALL)).to_json() == snapshot.to_json()
            summary = await log.summary(CALL)
            assert summary is not None
            assert summary.last == 2 * count


@pytest.mark.parametrize("kind", KINDS)
async def test_a_slow_follower_holds_nobody_up(kind: str, tmp_path: Path) -> None:
    """It reads once a second; neither it nor the writer keeps what it has not read."""
    count = 50_000 if CI else 10_000
    with urls(kind, tmp_path) as url:
        async with follower(url, pause=1) as slow:
            first = (await slow.ask(call=0))[CALL]["memory"]
            writer = Process("write", url, CALL, str(count))
            before = await writer.line()
            done, after, revision = await writer.line()
            at_the_end = (await slow.ask(call=0))[CALL]
            assert writer.end() == 0
            seen = (await slow.ask(call=revision))[CALL]
        assert done >= count
        print(
            kind, done, "events", before, after, "writer", first, seen["memory"], "follower", seen["updates"]
        )
        assert at_the_end["updates"] < count / 100
        assert seen["updates"] < count / 100
        assert after - before < 30_000_000
        assert seen["memory"] - first < 40_000_000
        async with open_log(url) as log, Hub(log) as hub:
            snapshot = await hub.snapshot(CALL)
            assert snapshot.revision == revision
            assert seen["document"] == snapshot.to_json()


# Servers


async def test_hubs_go_on_when_their_server_is_back(launch: Launch) -> None:
    """It was stopped, or crashed, and keeps what it acknowledged: writer and followers wait for it."""
    server = launch(appendonly="yes", appendfsync="always")
    async with RedisLog.from_url(server.url, look=0.1) as log, Hub(log, lease=1, checkpoint_every=20) as hub:
        await surely(hub, CALL, 0)
        async with follower(server.url) as following:
            number, failed = 1, 0
            for end in (server.stop, server.kill):
                for _ in range(30):
                    failed += await surely(hub, CALL, number)
                    number += 1
                await same_everywhere(hub, log, following, number)
                end()
                for refused in (hub.feed(CALL, numbered(-1)), hub.open("another")):
                    with pytest.raises(LogUnavailable, match="cannot be reached"):
                        await refused
                waiting = asyncio.create_task(surely(hub, CALL, number))
                await asyncio.sleep(0.7)
                assert not waiting.done()
                server.start()
                failed += await asyncio.wait_for(waiting, 20)
                number += 1
            assert failed
            for _ in range(30):
                await surely(hub, CALL, number)
                number += 1
            await same_everywhere(hub, log, following, number)


@pytest.mark.parametrize("torn", [400, 3000])
async def test_hubs_follow_a_log_that_has_lost_its_end(
    launch: Launch, torn: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With ``appendfsync everysec`` a power cut takes the last second, which is cut from its file here."""
    server = launch(appendonly="yes", appendfsync="everysec")
    async with RedisLog.from_url(server.url, look=0.1) as log, Hub(log, lease=5) as hub:
        for number in range(40):
            await hub.feed(CALL, numbered(number))
        async with follower(server.url) as following:
            await same_everywhere(hub, log, following, 40)
            server.kill()
            [file] = (server.folder / "appendonlydir").glob("*.incr.aof")
            file.write_bytes(file.read_bytes()[:-torn])
            with pytest.raises(LogUnavailable):
                await hub.feed(CALL, numbered(-1))
            server.start()
            lost = 40 - len(numbers(await hub.snapshot(CALL)))
            assert lost > 0
            assert "the log has lost its end" in caplog.text
            for number in range(40 - lost, 60):
                await hub.feed(CALL, numbered(number))
            await same_everywhere(hub, log, following, 60)


@pytest.mark.parametrize("more", [5, 20])
async def test_a_log_that_lost_its_end_and_was_written_since_is_read_anew(launch: Launch, more: int) -> None:
    """It is as long as it was, or longer, and not the same: to go on from there gives another document."""
    server = launch()
    async with (
        RedisLog.from_url(server.url) as log,
        RedisLog.from_url(server.url) as elsewhere,
        Hub(log, lease=60) as hub,
        Hub(elsewhere) as other,
    ):
        for number in range(10):
            await hub.feed(CALL, numbered(number))
            if number == 4:
                server.ask("SAVE")
        assert numbers(await other.snapshot(CALL)) == [*range(10)]
        server.kill()
        server.start()
        for number in range(100, 100 + more):
            await hub.feed(CALL, numbered(number))
        kept = [*range(5), *range(100, 100 + more)]
        assert numbers(await hub.snapshot(CALL)) == sorted(kept)
        assert numbers(await other.snapshot(CALL)) == kept
        await hub.close(CALL)
        await other.feed(CALL, numbered(200))
        assert (await other.snapshot(CALL)).to_json() == (await replayed(log, CALL)).to_json()


async def test_a_hub_lets_go_of_what_the_log_has_lost(launch: Launch) -> None:
    server = launch()
    async with RedisLog.from_url(server.url) as log:
        for let_go in (lambda hub: hub.close(CALL), lambda hub: hub.stop()):
            hub = Hub(log, lease=60)
            await hub.feed_all(CALL, [(numbered(number), None) for number in range(3)])
            server.ask("SAVE")
            await hub.feed(CALL, numbered(3))
            server.kill()
            server.start()
            await let_go(hub)  # there is nothing at the place of its checkpoint
            await hub.stop()
            async with Hub(log) as another:
                assert numbers(await another.open(CALL)) == [0, 1, 2]
                await another.delete(CALL)


async def test_a_server_that_keeps_nothing_ends_the_conversation(launch: Launch) -> None:
    server = launch()
    async with RedisLog.from_url(server.url, look=0.1) as log, Hub(log) as hub:
        await hub.feed(CALL, numbered(0))
        server.kill()
        server.start()
        with pytest.raises(ConversationGone):
            await hub.feed(CALL, numbered(1))
        await hub.feed(CALL, numbered(0))
        assert numbers(await hub.snapshot(CALL)) == [0]


async def test_connections_that_are_cut_again_and_again_change_nothing(redis_server: RedisServer) -> None:
    url, count = redis_server.url, 600 if CI else 200
    cuts = 0

    async def cut() -> None:
        nonlocal cuts
        async with asking(redis_server) as client:
            while True:
                for kind in ("normal", "pubsub"):
                    cuts += await client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                await asyncio.sleep(0.01)

    async with RedisLog.from_url(url) as log, Hub(log, lease=1, checkpoint_every=30) as hub:
        await surely(hub, CALL, 0)
        async with follower(url) as following:
            await same_everywhere(hub, log, following, 1)  # it follows: one that has yet to begin may give up
            cutting = asyncio.create_task(cut())
            try:
                for number in range(1, count):
                    await surely(hub, CALL, number)
            finally:
                cutting.cancel()
                await asyncio.wait([cutting])
            await same_everywhere(hub, log, following, count)
            print(cuts, "connections cut")
            assert cuts > 10
        await eventually(lambda: deleted(hub))


async def test_an_event_whose_answer_is_lost_is_found_and_not_fed_again(redis_server: RedisServer) -> None:
    """However often it is tried: it was kept the first time, and feeding says that nobody knows."""
    async with Proxy(redis_server) as proxy, proxy.log(prefix()) as log, Hub(log, lease=60) as hub:
        await hub.feed(CALL, numbered(0))
        for number in range(1, 4):
            proxy.lose = lambda request, number=number: b'"%d "' % number in request
            with pytest.raises(LogUnavailable):
                await hub.feed(CALL, numbered(number))
            assert numbers(await hub.snapshot(CALL)) == [*range(number + 1)]
        await hub.feed(CALL, numbered(4))
        assert numbers(await replayed(log, CALL)) == [*range(5)]
        assert proxy.lost >= 3


async def deleted(hub: Hub) -> bool:
    """Another test uses this server too."""
    with suppress(LogUnavailable):
        await hub.delete(CALL)
        return True
    return False


async def test_followers_outlive_a_read_that_failed(launch: Launch) -> None:
    server = launch(appendonly="yes", appendfsync="always")
    async with (
        RedisLog.from_url(server.url, look=0.1) as log,
        RedisLog.from_url(server.url) as elsewhere,
        Hub(log) as hub,
        Hub(elsewhere, lease=60) as other,
    ):
        await other.feed(CALL, numbered(0))
        following = asyncio.create_task(until(hub.follow(CALL, 1000), 2))
        await asyncio.sleep(0.1)
        server.stop()
        with pytest.raises(LogUnavailable):
            await hub.snapshot(CALL)
        server.start()
        await other.feed(CALL, numbered(1))
        assert numbers(await asyncio.wait_for(following, 10)) == [0, 1]


# Disks


def test_a_full_disk_under_a_hub_changes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    ran = on_a_small_disk("tests.hub.processes", "3m", tmp_path)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("trim", [False, True])
async def test_a_damaged_file_gives_the_document_or_none(trim: bool, tmp_path: Path) -> None:
    whole_file, path, names = tmp_path / "whole.db", tmp_path / "calls.db", [f"call {n}" for n in range(8)]
    async with SqliteLog(whole_file) as log, Hub(log, checkpoint_every=30, trim=trim) as hub:
        for place, name in enumerate(names):
            await hub.feed_all(name, [(numbered(number), None) for number in range(40 + place)])
            await hub.feed_all(name, [(numbered(number), None) for number in range(40 + place, 90)])
    async with SqliteLog(whole_file) as log, Hub(log) as hub:
        documents = {name: (await hub.snapshot(name)).to_json() for name in names}
    whole, random, refused = whole_file.read_bytes(), Random(3), 0
    for _ in range(EXAMPLES):
        damaged = bytearray(whole)
        start = random.randrange(0, len(whole), 4096)
        for _ in range(random.choice([1, 1, 40])):
            damaged[start + random.choice([random.randrange(4096), random.randrange(60)])] = random.randrange(
                256
            )
        path.write_bytes(damaged)
        with suppress(LogDamaged, LogUnavailable):  # the file as a whole
            async with SqliteLog(path, timeout=0.1) as log, Hub(log) as hub:
                for name in names:
                    try:
                        assert (await hub.snapshot(name)).to_json() == documents[name]
                    except (LogDamaged, LogUnavailable):
                        refused += 1
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    assert refused
