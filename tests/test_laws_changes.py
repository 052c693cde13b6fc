"""The laws of the design that are about changes: what they say, and what they lead to. See `test_laws.py`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Change, Conversation, Snapshot, replay, simulate
from tests.laws_support import canonical, every_item, fold, run
from tests.strategies import STREAMS, Stream

over_every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
Streams = st.SearchStrategy[Stream]


# 1. Changes


@over_every_stream
@given(st.data())
def test_changes_folded_into_the_first_document_give_the_last(stream: Streams, data: st.DataObject) -> None:
    result = run(data.draw(stream))
    document = result.first
    for number, change in enumerate(change for change in result.changes if change):
        fold(document, change.patch())
        assert document["revision"] == change.revision == number + 1
    assert canonical(document) == canonical(result.last)


@over_every_stream
@given(st.data())
def test_strict_patches_give_the_same_through_a_stock_library(stream: Streams, data: st.DataObject) -> None:
    result = run(data.draw(stream))
    document = deepcopy(result.first)
    for change in result.changes:
        document = jsonpatch.apply_patch(document, change.patch(append=False), in_place=True)
    assert canonical(document) == canonical(result.last)


@over_every_stream
@given(st.data())
def test_a_change_reads_the_same_at_once_and_at_the_end(stream: Streams, data: st.DataObject) -> None:
    conversation = Conversation()
    read: list[tuple[Change, str]] = []
    for event in data.draw(stream):
        change = conversation.feed(event)
        read.append((change, both_forms(change)))
    assert [both_forms(change) for change, _ in read] == [patch for _, patch in read]


def both_forms(change: Change) -> str:
    return canonical([change.patch(), change.patch(append=False), change.inverse()])


@over_every_stream
@given(st.data())
def test_changes_taken_back_lead_to_the_first_document(stream: Streams, data: st.DataObject) -> None:
    result = run(data.draw(stream))
    document = result.last
    for change in reversed(result.changes):
        fold(document, change.inverse())
        assert document["revision"] == change.revision - bool(change)
    assert canonical(document) == canonical(result.first)


# 2. Snapshots


@over_every_stream
@given(st.data())
def test_a_snapshot_held_shows_its_own_moment(stream: Streams, data: st.DataObject) -> None:
    """Snapshots are read only at the end, and compared with what the changes say the document was then."""
    conversation = Conversation()
    snapshot = conversation.snapshot()
    document = snapshot.to_dict()
    held = [(snapshot, canonical(document))]
    for event in data.draw(stream):
        change = conversation.feed(event)
        snapshot = conversation.snapshot()
        assert (snapshot is held[-1][0]) is not bool(change)
        if change:
            held.append((snapshot, canonical(fold(document, change.patch()))))
        assert conversation.snapshot() is snapshot
    assert [canonical(snapshot.to_dict()) for snapshot, _ in held] == [then for _, then in held]


@over_every_stream
@given(st.data())
def test_what_a_change_does_not_touch_is_the_same_object(stream: Streams, data: st.DataObject) -> None:
    conversation = Conversation()
    before = conversation.snapshot()
    for event in data.draw(stream):
        paths = [operation.path for operation in conversation.feed(event).operations]
        after = conversation.snapshot()
        for item_id, item in every_item(before).items():
            touched = [path for path in paths if path[:2] == ("items", item_id)]
            now = after.item(item_id)
            if not touched:
                assert now is item
            elif now is not None and all(path[2:3] == ("content",) and len(path) > 4 for path in touched):
                parts = {path[3] for path in touched}
                assert all(now.content[at] is each for at, each in enumerate(item.content) if at not in parts)
        for response in before.responses:
            if not any(path[:2] == ("responses", response.id) for path in paths):
                assert after.response(response.id) is response
        if not any(path[0] == "usage" for path in paths):
            assert after.usage is before.usage
        before = after


@over_every_stream
@given(st.data())
def test_a_document_reads_back(stream: Streams, data: st.DataObject) -> None:
    result = run(data.draw(stream))
    snapshot = result.conversation.snapshot()
    again = Snapshot.from_dict(json.loads(snapshot.to_json()))
    assert again == snapshot
    assert hash(again) == hash(snapshot)
    assert again.to_json() == snapshot.to_json()
    assert again.order == snapshot.order
    assert again.responses == snapshot.responses
    assert again.usage == snapshot.usage
    assert canonical(again.to_dict()) == canonical(result.last)


# 3. Repetition


def named(events: Iterable[Any]) -> Stream:
    """The same events, each with an id of its own where it is an object at all."""
    return [
        {**event, "event_id": f"event_{number}"} if isinstance(event, dict) else event
        for number, event in enumerate(events)
    ]


@over_every_stream
@given(st.data())
def test_a_repeated_event_changes_nothing(stream: Streams, data: st.DataObject) -> None:
    stream_once = named(data.draw(stream))
    once, twice = Conversation(), Conversation()
    for number, event in enumerate(stream_once):
        once.feed(event)
        twice.feed(event)
        snapshot = twice.snapshot()
        for again in (number, number // 2):
            assert not twice.feed(stream_once[again])
        assert twice.snapshot() is snapshot
    assert twice.snapshot().to_json() == once.snapshot().to_json()
    assert twice.stats.duplicates + twice.stats.invalid >= 2 * len(stream_once)


def test_server_and_client_events_share_no_ids() -> None:
    conversation = Conversation()
    conversation.feed({"type": "input_audio_buffer.speech_started", "item_id": "item_a"})
    conversation.sent({"type": "conversation.item.delete", "item_id": "item_a", "event_id": "event_1"})
    conversation.feed({"type": "conversation.item.deleted", "item_id": "item_a", "event_id": "event_1"})
    assert conversation.stats.duplicates == 0
    assert conversation.snapshot().item("item_a") is None


# 6. Replay


def _line(event: Any) -> str:
    return event if isinstance(event, str) else json.dumps(event)


@over_every_stream
@given(st.data())
def test_a_recording_replays_to_the_same_document(stream: Streams, data: st.DataObject) -> None:
    """Whatever the events were given as, and however often the state was read on the way."""
    drawn = data.draw(stream)
    lines = list(map(_line, drawn))
    conversation = Conversation()
    for event in drawn:
        conversation.feed(event)
        conversation.snapshot().to_dict()
    expected = conversation.snapshot().to_json()
    assert replay(lines).snapshot().to_json() == expected
    assert replay([line.encode() for line in lines]).snapshot().to_json() == expected


_REPLAY = """
import sys, rtstate
for line in sys.stdin.read().split("\\f"):
    print(rtstate.replay(line.split("\\n")).snapshot().to_json())
