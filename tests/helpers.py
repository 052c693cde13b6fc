"""What the tests of the reducer share: events in few words, and one proof of all that an event must keep.

Ids by default: user items ``u1``, assistant items ``a1``, the response ``r1``. A field set to ``ABSENT`` is
left out of an event; in an expectation it says that the document must not have the key.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Mapping
from typing import Any

import jsonpatch
import pytest

from rtstate import Change, Conversation, Snapshot

Event = dict[str, Any]
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()


def event(type_: str, **fields: Any) -> Event:
    return {"type": type_, **sent(fields)}


def sent(fields: Mapping[str, Any]) -> Event:
    return {key: value for key, value in fields.items() if value is not ABSENT}


# Items


def user(item_id: str = "u1", text: str | None = None, **fields: Any) -> Event:
    """A user's message: of text, or of audio that was not transcribed yet."""
    part = audio_part(None, "input_audio") if text is None else text_part(text, "input_text")
    return sent({"id": item_id, "type": "message", "role": "user", "content": [part], **fields})


def assistant(item_id: str = "a1", *content: Event, **fields: Any) -> Event:
    return sent({"id": item_id, "type": "message", "role": "assistant", "content": list(content), **fields})


def call(item_id: str = "f1", arguments: str | None = "", **fields: Any) -> Event:
    """A function call."""
    known = {"id": item_id, "type": "function_call", "call_id": "call_1", "name": "look_up"}
    return sent({**known, "arguments": arguments, **fields})


def text_part(text: str | None = "", type_: str = "output_text") -> Event:
    return {"type": type_, "text": text}


def audio_part(transcript: str | None = "", type_: str = "output_audio") -> Event:
    return {"type": type_, "transcript": transcript}


def added(item: Event, after: Any = ABSENT, **fields: Any) -> Event:
    return event("conversation.item.added", previous_item_id=after, item=item, **fields)


def created(item: Event, after: Any = ABSENT, **fields: Any) -> Event:
    return event("conversation.item.created", previous_item_id=after, item=item, **fields)


def done(item: Event, after: Any = ABSENT, **fields: Any) -> Event:
    return event("conversation.item.done", previous_item_id=after, item=item, **fields)


def retrieved(item: Event) -> Event:
    return event("conversation.item.retrieved", item=item)


def deleted(item_id: str) -> Event:
    return event("conversation.item.deleted", item_id=item_id)


def truncated(item_id: str = "a1", audio_end_ms: Any = 1000, index: Any = 0) -> Event:
    known = {"item_id": item_id, "content_index": index, "audio_end_ms": audio_end_ms}
    return event("conversation.item.truncated", **known)


# Speech


def speech_started(item_id: Any = "u1", ms: Any = ABSENT) -> Event:
    return event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=ms)


def speech_stopped(item_id: Any = "u1", ms: Any = ABSENT) -> Event:
    return event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=ms)


def committed(item_id: str = "u1", after: Any = ABSENT) -> Event:
    return event("input_audio_buffer.committed", item_id=item_id, previous_item_id=after)


def transcription(kind: str, item_id: str = "u1", index: Any = 0, **fields: Any) -> Event:
    """A transcription event: ``delta``, ``completed``, ``failed``, ``segment`` or ``updated``."""
    name = f"conversation.item.input_audio_transcription.{kind}"
    return event(name, item_id=item_id, content_index=index, **fields)


# Responses


def response_created(response_id: str = "r1", **fields: Any) -> Event:
    known = {"id": response_id, "status": "in_progress", "output": [], "usage": None}
    return event("response.created", response=sent({**known, **fields}))


def response_done(
    response_id: str = "r1", *output: Event, status: Any = "completed", beside: Any = ABSENT, **fields: Any
) -> Event:
    """``response.done``; ``beside``: the usage at the event's own level."""
    known = {"id": response_id, "status": status, "output": list(output)}
    return event("response.done", response=sent({**known, **fields}), usage=beside)


def output_added(item: Event, response_id: Any = "r1", index: Any = 0) -> Event:
    return event("response.output_item.added", response_id=response_id, output_index=index, item=item)


