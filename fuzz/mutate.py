"""Mutations that keep JSON whole: bytes flipped at random mostly make lines that cannot be read.

A mutation of bytes is asked of the fuzzer itself, which is given as ``flip(data, max_size)``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from rtstate.wire import CLIENT_TABLE, TABLE

Flip = Callable[[bytes, int], bytes]

TYPES = sorted({*TABLE, *CLIENT_TABLE})
NUMBERS = (0, 1, 2, 3, -1, 20, 500, 1001, 0.5, 2**31, 2**63, 1e300)
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "root",
    "i~/1",
    "\U0001f600",
    [],
    {},
    [None],
    {"type": "message"},
)
_ID = re.compile(rb'"(?:[a-z_]*id|anchor)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_BYTES_SHARE = 0.15
_MAX_STEPS = 4


def lines(data: bytes, max_size: int, seed: int, flip: Flip) -> bytes:
    """Mutate an input of one byte of options and JSON lines."""
    rng = Random(seed)
    if len(data) < 2 or rng.random() < _BYTES_SHARE:
        return flip(data, max_size)
    head, rows = data[:1], data[1:].split(b"\n")
    ids = ids_of(data)
    for _ in range(rng.randint(1, _MAX_STEPS)):
        if rng.random() < 0.5:
            _rearrange(rng, rows)
        else:
            at = rng.randrange(len(rows))
            rows[at] = row(rows[at], rng, ids, flip)
    if rng.random() < 0.05:
        head = bytes([rng.randrange(256)])
    return _cut(head, rows, max_size)


def crossed_lines(one: bytes, other: bytes, max_size: int, seed: int) -> bytes:
    """Bring lines of another input in among those of one."""
    rng = Random(seed)
    rows, guests = one[1:].split(b"\n"), other[1:].split(b"\n")
    first = rng.randrange(len(guests))
    guests = guests[first : first + rng.randint(1, 12)]
    at = rng.randint(0, len(rows))
    rows[at:at] = guests
    if rng.random() < 0.5:  # one session about the other's items
        pool = ids_of(one)
        mine = {each: rng.choice(pool) for each in ids_of(b"\n".join(guests))} if pool else {}
        for place in range(at, at + len(guests)):
            for theirs, ours in mine.items():
                rows[place] = rows[place].replace(b'"%b"' % theirs, b'"%b"' % ours)
    return _cut(one[:1], rows, max_size)


def value(data: bytes, max_size: int, seed: int, flip: Flip) -> bytes:
    """Mutate an input of one byte of options and one JSON value."""
    rng = Random(seed)
    if len(data) < 2 or rng.random() < _BYTES_SHARE:
        return flip(data, max_size)
    mutated, ids = data[1:], ids_of(data)
    for _ in range(rng.randint(1, _MAX_STEPS)):
        mutated = row(mutated, rng, ids, flip)
    return (data[:1] + mutated)[:max_size]


def crossed_values(one: bytes, other: bytes, max_size: int, seed: int) -> bytes:
    """Put a value of another input in the place of one under the same key, where there is such a key."""
    rng = Random(seed)
    try:
        mine, theirs = [json.loads(one[1:])], [json.loads(other[1:])]
    except (ValueError, RecursionError):
        return one[:max_size]
    holder, key = rng.choice(list(_places(mine)))
    donors = list(_places(theirs))
    alike = [(donor, at) for donor, at in donors if at == key and isinstance(at, str)]
    donor, at = rng.choice(alike or donors)
    holder[key] = donor[at]
    return (one[:1] + _written(mine[0]))[:max_size]


def ids_of(data: bytes) -> list[bytes]:
    """List the ids that an input uses, in the order of their first use."""
    return list(dict.fromkeys(_ID.findall(data)))


def row(line: bytes, rng: Random, ids: list[bytes], flip: Flip) -> bytes:
    """Change one JSON value at some depth; a line that is none is the byte fuzzer's."""
    try:
        if rng.random() < 0.95:
            return _bent(json.loads(line), rng, [each.decode("utf-8", "replace") for each in ids])
    except (ValueError, RecursionError):
        pass
    return flip(line, len(line) + 16).replace(b"\n", b" ")


def _bent(value: Any, rng: Random, ids: list[str]) -> bytes:
    root = [value]
    places = list(_places(root))
    holder, key = rng.choice(places)
    if key == "event_id" and rng.random() < 0.7:  # an id seen before would end the matter
        del holder[key]
    else:
        _bend(rng, holder, key, places, ids)
    return _written(root[0] if root else None)


def _written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    """Every value within, as its holder and key."""
    stack = [holder]
    while stack:
        each = stack.pop()
        for key, inner in each.items() if isinstance(each, dict) else enumerate(each):
            yield each, key
            if isinstance(inner, dict | list):
                stack.append(inner)


def _bend(rng: Random, holder: Any, key: Any, places: list[tuple[Any, Any]], ids: list[str]) -> None:
    old, chance = holder[key], rng.random()
    if key == "type" and isinstance(old, str) and "." in old and chance < 0.9:
        holder[key] = rng.choice(TYPES)
    elif str(key).endswith("id") and ids and chance < 0.8:
        holder[key] = rng.choice(ids)
    elif chance < 0.15:
        del holder[key]
    elif chance < 0.3:
        holder[key] = rng.choice(ODD)
    elif chance < 0.45:
        donor, at = rng.choice(places)
        holder[key] = _copy(donor[at])
    elif chance < 0.55:
        _rename_or_repeat(rng, holder, key, places)
    elif isinstance(old, str):
        at = rng.randint(0, len(old))
        holder[key] = rng.choice((old[:at], old[at:], old + old[:at], old[:at] + "\u2028é" + old[at:]))
    elif isinstance(old, int | float) and not isinstance(old, bool):
        holder[key] = rng.choice((old + 1, old - 1, -old, *NUMBERS))
    elif isinstance(old, list) and old:
        rng.choice((old.reverse, lambda: old.append(old[0]), lambda: old.insert(0, None), old.clear))()
    else:
        holder[key] = rng.choice((*ODD, *NUMBERS, *ids))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _rename_or_repeat(rng: Random, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    if isinstance(holder, list):
        holder.insert(key, _copy(holder[key]))
    else:
        names = [name for _, name in places if isinstance(name, str)]
        holder[rng.choice((*names, "odd"))] = holder.pop(key)


def _rearrange(rng: Random, rows: list[bytes]) -> None:
    """Swap, move, repeat or lose whole lines."""
    at, to = rng.randrange(len(rows)), rng.randrange(len(rows))
    match rng.randrange(5):
        case 0:
            rows[at], rows[to] = rows[to], rows[at]
        case 1:
            rows.insert(to, rows.pop(at))
        case 2:
            rows.insert(to, rows[at])
        case 3:
            rows.insert(to, re.sub(rb'"event_id"\s*:\s*"[^"]*",?\s*', b"", rows[at]))
        case _ if len(rows) > 1:
            del rows[at : at + rng.randint(1, 3)]
            rows[:] = rows or [b""]


def _cut(head: bytes, rows: list[bytes], max_size: int) -> bytes:
    """Leave out the last lines that are too many; the first stays in any case."""
    size, kept = len(head), []
    for each in rows:
        size += len(each) + 1
        if kept and size > max_size:
            break
        kept.append(each)
    return (head + b"\n".join(kept))[:max_size]
