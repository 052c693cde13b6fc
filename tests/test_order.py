"""Order against a plain list that is told the same, and the cost of labels."""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rtstate._order import Order
from rtstate._types import END, End


class Line:
    """The order as the design tells it: one list, in which deleted items stay as ghosts.

    ``behind`` is what each id was placed behind; an id that moves takes along all that leads back to it.
    """

    def __init__(self) -> None:
        self.line: list[str] = []
        self.ghosts: set[str] = set()
        self.settled: set[str] = set()
        self.behind: dict[str, str] = {}
        self.waiting: dict[str, str] = {}  # in the order in which they came
        self.floor: str | None = None

    def ids(self) -> list[str]:
        return [each for each in self.line if each not in self.ghosts]

    def append(self, item_id: str, *, settled: bool, behind: str | End | None = END) -> None:
        if item_id not in self.line:
            if isinstance(behind, End):
                self.line.append(item_id)
            else:
                self._put([item_id], self.floor if behind is None else behind)
            self._arrived(item_id)
        if settled and item_id not in self.waiting:
            self.settled.add(item_id)

    def place(self, item_id: str, anchor: str | None) -> bool:
        if anchor is not None and anchor not in self.line:
            self.append(item_id, settled=False)
            if item_id not in self.settled:
                self.waiting.setdefault(item_id, anchor)
            return False
        if item_id not in self.line:
            self._put([item_id], self.floor if anchor is None else anchor)
            self._settle(item_id, anchor)
            self._arrived(item_id)
            return True
        return self._move(item_id, anchor)

    def forget(self, item_id: str) -> None:
        for each in [each for each, anchor in self.waiting.items() if anchor == item_id]:
            self._settle(each, None)

    def remove(self, item_id: str) -> None:
        if item_id in self.line:
            self.ghosts.add(item_id)
        else:
            self.forget(item_id)

    def restore(self, item_id: str) -> None:
        self.ghosts.discard(item_id)

    def erase(self, item_id: str) -> None:
        """As if it had never been there: what followed it follows what it followed."""
        at = self.line.index(item_id)
        if item_id == self.floor:
            self.floor = self.line[at - 1] if at else None
        del self.line[at]
        self.waiting.pop(item_id, None)
        before = self.behind.pop(item_id, None)
        for each in [each for each, anchor in self.behind.items() if anchor == item_id]:
            del self.behind[each]
            if before is not None:
                self.behind[each] = before
        self.settled.discard(item_id)
        self.ghosts.discard(item_id)

    def start_over(self) -> None:
        self.floor = self.line[-1] if self.line else None

    def _arrived(self, item_id: str) -> None:
        for each in [each for each, anchor in self.waiting.items() if anchor == item_id]:
            if not self._move(each, item_id):
                self._settle(each, None)

    def _move(self, item_id: str, anchor: str | None) -> bool:
        group = [each for each in self.line if item_id in self._way(each)]
        target = self.floor if anchor is None else anchor
        if target in group:
            return False
        at = self.line.index(item_id)
        if target != (self.line[at - 1] if at else None):
            self.line = [each for each in self.line if each not in group]
            self._put(group, target)
        self._settle(item_id, anchor)
        return True

    def _way(self, item_id: str) -> Iterator[str]:
        """What an id hangs on, itself first."""
        step: str | None = item_id
        while step is not None:
            yield step
            step = self.behind.get(step)

    def _put(self, group: list[str], anchor: str | None) -> None:
        at = 0 if anchor is None else self.line.index(anchor) + 1
        self.line[at:at] = group

    def _settle(self, item_id: str, anchor: str | None) -> None:
        self.settled.add(item_id)
        self.waiting.pop(item_id, None)
        if anchor is not None:
            self.behind[item_id] = anchor


NAMES = ("", *"abcdefg")
IDS = st.sampled_from(NAMES)


