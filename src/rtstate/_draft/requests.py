"""Verbs for what the client asked for: shown at once, and taken back by the error that names the request.

A request that the server confirms is forgotten; so is the oldest of a thousand that it never answers. An item
that the client deletes goes on unseen until then, so that nothing is missing if the deletion is refused.
"""

from __future__ import annotations

from typing import Final

from rtstate._draft.copies import ItemCopy
from rtstate._draft.responses import Responses
from rtstate._draft.work import Request
from rtstate._types import IN_PROGRESS, End, ItemId

_KEPT: Final = 1000
_NAMELESS: Final = "?"  # a request without an event_id, which no error can name


class Requests(Responses):
    """What can happen to the state before the server has said so."""

    __slots__ = ()

    def ask_item(self, copy: ItemCopy, anchor: ItemId | End | None, event_id: str | None) -> None:
        """Show an item that the client creates: None places it at the head, END at the end.

        The server refuses an anchor it does not know, so such an item is not shown.
        """
        if copy.id in self.items or copy.id in self.dead:
            return
        if isinstance(anchor, str) and not self.order.knows(anchor):
            return
        item = self.put_item(copy, IN_PROGRESS)
        if item is not None:
            self.order.append(item.id, settled=False, behind=anchor)
            self._remember(event_id, Request("create", item))

    def ask_deletion(self, item_id: ItemId, event_id: str | None) -> None:
        """Hide an item that the client deletes."""
        self.deletions.append(item_id)
        del self.deletions[:-_KEPT]
        item = self.items.get(item_id)
        if item is not None:
            self.hide(item)
            self._remember(event_id, Request("delete", item))

    def ask_truncation(
        self, item_id: ItemId, index: int, audio_end_ms: float | None, event_id: str | None
    ) -> None:
        """Show a spoken part as cut off where the client says."""
        if self.truncate(item_id, index, audio_end_ms, by=event_id or _NAMELESS):
            self._remember(event_id, Request("truncate", self.items[item_id], index))

    def refuse(self, event_id: str) -> None:
        """Take back what a request showed: the server has answered it with an error."""
        request = self.requests.pop(event_id, None)
        if request is None:
            return
        item = request.item
        if request.kind == "delete":
            if item.id in self.deletions:
                self.deletions.remove(item.id)
            self.unhide(item)
        elif request.kind == "create":
            self.drop(item, ghost=False)
        elif request.index < len(item.parts):  # it may have turned out to be no message
            self.restore_part(item.parts[request.index], by=event_id)

    def confirm_truncation(self, item_id: ItemId, index: int, audio_end_ms: float | None) -> None:
        """Cut a spoken part off where the server says, or where the client asked if it does not say (xAI)."""
        asked = [key for key, each in self.requests.items() if each.concerns("truncate", item_id, index)]
        for key in asked:
            item = self.requests.pop(key).item
            if audio_end_ms is None and index < len(item.parts):
                audio_end_ms = item.parts[index].mark
        self.truncate(item_id, index, audio_end_ms)

    def confirm_deletion(self, item_id: ItemId) -> None:
        """Delete an item; where the confirmation has no id, the one that waits longest for it (xAI)."""
        if item_id in self.deletions:
            self.deletions.remove(item_id)
        elif not item_id and self.deletions:
            item_id = self.deletions.pop(0)
        if not item_id:
            self.note("impossible", "a deletion of no item, and none was asked for; ignored")
            return
        self.drop_item(item_id)

    def confirm_item(self, item_id: ItemId) -> None:
        """Note that the server has announced an item: a request for it can no longer be refused."""
        for key in [key for key, each in self.requests.items() if each.concerns("create", item_id)]:
            del self.requests[key]

    def _remember(self, event_id: str | None, request: Request) -> None:
        if event_id is not None:
            self.requests[event_id] = request
            if len(self.requests) > _KEPT:
                del self.requests[next(iter(self.requests))]
