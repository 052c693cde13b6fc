"""A snapshot after operations: only the entities they name are read anew, everything else is shared.

The operations are applied to a small document that has just those entities. So a viewer that follows a
conversation of ten thousand items pays for the one that changed.
"""

# It makes snapshots out of what another one holds:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from functools import partial
from typing import Final

import attrs

from rtstate._model import Item, plain
from rtstate._trace import ItemTrace, ResponseTrace
from rtstate._types import Json
from rtstate.document import (
    ROOTS,
    Answered,
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


@attrs.frozen
class Traces:
    """When entities were, as it was known by then, and of which ones that has changed."""

    item: Callable[[str], ItemTrace]
    response: Callable[[str], ResponseTrace]
    items: Collection[str] = ()
    responses: Collection[str] = ()


def patched(
    snapshot: Snapshot, operations: Iterable[Mapping[str, Json]], traces: Traces | None = None
) -> Snapshot:
    """Return the snapshot that operations make out of another, which stays as it was.

    Raises PatchError for an operation that does not fit, DocumentError where the outcome is no ``rtstate/1``
    document. With ``traces`` the operations are a conversation's own; without, what no document tells stays
    as it was. Cost: the entities the operations name, and where the order changes a look at all ids, which is
    put off until somebody reads the order if the operations are the conversation's own.
    """
    trusted = traces is not None
    traces = traces or Traces(snapshot.item_trace, snapshot.response_trace)
    operations = list(operations)
    touched = [_touched(operation) for operation in operations]
    if None in touched:
        return Snapshot.from_dict(apply_patch(snapshot.to_dict(), operations))
    if trusted:
        moves = [operation for operation in operations if operation["path"].startswith("/order/")]
        if moves:
            snapshot = attrs.evolve(snapshot, order=OrderedItems(partial(_moved, snapshot._order, moves)))
            operations = [
                operation for operation in operations if not operation["path"].startswith("/order/")
            ]
    names = {each[0] for each in touched if each and not (trusted and each[0] == "order")}
    # In the order in which they come: new ones are seen in that order.
    item_ids = dict.fromkeys([each[1] for each in touched if each and each[0] == "items"])
    response_ids = dict.fromkeys([each[1] for each in touched if each and each[0] == "responses"])

    after = apply_patch(_excerpt(snapshot, names, item_ids, response_ids), operations)
    items = {each: read_item(each, after["items"][each]) for each in item_ids if each in after["items"]}
    order = snapshot._order
    if "order" in names:
        order = _listed(snapshot, read_order(after.get("order")), item_ids.keys(), items.keys())
    elif not trusted and len(items) < len(item_ids):
        _listed(snapshot, order.ids(), item_ids.keys(), items.keys())
    responses = {
        each: (read_response(each, after["responses"][each]), traces.response(each))
        for each in response_ids
        if each in after["responses"]
    }
    placed = {each: _placed(snapshot, items, each, traces.item) for each in item_ids}
    for each in traces.items:
        if each not in placed and (entry := snapshot._items.get(each)):
            placed[each] = (*entry[:2], traces.item(each))
    answered: dict[str, Answered | None] = {each: responses.get(each) for each in response_ids}
    for each in traces.responses:
        if each not in answered and (answer := snapshot._responses.get(each)):
            answered[each] = (answer[0], traces.response(each))
    return attrs.evolve(
        snapshot,
        items=snapshot._items.with_ids(placed),
        responses=snapshot._responses.with_ids(answered),
        order=order,
        **read_roots(after, names & set(ROOTS)),
    )


def _placed(
    snapshot: Snapshot, items: Mapping[str, Item], item_id: str, trace: Callable[[str], ItemTrace]
) -> Placed | None:
    """Return an entry of the table; its sort key counts no more once the order has changed."""
    before = snapshot._items.get(item_id)
    if item_id not in items:
        return None
    return items[item_id], before and before[1], trace(item_id)


def _listed(snapshot: Snapshot, ids: tuple[str, ...], touched: Set[str], there: Set[str]) -> OrderedItems:
    """Return the order that some ids make; raises DocumentError where it names what is not there."""
    gone, before = touched - there, set(snapshot.order)
    missing = [each for each in ids if each in gone]
    missing += [each for each in set(ids) - before - there if snapshot.item(each) is None]
    if missing:
        raise DocumentError(f"document: order names items that are not there: {missing}")
    return OrderedItems(partial(tuple, ids))


def _moved(order: OrderedItems, moves: list[Mapping[str, Json]]) -> list[str]:
    """Return the ids of an order after some moves."""
    return apply_patch({"order": list(order.ids())}, moves)["order"]  # type: ignore[no-any-return]


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
