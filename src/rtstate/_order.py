"""Where an item goes: ``previous_item_id`` turned into a place.

Every placed item carries a label, an integer; ascending labels are the conversation's order. To insert
behind an item is to take a label between its own and the next one. Where no integer is left between two
neighbours, a few labels around them are spread out again.

- An anchor that is not placed yet *parks* the item where the end is now. When the anchor appears, the item
  moves directly behind it, and what hangs on the item moves along.
- A deleted item keeps its label, as a *ghost*: an item anchored to it goes where it stood.
- An item may be placed *for now* (nobody has announced it yet): it moves when its announcement says where.

Costs: every operation is O(log n) beside the spreading of labels, which is O(log n) amortised; moving an
unsettled item costs the number of items that hang on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sortedcontainers import SortedDict, SortedList

from rtstate._operations import ABSENT
from rtstate._types import END, End, ItemId

_GAP: Final = 1 << 40
_WINDOW: Final = 32
_ROOM: Final = 4


class Order:
    """The order of one conversation.

    ``moves`` takes the operations on the document's order as they happen, ``relabelled`` the ids whose label
    changed; the draft empties both. ``floor`` is the last item of the session before: the head of a later
    session lies behind it.
    """

    def __init__(self, moves: list[Any] | None = None) -> None:
        self.moves: list[Any] = [] if moves is None else moves
        self.relabelled: set[ItemId] = set()
        self.floor: ItemId | None = None
        self._latest: tuple[int | None, int | None] = (None, None)  # labels: of an anchor, of who came behind
        self._ids: SortedDict[int, ItemId] = SortedDict()  # label -> id, ghosts included
        self._labels: dict[ItemId, int] = {}
        self._ghosts: SortedList[int] = SortedList()  # the labels that are ghosts
        self._waiting: dict[ItemId, list[ItemId]] = {}  # anchor not placed yet -> who waits for it
        self._anchor: dict[ItemId, ItemId] = {}  # the other way round
        self._hangers: dict[ItemId, list[ItemId]] = {}  # unsettled item -> what was placed behind it
        self._root: dict[ItemId, ItemId] = {}  # the other way round

    def __len__(self) -> int:
        return len(self._ids) - len(self._ghosts)

    def __contains__(self, item_id: ItemId) -> bool:
        label = self._labels.get(item_id)
        return label is not None and label not in self._ghosts

    def ids(self) -> list[ItemId]:
        """Return the placed ids, first to last. Cost: O(n), and a search for each where ids were deleted."""
        return [each for label, each in self._ids.items() if label not in self._ghosts]

    def label(self, item_id: ItemId) -> int | None:
        """Return an id's sort key, None where it is not placed. Cost: O(log ghosts)."""
        return self._labels[item_id] if item_id in self else None

    def end(self) -> tuple[int, int]:
        """Return how many ids are placed, and a label that none lies beyond. Cost: O(1)."""
        return len(self), self._ids.peekitem(-1)[0] if self._ids else 0

    def knows(self, item_id: ItemId | None) -> bool:
        """Tell whether this id has a place, or a ghost. Cost: O(1)."""
        return item_id in self._labels

    def is_settled(self, item_id: ItemId) -> bool:
        """Tell whether an announcement has placed this id for good. Cost: O(1)."""
        return item_id in self._labels and item_id not in self._hangers

    def start_over(self) -> None:
        """Note that a new session begins: its head lies behind all that is placed now."""
        self.floor = self._last()

    def append(
        self, item_id: ItemId, *, settled: bool, behind: ItemId | End | None = END, ghost: bool = False
    ) -> None:
        """Place a new id at the end, the head (None) or behind a placed one; leave a placed id alone.

        A ``ghost`` has its place from the beginning, unseen. Cost: O(log n).
        """
        if item_id not in self._labels:
            after = self._last() if isinstance(behind, End) else self.floor if behind is None else behind
            self._insert(item_id, self._label_behind(after), ghost=ghost)
            self._hangers[item_id] = []
            self._arrive(item_id)
        if settled and item_id not in self._anchor:
            self._settle(item_id)

    def place(self, item_id: ItemId, anchor: ItemId | None, *, ghost: bool = False) -> bool:
        """Place an id for good, directly behind its anchor (None: at the head).

        Returns False where that cannot be yet: the anchor is not placed, or hangs on this very item. The id
        then stays where it is, or where the end is now, and waits. Cost: O(log n), and for an id that moves
        the number of items that move along.
        """
        if anchor is not None and anchor not in self._labels:
            self._park(item_id, anchor, ghost=ghost)
            return False
        if item_id not in self._labels:
            behind = self.floor if anchor is None else anchor
            self._insert(item_id, self._label_behind(behind), ghost=ghost)
            self._hang(item_id, anchor)
            self._arrive(item_id)
            return True
        return self._move(item_id, anchor)

    def forget(self, item_id: ItemId) -> None:
        """Note that an id will never be placed: who waits for it stays where it is. Cost: who waits."""
        for each in self._waiting.get(item_id, [])[:]:
            self._settle(each)

    def remove(self, item_id: ItemId) -> None:
        """Take an id out of the order; its ghost marks where it stood. Cost: O(log n)."""
        label = self._labels.get(item_id)
        if label is None:
            self.forget(item_id)
        elif label not in self._ghosts:
            self._log("remove", item_id)
            self._ghosts.add(label)

    def restore(self, item_id: ItemId) -> None:
        """Put a ghost back where it stood. Cost: O(log n)."""
        if item_id in self._labels:
            self._ghosts.discard(self._labels[item_id])
            self._log("add", item_id)

    def erase(self, item_id: ItemId) -> None:
        """Take an id out of the order as if it had never been there. Cost: O(log n), and what hangs on it."""
        if item_id not in self._labels:
            return
        self._settle(item_id)
        root = self._root.pop(item_id, None)
        if root is not None:
            self._hangers[root].remove(item_id)
        if item_id == self.floor:
            at = self._ids.bisect_left(self._labels[item_id])
            self.floor = self._ids.peekitem(at - 1)[1] if at else None
        self._take(item_id)

    def save(self) -> dict[str, Any]:
        """Return the whole order as plain values. Cost: O(n)."""
        return {
            "ids": list(self._ids.values()),
            "ghosts": [self._ids[label] for label in self._ghosts],
            "waiting": self._waiting,
            "hangers": self._hangers,
            "floor": self.floor,
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Make the order anew that was saved; its labels are others. Cost: O(n)."""
        self._labels = {item_id: number * _GAP for number, item_id in enumerate(saved["ids"])}
        self._ids = SortedDict({label: item_id for item_id, label in self._labels.items()})
        self._ghosts = SortedList([self._labels[item_id] for item_id in saved["ghosts"]])
        self._waiting = {anchor: list(who) for anchor, who in saved["waiting"].items()}
        self._hangers = {root: list(who) for root, who in saved["hangers"].items()}
        self._anchor = {item_id: anchor for anchor, who in self._waiting.items() for item_id in who}
        self._root = {item_id: root for root, who in self._hangers.items() for item_id in who}
        self.floor = saved["floor"]
        self.relabelled.update(self._labels)

    # Parking, hanging, settling

    def _park(self, item_id: ItemId, anchor: ItemId, *, ghost: bool) -> None:
        self.append(item_id, settled=False, ghost=ghost)
        if item_id in self._hangers and item_id not in self._anchor:
            self._anchor[item_id] = anchor
            self._waiting.setdefault(anchor, []).append(item_id)

    def _arrive(self, item_id: ItemId) -> None:
        """Bring those that waited for this id to it, in the order in which they came."""
        for each in self._waiting.get(item_id, [])[:]:
            if not self._move(each, item_id):
                self._settle(each)

    def _hang(self, item_id: ItemId, anchor: ItemId | None) -> None:
        """Note that an id moves along with its anchor for as long as that, or what it hangs on, may move."""
        root = anchor if anchor is None or anchor in self._hangers else self._root.get(anchor)
        if root is not None:
            self._root[item_id] = root
            self._hangers[root].append(item_id)

    def _settle(self, item_id: ItemId) -> None:
        """Note that an id is in its place. What hung on it hangs on what it hangs on, if anything."""
        anchor = self._anchor.pop(item_id, None)
        if anchor is not None:
            self._waiting[anchor].remove(item_id)
            if not self._waiting[anchor]:
                del self._waiting[anchor]
        root = self._root.get(item_id)
        for each in self._hangers.pop(item_id, ()):
            if root is None:
                del self._root[each]
            else:
                self._root[each] = root
                self._hangers[root].append(each)

    def _move(self, item_id: ItemId, anchor: ItemId | None) -> bool:
        """Settle an unsettled id, with all that hangs on it, behind an anchor; False if that is a circle."""
        group = sorted([item_id, *self._hangers[item_id]], key=self._labels.__getitem__)
        behind = self.floor if anchor is None else anchor
        if behind in group:
            return False
        at = self._ids.bisect_left(self._labels[item_id])
        if behind != (self._ids.peekitem(at - 1)[1] if at else None):
            ghosts = [each for each in group if each not in self]
            before, mark = self._positions(group), len(self.moves)
            for each in group:
                self._take(each)
            for each in group:
                self._insert(each, self._label_behind(behind), ghost=each in ghosts)
                behind = each
            if self._positions(group) == before:
                del self.moves[mark:]  # it only changed sides with ghosts
        self._hang(item_id, anchor)
        self._settle(item_id)
        return True

    # Labels

    def _positions(self, ids: list[ItemId]) -> list[int]:
        return [self._position(self._labels[each]) for each in ids if each in self]

    def _insert(self, item_id: ItemId, label: int, *, ghost: bool) -> None:
        self._ids[label] = item_id
        self._labels[item_id] = label
        if ghost:
            self._ghosts.add(label)
        else:
            self._log("add", item_id)

    def _take(self, item_id: ItemId) -> None:
        if item_id in self:
            self._log("remove", item_id)
        label = self._labels.pop(item_id)
        self._ghosts.discard(label)
        del self._ids[label]

    def _log(self, op: str, item_id: ItemId) -> None:
        label = self._labels[item_id]
        value, old = (item_id, ABSENT) if op == "add" else (None, item_id)
        self.moves.append((op, ("order", self._position(label)), value, old))
        self.relabelled.add(item_id)

    def _position(self, label: int) -> int:
        return self._ids.bisect_left(label) - self._ghosts.bisect_left(label)

    def _last(self) -> ItemId | None:
        return self._ids.peekitem(-1)[1] if self._ids else None

    def _label_behind(self, item_id: ItemId | None) -> int:
        """Return a label between an id (None: the head) and whatever is next."""
        if not self._ids:
            return 0
        if item_id is None:
            return self._ids.peekitem(0)[0] - _GAP
        label = self._labels[item_id]
        at = self._ids.bisect_right(label)
        if at == len(self._ids):
            return label + _GAP
        right = self._ids.peekitem(at)[0]
        if right - label < 2:
            self._spread(at)
            return self._label_behind(item_id)
        self._latest = label, self._between(label, right)
        return self._latest[1]

    def _between(self, left: int, right: int) -> int:
        """Return a label between two: the middle, or where it leaves room for more of the same.

        Who came behind this very label, or behind the item that came last, will probably do so again. That
        way labels are spread once in 400 placements behind one anchor, not in 40.
        """
        anchor, last = self._latest
        if left == anchor:
            return right - max(1, (right - left) >> _ROOM)
        if left == last:
            return left + max(1, (right - left) >> _ROOM)
        return (left + right) // 2

    def _spread(self, at: int) -> None:
        """Spread the labels around a position out evenly.

        The window doubles until its labels have room, and the larger it is the more room it must have:
        large windows are then spread rarely, which keeps the amortised cost at O(log n) a placement.
        """
        width = _WINDOW
        while True:
            low, high = max(0, at - width), min(len(self._ids), at + width)
            count = high - low
            left = self._ids.peekitem(low - 1)[0] if low else self._ids.peekitem(high - 1)[0] - _GAP * count
            right = self._ids.peekitem(high)[0] if high < len(self._ids) else left + _GAP * (count + 1)
            step = (right - left) // (count + 1)
            if step >= min(_GAP, count * count) or count == len(self._ids):
                break
            width *= 2
        ids = self._ids.values()[low:high]
        ghosts = {each for each in ids if each not in self}
        for each in ids:
            label = self._labels[each]
            del self._ids[label]
            self._ghosts.discard(label)
        for number, each in enumerate(ids, 1):
            label = self._labels[each] = left + number * step
            self._ids[label] = each
            if each in ghosts:
                self._ghosts.add(label)
        self.relabelled.update(ids)

    def _check(self) -> None:
        """Assert everything that must hold between two operations. Cost: O(n)."""
        assert {each: label for label, each in self._ids.items()} == self._labels
        assert all(label in self._ids for label in self._ghosts)
        assert set(self._anchor) <= set(self._hangers) <= set(self._labels)
        assert sorted(self._anchor) == sorted(each for who in self._waiting.values() for each in who)
        assert all(anchor not in self._labels for anchor in self._waiting)
        assert sorted(self._root) == sorted(each for who in self._hangers.values() for each in who)
        assert all(root in self._hangers for root in self._root.values())
        assert set(self._root) <= set(self._labels) - set(self._hangers)
        assert self.floor is None or self.floor in self._labels
