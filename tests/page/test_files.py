"""Recordings that are dropped onto the page, or picked."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from rtstate import replay, simulate
from tests.page.support import Looker, Served, message, shows, until

pytestmark = pytest.mark.anyio

DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) transfer.items.add(new File([text], name));
  const events = ["dragenter", "dragover", "drop"];
  for (const type of events) {
    const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
    document.body.dispatchEvent(new DragEvent(type, options));
  }
}"""


async def drop(page: Page, *files: tuple[str, str]) -> None:
    await page.evaluate(DROP, [list(each) for each in files])


async def test_a_dropped_recording_is_opened(server: Served, look: Looker) -> None:
    lines = list(simulate.example().lines(timed=True))
    page = await look(server)
    await drop(page, ("parcel call.jsonl", "\n\n".join(lines) + "\n"))
    await expect(page.locator("#title")).to_have_text("parcel call")
    expected = replay(lines).snapshot().to_dict()
    await shows(page, expected["revision"])
    assert await server.document("parcel call") == expected
    assert page.url.endswith("#/c/parcel%20call")
    await expect(page.locator("#drop")).to_be_hidden()
    await expect(page.locator("#tasks li")).to_have_count(0)


async def test_a_name_that_is_taken_gets_a_number(server: Served, look: Looker) -> None:
    text = json.dumps(message("a", "user", "Hello"))
    page = await look(server)
    await drop(page, ("same.jsonl", text), ("same.ndjson", text), ("same", text))
    await expect(page.locator("#title")).to_have_text("same 3")
    names = page.locator("#conversations .name", has_text="same")
    await expect(names).to_have_count(3)


async def test_a_large_recording_goes_in_batches(server: Served, look: Looker) -> None:
    lines = [json.dumps(message(f"i{at}", "user", "word " * 400)) for at in range(1200)]
    page = await look(server)
    sizes: list[int] = []
    page.on("request", lambda it: it.method == "POST" and sizes.append(len(it.post_data_buffer or b"")))
    await drop(page, ("large.jsonl", "\n".join(lines)))
    await expect(page.locator("#title")).to_have_text("large")
    await expect(page.locator("#items .item")).to_have_count(1200)
    assert len(sizes) == 3
    assert max(sizes) <= 1 << 20


async def test_files_can_be_picked(server: Served, look: Looker, tmp_path: Path) -> None:
    path = tmp_path / "picked.jsonl"
    path.write_text(json.dumps(message("a", "user", "Hello")) + "\n")
    page = await look(server)
    async with page.expect_file_chooser() as choosing:
        await page.click("#open")
    await (await choosing.value).set_files(path)
    await expect(page.locator("#title")).to_have_text("picked")
    await until(page, "() => document.querySelectorAll('#items .item').length === 1")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("notes.txt", "Dear diary,\n", "Line 1 is not JSON."),
        ("chat.json", '{"role": "user"}', "it has no type"),
        ("nothing.jsonl", "\n", "It is empty."),
    ],
)
async def test_what_is_no_recording_is_told(
    server: Served, look: Looker, name: str, text: str, told: str
) -> None:
    page = await look(server)
    await drop(page, (name, text))
    task = page.locator("#tasks li")
    await expect(task).to_contain_text(told)
    await expect(task).to_contain_text(name)
    await expect(page.locator("#conversations a", has_text=name.partition(".")[0])).to_have_count(0)
    await task.get_by_role("button").click()
    await expect(task).to_have_count(0)


async def test_what_the_server_refuses_is_told(server: Served, look: Looker) -> None:
    page = await look(server)
    look.expected = ("404", "413")
    await page.route(
        "**/events",
        lambda route: route.fulfill(status=413, json={"error": {"status": 413, "message": "Too large."}}),
    )
    await drop(page, ("refused.jsonl", json.dumps(message("a", "user", "Hello"))))
    await expect(page.locator("#tasks li")).to_contain_text("Too large.")


async def test_what_cannot_be_read_is_said(server: Served, look: Looker) -> None:
    page = await look(server)
    await page.evaluate(  # as the browser does for a folder
        """() => File.prototype.stream = () => new ReadableStream(
          {start: its => its.error(new DOMException("gone", "NotReadableError"))})"""
    )
    await drop(page, ("folder", ""))
    await expect(page.locator("#tasks .told")).to_contain_text("It cannot be read")


async def test_a_server_that_is_busy_is_waited_for(server: Served, look: Looker) -> None:
    lines = [json.dumps(message(f"i{at}", "user", "Hello")) for at in range(5)]
    page = await look(server)
    look.expected = ("404", "429", "503")
    refusals = [(503, {"Retry-After": "1", "Events-Kept": "2"}), (429, {"Retry-After": "1"})]
    sent: list[int] = []

    async def busy(route: Route) -> None:
        sent.append(len((route.request.post_data or "").splitlines()))
        if not refusals:
            await route.continue_()
            return
        status, headers = refusals.pop(0)
        await route.fulfill(status=status, headers=headers, json={"error": {"message": "Busy."}})

    await page.route("**/events", busy)
    await drop(page, ("busy.jsonl", "\n".join(lines)))
    await expect(page.locator("#title")).to_have_text("busy")
    assert sent == [5, 3, 3]
    assert (await server.document("busy"))["revision"] == 3


async def test_names_of_files_are_made_names_of_conversations(server: Served, look: Looker) -> None:
    text = json.dumps(message("a", "user", "Hello"))
    page = await look(server)
    for file, name in (("at 9.41\u202fAM.jsonl", "at 9.41 AM"), ("x" * 240, "x" * 190), ("..", "recording")):
        await drop(page, (file, text))
        await expect(page.locator("#title")).to_have_text(name)
    await drop(page, ("x" * 240, text))
    await expect(page.locator("#title")).to_have_text("x" * 190 + " 2")
