"""What tests of the page share: a server in a process of its own, what feeds it, and who looks at it."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NDJSON = {"Content-Type": "application/x-ndjson"}


class Served:
    """`rtstate serve` over a log in a file; it may be stopped, and started again on the same port."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.options = options
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on its old port if it had one, and wait until it answers."""
        output = self.path.with_suffix(".out")
        command = (sys.executable, "-m", "rtstate", "serve", "--log", f"sqlite:///{self.path}")
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port), *self.options], stdout=file, stderr=subprocess.STDOUT
            )
        while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)", said := output.read_bytes())):
            assert self._process.poll() is None, f"the server ended: {said.decode()}"
            time.sleep(0.02)
        self.port = int(found[1])
        while not self._answers():
            assert self._process.poll() is None, f"the server ended: {output.read_text()}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Tell whether it listens: it may have told its address a moment before."""
        try:
            return httpx.get(f"{self.url}/healthz").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def feed(self, name: str, events: Iterable[Any]) -> int:
        """Append events, and return the revision they led to."""
        body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in events)
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            path = f"/conversations/{quote(name, safe='')}/events"
            answer = await client.post(path, content=body.encode(), headers=NDJSON)
        assert answer.is_success, answer.text
        return int(answer.json()["revision"])

    async def document(self, name: str, revision: int | None = None) -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            query = {} if revision is None else {"revision": revision}
            answer = await client.get(f"/conversations/{quote(name, safe='')}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def delete(self, name: str) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.delete(f"/conversations/{quote(name, safe='')}")
        assert answer.is_success, answer.text


class Looker:
    """Opens pages, and keeps what they complain about."""

    def __init__(self, browser: Browser) -> None:
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ("404",)
        """Which failures of requests the test is about: the browser notes each."""
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def __call__(self, server: Served, address: str = "", **options: Any) -> Page:
        """Open the page at an address, such as ``#/c/call``."""
        options = {"viewport": {"width": 1440, "height": 900}, **options}
        context = await self._browser.new_context(**options)
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request, server))
        await page.goto(f"{server.url}/{address}")
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if "Failed to load resource" in message.text and any(each in message.text for each in self.expected):
            return
        self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request, server: Served) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(server.url).netloc:
            self.complaints.append(f"asked {request.url}")


def link(name: str, revision: int | None = None) -> str:
    """The address of a conversation on the page."""
    at = "" if revision is None else f"/r/{revision}"
    return f"#/c/{quote(name, safe='')}{at}"


async def until(page: Page, condition: str, argument: Any = None) -> None:
    """Wait until a condition, a JavaScript function, holds in the page."""
    await page.wait_for_function(condition, arg=argument, polling=50)


async def shows(page: Page, revision: int) -> None:
    """Wait until the page has come to a revision."""
    await until(page, "r => document.getElementById('slider').max == r", revision)


async def texts(page: Page) -> list[str]:
    """What each item in the middle says, its words and its remarks."""
    said: list[str] = await page.eval_on_selector_all(
        "#items .item .body",
        "each => each.map(body => [...body.querySelectorAll('.said, .unheard:not([hidden])')]"
        ".map(node => node.textContent).join(''))",
    )
    return said


def message(item: str, role: str, text: str, previous: str | None = None, **more: Any) -> dict[str, Any]:
    """The event that adds a message of text."""
    kind = "input_text" if role == "user" else "output_text"
    content = [{"type": kind, "text": text}]
    return {
        "type": "conversation.item.added",
        **({} if previous is None else {"previous_item_id": previous}),
        "item": {"id": item, "type": "message", "role": role, "content": content, **more},
    }
