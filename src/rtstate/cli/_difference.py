"""The difference of two states for people: what came, what went, and of what changed the old and the new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from rtstate import Operation, Snapshot
from rtstate._diff import diff
from rtstate._model import plain
from rtstate.cli._items import reason
from rtstate.cli._layout import BAD, QUIET, Entry, clean, heading
from rtstate.cli._words import (
    MARKS,
    STATUS_STYLES,
    audio,
    brief,
    is_object,
    kind,
    quoted,
    short_id,
    tokens,
    what,
    why,
)

_LABEL_WIDTH: Final = 24
_LONGEST_TEXT: Final = 600
_MANY: Final = 3

_Rows = Iterator[RenderableType]


def difference(old: Snapshot, new: Snapshot) -> _Rows:
    """Yield what leads from one state to another, from top to bottom."""
    found: dict[str, list[Operation]] = {}
    for each in diff(old, new, append=True):
        path = _path(each["path"])
        found.setdefault(str(path[0]), []).append(Operation(each["op"], path, each.get("value")))
    yield heading(f"From revision {old.revision} to {new.revision}", "" if found else "nothing changed")
    found.pop("revision", None)
    if items := found.pop("items", None):
        yield from _section("Items", _entities(items, "item", old.item, new.item))
    if order := found.pop("order", None):
        yield from _section("Order", [Entry("", "", _order(order, old.order), label_width=0)])
    if responses := found.pop("responses", None):
        yield from _section("Responses", _entities(responses, "response", old.response, new.response))
    if usage := found.pop("usage", None):
        yield from _section("Usage", _usage(usage, old.usage.to_dict()))
    if errors := found.pop("errors", None):
        yield from _section("Errors", _errors(errors))
    for name, operations in found.items():
        rows = _fields(operations, plain(getattr(old, name)), 1)
        yield from _section(clean(name).replace("_", " ").capitalize(), rows)


def _path(pointer: str) -> tuple[str | int, ...]:
    """Return the keys of a JSON Pointer; places in lists as numbers."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer[1:].split("/")]
    names = 2 if keys[0] in ("items", "responses") else 1
    return (*keys[:names], *(int(key) if key.isdecimal() else key for key in keys[names:]))


def _section(title: str, rows: Iterable[RenderableType]) -> _Rows:
    yield Text()
    yield Text(title, "bold")
    yield from rows


def _entities(operations: Sequence[Operation], noun: str, was: Any, now: Any) -> _Rows:
    """Yield the items or responses that came, went or changed, with their fields."""
    for name, group in groupby(operations, key=lambda each: each.path[1]):
        some = tuple(group)
        before, after = was(name), now(name)
        mark = "  " if before and after else "+ " if after else "− "
        entity = (after or before).to_dict()
        words = (_item if noun == "item" else _response)(entity, whole=mark != "  ")
        style = MARKS.get(mark, "bold")
        yield Entry(f"{mark}{short_id(name, noun)}", style, Text(words), label_width=_LABEL_WIDTH)
        if mark == "  ":
            yield from _fields(some, before.to_dict(), 2)


def _item(item: Mapping[str, Any], *, whole: bool) -> str:
    """Return what an item is; where it came or went as a whole, also what is in it."""
    status = clean(item["status"] or "").replace("_", " ")
    standing = f" ({status})" if status not in ("", "completed") else ""
    return what(item) + standing if whole else kind(item)


def _response(response: Mapping[str, Any], *, whole: bool) -> str:
    """Return how a response that came or went stands, and what it cost."""
    usage = [tokens(response["usage"])] if response["usage"] else []
    return ", ".join([clean(response["status"]).replace("_", " "), *usage]) if whole else "response"


def _fields(operations: Iterable[Operation], before: Any, depth: int) -> _Rows:
    """Yield the fields that changed; ``before`` is what stood at the first keys of their paths."""
    for each in _apart(operations, depth):
        rest = each.path[depth:]
        label = f"    {_label(rest)}"
        yield Entry(label, QUIET, _changed(each, rest, _at(before, rest)), label_width=_LABEL_WIDTH)


def _apart(operations: Iterable[Operation], depth: int) -> Iterator[Operation]:
    """Yield operations, one for each field of an object that came as a whole."""
    for each in operations:
        if len(each.path) == depth and is_object(each.value):
            told = {name: value for name, value in each.value.items() if value is not None}
            yield from (Operation("add", (*each.path, name), value) for name, value in told.items())
        else:
            yield each


