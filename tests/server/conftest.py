"""A server on a port of its own, over a log in memory."""

from collections.abc import AsyncGenerator

import pytest

from tests.server.support import Served, served


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def server() -> AsyncGenerator[Served]:
    async with served() as running:
        yield running
