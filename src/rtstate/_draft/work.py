"""The working copies: what the draft writes to, and how they become the frozen nouns of a snapshot.

A working copy knows its path in the document, and its frozen twin for as long as that is still true
(``frozen is None`` means that it changed since). ``fresh``: made, or made anew, during this event; one
operation shows it whole, so what is written to it needs none of its own. ``shown``: the document has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from rtstate import _model as model
from rtstate._growing import Audio, Growing, Text, grown
from rtstate._heard import HeardText
from rtstate._json import EMPTY
from rtstate._twin import twin
from rtstate._types import IN_PROGRESS, Json, JsonPath

_ItemTwin: Final = twin(model.Item)
_PartTwin: Final = twin(model.Part)


class PartWork:
    """One part in the making.

    Texts always hold what was generated; ``mark`` is where the part was cut off (the smallest mark asked
    for), and ``truncated`` what follows from it.
    """

    __slots__ = (
        "audio",
        "audio_ms",
        "billed",
        "detail",
        "extra",
        "final",
        "fresh",
        "frozen",
        "image_url",
        "index",
        "item",
        "mark",
        "marks",
        "path",
        "shown",
        "stream",
        "streamed",
        "text",
        "transcript",
        "transcription",
        "truncated",
        "type",
    )

    def __init__(self, item: ItemWork, index: int) -> None:
        self.item = item
        self.index = index
        self.path: JsonPath = (*item.path, "content", index)
        self.type: str | None = None
        self.text: Text = None
        self.transcript: Text = None
        self.audio: Audio | None = None
        self.audio_ms: int | None = None
        self.final = False
        self.mark: int | None = None
        self.marks: dict[str, int] = {}  # by the request that set it, the server's under ""
        self.truncated: model.Truncated | None = None
        self.transcription: model.Transcription | None = None
        self.image_url: str | None = None
        self.detail: str | None = None
        self.extra: Mapping[str, Json] = EMPTY
        self.stream: Growing | None = None  # the text that the next delta probably goes to
        self.streamed = False  # a delta or a final text was its own, not a copy's
        self.billed = False  # its transcription is counted
        self.frozen: model.Part | None = None
        self.fresh = self.shown = False

    @property
    def is_known(self) -> bool:
        """Whether this library understands the part's type; None is a part nobody has told us about yet."""
        return self.type is None or self.type in model.PART_TYPES

    @property
    def end_ms(self) -> int:
        """The mark, but never beyond the audio received."""
        assert self.mark is not None
        return self.mark if self.audio_ms is None else min(self.mark, self.audio_ms)

    def truncate(self) -> tuple[model.Truncated, HeardText]:
        """Work out what the mark means for the audio and the text there are now. Cost: O(1)."""
        generated = grown(self.transcript)
        heard = HeardText(generated, self.end_ms, self.audio_ms)
        self.truncated = model.Truncated(
            self.end_ms, heard, generated, "rate" if self.audio_ms is None else "audio"
        )
        return self.truncated, heard

    def freeze(self) -> model.Part:
        """Return the part as it stands, the same object until it changes. Cost: O(1)."""
        if self.frozen is None:
            part: Any = _PartTwin()
            part.type = self.type
            part._text = grown(self.text)
            part._transcript = grown(self.transcript)
            part.audio_ms = self.audio_ms
            part.final = self.final
            part.truncated = self.truncated
            part.transcription = self.transcription
            part.image_url = self.image_url
            part.detail = self.detail
            part.extra = self.extra
            part.__class__ = model.Part
            self.frozen = part
        return self.frozen  # pyright: ignore[reportReturnType]


