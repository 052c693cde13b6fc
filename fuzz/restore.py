"""The target `restore`: bytes are a conversation again, or raise CheckpointError; there is no third way.

An input is a byte of options and then a checkpoint: as it is, or the JSON within, a zero byte and the ids,
and packed here so that the fuzzer need not know the compression.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import rtstate
from rtstate import Conversation, Snapshot, simulate
from tests.laws_support import canonical, fold

MAX_LEN = 32_768
RAW = b"r"
"""The option of an input that is a checkpoint as it is; any other byte says that it is JSON to be packed."""
_MORE_EVENTS = 20


@cache
def header() -> bytes:
    """Return the line that every checkpoint begins with."""
    return Conversation().checkpoint().partition(b"\n")[0] + b"\n"


def packed(payload: bytes) -> bytes:
    """Make a checkpoint of the JSON within one, and its ids."""
    text, _, ids = payload.partition(b"\0")
    return header() + zlib.compress(text, 1) + ids


def unpacked(checkpoint: bytes) -> bytes:
    """Return the JSON within a checkpoint, and its ids."""
    stream = zlib.decompressobj()
    return stream.decompress(checkpoint[len(header()) :]) + b"\0" + stream.unused_data


def check(data: bytes) -> None:
    """Restore the input, and raise where what comes of it is neither refused nor sound."""
    if not data:
        return
    checkpoint = data[1:] if data[:1] == RAW else packed(data[1:])
    try:
        conversation = Conversation.restore(checkpoint)
    except rtstate.CheckpointError:
        return
    assert_sound(conversation)
    again = Conversation.restore(conversation.checkpoint())
    assert_sound(again)
    assert canonical(again.snapshot().to_dict()) == canonical(conversation.snapshot().to_dict())
    for event in more_events(conversation.snapshot()):
        assert_fed_alike(conversation, again, event)
    assert_sound(conversation)


def assert_sound(conversation: Conversation) -> None:
    """Hold a conversation to its own rules, and its document to being written and read back."""
    conversation._draft._check()
    snapshot = conversation.snapshot()
    document = json.loads(snapshot.to_json())
    assert canonical(document) == canonical(snapshot.to_dict())
    assert Snapshot.from_dict(document) == snapshot


def assert_fed_alike(conversation: Conversation, again: Conversation, event: Any) -> None:
    """Feed one event more: both conversations go on in the same way, and the change tells it."""
    document = conversation.snapshot().to_dict()
    change = conversation.feed(event)
    assert canonical(again.feed(event).patch()) == canonical(change.patch()), "two restored ones differ"
    conversation._draft._check()
    fold(document, change.patch())
    assert canonical(document) == canonical(conversation.snapshot().to_dict()), "the patch leads elsewhere"


@cache
def _session() -> tuple[str, ...]:
    """Return one event of every type of a simulated session, as JSON, in their order."""
    events = {each["type"]: each for each in simulate.session(seed=5, turns=4).events}
    return tuple(json.dumps({**each, "event_id": f"more_{at}"}) for at, each in enumerate(events.values()))


def more_events(snapshot: Snapshot) -> Iterator[str]:
    """Yield events of a session of its own, and then the same about items and responses that are there."""
    document = snapshot.to_dict()
    events = _session()[-_MORE_EVENTS:]
    yield from events
    items, responses = list(document["items"]), list(document["responses"])
    for at, event in enumerate(events):
        yield json.dumps(_about(json.loads(event), items, responses, at) | {"event_id": f"again_{at}"})


def _about(value: Any, items: list[str], responses: list[str], at: int) -> Any:
    """Return the event with its ids replaced by ones in use."""
    if isinstance(value, list):
        return [_about(each, items, responses, at) for each in value]
    if not isinstance(value, dict):
        return value
    bent = {key: _about(inner, items, responses, at + 1) for key, inner in value.items()}
    for key, pool in {"item_id": items, "previous_item_id": items, "response_id": responses}.items():
        if pool and isinstance(value.get(key), str):
            bent[key] = pool[at % len(pool)]
    if isinstance(value.get("id"), str):
        pool = responses if "output" in value and "call_id" not in value else items
        bent["id"] = pool[at % len(pool)] if pool else value["id"]
    return bent