class OrderMachine(RuleBasedStateMachine):
    """Order and the line, told the same; what the draft never asks for is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.order = Order()
        self.line = Line()
        self.shown: list[str] = []
        self.labels: dict[str, int | None] = {}
        self.forgotten: set[str] = set()

    def may_come(self, item_id: str) -> bool:
        return item_id not in self.line.ghosts | self.forgotten

    @rule(item_id=IDS, settled=st.booleans(), behind=st.none() | st.just(END) | IDS)
    def append(self, item_id: str, settled: bool, behind: str | End | None) -> None:
        if self.may_come(item_id) and (not isinstance(behind, str) or behind in self.line.line):
            self.order.append(item_id, settled=settled, behind=behind)
            self.line.append(item_id, settled=settled, behind=behind)

    @rule(item_id=IDS, anchor=st.none() | IDS)
    def place(self, item_id: str, anchor: str | None) -> None:
        fits = self.may_come(item_id) and item_id not in self.line.settled
        if fits and item_id != anchor and anchor not in self.forgotten:
            assert self.order.place(item_id, anchor) == self.line.place(item_id, anchor)

    @rule(item_id=IDS)
    def remove(self, item_id: str) -> None:
        if item_id not in self.line.line:
            self.forgotten.add(item_id)
        self.order.remove(item_id)
        self.line.remove(item_id)

    @rule(item_id=IDS)
    def forget(self, item_id: str) -> None:
        if item_id not in self.line.line:
            self.forgotten.add(item_id)
            self.order.forget(item_id)
            self.line.forget(item_id)

    @rule(item_id=IDS)
    def restore(self, item_id: str) -> None:
        if item_id in self.line.ghosts:
            self.order.restore(item_id)
            self.line.restore(item_id)

    @rule(item_id=IDS)
    def erase(self, item_id: str) -> None:
        if item_id in self.line.line:
            self.order.erase(item_id)
            self.line.erase(item_id)

    @rule()
    def start_over(self) -> None:
        self.order.start_over()
        self.line.start_over()

    @invariant()
    def is_the_line(self) -> None:
        order, line = self.order, self.line
        order._check()
        assert order.ids() == line.ids()
        assert len(order) == len(line.ids())
        for item_id in NAMES:
            assert (item_id in order) == (item_id in line.ids())
            assert order.knows(item_id) == (item_id in line.line)
            assert order.is_settled(item_id) == (item_id in line.settled)
        assert order.floor == line.floor

    @invariant()
    def moves_tell_it_all(self) -> None:
        for op, (_, at), value, old in self.order.moves:
            item_id = value if op == "add" else old
            if op == "add":
                self.shown.insert(at, item_id)
            else:
                assert self.shown.pop(at) == item_id
        self.order.moves.clear()
        assert self.shown == self.order.ids()

    @invariant()
    def labels_ascend(self) -> None:
        labels = {item_id: self.order.label(item_id) for item_id in NAMES}
        found = [labels[item_id] for item_id in self.order.ids()]
        assert found == sorted(set(found), key=lambda label: label or 0)
        assert all((labels[item_id] is None) != (item_id in self.order) for item_id in labels)
        news = {item_id for item_id, label in labels.items() if self.labels.get(item_id) != label}
        assert news <= self.order.relabelled
        self.order.relabelled.clear()
        self.labels = labels


TestOrderMachine = OrderMachine.TestCase


def order_of(*ids: str) -> Order:
    order = Order()
    for item_id in ids:
        order.append(item_id, settled=True)
    return order


def test_a_null_anchor_is_the_head() -> None:
    order = order_of("a", "b")
    assert order.place("c", None)
    assert order.ids() == ["c", "a", "b"]


def test_a_known_anchor_is_followed_directly() -> None:
    order = order_of("a", "b")
    order.place("c", "a")
    order.place("d", "a")
    assert order.ids() == ["a", "d", "c", "b"]


def test_a_deleted_anchor_is_where_it_stood() -> None:
    order = order_of("a", "b", "c")
    order.remove("b")
    order.place("d", "b")
    order.remove("b")
    assert order.ids() == ["a", "d", "c"]
    assert (len(order), "b" in order, order.knows("b"), order.label("b")) == (3, False, True, None)


def test_a_parked_item_stays_where_the_end_was_and_moves_when_its_anchor_comes() -> None:
    order = order_of("a")
    assert not order.place("p", "x")
    order.append("b", settled=True)
    assert order.ids() == ["a", "p", "b"]
    order.place("x", "b")
    assert order.ids() == ["a", "b", "x", "p"]


def test_of_several_parked_on_one_anchor_the_last_to_arrive_is_nearest() -> None:
    order = order_of("a")
    for item_id in ("p", "q", "r"):
        order.place(item_id, "x")
    order.place("x", None)
    assert order.ids() == ["x", "r", "q", "p", "a"]


def test_a_parked_item_waits_for_the_first_anchor_that_was_named() -> None:
    order = order_of("a")
    order.place("p", "x")
    assert not order.place("p", "y")
    order.place("y", None)
    assert order.ids() == ["y", "a", "p"]
    order.place("x", None)
    assert order.ids() == ["x", "p", "y", "a"]


def test_what_hangs_on_a_parked_item_moves_along() -> None:
    order = order_of("a")
    order.place("p", "x")
    order.place("q", "p")
    order.place("r", "q")
    order.remove("q")
    order.append("b", settled=True)
    order.place("x", "b")
    assert order.ids() == ["a", "b", "x", "p", "r"]


def test_a_circle_leaves_everything_where_it_is() -> None:
    order = Order()
    order.place("p", "q")
    order.place("q", "p")
    assert order.ids() == ["p", "q"]
    assert order.is_settled("p")


def test_an_unannounced_place_gives_way_to_an_announced_one_once() -> None:
    order = order_of("a", "b")
    order.append("c", settled=False)
    assert not order.is_settled("c")
    assert order.place("c", "a")
    assert order.is_settled("c")
    order.append("c", settled=True)
    assert order.ids() == ["a", "c", "b"]


def test_what_is_appended_for_good_brings_along_who_waits_for_it() -> None:
    order = order_of("a")
    order.place("p", "x")
    order.append("b", settled=False)
    order.append("x", settled=True)
    assert order.ids() == ["a", "b", "x", "p"]
    assert [order.is_settled(each) for each in "abpx"] == [True, False, True, True]


def test_an_anchor_that_never_comes_is_forgotten() -> None:
    order = order_of("a")
    order.place("p", "x")
    order.remove("x")
    assert order.is_settled("p")
    assert order.ids() == ["a", "p"]


def test_the_head_of_a_later_session_is_behind_the_one_before() -> None:
    order = order_of("a", "b")
    order.start_over()
    order.place("c", None)
    order.place("d", None)
    assert order.ids() == ["a", "b", "d", "c"]


def test_what_hangs_on_an_item_moves_along_with_what_that_hangs_on() -> None:
    order = order_of("a")
    order.append("p", settled=False)
    order.append("x", settled=False)
    order.place("y", "x")
    order.place("x", "p")
    order.place("z", "y")
    assert order.place("p", None)
    assert order.ids() == ["p", "x", "y", "z", "a"]


def test_a_deletion_told_twice_is_one() -> None:
    order = order_of("a", "b")
    order.moves.clear()
    order.remove("a")
    order.remove("a")
    assert order.moves == [("remove", ("order", 0), None, "a")]


def test_a_deletion_taken_back_restores_the_place() -> None:
    order = order_of("a", "b", "c")
    order.remove("b")
    order.place("d", "a")
    order.restore("b")
    assert order.ids() == ["a", "d", "b", "c"]
    order.restore("x")
    assert not order.knows("x")


def test_an_erased_item_was_never_there() -> None:
    order = order_of("a")
    order.append("b", settled=False)
    order.start_over()
    order.place("c", "b")
    order.erase("b")
    order.erase("b")
    assert order.ids() == ["a", "c"]
    assert order.floor == "a"
    assert not order.place("d", "b")
    order.erase("a")
    assert order.floor is None
    order._check()


def test_an_erased_item_leaves_nothing_on_what_it_hung_on() -> None:
    order = order_of("a")
    order.append("p", settled=False)
    order.place("q", "p")
    order.place("r", "q")
    order.erase("q")
    order.place("p", None)
    assert order.ids() == ["p", "r", "a"]


def test_a_hidden_item_waits_unseen() -> None:
    order = order_of("a")
    assert not order.place("p", "x", ghost=True)
    assert order.ids() == ["a"]
    order.place("x", None)
    order.restore("p")
    assert order.ids() == ["x", "p", "a"]


def test_a_hidden_item_is_placed_unseen() -> None:
    order = order_of("a", "b")
    assert order.place("g", "a", ghost=True)
    assert order.ids() == ["a", "b"]
    order.restore("g")
    assert order.ids() == ["a", "g", "b"]


def test_the_end_is_how_many_there_are_and_where_the_last_one_stands() -> None:
    assert Order().end() == (0, 0)
    order = order_of("a", "b")
    assert order.end() == (2, order.label("b"))
    last = order.end()[1]
    order.remove("b")
    assert order.end() == (1, last)


def test_what_moves_to_the_head_of_a_later_session_stays_in_it() -> None:
    order = order_of("a", "b")
    order.start_over()
    order.append("c", settled=True)
    order.append("d", settled=False)
    assert order.place("d", None)
    assert order.ids() == ["a", "b", "d", "c"]


def test_an_order_goes_on_as_it_was_saved() -> None:
    """With labels of its own: whole numbers, far enough apart."""
    order = order_of(*(f"item_{number}" for number in range(100)))
    order.remove("item_50")
    order.place("p", "x")
    order.append("q", settled=False)
    order.place("r", "q")
    order.start_over()
    again = Order()
    again.load(order.save())
    again._check()
    assert again.relabelled == {*order.ids(), "item_50"}
    assert again.save() == order.save()
    labels = [again.label(item_id) for item_id in again.ids()]
    assert all(isinstance(label, int) for label in labels)
    again.relabelled.clear()
    for each in (order, again):
        for number in range(20):
            each.place(f"more_{number}", "item_10")
        each.place("q", "item_20")
        each.place("x", "item_30")
        each.restore("item_50")
    assert again.ids() == order.ids()
    assert again.relabelled == {*(f"more_{number}" for number in range(20)), "q", "r", "x", "p", "item_50"}


def test_an_empty_id_is_an_id() -> None:
    order = order_of("a")
    order.append("p", settled=False)
    order.place("", "p")
    order.place("q", None)
    order.place("p", None)
    assert order.ids() == ["p", "", "q", "a"]
    order._check()


def test_an_item_may_be_appended_at_the_head() -> None:
    order = order_of("a")
    order.append("b", settled=False, behind=None)
    order.start_over()
    order.append("c", settled=False, behind=None)
    order.append("d", settled=False, behind="b")
    assert order.ids() == ["b", "d", "a", "c"]


PATTERNS: dict[str, Callable[[int, Random], int | None]] = {
    "behind one item": lambda count, random: 100,
    "behind a few items": lambda count, random: random.randrange(4) * 50,
    "behind the newest, far from the end": lambda count, random: count - 1 if count > 200 else 100,
    "anywhere": lambda count, random: random.randrange(count),
    "at the head": lambda count, random: None,
    "one way and the other": lambda count, random: count - 1 if count % 2 else 100,
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_labels_are_spread_rarely(pattern: str) -> None:
    """Relabelled ids, counted: a few for each placement on average, whatever the pattern."""
    random, first, count, relabelled = Random(7), 200, 5_000, 0
    ids = [f"item_{number}" for number in range(first)]
    order = order_of(*ids)
    labels: dict[str, int | None] = {}
    for number in range(first, count):
        labels.update((item_id, order.label(item_id)) for item_id in order.relabelled)
        order.relabelled.clear()
        anchor = PATTERNS[pattern](number, random)
        order.place(f"item_{number}", None if anchor is None else f"item_{anchor}")
        ids.insert(0 if anchor is None else ids.index(f"item_{anchor}") + 1, f"item_{number}")
        relabelled += len(order.relabelled)
    assert order.ids() == ids
    assert relabelled <= 4 * count
    order._check()
    labels.update((item_id, order.label(item_id)) for item_id in order.relabelled)
    assert labels == {item_id: order.label(item_id) for item_id in ids}
    ascending = [order.label(item_id) or 0 for item_id in ids]
    assert ascending == sorted(set(ascending))
    assert max(label.bit_length() for label in ascending) < 64


def test_where_labels_are_dense_they_are_spread_wider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtstate._order._GAP", 64)
    ids = [f"item_{number}" for number in range(400)]
    order = order_of(*ids)
    for number in range(400, 3_000):
        order.place(f"item_{number}", "item_200")
        ids.insert(201, f"item_{number}")
    order._check()
    assert order.ids() == ids


def test_ghosts_are_spread_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtstate._order._GAP", 64)
    order = order_of("a", "g", "b")
    order.remove("g")
    before = order.save()["ghosts"], order._labels["g"]
    for number in range(1_000):
        order.place(f"item_{number}", "g")
    order._check()
    assert order.save()["ghosts"] == before[0]
    assert order._labels["g"] != before[1]
    assert order.ids() == ["a", *(f"item_{number}" for number in reversed(range(1_000))), "b"]
    order.restore("g")
    assert order.ids()[:3] == ["a", "g", "item_999"]
