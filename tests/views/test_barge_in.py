"""A barge-in: what has to be sent, what must not be, and when a response may be created."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import (
    Conversation,
    Snapshot,
    UnknownEvent,
    can_create_response,
    interrupt_events,
    parse_client_event,
    reduce,
    simulate,
    truncate_event,
)
from tests.helpers import (
    Event,
    added,
    assistant,
    audio_part,
    call,
    deleted,
    delta,
    done,
    event,
    output_added,
    part_added,
    response_created,
    response_done,
    sound,
    speech_started,
    spoken,
    state,
    text_part,
    truncated,
    user,
)
from tests.strategies import STREAMS, Stream

FOX = "The quick brown fox jumps."
HI = added(user("u1", "Hi"), after=None)
SPEAKING = [HI, response_created(), added(assistant(), after="u1"), spoken(FOX), sound(2000)]
SPOKEN = [*SPEAKING, done(assistant("a1", audio_part(FOX), status="completed")), response_done()]
SILENT = [HI, response_created(), added(assistant(), after="u1"), spoken(FOX)]  # as over WebRTC
NEXT = [response_created("r2"), added(assistant("a2"), after="a1"), sound(3000, "a2", response_id="r2")]
TWO = [*SPEAKING, added(assistant("a2"), after="a1"), sound(3000, "a2")]

BEFORE = [event("session.created", session={"id": "s1"})]
ANEW = [event("session.created", session={"id": "s2"}), added(user("u2", "Hi again"))]


def cut(item_id: str = "a1", end: int = 1000, index: int = 0) -> Event:
    known = {"item_id": item_id, "content_index": index, "audio_end_ms": end}
    return event("conversation.item.truncate", **known)


def cancel(response_id: str = "r1") -> Event:
    return event("response.cancel", response_id=response_id)


CLEAR = event("output_audio_buffer.clear")


def after(events: Iterable[Any]) -> Snapshot:
    return state(*events).snapshot()


def rows(table: dict[str, tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Run a test once per ``name: (events, what is given, expected)`` of a table."""
    named = [pytest.param(*row, id=name) for name, row in table.items()]
    return pytest.mark.parametrize(("events", "given", "expected"), named)


# Truncation


@rows(
    {
        "in the middle": (SPOKEN, 1000, cut()),
        "while it is generated": (SPEAKING, 1000, cut()),
        "parts of a millisecond are dropped": (SPOKEN, 1000.9, cut()),
        "nothing was heard": (SPOKEN, 0, cut(end=0)),
        "less than nothing was heard": (SPOKEN, -5, cut(end=0)),
        "all of it was heard": (SPOKEN, 2000, None),
        "more than all of it": (SPOKEN, float("inf"), None),
        "all that came so far": (SPEAKING, 2000, cut(end=2000)),
        "more than came so far": (SPEAKING, 9000, cut(end=2000)),
        "a response that was cancelled has no more to come": (
            [*SPEAKING, response_done("r1", status="cancelled")],
            2000,
            None,
        ),
        "cut already": ([*SPOKEN, truncated("a1", 1000)], 1000, None),
        "cut shorter already": ([*SPOKEN, truncated("a1", 700)], 1000, None),
        "cut, but not as short": ([*SPOKEN, truncated("a1", 1500)], 1000, cut()),
        "what was cut shorter is not passed over": (
            [*SPOKEN, *NEXT, truncated("a2", 500)],
            1000,
            None,
        ),
        "the last one with audio": ([*SPOKEN, *NEXT], 1000, cut("a2")),
        "an answer that has no audio yet": ([*SPOKEN, *NEXT[:2]], 1000, cut()),
        "a call after it": ([*SPOKEN, added(call(), after="a1")], 1000, cut()),
        "the user after it": ([*SPOKEN, added(user("u2", "No"), after="a1")], 1000, cut()),
        "the audio is the second part": (
            [HI, added(assistant(), after="u1"), delta("One"), sound(2000, index=1)],
            1000,
            cut(index=1),
        ),
        "less than a millisecond so far": ([HI, added(assistant()), sound(0.5)], 1000, cut(end=0)),
        "no audio seen": (SILENT, 1000, None),
        "a text": ([HI, added(assistant("a1", text_part("Hi")), after="u1")], 1000, None),
        "its session is over": ([*BEFORE, *SPOKEN, *ANEW], 1000, None),
        "its session is not over": ([*BEFORE, *SPOKEN], 1000, cut()),
        "speech of this session": ([*BEFORE, *SPOKEN, *ANEW, *NEXT], 1000, cut("a2")),
        "nothing at all": ([], 1000, None),
        "only the user": ([HI], 1000, None),
        "deleted": ([*SPOKEN, deleted("a1")], 1000, None),
        "out of band": (
            [HI, response_created(conversation_id=None), output_added(assistant()), sound(2000)],
            1000,
            None,
        ),
    }
)
def test_the_last_speech_is_cut(events: Any, given: float, expected: Event | None) -> None:
    assert truncate_event(after(events), given) == expected


