"""The page while a conversation goes on: the list, turns as they grow, tools, and broken connections."""

from typing import Any

import pytest
from playwright.async_api import Route, expect

from rtstate import simulate
from tests.page.support import Looker, Served, link, message, shows, texts, until

pytestmark = pytest.mark.anyio


def created(response: str, item: str) -> list[dict[str, Any]]:
    """A response begins, and an answer of speech in it."""
    added = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    return [
        {"type": "response.created", "response": {"id": response, "status": "in_progress"}},
        {"type": "response.output_item.added", "response_id": response, "item": added},
        {"type": "conversation.item.added", "item": added},
    ]


def said(item: str, text: str) -> dict[str, Any]:
    return {
        "type": "response.output_audio_transcript.delta",
        "item_id": item,
        "content_index": 0,
        "delta": text,
    }


async def test_conversations_are_listed_and_filtered(own_server: Served, look: Looker) -> None:
    page = await look(own_server)
    await expect(page.locator("#none")).to_have_text("No conversations yet.")
    await expect(page.locator("#welcome")).to_be_visible()
    await own_server.feed("first", simulate.text_stream(3))
    await own_server.feed("second", simulate.text_stream(5))
    rows = page.locator("#conversations a")
    await expect(rows).to_have_count(2)
    assert await rows.locator(".name").all_inner_texts() == ["second", "first"]  # the newest first
    events = len(simulate.text_stream(3))
    await expect(rows.nth(1)).to_contain_text(f"{events} events")
    await expect(page.locator("#conversations li").first).to_have_attribute("data-live", "")
    await page.fill("#filter", "FIR")
    await expect(rows).to_have_count(1)
    await rows.first.click()
    await expect(page.locator("#title")).to_have_text("first")
    assert page.url.endswith("#/c/first")
    await page.fill("#filter", "nothing like it")
    await expect(page.locator("#none")).to_have_text("No name holds that text.")


