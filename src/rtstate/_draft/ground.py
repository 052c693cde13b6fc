"""What a draft holds, and how it becomes a snapshot.

Nothing is built that nobody asked for: snapshots are made on request, out of what changed since the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import attrs

from rtstate import _model as model
from rtstate._change import Stats
from rtstate._draft.work import ItemWork, Node, PartWork, Request, ResponseWork
from rtstate._growing import Growing, grown
from rtstate._json import EMPTY
from rtstate._late import late_snapshot
from rtstate._operations import RawOperation
from rtstate._order import Order
from rtstate._types import AnomalyKind, AudioMode, Dialect, ItemId, Json, ResponseId
from rtstate._vector import Vector
from rtstate.document import Answered, OrderedItems, Placed, Snapshot, Table, sorted_ids

_SILENCE: Final = model.InputAudio()
_NO_TOTALS: Final = model.Totals()
_ZEROS: Final = _NO_TOTALS.to_dict()


@attrs.define(eq=False, repr=False, weakref_slot=False)
class Ground:
    """The working copy of a conversation.

    ``ops`` and ``notes`` collect what one event did. It has slots, as the floors above it: with so many
    fields a dict would make each event 5 % slower, and itself 3 kB larger.
    """

    audio: AudioMode = "measure"
    dialect: Dialect = "auto"
    null_is_end: bool = attrs.field(
        default=attrs.Factory(lambda self: self.dialect == "xai", takes_self=True)
    )
    """What a null anchor, or an unknown one, means to xAI."""
    revision: int = 0
    stats: Stats = attrs.field(factory=Stats)
    ops: list[RawOperation | Node] = attrs.field(factory=list[Any])
    notes: list[tuple[AnomalyKind, str]] = attrs.field(factory=list[Any])

    items: dict[ItemId, ItemWork] = attrs.field(factory=dict[str, Any])
    open_items: dict[ItemId, ItemWork] = attrs.field(factory=dict[str, Any])
    dead: set[ItemId] = attrs.field(factory=set[str])
    order: Order = attrs.field(default=attrs.Factory(lambda self: Order(self.ops), takes_self=True))
    responses: dict[ResponseId, ResponseWork] = attrs.field(factory=dict[str, Any])
    running: dict[ResponseId, ResponseWork] = attrs.field(factory=dict[str, Any])

    calls: dict[str, ItemId] = attrs.field(factory=dict[str, Any])
    """By ``call_id``, the item that makes the call."""
    deletions: list[ItemId] = attrs.field(factory=list[str])
    """Asked for by the client, not confirmed yet."""
    finishing: tuple[PartWork, Mapping[str, Json] | None] | None = None
    """What the user said that is final as soon as something else begins, and what it cost (xAI)."""
    requests: dict[str, Request] = attrs.field(factory=dict[str, Any])
    """By the client's event id, while nobody has answered."""

    conversation_id: str | None = None
    is_named: bool = False
    """This session has said the id itself, not only by its responses."""
    session: Mapping[str, Json] | None = None
    session_number: int = 0
    has_session: bool = False
    sessions: list[model.SessionInfo] = attrs.field(factory=list[model.SessionInfo])
    at: float | None = None
    """When the event at hand came."""
    answer_model: str | None = None
    transcription_model: str | None = None
    input_bytes_per_second: int | None = None
    output_bytes_per_second: int | None = None
    input_audio: model.InputAudio = _SILENCE
    rate_limits: Mapping[str, model.RateLimit] = EMPTY
    errors: tuple[model.ErrorRecord, ...] = ()
    translation: dict[str, Growing | None] = attrs.field(factory=dict[str, Any])

    dirty_items: dict[int, ItemWork | None] = attrs.field(factory=dict[int, Any])
    """What changed since the last snapshot, by slot; None is gone."""
    _dirty_responses: dict[int, ResponseWork] = attrs.field(factory=dict[int, Any])
    _totals: model.Totals = _NO_TOTALS
    _counters: dict[str, Any] = attrs.field(factory=lambda: model.plain(_ZEROS))
    _counted: bool = False
    """Since the totals were last frozen."""
    marked: list[ItemWork | ResponseWork] | None = None
    """Whose trace is another since this was emptied, where somebody wants to know."""
    _fresh: dict[Node, Any] = attrs.field(factory=dict[Any, Any])
    """Made anew by this event, and what the document has of it."""
    _snapshot: Snapshot | None = None
    _built: Snapshot | None = None
    """The last snapshot built whole, while it is right at the root."""
    _item_slots: dict[str, int] = attrs.field(factory=dict[str, int])
    _response_slots: dict[str, int] = attrs.field(factory=dict[str, int])
    _item_table: Table[Placed] = attrs.field(
        default=attrs.Factory(lambda self: Table(self._item_slots, Vector()), takes_self=True)
    )
    _response_table: Table[Answered] = attrs.field(
        default=attrs.Factory(lambda self: Table(self._response_slots, Vector()), takes_self=True)
    )
    _ordered: OrderedItems | None = None

    @property
    def keep_audio(self) -> bool:
        return self.audio == "keep"

    # Saving and loading

    def totals(self) -> dict[str, Any]:
        """Return the counters of the bill as they stand, plain and the caller's own."""
        return model.plain(self._counters)  # type: ignore[no-any-return]

    def set_totals(self, counters: Mapping[str, Any]) -> None:
        """Set all counters of the bill; raises ValueError where they are not those of a bill."""
        self._totals = model.read_totals(counters)
        self._counters = self._totals.to_dict()

    def slots(self) -> list[ItemId]:
        """Return the ids as the snapshots list them, those among them that are gone and may come again."""
        return [item_id for item_id in self._item_slots if item_id not in self.dead]

    def restore_slots(self, ids: list[ItemId]) -> None:
        """Note how the snapshots list the ids, before the items themselves are taken in."""
        self._item_slots.update({item_id: slot for slot, item_id in enumerate(ids)})
        self.dirty_items.update(dict.fromkeys(range(len(ids))))

    def restore_item(self, item: ItemWork) -> None:
        """Take in an item that was saved, with the slot it has in the snapshots."""
        assert item.id not in self.items
        self.items[item.id] = item
        if item.is_open:
            self.open_items[item.id] = item
        self.dirty_items[item.slot] = item

    def restore_response(self, response: ResponseWork) -> None:
        """Take in a response that was saved."""
        assert response.id not in self.responses
        self.responses[response.id] = response
        self._response_slots[response.id] = response.slot
        if not response.ended:
            self.running[response.id] = response
        self._dirty_responses[response.slot] = response

    # Snapshots

    def freeze(self) -> Snapshot:
        """Return the state as it stands: the same object while nothing changes.

        Cost: O(log n) for each entity that changed since the last snapshot, and nothing for the others.
        """
        if self._snapshot is not None and self._snapshot.revision == self.revision:
            return self._snapshot
        dirty = self.dirty_items
        more = self._dirty_responses or self.order.relabelled or self._counted or self.translation
        if len(dirty) == 1 and not more and self._built is not None:  # what a delta leaves
            ((slot, work),) = dirty.items()
            entry = None if work is None else work.entry()
            snapshot = late_snapshot(self.revision, (self._built, slot, entry))
        else:
            snapshot = self._built = self._freeze_whole()
        self._snapshot = snapshot
        return snapshot

    def _freeze_whole(self) -> Snapshot:
        relabelled = self.order.relabelled
        for item_id in relabelled:
            moved = self.items.get(item_id)
            if moved is not None:
                moved.label = self.order.label(item_id)
                self.dirty_items[moved.slot] = moved
        if self.dirty_items:
            self._item_table = self._item_table.with_all(
                {slot: None if work is None else work.entry() for slot, work in self.dirty_items.items()}
            )
            self.dirty_items.clear()
        if self._dirty_responses:
            self._response_table = self._response_table.with_all(
                {slot: (each.freeze(), each.trace) for slot, each in self._dirty_responses.items()}
            )
            self._dirty_responses.clear()
        if relabelled or self._ordered is None:
            self._ordered = OrderedItems(partial(sorted_ids, self._item_table), self.order.end())
            relabelled.clear()
        if self._counted:
            self._totals = model.read_totals(self._counters)
            self._counted = False
        return Snapshot(
            revision=self.revision,
            conversation_id=self.conversation_id,
            session=self.session,
            usage=self._totals,
            input_audio=self.input_audio,
            rate_limits=self.rate_limits,
            errors=self.errors,
            translation=self._frozen_translation() if self.translation else None,
            items=self._item_table,
            responses=self._response_table,
            order=self._ordered,
        )

    def _frozen_translation(self) -> model.Translation:
        return model.Translation(**{name: grown(text) for name, text in self.translation.items()})

    def _check(self) -> None:
        """Assert everything that must hold between two events. Cost: O(n)."""
        self.order._check()  # pyright: ignore[reportPrivateUsage]
        assert not self.ops
        assert not self._fresh
        assert not self.dead & set(self.items)
        assert set(self.order.ids()) <= {each.id for each in self.items.values() if not each.hidden}
        assert set(self.open_items) == {each.id for each in self.items.values() if each.is_open}
        assert set(self.running) == {each.id for each in self.responses.values() if not each.ended}
        assert all(len(each.indexes) == len(each.output) for each in self.responses.values())
        for item in self.items.values():
            assert item.session == self.session_number or not item.is_open
            assert item.has_parts or not item.parts
            assert item.has_arguments or item.arguments is None
            for part in item.parts:
                assert (part.transcription is not None) == (part.type == "input_audio")
            assert [part.index for part in item.parts] == list(range(len(item.parts)))
            assert item.frozen is None or item.slot not in self.dirty_items or item.frozen == item.freeze()