@pytest.mark.parametrize(
    ("events", "item_id", "expected"),
    [
        ([*SPOKEN, *NEXT], "a1", cut("a1")),
        ([*SPOKEN, *NEXT], "a2", cut("a2")),
        (SPOKEN, "u1", None),
        (SPOKEN, "u9", None),
        ([*SPOKEN, deleted("a1")], "a1", None),
        (SILENT, "a1", None),
        ([HI, response_created(conversation_id=None), output_added(assistant()), sound(2000)], "a1", None),
        ([HI, added(call(), after="u1")], "f1", None),
    ],
)
def test_the_speech_that_is_named_is_cut(events: Any, item_id: str, expected: Event | None) -> None:
    assert truncate_event(after(events), 1000, item_id) == expected


def test_a_truncation_can_have_an_id_that_an_error_names() -> None:
    conversation = state(*SPOKEN)
    before = conversation.snapshot().to_dict()["items"]
    made = truncate_event(conversation.snapshot(), 1000, event_id="cut_1")
    assert made == {**cut(), "event_id": "cut_1"}
    conversation.sent(made)
    item = conversation.snapshot().item("a1")
    assert item is not None
    assert item.content[0].transcript == "The quick"
    assert truncate_event(conversation.snapshot(), 1000) is None
    conversation.feed(event("error", error={"message": "No.", "event_id": "cut_1"}))
    assert conversation.snapshot().to_dict()["items"] == before


def test_a_cut_stands_when_more_audio_comes() -> None:
    conversation = state(*SPEAKING)
    conversation.sent(truncate_event(conversation.snapshot(), 2000))
    conversation.feed(sound(1000))
    conversation.feed(response_done("r1", status="cancelled"))
    item = conversation.snapshot().item("a1")
    assert item is not None
    assert item.content[0].truncated is not None
    assert item.content[0].truncated.audio_end_ms == 2000
    assert truncate_event(conversation.snapshot(), 2500) is None


def test_nothing_is_no_number() -> None:
    for snapshot in (after(SPOKEN), after([])):
        with pytest.raises(ValueError, match="NaN"):
            truncate_event(snapshot, float("nan"))
        with pytest.raises(ValueError, match="NaN"):
            interrupt_events(snapshot, float("nan"), transport="webrtc")


# A barge-in


