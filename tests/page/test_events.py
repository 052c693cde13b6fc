"""The Events tab: runs of deltas, filters, what each event changed, and its raw JSON."""

import json

import pytest
from playwright.async_api import Page, expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows, until

pytestmark = pytest.mark.anyio


async def opened(server: Served, look: Looker, name: str) -> Page:
    page = await look(server, link(name))
    await page.click("#tab-events")
    await until(page, "() => document.querySelectorAll('#event-rows > li').length > 0")
    return page


async def test_deltas_are_folded_and_can_be_opened(server: Served, look: Looker) -> None:
    await server.feed("events-folded", simulate.text_stream(48))
    page = await opened(server, look, "events-folded")
    run = page.locator("#event-rows > li", has=page.locator(".times:not([hidden])"))
    await expect(run).to_have_count(1)
    await expect(run.locator(".times")).to_have_text("×48")
    await run.locator("summary").first.click()
    await expect(run.locator(".members > li")).to_have_count(48)
    await run.locator(".members summary").first.click()
    await expect(run.locator(".members .operations").first).to_contain_text("/content/0/text")


async def test_an_event_tells_what_it_changed_and_what_it_was(server: Served, look: Looker) -> None:
    event = {"event_id": "event_7", **message("item_1", "user", "Hello")}
    await server.feed("events-raw", [event])
    page = await opened(server, look, "events-raw")
    row = page.locator("#event-rows > li").first
    await row.locator("summary").first.click()
    operations = row.locator(".operations")
    await expect(operations).to_contain_text("/items/item_1")
    await expect(operations).not_to_contain_text("/revision")
    await row.locator(".raw summary").click()
    assert json.loads(await row.locator(".raw pre").text_content() or "") == event


async def test_events_are_filtered_by_type_and_text(server: Served, look: Looker) -> None:
    await server.feed("events-filtered", [message(f"item_{at}", "user", f"Word {at}") for at in range(8)])
    await server.feed("events-filtered", [{"type": "rate_limits.updated", "rate_limits": []}])
    page = await opened(server, look, "events-filtered")
    rows = page.locator("#event-rows > li")
    await expect(rows).to_have_count(9)
    await page.fill("#event-type", "item.added")
    await expect(rows).to_have_count(8)
    await page.fill("#event-text", "word 5")
    await expect(rows).to_have_count(1)
    await expect(page.locator("#event-note")).to_have_text("1 of 9 of 9 events")
    await page.fill("#event-type", "")
    await page.fill("#event-text", "")
    await expect(rows).to_have_count(9)


async def test_what_is_odd_is_marked(server: Served, look: Looker) -> None:
    await server.feed(
        "events-odd", [message("a", "user", "One"), "this is no JSON", {"type": "something.new"}]
    )
    page = await opened(server, look, "events-odd")
    odd = page.locator("#event-rows > li[data-odd]")
    await expect(odd).to_have_count(2)
    await expect(odd.first.locator(".facts")).to_have_text("invalid")
    await expect(odd.last.locator(".facts")).to_have_text("unknown")
    await odd.first.locator("summary").first.click()
    await expect(odd.first.locator(".anomaly")).to_be_visible()


async def test_more_come_and_earlier_ones_are_fetched_on_demand(server: Served, look: Looker) -> None:
    add = [message(f"i{at}", "user", "Word") for at in range(450)]
    await server.feed("events-long", add[:430])
    page = await opened(server, look, "events-long")
    rows = page.locator("#event-rows > li")
    await expect(rows).to_have_count(200)
    await expect(rows.last.locator(".seq")).to_have_text("430")
    await server.feed("events-long", add[430:])
    await expect(rows.last.locator(".seq")).to_have_text("450")
    for expected in (420, 450):
        await page.click("#earlier")
        await expect(rows).to_have_count(expected)
    await expect(page.locator("#earlier")).to_be_hidden()
    assert await rows.locator(".seq").all_text_contents() == [str(number) for number in range(1, 451)]


async def test_events_that_change_nothing_are_listed_too(server: Served, look: Looker) -> None:
    await server.feed("events-idle", [message("a", "user", "One")])
    page = await opened(server, look, "events-idle")
    before = (await server.document("events-idle"))["revision"]
    after = await server.feed("events-idle", [{"type": "input_audio_buffer.append", "audio": ""}])
    assert after == before
    await expect(page.locator("#event-rows > li")).to_have_count(2)


async def test_events_that_could_not_be_had_come_once_the_server_is_back(
    own_server: Served, look: Looker
) -> None:
    look.expected = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    await own_server.feed("events-back", [message("a", "user", "One")])
    page = await look(own_server, link("events-back"))
    await shows(page, 1)
    own_server.stop()
    await expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
    await page.click("#tab-events")
    await expect(page.locator("#event-note")).to_contain_text("does not answer")
    own_server.start()
    await expect(page.locator("#event-rows > li")).to_have_count(1)
    await expect(page.locator("#event-note")).to_have_text("1 of 1 events")
