"""How long it takes to parse an event.

``parse_server_event`` goes from bytes to a validated object in one pass of one compiled union. The usual way
is ``json.loads``, a look-up of the class by its type and ``model_validate``; it is timed with the very same
classes. ``orjson.loads``, which only makes dicts, is the floor. ``read_event`` is what ``Conversation.feed``
calls: it validates as much, but makes a plain dict, since the reducer needs no object. The ``openai``
package's own parse checks little and is written in Python; its types read by a pydantic ``TypeAdapter``,
which does check, are shown beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from benchmarks._harness import Figure, Size, compare, each, question
from benchmarks._peers import by_class, mixed_session, on_the_wire, server_events
from rtstate import parse_server_event, simulate
from rtstate.wire import read_event


@question
def parse(size: Size) -> Iterator[Figure]:
    text = simulate.text_stream(size.pick(40, 2400))
    audio = simulate.audio_stream(size.pick(20, 500))
    yield from _beside(size, "text deltas", [e for e in text if e["type"].endswith("text.delta")], 3.3, 0.45)
    yield from _beside(size, "audio deltas", [e for e in audio if e["type"].endswith("audio.delta")])
    yield from _beside(size, "a mixed session", server_events(mixed_session(size.pick(1, 60))))


def _beside(
    size: Size,
    on: str,
    events: list[simulate.Event],
    beside_loads: float | None = None,
    beside_by_class: float | None = None,
) -> Iterator[Figure]:
    raws = on_the_wire(events)
    openai_types: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    connection = AsyncRealtimeConnection.__new__(AsyncRealtimeConnection)  # its parser needs no socket
    rounds = compare(
        size,
        on,
        {
            "parse_server_event": each(parse_server_event, raws),
            "read_event": each(read_event, raws),
            "orjson.loads": each(orjson.loads, raws),
            "json.loads + model_validate": each(by_class, raws),
            "openai parse_event": each(connection.parse_event, raws),
            "openai types in a TypeAdapter": each(openai_types.validate_json, raws),
        },
    )
    yield rounds.figure("parse_server_event", "orjson.loads", beside_loads)
    yield rounds.figure("parse_server_event", "json.loads + model_validate", beside_by_class)
    yield rounds.figure("parse_server_event", "openai parse_event")
    yield rounds.figure("parse_server_event", "openai types in a TypeAdapter")
    yield rounds.figure("read_event", "orjson.loads")
