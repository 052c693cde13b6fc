"""A server of our own with a log in a file, and Debian's Chromium looking at its page."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.page.support import FLAGS, Looker, Served


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        message = "there is no Chromium; on Debian or Ubuntu: apt install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests: each has conversations of its own in it."""
    with Served(tmp_path_factory.mktemp("served") / "log.db") as served:
        yield served


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Served]:
    """One that a test may stop, or that has nothing in it yet."""
    with Served(tmp_path / "log.db") as served:
        yield served


@pytest.fixture
async def look(browser: Browser) -> AsyncIterator[Looker]:
    """Opens the page; what it complains about, or asks of other hosts, fails the test."""
    looker = Looker(browser)
    yield looker
    await looker.close()
    assert looker.complaints == []
