"""The working copies: what the draft writes to, and how they become the frozen nouns of a snapshot.

A working copy knows its path in the document, and its frozen twin for as long as that is still true
(``frozen is None`` means that it changed since). ``fresh``: made, or made anew, during this event; one
operation shows it whole, so what is written to it needs none of its own. ``shown``: the document has it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import attrs

from rtstate import _model as model
from rtstate._growing import Audio, Growing, Text, grown
from rtstate._heard import HeardText
from rtstate._json import EMPTY
from rtstate._late import late_item
from rtstate._trace import NO_ITEM_TRACE, NO_RESPONSE_TRACE, ItemTrace, ResponseTrace
from rtstate._twin import twin
from rtstate._types import IN_PROGRESS, ItemId, Json, JsonPath, ResponseId
from rtstate.document import Placed

_ItemTwin: Final = twin(model.Item)
_PartTwin: Final = twin(model.Part)

Billed: TypeAlias = Literal["", "counted", "priced"]
"""Whether something stands in the totals, and with what it cost."""


@attrs.define(eq=False, weakref_slot=False)
class PartWork:
    """One part in the making.

    Texts always hold what was generated; ``mark`` is where the part was cut off (the smallest mark asked
    for), and ``truncated`` what follows from it.
    """

    item: ItemWork
    index: int
    path: JsonPath = attrs.field(
        init=False,
        default=attrs.Factory(lambda part: (*part.item.path, "content", part.index), takes_self=True),
    )
    type: str | None = None
    text: Text = None
    transcript: Text = None
    audio: Audio | None = None
    audio_ms: int | None = None
    final: bool = False
    mark: int | None = None
    marks: dict[str, int] = attrs.field(factory=dict[str, int])
    """The marks by the request that set them, the server's under ``""``."""
    truncated: model.Truncated | None = None
    transcription: model.Transcription | None = None
    segments: set[str] = attrs.field(factory=set[str])
    """The ids of the diarized segments it has."""
    image_url: str | None = None
    detail: str | None = None
    extra: Mapping[str, Json] = EMPTY
    stream: Growing | None = None
    """The text that the next delta probably goes to."""
    streamed: bool = False
    """A delta or a final text was its own, not a copy's."""
    billed: Billed = ""
    frozen: model.Part | None = None
    fresh: bool = False
    shown: bool = False

    @property
    def quiet(self) -> bool:
        """Whether a write to it needs no operation: the document shows it whole, or not at all."""
        return self.fresh or self.item.hidden > 0

    @property
    def is_known(self) -> bool:
        """Whether this library understands the part's type; None is a part nobody has told us about yet."""
        return self.type is None or self.type in model.PART_TYPES

    @property
    def end_ms(self) -> int:
        """The mark, but never beyond the audio received."""
        assert self.mark is not None
        return self.mark if self.audio_ms is None else min(self.mark, self.audio_ms)

    @property
    def shown_transcript(self) -> Any:
        """The transcript as the document has it: of a truncated part, what was heard."""
        return self.transcript if self.truncated is None else self.truncated._heard  # pyright: ignore[reportPrivateUsage]

    def truncate(self) -> tuple[model.Truncated, HeardText]:
        """Work out what the mark means for the audio and the text there are now. Cost: O(1)."""
        generated = grown(self.transcript)
        heard = HeardText(generated, self.end_ms, self.audio_ms)
        basis: Literal["audio", "rate"] = "rate" if self.audio_ms is None else "audio"
        self.truncated = model.Truncated(self.end_ms, heard, generated, basis)
        return self.truncated, heard

    def freeze(self) -> model.Part:
        """Return the part as it stands, the same object until it changes. Cost: O(1)."""
        if self.frozen is None:
            part: Any = _PartTwin()
            text, transcript = self.text, self.transcript
            part.type = self.type
            part._text = text if text is None or isinstance(text, str) else text.grown()
            part._transcript = (
                transcript if transcript is None or isinstance(transcript, str) else transcript.grown()
            )
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