@rows(
    {
        "speaking": (SPEAKING, {}, [cancel(), cut()]),
        "the server cancels by itself": (SPEAKING, {"cancel": False}, [cut()]),
        "spoken, and still playing": (SPOKEN, {}, [cut()]),
        "spoken, and played": (SPOKEN, {"played_ms": 2000}, []),
        "thinking": ([HI, response_created()], {}, [cancel()]),
        "a call": ([HI, response_created(), added(call(), after="u1")], {}, [cancel()]),
        "speaking, with nothing but text": ([HI, response_created(), delta("Hi")], {}, [cancel()]),
        "thinking after an answer that was played": (
            [*SPOKEN, response_created("r2")],
            {"played_ms": 2000},
            [cancel("r2")],
        ),
        "an aside is left alone": (
            [*SPOKEN, response_created("r2", conversation_id=None)],
            {},
            [cut()],
        ),
        "an aside beside an answer is left alone": (
            [*SPEAKING, response_created("r2", conversation_id=None)],
            {},
            [cancel(), cut()],
        ),
        "of two answers, one of them lost, the last": ([*SPEAKING, *NEXT], {}, [cancel("r2"), cut("a2")]),
        "cancelled already": ([*SPEAKING, response_done("r1", status="cancelled")], {}, [cut()]),
        "nothing at all": ([], {}, []),
        "what has not begun to play is cut to nothing": (
            TWO,
            {"item_id": "a1"},
            [cancel(), cut(), cut("a2", 0)],
        ),
        "what was played before is left alone": (TWO, {"item_id": "a2"}, [cancel(), cut("a2")]),
        "the named speech is played, the next has not begun": (
            [*TWO, response_done("r1")],
            {"item_id": "a1", "played_ms": 2000},
            [cut("a2", 0)],
        ),
        "the named speech is gone": (
            [*TWO, response_done(), deleted("a1")],
            {"item_id": "a1"},
            [],
        ),
        "WebRTC, speaking": (SILENT, {"transport": "webrtc"}, [cancel(), CLEAR]),
        "WebRTC, with audio seen all the same": (SPEAKING, {"transport": "webrtc"}, [cancel(), CLEAR]),
        "WebRTC, spoken": ([*SILENT, response_done()], {"transport": "webrtc"}, [CLEAR]),
        "WebRTC, the server cancels by itself": (SILENT, {"transport": "webrtc", "cancel": False}, [CLEAR]),
        "WebRTC, thinking": ([HI, response_created()], {"transport": "webrtc"}, [cancel(), CLEAR]),
        "WebRTC, never spoken": ([HI], {"transport": "webrtc"}, []),
        "SIP, speaking": (SILENT, {"transport": "sip"}, [cancel(), CLEAR]),
    }
)
def test_a_barge_in(events: Any, given: dict[str, Any], expected: list[Event]) -> None:
    assert interrupt_events(after(events), **{"played_ms": 1000, **given}) == expected


def test_its_events_can_have_ids_that_an_error_names() -> None:
    made = interrupt_events(after(TWO), 500, item_id="a1", event_id="stop")
    assert [each["event_id"] for each in made] == ["stop_1", "stop_2", "stop_3"]
    made = interrupt_events(after(SILENT), 500, transport="sip", event_id="stop")
    assert [each["event_id"] for each in made] == ["stop_1", "stop_2"]


def test_there_is_no_other_transport() -> None:
    odd: Any = "pigeon"
    with pytest.raises(ValueError, match=r"transport is one of .*'websocket'.* not 'pigeon'"):
        interrupt_events(after([]), 0, transport=odd)


# Whether a response may be created


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], True),
        ([response_created()], False),
        ([response_created(), response_done()], True),
        ([response_created(conversation_id=None)], True),
        ([response_created(conversation_id="conv_1")], False),
        ([response_created("r1", conversation_id=None), response_created("r2")], False),
        ([response_created(), response_done("r1", status="cancelled")], True),
        ([delta("Hi")], False),
        ([response_created(), event("session.created", session={"id": "s1"})], False),
        (
            [
                event("session.created", session={"id": "s1"}),
                response_created(),
                event("session.created", session={"id": "s2"}),
            ],
            True,
        ),
    ],
)
def test_only_a_response_of_the_default_conversation_blocks(events: Any, expected: bool) -> None:
    snapshot = after(events)
    assert can_create_response(snapshot) is expected
    assert can_create_response(Snapshot.from_dict(snapshot.to_dict())) is expected


