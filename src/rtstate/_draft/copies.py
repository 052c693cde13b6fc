"""What an event shows of an item, a part or a response, in the names of the state. None says nothing."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from rtstate._json import EMPTY
from rtstate._types import ItemId, Json, ResponseId


@attrs.define
class PartCopy:
    """A part as an event shows it; ``audio`` is base64."""

    type: str | None = None
    text: str | None = None
    transcript: str | None = None
    audio: str | None = None
    image_url: str | None = None
    detail: str | None = None
    extra: Mapping[str, Json] = EMPTY


@attrs.define
class ItemCopy:
    """An item as an event shows it."""

    id: ItemId
    type: str | None = None
    status: str | None = None
    role: str | None = None
    parts: list[PartCopy] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    output: Json = None
    mcp: Mapping[str, Json] = EMPTY
    extra: Mapping[str, Json] = EMPTY


@attrs.define
class ResponseCopy:
    """A response as an event shows it."""

    id: ResponseId
    status: str | None = None
    status_details: Json = None
    conversation_id: str | None = None
    out_of_band: bool = False
    metadata: Mapping[str, Json] | None = None
    output: list[ItemCopy] | None = None
    usage: Mapping[str, Json] | None = None
    bytes_per_second: int | None = None
    extra: Mapping[str, Json] = EMPTY
