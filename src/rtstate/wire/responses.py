"""The life of a response: its start, the items and parts it opens and closes, its end and cost."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft, PartCopy
from rtstate.wire._base import JsonObject, ServerEvent, noted, reduced
from rtstate.wire._copies import read_item, read_part, read_response
from rtstate.wire._objects import AnyContent, AnyItem, Index, PartEvent, Response, Usage


class ResponseCreated(ServerEvent):
    """A response begins; it has no output yet."""

    type: Literal["response.created"]
    response: Response


class ResponseDone(ServerEvent):
    """A response ended, well or not, with all its items and its usage (on xAI and Inworld beside it)."""

    type: Literal["response.done"]
    response: Response
    response_id: str | None = None
    usage: Usage | None = None


class ResponseCancelled(ServerEvent):
    """A response is being cancelled; ``response.done`` still follows."""

    type: Literal["response.cancelled"]
    response_id: str | None = None


class ResponseOutputItemAdded(ServerEvent):
    """A response opens an item, which is not placed in the conversation yet."""

    type: Literal["response.output_item.added"]
    response_id: str | None = None
    output_index: Index = None
    item: AnyItem


class ResponseOutputItemDone(ServerEvent):
    """A response closes an item: completed, or incomplete when it was cut short."""

    type: Literal["response.output_item.done"]
    response_id: str | None = None
    output_index: Index = None
    item: AnyItem


class ResponseContentPartAdded(PartEvent):
    """A response opens a part of an item; the first Azure previews call it ``content``."""

    type: Literal["response.content_part.added"]
    part: AnyContent | None = None
    content: AnyContent | None = None


class ResponseContentPartDone(PartEvent):
    """A response closes a part, given whole but for its audio; Inworld leaves the part out."""

    type: Literal["response.content_part.done"]
    part: AnyContent | None = None
    content: AnyContent | None = None


def on_created(draft: Draft, event: JsonObject) -> None:
    copy = read_response(draft, event)
    if copy:
        draft.describe_response(draft.open_response(copy.id), copy)


def on_done(draft: Draft, event: JsonObject) -> None:
    copy = read_response(draft, event)
    if copy:
        draft.close_response(draft.open_response(copy.id), copy)


def on_item_added(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    if copy:
        draft.put_output(event.get("response_id"), copy, event.get("output_index"), final=False)


def on_item_done(draft: Draft, event: JsonObject) -> None:
    copy = read_item(draft, event["item"])
    if copy:
        draft.put_output(event.get("response_id"), copy, event.get("output_index"), final=True)


def _put_part(draft: Draft, event: JsonObject, *, final: bool) -> None:
    part = event.get("part") or event.get("content")
    copy = read_part(part, "assistant") if part else PartCopy()
    draft.put_part(
        event["item_id"], event.get("content_index") or 0, copy, event.get("response_id"), final=final
    )


def on_part_added(draft: Draft, event: JsonObject) -> None:
    _put_part(draft, event, final=False)


def on_part_done(draft: Draft, event: JsonObject) -> None:
    _put_part(draft, event, final=True)


ROWS = (
    reduced(ResponseCreated, on_created),
    reduced(ResponseDone, on_done),
    reduced(ResponseOutputItemAdded, on_item_added),
    reduced(ResponseOutputItemDone, on_item_done),
    reduced(ResponseContentPartAdded, on_part_added),
    reduced(ResponseContentPartDone, on_part_done),
    noted(ResponseCancelled),
)
