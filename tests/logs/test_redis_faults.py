"""A log on Redis servers that fail: cut connections, restarts, crashes, full memory, wrong passwords."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rtstate.errors import ConversationGone, LogBehind, LogUnavailable, StaleWriter
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Entry, Log
from rtstate.logs.redis import RedisLog
from tests.logs.redis_support import asking, prefix
from tests.logs.support import eventually, everything, filled, numbers, record, records, taken
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

CALL = "call"
Launch = Callable[..., RedisServer]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts servers that the test may harm."""
    launched: list[RedisServer] = []

    def launch(**options: str) -> RedisServer:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        launched.append(RedisServer(tmp_path, **named))
        return launched[-1].start()

    yield launch
    for server in launched:
        server.stop()


async def writing(log: Log, last: int, batches: int) -> int:
    """Append batches of three, each until the log says that it is kept."""
    for _ in range(batches):
        while True:
            try:
                last = await log.append(CALL, records(last + 1, last + 3), expected=last)
                break
            except LogUnavailable:
                await asyncio.sleep(0.01)
            except StaleWriter as stale:  # the answer was lost for good: it was kept
                if stale.last != last + 3:
                    raise
                last = stale.last
                break
    return last


async def test_connections_that_are_cut_lose_nothing_and_double_nothing(redis_server: RedisServer) -> None:
    mine = prefix()

    async def follow(log: Log, end: int) -> list[Entry]:
        async with contextlib.aclosing(log.tail(CALL)) as tail:
            return await taken(tail, end)

    async def cut(client_done: asyncio.Event) -> int:
        cuts = 0
        async with asking(redis_server) as client:
            while not client_done.is_set():
                for kind in ("normal", "pubsub"):
                    cuts += await client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
                await asyncio.sleep(0.005)
        return cuts

    async with (
        RedisLog.from_url(redis_server.url, prefix=mine, look=0.1) as log,
        RedisLog.from_url(redis_server.url, prefix=mine, look=0.1) as other,
        asyncio.timeout(60),
    ):
        done = asyncio.Event()
        cutting = asyncio.create_task(cut(done))
        tails = [asyncio.create_task(follow(each, 300)) for each in (log, other, other)]
        assert await writing(log, 0, 100) == 300
        seen = await asyncio.gather(*tails, return_exceptions=True)
        done.set()
        assert await cutting > 10
        for each in seen:
            if not isinstance(each, LogUnavailable):  # it had no luck in four attempts, and was told
                assert not isinstance(each, BaseException)
                assert numbers(each) == list(range(1, 301))
        assert numbers(await everything(other, CALL)) == list(range(1, 301))


async def test_a_server_that_comes_back_has_all_that_was_acknowledged(launch: Launch) -> None:
    server = launch(appendonly="yes", appendfsync="always")
    async with RedisLog.from_url(server.url, look=0.1) as log, asyncio.timeout(60):
        await filled(log, CALL, 3)
        await log.checkpoint(CALL, Checkpoint(2, b"two"))
        await log.beat("me", 60)
        lease = await log.acquire(CALL, "me")
        for end in (server.stop, server.kill):
            last = (await everything(log, CALL))[-1].seq
            following = asyncio.create_task(anext(log.tail(CALL, last)))  # type: ignore[arg-type]
            await asyncio.sleep(0.05)
            end()
            with pytest.raises(LogUnavailable, match=rf"127\.0\.0\.1:{server.port} cannot be reached"):
                await log.append(CALL, [record(last + 1)], expected=last, lease=lease)
            with pytest.raises(LogUnavailable):
                await log.load(CALL)
            with pytest.raises(LogUnavailable):
                await everything(log, CALL)
            with pytest.raises(LogUnavailable):
                [name async for name in log.names()]
            server.start()
            assert await log.append(CALL, [record(last + 1)], expected=last, lease=lease) == last + 1
            with contextlib.suppress(LogUnavailable):  # or it saw nothing of it all
                assert (await following).seq == last + 1
            assert await log.load(CALL) == Checkpoint(2, b"two")
            assert numbers(await everything(log, CALL)) == list(range(1, last + 2))


async def test_a_server_that_crashes_while_it_is_written_keeps_what_it_acknowledged(launch: Launch) -> None:
    server = launch(appendonly="yes", appendfsync="always")
    async with RedisLog.from_url(server.url) as log, asyncio.timeout(60):
        last = 0
        for _ in range(3):
            task = asyncio.create_task(writing(log, last, 60))
            await asyncio.sleep(0.05)
            server.kill()
            await asyncio.sleep(0.05)
            server.start()
            last = await task
        assert last == 3 * 180
        assert numbers(await everything(log, CALL)) == list(range(1, last + 1))


async def test_a_writer_is_told_that_the_log_has_lost_its_end(launch: Launch) -> None:
    """The server goes back to what it saved last; nobody can go on as if nothing had been."""
    server = launch()
    async with RedisLog.from_url(server.url, look=0.05) as log, asyncio.timeout(30):
        await filled(log, CALL, 3)
        server.ask("SAVE")
        await log.append(CALL, records(4, 6), expected=3)
        tail = log.tail(CALL, 3)
        await taken(tail, 3)
        server.kill()
        server.start()
        with pytest.raises(StaleWriter, match="ends at 3, not at 6: the log has lost its end"):
            await log.append(CALL, [record(7)], expected=6)
        with pytest.raises(LogBehind, match="ends at 3; there is no event 6"):
            await everything(log, CALL, 6)
        with pytest.raises(LogBehind):
            await anext(tail)
        assert await log.append(CALL, [record(4)], expected=3) == 4


async def test_a_server_that_keeps_nothing_says_that_it_has_nothing(launch: Launch) -> None:
    server = launch()
    async with RedisLog.from_url(server.url, look=0.05) as log, asyncio.timeout(30):
        await filled(log, CALL, 3)
        tail = log.tail(CALL)
        await taken(tail, 3)
        server.kill()
        server.start()
        with pytest.raises(StaleWriter, match="ends at 0, not at 3"):
            await log.append(CALL, [record(4)], expected=3)
        with pytest.raises(LogBehind):
            await everything(log, CALL, 3)
        with pytest.raises(ConversationGone):
            await anext(tail)


@pytest.mark.parametrize("torn", [1, 40, 333, 1500])
async def test_a_file_that_was_torn_ends_between_two_batches(launch: Launch, torn: int) -> None:
    """As after a crash of the machine, in the middle of what was written last."""
    server = launch(appendonly="yes", appendfsync="everysec")
    async with RedisLog.from_url(server.url) as log:
        for last in range(0, 40, 4):
            await log.append(CALL, records(last + 1, last + 4), expected=last)
        server.kill()
        [file] = (server.folder / "appendonlydir").glob("*.incr.aof")
        file.write_bytes(file.read_bytes()[:-torn])
        server.start()
        entries = await everything(log, CALL)
        summary = await log.summary(CALL)
        assert summary is not None
        assert summary.last == len(entries) < 40
        assert summary.size == sum(len(entry.raw) for entry in entries)
        assert numbers(entries) == list(range(1, len(entries) + 1))
        assert len(entries) % 4 == 0
        with pytest.raises(StaleWriter, match="lost its end"):
            await log.append(CALL, [record(41)], expected=40)
        assert await log.append(CALL, [record(0)], expected=summary.last) == summary.last + 1


async def test_a_server_without_room_says_so_and_loses_nothing(launch: Launch) -> None:
    """It can be read, and room can be made."""
    server = launch(maxmemory="8mb", maxmemory_policy="noeviction")
    async with RedisLog.from_url(server.url) as log:
        lease = await log.acquire(CALL, "me")
        last = 0

        async def fill() -> None:
            nonlocal last
            while last < 1000:
                last = await log.append(CALL, [record(last + 1, 100_000)], expected=last, lease=lease)

        with pytest.raises(LogUnavailable, match="has no memory left: raise its maxmemory"):
            await fill()
        assert 10 < last < 100
        server.ask("CONFIG", "SET", "maxmemory", "1mb")  # until now there was room for something small
        assert numbers(await everything(log, CALL)) == list(range(1, last + 1))
        with pytest.raises(LogUnavailable, match="no memory"):
            await log.checkpoint(CALL, Checkpoint(last, b"all"), lease=lease)
        with pytest.raises(LogUnavailable, match="no memory"):
            await log.append("another", [record(1)], expected=0)
        await log.release(lease)
        async with Hub(log) as hub:  # which lives, and so can make room
            with pytest.raises(LogUnavailable, match="no memory"):
                await hub.feed("another", record(1).raw)
            assert await hub.delete(CALL)
        server.ask("CONFIG", "SET", "maxmemory", "8mb")

        async def written() -> bool:
            with contextlib.suppress(LogUnavailable):
                return bool(await log.append("another", [record(1)], expected=0))
            return False

        await eventually(written)


async def test_a_server_without_its_disk_says_so(launch: Launch) -> None:
    server = launch(save="3600 1")
    async with RedisLog.from_url(server.url) as log:
        await filled(log, CALL, 1)
        server.folder.joinpath("dump.rdb").mkdir()  # in the place of the file: it cannot be written

        async def refused() -> bool:
            server.ask("BGSAVE")
            return b"rdb_last_bgsave_status:err" in server.ask("INFO", "persistence")

        await eventually(refused)
        with pytest.raises(LogUnavailable, match="cannot save to its disk"):
            await log.append(CALL, [record(2)], expected=1)
        assert numbers(await everything(log, CALL)) == [1]
        server.ask("CONFIG", "SET", "save", "")  # or it would not stop


async def test_a_replica_takes_no_writes(launch: Launch, redis_server: RedisServer) -> None:
    server = launch(replicaof=f"127.0.0.1 {redis_server.port}")
    async with RedisLog.from_url(server.url) as log:
        with pytest.raises(LogUnavailable, match="is a replica and takes no writes"):
            await filled(log, CALL, 1)


PASSWORD = "correct-horse"


@pytest.mark.parametrize("password", ["", ":wrong-horse@", f":{PASSWORD}@"])
async def test_a_password_is_never_told(launch: Launch, password: str) -> None:
    server = launch(requirepass=PASSWORD)
    url = server.url.replace("redis://", f"redis://{password}")
    async with RedisLog.from_url(url, look=0.05) as log:
        assert repr(log) == f"<RedisLog 127.0.0.1:{server.port}>"
        if PASSWORD in password:
            await filled(log, CALL, 1)
            server.stop()
        with pytest.raises(LogUnavailable) as refused:
            await filled(log, CALL, 1)
        error: BaseException | None = refused.value
        while error is not None:
            assert "horse" not in f"{error} {error!r} {error.args}"
            error = error.__cause__ or error.__context__
        assert ("cannot be reached" if PASSWORD in password else "password") in str(refused.value)


async def test_nobody_there_is_told_soon(launch: Launch) -> None:
    server = launch()
    server.stop()
    async with asyncio.timeout(5), RedisLog.from_url(server.url) as log:
        with pytest.raises(LogUnavailable, match="cannot be reached"):
            await filled(log, CALL, 1)
        with pytest.raises(LogUnavailable):
            await anext(log.tail(CALL))


async def test_a_database_that_the_server_has_not_is_no_damage(redis_server: RedisServer) -> None:
    async with RedisLog.from_url(f"{redis_server.url}/99") as log, Hub(log) as hub:
        for ask in (lambda: log.summary(CALL), lambda: everything(log, CALL), lambda: hub.snapshot(CALL)):
            with pytest.raises(LogUnavailable, match="has no such database: name another in the URL"):
                await ask()


async def test_a_hub_that_never_lived_does_not_say_that_it_has_stopped(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with RedisLog.from_url(f"{redis_server.url}/99") as log, Hub(log) as hub:
        with pytest.raises(LogUnavailable):
            await hub.open(CALL)
    assert not caplog.records
