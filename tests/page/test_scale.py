"""Long conversations and many updates: what is written to the page, counted."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows

pytestmark = pytest.mark.anyio

COUNT = """() => {
  window.writes = {records: 0, added: 0, items: new Set(), frames: 0};
  new MutationObserver(records => {
    window.writes.frames += 1;
    for (const record of records) {
      window.writes.records += 1;
      window.writes.added += record.addedNodes.length;
      const node = record.target.nodeType === 1 ? record.target : record.target.parentElement;
      const item = node?.closest(".item");
      if (item) window.writes.items.add(item.dataset.id);
    }
  }).observe(document.getElementById("items"),
             {subtree: true, childList: true, characterData: true, attributes: true});
}"""
WRITES = "() => ({...window.writes, items: [...window.writes.items]})"


def delta(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": "last", "content_index": 0, "delta": text}


def beginning() -> Iterator[dict[str, Any]]:
    item = {"id": "last", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    yield {"type": "response.created", "response": {"id": "r", "status": "in_progress"}}
    yield {"type": "response.output_item.added", "response_id": "r", "item": item}
    yield {"type": "conversation.item.added", "item": item}


async def test_a_delta_in_a_long_conversation_writes_one_text(server: Served, look: Looker) -> None:
    await server.feed("scale-long", [*simulate.long_conversation(1000), *beginning(), delta("One")])
    page = await look(server, link("scale-long"))
    await expect(page.locator("#items .item")).to_have_count(1001)
    await page.evaluate(COUNT)
    for at in range(20):
        await server.feed("scale-long", [delta(f" more {at}")])
    said = "One" + "".join(f" more {at}" for at in range(20))
    await expect(page.locator('#items .item[data-id="last"] .said')).to_have_text(said)
    writes = await page.evaluate(WRITES)
    assert writes["items"] == ["last"]
    assert writes["added"] == 0
    assert 1 <= writes["records"] <= 40  # a text, and at most the hidden note, per update


async def test_a_new_item_in_a_long_conversation_adds_one_card(server: Served, look: Looker) -> None:
    await server.feed("scale-longer", [*simulate.long_conversation(1000)])
    page = await look(server, link("scale-longer"))
    await expect(page.locator("#items .item")).to_have_count(1000)
    await page.evaluate(COUNT)
    revision = await server.feed("scale-longer", [message("new", "user", "Hello")])
    await expect(page.locator("#items .item")).to_have_count(1001)
    await shows(page, revision)
    writes = await page.evaluate(WRITES)
    assert writes["items"] in ([], ["new"])
    assert writes["added"] <= 2


async def test_many_events_are_drawn_once_a_frame(server: Served, look: Looker) -> None:
    await server.feed("scale-burst", [*beginning(), delta("")])
    page = await look(server, link("scale-burst"))
    await expect(page.locator("#items .item")).to_have_count(1)
    await page.evaluate(COUNT)
    revision = await server.feed("scale-burst", [delta("word ") for _ in range(2000)])
    await shows(page, revision)
    await expect(page.locator("#items .said")).to_have_text("word " * 2000)
    writes = await page.evaluate(WRITES)
    assert writes["records"] < 200


async def test_what_is_out_of_sight_is_not_laid_out(server: Served, look: Looker) -> None:
    await server.feed("scale-sight", simulate.long_conversation(1000))
    page = await look(server, link("scale-sight"))
    await expect(page.locator("#items .item")).to_have_count(1000)
    skipped = await page.eval_on_selector_all(
        "#items .item .said",
        "each => each.filter(node => !node.checkVisibility({contentVisibilityAuto: true})).length",
    )
    assert skipped > 900
    last = page.locator("#items .item").last
    await expect(last).to_be_in_viewport()


async def test_events_and_charts_are_drawn_only_while_they_are_looked_at(
    server: Served, look: Looker
) -> None:
    await server.feed("scale-quiet", [*beginning(), delta("")])
    page = await look(server, link("scale-quiet"))
    await expect(page.locator("#items .item")).to_have_count(1)
    asked: list[str] = []
    page.on("request", lambda request: "/events" in request.url and asked.append(request.url))
    for _ in range(5):
        revision = await server.feed("scale-quiet", [delta("x")])
    await shows(page, revision)
    assert asked == []
    await page.click("#tab-events")
    await expect(page.locator("#event-rows > li").last).to_be_visible()
    assert len(asked) == 2  # where the end is, and the last page
