"""Legal sessions lead to what the simulator vouches for, and no order of doings shakes a conversation."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rtstate import Conversation, Item, Snapshot, simulate
from tests.laws_support import Document, canonical, every_item, fold, generated, run
from tests.strategies import Call, Event, calls, events


def parts_of(items: Mapping[str, Item]) -> dict[tuple[str, int], Any]:
    return {(key, at): part for key, item in items.items() for at, part in enumerate(item.content)}


@given(calls)
@example(Call("simulate.example()", simulate.example()))
def test_legal_sessions_reduce_to_their_truth(call: Call) -> None:
    truth = call.session.truth
    conversation = run(call.session.events).conversation
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


class Life(RuleBasedStateMachine):
    """Events, fresh, again and late, between snapshots that are held until the end."""

    def __init__(self) -> None:
        super().__init__()
        self.conversation = Conversation()
        self.document: Document = self.conversation.snapshot().to_dict()
        self.held: list[tuple[Snapshot, str]] = []
        self.fed: list[Event] = []
        self.put_off: list[Event] = []

    def take(self, event: Event) -> None:
        self.fed.append(event)
        change = self.conversation.feed(event)
        fold(self.document, change.patch())
        assert bool(change) == bool(change.operations)
        assert change.revision == self.conversation.revision

    @rule(event=events)
    def fresh(self, event: Event) -> None:
        self.take(event)

    @rule(event=events)
    def put_one_off(self, event: Event) -> None:
        self.put_off.append(event)

    @rule(at=st.integers(0, 9))
    def deliver_late(self, at: int) -> None:
        if self.put_off:
            self.take(self.put_off.pop(at % len(self.put_off)))

    @rule(at=st.integers(0, 99))
    def repeat(self, at: int) -> None:
        if self.fed:
            event = self.fed[at % len(self.fed)]
            change = self.conversation.feed(event)
            fold(self.document, change.patch())
            assert not (change and event.get("event_id"))

    @rule()
    def hold(self) -> None:
        self.held.append((self.conversation.snapshot(), canonical(self.document)))

    @rule()
    def write_and_read(self) -> None:
        snapshot = self.conversation.snapshot()
        assert Snapshot.from_dict(snapshot.to_dict()) == snapshot

    @invariant()
    def is_sound(self) -> None:
        self.conversation._draft._check()

    def teardown(self) -> None:
        self.hold()
        assert [canonical(snapshot.to_dict()) for snapshot, _ in self.held] == [then for _, then in self.held]
        assert len(list(self.conversation.changes(since=0))) == self.conversation.revision


TestLife = Life.TestCase
