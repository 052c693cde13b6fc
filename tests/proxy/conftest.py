"""These tests run on asyncio alone, as the proxy does."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
