"""The wire: every event of the Realtime protocol, what it looks like and what it does.

One family, one file: the event class, its handler and its table row side by side. The rows of all families
make one table, and a type with two owners is refused when this is imported. Parsers are built when the first
event is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import NoneType
from typing import Annotated, Any, Final, TypeAlias, TypeVar, Union, cast

from pydantic import BaseModel, Discriminator, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from rtstate.errors import EventParseError
from rtstate.wire import audio, client, items, mcp, responses, session, streams, transcription, voicelive
from rtstate.wire._base import ClientEvent, JsonObject, Row, ServerEvent, UnknownEvent
from rtstate.wire._shapes import shape_of

Raw: TypeAlias = "str | bytes | bytearray | memoryview[int] | Mapping[str, Any]"
"""An event as it may be given: JSON text, its bytes, or a mapping."""

Json: TypeAlias = str | bytes
T = TypeVar("T")
Parser: TypeAlias = Callable[[Any], T]


def merge(*families: Iterable[Row]) -> dict[str, Row]:
    """Return one table, by wire name, of the rows of several families.

    Raises ValueError where two rows answer to one name.
    """
    table: dict[str, Row] = {}
    for row in (row for family in families for row in family):
        for name in row.types:
            if name in table:
                owners = f"{table[name].event.__name__} and {row.event.__name__}"
                raise ValueError(f"the event type {name!r} has two owners: {owners}")
            table[name] = row
    return table


TABLE: Final = merge(
    session.ROWS,
    items.ROWS,
    transcription.ROWS,
    audio.ROWS,
    responses.ROWS,
    streams.ROWS,
    mcp.ROWS,
    voicelive.ROWS,
)
"""Every server event by its wire name."""

CLIENT_TABLE: Final = merge(client.ROWS)
"""Every client event by its wire name."""

EVENTS: Final = {**CLIENT_TABLE, **TABLE}
"""Both. A name that both sides use (``mcp_approval_response``) is read as the server's."""

HANDLERS: Final = {name: row.handler for name, row in TABLE.items()}
CLIENT_HANDLERS: Final = {name: row.handler for name, row in CLIENT_TABLE.items()}


def parse_server_event(raw: Raw) -> ServerEvent:
    """Parse one server event: JSON text, bytes or a mapping.

    A type this library does not know gives an :class:`UnknownEvent`, which keeps the payload; unknown fields
    of known types are kept as attributes. Raises EventParseError for what is not JSON or has a bad field; its
    message has the event's type and the path of the field, never the payload.

    >>> event = parse_server_event('{"type": "response.text.delta", "item_id": "item_1", "delta": "Hi"}')
    >>> type(event).__name__, event
    ('ResponseOutputTextDelta', ...delta='Hi'...)
    >>> parse_server_event('{"type": "response.text.delta", "item_id": "item_1", "delta": 5}')
    Traceback (most recent call last):
        ...
    rtstate.errors.EventParseError: response.text.delta: delta: Input should be a valid string
    """
    text = raw if isinstance(raw, (str, bytes)) else as_json(raw)
    try:
        return _server_parser()(text)
    except ValidationError as error:
        return _unknown_event(error, text)


def parse_client_event(raw: Raw) -> ClientEvent | UnknownEvent:
    """Parse one client event: JSON text, bytes or a mapping. Everything else as in parse_server_event.

    >>> parse_client_event('{"type": "response.cancel"}')
    ResponseCancelEvent(type='response.cancel', event_id=None, response_id=None)
    """
    event: ClientEvent | UnknownEvent
    text = raw if isinstance(raw, (str, bytes)) else as_json(raw)
    try:
        event = _client_parser()(text)
    except ValidationError as error:
        event = _unknown_event(error, text)
    if "event_id" not in event.model_fields_set:  # only a new event gets an id made up
        event.event_id = None
        event.model_fields_set.discard("event_id")
    return event


def read_event(raw: Raw) -> JsonObject:
    """Parse one event of either side into a plain dict of what was sent, without building a model.

    It takes and refuses what the models take and refuse. Raises EventParseError; an event of an unknown type
    is returned as it is.
    """
    try:
        return _read(raw)
    except ValidationError as error:
        if isinstance(raw, (str, bytes)):
            payload = _unknown(error, raw)
            return {**payload, "event_id": _event_id(payload)}
    # Only text can be read at once. It comes a hundred times as often as a mapping, so it is not asked first.
    return read_event(as_json(raw))


