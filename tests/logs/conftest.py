"""The places where the contract is tested."""

from pathlib import Path

import attrs
import pytest

from rtstate.logs import Log, MemoryLog
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


@pytest.fixture(params=["memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return InMemory()