def test_an_aside_stays_one_for_whoever_goes_on_from_a_snapshot() -> None:
    snapshot = reduce(after([HI, response_created(conversation_id=None)]), [delta("aside")])
    assert can_create_response(snapshot)
    assert snapshot.order == ("u1",)


# Nothing that the server refuses


class Server:
    """What protocol.md says a server refuses, worked out from the events alone."""

    def __init__(self) -> None:
        self.audio: defaultdict[tuple[str, int], float] = defaultdict(float)  # milliseconds
        self.items: set[str] = set()
        self.running: set[str] = set()
        self.aside: set[str] = set()

    def see(self, event: Event) -> None:
        name = event["type"]
        if name in ("conversation.item.added", "conversation.item.created"):
            self.items.add(event["item"]["id"])
        elif name == "conversation.item.deleted":
            self.items.discard(event["item_id"])
        elif name in ("response.output_audio.delta", "response.audio.delta"):
            ms = len(base64.b64decode(event["delta"])) / 48
            self.audio[event["item_id"], event["content_index"]] += ms
        elif name == "conversation.item.truncated":
            at = event["item_id"], event["content_index"]
            self.audio[at] = min(self.audio[at], event["audio_end_ms"])
        elif name == "response.created":
            self.running.add(event["response"]["id"])
            if event["response"].get("conversation_id", "") is None:
                self.aside.add(event["response"]["id"])
        elif name == "response.done":
            self.running.discard(event["response"]["id"])

    def refuses(self, event: Event) -> bool:
        if event["type"] == "response.cancel":
            return event["response_id"] not in self.running - self.aside
        if event["type"] == "conversation.item.truncate":
            at = event["item_id"], event["content_index"]
            return (
                event["item_id"] not in self.items
                or at not in self.audio
                or event["audio_end_ms"] > self.audio.get(at, 0)
            )
        return event["type"] != "output_audio_buffer.clear"


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_server_takes_all_of_it_at_every_point_of_a_call(dialect: str) -> None:
    made = 0
    for seed in range(6):
        wanted = {"audio", "tools", "interruption", "out_of_band", "deletion", "two_messages"}
        features = wanted.intersection(simulate.supported(dialect))
        server, conversation = Server(), Conversation()
        for each in simulate.session(seed, 4, dialect, features).events:
            server.see(each)
            conversation.feed(each)
            snapshot = conversation.snapshot()
            for played in (0, 500, 1e6):
                for sent in interrupt_events(snapshot, played):
                    made += 1
                    assert not server.refuses(sent), (sent, each)
            assert can_create_response(snapshot) is not bool(server.running - server.aside)
    assert made > 100


def test_recordings_can_be_interrupted_at_every_point(recording: Path) -> None:
    server, conversation = Server(), Conversation()
    for line in recording.read_text().splitlines():
        conversation.feed(line)
        made = interrupt_events(conversation.snapshot(), 0)
        if recording.stem == "spec_examples":  # each of its lines stands alone
            continue
        each = json.loads(line)
        if each["type"] == "session.created":
            server = Server()
        server.see(each)
        for sent in made:
            of_this_session = sent.get("item_id") in (None, *server.items)
            if of_this_session:
                assert not server.refuses(sent), (sent, each)


