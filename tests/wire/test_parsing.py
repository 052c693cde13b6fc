"""Reading events: what is taken, what is refused and how it is said, whichever way an event comes in."""

from __future__ import annotations

import contextlib
import json
import types
from collections import OrderedDict, UserDict
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from rtstate import Conversation, EventParseError, UnknownEvent, parse_client_event, parse_server_event, wire
from rtstate.events import ResponseOutputTextDelta
from rtstate.wire import CLIENT_TABLE, EVENTS, TABLE, Row, read_event
from rtstate.wire._base import PADDING
from tests.helpers import Event, added, delta, event, response_created, state, user

DELTA = {"type": "response.output_text.delta", "item_id": "a1", "delta": "Hi", "new": {"a": [None]}}
TEXT = json.dumps(DELTA)
HI = added(user(text="Hi"))


def refuses(raw: Any) -> EventParseError:
    """Both readers refuse it for the same reason, and so does ``feed``, which changes nothing."""
    raised: list[EventParseError] = []
    for read in (parse_server_event, read_event):
        with pytest.raises(EventParseError) as caught:
            read(raw)
        raised.append(caught.value)
    assert str(raised[0]) == str(raised[1])
    with contextlib.suppress(EventParseError):
        assert isinstance(parse_client_event(raw), UnknownEvent)  # a type of the other side
    conversation = state(HI)
    before = conversation.snapshot()
    change = conversation.feed(raw)
    assert not change
    assert [each.kind for each in change.anomalies] == ["invalid"]
    assert conversation.snapshot() is before
    assert (conversation.stats.invalid, conversation.stats.events) == (1, 2)
    conversation._draft._check()
    strict = state(HI, strict=True)
    before = strict.snapshot()
    with pytest.raises(EventParseError):
        strict.feed(raw)
    assert strict.snapshot() is before
    assert strict.anomalies == ()
    return raised[0]


def survives(raw: Any) -> Conversation:
    """It is taken or refused, by all readers alike; in either case the document stays plain JSON."""
    taken = set()
    for read in (parse_server_event, read_event):
        try:
            read(raw)
            taken.add(True)
        except EventParseError:
            taken.add(False)
    assert len(taken) == 1
    conversation = state(HI)
    change = conversation.feed(raw)
    assert [each.kind for each in change.anomalies].count("invalid") == (not taken.pop())
    text = conversation.snapshot().to_json()
    text.encode()
    json.loads(text, parse_constant=pytest.fail)
    conversation._draft._check()
    return conversation


def known(payload: Event) -> Event:
    """The fields of an event that its class declares; no reader of the state needs others."""
    row = EVENTS[payload["type"]]
    return {key: value for key, value in payload.items() if key in row.event.model_fields}


# How an event may be given


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(TEXT, id="str"),
        pytest.param(TEXT.encode(), id="bytes"),
        pytest.param(bytearray(TEXT.encode()), id="bytearray"),
        pytest.param(memoryview(TEXT.encode()), id="memoryview"),
        pytest.param(DELTA, id="dict"),
        pytest.param(OrderedDict(DELTA), id="OrderedDict"),
        pytest.param(types.MappingProxyType(DELTA), id="MappingProxyType"),
        pytest.param(UserDict(DELTA), id="UserDict"),
        pytest.param(json.dumps(DELTA, indent=2) + "\n", id="with white space"),
        pytest.param(json.dumps(dict(reversed(DELTA.items()))), id="type last"),
    ],
)
def test_all_forms_are_one(raw: Any) -> None:
    parsed = parse_server_event(raw)
    assert type(parsed) is ResponseOutputTextDelta
    assert (parsed.item_id, parsed.delta, parsed.model_extra) == ("a1", "Hi", {"new": {"a": [None]}})
    assert known(read_event(raw)) == known(DELTA)
    conversation = Conversation()
    conversation.feed(raw)
    assert conversation.snapshot().items[0].content[0].text == "Hi"


def test_a_parsed_event_is_applied_as_what_was_sent() -> None:
    document = state(HI, DELTA).snapshot().to_dict()
    conversation = Conversation()
    conversation.apply(parse_server_event(HI))
    conversation.apply(parse_server_event(DELTA))
    assert conversation.snapshot().to_dict() == document
    conversation = Conversation()
    conversation.apply(HI)
    conversation.apply(types.MappingProxyType(DELTA))
    assert conversation.snapshot().to_dict() == document