async def test_of_very_many_the_newest_are_listed_and_others_opened_by_name(
    own_server: Served, look: Looker
) -> None:
    for name in ("z/1", "z/2", "b", "c", "a"):
        await own_server.feed(name, [message("item_1", "user", f"This is {name}")])
    page = await look(own_server)
    await expect(page.locator("#conversations .name")).to_have_text(["a", "c", "b", "z/2", "z/1"])
    await expect(page.locator("#more")).to_be_hidden()

    async def few(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=5000", "limit=2"))

    await page.route("**/conversations?*", few)
    await expect(page.locator("#conversations .name")).to_have_text(["a", "c"])
    await expect(page.locator("#conversation-count")).to_have_text("5")
    await expect(page.locator("#how-many")).to_have_text("These are the newest 2 of 5.")
    await expect(page.locator("#how")).to_be_visible()
    await page.fill("#filter", "z/1")
    await expect(page.locator("#none")).to_have_text("No name that is listed holds that text.")
    await expect(page.locator("#another")).to_have_text("Open “z/1”")
    await page.press("#filter", "Enter")
    await expect(page.locator("#title")).to_have_text("z/1")
    await expect(page.locator("#items .said")).to_have_text("This is z/1")
    await page.fill("#filter", "a")
    await expect(page.locator("#another")).to_be_hidden()
    await page.unroute_all(behavior="ignoreErrors")


async def test_the_call_that_goes_on_is_shown_until_one_is_chosen(own_server: Served, look: Looker) -> None:
    await own_server.feed("first", [message("u", "user", "Hello?")])
    page = await look(own_server)
    await expect(page.locator("#title")).to_have_text("first")
    await until(page, "() => document.querySelectorAll('#items .item').length === 1")
    assert await texts(page) == ["Hello?"]
    assert "#" not in page.url
    await own_server.feed("second", [message("u", "user", "Good morning.")])
    await own_server.delete("first")  # it is over, and another goes on
    await expect(page.locator("#title")).to_have_text("second")
    await own_server.feed("third", [message("u", "user", "Good night.")])
    await page.locator("#conversations a", has_text="third").click()
    await expect(page.locator("#title")).to_have_text("third")
    await own_server.delete("third")
    await expect(page.locator("#connection-text")).to_have_text("gone")
    await expect(page.locator("#conversations a")).to_have_count(1)
    await expect(page.locator("#title")).to_have_text("third")


async def test_an_answer_grows_as_it_comes(server: Served, look: Looker) -> None:
    await server.feed("grows", [message("u", "user", "Hello?"), *created("r", "a"), said("a", "Hi")])
    page = await look(server, link("grows"))
    await until(page, "() => document.querySelectorAll('#items .item').length === 2")
    assert await texts(page) == ["Hello?", "Hi"]
    answer = page.locator("#items .item").nth(1)
    await expect(answer.locator(".state")).to_have_text("in progress")
    node = await answer.locator(".said").evaluate_handle("node => node.firstChild")
    await server.feed("grows", [said("a", " there"), said("a", ", caller.")])
    await expect(answer.locator(".said")).to_have_text("Hi there, caller.")
    assert await node.evaluate("node => node.isConnected && node.data") == "Hi there, caller."
    await server.feed("grows", [{"type": "response.done", "response": {"id": "r", "status": "completed"}}])
    await expect(answer.locator(".state")).to_be_hidden()
    await expect(page.locator("#announce")).to_have_text("assistant: Hi there, caller.")
    await expect(page.locator("#connection-text")).to_have_text("live")


async def test_who_speaks_is_shown_and_what_is_transcribed(server: Served, look: Looker) -> None:
    await server.feed("speaks", [message("u0", "user", "Hello")])
    page = await look(server, link("speaks"))
    await expect(page.locator("#speaking")).to_be_hidden()
    begun = {"type": "input_audio_buffer.speech_started", "item_id": "u1", "audio_start_ms": 100}
    await server.feed("speaks", [begun])
    await expect(page.locator("#speaking")).to_be_visible()
    stopped = {"type": "input_audio_buffer.speech_stopped", "item_id": "u1", "audio_end_ms": 900}
    await server.feed("speaks", [stopped, {"type": "input_audio_buffer.committed", "item_id": "u1"}])
    await expect(page.locator("#speaking")).to_be_hidden()
    item = page.locator("#items .item").nth(1)
    await expect(item.locator(".note")).to_have_text("transcribing …")
    transcription = "conversation.item.input_audio_transcription"
    part = {"item_id": "u1", "content_index": 0}
    await server.feed("speaks", [{"type": f"{transcription}.delta", **part, "delta": "And a"}])
    await expect(item.locator(".said")).to_have_text("And a")
    await server.feed("speaks", [{"type": f"{transcription}.completed", **part, "transcript": "And now?"}])
    await expect(item.locator(".said")).to_have_text("And now?")
    await expect(page.locator("#announce")).to_have_text("user: And now?")


async def test_what_was_not_heard_is_struck_through(server: Served, look: Looker) -> None:
    events = simulate.session(seed=4, turns=3, features=["audio", "interruption"]).events
    await server.feed("cut", events)
    document = await server.document("cut")
    [(item, part)] = [
        (item["id"], part)
        for item in document["items"].values()
        for part in item.get("content", ())
        if part["truncated"]
    ][:1]
    page = await look(server, link("cut"))
    row = page.locator(f'#items .item[data-id="{item}"]')
    heard, whole = part["truncated"]["heard_transcript"], part["truncated"]["generated_transcript"]
    assert whole.startswith(heard)
    assert whole != heard
    assert await row.locator(".said").text_content() == heard
    assert await row.locator("del").text_content() == whole[len(heard) :]
    await expect(row.locator(".note")).to_contain_text("interrupted at")
    share = await row.locator(".bar .heard").evaluate("bar => bar.style.getPropertyValue('--part')")
    assert float(share) == pytest.approx(part["truncated"]["audio_end_ms"] / part["audio_ms"], abs=0.001)


async def test_tool_calls_grow_and_are_set_as_json(server: Served, look: Looker) -> None:
    call = {"id": "f", "type": "function_call", "status": "in_progress", "call_id": "c1", "name": "find"}
    added = {"type": "conversation.item.added", "item": {**call, "arguments": ""}}
    delta = {"type": "response.function_call_arguments.delta", "item_id": "f", "call_id": "c1"}
    await server.feed("tools", [added, {**delta, "delta": '{"city": "Lis'}])
    page = await look(server, link("tools"))
    row = page.locator("#items .item").first
    await expect(row.locator("pre")).to_have_text('{"city": "Lis')
    await expect(row.locator(".name")).to_have_text("find")
    done = {**delta, "type": "response.function_call_arguments.done", "arguments": '{"city": "Lisbon"}'}
    output = {"id": "o", "type": "function_call_output", "call_id": "c1", "output": "412 EUR"}
    await server.feed(
        "tools", [{**delta, "delta": 'bon"}'}, done, {"type": "conversation.item.added", "item": output}]
    )
    await until(page, "() => document.querySelectorAll('#items .item').length === 2")
    assert await row.locator("pre").text_content() == '{\n  "city": "Lisbon"\n}'
    await expect(row.locator(".json-key")).to_have_text('"city"')
    assert await page.locator("#items .item").nth(1).locator("pre").text_content() == "412 EUR"


@pytest.mark.parametrize("seed", range(3))
async def test_the_items_stand_as_in_the_document(server: Served, look: Looker, seed: int) -> None:
    """Whatever comes: MCP items, images, deletions, items that move, and a damaged session."""
    call = simulate.session(seed=seed, turns=8)
    events = simulate.faults(call.events, seed, 0.02, 0.05, 9, 0.05)
    name = f"whole-{seed}"
    half = len(events) // 2
    await server.feed(name, events[:half])
    page = await look(server, link(name))
    await until(page, "() => document.querySelectorAll('#items .item').length > 0")
    for start in range(half, len(events), 40):
        revision = await server.feed(name, events[start : start + 40])
    await shows(page, revision)
    document = await server.document(name)
    ids = await page.eval_on_selector_all("#items .item", "each => each.map(node => node.dataset.id)")
    assert ids == document["order"]
    await page.reload()
    await shows(page, revision)
    fresh = await page.inner_text("#items")
    again = await look(server, link(name))
    await shows(again, revision)
    assert await again.inner_text("#items") == fresh != ""


async def test_a_deleted_item_disappears(server: Served, look: Looker) -> None:
    await server.feed("less", [message("a", "user", "One"), message("b", "user", "Two", "a")])
    page = await look(server, link("less"))
    await until(page, "() => document.querySelectorAll('#items .item').length === 2")
    await server.feed("less", [{"type": "conversation.item.deleted", "item_id": "a"}])
    await until(page, "() => document.querySelectorAll('#items .item').length === 1")
    assert await texts(page) == ["Two"]


async def test_it_reconnects_and_misses_nothing(own_server: Served, look: Looker) -> None:
    events = [message(f"i{at}", "user", f"Line {at}", f"i{at - 1}" if at else None) for at in range(30)]
    await own_server.feed("kept", events[:10])
    look.expected = ("ERR_", "503")
    page = await look(own_server, link("kept"))
    await until(page, "() => document.querySelectorAll('#items .item').length === 10")
    asked: list[str | None] = []
    page.on(
        "request",
        lambda request: "/changes" in request.url and asked.append(request.headers.get("last-event-id")),
    )
    for stage in (20, 30):
        own_server.stop()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "waiting")
        await expect(page.locator("#connection-text")).to_contain_text("reconnecting in")
        own_server.start()
        revision = await own_server.feed("kept", events[stage - 10 : stage])
        await shows(page, revision)
        await expect(page.locator("#connection-text")).to_have_text("live")
    assert await texts(page) == [f"Line {at}" for at in range(30)]
    assert {(each or "").partition(".")[0] for each in asked} == {"10", "20"}


