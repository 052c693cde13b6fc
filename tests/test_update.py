"""Several changes as one: told in few operations, and only where none is missing."""

import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Change, Conversation, Replica, Snapshot, Update, apply_patch, coalesce
from tests.helpers import committed, delta, event, spoken
from tests.laws_support import canonical, fold, run
from tests.strategies import STREAMS, Stream

PING = event("ping")
CHUNKS = ["Hi", " there", ", you"]


def fed(conversation: Conversation, *events: Any) -> list[Change]:
    return [conversation.feed(each) for each in events]


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
@given(st.data())
def test_an_update_leads_where_its_changes_lead(
    stream: st.SearchStrategy[Stream], data: st.DataObject
) -> None:
    """Any stretch, with what changed nothing among it, in both forms and through JSON."""
    result = run(data.draw(stream))
    start = data.draw(st.integers(0, len(result.changes)))
    stretch = result.changes[start : start + data.draw(st.integers(1, 40))]
    if not stretch:
        return
    before = result.first
    for change in result.changes[:start]:
        fold(before, change.patch())
    update = coalesce(stretch)
    after = apply_patch(before, [each for change in stretch for each in change.patch()])
    assert (update.since, update.revision) == (before["revision"], after["revision"])
    assert update.changes == tuple(change for change in stretch if change)
    assert bool(update) is bool(update.patch()) is any(map(bool, stretch))
    assert canonical(apply_patch(before, json.loads(json.dumps(update.patch())))) == canonical(after)
    assert canonical(jsonpatch.apply_patch(before, update.patch(append=False))) == canonical(after)
    paths = [each["path"] for each in update.patch()]
    assert paths.count("/revision") == bool(update)
    assert paths[-1:] == ["/revision"] * bool(update)


def test_deltas_are_joined() -> None:
    conversation = Conversation()
    fed(conversation, delta("."))
    update = coalesce(fed(conversation, *map(delta, CHUNKS)))
    path = "/items/a1/content/0/text"
    revision = {"op": "replace", "path": "/revision", "value": 4}
    assert update.patch() == [{"op": "append", "path": path, "value": "Hi there, you"}, revision]
    assert update.patch(append=False) == [
        {"op": "replace", "path": path, "value": ".Hi there, you"},
        revision,
    ]
    assert update.to_dict() == {"since": 1, "revision": 4, "patch": update.patch()}
    assert update.to_dict(append=False) == {"since": 1, "revision": 4, "patch": update.patch(append=False)}
    assert repr(update) == "<Update from revision 1 to 4: 3 changes>"


def test_it_stays_as_it_was_made() -> None:
    conversation = Conversation()
    update = coalesce(fed(conversation, *map(delta, CHUNKS)))
    written = canonical(update.to_dict())
    fed(conversation, delta(" and later"), spoken("x"), event("response.output_text.done", item_id="a1"))
    assert canonical(update.to_dict()) == written
    update.patch()[0]["value"].clear()
    assert canonical(update.to_dict()) == written


def test_one_change_is_an_update() -> None:
    conversation = Conversation()
    change = conversation.feed(committed("u1"))
    assert coalesce([change]).patch() == change.patch()
    assert coalesce(iter([change])).changes == (change,)


def test_what_changed_nothing_is_left_out() -> None:
    conversation = Conversation()
    changes = fed(conversation, PING, delta("a"), PING, delta("b"), PING)
    update = coalesce(changes)
    assert (update.since, update.revision) == (0, 2)
    assert update.changes == (changes[1], changes[3])
    nothing = coalesce([changes[4], changes[4]])
    assert (nothing.since, nothing.revision, nothing.patch()) == (2, 2, [])
    assert not nothing
    assert nothing.to_dict() == {"since": 2, "revision": 2, "patch": []}


def test_a_gap_is_refused() -> None:
    conversation = Conversation()
    one, two, three, nothing = fed(conversation, delta("a"), delta("b"), delta("c"), PING)
    gaps: dict[str, list[Change]] = {
        "1 is followed by 3": [one, three],
        "2 is followed by 1": [two, one],
        "3 is followed by 3": [three, three],
        "1 is followed by 3: changes are missing": [one, nothing],
        "3 is followed by 2": [nothing, two],
    }
    for message, changes in gaps.items():
        with pytest.raises(ValueError, match=f"revision {message}"):
            coalesce(changes)
    with pytest.raises(ValueError, match="at least one change"):
        coalesce([])


def test_an_update_may_be_a_snapshot_to_start_from() -> None:
    conversation = Conversation()
    fed(conversation, *map(delta, CHUNKS))
    snapshot = conversation.snapshot()
    update = Update(None, snapshot.revision, snapshot=snapshot)
    assert update
    assert update.patch() == update.patch(append=False)
    assert update.patch() == [{"op": "replace", "path": "", "value": snapshot.to_dict()}]
    assert Snapshot.from_dict(apply_patch(None, update.patch())) == snapshot
    assert repr(update) == "<Update to a snapshot of revision 3>"
    replica = Replica(Conversation().snapshot())
    assert replica.apply(json.loads(json.dumps(update.to_dict())))
    assert replica.snapshot() == snapshot
