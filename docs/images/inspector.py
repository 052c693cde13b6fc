"""Take docs/images/inspector*.png: the page of ``rtstate serve``. Run it after the page changes.

``python docs/images/inspector.py``, with Chromium installed. The conversations are simulated, and the clock
of the page stands still, so that the pictures hold the same text each time.
"""

import asyncio
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.async_api import Browser, Route, async_playwright

from rtstate import Conversation, simulate

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.page.support import FLAGS, Served, link, shows  # noqa: E402

NOW: Final = 1_795_516_260.0  # while the simulated session lasts
DESK: Final[Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Final[Any] = {"viewport": {"width": 360, "height": 740}}
OTHERS: Final = {
    "bookshop-2291": ["tools", "interruption"],
    "railway-1048": ["mcp", "images", "errors"],
    "language-tutor": ["failed_transcription", "two_messages"],
    "home-network-07": ["parallel_tools", "incomplete"],
}


def begun() -> tuple[list[tuple[float, Any]], int]:
    """Return the bundled example up to the last answer but one, and a revision of that answer."""
    conversation = Conversation()
    said = [0]
    timed = simulate.example().timed
    for number, (at, event) in enumerate(timed):
        change = conversation.feed(event, at)
        said += [change.revision for each in change.patch() if each["op"] == "append"]
        items = conversation.snapshot().items
        last = items[-1] if items else None
        speaking = len(items) == 16 and last is not None and last.status == "in_progress"
        if last is not None and speaking and last.content and len(last.content[0].transcript or "") > 45:
            return list(timed[: number + 1]), said[-3]
    raise AssertionError("the example has changed: choose another moment")


async def listed(route: Route) -> None:
    """Answer as the server does, with times that are always the same."""
    told = await (await route.fetch()).json()
    order = ["lumen-home", *OTHERS]
    for each in told["conversations"]:
        ago = order.index(each["id"]) * 1500
        each.update(started=NOW - 66 - ago, updated=NOW - ago, writing=each["id"] == "lumen-home")
    await route.fulfill(json=told)


async def take(
    browser: Browser, server: Served, name: str, address: str, tab: str, revision: int, **options: Any
) -> None:
    """Take one picture."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    await page.route("**/conversations?*", listed)
    await page.goto(f"{server.url}/{address}")
    await shows(page, revision)
    if await page.locator(f"#tab-{tab}").is_visible():
        await page.click(f"#tab-{tab}")
    await page.wait_for_timeout(1500)  # what is asked for a few times a second has come by then
    await page.screenshot(path=HERE / f"{name}.png", animations="disabled")
    await page.unroute_all(behavior="ignoreErrors")
    await context.close()


async def main() -> None:
    with TemporaryDirectory() as folder, Served(Path(folder) / "log.db") as server:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            for seed, (name, features) in enumerate(OTHERS.items()):
                call = simulate.session(seed=seed, turns=6, features=["audio", "text", *features])
                await server.feed(name, call.lines(timed=True))
            started, spoken = begun()
            timed = [{"at": NOW - 66 + at, "event": event} for at, event in started]
            last = await server.feed("lumen-home", timed)
            here = link("lumen-home")
            await take(browser, server, "inspector", here, "usage", last, **DESK)
            past = link("lumen-home", spoken)
            await take(browser, server, "inspector-dark", past, "events", last, color_scheme="dark", **DESK)
            await take(
                browser, server, "inspector-phone", here, "usage", last, device_scale_factor=2, **PHONE
            )
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
