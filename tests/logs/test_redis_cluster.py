"""A log on a Redis cluster: of one node, and of two."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis, RedisCluster

from rtstate.errors import LogUnavailable
from rtstate.logs import Checkpoint, open_log
from rtstate.logs.redis import RedisLog
from tests.logs.redis_support import NAMES, NEVER, kept
from tests.logs.support import everything, filled, numbers, record, taken
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

CALL = "call"


@pytest.fixture(scope="session")
def cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    import time

    server = RedisServer(tmp_path_factory.mktemp("cluster"), **{"cluster-enabled": "yes"}).start()
    assert server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383") == b"+OK\r\n"
    while b"cluster_state:ok" not in server.ask("CLUSTER", "INFO"):
        time.sleep(0.01)
    yield server
    server.stop()


@pytest.mark.parametrize("kind", [Redis, RedisCluster])
async def test_a_cluster_takes_it_all(
    cluster_server: RedisServer, kind: type[Redis] | type[RedisCluster]
) -> None:
    """Every command names keys of one slot only, or the server would refuse it."""
    async with (
        kind(host="127.0.0.1", port=cluster_server.port) as client,
        RedisLog(client, prefix=kind.__name__, look=NEVER) as log,
        RedisLog(client, prefix=kind.__name__, look=NEVER) as other,
    ):
        await asyncio.gather(*(filled(log, name, 3) for name in NAMES))
        async with asyncio.timeout(20), contextlib.AsyncExitStack() as tails:
            following = [await tails.enter_async_context(contextlib.aclosing(other.tail(n))) for n in NAMES]
            for each in following:
                await taken(each, 3)
            coming = [asyncio.create_task(taken(each, 1)) for each in following]
            await asyncio.sleep(0.1)
            await asyncio.gather(*(log.append(name, [record(4)], expected=3) for name in NAMES))
            assert [numbers(await each) for each in coming] == [[4]] * len(NAMES)
        async with asyncio.timeout(20), contextlib.aclosing(other.tail(CALL)) as again:  # after none was left
            first = asyncio.create_task(taken(again, 1))
            await asyncio.sleep(0.1)
            await filled(log, CALL, 1)
            assert numbers(await first) == [1]
        assert sorted([name async for name in other.names()]) == sorted([*NAMES, CALL])
        await log.beat("{one}", 60)
        for name in NAMES:
            lease = await log.acquire(name, "{one}")
            await log.checkpoint(name, Checkpoint(3, b"three"), lease=lease)
            assert await other.load(name) == Checkpoint(3, b"three")
            summary = await other.summary(name)
            assert summary is not None
            assert (summary.first, summary.last, summary.holder) == (1, 4, "{one}")
            assert await log.trim(name) == 3
            assert numbers(await everything(other, name, 3)) == [4]
            await log.release(lease)
            assert await log.delete(name)
        await log.delete(CALL)
        await log.beat("{one}", 0)
    assert not await kept(cluster_server, kind.__name__)


async def test_one_node_of_a_cluster_does_not_list_its_part_as_all(tmp_path: Path) -> None:
    nodes = []
    for number, slots in enumerate([("0", "8191"), ("8192", "16383")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        nodes.append(RedisServer(folder, **{"cluster-enabled": "yes"}).start())
        assert nodes[-1].ask("CLUSTER", "ADDSLOTSRANGE", *slots) == b"+OK\r\n"
        assert nodes[-1].ask("CONFIG", "SET", "cluster-node-timeout", "1000") == b"+OK\r\n"
        nodes[-1].ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    one, two = nodes
    try:
        assert one.ask("CLUSTER", "MEET", "127.0.0.1", str(two.port)) == b"+OK\r\n"
        async with asyncio.timeout(30):
            while not all({*_told(each)} >= {"cluster_state:ok", "cluster_size:2"} for each in nodes):
                await asyncio.sleep(0.05)
        async with open_log(f"redis+cluster://127.0.0.1:{one.port}") as whole, open_log(two.url) as part:
            await asyncio.gather(*(filled(whole, name, 1) for name in NAMES))
            assert sorted([name async for name in whole.names()]) == sorted(NAMES)
            with pytest.raises(LogUnavailable, match=r"one node of a cluster.* redis\+cluster://"):
                [name async for name in part.names()]
            with pytest.raises(LogUnavailable, match=r"one node of a cluster.* redis\+cluster://"):
                await asyncio.gather(*(everything(part, name) for name in NAMES))
    finally:
        for each in nodes:
            each.stop()


def _told(server: RedisServer) -> list[str]:
    return server.ask("CLUSTER", "INFO").decode().split("\r\n")
