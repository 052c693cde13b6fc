"""Verbs for whole items: making and refreshing them, placing them, closing them, deleting them."""

from __future__ import annotations

from typing import Final

from rtstate._draft.copies import ItemCopy
from rtstate._draft.parts import LAST_INDEX, Parts
from rtstate._draft.work import ItemWork, ResponseWork
from rtstate._growing import joined
from rtstate._json import FrozenDict, same
from rtstate._operations import ABSENT
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE, End, ItemId, ResponseId

_RANK: Final = {IN_PROGRESS: 0, INCOMPLETE: 1, COMPLETED: 2}


class Items(Parts):
    """What can happen to an item, whatever it is."""

    __slots__ = ()

    def too_late(self, item_id: ItemId) -> bool:
        """Tell whether an id is deleted, or belongs to a session that is over: that counts as late."""
        item = self.items.get(item_id)
        gone = item_id in self.dead or (item is not None and item.session != self.session_number)
        self.stats.late += gone
        return gone

    def is_producing(self, copy: ItemCopy) -> bool:
        """Tell whether a running response is producing an item, or seems to: an answer without content."""
        item = self.items.get(copy.id)
        if item is not None and item.response_id in self.running:
            return True
        is_answer = copy.role == "assistant" or copy.type == "function_call"
        return bool(self.running) and is_answer and not copy.parts and not copy.arguments

    def put_item(
        self,
        copy: ItemCopy,
        default: str,
        *,
        final: bool = False,
        response: ResponseWork | None = None,
        index: int | None = None,
    ) -> ItemWork | None:
        """Make or refresh an item from a copy of it, and return it; None where it is gone.

        ``default`` is its status where nobody gave one. A copy with a closing status, and a final one that
        does not say in_progress, closes the item: its texts are final, and parts that a final copy does not
        list go, unless they were streamed. Any other copy only fills what is empty. Cost: the copy's size.
        """
        if not self.takes(copy):
            return None
        item = self.items.get(copy.id) or self.add_item(copy.id, copy.type or "message")
        if copy.type is not None:
            item.typed = True
            if copy.type != item.type:
                self.renew(item)
                item.become(copy.type)
        if response is not None:
            self.attach(item, response, index)
        status = copy.status or (default if item.is_open else item.status)
        closes = status != IN_PROGRESS
        speaks = final or copy.status is not None or item.is_open  # or else it is an announcement come late
        self._fill(item, copy, closes=closes and speaks)
        if final and closes:
            self._trim(item, copy)
        if closes:
            self.close_item(item, status)
        self.close_if_over(item)
        return item

    def takes(self, copy: ItemCopy) -> bool:
        """Tell whether a copy can be of the item it names, and note it if not."""
        if self.too_late(copy.id):
            return False
        if len(copy.parts or ()) > LAST_INDEX + 1:
            self.note("impossible", f"item {copy.id!r} with more than {LAST_INDEX + 1} parts; ignored")
            return False
        item = self.items.get(copy.id)
        if item is not None and item.typed and copy.type not in (None, item.type):
            self.note("impossible", f"item {copy.id!r} was a {item.type} and is now a {copy.type}; ignored")
            return False
        return True

    def close_item(self, item: ItemWork, status: str) -> None:
        """Make all texts of an item final and advance its status."""
        for part in item.parts:
            self.close_part(part)
        item.arguments = joined(item.arguments)
        item.arguments_final = True
        self.set_status(item, status)
        self.weigh(item)

    def close_if_over(self, item: ItemWork) -> None:
        """Close an item whose response has ended without it."""
        response = self.response_of(item.response_id)
        if item.is_open and response is not None and response.ended:
            self.close_item(item, COMPLETED if response.status == COMPLETED else INCOMPLETE)

    def set_status(self, item: ItemWork, status: str) -> None:
        """Advance an item's status; it never goes back. Of words only the server knows the last counts."""
        foreign = status not in _RANK and item.status not in _RANK and status != item.status
        if foreign or _RANK.get(status, 1) > _RANK.get(item.status, 1):
            self.write(item, "status", status)
            self.stamp(item, "ended_at")
            for part in item.parts if status == COMPLETED else ():
                if part.mark is not None:
                    self.show_truncated(part)  # its audio is that of all of its text
            self.open_items.pop(item.id, None)

    def weigh(self, item: ItemWork) -> None:
        """Work out whether a function call may be run: final, complete, and its response has not failed."""
        if item.type == "function_call":
            response = self.response_of(item.response_id)
            well = response is None or response.status in (IN_PROGRESS, COMPLETED)
            self.write(item, "ready", item.arguments_final and item.status == COMPLETED and well)

    def place(self, item: ItemWork, anchor: ItemId | End | None = END) -> None:
        """Place an item where its announcement says; END where that says nothing. Cost: O(log n)."""
        if not isinstance(anchor, End) and not item.anchored:
            item.anchored = True
            self.write(item, "previous_item_id", anchor)
        if self.is_out_of_band(item) or self.order.is_settled(item.id):
            return
        if anchor == item.id:
            self.note("unknown_anchor", f"item {item.id!r} is to follow itself; placed at the end")
            anchor = END
        item.placed = True
        if isinstance(anchor, End) or (
            not self.order.knows(anchor) and (self.null_is_end or anchor in self.dead)
        ):
            self.order.append(item.id, settled=True, ghost=item.hidden > 0)
        elif not self.order.place(item.id, anchor, ghost=item.hidden > 0):
            self.note("unknown_anchor", f"item {item.id!r} is to follow {anchor!r}, which has no place yet")

    def place_for_now(self, item: ItemWork, anchor: ItemId | End | None = END) -> None:
        """Give an item a place that nobody has announced, unless it has one. Cost: O(log n).

        A null anchor says nothing here: real servers send one on the final copy of items that are not first.
        """
        if not self.order.knows(item.id) and not self.is_out_of_band(item):
            behind = anchor if isinstance(anchor, str) and self.order.knows(anchor) else END
            self.order.append(item.id, settled=False, behind=behind, ghost=item.hidden > 0)
            item.placed = True
            if not isinstance(anchor, End) and not item.anchored:
                item.anchored = True
                self.write(item, "previous_item_id", anchor)

    def leave_order(self, item: ItemWork) -> None:
        """Take an item's place away: it turned out not to be part of the conversation."""
        item.placed = False
        self.order.remove(item.id)

    def drop_item(self, item_id: ItemId) -> None:
        """Delete an item for good: whatever names it from now on changes nothing. Cost: O(log n)."""
        self.dead.add(item_id)
        item = self.items.get(item_id)
        if item is None:
            self.order.forget(item_id)
        else:
            self.drop(item)

    def response_of(self, response_id: ResponseId | None) -> ResponseWork | None:
        """Return the response that an event or an item names; None if it names none, or one nobody saw."""
        return None if response_id is None else self.responses.get(response_id)

    def open_response(self, response_id: ResponseId) -> ResponseWork:
        """Return the response of this id, listed from its first sight on."""
        return self.responses.get(response_id) or self.add_response(response_id)

    def attach(self, item: ItemWork, response: ResponseWork, index: int | None = None) -> None:
        """Note that a response produces an item, at an output index if it says one. The first one counts."""
        if item.response_id is not None:
            return
        self.write(item, "response_id", response.id)
        if response.out_of_band:
            self.leave_order(item)
        if item.id not in response.output:
            at = response.take_place(index)
            response.output = (*response.output[:at], item.id, *response.output[at:])
            self.touch(response)
            if not response.fresh:
                self.ops.append(("add", (*response.path, "output", at), item.id, ABSENT))

    def know_call(self, item: ItemWork) -> None:
        """Remember which item makes a call, for events that name only the call. Its output names it too."""
        if item.call_id and item.has_arguments:
            known = self.items.get(self.calls.get(item.call_id, ""))
            if known is None or known.session != item.session:
                self.calls[item.call_id] = item.id

    def _fill(self, item: ItemWork, copy: ItemCopy, *, closes: bool) -> None:
        for name in ("role", "call_id", "name"):
            if getattr(copy, name):
                self.write(item, name, getattr(copy, name))
        if copy.output is not None:
            self.write(item, "output", copy.output)
        news = {key: value for key, value in copy.mcp.items() if not same(item.mcp.get(key), value)}
        if news:
            old, item.mcp = item.mcp, FrozenDict({**item.mcp, **news})
            for key, value in news.items():
                self.wrote(item, key, value, old.get(key))
        self.merge(item, copy.extra, flat=not item.is_known)
        self.know_call(item)
        if item.has_parts:
            for at, part in enumerate(copy.parts or ()):
                self.fill_part(self.part_at(item, at), part, closes=closes)
        if copy.arguments and item.has_arguments and (closes or item.arguments is None):
            self.set_text(item, "arguments", copy.arguments)

    def _trim(self, item: ItemWork, copy: ItemCopy) -> None:
        """Drop the last parts that a final copy does not list, as far as they were never streamed."""
        while copy.parts is not None and len(item.parts) > len(copy.parts):
            last = item.parts[-1]
            if last.streamed or last.mark is not None:
                break
            self.drop_part(last)

    def is_out_of_band(self, item: ItemWork) -> bool:
        """Tell whether an item belongs to a response that is not part of the conversation."""
        response = self.response_of(item.response_id)
        return response is not None and response.out_of_band
