"""Legal sessions lead to what the simulator vouches for, and no order of doings shakes a conversation."""

from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rtstate import Conversation, Snapshot, simulate
from tests.laws_support import Document, assert_truth, canonical, fold, run
from tests.strategies import Call, Event, calls, events


@given(calls)
@example(Call("simulate.example()", simulate.example()))
def test_legal_sessions_reduce_to_their_truth(call: Call) -> None:
    assert_truth(run(call.session.events).conversation, call.session.truth)


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
