"""The places where the contract is tested."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from rtstate.logs import Log, MemoryLog
from rtstate.logs.sqlite import SqliteLog
from tests.logs.support import Store
from tests.servers import RedisServer


@attrs.define
class InMemory:
    kind = "memory"
    log: MemoryLog = attrs.Factory(MemoryLog)

    def open(self) -> Log:
        return self.log


@attrs.define
class InFile:
    path: Path
    kind = "sqlite"

    def open(self) -> Log:
        return SqliteLog(self.path)


@attrs.frozen
class OnRedis:
    kind = "redis"
    server: RedisServer
    prefix: str = attrs.Factory(lambda: f"test-{uuid4()}")

    def open(self) -> Log:
        from rtstate.logs.redis import RedisLog

        return RedisLog.from_url(self.server.url, prefix=self.prefix)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests of a process; each has its own prefix."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.stop()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return InFile(tmp_path / "calls.db")
    if request.param == "redis":
        return OnRedis(request.getfixturevalue("redis_server"))
    return InMemory()


@pytest.fixture
async def log(store: Store) -> AsyncIterator[Log]:
    async with store.open() as log:
        yield log


@pytest.fixture
async def other(store: Store, log: Log) -> AsyncIterator[Log]:
    """The same log as another process has it."""
    async with store.open() as other:
        yield other
