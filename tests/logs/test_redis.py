"""What is Redis's own, on a real server: its keys, its scripts, its hints."""

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ResponseError

from rtstate.errors import LeaseLost, LogDamaged, LogError, LogUnavailable, StaleWriter
from rtstate.logs import Checkpoint, Record
from rtstate.logs import redis as module
from rtstate.logs._log import PAGE
from rtstate.logs._redis_errors import ours
from rtstate.logs._redis_scripts import Keys
from rtstate.logs.redis import RedisLog
from tests.logs.redis_support import NAMES, Proxy, asking, kept, log_on, prefix
from tests.logs.support import eventually, everything, filled, numbers, record, records, taken
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

CALL = "call"


# keys, and clusters


def test_each_conversation_has_one_slot_and_its_name_back() -> None:
    keys = Keys("test")
    for name in NAMES:
        each = [keys.meta(name), keys.events(name), keys.checkpoint(name)]
        assert len({key_slot(key.encode()) for key in each}) == 1
        assert keys.name(keys.events(name).encode()) == name
        assert keys.name(keys.meta(name).encode()) is None
    assert len({key_slot(keys.events(name).encode()) for name in NAMES}) > len(NAMES) // 2
    for other in (b"test:{%zz}:events", b"test:{\xff}:events", b"test:{%ff}:events", b"tost:{a}:events", b""):
        assert keys.name(other) is None


@pytest.mark.parametrize("odd", ["a*", "[a]", "a\\b", "a?:", "ü", "a^"])
async def test_a_prefix_is_no_pattern(redis_server: RedisServer, odd: str) -> None:
    both = [f"{prefix()}{each}" for each in (odd, odd.translate(dict.fromkeys(map(ord, "*?[]\\^"), "a")))]
    async with log_on(redis_server, both[0]) as log, log_on(redis_server, f"{both[1]}x") as other:
        await filled(log, CALL, 1)
        await filled(other, "another", 1)
        assert [name async for name in log.names()] == [CALL]


async def test_what_is_not_ours_has_no_name(redis_server: RedisServer) -> None:
    async with log_on(redis_server, mine := prefix()) as log, asking(redis_server) as client:
        await client.set(f"{mine}:{{%zz}}:events", "foreign")
        await filled(log, CALL, 1)
        assert [name async for name in log.names()] == [CALL]


async def test_nothing_is_left_behind(redis_server: RedisServer) -> None:
    async with log_on(redis_server, mine := prefix()) as log:
        await log.release(await log.acquire("never began", "me"))
        await filled(log, CALL, 3)
        await log.checkpoint(CALL, Checkpoint(3, b"three"))
        await log.acquire(CALL, "me")
        assert len(await kept(redis_server, mine)) == 3
        await log.delete(CALL)
        assert not await kept(redis_server, mine)


# what is made, and how it is refused


@pytest.mark.parametrize("bad", ["", "a{b", "}", "a\n"])
async def test_a_prefix_that_breaks_the_keys_is_refused(redis_server: RedisServer, bad: str) -> None:
    with pytest.raises(ValueError, match="a prefix"):
        RedisLog.from_url(redis_server.url, prefix=bad)


async def test_a_client_that_reads_text_is_refused_and_one_that_is_given_stays_open(
    redis_server: RedisServer,
) -> None:
    async with Redis(host="127.0.0.1", port=redis_server.port, decode_responses=True) as client:
        with pytest.raises(ValueError, match="decode_responses"):
            RedisLog(client)
    async with asking(redis_server) as client:
        async with RedisLog(client, prefix=prefix()) as log:
            await filled(log, CALL, 1)
        assert await client.ping()


@pytest.mark.parametrize(
    "url",
    ["redis://u:horse#cart@host", "redis://:horse/cart@host", "redis://:horse@host?cart=1", "http://horse"],
)
def test_a_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="names no Redis server") as refused:
        RedisLog.from_url(url)
    assert not any(word in repr(refused.value) for word in ("horse", "cart"))
    assert refused.value.__suppress_context__


# batches


