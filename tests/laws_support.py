"""What the laws are told in: documents as JSON values, patches applied to them, streams fed to the end."""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from rtstate import Change, Conversation, Item, Part, Snapshot, simulate

Document = Any


def canonical(document: Document) -> str:
    """Write a JSON value so that equal text is equal JSON: true is not 1, the order of keys is nothing."""
    return json.dumps(document, sort_keys=True, allow_nan=False)


def fold(document: Document, operations: Iterable[dict[str, Any]]) -> Document:
    """Apply a patch in place: RFC 6902's add, replace and remove, and ``append``. Every path has to exist."""
    for operation in operations:
        *way, last = [key.replace("~1", "/").replace("~0", "~") for key in operation["path"].split("/")[1:]]
        holder = document
        for key in way:
            holder = holder[int(key)] if isinstance(holder, list) else holder[key]
        op, value = operation["op"], deepcopy(operation.get("value"))
        if isinstance(holder, list):
            at = int(last)
            assert 0 <= at < len(holder) + (op == "add"), operation
            if op == "add":
                holder.insert(at, value)
            elif op == "remove":
                del holder[at]
            else:
                holder[at] = value
        else:
            assert op == "add" or last in holder, operation
            if op == "remove":
                del holder[last]
            elif op == "append":
                assert isinstance(holder[last], str), operation
                assert isinstance(value, str), operation
                holder[last] += value
            else:
                holder[last] = value
    return document


def every_item(snapshot: Snapshot) -> dict[str, Item]:
    """The items by id, those without a place included."""
    return {item.id: item for item in (*snapshot.items, *snapshot.unplaced)}


def generated(part: Part) -> str | None:
    """What was generated of a part, truncated or not. Text is not spoken, and not cut with what was."""
    if part.truncated is not None:
        return part.text or part.truncated.generated_transcript
    return part.text or part.transcript


@dataclass
class Run:
    """One stream, fed to the end; ``check`` after each event is what every law rests on."""

    conversation: Conversation
    first: Document
    changes: list[Change]

    @property
    def last(self) -> Document:
        return self.conversation.snapshot().to_dict()


def run(events: Iterable[Any], *, check: bool = True, **options: Any) -> Run:
    conversation = Conversation(**options)
    first = conversation.snapshot().to_dict()
    changes: list[Change] = []
    for event in events:
        changes.append(conversation.feed(event))
        if check:
            conversation._draft._check()
    return Run(conversation, first, changes)


def parts_of(items: Mapping[str, Item]) -> dict[tuple[str, int], Any]:
    return {(key, at): part for key, item in items.items() for at, part in enumerate(item.content)}


def assert_truth(conversation: Conversation, truth: simulate.Truth) -> None:
    """The state is what the simulator vouches for, and nothing was odd on the way."""
    snapshot = conversation.snapshot()
    items = every_item(snapshot)
    messages = {item_id: item for item_id, item in items.items() if item.type == "message"}
    parts = parts_of(items)
    assert conversation.anomalies == ()
    assert snapshot.order == truth.order
    assert {key: tuple(map(generated, item.content)) for key, item in messages.items()} == truth.texts
    assert {key: item.role for key, item in messages.items()} == truth.roles
    assert {key: item.status for key, item in items.items()} == truth.statuses
    made = {key: item.arguments for key, item in items.items() if item.type in ("function_call", "mcp_call")}
    assert made == truth.arguments
    outputs = [item for item in items.values() if item.type == "function_call_output"]
    assert {item.call_id: item.output for item in outputs} == truth.outputs
    assert set(truth.deleted).isdisjoint(items)
    assert {
        at: part.truncated.audio_end_ms for at, part in parts.items() if part.truncated
    } == truth.truncated
    spoken = {
        at: part.audio_ms for at, part in parts.items() if part.type == "output_audio" and part.audio_ms
    }
    assert spoken == truth.audio_ms
    transcriptions = {at[0]: part.transcription for at, part in parts.items() if part.transcription}
    assert {key: each.status for key, each in transcriptions.items()} == truth.transcription_status
    assert {each.id: each.status for each in snapshot.responses} == truth.responses
    placed = {*truth.order, *truth.deleted}
    apart = {each.id for each in snapshot.responses if each.output and placed.isdisjoint(each.output)}
    assert apart == set(truth.out_of_band)
    usage = snapshot.usage.to_dict()
    responses = {**usage["responses"], **usage["responses"]["input_token_details"]}
    assert {key: responses[key] for key in truth.response_usage} == truth.response_usage
    transcription = {key: usage["transcription"][key] for key in truth.transcription_usage}
    assert transcription == pytest.approx(truth.transcription_usage)


def assert_usage(document: Document) -> None:
    """The totals are the sums over the responses that ended."""
    totals = document["usage"]["responses"]
    ended = [each for each in document["responses"].values() if each["status"] != "in_progress"]
    usages = [each["usage"] for each in ended if each["usage"]]
    assert totals["count"] == len(ended)
    assert totals["without_usage"] == len(ended) - len(usages)
    for name in ("total_tokens", "input_tokens", "output_tokens"):
        assert totals[name] == _total(usages, name)
    for name in ("text_tokens", "audio_tokens", "image_tokens", "cached_tokens"):
        assert totals["input_token_details"][name] == _total(usages, "input_token_details", name)
    for name in ("text_tokens", "audio_tokens"):
        assert totals["output_token_details"][name] == _total(usages, "output_token_details", name)
        cached = totals["input_token_details"]["cached_tokens_details"][name]
        assert cached == _total(usages, "input_token_details", "cached_tokens_details", name)


def _total(usages: Iterable[Any], *path: str) -> int:
    """Add one count up over usages, where it was given."""
    found = 0
    for usage in usages:
        count = usage
        for key in path:
            count = count.get(key) if isinstance(count, dict) else None
        if isinstance(count, (int, float)) and not isinstance(count, bool) and 0 < count < 2**53:
            found += int(count)
    return found