def output_done(item: Event, response_id: Any = "r1", index: Any = 0) -> Event:
    return event("response.output_item.done", response_id=response_id, output_index=index, item=item)


def streamed(name: str, item_id: str = "a1", index: Any = 0, response_id: Any = "r1", **fields: Any) -> Event:
    """An event about one part of an answer; ``name`` is its type without ``response.``."""
    known = {"response_id": response_id, "item_id": item_id, "output_index": 0, "content_index": index}
    return event(f"response.{name}", **{**known, **fields})


def part_added(part: Any, item_id: str = "a1", index: Any = 0, **fields: Any) -> Event:
    return streamed("content_part.added", item_id, index, part=part, **fields)


def part_done(part: Any, item_id: str = "a1", index: Any = 0, **fields: Any) -> Event:
    return streamed("content_part.done", item_id, index, part=part, **fields)


def delta(text: str, item_id: str = "a1", index: Any = 0, name: str = "output_text", **fields: Any) -> Event:
    return streamed(f"{name}.delta", item_id, index, delta=text, **fields)


def spoken(text: str, item_id: str = "a1", index: Any = 0, **fields: Any) -> Event:
    return delta(text, item_id, index, "output_audio_transcript", **fields)


def sound(ms: float, item_id: str = "a1", index: Any = 0, name: str = "output_audio", **fields: Any) -> Event:
    """An audio delta of so many milliseconds of PCM16 at 24 kHz."""
    return delta(base64.b64encode(bytes(int(ms * 48))).decode(), item_id, index, name, **fields)


def arguments(text: str, item_id: Any = "f1", **fields: Any) -> Event:
    known = {"response_id": "r1", "item_id": item_id, "output_index": 0, "call_id": "call_1", "delta": text}
    return event("response.function_call_arguments.delta", **{**known, **fields})


def arguments_done(text: Any, item_id: Any = "f1", **fields: Any) -> Event:
    known = {
        "response_id": "r1",
        "item_id": item_id,
        "output_index": 0,
        "call_id": "call_1",
        "arguments": text,
    }
    return event("response.function_call_arguments.done", **{**known, **fields})


# State and proof


def order(*ids: str) -> Event:
    """What a document with this order holds."""
    return {"order": list(ids)}


def item(item_id: str, **fields: Any) -> Event:
    """What a document with such an item holds."""
    return {"items": {item_id: fields}}


def part(item_id: str = "a1", **fields: Any) -> Event:
    """What a document holds in which this is an item's only part."""
    return {"items": {item_id: {"content": [fields]}}}


def state(*events: Event, **options: Any) -> Conversation:
    conversation = Conversation(**options)
    for each in events:
        conversation.feed(each)
    return conversation


