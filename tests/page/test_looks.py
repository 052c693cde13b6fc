"""Colours, narrow screens, the keyboard, and what a screen reader is told."""

import pytest
from playwright.async_api import Page, expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows, until

pytestmark = pytest.mark.anyio

PHONE = {"viewport": {"width": 360, "height": 740}}
LUMINANCE = """
  const luminance = colour => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(each => each / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
"""
FAINT = f"""() => {{
  {LUMINANCE}
  const behind = node => {{
    for (let at = node; at; at = at.parentElement) {{
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$|\\/ 0\\)$|^transparent$/.test(colour)) return colour;
    }}
    return "white";
  }};
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {{
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility()) continue;
    if (node.closest(":disabled, svg, option")) continue;
    const one = luminance(getComputedStyle(node).color), other = luminance(behind(node));
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const told = [contrast.toFixed(2), node.className, walker.currentNode.data.slice(0, 30)];
    if (contrast < 4.5) faint.push(told);
  }}
  return faint;
}}"""


async def feed_all(server: Served, name: str) -> int:
    call = simulate.session(
        seed=6, turns=8, features=["audio", "tools", "mcp", "interruption", "failed", "errors"]
    )
    return await server.feed(name, [*call.lines(timed=True), "no JSON"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_all_text_has_contrast_enough(server: Served, look: Looker, scheme: str) -> None:
    revision = await feed_all(server, "contrast")
    page = await look(server, link("contrast"), color_scheme=scheme)
    await shows(page, revision)
    for tab in ("responses", "usage", "events", "session"):
        await page.click(f"#tab-{tab}")
        await expect(page.locator(f"#{tab}")).to_be_visible()
        assert await page.evaluate(FAINT) == []
    await page.click("#back")
    await expect(page.locator("#changed")).to_be_visible()
    assert await page.evaluate(FAINT) == []


async def test_dark_follows_the_system_and_can_be_switched(server: Served, look: Looker) -> None:
    page = await look(server, color_scheme="dark")
    dark = f"() => {{ {LUMINANCE} return luminance(getComputedStyle(document.body).backgroundColor) < 0.1; }}"
    assert await page.evaluate(dark)
    await page.click("#theme")  # light
    assert not await page.evaluate(dark)
    await page.reload()
    assert not await page.evaluate(dark)
    await page.click("#theme")  # dark
    assert await page.evaluate(dark)
    await page.click("#theme")  # as the system
    await page.emulate_media(color_scheme="light")
    assert not await page.evaluate(dark)


async def overflows(page: Page) -> list[str]:
    """What reaches beyond the screen sideways, and does not scroll by itself."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter(node => {
          if (!node.checkVisibility() || node.closest("pre, .hidden, select, datalist")) return false;
          const {left, right} = node.getBoundingClientRect();
          return right > innerWidth + 0.5 || left < -0.5;
        }).map(node => `${node.tagName} ${node.id} ${node.className}`)"""
    )
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*found, *(["the whole page"] if wide else [])]


async def test_a_phone_shows_one_pane_and_nothing_sticks_out(server: Served, look: Looker) -> None:
    name = "a-name-that-is-much-too-long-for-a-phone-" + "x" * 60
    revision = await feed_all(server, name)
    await server.feed(name, [message("wide", "user", "w" * 300)])
    page = await look(server, **PHONE)
    await expect(page.locator("#left")).to_be_visible()
    await expect(page.locator("#centre")).to_be_hidden()
    await expect(page.locator("#conversations a").first).to_be_visible()
    assert await overflows(page) == []
    await page.locator("#conversations a", has_text=name).click()
    await expect(page.locator("#centre")).to_be_visible()
    await expect(page.locator("#left")).to_be_hidden()
    await shows(page, revision + 1)
    await expect(page.locator("#items .item").last).to_be_in_viewport()
    assert await overflows(page) == []
    await page.click("#back")
    await expect(page.locator("#changed")).to_be_visible()
    assert await overflows(page) == []
    await page.click("#show-right")
    for tab in ("responses", "usage", "events", "session"):
        await page.click(f"#tab-{tab}")
        await expect(page.locator(f"#{tab}")).to_be_visible()
        assert await overflows(page) == []