"""


def test_a_recording_replays_the_same_in_another_process() -> None:
    streams: list[Stream] = []
    for seed, dialect in enumerate(simulate.DIALECTS * 3):
        call = simulate.session(seed=seed, turns=4, dialect=dialect)
        streams += [list(call.events), simulate.faults(call.events, seed, 0.05, 0.1, 9, 0.05)]
    texts = ["\n".join(map(_line, stream)) for stream in streams]
    expected = [replay(text.split("\n")).snapshot().to_json() for text in texts]
    for hash_seed in ("1", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", _REPLAY],
            input="\f".join(texts),
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert result.stdout.split("\n")[:-1] == expected


# 7. Checkpoints

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "audio": st.just("keep"),
        "dialect": st.sampled_from(("openai", "xai")),
        "history": st.sampled_from((0, 3)),
    },
)


@over_every_stream
@given(st.data())
def test_what_was_stopped_goes_on_as_if_it_had_not(stream: Streams, data: st.DataObject) -> None:
    """Saved and restored at several points, it says and holds at every step what it would have."""
    events, options = data.draw(stream), data.draw(OPTIONS)
    stops = data.draw(st.sets(st.integers(0, len(events)), min_size=1, max_size=4), label="stops")
    through, stopped = Conversation(**options), Conversation(**options)
    for number, event in enumerate([*events, *events[-2:]]):
        if number in stops:
            checkpoint = stopped.checkpoint()
            assert checkpoint == through.checkpoint()
            stopped = Conversation.restore(checkpoint)
            stopped._draft._check()
            assert stopped.checkpoint() == checkpoint
            assert stopped.snapshot().to_json() == through.snapshot().to_json()
        change, again = through.feed(event, at=number), stopped.feed(event, at=number)
        assert both_forms(again) == both_forms(change)
        assert told(again) == told(change)
    assert (stopped.anomalies, stopped.stats) == (through.anomalies, through.stats)
    assert stopped.snapshot().to_json() == through.snapshot().to_json()
    assert stopped.checkpoint() == through.checkpoint()
    if "audio" in options:
        for item in every_item(through.snapshot()).values():
            for at in range(len(item.content)):
                assert stopped.audio(item.id, at) == through.audio(item.id, at)


def told(change: Change) -> Any:
    return change.revision, change.at, change.event_id, change.event_type, change.anomalies


@over_every_stream
@given(st.data())
def test_a_stop_changes_nothing_for_those_that_follow(stream: Streams, data: st.DataObject) -> None:
    """Checkpoints are taken along the way and nothing is restored: they leave no trace."""
    events = data.draw(stream)
    saved, plain = Conversation(), Conversation()
    for event in events:
        saved.checkpoint()
        assert both_forms(saved.feed(event)) == both_forms(plain.feed(event))
    assert saved.checkpoint() == plain.checkpoint()