@pytest.mark.parametrize("size", [0, 100, 20_000])
async def test_a_batch_is_as_large_as_it_likes(redis_server: RedisServer, size: int) -> None:
    """More events than a script could name at once; and each of its entries can be begun within."""
    last = 3000 if size < 1000 else 60
    async with log_on(redis_server) as log:
        await filled(log, CALL, last, size)
        for after in (0, 1, 255, 256, 257, last - 1):
            if after < last:
                assert numbers(await everything(log, CALL, after)) == list(range(after + 1, last + 1))


async def test_pages_are_of_bytes_not_of_events(redis_server: RedisServer) -> None:
    async with log_on(redis_server) as log:
        await filled(log, CALL, 600, 10)
        for last in range(600, 640):
            await log.append(CALL, [record(last + 1, 600_000)], expected=last)
        after = 0
        while entries := (await log._page(CALL, after, PAGE)).entries:
            assert sum(len(entry.raw) for entry in entries) < PAGE + 700_000
            after = entries[-1].seq
        assert after == 640


async def test_what_a_page_holds_is_shared_by_those_that_read_at_once(redis_server: RedisServer) -> None:
    async with log_on(redis_server) as log:
        await filled(log, CALL, 100, 20_000)
        pages = await asyncio.gather(*(log._page(CALL, 0, PAGE) for _ in range(30)))
        sizes = [sum(len(entry.raw) for entry in page.entries) for page in pages]
        assert all(sizes)
        assert sum(sizes[1:]) < 9 * PAGE  # an entry each, of a quarter of a page


# what is sent together, and sent again


async def test_what_comes_together_goes_out_together(redis_server: RedisServer) -> None:
    async def reads() -> int:
        async with asking(redis_server) as client:
            return int((await client.info("stats"))["total_reads_processed"])

    async with log_on(redis_server) as log:
        await filled(log, CALL, 1)
        idle, before = await reads(), await reads()
        overhead = before - idle
        await asyncio.gather(*(filled(log, f"call {number}", 1) for number in range(200)))
        written = await reads()
        assert (
            written - before - overhead <= 10
        )  # the first goes alone, the rest in one piece, some 16 kB each
        await asyncio.gather(*(everything(log, f"call {number}") for number in range(200)))
        assert await reads() - written - overhead <= 20


