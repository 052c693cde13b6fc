"""The places where the contract is tested."""

from pathlib import Path

import attrs
import pytest

from rtstate.logs import Log, MemoryLog
from rtstate.logs.sqlite import SqliteLog
from tests.logs.support import Store


@attrs.define
class InMemory:
    kind = "memory"
    log: MemoryLog = attrs.Factory(MemoryLog)

    def open(self) -> Log:
        return self.log


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@attrs.define
class InFile:
    path: Path
    kind = "sqlite"

    def open(self) -> Log:
        return SqliteLog(self.path)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return InFile(tmp_path / "calls.db")
    return InMemory()