async def test_everything_can_be_done_by_keys(server: Served, look: Looker) -> None:
    for name in ("keys-a", "keys-b"):
        await server.feed(name, [message(f"i{at}", "user", f"Line {at}") for at in range(4)])
    page = await look(server)
    await expect(page.locator("#conversations a").nth(1)).to_be_visible()
    await page.keyboard.press("/")
    await page.keyboard.type("keys-")
    await expect(page.locator("#filter")).to_have_value("keys-")
    await expect(page.locator("#conversations a")).to_have_count(2)
    await page.keyboard.press("Enter")
    await expect(page.locator("#title")).to_have_text("keys-b")
    await until(page, "() => document.querySelectorAll('#items .item').length === 4")
    await page.keyboard.press("Escape")
    await page.keyboard.press("J")
    await expect(page.locator("#title")).to_have_text("keys-a")
    await page.keyboard.press("k")  # the focus is in the list
    await expect(page.locator("#title")).to_have_text("keys-b")
    await until(page, "() => document.querySelectorAll('#items .item').length === 4")
    await page.evaluate("document.activeElement.blur()")
    for expected in ("i0", "i1", "i2"):
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.dataset.id") == expected
    await page.keyboard.press("k")
    assert await page.evaluate("document.activeElement.dataset.id") == "i1"
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#help")).to_be_hidden()
    await page.keyboard.press("3")
    await expect(page.locator("#events")).to_be_visible()
    await page.focus("#tab-events")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#tab-session")).to_be_focused()
    await expect(page.locator("#session")).to_be_visible()
    await expect(page.locator("#revision")).to_have_text("4 of 4")  # the arrow was the tabs'
    await page.keyboard.press("3")
    await page.focus("#tab-events")
    await page.keyboard.press("/")
    await expect(page.locator("#event-text")).to_be_focused()


async def test_a_screen_reader_finds_its_way(server: Served, look: Looker) -> None:
    await feed_all(server, "read")
    page = await look(server, link("read"))
    await until(page, "() => document.querySelectorAll('#items .item').length > 0")
    for role, name in (("main", "read"), ("navigation", "Conversations"), ("complementary", "Details")):
        await expect(page.get_by_role(role, name=name)).to_be_visible()  # type: ignore[arg-type]
    await expect(page.get_by_role("tab", selected=True)).to_have_text("Responses")
    await expect(page.get_by_role("list", name="Items of the conversation")).to_be_visible()
    await expect(page.get_by_role("slider", name="Revision")).to_be_visible()
    unnamed = await page.evaluate(
        """() => [...document.querySelectorAll("button, input, [role=tabpanel], img")].filter(node =>
          !(node.ariaLabel || node.textContent.trim() || node.labels?.length || node.alt !== undefined
            || node.getAttribute("aria-labelledby"))).map(node => node.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []


async def test_nothing_moves_where_that_is_not_wanted(server: Served, look: Looker) -> None:
    begun = {"type": "input_audio_buffer.speech_started", "item_id": "u1", "audio_start_ms": 100}
    await server.feed("still", [message("a", "user", "Hello"), begun])
    page = await look(server, link("still"), reduced_motion="reduce")
    await expect(page.locator("#speaking")).to_be_visible()
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_an_empty_page_tells_where_to_send_events(own_server: Served, look: Looker) -> None:
    page = await look(own_server)
    await expect(page.locator("#welcome pre")).to_contain_text(
        f"{own_server.url}/conversations/call_1/events"
    )
    await expect(page.locator("#with-token")).to_be_hidden()
    await expect(page.locator("#none")).to_be_in_viewport()
    none, box = await page.locator("#none").bounding_box(), await page.locator("#filter").bounding_box()
    assert none is not None
    assert box is not None
    assert none["y"] - box["y"] < 80  # below the filter, not at the bottom
    await expect(page.locator("#responses table")).to_be_hidden()


async def test_the_name_of_a_response_stays_on_one_line(server: Served, look: Looker) -> None:
    last = await server.feed("narrow-rows", simulate.example().lines(timed=True))
    page = await look(server, link("narrow-rows"), **PHONE)
    await shows(page, last)
    await page.click("#show-right")
    heights = await page.eval_on_selector_all(
        "#response-rows .link", "all => all.map(each => each.offsetHeight)"
    )
    assert len(heights) == 9
    assert max(heights) < 24
    wide = await page.evaluate("[responses.scrollWidth, responses.clientWidth]")
    assert wide[0] <= wide[1]
