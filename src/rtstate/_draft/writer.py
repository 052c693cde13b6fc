"""The pen: every write to the draft goes through here and leaves its operation.

What a write costs does not depend on the length of the conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import attrs

from rtstate import _model as model
from rtstate._draft.ground import Ground
from rtstate._draft.work import NODES, ItemWork, Node, PartWork, ResponseWork
from rtstate._growing import grown
from rtstate._json import FrozenDict, same
from rtstate._operations import ABSENT, RawOperation, RawOperations
from rtstate._types import AnomalyKind, ItemId, Json, JsonPath, ResponseId

_COUNTED: Final = ("invalid", "unknown", "impossible", "late")


@cache
def _in_usage(path: tuple[str, ...]) -> JsonPath:
    """Return where the document has a counter: one path for all changes of it that a history keeps."""
    return ("usage", *path)


class Writer(Ground):
    """A working copy and the pen that writes to it; :meth:`take` hands over what one event did."""

    __slots__ = ()

    # Writing

    def write(self, node: Node, name: str, value: Any) -> None:
        """Set one field of an entity, if that changes it. Cost: O(1)."""
        old = getattr(node, name)
        if not same(old, value):
            setattr(node, name, value)
            self.wrote(node, name, value, old)

    def wrote(self, node: Node, name: str, value: Any, old: Any) -> None:
        """Note that a field of an entity has a new value, as the document shows it. Cost: O(1)."""
        self.touch(node)
        if not node.quiet:
            self.ops.append(("replace", (*node.path, name), value, grown(old)))

    def touch(self, node: Node) -> None:
        """Note that the frozen copy of an entity, and of what holds it, is out of date. Cost: O(1)."""
        if isinstance(node, ResponseWork):
            node.frozen = None
            self._dirty_responses[node.slot] = node
            return
        item = node.item if isinstance(node, PartWork) else node
        if item.grew is not None and item.grew is not node:
            item.settle()
        node.frozen = item.frozen = item.base = None
        self.dirty_items[item.slot] = item

    def grew(self, part: PartWork) -> None:
        """Note that a part has grown by a delta and is otherwise what it was. Cost: O(1)."""
        item = part.item
        if item.grew is not part:
            if item.grew is not None:  # two of its parts grow
                item.settle()
                item.base = None
            item.grew = part
        part.frozen = item.frozen = None
        self.dirty_items[item.slot] = item

    def merge(self, node: ItemWork | PartWork, fields: Mapping[str, Json], *, flat: bool) -> None:
        """Add fields this library does not know to an entity; ``flat``: beside its own, not under extra."""
        known = node.extra
        news = {
            k: v for k, v in fields.items() if k not in known or (v is not None and not same(known[k], v))
        }
        if news:
            node.extra = FrozenDict({**known, **news})
            self.touch(node)
            if not node.quiet:
                place = node.path if flat else (*node.path, "extra")
                self.ops.extend(
                    [("add", (*place, key), value, known.get(key, ABSENT)) for key, value in news.items()]
                )

    def set_root(self, name: str, value: Any, told: Sequence[RawOperation] = ()) -> None:
        """Set one field of the document itself, if that changes it.

        ``told`` are finer operations to the same end than replacing it. Cost: O(1).
        """
        old = getattr(self, name)
        if told or not same(old, value):
            setattr(self, name, value)
            self.ops.extend(told or [("replace", (name,), value, old)])
            self._built = None

    def add_item(self, item_id: ItemId, item_type: str) -> ItemWork:
        """Make an item that is open and has no place yet. Cost: O(1)."""
        self.begin()
        slot = self._item_slots.setdefault(item_id, len(self._item_slots))
        item = self.items[item_id] = ItemWork(item_id, item_type, slot, self.session_number)
        self.mark(item, started_at=self.at, session=self.session_number)
        self.open_items[item_id] = item
        self.renew(item)
        return item

    def add_part(self, item: ItemWork) -> PartWork:
        """Make an empty part at the end of an item. Cost: O(1)."""
        part = PartWork(item, len(item.parts))
        item.parts.append(part)
        self.renew(part)
        return part

    def add_response(self, response_id: ResponseId) -> ResponseWork:
        """Make a response that is running. Cost: O(1)."""
        self.begin()
        slot = self._response_slots.setdefault(response_id, len(self._response_slots))
        response = self.responses[response_id] = ResponseWork(response_id, slot)
        self.mark(response, started_at=self.at, model=self.answer_model)
        self.running[response_id] = response
        self.renew(response)
        return response

    def stamp(self, node: ItemWork | ResponseWork, name: str) -> None:
        """Note when something first happened to an item or a response, if the event has a time."""
        if self.at is not None and getattr(node.trace, name) is None:
            self.mark(node, **{name: self.at})

    def mark(self, node: ItemWork | ResponseWork, **fields: Any) -> None:
        """Set fields of the trace of an item or a response, which no document shows. Cost: O(1).

        Snapshots are new where the document is: they have it from the next revision on.
        """
        if isinstance(node, ItemWork):
            node.trace = attrs.evolve(node.trace, **fields)
            self.dirty_items[node.slot] = node
        else:
            node.trace = attrs.evolve(node.trace, **fields)
            self._dirty_responses[node.slot] = node
        if self.marked is not None:
            self.marked.append(node)

    def begin(self) -> None:
        """Do what is due when an item or a response begins: nothing, on this floor."""

    def holds(self, part: PartWork) -> bool:
        """Tell whether a part is still there: its item may be gone, or have turned out to be no message."""
        return self.items.get(part.item.id) is part.item and part.index < len(part.item.parts)

    def renew(self, node: Node) -> None:
        """Show an entity whole, by one operation that is filled in when the event is over.

        Has to come before what is written to it: this is when it is noted how the document has it.
        """
        if not node.quiet:
            within = isinstance(node, PartWork) and node.item.fresh
            self._fresh[node] = node.freeze() if node.shown and not within else ABSENT
            node.fresh = True
            if not within:
                self.ops.append(node)
        self.touch(node)

    def _unshow(self, node: Node) -> None:
        """Take an entity that is being removed out of what the event shows."""
        if node.fresh:
            for at, op in enumerate(self.ops):
                if op is node:
                    self.ops[at : at + 1] = [self._whole(node)] if node.shown else []
                    break
            node.fresh = False
            del self._fresh[node]

    def _whole(self, node: Node) -> RawOperation:
        """Return the operation that shows an entity as it is by now."""
        return ("replace" if node.shown else "add", node.path, node.freeze(), self._fresh[node])

    def _unshow_item(self, item: ItemWork) -> None:
        """Take an item and its parts out of what the event shows, and out of the document."""
        nodes: tuple[Node, ...] = (*item.parts, item)
        for node in nodes:
            self._unshow(node)
        if item.shown:
            item.shown = False
            self.ops.append(("remove", item.path, None, item.freeze()))

    def drop_part(self, part: PartWork) -> None:
        """Remove the last part of an item. Cost: what the event has written so far."""
        del part.item.parts[part.index]
        self.touch(part.item)
        self._unshow(part)
        if part.shown and not part.item.quiet:
            self.ops.append(("remove", part.path, None, part.freeze()))

    def drop(self, item: ItemWork, *, ghost: bool = True) -> None:
        """Remove an item from the document and from the order. Cost: O(log n)."""
        del self.items[item.id]
        self.open_items.pop(item.id, None)
        for event_id in [key for key, each in self.requests.items() if each.item is item]:
            del self.requests[event_id]
        self.dirty_items[item.slot] = None
        if ghost:
            self.order.remove(item.id)
        else:
            self.order.erase(item.id)
        self._unshow_item(item)

    def hide(self, item: ItemWork) -> None:
        """Take an item out of the document, not out of the draft. Cost: O(log n) and its parts."""
        item.hidden += 1
        if item.hidden == 1:
            item.placed = item.id in self.order
            self.order.remove(item.id)
            self._unshow_item(item)
            for part in item.parts:
                part.stream = None
            self.touch(item)

    def unhide(self, item: ItemWork) -> None:
        """Show an item again, as it is by now, unless there is another reason to hide it."""
        item.hidden -= 1
        if not item.hidden:
            for part in item.parts:
                part.shown = True
            self.renew(item)
            if item.placed:
                self.order.restore(item.id)

    def bill(self, owner: PartWork | ResponseWork, ledger: str, usage: Mapping[str, Json] | None) -> None:
        """Count a response or a transcription once, and its usage once, when that is known. Cost: O(1)."""
        if owner.billed == "priced" or (owner.billed and not usage):
            return
        if not owner.billed:
            self._add((ledger, "count"), 1)
        if usage:
            if owner.billed:
                self._add((ledger, "without_usage"), -1)
            self._add_all((ledger,), self._counters[ledger], usage)
        else:
            self._add((ledger, "without_usage"), 1)
        owner.billed = "priced" if usage else "counted"

    def _add_all(self, path: tuple[str, ...], counters: Mapping[str, Any], usage: Mapping[str, Json]) -> None:
        for key, counter in counters.items():
            value = usage.get(key)
            if isinstance(counter, dict):
                if isinstance(value, dict):
                    self._add_all((*path, key), counter, value)  # pyright: ignore[reportUnknownArgumentType]
            elif amount := model.amount(value):
                self._add((*path, key), amount if key == "seconds" else int(amount))

    def _add(self, path: tuple[str, ...], value: float) -> None:
        counters = self._counters
        for key in path[:-1]:
            counters = counters[key]
        old = counters[path[-1]]
        counters[path[-1]] += value
        self._counted = True
        self.ops.append(("replace", _in_usage(path), counters[path[-1]], old))

    # What one event did

    def note(self, kind: AnomalyKind, message: str) -> None:
        """Record something odd about the event at hand, and what was done about it."""
        self.notes.append((kind, message))
        if kind in _COUNTED:
            setattr(self.stats, kind, getattr(self.stats, kind) + 1)

    def take(self) -> RawOperations:
        """Return the operations of the event that just ended, and count the revision if there are any."""
        if self._fresh:
            self._show()
        ops: Any = self.ops  # no node among them any more
        if not ops:
            return ()
        self.revision += 1
        if len(ops) == 1:
            return ops.pop()  # type: ignore[no-any-return]
        operations = tuple(ops)
        ops.clear()
        return operations

    def _show(self) -> None:
        """Write down, each whole and in its place, what was made during the event."""
        for at, op in enumerate(self.ops):
            if isinstance(op, NODES):
                self.ops[at] = self._whole(op)
        for node in self._fresh:
            node.fresh, node.shown = False, True
        self._fresh.clear()