def _label(path: Sequence[str | int]) -> str:
    if path[:1] == ("content",) and len(path) > 2:
        path = path[2:] if path[1] == 0 else (f"part {path[1]}", *path[2:])
    return " ".join(clean(key).replace("_", " ") for key in path)


def _at(document: Any, path: Iterable[str | int]) -> Any:
    """Return what stood at a path; None where there was nothing."""
    for key in path:
        try:
            document = document[key if isinstance(document, list) else str(key)]
        except (IndexError, KeyError, TypeError):
            return None
    return document


def _changed(each: Operation, path: Sequence[str | int], old: Any) -> Text:
    """Return what a field was and what it is, of a text only by how much it grew."""
    new, name = each.value, path[-1] if path else ""
    match name:
        case _ if each.op == "append":
            return Text(f"+{quoted(new, _LONGEST_TEXT)}", "green")
        case _ if each.op == "remove":
            return Text.assemble(("gone", "red"), f", was {brief(old)}")
        case "status" | "ready" | "final" | "speaking":
            style = STATUS_STYLES.get(new, "") if isinstance(new, str) else ""
            return _arrow(_word(old), _word(new), style)
        case "usage":
            return _arrow("" if old is None else tokens(old), tokens(new))
        case "status_details" if is_object(new):
            return Text(why(new))
        case _ if str(name).endswith("_ms"):
            return _arrow("" if old is None else audio(old), audio(new))
        case _ if old is None:
            return Text(quoted(new, _LONGEST_TEXT) if isinstance(new, str) else brief(new))
        case _:
            return _arrow(brief(old), brief(new))


def _arrow(old: str, new: str, style: str = "") -> Text:
    return Text.assemble((old, QUIET), " → " if old else "", (new, style))


def _word(value: Any) -> str:
    """Return a value of few words without quotation marks."""
    return clean(value).replace("_", " ") if isinstance(value, str) else brief(value)


def _order(operations: Iterable[Operation], before: Sequence[str]) -> Text:
    """Return which items came into the order, moved within it and left it; places count from 0."""
    ids = list(before)
    left: list[str] = []
    came: list[tuple[int, str]] = []
    for each in operations:
        place = int(each.path[1])
        if each.op == "remove":
            left.append(ids.pop(place))
        else:
            ids.insert(place, each.value)
            came.append((place, each.value))
    was = {name: place for place, name in enumerate(before)}
    told = [Text(f"{short_id(name)} from {was[name]} to {place}") for place, name in came if name in was]
    new = [(place, name) for place, name in came if name not in was]
    for _, group in groupby(enumerate(new), key=lambda each: each[1][0] - each[0]):
        told += _came([each for _, each in group])
    moved = {name for _, name in came}
    told += [
        Text(f"− {short_id(name)} from {was[name]}", "red") for name in reversed(left) if name not in moved
    ]
    return Text(", ").join(told)


def _came(run: Sequence[tuple[int, str]]) -> list[Text]:
    """Return what is said of items that came side by side: one by one, where they are not many."""
    if len(run) <= _MANY:
        return [Text(f"+ {short_id(name)} to {place}", "green") for place, name in run]
    (first, one), (last, other) = run[0], run[-1]
    return [Text(f"+ {len(run):,} items to {first}–{last}: {short_id(one)} … {short_id(other)}", "green")]


def _usage(operations: Iterable[Operation], before: Mapping[str, Any]) -> _Rows:
    """Yield by how much the counters of the responses, and of the transcripts, grew."""
    for name, group in groupby(operations, key=lambda each: str(each.path[1])):
        grown = [(each.path[2:], each.value - _at(before, each.path[1:])) for each in group]
        words = ", ".join(f"{round(by, 3):+,} {_counter(path)}".replace("-", "−") for path, by in grown)
        yield Entry(f"  {name}", QUIET, Text(words), label_width=_LABEL_WIDTH)


def _counter(path: Iterable[str | int]) -> str:
    """Return what a counter is called.

    >>> _counter(("input_token_details", "cached_tokens_details", "text_tokens"))
    'input cached text'
    """
    words = " ".join(
        str(key).replace("_details", "").replace("_tokens", "").replace("_token", "") for key in path
    )
    return {"count": "ended", "total": "tokens"}.get(words, words).replace("_", " ")


def _errors(operations: Iterable[Operation]) -> _Rows:
    """Yield the errors that came; those that left made room for them."""
    for each in operations:
        if each.op == "add":
            yield Entry("  error", BAD, Text(reason(each.value)), label_width=_LABEL_WIDTH)
        else:
            yield Entry("  error", QUIET, Text("the oldest is no longer kept"), label_width=_LABEL_WIDTH)