def difference(found: Any, expected: Any, path: str = "") -> list[str]:
    """Where a document lacks what is expected of it: dicts by their expected keys, all else exactly.

    An empty dict within it has to be empty.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and (expected or not path):
        lines: list[str] = []
        for key, value in expected.items():
            if value is ABSENT and key in found:
                lines.append(f"{path}/{key}: should be absent, is {found[key]!r}")
            elif value is not ABSENT and key not in found:
                lines.append(f"{path}/{key}: is missing, should be {value!r}")
            elif value is not ABSENT:
                lines += difference(found[key], value, f"{path}/{key}")
        return lines
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(found, expected, strict=True))
        return [line for at, pair in pairs for line in difference(*pair, f"{path}/{at}")]
    same = found == expected and isinstance(found, bool) is isinstance(expected, bool)
    return [] if same else [f"{path or '/'}: should be {expected!r}, is {found!r}"]


def assert_subset(found: Any, expected: Any) -> None:
    lines = difference(found, expected)
    assert not lines, "\n".join(["the document differs:", *lines])


def patched(document: Any, operations: Iterable[Mapping[str, Any]]) -> Any:
    """The document after JSON Patch operations and ``append``; raises where one does not fit."""
    document = copy.deepcopy(document)
    for operation in operations:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in operation["path"].split("/")[1:]]
        target = document
        for key in keys[:-1]:
            target = target[int(key) if isinstance(target, list) else key]
        op, last = operation["op"], int(keys[-1]) if isinstance(target, list) else keys[-1]
        if op == "add" and isinstance(target, list):
            if last > len(target):
                raise IndexError(operation["path"])
            target.insert(last, copy.deepcopy(operation["value"]))
        elif op == "add":
            target[last] = copy.deepcopy(operation["value"])
        elif op == "replace":
            target[last]  # must be there
            target[last] = copy.deepcopy(operation["value"])
        elif op == "remove":
            del target[last]
        elif op == "append" and isinstance(target[last], str):
            target[last] += operation["value"]
        else:
            raise ValueError(f"{op} does not fit {operation['path']}")
    return document


def assert_patch(before: Any, after: Any, change: Change) -> None:
    """A change must turn the document before into the one after, and be empty where they are the same."""
    assert patched(before, change.patch()) == after
    assert jsonpatch.apply_patch(before, change.patch(append=False)) == after
    assert bool(change) is (before != after)
    assert change.revision == after["revision"] == before["revision"] + bool(change)
    assert {**before, "revision": 0} != {**after, "revision": 0} or not change, (
        "a change that changes nothing"
    )


def assert_shared(old: Snapshot, new: Snapshot) -> None:
    """What did not change must be the same object in both snapshots: items, their parts, responses."""
    for item_id in new.to_dict()["items"]:
        was, now = old.item(item_id), new.item(item_id)
        assert was is None or was is now or was.to_dict() != now.to_dict(), f"item {item_id} was copied"
        for one, other in zip(was.content, now.content, strict=False) if was else ():
            assert one is other or one.to_dict() != other.to_dict(), f"a part of {item_id} was copied"
    for now in new.responses:
        was = old.response(now.id)
        assert was is None or was is now or was.to_dict() != now.to_dict(), f"response {now.id} was copied"


def prove(
    events: Iterable[Event], last: Event, expected: Any, odd: Iterable[str] | None = (), **options: Any
) -> Conversation:
    """Feed ``events`` and then ``last``, and prove at once all that must be true of that last step.

    The document then contains ``expected`` (None: it is as before), the anomalies are of the kinds ``odd``
    (None: any), the operations say what happened, old snapshots stand, the same event again changes nothing.
    """
    events, last = list(events), {"event_id": "event_last", **last}
    reference = state(*events, **options).snapshot().to_dict()
    conversation = Conversation(**options)
    for each in events:
        conversation.feed(each)
        conversation.snapshot()  # what is frozen early must not differ from what is frozen late
    old = conversation.snapshot()  # not read before the event, so that nothing in it is joined too early

    change = conversation.feed(last)
    new = conversation.snapshot()
    document = new.to_dict()
    assert_subset(document, reference if expected is None else expected)
    assert odd is None or [each.kind for each in change.anomalies] == list(odd), change.anomalies
    conversation._draft._check()
    assert old.to_dict() == reference, "an old snapshot has changed"
    assert_patch(reference, document, change)
    assert jsonpatch.apply_patch(document, change.inverse()) == reference, "the change does not go back"
    assert_shared(old, new)
    assert state(*events, last, **options).snapshot().to_dict() == document
    assert Snapshot.from_dict(json.loads(new.to_json())) == new

    again = conversation.feed(last)
    assert not again
    assert again.operations == ()
    assert conversation.snapshot() is new
    return conversation


def unchanged(
    events: Iterable[Event], last: Event, odd: Iterable[str] | None = (), **options: Any
) -> Conversation:
    """Prove that an event changes nothing at all."""
    return prove(events, last, None, odd, **options)


def cases(table: Mapping[str, tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Run a test once per ``name: (events, last, expected[, odd])`` of a table."""
    rows = [pytest.param(*(*row, ()) if len(row) == 3 else row, id=name) for name, row in table.items()]
    return pytest.mark.parametrize(("events", "last", "expected", "odd"), rows)