@attrs.define(eq=False, weakref_slot=False)
class ItemWork:
    """One item in the making. ``session`` is the number of the session it belongs to."""

    id: ItemId
    type: str
    slot: int
    session: int
    path: JsonPath = attrs.field(
        init=False, default=attrs.Factory(lambda item: ("items", item.id), takes_self=True)
    )
    status: str = IN_PROGRESS
    response_id: ResponseId | None = None
    previous_item_id: ItemId | None = None
    typed: bool = False
    """Some event said what it is; until then its type is a guess."""
    anchored: bool = False
    """Some event said what is before it."""
    role: str | None = None
    parts: list[PartWork] = attrs.field(factory=list[PartWork])
    call_id: str | None = None
    name: str | None = None
    arguments: Text = None
    arguments_final: bool = False
    ready: bool = False
    output: Json = None
    hidden: int = 0
    """How many deletions the client has asked for. It goes on, unseen, for one of them may be refused."""
    placed: bool = False
    """While it is hidden: whether it has a place."""
    mcp: Mapping[str, Json] = EMPTY
    extra: Mapping[str, Json] = EMPTY
    trace: ItemTrace = NO_ITEM_TRACE
    base: model.Item | None = None
    """The frozen copy from which it differs only by what ``grew`` has streamed since."""
    grew: PartWork | None = None
    label: int | None = None
    """Its sort key in the order, as of the last snapshot."""
    frozen: model.Item | None = None
    fresh: bool = False
    shown: bool = False

    @property
    def quiet(self) -> bool:
        return self.fresh or self.hidden > 0

    @property
    def is_known(self) -> bool:
        return self.type in model.ITEM_FIELDS

    @property
    def has_parts(self) -> bool:
        return "content" in model.ITEM_FIELDS.get(self.type, ())

    @property
    def has_arguments(self) -> bool:
        return "arguments" in model.ITEM_FIELDS.get(self.type, ())

    @property
    def is_open(self) -> bool:
        return self.status == IN_PROGRESS

    def become(self, item_type: str) -> None:
        """Be of another type than was guessed, without what that type does not have."""
        self.type = item_type
        if not self.has_parts:
            self.parts.clear()
        if not self.has_arguments:
            self.arguments = None
        for name in {"role", "call_id", "name", "output"}.difference(model.ITEM_FIELDS.get(item_type, ())):
            setattr(self, name, None)

    def settle(self) -> None:
        """Keep the last snapshot's copy of the part that grew, now that something else changes."""
        part, self.grew = self.grew, None
        if part is not None and part.frozen is None and self.frozen is not None:
            part.frozen = self.frozen.content[part.index]

    def entry(self) -> Placed | None:
        """Return what a snapshot holds of the item, None while it is hidden. Cost: its parts that changed."""
        return None if self.hidden else (self.frozen or self.freeze(), self.label, self.trace)

    def freeze(self) -> model.Item:
        """Return the item as it stands, the same object until it changes. Cost: its parts that changed."""
        part = self.grew
        if self.frozen is not None:
            return self.frozen
        if self.base is not None and part is not None:
            text = part.stream
            count = 0 if text is None else len(text.chunks)
            self.frozen = late_item((self.base, part.index, text, count, part.audio_ms))
        else:
            item: Any = _ItemTwin()
            item.id = self.id
            item.type = self.type
            item.status = self.status
            item.response_id = self.response_id
            item.previous_item_id = self.previous_item_id
            item.role = self.role
            parts = self.parts
            if len(parts) == 1:  # nearly always; a comprehension is a call of its own
                item.content = (parts[0].frozen or parts[0].freeze(),)
            else:
                item.content = tuple([part.frozen or part.freeze() for part in parts])
            item.call_id = self.call_id
            item.name = self.name
            arguments = self.arguments
            item._arguments = arguments.grown() if isinstance(arguments, Growing) else arguments
            item.ready = self.ready
            item.output = self.output
            item._mcp = self.mcp
            item.extra = self.extra
            item._growth = None
            item.__class__ = model.Item
            self.frozen = self.base = item
            self.grew = None
        return self.frozen  # pyright: ignore[reportReturnType]


@attrs.define(eq=False, weakref_slot=False)
class ResponseWork:
    """One response in the making. ``out_of_band``: its items never enter the conversation."""

    id: ResponseId
    slot: int
    path: JsonPath = attrs.field(
        init=False, default=attrs.Factory(lambda response: ("responses", response.id), takes_self=True)
    )
    status: str = IN_PROGRESS
    status_details: Json = None
    conversation_id: str | None = None
    metadata: Mapping[str, Json] | None = None
    output: tuple[ItemId, ...] = ()
    indexes: list[int] = attrs.field(factory=list[int])
    """The output index of each."""
    usage: Mapping[str, Json] | None = None
    extra: Mapping[str, Json] = EMPTY
    out_of_band: bool = False
    ended: bool = False
    billed: Billed = ""
    bytes_per_second: int | None = None
    trace: ResponseTrace = NO_RESPONSE_TRACE
    frozen: model.Response | None = None
    fresh: bool = False
    shown: bool = False

    @property
    def quiet(self) -> bool:
        return self.fresh

    def take_place(self, index: int | None) -> int:
        """Take a place in the output for an output index: behind all that do not lie beyond it."""
        last = self.indexes[-1] if self.indexes else 0
        at = bisect_right(self.indexes, last if index is None else index)
        self.indexes.insert(at, last if index is None else index)
        return at

    def freeze(self) -> model.Response:
        """Return the response as it stands, the same object until it changes."""
        if self.frozen is None:
            self.frozen = model.Response(**{name: getattr(self, name) for name in model.RESPONSE_FIELDS})
        return self.frozen


@attrs.frozen
class Request:
    """Something the client asked for and the server has not answered, and the item it is about."""

    kind: Literal["create", "delete", "truncate"]
    item: ItemWork
    index: int = 0

    def concerns(self, kind: str, item_id: ItemId, index: int = 0) -> bool:
        """Tell whether this is the request that an event confirms."""
        return (self.kind, self.item.id, self.index) == (kind, item_id, index)


Node: TypeAlias = ItemWork | PartWork | ResponseWork
NODES: Final = (ItemWork, PartWork, ResponseWork)
