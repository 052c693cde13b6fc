"""The conversation as the events that build it again in a new session.

A new connection begins with an empty conversation, so whoever wants to go on has to create its items anew.
That works for text, calls and their outputs; speech becomes its transcript. The events carry no
``previous_item_id``: without one a server appends, one connection keeps their order, and an item that it
refuses takes none of the others along, as it would in a chain of anchors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias, get_args

import attrs

from rtstate._model import Item, Part
from rtstate._types import Json
from rtstate.document import Snapshot, expect_snapshot
from rtstate.exports._common import DETAILS, Call, Image, LeftOut, Reason, calls_of, content_of
from rtstate.exports._ids import id_for, made_id
from rtstate.views.context import CHARACTERS_PER_TOKEN, TOKENS_PER_IMAGE

Event: TypeAlias = dict[str, Json]
RestoreDialect: TypeAlias = Literal["ga", "beta", "voicelive", "xai"]

_MESSAGES: Final = ("message", "force_message")  # created anew, the latter would be spoken again
_CALLS: Final = ("function_call", "function_call_output")
_ROLES: Final = ("system", "user", "assistant")


@attrs.frozen
class _Wire:
    """What a dialect takes: its name for an assistant's text, images, and how long an id may be."""

    text: str
    images: bool = False
    longest_id: int = 32


_WIRES: Final[Mapping[str, _Wire]] = {
    "ga": _Wire("output_text", images=True),
    "beta": _Wire("text"),
    "voicelive": _Wire("text"),
    "xai": _Wire("output_text", longest_id=64),  # its own ids are UUIDs
}


@attrs.frozen
class RestorePlan:
    """The events that rebuild a conversation, what they leave out, and about how many tokens they are."""

    events: tuple[Event, ...]
    left_out: tuple[LeftOut, ...]
    tokens: int


def restore_events(
    snapshot: Snapshot,
    dialect: RestoreDialect = "ga",
    *,
    max_tokens: int | None = None,
    keep: Iterable[str] | None = None,
) -> list[Event]:
    """Return the ordered ``conversation.item.create`` events that rebuild the conversation in a new session.

    These are the events of :func:`restore_plan`, which also tells what they leave out.

    >>> from rtstate import Conversation
    >>> conversation = Conversation()
    >>> hello = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    >>> _ = conversation.sent({"type": "conversation.item.create", "item": {"id": "item_1", **hello}})
    >>> [event["item"]["content"] for event in restore_events(conversation.snapshot())]
    [[{'type': 'input_text', 'text': 'Hello'}]]
    """
    return list(restore_plan(snapshot, dialect, max_tokens=max_tokens, keep=keep).events)


def restore_plan(
    snapshot: Snapshot,
    dialect: RestoreDialect = "ga",
    *,
    max_tokens: int | None = None,
    keep: Iterable[str] | None = None,
) -> RestorePlan:
    """Plan how to rebuild the conversation in a new session of a ``dialect``.

    ``"ga"`` is also Azure OpenAI's and Inworld's, ``"beta"`` also Azure's preview. Speech becomes text: the
    user's transcript, and of the assistant's what was heard. A function call and its output come together or
    not at all, the call first. Ids are kept where the server takes them, and else derived from them, always
    the same ones. Each event has an id, so that an error can name it.

    ``max_tokens`` is a budget, at about four characters a token and 1,000 tokens an image. Items to ``keep``,
    by id, are in whatever it says; then come system messages and then all others, the newest first, as far as
    it goes: nothing older than what no longer fits. Raises ValueError for an unknown dialect and for a budget
    below 0, TypeError where ``keep`` is a text. Cost: the size of the conversation.
    """
    expect_snapshot(snapshot)
    if dialect not in get_args(RestoreDialect):
        raise ValueError(f"dialect is one of {get_args(RestoreDialect)}, not {dialect!r}")
    if max_tokens is not None and max_tokens < 0:
        raise ValueError(f"max_tokens is a budget, 0 or more, not {max_tokens!r}")
    if isinstance(keep, str):
        raise TypeError(f"keep is item ids, not one text: {keep!r}")
    return _Planner(snapshot, _WIRES[dialect]).plan(max_tokens, dict.fromkeys(keep or ()))


@attrs.define(eq=False)
class _Unit:
    """What comes together or not at all: a message, or a call with its output."""

    items: dict[str, Event]  # by the old id
    is_system: bool = False

    @property
    def tokens(self) -> int:
        return sum(map(_tokens, self.items.values()))