class Foreign(BaseModel):
    """An event of another library, which fills in what was not sent."""

    type: str
    item: dict[str, Any]
    previous_item_id: str | None = None


def test_a_field_that_was_not_sent_is_absent_and_not_null() -> None:
    foreign = Foreign(type="conversation.item.added", item=user("u2", "Ho"))
    conversation = state(HI)
    conversation.apply(foreign)
    assert conversation.snapshot().order == ("u1", "u2")
    conversation = state(HI)
    conversation.apply(Foreign(type="conversation.item.added", item=user("u2", "Ho"), previous_item_id=None))
    assert conversation.snapshot().order == ("u2", "u1")


@pytest.mark.parametrize("wrong", [None, 5, "ping", [HI], object(), Conversation])
def test_what_is_no_event_is_the_callers_mistake(wrong: Any) -> None:
    conversation = state(HI)
    with pytest.raises(TypeError):
        conversation.apply(wrong)
    assert conversation.revision == 1


# Types


@pytest.mark.parametrize("name", ["", "response.output_text.deltas", " ping", "PING", "x" * 10_000, "münze"])
def test_an_unknown_type_keeps_its_payload(name: str) -> None:
    payload = {"type": name, "event_id": "event_1", "a": {"b": [1, None]}}
    for parse in (parse_server_event, parse_client_event):
        parsed = parse(payload)
        assert type(parsed) is UnknownEvent
        assert (parsed.type, parsed.event_id, parsed.payload) == (name, "event_1", payload)
    assert read_event(payload)["type"] == name
    for strict in (False, True):
        conversation = state(HI, strict=strict)
        change = conversation.feed(payload)
        assert [each.kind for each in change.anomalies] == ["unknown"]
        assert not change
        assert conversation.stats.unknown == 1
        assert not conversation.apply(parse_server_event({**payload, "event_id": "event_2"}))


@pytest.mark.parametrize("event_id", [5, None, [], {}, ["a"], {"a": 1}, True, 1.5])
def test_an_unknown_type_may_have_any_event_id(event_id: Any) -> None:
    payload = {"type": "brand.new", "event_id": event_id}
    parsed = parse_server_event(payload)
    assert isinstance(parsed, UnknownEvent)
    assert (parsed.event_id, parsed.payload) == (None, payload)
    conversation = survives(payload)
    assert not conversation.feed(payload)


def test_an_unknown_type_of_one_side_may_be_known_to_the_other() -> None:
    assert isinstance(parse_server_event({"type": "response.cancel"}), UnknownEvent)
    assert isinstance(parse_client_event({"type": "ping"}), UnknownEvent)


def test_unknown_fields_are_kept_at_every_depth() -> None:
    payload = added(
        {**user(text="Hi"), "new": 1, "content": [{"type": "input_text", "text": "Hi", "newer": {}}]},
        newest=[],
    )
    assert parse_server_event(payload).model_dump(mode="json", exclude_unset=True) == payload
    assert read_event(payload)["item"] == payload["item"]


@pytest.mark.parametrize(
    "payload", [{}, {"a": 1}, {"type": None}, {"type": 5}, {"type": []}, {"type": {}}, {"type": True}]
)
def test_a_type_is_a_string(payload: Any) -> None:
    for raw in (payload, json.dumps(payload)):
        error = refuses(raw)
        assert (error.event_type, error.path) == (None, "type")
        assert error.expected == "should be the name of the event"


# What is not an event


@pytest.mark.parametrize("raw", ["[]", "1", "null", '""', "true", "1.5", '"ping"', '[{"type": "ping"}]'])
def test_what_is_not_an_object(raw: str) -> None:
    refuses(raw)
    refuses(raw.encode())


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "{",
        "nonsense",
        "{'type': 'ping'}",
        '{"type": "ping"} x',
        '{"type": "ping",}',
        '{"type": "ping"}{"type": "ping"}',
        '{"type": "ping", "a": 01}',
        '{"type": "ping", "a": "\n"}',
        '{"type": "pi',
        "\0",
    ],
)
def test_what_is_not_json(raw: str) -> None:
    refuses(raw)
    refuses(raw.encode())


@pytest.mark.parametrize(
    "raw", [b"\xff", b'{"type": "\xff"}', b'{"type": "ping", "a": "\xc3"}', b"\xff\xfe{\0}\0"]
)
def test_what_is_not_utf8(raw: bytes) -> None:
    refuses(raw)
    refuses(bytearray(raw))
    refuses(memoryview(raw))


