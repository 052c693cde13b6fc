"""Checkpoints: what is in them, and what is none. Law 7 itself stands in ``test_laws_changes.py``."""

import json
import random
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import pytest

from rtstate import CheckpointError, Conversation, HistoryGone, checkpoint, simulate
from tests.helpers import (
    Event,
    added,
    arguments,
    arguments_done,
    assistant,
    call,
    committed,
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
    transcription,
    truncated,
    user,
)
from tests.test_costs import Work

HEADER = b"rtstate-checkpoint/1\n"
SESSION = event("session.created", session={"id": "s1"})
NEXT_SESSION = event("session.created", session={"id": "s2"})
HI = added(user(text="Hi"), after=None)


def create(item: Event, event_id: Any = "c1", **fields: Any) -> Event:
    return event("conversation.item.create", event_id=event_id, item=item, **fields)


def delete(item_id: str, event_id: Any = "d1") -> Event:
    return event("conversation.item.delete", event_id=event_id, item_id=item_id)


def truncate(ms: int, event_id: Any = "t1", item_id: str = "a1") -> Event:
    known = {"item_id": item_id, "content_index": 0, "audio_end_ms": ms}
    return event("conversation.item.truncate", event_id=event_id, **known)


def refused(event_id: str) -> Event:
    return event("error", error={"message": "no", "event_id": event_id})


def parts(conversation: Conversation) -> tuple[Any, bytes]:
    """What its checkpoint holds: the JSON, and the ids."""
    stream = zlib.decompressobj()
    text = stream.decompress(conversation.checkpoint()[len(HEADER) :])
    return json.loads(text), stream.unused_data


def payload(conversation: Conversation) -> Any:
    return parts(conversation)[0]


def packed(value: Any, ids: bytes = b"") -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return HEADER + zlib.compress(text.encode()) + ids


def goes_on(before: Iterable[Event], *after: Event, **options: Any) -> Conversation:
    """Stop after some events and go on with others: nothing shows that there was a stop."""
    through = state(*before, **options)
    stopped = Conversation.restore(through.checkpoint())
    assert stopped.checkpoint() == through.checkpoint()
    for each in after:
        change, again = through.feed(each), stopped.feed(each)
        assert again.patch() == change.patch()
        assert again.inverse() == change.inverse()
        assert again.anomalies == change.anomalies
        stopped._draft._check()
    assert stopped.snapshot().to_json() == through.snapshot().to_json()
    assert (stopped.stats, stopped.anomalies) == (through.stats, through.anomalies)
    assert stopped.checkpoint() == through.checkpoint()
    return stopped


# What is in it

SPEAKING = [response_created(), part_added({"type": "audio", "transcript": ""}), sound(2000)]
CUT = [*SPEAKING, spoken("One two three four five six."), truncate(1000)]
HEL = [transcription("delta", delta="Hel"), transcription("delta", delta="l")]
ON_ITS_WAY = [speech_started("u1", 10), *HEL]
FINISHING = [SESSION, speech_started(), transcription("completed", transcript="Hello", status="in_progress")]
MUTE = response_created(conversation_id=None)

