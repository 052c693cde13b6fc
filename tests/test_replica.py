"""Replicas follow a conversation, whatever becomes of the changes on their way."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rtstate import (
    Change,
    Conversation,
    DocumentError,
    PatchError,
    Replica,
    RevisionGap,
    Snapshot,
    Update,
    coalesce,
    diff,
)
from tests.helpers import added, committed, deleted, delta, done, event, response_created, user
from tests.laws_support import canonical
from tests.strategies import Event, calls, events
from tests.test_costs import Work, long_conversation, typed
from tests.test_document import rich

PING = event("ping")
COPIES = {"Change": None, "patch": True, "strict patch": False}


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


class Following(RuleBasedStateMachine):
    """A conversation goes on while its changes get lost, come twice, late, and in any form."""

    @initialize(call=calls, start=st.integers(0, 20))
    def begin(self, call: Any, start: int) -> None:
        self.script: list[Event] = list(call.session.events)
        self.conversation = Conversation()
        self.changes: list[Change] = []
        self.moments = [self.conversation.snapshot()]
        self.held: list[tuple[Snapshot, str]] = []
        self.go_on(start)
        shared = self.conversation.snapshot()
        self.replicas = [Replica(shared), Replica(shared), Replica(through_json(shared.to_dict()))]
        self.replicas.append(Replica(self.replicas[0].snapshot()))

    def feed(self, raw: Event) -> None:
        change = self.conversation.feed(raw)
        self.changes.append(change)
        if change:
            self.moments.append(self.conversation.snapshot())

    def deliver(self, which: int, news: Any, since: int, revision: int) -> None:
        """Hand something over, and see that it is taken, passed over or refused as its revisions say."""
        replica = self.replicas[which % len(self.replicas)]
        before, at = replica.snapshot(), replica.revision
        if revision <= at:
            assert replica.apply(news) is False
        elif since != at:
            what = ", so it has some of them: " if since < at else ": "
            with pytest.raises(RevisionGap, match=rf"revision {since} and the replica is at {at}{what}apply"):
                replica.apply(news)
        else:
            assert replica.apply(news) is True
            assert replica.revision == revision
            self.held.append((before, canonical(self.moments[at].to_dict())))
            return
        assert replica.snapshot() is before

    @rule(count=st.integers(1, 10))
    def go_on(self, count: int) -> None:
        for _ in range(min(count, len(self.script))):
            self.feed(self.script.pop(0))

    @rule(raw=events)
    def collide(self, raw: Event) -> None:
        self.feed(raw)

    @rule(which=st.integers(0, 3), form=st.sampled_from(list(COPIES)), data=st.data())
    def some_change_arrives(self, which: int, form: str, data: st.DataObject) -> None:
        if self.changes:
            self.hand_over(which, data.draw(st.sampled_from(self.changes)), form)

    @rule(which=st.integers(0, 3), forms=st.lists(st.sampled_from(list(COPIES)), min_size=1, max_size=20))
    def the_next_changes_arrive(self, which: int, forms: list[str]) -> None:
        at = self.replicas[which].revision
        for change, form in zip((each for each in self.changes if each.revision > at), forms, strict=False):
            self.hand_over(which, change, form)

    def hand_over(self, which: int, change: Change, form: str) -> None:
        if form == "Change":
            self.deliver(which, change, change.revision - bool(change), change.revision)
        elif change:
            patch = through_json(change.patch(append=form == "patch"))
            self.deliver(which, patch, change.revision - 1, change.revision)
        else:
            self.deliver(which, change.patch(), 0, 0)

    @rule(which=st.integers(0, 3), data=st.data(), append=st.none() | st.booleans(), fits=st.booleans())
    def an_update_arrives(self, which: int, data: st.DataObject, append: bool | None, fits: bool) -> None:
        told = [change for change in self.changes if change]
        start = self.replicas[which].revision if fits else data.draw(st.integers(0, len(told)))
        if told[start:]:
            update = coalesce(told[start : start + data.draw(st.integers(1, 20))])
            news = update if append is None else through_json(update.to_dict(append))
            self.deliver(which, news, update.since or 0, update.revision)

    @rule(which=st.integers(0, 3), form=st.sampled_from(("update", "dict", "patch", "seed", "document")))
    def it_starts_anew(self, which: int, form: str) -> None:
        snapshot = self.conversation.snapshot()
        replica = self.replicas[which]
        update = Update(None, snapshot.revision, snapshot=snapshot)
        if form == "seed":
            replica.seed(snapshot)
        elif form == "document":
            replica.seed(through_json(snapshot.to_dict()))
        else:
            forms: dict[str, Any] = {"update": update, "dict": through_json(update.to_dict())}
            assert replica.apply(forms.get(form) or update.patch())
        assert replica.snapshot() == snapshot

    @rule(which=st.integers(0, 3), other=st.integers(0, 3))
    def one_follows_the_state_of_another(self, which: int, other: int) -> None:
        self.replicas[which].seed(self.replicas[other].snapshot())

    @rule(which=st.integers(0, 3))
    def another_conversation_interferes(self, which: int) -> None:
        """What does not fit leaves no trace, also where it names ids that are to come."""
        replica = self.replicas[which]
        before = replica.snapshot()
        operations = [
            {"op": "add", "path": "/items/item_c", "value": {"id": "item_c"}},
            {"op": "add", "path": "/responses/resp_2", "value": {}},
            {"op": "replace", "path": "/revision", "value": replica.revision + 1},
        ]
        with pytest.raises(DocumentError):
            replica.apply(operations)
        with pytest.raises(PatchError):
            replica.apply({"since": replica.revision, "revision": replica.revision + 1, "patch": []})
        assert replica.snapshot() is before

    @invariant()
    def everyone_is_where_the_conversation_was(self) -> None:
        for replica in self.replicas:
            found, expected = replica.snapshot(), self.moments[replica.revision]
            assert canonical(found.to_dict()) == canonical(expected.to_dict())
            assert found.order == expected.order
            assert found.items == expected.items
            assert [each.id for each in found.responses] == [each.id for each in expected.responses]
            assert {each.id for each in found.unplaced} == {each.id for each in expected.unplaced}
            assert diff(found, expected) == diff(expected, found) == []

    def teardown(self) -> None:
        for snapshot, written in getattr(self, "held", ()):
            assert canonical(snapshot.to_dict()) == written


Following.TestCase.settings = settings(stateful_step_count=30)
TestFollowing = Following.TestCase


# What it takes


def revised(*operations: Any, by: int = 1) -> list[Any]:
    return [*operations, {"op": "replace", "path": "/revision", "value": rich().revision + by}]


AT = rich().revision
ITEM = rich().snapshot().to_dict()["items"]["u1"]


def pair() -> tuple[Conversation, Replica]:
    conversation = rich()
    return conversation, Replica(conversation.snapshot())


def test_it_starts_from_a_snapshot_or_a_document() -> None:
    conversation, replica = pair()
    assert replica.snapshot() == conversation.snapshot()
    assert Replica(replica.snapshot().to_dict()).snapshot() == replica.snapshot()
    assert replica.revision == conversation.revision
    assert repr(replica) == f"<Replica at revision {replica.revision}>"
    assert replica.snapshot() is replica.snapshot()


def test_a_gap_says_what_to_do() -> None:
    conversation, replica = pair()
    at = replica.revision
    conversation.feed(delta("a", "a2"))
    change = conversation.feed(delta("b", "a2"))
    message = f"go on from revision {at + 1} and the replica is at {at}: apply changes\\(since={at}\\) first"
    with pytest.raises(RevisionGap, match=message):
        replica.apply(change)
    for each in conversation.changes(since=at):
        assert replica.apply(each)
    assert not replica.apply(change)
    assert replica.snapshot() == conversation.snapshot()


def test_an_update_that_begins_before_it_stands_is_refused() -> None:
    """Half of it is known already; what is missing has to be asked for."""
    conversation, replica = pair()
    at = replica.revision
    changes = [conversation.feed(delta(chunk, "a2")) for chunk in "abc"]
    assert replica.apply(changes[0])
    before = replica.snapshot()
    message = (
        f"from revision {at} and the replica is at {at + 1}, so it has some of them: "
        f"apply changes\\(since={at + 1}\\) instead"
    )
    with pytest.raises(RevisionGap, match=message):
        replica.apply(coalesce(changes))
    assert replica.snapshot() is before
    assert replica.apply(coalesce(conversation.changes(since=replica.revision)))
    assert replica.snapshot() == conversation.snapshot()


def test_what_changed_nothing_is_passed_over_unless_something_is_missing() -> None:
    conversation, replica = pair()
    nothing = conversation.feed(PING)
    assert not replica.apply(nothing)
    assert not replica.apply(nothing.patch())
    assert not replica.apply(coalesce([nothing]))
    conversation.feed(delta("a", "a2"))
    with pytest.raises(RevisionGap):
        replica.apply(conversation.feed(PING))


def test_new_responses_and_items_come_in_the_order_in_which_they_were_seen() -> None:
    conversation, replica = pair()
    names = [f"r{at}" for at in (9, 3, 7, 1, 8, 2)]
    changes = [conversation.feed(response_created(each)) for each in names]
    changes += [conversation.feed(delta("x", f"item_{each}", response_id=each)) for each in reversed(names)]
    assert replica.apply(coalesce(changes))
    expected = [each.id for each in conversation.snapshot().responses]
    assert [each.id for each in replica.snapshot().responses] == expected
    assert list(replica.snapshot().to_dict()["items"]) == list(conversation.snapshot().to_dict()["items"])


def test_what_does_not_change_is_shared() -> None:
    conversation, replica = pair()
    before = replica.snapshot()
    assert replica.apply(conversation.feed(delta("x", "a2")))
    after = replica.snapshot()
    assert all(after.item(each) is before.item(each) for each in before.order if each != "a2")
    assert after.item("a2") is not before.item("a2")
    assert after.usage is before.usage
    assert after.response("r1") is before.response("r1")
    assert [
        one is other for one, other in zip(before.items, conversation.snapshot().items, strict=True)
    ].count(False) == 1
    assert len(diff(before, after)) == 2


def test_a_translation_begins_and_goes_on() -> None:
    conversation, replica = Conversation(), Replica(Conversation().snapshot())
    for text in ("Hola", " y", " adiós"):
        assert replica.apply(conversation.feed(event("session.output_transcript.delta", delta=text)).patch())
    assert replica.snapshot() == conversation.snapshot()


def test_operations_of_other_kinds_are_taken_as_well() -> None:
    conversation, replica = pair()
    at = replica.revision
    replica.apply(
        [
            {"op": "test", "path": "/revision", "value": at},
            {"op": "copy", "from": "/session/id", "path": "/session/copied"},
            {"op": "move", "from": "/session/copied", "path": "/session/moved"},
            {"op": "replace", "path": "/items", "value": {}},
            {"op": "replace", "path": "/order", "value": []},
            {"op": "replace", "path": "/revision", "value": at + 1},
        ]
    )
    expected = {**conversation.snapshot().to_dict(), "items": {}, "order": [], "revision": at + 1}
    expected["session"]["moved"] = expected["session"]["id"]
    assert replica.snapshot().to_dict() == expected


@pytest.mark.parametrize("append", [True, False])
def test_nobody_who_keeps_what_was_given_can_change_a_replica(append: bool) -> None:
    conversation, _ = pair()
    document = conversation.snapshot().to_dict()
    replica = Replica(document)
    spoil(document)
    sent = (
        added(user("u7", "Hi", colour=["red", {"a": [1]}])),
        event("session.updated", session={"id": "sess_1", "tools": [{"name": "new"}]}),
        event("error", error={"type": "x", "message": "no"}),
        {"type": "rate_limits.updated", "rate_limits": [{"name": "requests", "limit": 5}]},
        response_created("r8", metadata={"topic": "x"}),
        deleted("u1"),
    )
    for each in sent:
        patch = conversation.feed(each).patch(append)
        assert replica.apply(patch)
        spoil(patch)
        spoil(replica.snapshot().to_dict())
        assert replica.snapshot().to_dict() == conversation.snapshot().to_dict()


def spoil(value: Any) -> None:
    for each in list(value.values()) if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            spoil(each)
    value.clear()


def test_replicas_that_part_ways_disturb_neither_each_other_nor_the_conversation() -> None:
    conversation, events = rich(), (committed("z"), response_created("r9"))
    shared = conversation.snapshot()
    replicas = {name: Replica(shared) for name in "xy"}
    for name, replica in replicas.items():
        response = {**shared.to_dict()["responses"]["r1"], "id": name}
        item = {"op": "add", "path": f"/items/{name}", "value": {**ITEM, "id": name}}
        assert replica.apply(revised(item, {"op": "add", "path": f"/responses/{name}", "value": response}))
    for name, replica in replicas.items():
        snapshot, other = replica.snapshot(), "y" if name == "x" else "x"
        assert snapshot.item(name) == snapshot.unplaced[-1]
        assert snapshot.response(name) == snapshot.responses[-1]
        assert snapshot.item(other) is snapshot.response(other) is None
        assert Snapshot.from_dict(snapshot.to_dict()) == snapshot
    for each in events:
        conversation.feed(each)
    expected = rich()
    for each in events:
        expected.feed(each)
    assert conversation.snapshot() == expected.snapshot()
    assert shared == rich().snapshot()


# What it costs


@pytest.fixture(scope="module")
def followed() -> list[tuple[Conversation, Replica]]:
    conversations = [long_conversation(10), long_conversation(10_000)]
    return [(each, Replica(each.snapshot())) for each in conversations]


FEW: Mapping[str, Event | str] = {
    "a delta": delta(" there", "item_new"),
    "one item": done({"id": "item_5", "type": "message", "colour": "red"}),
    "a response": response_created("resp_new"),
    "an item without a place": event("input_audio_buffer.speech_started", item_id="item_late"),
    "an error": event("error", error={"type": "x"}),
}


@pytest.mark.parametrize("few", FEW)
def test_work_follows_what_changes(few: str, followed: list[tuple[Conversation, Replica]]) -> None:
    works = []
    for conversation, replica in followed:
        change = conversation.feed(FEW[few])
        assert change
        works.append(Work(lambda change=change, replica=replica: replica.apply(change)))
    short, long = works
    assert long.calls <= short.calls + 60
    assert long.bytes <= short.bytes + 16_000


def test_a_new_place_costs_a_look_at_all_ids(followed: list[tuple[Conversation, Replica]]) -> None:
    conversation, replica = followed[1]
    change = conversation.feed(typed(10**9, "item_5"))
    assert Work(lambda: replica.apply(change)).calls < 100_000  # ten for each
    assert replica.snapshot().order == conversation.snapshot().order
