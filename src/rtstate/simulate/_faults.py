"""Damage a stream of events as networks, proxies and careless servers do."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from random import Random
from typing import Any, TypeAlias

from rtstate.simulate._truth import Event

_JsonValue: TypeAlias = "bool | int | float | str | list[_JsonValue] | dict[str, _JsonValue] | None"

_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 2**70, "", "root", "\U0001f600"),
    *([], {}, [None], [[]], {"type": 3}),
)
_REPEAT_WITHIN = 8


def faults(
    events: Iterable[Mapping[str, Any]],
    seed: int = 1,
    drop: float = 0.0,
    duplicate: float = 0.0,
    reorder: int = 0,
    corrupt: float = 0.0,
) -> list[Event | str]:
    """Return the events with faults, the given ones untouched.

    `drop`, `duplicate` and `corrupt` are the shares of events hit, each from 0 to 1, else ValueError. A
    duplicate keeps its event id and comes up to a few places later. With `reorder` no event moves by more
    than so many places. A corrupted event has lost, changed, renamed or mistyped some field; it is still
    JSON, save for an occasional str which is not.

    >>> from rtstate import simulate
    >>> events = simulate.session(seed=3, turns=1).events
    >>> faults(events) == list(events)
    True
    >>> len(faults(events, duplicate=1.0)) == 2 * len(events)
    True
    """
    for name, share in {"drop": drop, "duplicate": duplicate, "corrupt": corrupt}.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is a share from 0 to 1, not {share}")
    rng = Random(seed)
    placed: list[tuple[float, Event | str]] = []
    kept = [event for event in events if rng.random() >= drop]
    for number, event in enumerate(kept):
        sound: Event = deepcopy(dict(event))
        hit = _corrupted(rng, sound) if rng.random() < corrupt else sound
        placed.append((number + rng.random() * reorder, hit))
        if rng.random() < duplicate:
            placed.append((number + 0.5 + rng.random() * max(reorder, _REPEAT_WITHIN), deepcopy(hit)))
    placed.sort(key=lambda place: place[0])
    return [event for _, event in placed]


def _corrupted(rng: Random, event: Event) -> Event | str:
    """Damage an event, which is the caller's own copy."""
    if rng.random() < 0.05:
        text = json.dumps(event)
        return text[: rng.randrange(len(text))]  # a cut frame: never whole JSON, since an event is an object
    damage: Callable[[Random, dict[str, Any], str], None] = rng.choice(
        (_lose, _change, _change, _mistype, _rename)
    )
    holder = _some_object(rng, event)
    if holder:
        damage(rng, holder, rng.choice(list(holder)))
    return event


def _some_object(rng: Random, event: Event) -> dict[str, Any]:
    """Pick the event or, as often, an object within it."""
    return event if rng.random() < 0.5 else rng.choice(list(_objects(event)))


def _objects(value: _JsonValue) -> Iterator[dict[str, _JsonValue]]:
    """Yield the objects of a JSON value, outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _lose(_rng: Random, holder: dict[str, Any], key: str) -> None:
    del holder[key]


def _change(rng: Random, holder: dict[str, Any], key: str) -> None:
    holder[key] = rng.choice(_ODD_VALUES)


def _mistype(_rng: Random, holder: dict[str, Any], key: str) -> None:
    value = holder[key]
    holder[key] = [value] if isinstance(value, (int, float, dict)) else {"value": value}


def _rename(_rng: Random, holder: dict[str, Any], key: str) -> None:
    holder[key + "_"] = holder.pop(key)
