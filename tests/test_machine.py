"""One conversation through everything at once: events, losses, repeats, reordering, stops, and every reader.

Hypothesis chooses what happens next; after each step the laws are held against what it came to.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import jsonpatch
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rtstate import Change, Conversation, Replica, Snapshot, Timeline, apply_patch, coalesce, diff, reduce
from tests.laws_support import canonical, every_item, fold
from tests.strategies import Call, Event, almost_events, calls, events

_RANKS = {"in_progress": 0, "incomplete": 1, "completed": 2}
_AHEAD = 6


class Life(RuleBasedStateMachine):
    """``conversation`` is stopped and resumed; ``unbroken`` gets the same events and never is."""

    @initialize(call=calls, audio=st.sampled_from(("measure", "keep")))
    def begin(self, call: Call, audio: Any) -> None:
        self.conversation = Conversation(audio=audio)
        self.unbroken = Conversation(audio=audio)
        self.timeline = Timeline(interval=5, audio=audio)
        self.ahead: list[Any] = list(call.session.events)
        self.fed: list[Any] = []
        self.changes: list[Change] = []
        self.sent = 0
        self.document = self.conversation.snapshot().to_dict()
        self.strict = deepcopy(self.document)
        self.replica = Replica(self.conversation.snapshot())
        self.slow = Replica(self.document)
        self.behind: list[Change] = []
        self.held = [(self.conversation.snapshot(), canonical(self.document))]
        self.stops = [(self.conversation.checkpoint(), 0)]

    # Events

    def feed(self, event: Any) -> Change:
        before = self.conversation.snapshot()
        change = self.conversation.feed(event)
        self.fed.append(event)
        self.changes.append(change)
        self.behind.append(change)
        fold(self.document, change.patch())
        self.strict = jsonpatch.apply_patch(self.strict, change.patch(append=False), in_place=True)
        self.replica.apply(change)
        same = self.unbroken.feed(event)
        assert (canonical(same.patch()), same.anomalies) == (canonical(change.patch()), change.anomalies)
        assert self.timeline.feed(event).revision == change.revision
        after = self.conversation.snapshot()
        assert (after is before) is not bool(change)
        never_backwards(before, after, deleted=self.may_delete(event))
        return change

    def may_delete(self, event: Any) -> bool:
        """Items leave when they are deleted, when a creation is refused, or unheard speech is discarded."""
        name = str(event.get("type")) if isinstance(event, dict) else ""
        return name in ("error", "input_audio_buffer.cleared") or ".delete" in name

    @precondition(lambda self: self.ahead)
    @rule(count=st.integers(1, 8))
    def next_events(self, count: int) -> None:
        for _ in range(min(count, len(self.ahead))):
            self.feed(self.ahead.pop(0))

    @precondition(lambda self: self.ahead)
    @rule(place=st.integers(0, _AHEAD))
    def an_event_comes_early(self, place: int) -> None:
        self.feed(self.ahead.pop(min(place, len(self.ahead) - 1)))

    @precondition(lambda self: self.ahead)
    @rule(place=st.integers(0, _AHEAD))
    def an_event_is_lost(self, place: int) -> None:
        self.ahead.pop(min(place, len(self.ahead) - 1))

    @precondition(lambda self: self.fed)
    @rule(data=st.data())
    def an_event_comes_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.fed))
        change = self.feed(event)
        if isinstance(event, dict) and isinstance(event.get("event_id"), str):
            assert not change

    @rule(event=events)
    def an_event_about_others(self, event: Event) -> None:
        self.feed(event)

    @rule(event=almost_events)
    def what_is_hardly_an_event(self, event: Any) -> None:
        change = self.feed(event)
        if any(each.kind in ("invalid", "unknown") for each in change.anomalies):
            assert not change

    @rule(data=st.data(), kind=st.sampled_from(("delete", "truncate", "create")))
    def the_client_asks(self, data: st.DataObject, kind: str) -> None:
        self.sent += 1
        known = list(self.document["items"]) or ["item_a"]
        item_id = data.draw(st.sampled_from(known))
        event: Event = {"type": f"conversation.item.{kind}", "event_id": f"sent_{self.sent}"}
        if kind == "create":
            event["item"] = {"id": f"mine_{self.sent}", "type": "message", "role": "user", "content": []}
            event["previous_item_id"] = item_id
        else:
            event.update(item_id=item_id, content_index=0, audio_end_ms=data.draw(st.integers(0, 900)))
        self.feed(event)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def the_server_refuses(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.sent))
        self.feed({"type": "error", "error": {"message": "No.", "event_id": f"sent_{number}"}})

    # Stops

    @rule()
    def it_is_stopped_and_resumed(self) -> None:
        checkpoint = self.conversation.checkpoint()
        self.conversation = Conversation.restore(checkpoint)
        assert self.conversation.checkpoint() == checkpoint

    @rule()
    def a_checkpoint_is_kept(self) -> None:
        self.stops.append((self.conversation.checkpoint(), len(self.fed)))

    @rule(data=st.data())
    def an_old_checkpoint_catches_up(self, data: st.DataObject) -> None:
        checkpoint, number = data.draw(st.sampled_from(self.stops))
        assert reduce(checkpoint, self.fed[number:]) == self.conversation.checkpoint()

    # Readers

    @rule()
    def a_snapshot_is_kept(self) -> None:
        self.held.append((self.conversation.snapshot(), canonical(self.document)))

    @rule(data=st.data())
    def two_snapshots_are_compared(self, data: st.DataObject) -> None:
        (one, then), (other, now) = (data.draw(st.sampled_from(self.held)) for _ in range(2))
        assert canonical(apply_patch(json.loads(then), diff(one, other))) == now
        assert canonical(fold(json.loads(now), diff(other, one, append=True))) == then

    @rule(count=st.integers(1, 10))
    def a_viewer_steps_back(self, count: int) -> None:
        document = deepcopy(self.document)
        for change in reversed(self.changes[-count:]):
            document = apply_patch(document, change.inverse())
            if change:
                assert document["revision"] == change.revision - 1
        then = self.timeline.at(document["revision"])
        assert canonical(document) == canonical(then.to_dict())
        for change in self.changes[-count:]:
            document = jsonpatch.apply_patch(document, change.patch(append=False))
        assert canonical(document) == canonical(self.document)

    @rule(append=st.booleans())
    def a_slow_viewer_catches_up(self, append: bool) -> None:
        if self.behind:
            self.slow.apply(json.loads(json.dumps(coalesce(self.behind).to_dict(append))))
            self.behind.clear()
        assert canonical(self.slow.snapshot().to_dict()) == canonical(self.document)

    @rule(data=st.data())
    def someone_looks_back(self, data: st.DataObject) -> None:
        snapshot, then = data.draw(st.sampled_from(self.held))
        assert canonical(self.timeline.at(snapshot.revision).to_dict()) == then

    # Laws

    @invariant()
    def every_form_of_the_state_agrees(self) -> None:
        snapshot = self.conversation.snapshot()
        document = canonical(snapshot.to_dict())
        assert canonical(self.document) == document
        assert canonical(self.strict) == document
        assert canonical(self.replica.snapshot().to_dict()) == document
        assert canonical(self.unbroken.snapshot().to_dict()) == document
        assert Snapshot.from_dict(json.loads(snapshot.to_json())) == snapshot
        assert self.conversation.revision == self.document["revision"]
        self.conversation._draft._check()

    @invariant()
    def nothing_that_was_counted_differs(self) -> None:
        assert self.conversation.stats == self.unbroken.stats
        assert self.conversation.stats.events == len(self.fed)
        assert self.conversation.anomalies == self.unbroken.anomalies
        ended = [each for each in self.document["responses"].values() if each["status"] != "in_progress"]
        totals = self.document["usage"]["responses"]
        assert totals["count"] == len(ended)
        assert totals["without_usage"] == sum(not each["usage"] for each in ended)

    def teardown(self) -> None:
        for snapshot, then in getattr(self, "held", ()):
            assert canonical(snapshot.to_dict()) == then, "a snapshot has changed"


def never_backwards(before: Snapshot, after: Snapshot, *, deleted: bool) -> None:
    now = every_item(after)
    for item_id, item in every_item(before).items():
        if now.get(item_id) is item:
            continue
        assert item_id in now or deleted, f"{item_id} is gone"
        if item_id in now and {item.status, now[item_id].status} <= set(_RANKS):
            assert _RANKS[str(now[item_id].status)] >= _RANKS[str(item.status)]


TestLife = Life.TestCase