class _Planner:
    """One plan in the making."""

    def __init__(self, snapshot: Snapshot, wire: _Wire) -> None:
        self.snapshot = snapshot
        self.items = snapshot.items
        self.wire = wire
        self.units: list[_Unit] = []  # in the order of their last items
        self.left_out: dict[str, list[LeftOut]] = {}

    def plan(self, max_tokens: int | None, keep: Mapping[str, object]) -> RestorePlan:
        """Return the plan."""
        places = {item.id: place for place, item in enumerate(self.items)}
        self._read(places)
        chosen = self._chosen(max_tokens, keep)
        carried = {item_id: item for unit in chosen for item_id, item in unit.items.items()}
        for item_id in (item_id for unit in self.units for item_id in unit.items if item_id not in carried):
            self.left_out[item_id] = [LeftOut(item_id, "budget")]
        left_out = [each for item in self.items for each in self.left_out.get(item.id, ())]
        left_out += [LeftOut(item_id, "unknown") for item_id in keep if item_id not in places]
        for unit in chosen:  # a call stays where it is, an output never comes before it
            *_, last = unit.items
            places[last] = max(places[item_id] for item_id in unit.items)
        return RestorePlan(
            tuple([_create(carried[item_id]) for item_id in sorted(carried, key=places.__getitem__)]),
            tuple(left_out),
            sum(unit.tokens for unit in chosen),
        )

    def _read(self, places: Mapping[str, int]) -> None:
        """Make units of the items, and note what cannot be."""
        calls, reasons = calls_of(self.snapshot)
        complete = {max(call.item.id, call.output_id, key=places.__getitem__): call for call in calls}
        for item in self.items:
            if item.type in _MESSAGES:
                self._add_message(item)
            elif item.type not in _CALLS:
                self._leave(item, "unsupported")
            elif item.id in reasons:
                self._leave(item, reasons[item.id])
            elif item.id in complete:
                self._add_call(complete[item.id])

    def _add_message(self, item: Item) -> None:
        role = "assistant" if item.type == "force_message" else item.role
        if role not in _ROLES:
            self._leave(item, "unsupported")
            return
        content: list[Event] = []
        lost: list[LeftOut] = []
        for index, part in enumerate(item.content):
            said = self._part(part, role)
            if isinstance(said, dict):
                content.append(said)
            elif said != "empty":
                lost.append(LeftOut(item.id, said, index))
        if not content:
            self._leave(item, lost[0].reason if lost else "empty")
            return
        self.left_out[item.id] = lost
        told = {"id": self._id(item.id, "item"), "type": "message", "role": role, "content": content}
        self.units.append(_Unit({item.id: told}, is_system=role == "system"))

    def _part(self, part: Part, role: str) -> Event | Reason:
        """Return a part as it is created, or why it cannot be."""
        said, why = content_of(part, role)
        if part.type == "input_image":
            if not isinstance(said, Image) or not self.wire.images:
                return "image"
            detail = {"detail": part.detail} if part.detail in DETAILS else {}
            return {"type": "input_image", "image_url": said.url, **detail}
        if said is None:
            return why or "empty"
        return {"type": self.wire.text if role == "assistant" else "input_text", "text": said}

    def _add_call(self, call: Call) -> None:
        call_id = self._id(call.call_id, "call")
        made = {
            "id": self._id(call.item.id, "item"),
            "type": "function_call",
            "call_id": call_id,
            "name": call.name,
            "arguments": call.arguments,
        }
        answer = {
            "id": self._id(call.output_id, "item"),
            "type": "function_call_output",
            "call_id": call_id,
            "output": call.output,
        }
        self.units.append(_Unit({call.item.id: made, call.output_id: answer}))

    def _leave(self, item: Item, reason: Reason) -> None:
        self.left_out[item.id] = [LeftOut(item.id, reason)]

    def _chosen(self, max_tokens: int | None, keep: Mapping[str, object]) -> list[_Unit]:
        """Return the units that the budget has room for, in no order."""
        if max_tokens is None:
            return self.units
        chosen = [unit for unit in self.units if not keep.keys().isdisjoint(unit.items)]
        left = max_tokens - sum(unit.tokens for unit in chosen)
        others = [unit for unit in reversed(self.units) if keep.keys().isdisjoint(unit.items)]
        for system in (True, False):
            for unit in (unit for unit in others if unit.is_system is system):
                if unit.tokens > left:
                    break
                left -= unit.tokens
                chosen.append(unit)
        return chosen

    def _id(self, known: str, kind: str) -> str:
        """Return an id if the server takes it, or one made from it; as an anchor, ``root`` is no item."""
        return made_id(known, kind) if known == "root" else id_for(known, kind, self.wire.longest_id)


def _create(item: Event) -> Event:
    return {"type": "conversation.item.create", "event_id": f"restore_{item['id']}", "item": item}


def _tokens(item: Event) -> int:
    """Return about how many tokens an item is."""
    content: list[Event] = item.get("content", [])
    texts = [item.get("name", ""), item.get("arguments", ""), item.get("output", "")]
    letters = len("".join([*texts, *(part.get("text", "") for part in content)]))
    images = len([part for part in content if part["type"] == "input_image"])
    return -(-letters // CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE
