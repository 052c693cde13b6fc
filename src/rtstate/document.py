"""The snapshot, and the ``rtstate/1`` document it is written as.

Entities are held by id and order is a list of its own, so that no path of a patch ever shifts. Snapshots
share everything that did not change: an untouched item is the same object in the next one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from rtstate import _model as model
from rtstate._json import FrozenDict, freeze, thaw
from rtstate._trace import NO_ITEM_TRACE, NO_RESPONSE_TRACE, ItemTrace, ResponseTrace
from rtstate._types import IN_PROGRESS, Json
from rtstate._vector import Vector
from rtstate.errors import DocumentError

FORMAT: Final = "rtstate/1"
T = TypeVar("T")


class Table(Generic[T]):
    """An immutable map from id to entry: a vector of entries, and an index that all snapshots share.

    The index only ever grows. An id that came later points beyond this table's vector, one that was dropped
    at None.
    """

    __slots__ = ("index", "vector")

    def __init__(self, index: dict[str, int], vector: Vector[T | None]) -> None:
        self.index = index
        self.vector = vector

    def get(self, key: str) -> T | None:
        """Return an entry, None where there is none. Cost: O(log n) with base 64."""
        slot = self.index.get(key)
        return None if slot is None or slot >= len(self.vector) else self.vector[slot]

    def with_(self, slot: int, entry: T | None) -> Table[T]:
        """Return a table with one entry set, by slot. Cost: O(log n) with base 64."""
        return Table(self.index, self.vector.with_(slot, entry))

    def with_all(self, entries: dict[int, T | None]) -> Table[T]:
        """Return a table with many entries set, by slot."""
        return Table(self.index, self.vector.with_all(entries))

    def with_ids(self, entries: Mapping[str, T | None]) -> Table[T]:
        """Return a table with many entries set, by id; ids it has not seen join the index."""
        slots = {self.index.setdefault(key, len(self.index)): entry for key, entry in entries.items()}
        for slot in range(len(self.vector), max(slots, default=-1)):
            slots.setdefault(slot, None)
        return self.with_all(slots) if slots else self

    def with_own_index(self) -> Table[T]:
        """Return the same table with an index that nobody else adds to. Cost: O(n)."""
        return Table(dict(self.index), self.vector)

    def __iter__(self) -> Iterator[T]:
        return (entry for entry in self.vector if entry is not None)


Placed = tuple[model.Item, int | None, ItemTrace]
"""An item with its sort key in the order (None where it has no place), and its trace."""

Answered = tuple[model.Response, ResponseTrace]
"""A response and its trace."""


class OrderedItems:
    """The ids of the default conversation, worked out when they are first read.

    Snapshots between two moves share one of these, so that reading the order after each delta does it once.
    """

    __slots__ = ("_ids", "_make", "end")

    def __init__(self, make: Callable[[], Iterable[str]], end: tuple[int, int] | None = None) -> None:
        self.end = end
        """How many there are, and a sort key that none of theirs lies beyond; None: no sort key counts."""
        self._make: Callable[[], Iterable[str]] | None = make
        self._ids: tuple[str, ...] = ()

    def ids(self) -> tuple[str, ...]:
        """Return the ids, first to last. Cost: O(n log n) once, O(n) where they came in order."""
        make = self._make  # another reader may be done with it first
        if make is not None:
            self._ids = tuple(make())
            self._make = None
        return self._ids


def expect_snapshot(given: object) -> None:
    """Raise TypeError for what is no snapshot, and say where there is one."""
    if not isinstance(given, Snapshot):
        kind = type(given).__name__
        where = "see Snapshot.from_dict()" if isinstance(given, Mapping) else "pass conversation.snapshot()"
        raise TypeError(f"expected a snapshot, not {kind}: {where}")


def sorted_ids(items: Table[Placed]) -> Iterator[str]:
    """Yield the ids of the items that have a sort key, in its order."""
    placed = [(label, item.id) for item, label, _ in items if label is not None]
    return (item_id for _, item_id in sorted(placed))


@attrs.frozen(eq=False, repr=False, weakref_slot=False)  # as its twin
class Snapshot:
    """The state of a conversation at one revision. Immutable, and so is everything in it.

    >>> import rtstate
    >>> snapshot = rtstate.Conversation().snapshot()
    >>> snapshot.revision, snapshot.items, snapshot.usage.responses.count
    (0, (), 0)
    """

    revision: int
    conversation_id: str | None
    session: Mapping[str, Json] | None
    usage: model.Totals
    input_audio: model.InputAudio
    rate_limits: Mapping[str, model.RateLimit]
    errors: tuple[model.ErrorRecord, ...]
    translation: model.Translation | None
    _items: Table[Placed] = attrs.field(alias="items")
    _responses: Table[Answered] = attrs.field(alias="responses")
    _order: OrderedItems = attrs.field(alias="order")
    _read: tuple[model.Item, ...] | None = attrs.field(default=None, init=False)
    _growth: Any = attrs.field(default=None, init=False)  # of a snapshot that is filled in on reading

    @property
    def order(self) -> tuple[str, ...]:
        """The ids of the default conversation's items, first to last. Cost: O(n) on first read."""
        return self._order.ids()

    @property
    def items(self) -> tuple[model.Item, ...]:
        """The default conversation's items, first to last. Cost: O(n) on first read."""
        if self._read is None:
            found: list[Any] = [self._items.get(item_id) for item_id in self.order]
            items = tuple([entry[0] for entry in found])
            object.__setattr__(self, "_read", items)  # past the guard: it only remembers
            return items
        return self._read

    @property
    def unplaced(self) -> tuple[model.Item, ...]:
        """The items without a place in the order: out of band, or not announced yet. Cost: O(n)."""
        placed = set(self.order)
        return tuple([item for item, *_ in self._items if item.id not in placed])

    def item(self, item_id: str) -> model.Item | None:
        """Return an item by its id, also one without a place in the order; None if there is none."""
        entry = self._items.get(item_id)
        return entry and entry[0]

    def item_trace(self, item_id: str) -> ItemTrace:
        """Return when an item was; all of it is None where nothing is known, as after from_dict()."""
        entry = self._items.get(item_id)
        return entry[2] if entry else NO_ITEM_TRACE

    def response_trace(self, response_id: str) -> ResponseTrace:
        """Return when a response was, and its model; all of it is None where nothing is known."""
        entry = self._responses.get(response_id)
        return entry[1] if entry else NO_RESPONSE_TRACE

    @property
    def responses(self) -> tuple[model.Response, ...]:
        """All responses, in the order in which they were first seen. Cost: O(n)."""
        return tuple([response for response, _ in self._responses])

    def response(self, response_id: str) -> model.Response | None:
        """Return a response by its id; None if there is none."""
        entry = self._responses.get(response_id)
        return entry and entry[0]

    @property
    def active_responses(self) -> tuple[model.Response, ...]:
        """The responses that have not ended, first seen first. Cost: O(n)."""
        return tuple([each for each, _ in self._responses if each.status == IN_PROGRESS])

    def to_dict(self) -> dict[str, Json]:
        """Return the document, plain JSON and the caller's to change. Cost: its size."""
        document: dict[str, Json] = {
            "format": FORMAT,
            "revision": self.revision,
            "conversation_id": self.conversation_id,
            "session": thaw(self.session),
            "order": list(self.order),
            "items": {item.id: item.to_dict() for item, *_ in self._items},
            "responses": {each.id: each.to_dict() for each, _ in self._responses},
            "usage": self.usage.to_dict(),
            "input_audio": self.input_audio.to_dict(),
            "rate_limits": {name: limit.to_dict() for name, limit in self.rate_limits.items()},
            "errors": [error.to_dict() for error in self.errors],
        }
        if self.translation is not None:
            document["translation"] = self.translation.to_dict()
        return document

    def to_json(self) -> str:
        """Return the document as compact JSON text. Cost: its size."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_dict(cls, document: Mapping[str, Json]) -> Snapshot:
        """Return the snapshot that a document describes.

        Raises DocumentError, saying where, if it is not an ``rtstate/1`` document.
        """
        return _read(document)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Snapshot) and self.to_dict() == other.to_dict())

    def __hash__(self) -> int:
        return hash((self.revision, self.conversation_id))

    def __repr__(self) -> str:
        counts = f"{len(self.order)} items, {len(self.responses)} responses"
        return f"<Snapshot revision {self.revision}: {counts}>"


def read_item(item_id: str, each: Mapping[str, Json]) -> model.Item:
    """Return the item that a document describes; raises DocumentError."""
    with _reading(f"items/{item_id}"):
        if each["id"] != item_id:
            raise ValueError(f"holds an item with the id {each['id']!r}")
        return _read_item(freeze(each))


_YOUNGER: Final = {"out_of_band": False}
"""Keys of a response that a document may be older than."""


def read_response(response_id: str, each: Mapping[str, Json]) -> model.Response:
    """Return the response that a document describes; raises DocumentError."""
    with _reading(f"responses/{response_id}"):
        if each["id"] != response_id:
            raise ValueError(f"holds a response with the id {each['id']!r}")
        told = {**_YOUNGER, **each}
        return model.Response(**{name: freeze(told[name]) for name in model.RESPONSE_FIELDS})


def read_order(ids: Any) -> tuple[str, ...]:
    """Return the order that a document gives; raises DocumentError."""
    with _reading("document"):
        if not isinstance(ids, (list, tuple)):
            raise ValueError(f"order: expected a list, found {type(ids).__name__}")
        order = tuple(cast("list[str]", ids))
        for item_id in order:
            _expect("order", item_id, str)
        if len(set(order)) != len(order):
            raise ValueError(f"order names an item twice: {list(order)}")
        return order


def read_roots(document: Mapping[str, Json], names: Iterable[str]) -> dict[str, Any]:
    """Return some of the values that stand at the root of a document; raises DocumentError."""
    with _reading("document"):
        return {
            name: _ROOTS[name](freeze(document.get(name) if name == "translation" else document[name]))
            for name in names
        }


def _read_revision(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"revision: expected a count, found {value!r}")
    return value


def _read_translation(value: Any) -> model.Translation | None:
    if value is None:
        return None
    _expect("translation", value, dict)
    for name, text in value.items():
        _expect(name, text, str, None)
    return model.Translation(**value)


_ROOTS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "revision": _read_revision,
    "conversation_id": lambda value: _expect("conversation_id", value, str, None),
    "session": lambda value: _expect("session", value, dict, None),
    "usage": lambda value: model.read_totals(_expect_numbers(value)),
    "input_audio": lambda value: model.InputAudio(**_expect_flat(value)),
    "rate_limits": lambda value: FrozenDict(
        {name: model.RateLimit(**_expect_flat(each)) for name, each in value.items()}
    ),
    "errors": lambda value: tuple([model.ErrorRecord(**_expect_flat(each)) for each in value]),
    "translation": _read_translation,
}
ROOTS: Final = tuple(_ROOTS)
"""What a document holds beside its items, their order and its responses."""


@contextmanager
def _reading(at: str) -> Generator[None]:
    """Say where it was that a document could not be read."""
    try:
        yield
    except DocumentError:
        raise
    except KeyError as error:
        raise DocumentError(f"{at}: {error.args[0]!r} is missing") from error
    except RecursionError:
        raise DocumentError(f"{at}: nested too deeply") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise DocumentError(f"{at}: {error}") from error


def _read(document: Mapping[str, Json]) -> Snapshot:
    if not isinstance(document, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DocumentError(f"expected a document as a mapping, not {type(document).__name__}; load it first")
    found = document.get("format")
    if found != FORMAT:
        raise DocumentError(
            f"format: expected {FORMAT!r}, found {found!r}; newer formats need a newer rtstate"
        )
    with _reading("document"):
        order = read_order(document["order"])
        place = {item_id: number for number, item_id in enumerate(order)}
        placed: list[Placed | None] = [
            (read_item(item_id, each), place.pop(item_id, None), NO_ITEM_TRACE)
            for item_id, each in document["items"].items()
        ]
        if place:
            raise ValueError(f"order names items that are not there: {sorted(place)}")
        responses: list[Answered | None] = [
            (read_response(response_id, each), NO_RESPONSE_TRACE)
            for response_id, each in document["responses"].items()
        ]
        items = Table({id_: slot for slot, id_ in enumerate(document["items"])}, Vector(placed))
        return Snapshot(
            items=items,
            responses=Table({id_: slot for slot, id_ in enumerate(document["responses"])}, Vector(responses)),
            order=OrderedItems(partial(sorted_ids, items), (len(order), len(order))),
            **read_roots(document, ROOTS),
        )


def _read_item(each: Mapping[str, Json]) -> model.Item:
    common = {name: each[name] for name in model.ITEM_HEAD}
    for name, value in common.items():
        _expect(name, value, str, None)
    names = model.ITEM_FIELDS.get(each["type"])
    if names is None:
        return model.Item(**common, extra=FrozenDict({k: v for k, v in each.items() if k not in common}))
    fields: dict[str, Json] = {name: each[name] for name in names}
    if "content" in fields:
        fields["content"] = tuple([_read_part(part) for part in each["content"]])
    told = {name: fields.pop(name) for name in names if name in model.MCP_FIELDS}
    fields["mcp"] = FrozenDict({name: value for name, value in told.items() if value is not None})
    _expect("arguments", fields.get("arguments"), str, None)
    return model.Item(**common, **fields, extra=each["extra"])


def _read_part(part: Mapping[str, Json]) -> model.Part:
    if part["type"] is not None and part["type"] not in model.PART_TYPES:
        _expect("type", part["type"], str)
        return model.Part(part["type"], extra=FrozenDict({k: v for k, v in part.items() if k != "type"}))
    for name in ("text", "transcript"):
        _expect(name, part[name], str, None)
    cut = _expect("truncated", part["truncated"], dict, None)
    transcription = _expect("transcription", part.get("transcription"), dict, None)
    if transcription is not None:
        _expect("status", transcription["status"], str)
    if cut is not None:
        for name in ("heard_transcript", "generated_transcript"):
            _expect(name, cut[name], str, None)
    return model.Part(
        part["type"],
        text=part["text"],
        transcript=part["transcript"] if cut is None else cut["generated_transcript"],
        audio_ms=part["audio_ms"],
        final=part["final"],
        truncated=None if cut is None else model.Truncated(**_expect_flat(cut)),
        transcription=None if transcription is None else model.Transcription(**transcription),
        image_url=part.get("image_url"),
        detail=part.get("detail"),
        extra=part["extra"],
    )


_WORDS: Final[Mapping[type | None, str]] = {str: "a text", dict: "an object", None: "null"}


def _expect(name: str, value: Any, *kinds: type | None) -> Any:
    """Return a value of one of some kinds, None being null; refuse any other."""
    if not any(value is None if kind is None else isinstance(value, kind) for kind in kinds):
        words = " or ".join([_WORDS[kind] for kind in kinds])
        raise ValueError(f"{name}: expected {words}, found {type(thaw(value)).__name__}")
    return value


def _expect_flat(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return fields that hold texts, numbers and the like; refuse lists and objects among them."""
    for name, value in fields.items():
        if isinstance(value, (dict, tuple)):
            raise ValueError(f"{name}: expected a single value, found {thaw(value)!r}")
    return fields


def _expect_numbers(counters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return counters within counters; refuse what is neither."""
    for name, value in counters.items():
        if isinstance(value, dict):
            _expect_numbers(value)  # pyright: ignore[reportUnknownArgumentType]
        elif not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError(f"{name}: expected a number, found {value!r}")
    return counters