async def test_a_patch_that_does_not_fit_is_mended_by_a_snapshot(server: Served, look: Looker) -> None:
    await server.feed("torn", [message("a", "user", "One")])
    await server.feed("whole", [message("b", "user", "Two")])
    page = await look(server, link("whole"))
    torn = (
        'event: snapshot\nid: 1\ndata: {"revision": 1, "order": [], "items": {}, "responses": {}, '
        '"input_audio": {}, "usage": {"responses": {}, "transcription": {}}}\n\n'
        'event: patch\nid: 2\ndata: {"since": 1, "revision": 2, "patch": [{"op": "append", '
        '"path": "/items/lost/text", "value": "x"}]}\n\n'
    )
    asked: list[str | None] = []

    async def tear(route: Any) -> None:
        asked.append(route.request.headers.get("last-event-id"))
        if len(asked) == 1:
            await route.fulfill(content_type="text/event-stream", body=torn)
        else:
            await route.continue_()

    await page.route("**/torn/changes*", tear)
    await page.click("#conversations a >> text=torn")
    await expect(page.locator("#items .item")).to_contain_text("One")
    assert asked == [None, None]


async def test_one_that_is_deleted_is_said_to_be_gone(server: Served, look: Looker) -> None:
    await server.feed("gone", [message("a", "user", "One")])
    page = await look(server, link("gone"))
    await until(page, "() => document.querySelectorAll('#items .item').length === 1")
    await server.delete("gone")
    await expect(page.locator("#connection-text")).to_have_text("gone")
    await expect(page.locator("#notice")).to_be_visible()
    assert await texts(page) == ["One"]  # to be read on


async def test_transcriptions_that_count_in_seconds_say_so(server: Served, look: Looker) -> None:
    done = {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": "u",
        "content_index": 0,
        "transcript": "Hello.",
        "usage": {"type": "duration", "seconds": 12},
    }
    await server.feed("whisper", [done])
    page = await look(server, link("whisper"))
    await page.get_by_role("tab", name="Usage").click()
    await expect(page.locator("tr", has_text="Transcription").locator(".number")).to_have_text("12 s")


async def test_responses_usage_and_session_follow(server: Served, look: Looker) -> None:
    call = simulate.example()
    await server.feed("tabs", call.lines(timed=True))
    page = await look(server, link("tabs"))
    document = await server.document("tabs")
    rows = page.locator("#response-rows tr")
    await expect(rows).to_have_count(len(document["responses"]))
    await expect(page.locator("#latency")).to_contain_text("First audio after 734 ms")
    await expect(rows.locator("td:nth-child(3)", has_text="709 ms")).to_have_count(1)
    cancelled = rows.filter(has_text="cancelled")
    await expect(cancelled.locator(".reason")).to_have_text("turn detected")
    await page.click("#tab-usage")
    await expect(page.locator("#totals")).to_contain_text(
        f"{document['usage']['responses']['input_tokens']:,}"
    )
    assert await page.locator("#input-bars .one").count() == 9
    await expect(page.locator("#input-bars .one title").first).to_contain_text("cached: 64")
    await page.click("#tab-session")
    await expect(page.locator("#session-facts")).to_contain_text("gpt-realtime")
    await expect(page.locator("#limits")).to_contain_text("33,340 of 40,000 left")
    await rows.first.locator("button").evaluate("button => button.click()")
    focused = await page.evaluate("document.activeElement.dataset.id")
    assert focused == document["order"][0]


async def test_a_link_may_be_opened_before_the_first_event(server: Served, look: Looker) -> None:
    page = await look(server, link("not yet"))
    await expect(page.locator("#connection-text")).to_have_text("not there yet")
    await expect(page.locator("#notice")).to_contain_text("no conversation “not yet” yet")
    await server.feed("not yet", [message("a", "user", "One")])
    await expect(page.locator("#items .item")).to_contain_text("One")
    await expect(page.locator("#connection-text")).to_have_text("live")
    await expect(page.locator("#notice")).to_be_hidden()


async def test_one_that_was_deleted_is_shown_once_it_begins_again(server: Served, look: Looker) -> None:
    await server.feed("again", [message("a", "user", "One")])
    page = await look(server, link("again"))
    await expect(page.locator("#items .item")).to_contain_text("One")
    await server.delete("again")
    await expect(page.locator("#connection-text")).to_have_text("gone")
    await server.feed("again", [message("b", "user", "Two")])
    await expect(page.locator("#items .item")).to_contain_text("Two")
    await expect(page.locator("#connection-text")).to_have_text("live")


async def test_the_next_call_waits_while_somebody_looks_back(own_server: Served, look: Looker) -> None:
    await own_server.feed("first", [message("u", "user", "One"), message("v", "user", "Two", "u")])
    page = await look(own_server)
    await shows(page, 2)
    await page.click("#back")
    await expect(page.locator("#changed-title")).to_have_text("Revision 1 changed")
    await own_server.feed("second", [message("u", "user", "Good morning.")])
    await own_server.delete("first")
    await expect(page.locator("#conversations .name")).to_have_text(["second"])
    assert await page.inner_text("#title") == "first"
    await page.click("#to-live")
    await expect(page.locator("#title")).to_have_text("second")


async def test_a_conversation_without_items_says_so(server: Served, look: Looker) -> None:
    session = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime-translate"}}
    await server.feed("no items", [session])
    page = await look(server, link("no items"))
    await expect(page.locator("#no-items")).to_be_visible()
    await server.feed("no items", [message("a", "user", "One")])
    await expect(page.locator("#items .item")).to_contain_text("One")
    await expect(page.locator("#no-items")).to_be_hidden()