CASES: dict[str, tuple[list[Event], list[Event]]] = {
    "an anchor that is missing": ([HI, added(user("u3"), after="u2")], [added(user("u2"), after="u1")]),
    "a chain of missing anchors": (
        [HI, added(user("u4"), after="u3"), added(user("u3"), after="u2"), added(user("u5"), after="u3")],
        [added(user("u2"), after=None), added(user("u6"), after="u4")],
    ),
    "two that wait for one": (
        [HI, added(user("u3"), after="u2"), added(user("u4"), after="u2")],
        [added(user("u2"), after=None)],
    ),
    "an anchor that never comes": ([added(user("u3"), after="u2")], [deleted("u2"), added(user("u2"))]),
    "a place for now": ([HI, delta("a"), committed("u2")], [added(assistant("a1"), after=None)]),
    "a tombstone": ([HI, deleted("u1")], [added(user("u1")), transcription("delta", delta="x")]),
    "a ghost": (
        [HI, added(user("u2"), after="u1"), added(user("u3"), after="u2"), deleted("u2")],
        [added(user("u4"), after="u2")],
    ),
    "a partial transcript": (ON_ITS_WAY, [transcription("delta", delta="o"), committed("u1")]),
    "a transcript told twice over": (
        [*ON_ITS_WAY, transcription("completed", transcript="Hello")],
        [transcription("completed", transcript="Hello"), transcription("delta", delta="o")],
    ),
    "a text that streams": ([delta("a"), delta("b")], [delta("c"), delta("d", name="audio_transcript")]),
    "a text of two names": (
        [delta("a"), delta("a", name="text")],
        [delta("b", name="text"), delta("b"), delta("c", name="text")],
    ),
    "the stream of nobody's response": (
        [delta("a", response_id=None)] * 3,
        [delta("b", response_id="r1"), delta("c")],
    ),
    "arguments that stream": ([arguments('{"a'), arguments('": ')], [arguments("1}"), response_done()]),
    "an item without a part": ([response_created(), output_added(assistant())], [spoken("Hi")]),
    "a request to create": ([HI, create(user("u2", "Ho"), previous_item_id="root")], [refused("c1")]),
    "a request that is confirmed": ([create(user("u2", "Ho"))], [added(user("u2", "Ho")), refused("c1")]),
    "a request to delete": ([HI, committed("u2"), delete("u1")], [delta("x"), refused("d1")]),
    "two requests to delete": (
        [HI, delete("u1"), delete("u1", "d2"), delete("u1", None)],
        [refused("d2"), refused("d1"), deleted("u1")],
    ),
    "a deletion without a name": ([HI, delete("u1")], [deleted("")]),
    "a hidden item goes on": (
        [*ON_ITS_WAY, committed("u1"), delete("u1")],
        [transcription("delta", delta="o"), refused("d1"), transcription("delta", delta="!")],
    ),
    "a request to truncate": (CUT, [spoken(" Seven."), sound(500), refused("t1")]),
    "marks of several": ([*CUT, truncated("a1", 500), truncate(300, "t2")], [refused("t2"), refused("t1")]),
    "a truncation without a time": (CUT, [truncated("a1", None), spoken(" Seven.")]),
    "what is nearly final": (FINISHING, [response_created()]),
    "what is nearly final and gone": ([*FINISHING, deleted("u1")], [response_created()]),
    "a slot of an id that comes again": (
        [HI, create(user("u2", "Ho")), added(user("u3")), refused("c1")],
        [create(user("u2", "Ho"), "c2")],
    ),
    "speech that was given up": (
        [speech_started("u1"), committed("u2"), event("input_audio_buffer.cleared")],
        [speech_started("u1")],
    ),
    "out of band": ([MUTE, output_added(assistant()), spoken("x")], [response_done(conversation_id=None)]),
    "output indexes": (
        [response_created(), output_added(assistant("a2"), index=5)],
        [output_added(assistant("a1"), index=2), output_added(call(), index=9)],
    ),
    "another session": (
        [SESSION, HI, delta("a"), NEXT_SESSION],
        [added(user("u2"), after=None), delta("late"), response_done(), NEXT_SESSION],
    ),
    "the session before had the last place": (
        [SESSION, HI, create(user("u2", "Ho")), NEXT_SESSION, refused("c1")],
        [added(user("u3"), after=None)],
    ),
    "an id of the conversation": (
        [event("conversation.created", conversation={"id": "v1"})],
        [response_created(conversation_id="v2")],
    ),
    "a response that is not paid": ([response_done()], [response_done(usage={"total_tokens": 5})]),
    "a response that is paid": (
        [response_done(usage={"total_tokens": 5})],
        [response_done("r1", usage={"total_tokens": 5}), response_done("r2")],
    ),
    "formats": (
        [event("session.created", session={"id": "s1", "output_audio_format": "g711_ulaw"}), sound(2)],
        [sound(2), sound(2, "a2")],
    ),
    "the format of a response": ([response_created(output_audio_format="g711_ulaw")], [sound(2)]),
    "segments": (
        [*ON_ITS_WAY, transcription("segment", id="seg_1", text="Hell")],
        [transcription("segment", id="seg_1", text="Hell"), transcription("segment", id="seg_2", text="o")],
    ),
    "a call by its id": ([response_created(), output_added(call())], [arguments("{}", item_id=None)]),
    "a call": (
        [response_created(), output_added(call()), arguments("{}")],
        [done(call(status="completed")), response_done()],
    ),
    "errors": ([refused(f"e{number}") for number in range(20)], [refused("e20")]),
    "a translation": (
        [event("session.input_transcript.delta", delta="Ho")],
        [
            event("session.input_transcript.delta", delta="la"),
            event("session.output_transcript.delta", delta="Hi"),
        ],
    ),
    "fields nobody knows": (
        [added(user("u1", "x", colour={"a": [1, None, 1.0, True]})), added({"id": "o1", "type": "odd"})],
        [added(user("u1", "x", colour={"a": [1, None, 1, True]}))],
    ),
    "what is empty and not missing": (
        [
            *(sound(0), event("response.output_text.done", item_id="a2", text="")),
            added({"id": "o1", "type": "function_call_output", "output": False}),
            response_created(metadata={}, status_details=False),
            arguments_done(""),
        ],
        [sound(0), delta("late", "a2")],
    ),
    "an image": (
        [added(user("u1", content=[{"type": "input_image", "image_url": "data:,", "detail": "low"}]))],
        [added(user("u2", content=[text_part("a", "input_text"), {"type": "odd", "x": 1}]))],
    ),
    "rate limits": (
        [event("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 5, "reset_seconds": 0.5}])],
        [event("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 5, "reset_seconds": 0.5}])],
    ),
    "repetition": ([{**HI, "event_id": "e1"}], [{**HI, "event_id": "e1"}]),
    "a repeated request": ([delete("u1")], [HI, delete("u1"), {**HI, "event_id": "d1"}]),
    "what was odd": ([{"type": "odd"}, "{"], [{"type": 5}]),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=list(CASES))
def test_nothing_is_forgotten(before: list[Event], after: list[Event]) -> None:
    goes_on(before, *after)
    goes_on(before, *after, dialect="xai")


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_session_may_stop_anywhere(dialect: str) -> None:
    events = list(simulate.session(seed=11, turns=3, dialect=dialect).events)
    through = Conversation()
    stopped = Conversation.restore(through.checkpoint())
    for each in events:
        assert stopped.feed(each).patch() == through.feed(each).patch()
        stopped = Conversation.restore(stopped.checkpoint())
    assert stopped.checkpoint() == through.checkpoint()


def test_kept_audio_is_kept() -> None:
    stopped = goes_on([sound(10), delta("!!!!", name="output_audio")], sound(5), audio="keep")
    assert len(stopped.audio("a1")) == 15 * 48 + 3
    with pytest.raises(ValueError, match="keep"):
        goes_on([sound(10)], sound(5)).audio("a1")


@pytest.mark.parametrize("count", [4_094, 4_095, 4_096, 4_097, 8_191, 8_192, 10_000])
def test_the_ids_of_events_turn_over_as_they_would_have(count: int) -> None:
    through = Conversation()
    for number in range(count):
        through.feed({"type": "ping", "event_id": f"event_{number}"})
    stopped = Conversation.restore(through.checkpoint())
    for number in (*range(count, count + 5_000), count, 0, count - 4_096, count - 4_000, count - 1):
        for conversation in (through, stopped):
            conversation.feed({"type": "ping", "event_id": f"event_{number}"})
    assert stopped.stats == through.stats
    assert stopped.checkpoint() == through.checkpoint()


def test_options_come_back() -> None:
    conversation = state(HI, strict=True, history=2, dialect="xai", audio="keep")
    stopped = Conversation.restore(conversation.checkpoint())
    with pytest.raises(ValueError, match="JSON"):
        stopped.feed("{")
    for text in "abc":
        stopped.feed(delta(text))
    assert [change.revision for change in stopped.changes(since=2)] == [3, 4]
    with pytest.raises(HistoryGone):
        stopped.changes(since=1)
    assert payload(stopped)["draft"]["dialect"] == "xai"
    assert stopped.audio("u1") == b""


def test_the_history_begins_anew_and_subscribers_stay_behind() -> None:
    heard: list[Any] = []
    conversation = state(HI, delta("a"))
    conversation.subscribe(heard.append)
    stopped = Conversation.restore(conversation.checkpoint())
    assert list(stopped.changes(since=2)) == []
    with pytest.raises(HistoryGone, match="revision 1 are no longer kept, only the last 0"):
        stopped.changes(since=1)
    stopped.feed(delta("b"))
    assert [change.revision for change in stopped.changes(since=2)] == [3]
    assert heard == []


def test_json_is_as_deep_as_events_have_it() -> None:
    taken = 0
    for depth in range(150, 210):
        deep: Any = None
        for _ in range(depth):
            deep = [deep]
        conversation = state(added(user("u1", content=[{"type": "input_text", "text": "x", "deep": deep}])))
        if conversation.revision:
            taken = depth
            assert Conversation.restore(conversation.checkpoint()).snapshot() == conversation.snapshot()
    assert 180 < taken < 209


def test_a_checkpoint_may_be_of_any_kind_of_bytes() -> None:
    data = state(HI).checkpoint()
    for form in (data, bytearray(data), memoryview(data)):
        assert Conversation.restore(form).checkpoint() == data


def test_a_subclass_restores_itself() -> None:
    class Mine(Conversation):
        pass

    assert type(Mine.restore(Conversation().checkpoint())) is Mine


# What it costs


def test_a_checkpoint_is_small() -> None:
    """Ids and texts, compressed: a fraction of the document's JSON, and in step with its length."""
    sizes: list[int] = []
    for length in (100, 1_100):
        conversation = state(*simulate.long_conversation(length))
        sizes.append(len(conversation.checkpoint()))
    assert sizes[1] < len(conversation.snapshot().to_dict()["items"]) * 190
    assert sizes[1] < len(conversation.snapshot().to_json()) / 3
    assert sizes[1] < sizes[0] * 12


def test_measured_audio_takes_no_room() -> None:
    conversation, one = state(sound(100)), len(state(sound(100)).checkpoint())
    for _ in range(500):
        conversation.feed(sound(100))
    assert len(conversation.checkpoint()) < one + 20


def test_an_event_costs_the_same_after_a_stop() -> None:
    through = Conversation(history=10)
    for number in range(2_000):
        through.feed(added(user(f"u{number}", "x"), after=f"u{number - 1}" if number else None))
    for text in "abc":
        through.feed(delta(text))
    stopped = Conversation.restore(through.checkpoint())
    for conversation in (through, stopped):
        conversation.snapshot()
    for number, each in enumerate([delta("d"), sound(1), added(user("u", "y"), after="u5"), deleted("u7")]):
        for conversation in (through, stopped):  # a first time builds what is built once
            conversation.feed({**each, "event_id": f"e{number}"} if number > 1 else each)
    acts: list[Callable[[Conversation], Any]] = [
        lambda conversation: (conversation.feed(delta("e")), conversation.snapshot()),
        lambda conversation: (conversation.feed(added(user("v", "y"), after="u9")), conversation.snapshot()),
    ]
    for act in acts:
        was, now = (Work(partial(act, each)) for each in (through, stopped))
        assert now.calls <= was.calls + 20
        assert now.bytes <= was.bytes + 4_000


# What is none


def refusal(data: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        Conversation.restore(data)
    return str(caught.value)


@pytest.mark.parametrize("data", ["rtstate-checkpoint/1\n", None, 5, [1], {}])
def test_what_is_not_bytes_is_a_mistake_of_the_caller(data: Any) -> None:
    with pytest.raises(TypeError, match=f"not {type(data).__name__}"):
        Conversation.restore(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "this is no checkpoint"),
        (b"rtstate/1\n{}", "this is no checkpoint"),
        (b" rtstate-checkpoint/1\n", "this is no checkpoint"),
        (b"rtstate-checkpoint/1\r\n", "this is no checkpoint"),
        (b"rtstate-checkpoint/\n", "this is no checkpoint"),
        (b"rtstate-checkpoint/2\nwhatever", "of version 2, .* restore it with a newer one"),
        (b"rtstate-checkpoint/0\nwhatever", "of version 0, .* never was"),
        (HEADER, "cut short, at 21 bytes"),
        (HEADER + b"\0\0", "damaged"),
        (Conversation().checkpoint() + b"more", "followed by 4 bytes of something else"),
        (packed("{"), "not written by rtstate"),
        (packed("[" * 100_000), "not written by rtstate"),
        (packed('{"history": NaN}'), "NaN is no JSON"),
        (packed("5"), "not written by rtstate: "),
    ],
)
def test_what_is_no_checkpoint_says_so(data: bytes, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        Conversation.restore(data)


def rich(audio: Any = "keep") -> Conversation:
    before = [each for name in ("a hidden item goes on", "marks of several") for each in CASES[name][0]]
    return state(SESSION, *before, *CASES["a translation"][0], audio=audio)


def test_what_reads_checkpoints_is_built_by_the_first_and_only_by_it() -> None:
    data = Conversation().checkpoint()
    checkpoint._reader.cache_clear()
    for _ in range(2):
        assert Conversation.restore(data).checkpoint() == data
        assert checkpoint._reader.cache_info().misses == 1


@pytest.mark.parametrize("piece", [1, 2, 7, 100, 1 << 20])
def test_wherever_a_piece_ends_nothing_is_lost(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_PIECE", piece)
    data = rich(audio="measure").checkpoint()
    for each in (data, bytearray(data), memoryview(b"before" + data)[6:]):
        assert Conversation.restore(each).checkpoint() == data


def test_what_is_cut_or_bent_is_refused_whole() -> None:
    data = rich(audio="measure").checkpoint()
    chance = random.Random(3)
    for length in {0, 5, len(HEADER), len(data) - 1, *(chance.randrange(len(data)) for _ in range(100))}:
        assert refusal(data[:length])
    refusals = 0
    for _ in range(300):
        bent = bytearray(data)
        bent[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            assert Conversation.restore(bent).checkpoint() == data  # a bit that fills the last byte up
        except CheckpointError:
            refusals += 1
    assert refusals > 290


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("history",), -1, "history: Input should be greater than or equal to 0"),
        (("history",), True, "history: Input should be a valid integer"),
        (("seen",), [["a"]], "seen: Input should be a valid dictionary"),
        (("sent", "older"), -1, "sent.older: Input should be greater than or equal to 0"),
        (("seen", "recent"), 1, "it has no 1 event ids"),
        (("seen", "sums"), 3, "its event ids are not those that were saved"),
        (("seen", "text"), 1 << 33, "seen.text: Input should be less than or equal to"),
        (("sent", "crc"), 0, "its event ids are not those that were saved"),
        (("anomalies",), [{"kind": "odd"}], "anomalies.0.kind: Input should be 'invalid'"),
        (("surprise",), 1, "surprise: Extra inputs are not permitted"),
        (("draft", "surprise"), 1, "draft.surprise: Extra inputs"),
        (("draft", "revision"), 1.0, "draft.revision: Input should be a valid integer"),
        (("draft", "audio"), "drop", "draft.audio: Input should be"),
        (("draft", "items", 0, "id"), None, "draft.items.0.id: Input should be a valid string"),
        (("draft", "items", 0, "x"), None, "draft.items.0.x: Extra inputs"),
        (("draft", "items", 1, "parts", 0, "marks"), {"": "1"}, "draft.items.1.parts.0.marks.: Input"),
        (("draft", "items", 1, "parts", 0, "audio", "size"), None, "draft.items.1.parts.0.audio.size: Input"),
        (("draft", "items", 1, "parts", 0, "growing"), {"type": ""}, "parts.0.growing.type.[key]: Input"),
        (("draft", "items", 1, "parts", 0, "stream"), "image_url", "parts.0.stream: Input"),
        (("draft", "order", "ids"), {}, "draft.order.ids: Input should be a valid list"),
        (("draft", "input_audio", "speech_started_ms"), 1e999, "not written by rtstate"),
        (("draft", "translation"), {"input_transcript": None}, "output_transcript: Field required"),
        (("draft", "session", "id"), "\ud800", "half a character"),
    ],
)
def test_what_is_of_the_wrong_type_says_where(path: tuple[Any, ...], value: Any, said: str) -> None:
    whole, ids = parts(rich())
    bent = whole
    for key in path[:-1]:
        bent = bent[key]
    bent[path[-1]] = value
    assert said in refusal(packed(whole, ids))