@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
@given(data=st.data(), played=st.floats(allow_nan=False), transport=st.sampled_from(("websocket", "sip")))
def test_any_stream_can_be_interrupted(
    stream: st.SearchStrategy[Stream], data: st.DataObject, played: float, transport: Any
) -> None:
    events = data.draw(stream)
    conversation = state(*events[: data.draw(st.integers(0, len(events)))])  # type: ignore[arg-type]
    snapshot = conversation.snapshot()
    item_id = data.draw(st.none() | st.sampled_from(snapshot.order or (None,)))
    made = interrupt_events(snapshot, played, transport=transport, item_id=item_id, event_id="stop")
    assert_in_order(made)
    blocking = [each.id for each in snapshot.active_responses if not each.out_of_band]
    for number, sent in enumerate(made):
        assert not isinstance(parse_client_event(json.dumps(sent)), UnknownEvent)
        if sent["type"] == "response.cancel":
            assert sent["response_id"] in blocking
        elif sent["type"] == "conversation.item.truncate":
            assert_legal(snapshot, sent)
        anomalies = len(conversation.anomalies)
        conversation.sent({**sent, "event_id": f"mine_{number}"})
        assert len(conversation.anomalies) == anomalies
        if sent["type"] == "conversation.item.truncate":
            assert_shown(conversation.snapshot(), sent)
    again = interrupt_events(conversation.snapshot(), played, transport=transport, item_id=item_id)
    assert [each["type"] for each in again if each["type"] == "conversation.item.truncate"] == []
    assert can_create_response(snapshot) is not bool(blocking)


def assert_in_order(made: list[Event]) -> None:
    order = ("response.cancel", "output_audio_buffer.clear", "conversation.item.truncate")
    ranks = [order.index(each["type"]) for each in made]
    assert ranks == sorted(ranks)
    assert ranks.count(0) <= 1
    assert ranks.count(1) <= 1


def assert_legal(snapshot: Snapshot, sent: Event) -> None:
    item = snapshot.item(sent["item_id"])
    assert item is not None
    assert item.id in snapshot.order
    part = item.content[sent["content_index"]]
    assert part.type == "output_audio"
    assert part.audio_ms is not None
    assert type(sent["audio_end_ms"]) is int
    assert 0 <= sent["audio_end_ms"] <= part.audio_ms


def assert_shown(snapshot: Snapshot, sent: Event) -> None:
    item = snapshot.item(sent["item_id"])
    assert item is not None
    shown = item.content[sent["content_index"]].truncated
    assert shown is not None
    assert shown.audio_end_ms == sent["audio_end_ms"]


def test_a_user_that_speaks_changes_none_of_it() -> None:
    assert interrupt_events(after([*SPEAKING, speech_started("u2")]), 1000) == [cancel(), cut()]
    assert interrupt_events(after([*SPEAKING, part_added(audio_part(), "a1", 1)]), 1000) == [cancel(), cut()]


BOTH = [HI, response_created(), sound(1000), sound(2000, index=1), response_done()]


@pytest.mark.parametrize(
    ("events", "played", "expected"),
    [
        (BOTH, 500, [cut(end=500), cut(end=0, index=1)]),
        (BOTH, 1000, [cut(end=0, index=1)]),
        (BOTH, 1500, [cut(end=500, index=1)]),
        (BOTH, 3000, []),
        (BOTH[:-1], 3000, [cut(end=2000, index=1)]),
        (BOTH[:-1], 1000, [cut(end=0, index=1)]),
        ([*BOTH, truncated("a1", 200)], 500, [cut(end=0, index=1)]),
        ([*BOTH, truncated("a1", 100, 1)], 1500, []),
    ],
)
def test_speech_in_several_parts_is_cut_where_it_stood(
    events: Any, played: float, expected: list[Event]
) -> None:
    snapshot = after(events)
    assert interrupt_events(snapshot, played, cancel=False) == expected
    assert truncate_event(snapshot, played) == (expected[0] if expected else None)
    conversation = state(*events, *expected)
    assert interrupt_events(conversation.snapshot(), played, cancel=False) == []


@pytest.mark.parametrize("what", [truncate_event, interrupt_events])
def test_what_was_played_is_a_number(what: Any) -> None:
    with pytest.raises(TypeError, match="milliseconds were played, 0 for none, not None"):
        what(after(SPOKEN), None)
