"""The slider through the revisions: what is shown there, what is marked, and the way back."""

from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows, texts, until

pytestmark = pytest.mark.anyio


def lines(count: int) -> list[dict[str, object]]:
    return [message(f"i{at}", "user", f"Line {at}", f"i{at - 1}" if at else None) for at in range(count)]


def last_text(document: Any) -> str:
    parts = [part for item in document["items"].values() for part in item["content"]]
    return str(parts[-1]["text"] or "") if parts else ""


async def slide(page: Page, revision: int) -> None:
    await page.locator("#slider").evaluate(
        "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", revision
    )


async def test_the_slider_shows_a_conversation_as_it_stood(server: Served, look: Looker) -> None:
    await server.feed("slider", lines(12))
    page = await look(server, link("slider"))
    await shows(page, 12)
    await slide(page, 5)
    await until(page, "() => document.querySelectorAll('#items .item').length === 5")
    assert await texts(page) == [f"Line {at}" for at in range(5)]
    assert page.url.endswith("#/c/slider/r/5")
    await expect(page.locator("#changed-title")).to_have_text("Revision 5 changed")
    await expect(page.locator("#changed-list")).to_contain_text("/items/i4")
    assert await page.locator("#items .item[data-changed]").count() == 1
    await expect(page.locator("#items .item[data-changed] .said")).to_have_text("Line 4")
    await page.click("#to-live")
    await until(page, "() => document.querySelectorAll('#items .item').length === 12")
    await expect(page.locator("#changed")).to_be_hidden()
    assert await page.locator("#items [data-changed]").count() == 0
    assert page.url.endswith("#/c/slider")


async def test_keys_go_from_revision_to_revision(server: Served, look: Looker) -> None:
    events = simulate.text_stream(6)
    last = await server.feed("keys", events)
    page = await look(server, link("keys"))
    await shows(page, last)
    for back in (1, 2, 3, 4):
        await page.keyboard.press("ArrowLeft")
        await expect(page.locator("#revision")).to_have_text(f"{last - back} of {last}")
    await expect(page.locator("#changed-title")).to_have_text(f"Revision {last - 4} changed")
    expected = await server.document("keys", last - 4)
    [item] = [each for each in expected["items"].values() if each.get("role") == "assistant"]
    assert (await texts(page))[-1] == item["content"][0]["text"]
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#changed-title")).to_have_text(f"Revision {last - 3} changed")
    await page.keyboard.press("l")
    await expect(page.locator("#revision")).to_have_text(f"{last} of {last}")
    await expect(page.locator("#to-live")).to_be_disabled()


async def test_what_a_delta_appended_is_marked(server: Served, look: Looker) -> None:
    await server.feed("marked", simulate.text_stream(6))
    page = await look(server)
    revision, old, new = 0, "", ""
    while not (old and new != old and new.startswith(old)):
        revision += 1
        old, new = new, last_text(await server.document("marked", revision))
    await page.goto(f"{server.url}/{link('marked', revision)}")
    await expect(page.locator("#items mark")).to_have_text(new.removeprefix(old))
    assert (await texts(page))[-1] == new


async def test_a_link_opens_a_revision(server: Served, look: Looker) -> None:
    await server.feed("linked", lines(9))
    page = await look(server, link("linked", 4))
    await until(page, "() => document.querySelectorAll('#items .item').length === 4")
    await expect(page.locator("#revision")).to_have_text("4 of 9")
    await page.evaluate("location.hash = '#/c/linked/r/6'")
    await until(page, "() => document.querySelectorAll('#items .item').length === 6")
    await page.evaluate("location.hash = '#/c/linked'")
    await until(page, "() => document.querySelectorAll('#items .item').length === 9")


async def test_live_goes_on_behind_an_earlier_revision(server: Served, look: Looker) -> None:
    await server.feed("behind", lines(6))
    page = await look(server, link("behind", 3))
    await until(page, "() => document.querySelectorAll('#items .item').length === 3")
    await server.feed("behind", lines(9)[6:])
    await expect(page.locator("#revision")).to_have_text("3 of 9")
    assert await texts(page) == ["Line 0", "Line 1", "Line 2"]
    await page.keyboard.press("l")
    await until(page, "() => document.querySelectorAll('#items .item').length === 9")


async def test_an_answer_that_comes_late_is_dropped(server: Served, look: Looker) -> None:
    """The server answers the first request after the second one; what was asked for last is shown."""
    await server.feed("late", lines(9))
    page = await look(server, link("late"))
    await shows(page, 9)
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/conversations/late?revision=3", hold)
    async with page.expect_request("**/conversations/late?revision=3"):
        await slide(page, 3)
    await slide(page, 7)
    await until(page, "() => document.querySelectorAll('#items .item').length === 7")
    for route in held:
        await route.continue_()
    await slide(page, 8)
    await until(page, "() => document.querySelectorAll('#items .item').length === 8")
    await expect(page.locator("#changed-title")).to_have_text("Revision 8 changed")


async def test_a_revision_that_never_was_is_told(server: Served, look: Looker) -> None:
    await server.feed("never", lines(3))
    page = await look(server, link("never"))
    await shows(page, 3)
    await page.route(
        "**/conversations/never?revision=2",
        lambda route: route.fulfill(
            status=410, json={"error": {"status": 410, "message": "It was trimmed."}}
        ),
    )
    look.expected = ("410",)
    await slide(page, 2)
    await expect(page.locator("#changed-title")).to_have_text("Revision 2 cannot be shown")
    await expect(page.locator("#changed-list")).to_have_text("It was trimmed.")
    await page.keyboard.press("l")
    assert await texts(page) == ["Line 0", "Line 1", "Line 2"]


async def test_another_conversation_of_the_name_has_a_past_of_its_own(
    own_server: Served, look: Looker
) -> None:
    await own_server.feed("call", [message(f"a{at}", "user", "Old.") for at in range(3)])
    page = await look(own_server, link("call"))
    look.expected = ("404", "ERR_")
    await shows(page, 3)
    await page.get_by_role("tab", name="Events").click()
    await expect(page.locator("#events li")).to_have_count(3)
    await page.evaluate("""() => {
      Object.defineProperty(document, "hidden", {value: true, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    await own_server.delete("call")
    begun = {"type": "input_audio_buffer.speech_started", "item_id": "u", "audio_start_ms": 100}
    await own_server.feed("call", [message("b0", "user", "New."), begun, message("b1", "user", "New.")])
    assert await texts(page) == ["Old."] * 3  # a tab that nobody sees follows nothing
    await page.evaluate("""() => {
      Object.defineProperty(document, "hidden", {value: false, configurable: true});
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    await expect(page.locator("#items .said").first).to_have_text("New.")
    await expect(page.locator("#events li", has_text="speech_started")).to_have_count(1)
