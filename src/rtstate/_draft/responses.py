"""Verbs for responses: describing and closing them, and the items they produce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from rtstate._draft.copies import ItemCopy, ResponseCopy
from rtstate._draft.speech import Speech
from rtstate._draft.work import ResponseWork
from rtstate._json import FrozenDict, same
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE, ItemId, Json, ResponseId


class Responses(Speech):
    """What can happen to a response. It ends once, and nothing of it is open after that."""

    __slots__ = ()

    def describe_response(self, response: ResponseWork, copy: ResponseCopy) -> None:
        """Fill in what a copy of a response says, beside its end."""
        if copy.conversation_id is not None:
            self.write(response, "conversation_id", copy.conversation_id)
            if not self.is_named:
                self.set_root("conversation_id", copy.conversation_id)
        if copy.metadata is not None:
            self.write(response, "metadata", copy.metadata)
        news = {
            key: value for key, value in copy.extra.items() if not same(response.extra.get(key, END), value)
        }
        if news:
            self.write(response, "extra", FrozenDict({**response.extra, **news}))
        response.bytes_per_second = copy.bytes_per_second or response.bytes_per_second
        if copy.out_of_band and not response.out_of_band:
            self.write(response, "out_of_band", True)
            for item in filter(None, map(self.items.get, response.output)):
                self.leave_order(item)

    def close_response(self, response: ResponseWork, copy: ResponseCopy) -> None:
        """End a response by its final copy: fill what never came, close what is open, count the cost once."""
        if response.ended:
            self.stats.late += 1
            self.price(response, copy.usage)
            return
        self.describe_response(response, copy)
        status = COMPLETED if copy.status in (None, IN_PROGRESS) else copy.status
        default = COMPLETED if status == COMPLETED else INCOMPLETE
        copies = {each.id: each for each in copy.output or ()}
        for each in copies.values():
            item = self.put_item(each, default, final=True, response=response)
            if item is not None:
                self.place_for_now(item)
        listed = [item_id for item_id in copies if item_id in self.items or item_id in self.dead]
        self.write(response, "output", _merged(listed, response.output))
        response.indexes = list(range(len(response.output)))
        self.write(response, "status_details", copy.status_details)
        self.end_response(response, status, copy.usage)

    def end_response(self, response: ResponseWork, status: str, usage: Mapping[str, Json] | None) -> None:
        """End a response: close the items it left open, weigh its calls, count its cost."""
        response.ended = True
        del self.running[response.id]
        self.write(response, "status", status)
        self.stamp(response, "ended_at")
        for item_id in response.output:
            item = self.items.get(item_id)
            if item is not None and item.response_id == response.id:
                self.close_if_over(item)
                self.weigh(item)
        self.price(response, usage)

    def price(self, response: ResponseWork, usage: Mapping[str, Json] | None) -> None:
        """Note what a response that has ended cost, once that is known."""
        if usage and response.billed != "priced":
            self.write(response, "usage", usage)
        self.bill(response, "responses", usage)

    def put_output(
        self, response_id: ResponseId | None, copy: ItemCopy, index: int | None, *, final: bool
    ) -> None:
        """Make or refresh an item that a response produces. Only a final copy gives it a place, for now."""
        if self.takes(copy):
            response = None if response_id is None else self.open_response(response_id)
            default = COMPLETED if final else IN_PROGRESS
            item = self.put_item(copy, default, final=final, response=response, index=index)
            if item is not None and final:
                self.place_for_now(item)


def _merged(listed: Sequence[ItemId], known: Sequence[ItemId]) -> tuple[ItemId, ...]:
    """Return the output as the final copy lists it; what it leaves out stays behind what it stood behind."""
    last: ItemId | None = None
    behind: dict[ItemId | None, list[ItemId]] = {each: [each] for each in listed}
    for item_id in known:
        if item_id in behind:
            last = item_id
        else:
            behind.setdefault(last, []).append(item_id)
    first = behind.pop(None, [])
    return (*first, *chain.from_iterable(behind.values()))