class ItemWork:
    """One item in the making. ``session`` is the number of the session it belongs to."""

    __slots__ = (
        "anchored",
        "arguments",
        "arguments_final",
        "call_id",
        "extra",
        "fresh",
        "frozen",
        "id",
        "mcp",
        "name",
        "output",
        "parts",
        "path",
        "previous_item_id",
        "ready",
        "response_id",
        "role",
        "session",
        "shown",
        "slot",
        "status",
        "type",
        "typed",
    )

    def __init__(self, item_id: str, item_type: str, slot: int, session: int) -> None:
        self.id = item_id
        self.type = item_type
        self.slot = slot
        self.session = session
        self.path: JsonPath = ("items", item_id)
        self.status = IN_PROGRESS
        self.response_id: str | None = None
        self.previous_item_id: str | None = None
        self.typed = False  # some event said what it is; until then its type is a guess
        self.anchored = False  # some event said what is before it
        self.role: str | None = None
        self.parts: list[PartWork] = []
        self.call_id: str | None = None
        self.name: str | None = None
        self.arguments: Text = None
        self.arguments_final = False
        self.ready = False
        self.output: Json = None
        self.mcp: Mapping[str, Json] = EMPTY
        self.extra: Mapping[str, Json] = EMPTY
        self.frozen: model.Item | None = None
        self.fresh = self.shown = False

    @property
    def is_known(self) -> bool:
        return self.type in model.ITEM_FIELDS

    @property
    def has_parts(self) -> bool:
        return "content" in model.ITEM_FIELDS.get(self.type, ())

    @property
    def has_arguments(self) -> bool:
        return "arguments" in model.ITEM_FIELDS.get(self.type, ())

    def become(self, item_type: str) -> None:
        """Be of another type than was guessed, without what that type does not have."""
        self.type = item_type
        if not self.has_parts:
            self.parts.clear()
        if not self.has_arguments:
            self.arguments = None

    @property
    def is_open(self) -> bool:
        return self.status == IN_PROGRESS

    def freeze(self) -> model.Item:
        """Return the item as it stands, the same object until it changes. Cost: its parts that changed."""
        if self.frozen is None:
            item: Any = _ItemTwin()
            item.id = self.id
            item.type = self.type
            item.status = self.status
            item.response_id = self.response_id
            item.previous_item_id = self.previous_item_id
            item.role = self.role
            item.content = tuple([part.freeze() for part in self.parts])
            item.call_id = self.call_id
            item.name = self.name
            item._arguments = grown(self.arguments)
            item.ready = self.ready
            item.output = self.output
            item.mcp = self.mcp
            item.extra = self.extra
            item.__class__ = model.Item
            self.frozen = item
        return self.frozen  # pyright: ignore[reportReturnType]


class ResponseWork:
    """One response in the making. ``out_of_band``: its items never enter the conversation."""

    __slots__ = (
        "bytes_per_second",
        "conversation_id",
        "ended",
        "extra",
        "fresh",
        "frozen",
        "id",
        "indexes",
        "metadata",
        "out_of_band",
        "output",
        "path",
        "shown",
        "slot",
        "status",
        "status_details",
        "usage",
    )

    def __init__(self, response_id: str, slot: int) -> None:
        self.id = response_id
        self.slot = slot
        self.path: JsonPath = ("responses", response_id)
        self.status = IN_PROGRESS
        self.status_details: Json = None
        self.conversation_id: str | None = None
        self.metadata: Mapping[str, Json] | None = None
        self.output: tuple[str, ...] = ()
        self.indexes: list[int] = []  # the output_index of each
        self.usage: Mapping[str, Json] | None = None
        self.extra: Mapping[str, Json] = EMPTY
        self.out_of_band = False
        self.ended = False
        self.bytes_per_second: int | None = None
        self.frozen: model.Response | None = None
        self.fresh = self.shown = False

    def slot_for(self, index: int | None) -> int:
        """Take the place in the output for an output index: behind all that do not lie beyond it."""
        last = self.indexes[-1] if self.indexes else 0
        at = bisect_right(self.indexes, last if index is None else index)
        self.indexes.insert(at, last if index is None else index)
        return at

    def freeze(self) -> model.Response:
        """Return the response as it stands, the same object until it changes."""
        if self.frozen is None:
            self.frozen = model.Response(
                id=self.id,
                status=self.status,
                status_details=self.status_details,
                conversation_id=self.conversation_id,
                metadata=self.metadata,
                output=self.output,
                usage=self.usage,
                extra=self.extra,
            )
        return self.frozen


Node: TypeAlias = ItemWork | PartWork | ResponseWork
NODES: Final = (ItemWork, PartWork, ResponseWork)