@pytest.mark.parametrize("raw", ["\ufeff" + TEXT, ("\ufeff" + TEXT).encode()])
def test_a_byte_order_mark(raw: Any) -> None:
    survives(raw)


# Odd but parseable


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize(
    "place",
    [
        '{"type": "ping", "timestamp": %s}',
        '{"type": "brand.new", "a": %s}',
        '{"type": "session.updated", "session": {"temperature": %s}}',
        '{"type": "session.updated", "session": {"new": [{"a": %s}]}}',
        '{"type": "conversation.item.added", "item": {"id": "x", "type": "hologram", "depth": %s}}',
        '{"type": "conversation.item.added", "item": {"id": "x", "type": "message", "new": %s}}',
        '{"type": "input_audio_buffer.speech_started", "item_id": "x", "audio_start_ms": %s}',
        '{"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "reset_seconds": %s}]}',
        '{"type": "response.done", "response": {"id": "r", "usage": {"new": %s, "total_tokens": 1}}}',
        '{"type": "response.done", "response": {"id": "r", "usage": {"total_tokens": %s}}}',
        '{"type": "session.updated", "session": {"audio": {"output": {"speed": %s}}}}',
        '{"type": "conversation.item.truncated", "item_id": "u1", "audio_end_ms": %s}',
    ],
)
def test_no_nan_or_infinity_reaches_the_document(place: str, number: str) -> None:
    survives(place % number)
    survives(json.loads(place % number))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_null_in_a_mapping(number: float) -> None:
    assert read_event({"type": "ping", "timestamp": number}) == {"type": "ping", "timestamp": None}
    unknown = parse_server_event({"type": "brand.new", "a": [number]})
    assert isinstance(unknown, UnknownEvent)
    assert unknown.payload == {"type": "brand.new", "a": [None]}


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\udc80\ud800"])
def test_lone_surrogates(text: str) -> None:
    for payload in (delta(text), added(user(text=text)), event("brand.new", a=text), event(text)):
        survives(payload)
        survives(json.dumps(payload))


def test_a_pair_of_surrogates_is_one_letter() -> None:
    conversation = survives('{"type": "response.text.delta", "item_id": "a1", "delta": "\\ud83d\\ude00"}')
    assert conversation.snapshot().items[1].content[0].text == "😀"


@pytest.mark.parametrize("digits", [20, 400, 4_000, 5_000, 20_000])
def test_huge_integers(digits: int) -> None:
    number = "9" * digits
    places = [
        '{"type": "ping", "timestamp": %s}',
        '{"type": "session.updated", "session": {"new": %s}}',
        '{"type": "session.updated", "session": {"max_output_tokens": %s}}',
        '{"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": %s}]}',
        '{"type": "response.done", "response": {"id": "r", "usage": {"total_tokens": %s, "new": %s}}}',
        '{"type": "response.text.delta", "item_id": "a1", "content_index": %s, "delta": "Hi"}',
        '{"type": "input_audio_buffer.speech_started", "item_id": "x", "audio_start_ms": %s}',
        '{"type": "conversation.item.truncated", "item_id": "u1", "audio_end_ms": %s}',
    ]
    for place in places:
        survives(place.replace("%s", number))


