"""A conversation built again in a new session: the same texts in order, and what is missing is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.beta.realtime.conversation_item_create_event_param import (
    ConversationItemCreateEventParam as BetaParam,
)
from openai.types.realtime import ConversationItemCreateEvent
from openai.types.realtime.conversation_item_create_event_param import (
    ConversationItemCreateEventParam as Param,
)
from pydantic import TypeAdapter

from rtstate import (
    Conversation,
    Item,
    LeftOut,
    Part,
    RestorePlan,
    Snapshot,
    parse_client_event,
    replay,
    restore_events,
    restore_plan,
    simulate,
)
from rtstate.exports import left_out
from rtstate.exports.restore import CHARACTERS_PER_TOKEN, TOKENS_PER_IMAGE, RestoreDialect
from rtstate.wire.client import ConversationItemCreateEvent as Ours
from tests.helpers import (
    Event,
    added,
    assistant,
    audio_part,
    call,
    committed,
    deleted,
    delta,
    done,
    output_added,
    response_created,
    response_done,
    sound,
    speech_started,
    spoken,
    state,
    text_part,
    transcription,
    truncated,
    user,
)
from tests.strategies import STREAMS, Stream

DIALECTS: tuple[Any, ...] = get_args(RestoreDialect)
GA, BETA = TypeAdapter[Any](Param), TypeAdapter[Any](BetaParam)
FOX = "The quick brown fox jumps."
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}


def message(role: str, *content: Event, item_id: str = "x1", **fields: Any) -> Event:
    return {"id": item_id, "type": "message", "role": role, "content": list(content), **fields}


def typed(text: str) -> Event:
    return text_part(text, "input_text")


def output(item_id: str = "o1", call_id: str = "call_1", said: Any = "Sunny.") -> Event:
    return {"id": item_id, "type": "function_call_output", "call_id": call_id, "output": said}


def made(item_id: str = "f1", call_id: str = "call_1", arguments: Any = '{"a": 1}', **fields: Any) -> Event:
    """A call that may be run."""
    return done(call(item_id, arguments, call_id=call_id, status="completed", **fields))


def plan(*events: Event, dialect: Any = "ga", **options: Any) -> RestorePlan:
    return restore_plan(state(*events).snapshot(), dialect, **options)


def items_of(plan: RestorePlan) -> list[Event]:
    return [event["item"] for event in plan.events]


def ids_of(plan: RestorePlan) -> list[str]:
    return [item["id"] for item in items_of(plan)]


# What becomes of a message


@pytest.mark.parametrize(
    ("events", "content"),
    [
        ([added(message("user", typed("Hi")))], [typed("Hi")]),
        ([added(message("system", typed("Be brief.")))], [typed("Be brief.")]),
        ([added(message("user", typed("Hi"), typed(""), typed("there")))], [typed("Hi"), typed("there")]),
        ([added(message("user", typed("See:"), IMAGE))], [typed("See:"), IMAGE]),
        (
            [added(message("user", {**IMAGE, "detail": "odd"}))],
            [{"type": "input_image", "image_url": IMAGE["image_url"]}],
        ),
        ([added(message("assistant", text_part("Hello")))], [text_part("Hello")]),
        ([added(message("assistant", audio_part("Hello")))], [text_part("Hello")]),
        ([committed("x1"), transcription("completed", "x1", transcript="Hi")], [typed("Hi")]),
        ([committed("x1"), transcription("delta", "x1", delta="Hi th")], [typed("Hi th")]),
        ([added(assistant("x1")), spoken("Hel", "x1")], [text_part("Hel")]),
        ([added(assistant("x1")), delta("Hel", "x1")], [text_part("Hel")]),
        ([added(assistant("x1")), spoken(FOX, "x1"), sound(2000, "x1")], [text_part(FOX)]),
        (
            [added(assistant("x1")), spoken(FOX, "x1"), sound(2000, "x1"), truncated("x1", 1000)],
            [text_part("The quick")],
        ),
        (
            [added({**message("assistant", audio_part("Hello")), "type": "force_message"})],
            [text_part("Hello")],
        ),
        ([added({"id": "x1", "type": "force_message", "content": [typed("Hello")]})], [text_part("Hello")]),
    ],
)
def test_a_message_becomes_text(events: list[Event], content: list[Event]) -> None:
    planned = plan(*events)
    assert planned.left_out == ()
    (item,) = items_of(planned)
    assert (item["type"], item["content"]) == ("message", content)


@pytest.mark.parametrize(
    ("dialect", "text", "takes_images"),
    [
        ("ga", "output_text", True),
        ("beta", "text", False),
        ("voicelive", "text", False),
        ("xai", "output_text", False),
    ],
)
def test_a_dialect_has_its_own_words(dialect: Any, text: str, takes_images: bool) -> None:
    planned = plan(
        added(message("user", typed("See:"), IMAGE, item_id="u1")),
        added(message("assistant", audio_part("A cat."), item_id="a1")),
        added(message("user", IMAGE, item_id="u2")),
        dialect=dialect,
    )
    contents = [item["content"] for item in items_of(planned)]
    answer = [text_part("A cat.", text)]
    if takes_images:
        assert contents == [[typed("See:"), IMAGE], answer, [IMAGE]]
        assert planned.left_out == ()
    else:
        assert contents == [[typed("See:")], answer]
        assert planned.left_out == (LeftOut("u1", "image", 1), LeftOut("u2", "image"))


def test_every_dialect_of_the_simulator_can_be_restored() -> None:
    assert set(simulate.DIALECTS) == set(DIALECTS)


@pytest.mark.parametrize(
    ("events", "left_out"),
    [
        ([committed("x1")], LeftOut("x1", "no_transcript")),
        ([committed("x1"), transcription("failed", "x1", error={})], LeftOut("x1", "no_transcript")),
        ([committed("x1"), transcription("completed", "x1", transcript="")], LeftOut("x1", "empty")),
        ([added(message("user", typed("")))], LeftOut("x1", "empty")),
        ([added(message("user"))], LeftOut("x1", "empty")),
        ([added(message("tool", typed("Hi")))], LeftOut("x1", "unsupported")),
        ([added(message("user", {"type": "odd"}))], LeftOut("x1", "unsupported")),
        ([added(message("user", typed(""), {"type": "odd"}))], LeftOut("x1", "unsupported")),
        ([added(message("assistant", IMAGE))], LeftOut("x1", "image")),
        ([added(message("user", {"type": "input_image"}))], LeftOut("x1", "image")),
        ([added({"id": "x1", "type": "mcp_call", "name": "f"})], LeftOut("x1", "unsupported")),
        ([added({"id": "x1", "type": "odd"})], LeftOut("x1", "unsupported")),
        ([added(assistant("x1")), sound(2000, "x1")], LeftOut("x1", "no_transcript")),
        (
            [added(assistant("x1")), spoken(FOX, "x1"), sound(2000, "x1"), truncated("x1", 0)],
            LeftOut("x1", "unheard"),
        ),
        ([made("x1")], LeftOut("x1", "no_output")),
        ([added(call("x1")), added(output())], LeftOut("x1", "not_ready")),
        ([made("x1", name=None), added(output())], LeftOut("x1", "unnamed")),
        ([made("x1", name=""), added(output())], LeftOut("x1", "unnamed")),
        ([made("x1", call_id="")], LeftOut("x1", "unnamed")),
        ([added(output("x1"))], LeftOut("x1", "no_call")),
        ([added(output("x1", call_id=""))], LeftOut("x1", "no_call")),
        ([made(), added(output("x1", said=None))], LeftOut("x1", "empty")),
    ],
)
def test_what_cannot_be_said_again_is_told(events: list[Event], left_out: LeftOut) -> None:
    planned = plan(*events)
    assert planned.events == ()
    assert left_out in planned.left_out
    assert len(planned.left_out) == len({each.item_id for each in planned.left_out})


def test_a_part_that_is_missing_is_told_with_its_index() -> None:
    audio = {"type": "input_audio", "transcript": None}
    planned = plan(added(message("user", typed(""), {"type": "odd"}, typed("Hi"), audio)))
    assert items_of(planned)[0]["content"] == [typed("Hi")]
    assert planned.left_out == (LeftOut("x1", "unsupported", 1), LeftOut("x1", "no_transcript", 3))


def test_what_is_not_in_the_conversation_is_not_restored() -> None:
    aside = [response_created(conversation_id=None), output_added(assistant()), delta("aside")]
    planned = plan(*aside, speech_started("u1"), added(user("u2", "Hi")), deleted("u2"))
    assert planned == RestorePlan((), (), 0)


# Calls


def test_a_call_comes_with_its_output() -> None:
    planned = plan(added(user("u1", "Weather?")), made(), added(user("u2", "Hello?")), added(output()))
    assert items_of(planned)[1::2] == [
        {
            "id": "f1",
            "type": "function_call",
            "call_id": "call_1",
            "name": "look_up",
            "arguments": '{"a": 1}',
        },
        output(),
    ]
    assert ids_of(planned) == ["u1", "f1", "u2", "o1"]


@pytest.mark.parametrize(
    ("said", "text"),
    [("", ""), ("x", "x"), ({"a": [1, "é"]}, '{"a": [1, "é"]}'), ([], "[]"), (0, "0"), (False, "false")],
)
def test_an_output_is_text(said: Any, text: str) -> None:
    assert items_of(plan(made(), added(output(said=said))))[1]["output"] == text


def test_calls_are_those_of_the_exports() -> None:
    items = [
        made("f1"),
        made("f1b"),
        made("f2", "call_2", name=""),
        made("f3", "call_3"),
        added(output("o9", "9")),
    ]
    snapshot = state(
        *items, added(output("o1")), added(output("o1b")), added(output("o2", "call_2"))
    ).snapshot()
    assert restore_plan(snapshot).left_out == left_out(snapshot)


@pytest.mark.parametrize("arguments", [None, "", " "])
def test_arguments_are_json(arguments: Any) -> None:
    assert items_of(plan(made(arguments=arguments), added(output())))[0]["arguments"] == "{}"


def test_parallel_calls_find_their_outputs() -> None:
    events = [made("f1", "c1"), made("f2", "c2"), made("f3", "c3")]
    events += [added(output("o2", "c2")), added(output("o1", "c1"))]
    planned = plan(*events)
    assert ids_of(planned) == ["f1", "f2", "o2", "o1"]
    assert planned.left_out == (LeftOut("f3", "no_output"),)


def test_a_call_is_answered_once() -> None:
    events = [
        made("f1"),
        made("f2"),
        added(output("o1")),
        added(output("o2")),
        made("f3"),
        added(output("o3")),
    ]
    planned = plan(*events)
    assert ids_of(planned) == ["f1", "o1"]
    assert planned.left_out == tuple([LeftOut(each, "repeated") for each in ("f2", "o2", "f3", "o3")])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_output_before_its_call_is_restored_like_any_other(dialect: Any) -> None:
    events = [added(output()), added(user("u1", "Well?")), made()]
    assert_restored(state(*events).snapshot(), dialect)


def test_an_output_that_stands_before_its_call_comes_behind_it() -> None:
    planned = plan(added(output()), added(user("u1", "Well?")), made(), added(user("u2", "Hm.")))
    assert ids_of(planned) == ["u1", "f1", "o1", "u2"]
    assert planned.left_out == ()


def test_a_call_whose_response_failed_is_left_out_with_its_output() -> None:
    events = [response_created(), added(call()), output_added(call()), made(), response_done(status="failed")]
    planned = plan(*events, added(output()))
    assert planned.left_out == (LeftOut("f1", "not_ready"), LeftOut("o1", "no_call"))


# Ids and order


LONG = "3d301c41-bc81-4592-b73a-6c01a29d2d4a"  # xAI's, 36 characters


def test_ids_are_kept_where_they_are_valid() -> None:
    fits = "i" * 32
    events = [added(user(item_id, "Hi")) for item_id in (fits, LONG, f"{fits}i", "a b", "é", "root")]
    kept, *new = ids_of(plan(*events))
    assert kept == fits
    assert all(each.startswith("item_") and len(each) == 29 for each in new)
    assert len(set(new)) == 5
    assert ids_of(plan(*events, dialect="xai"))[:3] == [fits, LONG, f"{fits}i"]


def test_an_id_that_is_no_unicode_is_replaced_too() -> None:
    document = json.dumps(state(added(user("odd", "Hi"))).snapshot().to_dict())
    snapshot = Snapshot.from_dict(json.loads(document.replace('"odd"', r'"\ud800"')))
    assert restore_events(snapshot)[0]["item"]["id"].startswith("item_")


def test_new_ids_are_always_the_same() -> None:
    planned = plan(made(LONG, f"call-{LONG}-0"), added(output("o1", f"call-{LONG}-0")))
    made_call, made_output = items_of(planned)
    assert made_call["id"] == "item_2b4e6d2b6b3c02dd8b0aa6e1" == ids_of(plan(added(user(LONG, "Hi"))))[0]
    assert made_call["call_id"] == made_output["call_id"] == "call_e67ed6dd65224b33889196ce"


def test_events_follow_each_other_without_anchors() -> None:
    """A server appends what has no anchor; in a chain, one refused item would take all others along."""
    planned = plan(added(user("u1", "1")), added(user("u2", "2")), added(user("u0", "0"), after=None))
    assert [event["item"]["id"] for event in planned.events] == ["u0", "u1", "u2"]
    assert [event["event_id"] for event in planned.events] == ["restore_u0", "restore_u1", "restore_u2"]
    assert all(set(event) == {"type", "event_id", "item"} for event in planned.events)


def test_an_item_that_the_new_server_refuses_goes_alone() -> None:
    conversation = Conversation()
    for each in plan(added(user("u1", "1")), added(user("u2", "2")), added(user("u3", "3"))).events:
        conversation.sent(each)
    conversation.feed({"type": "error", "error": {"message": "No.", "event_id": "restore_u2"}})
    assert conversation.snapshot().order == ("u1", "u3")


# A budget

FOUR = [added(user(f"u{number}", "x" * 40)) for number in (1, 2, 3, 4)]  # ten tokens each
PAIR = [made("f1", arguments="{" + 31 * " " + "}"), added(output(said="y" * 40))]  # 7 + 33 and 40 characters
BRIEF = added(message("system", typed("s" * 40), item_id="s1"))


@pytest.mark.parametrize(
    ("events", "max_tokens", "keep", "expected", "tokens"),
    [
        (FOUR, None, (), ["u1", "u2", "u3", "u4"], 40),
        (FOUR, 40, (), ["u1", "u2", "u3", "u4"], 40),
        (FOUR, 39, (), ["u2", "u3", "u4"], 30),
        (FOUR, 10, (), ["u4"], 10),
        (FOUR, 9, (), [], 0),
        (FOUR, 0, (), [], 0),
        (FOUR, 20, ("u1",), ["u1", "u4"], 20),
        (FOUR, 0, ("u1", "u2"), ["u1", "u2"], 20),
        (FOUR, 15, ("u1", "u4"), ["u1", "u4"], 20),
        ([BRIEF, *FOUR], 20, (), ["s1", "u4"], 20),
        ([BRIEF, *FOUR], 9, (), [], 0),
        ([BRIEF, *FOUR], 10, ("u1",), ["u1"], 10),
        ([FOUR[0], *PAIR, FOUR[1]], 40, (), ["u1", "f1", "o1", "u2"], 40),
        ([FOUR[0], *PAIR, FOUR[1]], 30, (), ["f1", "o1", "u2"], 30),
        ([FOUR[0], *PAIR, FOUR[1]], 29, (), ["u2"], 10),
        ([FOUR[0], *PAIR, FOUR[1]], 10, ("f1",), ["f1", "o1"], 20),
        ([FOUR[0], *PAIR, FOUR[1]], 10, ("o1",), ["f1", "o1"], 20),
        ([PAIR[0], FOUR[0], PAIR[1]], 25, (), ["f1", "o1"], 20),
    ],
)
def test_a_budget_takes_the_newest(
    events: Any, max_tokens: Any, keep: Any, expected: list[str], tokens: int
) -> None:
    planned = plan(*events, max_tokens=max_tokens, keep=keep)
    assert (ids_of(planned), planned.tokens) == (expected, tokens)
    assert {each.reason for each in planned.left_out} <= {"budget"}
    assert len(planned.left_out) + len(expected) == len(events)


def test_tokens_are_rounded_up_and_images_are_a_thousand() -> None:
    assert (CHARACTERS_PER_TOKEN, TOKENS_PER_IMAGE) == (4, 1000)
    assert plan(added(user("u1", "Hello"))).tokens == 2
    assert plan(added(message("user", typed("Hello"), IMAGE))).tokens == 1002


def test_what_a_message_lost_does_not_matter_once_it_is_lost_itself() -> None:
    lossy = added(message("user", typed("x" * 40), {"type": "odd"}))
    assert plan(lossy, FOUR[0], max_tokens=15).left_out == (LeftOut("x1", "budget"),)


def test_what_is_to_be_kept_and_cannot_be_is_told() -> None:
    planned = plan(*FOUR, committed("u5"), max_tokens=10, keep=["gone", "u5"])
    assert planned.left_out[-2:] == (LeftOut("u5", "no_transcript"), LeftOut("gone", "unknown"))
    assert plan(*FOUR, keep=["gone"]).left_out == (LeftOut("gone", "unknown"),)


def test_a_wrong_call_is_refused() -> None:
    snapshot, odd = state(*FOUR).snapshot(), "latin"
    with pytest.raises(ValueError, match=r"dialect is one of .*'ga'.* not 'latin'"):
        restore_events(snapshot, odd)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="max_tokens is a budget, 0 or more, not -1"):
        restore_events(snapshot, max_tokens=-1)
    with pytest.raises(TypeError, match="keep is item ids, not one text: 'u1'"):
        restore_events(snapshot, keep="u1")


def test_the_events_are_the_callers_to_change() -> None:
    snapshot = state(*FOUR).snapshot()
    events = restore_events(snapshot)
    before = json.dumps(events)
    events[0]["item"]["content"][0]["text"] = "else"
    events.clear()
    assert json.dumps(restore_events(snapshot)) == before
    assert list(restore_plan(snapshot).events) == restore_events(snapshot)


# The proof: the conversation is the same again


def said(item: Item, planned: RestorePlan) -> Any:
    """What an item says, as far as it was not left out, in words that restoring does not change."""
    lost = {each.content_index for each in planned.left_out if each.item_id == item.id}
    if item.type == "function_call":
        return item.name, item.arguments or "{}"
    if item.type == "function_call_output":
        return (
            item.output if isinstance(item.output, str) else json.loads(json.dumps(item.to_dict()["output"]))
        )
    role = "assistant" if item.type == "force_message" else item.role
    return role, [each for at, part in enumerate(item.content) if at not in lost and (each := words(part))]


def words(part: Part) -> str | None:
    if part.type == "input_image":
        return part.image_url
    told = [part.transcript] if part.truncated else [part.text, part.transcript]
    return next((each for each in told if each and each.strip()), None)


def as_said(item: Item, planned: RestorePlan, original: Item) -> Any:
    """The same of an item that was restored."""
    if item.type == "function_call_output" and not isinstance(original.output, str):
        return json.loads(str(item.output))
    return said(item, planned)


def in_turn(items: list[Item]) -> list[Item]:
    """Put each output that stands before its call behind it."""
    place = {item.id: at for at, item in enumerate(items)}
    calls = {item.call_id: place[item.id] for item in items if item.type == "function_call"}
    outputs = {item.id: calls[item.call_id] for item in items if item.type == "function_call_output"}
    return sorted(items, key=lambda item: (max(place[item.id], outputs.get(item.id, 0)), item.id in outputs))


def acknowledge(conversation: Conversation, events: tuple[Event, ...]) -> None:
    """Answer as the GA server does: each item is added behind the one before, and done at once."""
    before: str | None = None
    for each in events:
        item = {"object": "realtime.item", "status": "completed", **each["item"]}
        for name in ("added", "done"):
            answer = {"type": f"conversation.item.{name}", "previous_item_id": before, "item": item}
            assert conversation.feed(answer).anomalies == ()
        before = item["id"]


def assert_valid(each: Event, dialect: str) -> None:
    assert type(parse_client_event(json.dumps(each))) is Ours
    if dialect in ("ga", "xai"):
        checked = GA.validate_python(each)
        list(checked["item"].get("content", ()))  # it is checked as it is read
        ConversationItemCreateEvent.model_validate(each, strict=True)
    else:
        checked = BETA.validate_python(each)
        assert list(checked["item"].get("content", ())) == each["item"].get("content", [])


def assert_restored(snapshot: Snapshot, dialect: Any = "ga", **options: Any) -> None:
    planned = restore_plan(snapshot, dialect, **options)
    for each in planned.events:
        assert_valid(each, dialect)
        assert len(each["item"]["id"]) <= (64 if dialect == "xai" else 32)
    fresh = Conversation()
    for each in planned.events:
        assert fresh.sent(each)
    shown = fresh.snapshot().order
    acknowledge(fresh, planned.events)
    after = fresh.snapshot()
    assert after.order == shown == tuple(ids_of(planned))
    left = {each.item_id for each in planned.left_out if each.content_index is None}
    carried = in_turn([item for item in snapshot.items if item.id not in left])
    assert [item.type.replace("force_", "") for item in carried] == [item.type for item in after.items]
    nothing = RestorePlan((), (), 0)
    again = [as_said(item, nothing, original) for item, original in zip(after.items, carried, strict=True)]
    assert again == [said(item, planned) for item in carried]
    assert all(item.status == "completed" for item in after.items)
    calls = {item.call_id for item in after.items if item.type == "function_call"}
    assert calls == {item.call_id for item in after.items if item.type == "function_call_output"}
    # and what was restored once is restored the same way again
    second = restore_plan(after, dialect, max_tokens=planned.tokens)
    assert [each["item"] for each in second.events] == [each["item"] for each in planned.events]
    assert (second.left_out, second.tokens) == ((), planned.tokens)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_recording_is_restored_at_any_point(recording: Path, dialect: Any) -> None:
    conversation = Conversation()
    for number, line in enumerate(recording.read_text().splitlines()):
        conversation.feed(line)
        if number % 7 == 0:
            assert_restored(conversation.snapshot(), dialect)
    assert_restored(conversation.snapshot(), dialect)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_simulated_call_is_restored_at_any_point(dialect: Any) -> None:
    for seed in range(4):
        session = simulate.session(seed, 6, dialect)
        conversation = Conversation()
        for number, each in enumerate(session.events):
            conversation.feed(each)
            if number % 40 == 0:
                assert_restored(conversation.snapshot(), dialect)
        for to in DIALECTS:
            assert_restored(conversation.snapshot(), to)
            assert_restored(conversation.snapshot(), to, max_tokens=100, keep=session.truth.order[:2])


def test_all_of_a_plain_call_is_carried_over() -> None:
    session = simulate.session(3, 8, features=["audio", "text", "tools", "parallel_tools", "images"])
    planned = restore_plan(replay(session.events).snapshot())
    assert planned.left_out == ()
    assert tuple(ids_of(planned)) == session.truth.order


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
@given(data=st.data(), dialect=st.sampled_from(DIALECTS), budget=st.none() | st.integers(0, 60))
def test_any_stream_is_restored(
    stream: st.SearchStrategy[Stream], data: st.DataObject, dialect: Any, budget: int | None
) -> None:
    conversation = Conversation()
    for each in data.draw(stream):
        conversation.feed(each)
    snapshot = conversation.snapshot()
    keep = data.draw(st.sets(st.sampled_from((*snapshot.order, "gone")), max_size=2))
    assert_restored(snapshot, dialect, max_tokens=budget, keep=keep - {"gone"})
    planned = restore_plan(snapshot, dialect, max_tokens=budget, keep=keep)
    whole = {each.item_id for each in planned.left_out if each.content_index is None}
    assert len(planned.events) + len(whole - {"gone"}) == len(snapshot.order)
    assert ("gone" in whole) is ("gone" in keep)
    assert not any(each.item_id in keep for each in planned.left_out if each.reason == "budget")
    if budget is not None and not keep:
        assert planned.tokens <= budget
