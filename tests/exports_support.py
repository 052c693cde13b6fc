"""What the tests of the exports share: small conversations, sessions at many points, the readers' own types.

``said`` and ``answered`` work out from the document alone, in another way than the exports do, what an export
has to hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import pytest
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter

from rtstate import Conversation, Snapshot, simulate
from rtstate.exports import LeftOut, left_out
from tests.helpers import added, done
from tests.recordings_support import recording_names, recordings_folder
from tests.strategies import STREAMS

Dict = dict[str, Any]
SPEAKING = (None, "input_text", "input_audio", "output_text", "output_audio")
MCP_ASIDE = ("mcp_list_tools", "mcp_approval_request", "mcp_approval_response")
POINTS = 12
"""At how many points of a session it is exported."""


# Small conversations


def talk(*items: Dict) -> Snapshot:
    """A conversation of these items: announced and, unless they say otherwise, completed."""
    conversation = Conversation()
    for item in items:
        conversation.feed(added(item))
        if item.get("status") != "in_progress":
            conversation.feed(done({"status": "completed", **item}))
    return conversation.snapshot()


def output(item_id: str = "o1", text: Any = "42", call_id: str = "call_1", **fields: Any) -> Dict:
    return {"id": item_id, "type": "function_call_output", "call_id": call_id, "output": text, **fields}


def mcp(item_id: str, type_: str, **fields: Any) -> Dict:
    return {"id": item_id, "type": f"mcp_{type_}", "server_label": "shop", **fields}


def mcp_call(item_id: str = "m1", **fields: Any) -> Dict:
    return mcp(item_id, "call", **{"name": "buy", "arguments": '{"n": 1}', "output": "bought", **fields})


LONG_ID = "call-af8ed632-2074-4b5f-b719-7aa47250d3c6-0"
"""A call_id as xAI gives them: 43 characters."""


def called_within(longest: int) -> tuple[Snapshot, list[str]]:
    """Calls with long and odd ids and names; which of them keep their id where so much is taken."""
    ids = ["c" * 40, LONG_ID, "c" * 64, "c" * 65, "call.1"]
    calls = [
        {"id": f"f{at}", "type": "function_call", "call_id": each, "name": "files.read", "arguments": "{}"}
        for at, each in enumerate(ids)
    ]
    answers = [output(f"o{at}", call_id=each) for at, each in enumerate(ids)]
    snapshot = talk(*calls, *answers, mcp_call("mcp_" + "a" * 61, name="files.read " + "b" * 70))
    return snapshot, [each for each in ids if len(each) <= longest and each != "call.1"]


def assert_within(longest: int, kept: list[str], calls: list[Dict], answers: list[str]) -> None:
    """Every call has an id and a name that are taken, an id of its own, and an output under the same."""
    ids = [each["id"] for each in calls]
    assert ids == answers
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(f"[A-Za-z0-9_-]{{1,{longest}}}", each) for each in ids)
    assert [each for each in ids if each in kept] == kept
    assert {each["name"] for each in calls} <= {"files_read", ("files_read_" + "b" * 70)[:64]}


def assert_calls_within(longest: int, kept: list[str], items: list[Dict]) -> int:
    """The same of items, of which each call and each output is one; tell how many calls there are."""
    calls = [{**each, "id": each["call_id"]} for each in items if each["type"] == "function_call"]
    answers = [each["call_id"] for each in items if each["type"] == "function_call_output"]
    assert_within(longest, kept, calls, answers)
    return len(calls)


def image(url: Any = "data:image/png;base64,iVBO", **fields: Any) -> Dict:
    return {"type": "input_image", "image_url": url, **fields}


def left(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    """What is left out, without the part where it is all of an item."""
    found = left_out(snapshot)
    assert all(type(each) is LeftOut for each in found)
    whole = [(each.item_id, each.reason, each.content_index) for each in found]
    return [each if each[2] is not None else each[:2] for each in whole]


# Sessions


def _some(events: Iterable[Any], every: int) -> Iterator[Snapshot]:
    conversation = Conversation()
    for number, event in enumerate(events, 1):
        conversation.feed(event)
        if number % every == 0:
            yield conversation.snapshot()
    yield conversation.snapshot()


@cache
def points(name: str) -> tuple[Snapshot, ...]:
    """Snapshots of a session at many points: of a recording, or of a simulated one, ``dialect seed``."""
    if name in recording_names():
        events: list[Any] = Path(recordings_folder() / f"{name}.jsonl").read_text().splitlines()
    else:
        dialect, seed = name.split()
        features = simulate.supported(dialect)
        events = list(simulate.session(int(seed), 4, dialect, features).events)
    return tuple(_some(events, max(1, len(events) // POINTS)))


SIMULATED = [f"{dialect} {seed}" for dialect in simulate.DIALECTS for seed in range(3)]
every_session = pytest.mark.parametrize("name", [*recording_names(), *SIMULATED])


@st.composite
def _states(draw: st.DrawFn) -> Snapshot:
    events = draw(st.one_of(*STREAMS.values()))
    conversation = Conversation()
    for event in events[: draw(st.integers(0, len(events)))]:
        conversation.feed(event)
    return conversation.snapshot()


states: st.SearchStrategy[Snapshot] = _states()
"""The state after any part of any stream of events, legal or not."""


# What an export has to hold


def said(snapshot: Snapshot) -> list[tuple[str, str]]:
    """The role and the heard text of every message that has one, or an image."""
    document, found = snapshot.to_dict(), []
    for item in map(document["items"].get, document["order"]):
        if item["type"] in ("message", "force_message") and item["role"] in ("system", "user", "assistant"):
            texts = [_heard(part) for part in item["content"]]
            images = [part for part in item["content"] if part["type"] == "input_image" and part["image_url"]]
            seen = item["role"] == "user" and images
            if seen or any(texts):
                found.append((item["role"], "\n".join(filter(None, texts))))
    return found


def _heard(part: Dict) -> str:
    if part["type"] not in SPEAKING:
        return ""
    if part.get("truncated"):
        text = part["truncated"]["heard_transcript"]
    else:
        text = part.get("text") if (part.get("text") or "").strip() else part.get("transcript")
    return text if isinstance(text, str) and text.strip() else ""


def short(call_id: str, longest: int) -> str:
    """The id that a call goes by where ids may be so long."""
    if 0 < len(call_id) <= longest and not set(call_id) - set(ascii_letters + digits + "_-"):
        return call_id
    return "call_" + sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def answered(
    snapshot: Snapshot, *, mcp: bool = True, waiting: bool = False, longest: int | None = None
) -> dict[str, Any]:
    """The output, or None, of every call that an export holds, by its id (an MCP call by its item's)."""
    document = snapshot.to_dict()
    items = [document["items"][item_id] for item_id in document["order"]]
    outputs: Dict = {}
    for item in reversed(items):
        if item["type"] == "function_call_output" and item["output"] is not None:
            outputs[item["call_id"]] = _written(item["output"])
    found: Dict = {}
    for item in items:
        call_id = item.get("call_id")
        if item["type"] == "function_call" and item["ready"] and item["name"] and call_id:
            found.setdefault(call_id, outputs.get(call_id))
        elif mcp and item["type"] == "mcp_call" and item["name"] and item["server_label"]:
            error = item["error"]
            if item["output"] is not None or error is not None:
                error = error["message"] if isinstance(error, dict) and "message" in error else error
                found[item["id"]] = _written(error if item["output"] is None else item["output"])
    found = {call_id: text for call_id, text in found.items() if waiting or text is not None}
    return found if longest is None else {short(call_id, longest): text for call_id, text in found.items()}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def accounted_for(snapshot: Snapshot, exported: set[str]) -> None:
    """Every item is either exported or left out, and MCP's listings and approvals may be neither."""
    aside = {item.id for item in snapshot.items if item.type in MCP_ASIDE}
    gone = {each.item_id for each in left_out(snapshot) if each.content_index is None}
    assert set(snapshot.order) <= exported | gone | aside
    assert exported.isdisjoint(gone)


# The readers' own types


def adapter(type_: Any) -> TypeAdapter[Any]:
    """Validate TypedDicts to the letter: without it they let unknown keys pass, and True for 1."""
    return TypeAdapter(type_, config=ConfigDict(extra="forbid", strict=True))


def validate(adapter: TypeAdapter[Any], value: Any) -> None:
    """Check a value against a type, its lazy iterables too; raises ValidationError."""
    _exhaust(adapter.validate_python(value))


def _exhaust(value: Any) -> None:
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, str) and isinstance(value, Iterable):
        for each in value:
            _exhaust(each)


def in_turn(messages: list[Dict]) -> None:
    """Calls have ids of their own, and exactly their outputs follow them at once, as chat APIs demand."""
    seen: set[str] = set()
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert waiting == []
        calls = [each["id"] for each in message.get("tool_calls", ())]
        assert len(set(calls)) == len(calls)
        assert seen.isdisjoint(calls)
        seen.update(calls)
        waiting = calls
    assert waiting == []


def text_of(content: Any) -> str:
    """The texts of a message's content: a text, or parts."""
    if not isinstance(content, list):
        return content or ""
    return "\n".join([each if isinstance(each, str) else each["text"] for each in content if _is_text(each)])


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or "text" in part