@pytest.mark.parametrize("depth", [50, 150, 199, 200, 201, 300, 1_000, 10_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting(depth: int, opening: str, closing: str) -> None:
    inside = opening * depth + "1" + closing * depth
    survives(f'{{"type": "session.updated", "session": {{"new": {inside}}}}}')
    survives(f'{{"type": "brand.new", "a": {inside}}}')
    value: Any = 1
    for _ in range(depth):
        value = [value] if opening == "[" else {"a": value}
    survives({"type": "session.updated", "session": {"new": value}})
    survives({"type": "brand.new", "a": value})


def test_a_circular_mapping() -> None:
    session: Event = {"id": "s1"}
    session["self"] = session
    refuses({"type": "session.updated", "session": session})


@pytest.mark.parametrize("value", [object(), {1, 2}, b"\xff\xfe", lambda: None])
def test_a_mapping_that_is_not_json(value: Any) -> None:
    survives({"type": "session.updated", "session": {"new": value}})


def test_what_is_no_json_value_is_named_in_brief() -> None:
    for value, said in (
        (object(), "TypeError: object is not a JSON value"),
        ({"a": b"\xff"}, "invalid utf-8 sequence"),
    ):
        error = refuses({"type": "session.updated", "session": {"new": value}})
        assert error.expected.startswith("cannot be written as JSON: ")
        assert said in error.expected
    endless = type("Endless" * 100, (), {})()
    error = refuses({"type": "session.updated", "session": {"new": endless}})
    assert len(error.expected) == len("cannot be written as JSON: ") + 200


def test_of_a_key_given_twice_the_last_counts() -> None:
    raw = '{"type": "response.text.delta", "item_id": "a1", "item_id": "a2", "delta": "Hi"}'
    assert read_event(raw)["item_id"] == "a2"
    assert survives(raw).snapshot().order == ("u1", "a2")


# What the error says


@pytest.mark.parametrize(
    ("payload", "path", "expected"),
    [
        (delta(5), "delta", "string"),  # type: ignore[arg-type]
        ({"type": "response.text.delta", "item_id": "a1"}, "delta", "required"),
        (delta("Hi", index=-1), "content_index", "greater than or equal to 0"),
        (event("conversation.item.added"), "item", "required"),
        (added(user(content=[{"type": "input_text", "text": 5}])), "item.content.0.text", "string"),
        (added(5), "item", "object"),  # type: ignore[arg-type]
        (event("error", error={"message": []}), "error.message", "string"),
        (event("session.created", session={"expires_at": "soon"}), "session.expires_at", "integer"),
        (event("session.created", session={"voice": 5}), "session.voice", ""),
        (
            event("session.created", session={"turn_detection": {"threshold": "x"}}),
            "session.turn_detection.threshold",
            "",
        ),
        (event("session.created", session={"input_audio_format": 5}), "session.input_audio_format", ""),
        (
            event("session.created", session={"audio": {"input": {"format": {"rate": "x"}}}}),
            "session.audio.input.format.rate",
            "",
        ),
        (event("rate_limits.updated", rate_limits=[{}, {"limit": "x"}]), "rate_limits.1.limit", "integer"),
        (event("ping", event_id=5), "event_id", "string"),
    ],
)
def test_the_error_names_the_type_the_path_and_what_was_expected(
    payload: Event, path: str, expected: str
) -> None:
    conversation = Conversation()
    raised = []
    for read in (parse_server_event, read_event):
        with pytest.raises(EventParseError) as caught:
            read(payload)
        raised.append((str(caught.value), caught.value.event_type, caught.value.path))
    message, event_type, found = raised[0]
    assert raised[1] == raised[0]
    assert (event_type, found) == (payload["type"], path)
    assert message.startswith(f"{payload['type']}: {path}: ")
    assert expected in message
    assert conversation.feed(payload).anomalies[0].message == message
    assert conversation.anomalies[0].event_type == payload["type"]


SECRET = "correct horse battery staple"


@pytest.mark.parametrize(
    "raw",
    [
        SECRET,
        f'{{"type": "ping", "a": "{SECRET}"',
        f'{{"type": "{SECRET}',
        json.dumps([SECRET]),
        json.dumps({"a": SECRET}),
        json.dumps({"type": [SECRET]}),
        json.dumps({"type": {SECRET: SECRET}}),
        delta({"a": SECRET}),  # type: ignore[arg-type]
        delta([SECRET]),  # type: ignore[arg-type]
        delta(SECRET, index=SECRET),
        added(SECRET),  # type: ignore[arg-type]
        added(user(content=SECRET)),
        added(user(content=[SECRET])),
        added(user(content=[{"type": "input_text", "text": [SECRET]}])),
        event("session.created", session={"expires_at": SECRET}),
        event("session.created", session={"turn_detection": SECRET}),
        event("session.created", session={"turn_detection": {"type": [SECRET]}}),
        event("session.created", session={"max_output_tokens": SECRET}),
        event("session.created", session={"voice": [SECRET]}),
        event("conversation.item.truncated", item_id="a1", audio_end_ms=SECRET),
        {"type": "session.updated", "session": {SECRET: object(), "b": SECRET}},
        {"type": "session.updated", "session": {"b": SECRET + "\ud800"}},
        {"type": "session.updated", "session": {SECRET: SECRET.encode() + b"\xff"}},
    ],
    ids=lambda raw: str(raw)[:40].replace(SECRET, "secret"),
)
def test_the_error_never_has_the_payload(raw: Any) -> None:
    error = refuses(raw)
    for word in SECRET.split():
        assert word not in str(error)
        assert word not in f"{error.expected} {error.path} {error.event_type} {error.args}"
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


# Strict


def test_strict_raises_and_leaves_the_state_alone() -> None:
    conversation = state(HI, response_created(), delta("Hel"), strict=True)
    before, revision = conversation.snapshot(), conversation.revision
    for raw in ("{", {"type": 5}, delta(5), event("conversation.item.added")):  # type: ignore[arg-type]
        with pytest.raises(EventParseError):
            conversation.feed(raw)
        if isinstance(raw, dict):
            with pytest.raises(EventParseError):
                conversation.apply(raw)
    assert conversation.snapshot() is before
    assert (conversation.revision, conversation.anomalies) == (revision, ())
    conversation.feed(delta("lo"))
    assert conversation.snapshot().items[1].content[0].text == "Hello"


def test_strict_is_not_about_what_makes_no_sense() -> None:
    conversation = state(HI, strict=True)
    change = conversation.feed(event("conversation.item.truncated", item_id="a9", audio_end_ms=5))
    assert [each.kind for each in change.anomalies] == ["unknown_item"]


def test_a_refused_event_may_come_again_and_be_taken() -> None:
    conversation = state(HI)
    conversation.feed({**delta(5), "event_id": "event_1"})  # type: ignore[arg-type]
    assert conversation.feed({**delta("Hi"), "event_id": "event_1"})


# The models and what feed reads: one for every event class, one field at a time

VALUES: list[Any] = [
    None,
    True,
    1,
    -1,
    1.5,
    "x",
    "1",
    [],
    [1],
    ["x"],
    [{}],
    [None],
    {},
    {"a": 1},
    {"type": 5},
    {"type": "x"},
]


def models(annotation: Any) -> Iterator[tuple[tuple[Any, ...], type[BaseModel]]]:
    """The models an annotation leads to, with the list index on the way if there is one."""
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation
    elif origin is Annotated:
        yield from models(args[0])
    elif origin in (Union, types.UnionType):
        for each in args:
            yield from models(each)
    elif origin is list:
        for path, model in models(args[0]):
            yield (0, *path), model


def places(model: type[BaseModel]) -> Iterator[tuple[Any, ...]]:
    """The path of every field of a model and of the models in it."""
    for name, field in model.model_fields.items():
        yield (name,)
        for path, inner in models(field.annotation):
            yield from ((name, *path, *rest) for rest in places(inner))


def minimal(model: type[BaseModel]) -> Event:
    """The least a model takes."""
    payload: Event = {}
    for name, field in model.model_fields.items():
        if field.is_required() and get_origin(field.annotation) is not Literal:
            inner = list(models(field.annotation))
            if get_origin(field.annotation) is list:
                payload[name] = []
            elif inner:
                payload[name] = minimal(inner[0][1])
            else:
                payload[name] = 0 if field.annotation in (int, int | float) else "x"
    return payload


def put(payload: Event, model: type[BaseModel], path: tuple[Any, ...], value: Any) -> None:
    """Set one field deep in a payload, making what leads to it."""
    name, *rest = path
    if not rest:
        payload[name] = value
        return
    in_list = rest[0] == 0
    rest = rest[1:] if in_list else rest
    inner = next(
        each for _, each in models(model.model_fields[name].annotation) if rest[0] in each.model_fields
    )
    made = minimal(inner)
    payload[name] = [made] if in_list else made
    put(made, inner, tuple(rest), value)


ROWS: list[tuple[str, Row]] = [*TABLE.items(), *((n, r) for n, r in CLIENT_TABLE.items() if n not in TABLE)]


def payloads(name: str, row: Row) -> Iterator[tuple[str, Any, Event]]:
    for path in places(row.event):
        for value in VALUES if path != ("type",) else []:
            payload = {"type": name, **minimal(row.event)}
            put(payload, row.event, path, value)
            yield ".".join(str(key) for key in path), value, payload


def outcome(read: Any, payload: Event) -> Any:
    """What a reader makes of an event, or its error's type, path and expectation."""
    try:
        parsed: Any = read(payload)
    except EventParseError as error:
        return error.event_type, error.path, error.expected
    return known(parsed if read is read_event else _read_by_the_reducer(parsed))


def _read_by_the_reducer(event: BaseModel) -> Event:
    """What was sent, without what only fills it up: of that nothing is refused, and no reducer reads it."""
    padding = {name for name, field in type(event).model_fields.items() if PADDING in field.metadata}
    return event.model_dump(mode="json", exclude_unset=True, exclude=padding)


def parser(name: str) -> Any:
    return parse_server_event if name in TABLE else parse_client_event


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_feed_takes_and_refuses_what_the_models_take_and_refuse(name: str, row: Row) -> None:
    assert not isinstance(parser(name)({"type": name, **minimal(row.event)}), UnknownEvent)
    refused = 0
    for path, value, payload in payloads(name, row):
        found = outcome(parser(name), payload)
        assert outcome(read_event, payload) == found, f"{path} = {value!r}"
        if isinstance(found, tuple):
            refused += 1
            assert found[0] == name
            change = Conversation().feed(payload)
            assert [each.message for each in change.anomalies] == [": ".join(found)]
    assert refused > 0


def test_the_path_of_an_error_is_that_of_the_field() -> None:
    wrong = set()
    for name, row in ROWS:
        for path, value, payload in payloads(name, row):
            found = outcome(parser(name), payload)
            if isinstance(found, tuple) and found[1] != path and not isinstance(value, (list, dict)):
                wrong.add((name, path, found[1]))
    assert sorted(wrong) == []


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_whatever_a_field_holds_nothing_else_raises(name: str, row: Row) -> None:
    conversation = state(HI, response_created(), delta("Hello"))
    for _, _, payload in payloads(name, row):
        for raw in (payload, json.dumps(payload)):
            before = conversation.snapshot()
            change = conversation.feed(raw)
            assert bool(change) is (conversation.snapshot() is not before)
    conversation._draft._check()
    json.loads(conversation.snapshot().to_json(), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("raw", "use"),
    [({"type": "ping"}, "noted"), ({"type": "input_audio_buffer.append", "audio": ""}, "ignored")],
)
def test_events_that_change_nothing_are_counted(raw: Event, use: str) -> None:
    conversation = state(HI)
    read = conversation.sent if raw["type"] in CLIENT_TABLE else conversation.feed
    for count in (1, 2, 3):
        assert not read(raw)
        counted = {name: getattr(conversation.stats, name) for name in ("noted", "ignored")}
        assert counted == {"noted": 0, "ignored": 0, use: count}


def test_an_event_type_has_one_owner() -> None:
    from rtstate.wire import merge

    row = TABLE["response.done"]
    with pytest.raises(ValueError, match=r"'response.done' has two owners: ResponseDone and ResponseDone"):
        merge([row], [row])
    assert set(merge([row], [])) == {"response.done"}


@pytest.mark.parametrize("view", [bytearray, memoryview])
def test_bytes_may_be_of_any_kind(view: Any) -> None:
    raw = json.dumps(delta("Hi")).encode()
    assert parse_server_event(view(raw)) == parse_server_event(raw)
    assert state(view(raw)).snapshot() == state(delta("Hi")).snapshot()


def test_what_no_event_can_be_is_said_by_name() -> None:
    with pytest.raises(
        TypeError, match=r"^expected JSON text, bytes or a mapping, not object; apply\(\) takes"
    ):
        parse_server_event(object())  # type: ignore[arg-type]


def test_parsers_are_built_when_they_are_first_used_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for build in (wire._server_parser, wire._client_parser):
        build.cache_clear()
        assert build() is build()
    monkeypatch.setattr(wire, "_read", wire._first)
    read_event(delta("Hi"))
    built = wire._read
    assert built is not wire._first
    read_event(delta("Hi"))
    assert wire._read is built


def test_every_row_of_every_family_is_in_the_table() -> None:
    from rtstate.wire import audio, client, items, mcp, responses, session, streams, transcription, voicelive

    server = (session, items, transcription, audio, responses, streams, mcp, voicelive)
    told = {name: row for family in server for row in family.ROWS for name in row.types}
    assert told == TABLE
    assert {name: row for row in client.ROWS for name in row.types} == CLIENT_TABLE
    assert {**CLIENT_TABLE, **TABLE} == EVENTS
    assert {name: row.handler for name, row in TABLE.items()} == wire.HANDLERS
    assert {name: row.handler for name, row in CLIENT_TABLE.items()} == wire.CLIENT_HANDLERS