def said_by(event: Any) -> Raw:
    """Return what an event object says, ours or that of any library; JSON and mappings as they are.

    Of an object only what was sent is read: a field that was not is absent, not null. Raises TypeError for
    what is no event at all.
    """
    if isinstance(event, (str, bytes, bytearray, memoryview, Mapping)):
        return cast("Raw", event)
    if isinstance(event, UnknownEvent):
        return event.payload
    if not (hasattr(event, "type") and hasattr(event, "model_dump")):
        raise TypeError(
            f"expected an event: JSON text, bytes, a mapping, or an object with type and model_dump(), "
            f"not {type(event).__name__}"
        )
    # Without warnings: SDKs make objects of what came unchecked, and what came is what counts here.
    options = {"exclude_unset": True, **({"warnings": False} if isinstance(event, BaseModel) else {})}
    given: Any = event
    said: dict[str, Any] = {**given.model_dump(**options), "type": given.type}
    if isinstance(event, ClientEvent):
        said["event_id"] = event.event_id  # its default is an id of its own
    return said


def _first(raw: Any) -> JsonObject:
    """Read the first event: build the reader, and put it in the place of this function."""
    global _read  # noqa: PLW0603  (looking a cache up would cost each event 0.05 µs)
    _read = cast("Parser[JsonObject]", _parser(shape_of(row.event) for row in EVENTS.values()))
    return _read(raw)


_read: Parser[JsonObject] = _first


def _unknown_event(error: ValidationError, text: Json) -> UnknownEvent:
    payload = _unknown(error, text)
    return UnknownEvent(type=payload["type"], event_id=_event_id(payload), payload=payload)


def _event_id(payload: JsonObject) -> str | None:
    event_id = payload.get("event_id")
    return event_id if isinstance(event_id, str) else None


def as_json(raw: Any) -> Json:
    """Return JSON text for whatever was given: all events go through one door, and only JSON does.

    Raises TypeError for what is no JSON value at all: the caller meant ``apply``.
    """
    if isinstance(raw, (bytearray, memoryview)):
        return bytes(cast("bytes", raw))
    if not isinstance(raw, (Mapping, list, tuple, int, float, bool, NoneType)):
        raise TypeError(
            f"expected JSON text, bytes or a mapping, not {type(raw).__name__}; apply() takes event objects"
        )
    try:
        return to_json(raw, inf_nan_mode="null", fallback=_plain)
    except (ValueError, TypeError, RecursionError, UnicodeError) as error:
        raise EventParseError(f"cannot be written as JSON: {str(error)[:200]}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _unknown(error: ValidationError, text: Json) -> JsonObject:
    """Return the payload of an event that was refused only for its unknown type; raise for any other."""
    refusals = error.errors(include_url=False, include_input=False, include_context=False)
    kind, location = refusals[0]["type"], refusals[0]["loc"]
    if location:
        raise _explain(refusals, from_json(text)) from None
    if kind not in ("union_tag_invalid", "union_tag_not_found"):
        raise EventParseError(refusals[0]["msg"]) from None
    payload: Any = from_json(text)
    if not isinstance(payload.get("type"), str):
        raise EventParseError("should be the name of the event", path="type") from None
    return cast("JsonObject", payload)


def _explain(refusals: list[ErrorDetails], payload: Any) -> EventParseError:
    """Return the error of the field that lies deepest: where a field may be one of several, it tells most."""
    told = [(_path(each, payload), each["msg"]) for each in refusals]
    path, message = max(told, key=lambda each: len(each[0]))
    return EventParseError(message, event_type=payload["type"], path=".".join(path))


def _path(refusal: ErrorDetails, payload: Any) -> list[str]:
    """Return where a refused field is in the payload, without the types that were tried on it."""
    path: list[str] = []
    for key in refusal["loc"][1:]:
        try:
            payload = payload[key]
        except (LookupError, TypeError):  # a type that was tried, or a field that is missing
            if refusal["type"] != "missing" or key != refusal["loc"][-1]:
                continue
        path.append(str(key))
    return path


@cache
def _server_parser() -> Parser[ServerEvent]:
    return cast("Parser[ServerEvent]", _parser(row.event for row in TABLE.values()))


@cache
def _client_parser() -> Parser[ClientEvent]:
    return cast("Parser[ClientEvent]", _parser(row.event for row in CLIENT_TABLE.values()))


def _parser(classes: Iterable[Any]) -> Any:
    """Return the one union of all these classes, as a function of JSON text."""
    union: Any = Union[tuple(dict.fromkeys(classes))]  # noqa: UP007  (built at run time)
    events: Any = Annotated[union, Discriminator("type")]
    return TypeAdapter[Any](events).validator.validate_json


__all__ = [
    "CLIENT_HANDLERS",
    "CLIENT_TABLE",
    "EVENTS",
    "HANDLERS",
    "TABLE",
    "ClientEvent",
    "JsonObject",
    "Raw",
    "Row",
    "ServerEvent",
    "UnknownEvent",
    "as_json",
    "merge",
    "parse_client_event",
    "parse_server_event",
    "read_event",
]
