"""A snapshot after operations: only the entities they name are read anew, everything else is shared.

The operations are applied to a small document that has just those entities. So a viewer that follows a
conversation of ten thousand items pays for the one that changed.
"""

# It makes snapshots out of what another one holds:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from rtstate._model import plain
from rtstate._types import Json
from rtstate.document import (
    ROOTS,
    OrderedItems,
    Placed,
    Snapshot,
    read_item,
    read_order,
    read_response,
    read_roots,
)
from rtstate.errors import DocumentError
from rtstate.patching import apply_patch

_DIRECT: Final = ("add", "replace", "remove", "append")


def patched(snapshot: Snapshot, operations: Iterable[Mapping[str, Json]]) -> Snapshot:
    """Return the snapshot that operations make out of another, which stays as it was.

    Raises PatchError for an operation that does not fit, DocumentError where the outcome is no ``rtstate/1``
    document. Cost: the entities the operations name, and a look at all ids where the order changes.
    """
    operations = list(operations)
    touched = [_touched(operation) for operation in operations]
    if None in touched:
        return Snapshot.from_dict(apply_patch(snapshot.to_dict(), operations))
    names = {each[0] for each in touched if each}
    # In the order in which they come: new ones are seen in that order.
    item_ids = dict.fromkeys([each[1] for each in touched if each and each[0] == "items"])
    response_ids = dict.fromkeys([each[1] for each in touched if each and each[0] == "responses"])

    after = apply_patch(_excerpt(snapshot, names, item_ids, response_ids), operations)
    items = {each: read_item(each, after["items"][each]) for each in item_ids if each in after["items"]}
    placed = {each: (item, _label(snapshot, each)) for each, item in items.items()}
    gone = item_ids.keys() - items.keys()
    order = snapshot._order
    if "order" in names:
        order = _reorder(snapshot, read_order(after.get("order")), placed, gone)
    if gone and gone & set(order.ids()):
        raise DocumentError(f"document: order names items that are not there: {sorted(gone)}")
    responses = {
        each: read_response(each, after["responses"][each])
        for each in response_ids
        if each in after["responses"]
    }
    return attrs.evolve(
        snapshot,
        items=snapshot._items.with_ids({each: placed.get(each) for each in (*item_ids, *placed)}),
        responses=snapshot._responses.with_ids({each: responses.get(each) for each in response_ids}),
        order=order,
        **read_roots(after, names & set(ROOTS)),
    )


def _label(snapshot: Snapshot, item_id: str) -> int | None:
    entry = snapshot._items.get(item_id)
    return entry and entry[1]


def _reorder(
    snapshot: Snapshot, ids: tuple[str, ...], placed: dict[str, Placed], gone: set[str]
) -> OrderedItems:
    """Return the new order, and note of each item that got or lost a place that it did."""
    before, after = set(snapshot.order), set(ids)
    for item_id in (before ^ after) - gone:
        item = placed[item_id][0] if item_id in placed else snapshot.item(item_id)
        if item is None:
            raise DocumentError(f"document: order names items that are not there: {[item_id]}")
        placed[item_id] = item, 0 if item_id in after else None
    return OrderedItems.listed(ids)


def _touched(operation: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return which entity, or which field of the root, an operation is about; None if that is no one's."""
    if not isinstance(operation, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        return None
    path = operation.get("path")
    if operation.get("op") not in _DIRECT or not isinstance(path, str):
        return None
    name, _, rest = path[1:].partition("/")
    if name in ("items", "responses"):
        key = rest.partition("/")[0].replace("~1", "/").replace("~0", "~")
        return (name, key) if path.count("/") > 1 else None
    return (name, "") if name == "order" or name in ROOTS else None


def _excerpt(
    snapshot: Snapshot, names: set[str], item_ids: Iterable[str], response_ids: Iterable[str]
) -> dict[str, Json]:
    """Return the document of a snapshot, with nothing but what operations are about."""
    document: dict[str, Json] = {"items": {}, "responses": {}}
    for name in names & set(ROOTS):
        if name != "translation" or snapshot.translation is not None:
            document[name] = plain(getattr(snapshot, name))
    if "order" in names:
        document["order"] = list(snapshot.order)
    for item_id in item_ids:
        item = snapshot.item(item_id)
        if item is not None:
            document["items"][item_id] = item.to_dict()
    for response_id in response_ids:
        response = snapshot.response(response_id)
        if response is not None:
            document["responses"][response_id] = response.to_dict()
    return document