async def test_a_batch_that_is_sent_again_is_kept_once(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another of the same writer followed it, and where its lease has gone meanwhile."""
    async with log_on(redis_server) as log:
        await log.beat("me", 60)
        lease = await log.acquire(CALL, "me")
        batches = [b"batch 1", b"batch 2"]
        for _ in range(3):
            for number, batch in enumerate(batches):
                monkeypatch.setattr(module, "token_bytes", lambda _, batch=batch: batch)
                at = 3 * number
                assert await log.append(CALL, records(at + 1, at + 3), expected=at, lease=lease) == at + 3
        await log.release(lease)
        assert await log.append(CALL, records(4, 6), expected=3, lease=lease) == 6
        with pytest.raises(LeaseLost):
            await log.append(CALL, records(7, 9), expected=6, lease=lease)
        monkeypatch.undo()
        with pytest.raises(StaleWriter):
            await log.append(CALL, records(4, 6), expected=3)
        assert numbers(await everything(log, CALL)) == [1, 2, 3, 4, 5, 6]


async def test_an_answer_that_is_lost_is_asked_for_again(redis_server: RedisServer) -> None:
    """A real one: the server has done it, and the connection ends before it can tell."""
    async with Proxy(redis_server) as proxy, proxy.log(prefix()) as log:
        await filled(log, CALL, 1)
        requests = iter(range(1000))
        proxy.lose = lambda request: b"EVALSHA" in request and next(requests) % 3 < 2
        for last in range(1, 41, 4):
            writing = [log.append(CALL, [record(last + n + 1)], expected=last + n) for n in range(4)]
            assert await asyncio.gather(*writing) == [last + 1, last + 2, last + 3, last + 4]
        proxy.lose = lambda request: False
        assert proxy.lost >= 20
        assert numbers(await everything(log, CALL)) == list(range(1, 42))


async def test_a_server_that_does_not_answer_is_not_waited_for(redis_server: RedisServer) -> None:
    async with Proxy(redis_server) as proxy, proxy.log(prefix(), "?socket_timeout=0.1") as log:
        await filled(log, CALL, 1)
        async with asking(redis_server) as client, asyncio.timeout(5):
            await client.client_pause(600)
            with pytest.raises(LogUnavailable, match=r"127\.0\.0\.1:\d+ did not answer in time"):
                await log.append(CALL, [record(2)], expected=1)
            with pytest.raises(LogUnavailable, match="did not answer in time"):
                await everything(log, CALL)
            await client.client_unpause()
        assert (await everything(log, CALL))[0].seq == 1


async def test_scripts_that_the_server_forgot_are_sent_again(redis_server: RedisServer) -> None:
    async with log_on(redis_server) as log, asking(redis_server) as client:
        for last in range(5):
            await client.script_flush()
            await asyncio.gather(*(log.append(f"{n}", [record(1)], expected=last) for n in range(20)))
            assert len(await everything(log, "7")) == last + 1


async def test_one_batch_after_another_may_be_on_its_way(redis_server: RedisServer) -> None:
    async with log_on(redis_server) as log:
        writing = [log.append(CALL, [record(last + 1)], expected=last) for last in range(600)]
        assert await asyncio.gather(*writing) == list(range(1, 601))


# hints


async def test_tails_are_told_and_need_not_look(redis_server: RedisServer) -> None:
    """Over one connection, which is there as long as there are tails."""
    mine = prefix()

    async def channels() -> int:
        async with asking(redis_server) as client:
            return len(await client.pubsub_shardchannels(f"{mine}:*"))

    async def listening(count: int) -> None:
        async def settled() -> bool:
            return await channels() == count

        await eventually(settled)

    async with log_on(redis_server, mine) as log, log_on(redis_server, mine) as other:
        for _ in range(3):
            tails = [other.tail(name) for name in NAMES]
            coming = [asyncio.create_task(anext(each)) for each in tails]  # type: ignore[arg-type]
            await listening(len(NAMES))
            for name in NAMES:
                await filled(log, name, 1)
            async with asyncio.timeout(20):
                assert [entry.seq for entry in await asyncio.gather(*coming)] == [1] * len(NAMES)
                await tails[0].aclose()
                await listening(len(NAMES) - 1)
                waiting = asyncio.create_task(anext(tails[1]))  # type: ignore[arg-type]
                await log.append(NAMES[1], [record(2)], expected=1)
                assert (await waiting).seq == 2
            for each in tails:
                await each.aclose()
            await listening(0)
            for name in NAMES:
                await log.delete(name)


async def test_closing_waits_for_no_tail_that_ends(redis_server: RedisServer) -> None:
    """At whatever point of its listening: redis-py may swallow a cancellation."""
    for turns in range(24):
        log, names = log_on(redis_server), [f"{number}" for number in range(1 + turns % 4 * 20)]
        await asyncio.gather(*(filled(log, name, 1) for name in names))
        tails = [log.tail(name) for name in names]
        await asyncio.gather(*(taken(tail, 1) for tail in tails))
        await asyncio.gather(*(tail.aclose() for tail in tails))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await log.close()


async def test_tails_get_there_where_the_server_has_no_hints(redis_server: RedisServer) -> None:
    """Its user may neither publish nor subscribe; writing is not harmed by that."""
    async with asking(redis_server) as client:
        rules = ["on", "nopass", "~*", "resetchannels", "+@all", "-@pubsub"]
        await client.execute_command("ACL", "SETUSER", "deaf", *rules)
    url = redis_server.url.replace("redis://", "redis://deaf:any@")
    async with (
        RedisLog.from_url(url, prefix=(mine := prefix()), look=0.05) as log,
        RedisLog.from_url(url, prefix=mine, look=0.05) as other,
        asyncio.timeout(20),
        contextlib.aclosing(other.tail(CALL)) as tail,
    ):
        for last in range(0, 9, 3):
            following = asyncio.create_task(taken(tail, 3))
            await asyncio.sleep(0.1)
            await log.append(CALL, records(last + 1, last + 3), expected=last)
            assert numbers(await following) == [last + 1, last + 2, last + 3]
        await log.delete(CALL)
        with pytest.raises(LogError):
            await anext(tail)


async def test_hints_come_back_after_their_connection_was_lost(redis_server: RedisServer) -> None:
    """What came meanwhile is looked for then."""
    mine = prefix()
    async with (
        log_on(redis_server, mine) as log,
        log_on(redis_server, mine) as other,
        asking(redis_server) as client,
        asyncio.timeout(30),
        contextlib.aclosing(other.tail(CALL)) as tail,
    ):
        for last in range(5):
            following = asyncio.create_task(taken(tail, 1))
            await asyncio.sleep(0.05)
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await log.append(CALL, [record(last + 1)], expected=last)
            assert numbers(await following) == [last + 1]


# contents that are not ours


async def test_what_others_put_there_is_damage(redis_server: RedisServer) -> None:
    async with log_on(redis_server, mine := prefix()) as log, asking(redis_server) as client:
        for key in (Keys(mine).meta(CALL), Keys(mine).events(CALL)):
            await client.set(key, "what is this")
            for call in (lambda: log.append(CALL, [record(1)], expected=0), lambda: everything(log, CALL)):
                with pytest.raises(LogDamaged, match="'call' is not what a log writes"):
                    await call()
            await client.delete(key)
        await filled(log, CALL, 3)
        await client.hset(Keys(mine).meta(CALL), "first", "one")  # type: ignore[misc]
        for call in (lambda: log.summary(CALL), lambda: everything(log, CALL)):
            with pytest.raises(LogDamaged, match="'call' is not what a log writes"):
                await call()


@pytest.mark.parametrize(
    "fields",
    [
        {"key": "value"},
        {"batch": "b", "raw": "{}", "more": "?"},
        {"batch": "b", "sound": "?", "raw": "{}"},
        {"batch": "b", "at": "noon", "raw": "{}"},
        {"batch": "b", "type": b"\xff", "raw": "{}"},
    ],
)
async def test_an_entry_that_no_log_wrote_is_damage(
    redis_server: RedisServer, fields: dict[str | bytes, str | bytes]
) -> None:
    async with log_on(redis_server, mine := prefix()) as log, asking(redis_server) as client:
        await filled(log, CALL, 1)
        await client.xadd(Keys(mine).events(CALL), fields, id="2-0")  # type: ignore[arg-type]
        await client.hset(Keys(mine).meta(CALL), "last", "2")  # type: ignore[misc]
        with pytest.raises(LogDamaged):
            await everything(log, CALL)


async def test_what_is_missing_is_damage(redis_server: RedisServer) -> None:
    """An event, all of them, the checkpoint, or what is known of it: a server may be told to evict keys."""
    async with log_on(redis_server, mine := prefix()) as log, asking(redis_server) as client:
        keys = Keys(mine)
        for last in range(5):
            await log.append(CALL, [record(last + 1)], expected=last)
        await log.checkpoint(CALL, Checkpoint(1, b"one"))
        await client.xdel(keys.events(CALL), "3-0")
        with pytest.raises(LogDamaged, match="from event 2 to 4"):
            await everything(log, CALL)
        await client.delete(keys.checkpoint(CALL))
        with pytest.raises(LogDamaged, match="checkpoint"):
            await log.load(CALL)
        await client.delete(keys.meta(CALL))
        with pytest.raises(LogDamaged):
            await everything(log, CALL)
        with pytest.raises(LogDamaged):
            await log.append(CALL, [record(1)], expected=0)
        await log.delete(CALL)
        await filled(log, CALL, 3)
        await client.delete(keys.events(CALL))
        with pytest.raises(LogDamaged, match="should have the events 1 to 3"):
            await everything(log, CALL)


def test_a_server_that_is_too_old_is_told_from_damage() -> None:
    """As Redis 6 answers; there is none here to ask."""
    old = ResponseError("Error compiling script (new function): user_script:1: unexpected symbol near '#'")
    error = ours(old, "host:6379", CALL)
    assert isinstance(error, LogUnavailable)
    assert str(error) == "host:6379 is too old: a log needs Redis 7 or newer"


async def test_times_are_exact(redis_server: RedisServer) -> None:
    times = [0.1 + 0.2, 1e-320, -0.0, 1.7976931348623157e308, 1_760_000_000.1234567, 3]
    async with log_on(redis_server) as log:
        await log.append(CALL, [Record(b"", at=at) for at in times], expected=0)
        back = [entry.at for entry in await everything(log, CALL)]
        assert list(map(repr, back)) == [repr(float(at)) for at in times]
