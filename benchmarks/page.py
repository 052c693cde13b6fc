"""What the inspector page takes of a processor.

A conversation of so many items gets 60 events a second, each a delta of an answer, and the page in Chromium
is told of each, twice as often as it asks for by itself. How long the page's thread was busy, by Chromium's
own account (TaskDuration), is shown per event beside the time that passed; while others want the processor
that includes waiting for it. Nothing is drawn by a graphics card here. The server and the rest of Chromium
come on top. The Events tab is open, which asks for more, or another one is.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import httpx
from playwright.async_api import CDPSession, Page, async_playwright

from benchmarks._harness import Figure, Rounds, Size, question
from rtstate import simulate

RATE: Final = 60
CORE: Final = "one core"


@question
def page(size: Size) -> Iterator[Figure]:
    for items in (20, size.pick(50, 1000)):
        for tab in ("responses", "events"):
            samples = asyncio.run(_run(items, tab, size.pick(2, 5), size.pick(2, 40) / 10))
            what = f"a page of {items:,} items, the {tab.capitalize()} tab open"
            yield Rounds(f"{RATE} events a second", {what: samples[0], CORE: samples[1]}).figure(
                what, CORE, 0.5
            )


async def _run(items: int, tab: str, rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Return in µs per event how long the page was busy, and how long it took, round by round."""
    from tests.page.support import FLAGS, Served  # with pytest, which other questions can do without

    busy: list[float] = []
    passed: list[float] = []
    with TemporaryDirectory() as folder, Served(Path(folder) / "log.db") as server:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            view = await browser.new_page(viewport={"width": 1440, "height": 900})
            stream = _words()
            begin: list[Any] = [
                *simulate.long_conversation(items - 1, seed=2)
            ]  # other ids than the stream has
            begin += islice(stream, 20)
            revision = await server.feed("call", begin)
            await view.goto(f"{server.url}/?rate={RATE}#/c/call")
            await view.click(f"#tab-{tab}")
            await _came_to(view, revision)
            metrics = await view.context.new_cdp_session(view)
            await metrics.send("Performance.enable")
            async with httpx.AsyncClient(base_url=server.url) as client:
                for _ in range(rounds):
                    before, began = await _busy(metrics), perf_counter()
                    events = round(RATE * seconds)
                    for number, event in enumerate(islice(stream, events)):
                        await asyncio.sleep(began + number / RATE - perf_counter())
                        answer = await client.post("/conversations/call/events", json=event)
                        told = answer.raise_for_status().json()
                        assert told["changed"] == 1
                        revision = told["revision"]
                    await _came_to(view, revision)
                    passed.append((perf_counter() - began) / events * 1e6)
                    busy.append((await _busy(metrics) - before) / events * 1e6)
            await browser.close()
    return busy, passed


def _words() -> Iterator[Any]:
    """Yield the events of an answer that never ends, a short word in each delta."""
    begin = simulate.text_stream(1)
    at = next(at for at, each in enumerate(begin) if each["type"].endswith("text.delta"))
    yield from begin[:at]
    for number in count():
        yield {**begin[at], "event_id": f"event_word_{number}", "delta": f" word {number}"}


async def _came_to(view: Page, revision: int) -> None:
    await view.wait_for_function("r => document.getElementById('slider').max == r", arg=revision, polling=100)


async def _busy(metrics: CDPSession) -> float:
    """Return for how many seconds the page's thread has been busy so far."""
    told = await metrics.send("Performance.getMetrics")
    return float(next(each["value"] for each in told["metrics"] if each["name"] == "TaskDuration"))
