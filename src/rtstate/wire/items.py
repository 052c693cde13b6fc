"""The items of the conversation: where each one stands, what it holds, and its end.

Absent and null differ for ``previous_item_id``: nothing is said, or nothing is before the item.
"""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate._types import COMPLETED, IN_PROGRESS
from rtstate.wire._base import JsonObject, ServerEvent, reduced
from rtstate.wire._copies import anchor, read_item
from rtstate.wire._objects import AnyItem, Index, Milliseconds


class ConversationItemAdded(ServerEvent):
    """An item takes its place in the conversation; its content may still be growing."""

    type: Literal["conversation.item.added"]
    previous_item_id: str | None = None
    item: AnyItem


class ConversationItemCreated(ServerEvent):
    """Beta's ``conversation.item.added``: an item takes its place, final unless a response is making it."""

    type: Literal["conversation.item.created"]
    previous_item_id: str | None = None
    item: AnyItem


class ConversationItemDone(ServerEvent):
    """An item is final. It does not move, whatever ``previous_item_id`` says."""

    type: Literal["conversation.item.done"]
    previous_item_id: str | None = None
    item: AnyItem


class ConversationItemRetrieved(ServerEvent):
    """The server's own copy of an item, audio included, in answer to ``conversation.item.retrieve``."""

    type: Literal["conversation.item.retrieved"]
    item: AnyItem


class ConversationItemTruncated(ServerEvent):
    """An assistant's audio was cut to what was played: ``audio_end_ms`` from the start of the part."""

    type: Literal["conversation.item.truncated"]
    item_id: str
    content_index: Index = 0
    audio_end_ms: Milliseconds = None


class ConversationItemDeleted(ServerEvent):
    """An item left the conversation; xAI may send an empty ``item_id``."""

    type: Literal["conversation.item.deleted"]
    item_id: str


def on_added(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    item = copy and draft.put_item(copy, IN_PROGRESS)
    if item:
        draft.confirm_item(item.id)
        draft.place(item, anchor(event))


def on_created(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    item = copy and draft.put_item(copy, IN_PROGRESS if draft.is_producing(copy) else COMPLETED)
    if item:
        draft.confirm_item(item.id)
        draft.place(item, anchor(event))


def on_done(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    item = copy and draft.put_item(copy, COMPLETED, final=True)
    if item:
        draft.confirm_item(item.id)
        draft.place_for_now(item, anchor(event))


def on_retrieved(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    if copy:
        known = draft.items.get(copy.id)
        draft.put_item(copy, known.status if known else COMPLETED)


def on_truncated(draft: Draft, event: JsonObject) -> None:
    draft.confirm_truncation(event["item_id"], event.get("content_index") or 0, event.get("audio_end_ms"))


def on_deleted(draft: Draft, event: JsonObject) -> None:
    draft.confirm_deletion(event["item_id"])


ROWS = (
    reduced(ConversationItemAdded, on_added),
    reduced(ConversationItemCreated, on_created),
    reduced(ConversationItemDone, on_done),
    reduced(ConversationItemRetrieved, on_retrieved),
    reduced(ConversationItemTruncated, on_truncated),
    reduced(ConversationItemDeleted, on_deleted),
)
