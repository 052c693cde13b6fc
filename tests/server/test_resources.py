"""Conversations over HTTP: fed, listed, read, as they stood then, and deleted."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

import rtstate
from rtstate import apply_patch, exports, simulate
from rtstate.hub import Hub
from rtstate.logs import MemoryLog, open_log
from rtstate.server import Limits
from rtstate.server._past import SPACING
from tests.server.support import CALL, JSON, LINES, Served, served, state_after

pytestmark = pytest.mark.anyio


async def test_what_is_posted_is_the_document(server: Served) -> None:
    told = await server.post(LINES)
    whole = state_after(LINES)
    assert told == {
        "events": len(LINES),
        "changed": whole.revision,
        "revision": whole.revision,
        "anomalies": [],
    }
    assert await server.get("") == whole.to_dict()


async def test_one_event_is_json(server: Served) -> None:
    event = {"type": "input_audio_buffer.committed", "item_id": "item_1"}
    answer = await server.client.post("/conversations/a%2Fb%20%C3%BC/events", json=event)
    assert answer.json()["revision"] == 1
    assert [name async for name in server.log.names()] == ["a/b ü"]
    assert (await server.client.get("/conversations/a%2Fb%20%C3%BC")).json()["order"] == ["item_1"]
    [entry] = [entry async for entry in server.log.read("a/b ü")]
    assert entry.at is not None  # when it came, as for rtstate record


async def test_what_cannot_be_read_is_kept_and_told(server: Served) -> None:
    lines = [
        "not JSON",
        '{"type": "ping"',
        '{"type": "error", "error": {"message": NaN}}',
        "[" * 5_000,
        "[1]",
    ]
    told = await server.post(lines)
    assert (told["events"], told["changed"]) == (5, 0)
    assert {each["kind"] for each in told["anomalies"]} == {"invalid"}
    assert [each["number"] for each in told["anomalies"]] == [1, 2, 3, 4, 5]
    page = await server.get("/events", raw=1)
    assert page["events"][0]["event"] == "not JSON"
    assert page["events"][4]["event"] == [1]
    assert page["events"][0]["anomalies"][0]["kind"] == "invalid"


async def test_bytes_that_are_no_text_are_kept_too(server: Served) -> None:
    answer = await server.client.post(f"/conversations/{CALL}/events", content=b"\xff\xfe{", headers=JSON)
    assert answer.json()["anomalies"][0]["kind"] == "invalid"
    assert [entry.raw async for entry in server.log.read(CALL)] == [b"\xff\xfe{"]
    assert (await server.get("/events", raw=1))["events"][0]["bytes"] == 3


async def test_the_list_is_by_name_and_in_pages(server: Served) -> None:
    for name in ("c", "a", "b"):
        await server.post(LINES[:3], name)
    first = (await server.client.get("/conversations", params={"limit": 2})).json()
    assert [each["id"] for each in first["conversations"]] == ["a", "b"]
    assert first["next"] == "b"
    rest = (await server.client.get("/conversations", params={"after": "b"})).json()
    assert rest["next"] is None
    [last] = rest["conversations"]
    assert (last["id"], last["events"], last["first"], last["last"], last["writing"]) == ("c", 3, 1, 3, True)
    await server.hub.close("c")
    [closed] = (await server.client.get("/conversations", params={"after": "b"})).json()["conversations"]
    assert (closed["writing"], closed["checkpoint"]) == (False, 3)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_newest_are_first_and_how_many_there_are_is_told(kind: str, tmp_path: Path) -> None:
    names = ["b", "z z", "a", "ü/1", "c"]
    where = "memory:" if kind == "memory" else f"sqlite:///{tmp_path}/calls.db"
    async with served(open_log(where)) as server:
        for name in names:
            await server.hub.feed(name, LINES[0])
            await asyncio.sleep(0.01)  # so that they began one after the other, on any clock
        await server.hub.feed("b", LINES[1])  # which began first all the same
        query: dict[str, str | int] = {"order": "newest", "limit": 2}
        told: list[str] = []
        for left in (3, 1, 0):
            page = (await server.client.get("/conversations", params=query)).json()
            told += [each["id"] for each in page["conversations"]]
            assert (page["total"], page["next"] is None) == (5, left == 0)
            query["after"] = page["next"] or ""
            if left == 3:
                await server.hub.delete("ü/1")  # where a page ended may go meanwhile
                await server.hub.feed("new", LINES[0])  # and what is newer is not after it
        assert told == names[::-1]
        by_name = (await server.client.get("/conversations", params={"limit": 1})).json()
        assert (by_name["total"], by_name["next"]) == (5, "a")


@pytest.mark.parametrize("after", ["a", "a b", "nan a", "inf a", "17"])
async def test_a_page_of_the_newest_goes_on_where_another_ended(server: Served, after: str) -> None:
    answer = await server.client.get("/conversations", params={"order": "newest", "after": after})
    assert answer.status_code == 400
    assert "after is what next was" in answer.json()["error"]["message"]


async def test_a_document_that_is_known_is_not_sent_again(server: Served) -> None:
    await server.post(LINES[:50])
    first = await server.client.get(f"/conversations/{CALL}")
    tag = first.headers["etag"]
    again = await server.client.get(f"/conversations/{CALL}", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    await server.post(LINES[50:200])
    newer = await server.client.get(f"/conversations/{CALL}", headers={"If-None-Match": tag})
    assert newer.status_code == 200


async def test_the_document_as_it_stood_at_every_revision(server: Served) -> None:
    await server.post(LINES)
    state = rtstate.Conversation()
    for line in LINES:
        event, at = rtstate.recording.unwrap(line)
        if state.feed(event, at) and state.revision % 23 == 0:
            assert await server.get("", revision=state.revision) == state.snapshot().to_dict()
    assert (await server.get("", revision=0))["revision"] == 0
    beyond = await server.client.get(f"/conversations/{CALL}?revision={state.revision + 1}")
    assert beyond.status_code == 404


async def test_the_past_of_a_long_call_is_marked_and_found_again(server: Served) -> None:
    call = simulate.session(seed=5, turns=60)
    lines = list(call.lines())
    assert len(lines) > 3 * SPACING
    await server.post(lines[: 2 * SPACING + 7])
    await server.get("", revision=100)
    await server.post(lines[2 * SPACING + 7 :])  # and what came since is read on from there
    page = await server.get("/events", after=3 * SPACING - 5, limit=10)
    assert [each["seq"] for each in page["events"]] == list(range(3 * SPACING - 4, 3 * SPACING + 6))
    document = state_after(lines[: 3 * SPACING - 5]).to_dict()
    for each in page["events"]:
        document = apply_patch(document, each["patch"])
        document["revision"] = each["revision"]
    assert document == state_after(lines[: 3 * SPACING + 5]).to_dict()


async def test_pages_of_events_go_both_ways(server: Served) -> None:
    await server.post(LINES)
    seqs = list(range(1, len(LINES) + 1))
    forwards: list[int] = []
    while page := (await server.get("/events", after=forwards[-1] if forwards else 0, limit=150))["events"]:
        forwards += [each["seq"] for each in page]
    assert forwards == seqs
    backwards: list[int] = []
    before = len(LINES) + 1
    while before > 1:
        page = (await server.get("/events", before=before, limit=150))["events"]
        backwards = [each["seq"] for each in page] + backwards
        before = page[0]["seq"]
    assert backwards == seqs
    last = (await server.get("/events", after=len(LINES) - 1, raw=1))["events"][0]
    assert last["event"] == json.loads(LINES[-1])["event"]
    assert last["type"] == last["event"]["type"]


async def test_of_a_trimmed_log_the_past_begins_at_its_checkpoint() -> None:
    log = MemoryLog()
    async with served(log, Hub(log, checkpoint_every=100, trim=True)) as server:
        for start in range(0, 500, 100):
            await server.post(LINES[start : start + 100])
        kept = await server.log.load(CALL)
        assert kept is not None
        page = await server.get("/events")
        assert (page["first"], page["last"]) == (kept.seq + 1, 500)
        revision = state_after(LINES[: kept.seq]).revision
        assert await server.get("", revision=revision) == state_after(LINES[: kept.seq]).to_dict()
        for path in (f"?revision={revision - 1}", "/events?after=1", f"/events?before={kept.seq}"):
            assert (await server.client.get(f"/conversations/{CALL}{path}")).status_code == 410
        await server.post(LINES[500:])  # and it is trimmed again, under the past that is kept
        await server.hub.close(CALL)
        await log.trim(CALL)
        assert (await server.get("/events"))["last"] == len(LINES)


async def test_a_past_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtstate.server._past.SPACING", 20)  # so that there are many marks
    limits = Limits(past_bytes=200_000, past=3)
    async with served(limits=limits) as server:
        lines = list(simulate.session(seed=6, turns=20).lines())
        for name in ("a", "b", "c", "d", "e"):
            await server.post(lines, name)
            answer = await server.client.get(f"/conversations/{name}/events?after=333&limit=1")
            assert answer.json()["events"][0]["seq"] == 334
            past = server.state.pasts._pasts[name]
            assert past.size == sum(len(mark.data) for mark in past._marks) <= limits.past_bytes // 4
            assert past._spacing > 20
        assert server.state.pasts.size <= limits.past_bytes
        assert len(server.state.pasts._pasts) <= limits.past


async def test_what_is_read_out_of_it(server: Served) -> None:
    await server.post(LINES)
    whole = state_after(LINES)
    assert await server.get("/transcript") == exports.transcript_json(whole)
    assert await server.get("/timing") == json.loads(json.dumps(rtstate.timing(whole).to_dict()))
    assert await server.get("/usage") == json.loads(json.dumps(rtstate.usage(whole).to_dict()))
    assert "cost" in await server.get("/usage", model="gpt-realtime")
    tools = await server.get("/tools")
    assert [each["name"] for each in tools["tool_calls"]] == [each.name for each in rtstate.tool_calls(whole)]
    assert await server.get("/exports/chat") == exports.chat_messages(whole)
    for form, text in {"vtt": exports.webvtt, "srt": exports.srt, "markdown": exports.markdown}.items():
        answer = await server.client.get(f"/conversations/{CALL}/exports/{form}")
        assert answer.text == text(whole)
    assert (await server.client.get(f"/conversations/{CALL}/exports/pdf")).status_code == 404


async def test_what_was_deleted_is_gone_with_its_past(server: Served) -> None:
    await server.post(LINES)
    await server.get("/events")
    assert (await server.client.delete(f"/conversations/{CALL}")).status_code == 204
    for path in ("", "/events", "/changes", "/usage", "/agui"):
        assert (await server.client.get(f"/conversations/{CALL}{path}")).status_code == 404
    assert (await server.client.delete(f"/conversations/{CALL}")).status_code == 404
    await server.post(LINES[:20])
    assert (await server.get("/events"))["last"] == 20
    assert await server.get("", revision=5) == (await server.get("", revision=5))


async def test_what_another_writes_is_read_and_not_fed(server: Served) -> None:
    other = Hub(server.log, holder="other")
    await other.feed(CALL, '{"type": "input_audio_buffer.committed", "item_id": "item_1"}')
    assert (await server.get(""))["order"] == ["item_1"]
    refused = await server.client.post(f"/conversations/{CALL}/events", content="{}", headers=JSON)
    assert refused.status_code == 409
    assert "other" in refused.json()["error"]["message"]
    assert (await server.client.delete(f"/conversations/{CALL}")).status_code == 409
    await other.stop()
    assert (await server.post(LINES[:5]))["events"] == 5


async def test_the_page_and_what_watches_the_server(server: Served) -> None:
    page = await server.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert (await server.client.get("/page/index.html")).content == page.content
    assert (await server.client.get("/healthz")).json() == {"status": "ok"}
    await server.post(LINES)
    counted = (await server.client.get("/metrics")).text
    assert f"rtstate_ingested_events_total {len(LINES)}.0" in counted
    assert 'route="/conversations/{id}/events",status="200"} 2.0' in counted
    assert CALL not in counted.replace("rtstate_", "")


def test_importing_the_library_does_not_import_the_server() -> None:
    code = "import rtstate.cli._commands, sys; print({'starlette', 'uvicorn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
