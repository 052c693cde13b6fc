"""What a stranger may have said or named never runs, and nothing is asked of anybody else."""

import pytest
from playwright.async_api import Page, expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows, texts, until

pytestmark = pytest.mark.anyio

EVIL = '<img src=x onerror="window.ran = 1"><script>window.ran = 1</script>'
EVENTS = [
    {
        "type": "session.created",
        "session": {"id": EVIL, "model": EVIL, "instructions": EVIL, "tools": [{"name": EVIL}]},
    },
    message("a", "user", EVIL),
    message(EVIL, EVIL, "javascript:window.ran = 1"),
    {
        "type": "conversation.item.added",
        "item": {
            "id": "pictures",
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "javascript:window.ran = 1"},
                {"type": "input_image", "image_url": "https://elsewhere.invalid/x.png"},
                {"type": "input_image", "image_url": "data:text/html,<script>window.ran = 1</script>"},
                {"type": "input_image", "image_url": "data:image/svg+xml;base64,PHN2Zy8+"},
                {"type": EVIL, "text": EVIL},
            ],
        },
    },
    {
        "type": "conversation.item.added",
        "item": {"id": "f", "type": "function_call", "call_id": EVIL, "name": EVIL, "arguments": EVIL},
    },
    {"type": "conversation.item.added", "item": {"id": "o", "type": EVIL, "text": EVIL}},
    {"type": "rate_limits.updated", "rate_limits": [{"name": EVIL, "limit": 9, "remaining": 1}]},
    {"type": "error", "error": {"type": EVIL, "code": EVIL, "message": EVIL, "param": EVIL}},
    {
        "type": "response.done",
        "response": {
            "id": EVIL,
            "status": "failed",
            "status_details": {"reason": EVIL, "error": {"message": EVIL}},
        },
    },
    {"type": EVIL, "event_id": EVIL},
]


async def everywhere(page: Page) -> None:
    """Open every tab, and what is folded in it."""
    for tab in ("responses", "usage", "events", "session"):
        await page.click(f"#tab-{tab}")
        await expect(page.locator(f"#{tab}")).to_be_visible()
    await page.click("#tab-events")
    await until(page, "() => document.querySelectorAll('#event-rows > li').length > 0")
    await page.eval_on_selector_all("#event-rows summary", "each => each.forEach(node => node.click())")
    await expect(page.locator("#event-rows .raw").first).to_be_visible()
    await page.eval_on_selector_all(".raw summary", "each => each.forEach(node => node.click())")
    await expect(page.locator(".raw pre").first).to_be_visible()


async def test_hostile_text_is_shown_as_text(server: Served, look: Looker) -> None:
    revision = await server.feed(EVIL, EVENTS)
    page = await look(server)
    await expect(page.locator("#conversations .name", has_text="<img")).to_have_text(EVIL)
    await page.locator("#conversations a", has_text="<img").click()
    await shows(page, revision)
    await expect(page.locator("#title")).to_have_text(EVIL)
    assert (await texts(page))[:2] == [EVIL, "javascript:window.ran = 1"]
    await everywhere(page)
    await page.click("#back")
    await expect(page.locator("#changed")).to_be_visible()
    assert await page.evaluate("window.ran") is None
    assert await page.locator("main img, aside img, #left img, a[href^='javascript']").count() == 0
    assert await page.locator("body script, [onerror]").count() == 0


async def test_pictures_in_the_conversation_are_shown(server: Served, look: Looker) -> None:
    await server.feed("pictures", simulate.session(seed=2, turns=2, features=["images", "text"]).events)
    page = await look(server, link("pictures"))
    picture = page.locator("#items img")
    await expect(picture).to_have_count(1)
    await picture.scroll_into_view_if_needed()
    await until(page, "() => document.querySelector('#items img').naturalWidth === 1")


async def test_the_page_may_load_from_its_own_server_alone(server: Served, look: Looker) -> None:
    page = await look(server)
    answer = await page.request.get(server.url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    source = await answer.text()
    assert "<style" not in source
    assert " style=" not in source
    assert "http://" not in source
    assert "https://" not in source


async def test_the_token_leaves_the_address_and_goes_with_each_request(server: Served, look: Looker) -> None:
    await server.feed("secret", [message("a", "user", "Hello")])
    page = await look(server)
    sent: set[str | None] = set()
    page.on(
        "request",
        lambda request: "/conversations" in request.url and sent.add(request.headers.get("authorization")),
    )
    await page.goto(f"{server.url}/#token=s%26cret")
    await page.reload()
    await page.goto(f"{server.url}/{link('secret')}&token=s%26cret")
    await page.reload()
    await until(page, "() => document.querySelectorAll('#items .item').length === 1")
    assert "token" not in page.url
    assert page.url.endswith("#/c/secret")
    assert sent >= {"Bearer s&cret"}
    assert await page.evaluate("[localStorage.length, sessionStorage.getItem('rtstate.token')]") == [
        0,
        "s&cret",
    ]


async def test_a_token_is_asked_for_where_it_is_missing(server: Served, look: Looker) -> None:
    look.expected = ("401",)
    page = await look(server)

    async def guard(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        if request.headers.get("authorization") == "Bearer right":
            await route.continue_()  # type: ignore[attr-defined]
        else:
            error = {"status": 401, "message": "A token is needed."}
            await route.fulfill(status=401, json={"error": error})  # type: ignore[attr-defined]

    await page.route("**/conversations*", guard)
    await page.reload()
    await expect(page.get_by_label("This server asks for a token.")).to_be_visible()
    await page.fill("#token", "wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("The server refuses that token.")).to_be_focused()
    await page.fill("#token", "right")
    await page.keyboard.press("Enter")
    await expect(page.locator("#token-form")).to_be_hidden()
