"""Hold the simulator to its word: the same every time, legal, complete, and right about itself."""

import json
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from itertools import islice, pairwise
from typing import Any

import pytest

from rtstate import replay, simulate, transcript

Event = dict[str, Any]
DIALECTS = simulate.DIALECTS
PAIRS = [(dialect, feature) for dialect in DIALECTS for feature in simulate.supported(dialect)]
SEEDS = range(12)


def of_type(events: Iterable[Event], *types: str) -> list[Event]:
    return [event for event in events if event["type"] in types]


def ended(session: simulate.Session, status: str) -> bool:
    return any(event["response"]["status"] == status for event in of_type(session.events, "response.done"))


def has(*types: str) -> Callable[[simulate.Session], bool]:
    return lambda session: set(types) <= {event["type"] for event in session.events}


def spoke_late(session: simulate.Session) -> bool:
    """Tell whether a transcription ended after an answer to it, or before its item came."""
    seen: list[str] = []
    for event in session.events:
        if (
            event["type"] == "conversation.item.input_audio_transcription.completed"
            and event.get("status") != "in_progress"
        ):
            if event["item_id"] not in seen or "response.done" in seen[seen.index(event["item_id"]) :]:
                return True
        elif event["type"] in ("conversation.item.added", "conversation.item.created"):
            seen.append(event["item"]["id"])
        elif event["type"] == "response.done":
            seen.append("response.done")
    return False


def anchored(session: simulate.Session, anchor: str | None) -> bool:
    created = [
        e["previous_item_id"]
        for e in of_type(session.events, "conversation.item.create")
        if "previous_item_id" in e
    ]
    return any((previous == "root") == (anchor == "root") for previous in created)


def parallel(session: simulate.Session) -> bool:
    return any(
        sum(item["type"] == "function_call" for item in event["response"]["output"]) > 1
        for event in of_type(session.events, "response.done")
    )


def interleaved(session: simulate.Session) -> bool:
    spoken = [
        event["item_id"]
        for event in session.events
        if event["type"].endswith(("transcript.delta", "text.delta"))
    ]
    changes = [item for item, after in pairwise(spoken) if item != after]
    return len(changes) > len(set(changes))


def overlaps(session: simulate.Session) -> bool:
    """Tell whether an out-of-band response ran while another one did."""
    running: set[str] = set()
    for event in of_type(session.events, "response.created", "response.done"):
        running ^= {event["response"]["id"]}
        if len(running) > 1 and not running.isdisjoint(session.truth.out_of_band):
            return True
    return False


SIGNS: dict[str, Callable[[simulate.Session], bool]] = {
    "text": lambda s: any(event["type"].endswith("text.delta") for event in s.events),
    "audio": lambda s: bool(s.truth.audio_ms),
    "typed": lambda s: bool(of_type(s.events, "conversation.item.create")) and bool(s.truth.audio_ms),
    "tools": lambda s: bool(s.truth.outputs) and bool(s.truth.arguments),
    "parallel_tools": parallel,
    "out_of_band": lambda s: bool(s.truth.out_of_band) and overlaps(s),
    "interruption": lambda s: (
        bool(s.truth.truncated) and has("conversation.item.truncate", "conversation.item.truncated")(s)
    ),
    "late_transcription": spoke_late,
    "failed_transcription": lambda s: "failed" in s.truth.transcription_status.values(),
    "mcp": has("mcp_list_tools.completed", "response.mcp_call_arguments.done", "response.mcp_call.completed"),
    "images": lambda s: "input_image" in json.dumps(s.events),
    "incomplete": lambda s: ended(s, "incomplete"),
    "failed": lambda s: ended(s, "failed"),
    "two_messages": interleaved,
    "no_usage": lambda s: s.truth.response_usage["without_usage"] >= 1,
    "insert_after": lambda s: anchored(s, "some"),
    "root_insert": lambda s: anchored(s, "root"),
    "retrieve": has("conversation.item.retrieve", "conversation.item.retrieved"),
    "errors": has("error"),
    "deletion": lambda s: (
        bool(s.truth.deleted) and has("conversation.item.delete", "conversation.item.deleted")(s)
    ),
    "reconnect": lambda s: len({e["session"]["id"] for e in of_type(s.events, "session.created")}) == 2,
    "rate_limits": has("rate_limits.updated"),
}


def test_every_feature_has_a_sign() -> None:
    assert set(SIGNS) == set(simulate.FEATURES)


@pytest.mark.parametrize(("dialect", "feature"), PAIRS)
def test_a_forced_feature_appears(dialect: str, feature: str) -> None:
    for seed in range(4):
        session = simulate.session(seed=seed, turns=2, dialect=dialect, features=[feature])
        assert session.features == (feature,)
        assert SIGNS[feature](session)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_all_features_together(dialect: str) -> None:
    session = simulate.session(seed=5, turns=1, dialect=dialect, features=simulate.supported(dialect))
    assert [feature for feature in session.features if not SIGNS[feature](session)] in (
        [],
        ["late_transcription"],
    )


def test_a_default_session_is_a_mixture() -> None:
    mixtures = {simulate.session(seed=seed).features for seed in SEEDS}
    assert len(mixtures) > len(SEEDS) // 2


def test_features_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown features: singing"):
        simulate.session(features=["singing"])
    with pytest.raises(ValueError, match=r"'beta' lacks: mcp"):
        simulate.session(dialect="beta", features=["mcp"])
    with pytest.raises(ValueError, match="unknown dialect"):
        simulate.session(dialect="klingon")


def test_the_same_seed_gives_the_same_session() -> None:
    assert simulate.session(seed=3) == simulate.session(seed=3)
    assert simulate.session(seed=3).events != simulate.session(seed=4).events
    assert simulate.example() == simulate.example()
    assert simulate.text_stream(50, seed=2) == simulate.text_stream(50, seed=2)
    assert simulate.text_stream(50, seed=2) != simulate.text_stream(50, seed=3)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", SEEDS)
class TestAnySession:
    @pytest.fixture
    def session(self, dialect: str, seed: int) -> simulate.Session:
        return simulate.session(seed=seed, dialect=dialect, turns=4, start=10.0)

    def test_events_are_json_with_types_and_ids_of_their_own(self, session: simulate.Session) -> None:
        assert json.loads(json.dumps(session.events)) == list(session.events)
        assert all(isinstance(event["type"], str) for event in session.events)
        ids = [event["event_id"] for event in session.events if "event_id" in event]
        assert len(ids) == len(set(ids))
        client = ("session.update", "response.create", "response.cancel", "input_audio_buffer.append")
        for event in session.events:
            if "event_id" not in event:
                assert event["type"] in client or event["type"].startswith("conversation.item.")

    def test_time_never_goes_back(self, session: simulate.Session) -> None:
        times = [at for at, _ in session.timed]
        assert times[0] == 10.0
        assert times == sorted(times)

    def test_lines_round_trip(self, session: simulate.Session) -> None:
        assert [json.loads(line) for line in session.lines()] == list(session.events)
        timed = [json.loads(line) for line in session.lines(timed=True)]
        assert [(line["at"], line["event"]) for line in timed] == list(session.timed)

    def test_truth_agrees_with_itself(self, session: simulate.Session) -> None:
        truth = session.truth
        assert len(set(truth.order)) == len(truth.order)
        assert not set(truth.order) & set(truth.deleted)
        assert set(truth.order) <= set(truth.statuses)
        assert set(truth.texts) == set(truth.roles) <= set(truth.statuses)
        assert set(truth.out_of_band) <= set(truth.responses)
        assert set(truth.statuses.values()) <= {"completed", "incomplete"}
        assert "in_progress" not in truth.responses.values()
        for key, end_ms in truth.truncated.items():
            assert 0 <= end_ms < truth.audio_ms[key]
        usage = truth.response_usage
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
        assert usage["cached_tokens"] <= usage["input_tokens"]
        assert truth.transcription_usage["count"] == sum(
            "status" not in event or event["status"] == "completed"
            for event in of_type(session.events, "conversation.item.input_audio_transcription.completed")
        )

    def test_truth_agrees_with_what_was_streamed(self, session: simulate.Session) -> None:
        texts: defaultdict[tuple[str, int], str] = defaultdict(str)
        audio: Counter[tuple[str, int]] = Counter()
        for event in session.events:
            kind = event["type"].removeprefix("response.").removeprefix("output_")
            if kind in ("text.delta", "audio_transcript.delta"):
                texts[event["item_id"], event["content_index"]] += event["delta"]
            elif kind == "audio.delta":
                audio[event["item_id"], event["content_index"]] += len(b64decode(event["delta"]))
        for (item_id, index), text in texts.items():
            if item_id not in session.truth.deleted:
                assert session.truth.texts[item_id][index] == text
        alive = {key: size // 48 for key, size in audio.items() if key[0] not in session.truth.deleted}
        assert alive == session.truth.audio_ms

    def test_truth_agrees_with_the_anchors(self, session: simulate.Session, dialect: str) -> None:
        order: list[str] = []
        earlier: list[str] = []
        for event in session.events:
            if event["type"] == "session.created":
                earlier, order = earlier + order, []
            elif event["type"] in ("conversation.item.added", "conversation.item.created"):
                item_id, anchor = event["item"]["id"], event["previous_item_id"]
                if item_id not in order:
                    end = len(order) if dialect == "xai" else 0
                    order.insert(order.index(anchor) + 1 if anchor else end, item_id)
            elif event["type"] == "conversation.item.deleted":
                order.remove(event["item_id"])
        assert tuple(earlier + order) == session.truth.order

    def test_truth_agrees_with_the_responses(self, session: simulate.Session) -> None:
        done = {
            e["response"]["id"]: e["response"]["status"] for e in of_type(session.events, "response.done")
        }
        ended = [status for status in session.truth.responses.values() if status != "in_progress"]
        assert session.truth.response_usage["count"] == len(ended)
        assert session.truth.responses == dict.fromkeys(session.truth.responses, "incomplete") | done


def test_dialects_keep_their_habits() -> None:
    sessions = {
        dialect: simulate.session(seed=1, dialect=dialect, features=["audio", "tools"])
        for dialect in DIALECTS
    }
    types = {dialect: {event["type"] for event in session.events} for dialect, session in sessions.items()}
    assert "conversation.item.done" in types["ga"]
    assert "conversation.item.done" not in types["beta"] | types["xai"]
    assert "conversation.item.created" in types["beta"] & types["voicelive"]
    assert "response.audio_transcript.delta" in types["beta"] & types["voicelive"]
    xai = sessions["xai"].events
    assert all("previous_item_id" in event for event in xai if event["type"].startswith("response.output"))
    finished = of_type(xai, "response.done")
    assert all(event["response"]["usage"] == {} and event["usage"]["total_tokens"] for event in finished)
    assert any(
        event["obfuscation"]
        for event in of_type(sessions["ga"].events, "response.output_audio_transcript.delta")
    )


def test_the_example_has_what_the_demo_shows() -> None:
    example = simulate.example()
    truth = example.truth
    assert 60 <= example.timed[-1][0] <= 120
    assert len(truth.truncated) == len(truth.outputs) == len(truth.arguments) == 1
    assert {"final", "failed"} == set(truth.transcription_status.values())
    assert spoke_late(example)
    usages = [event["response"]["usage"] for event in of_type(example.events, "response.done")]
    assert all(usage["input_token_details"]["cached_tokens"] for usage in usages)
    assert {"response.output_text.delta", "response.output_audio.delta", "rate_limits.updated"} <= {
        event["type"] for event in example.events
    }


def test_streams_have_exactly_the_length_asked_for() -> None:
    assert len(of_type(simulate.text_stream(300, dialect="beta"), "response.text.delta")) == 300
    audio = of_type(simulate.audio_stream(60, chunk_ms=40), "response.output_audio.delta")
    assert [len(b64decode(event["delta"])) for event in audio] == [40 * 48] * 60
    assert len(of_type(simulate.audio_stream(60, dialect="beta"), "response.audio.delta")) == 60
    assert len(of_type(simulate.long_conversation(31), "conversation.item.added")) == 31
    assert len(list(islice(simulate.long_conversation(10**9), 5))) == 5


class TestFaults:
    EVENTS = simulate.session(seed=2, turns=2).events

    def test_no_faults_and_no_mutation(self) -> None:
        before = deepcopy(self.EVENTS)
        assert simulate.faults(self.EVENTS) == list(before)
        simulate.faults(self.EVENTS, drop=0.2, duplicate=0.2, reorder=5, corrupt=1.0)
        assert before == self.EVENTS

    def test_same_seed_same_faults(self) -> None:
        def damaged(seed: int) -> list[Event | str]:
            return simulate.faults(self.EVENTS, seed, drop=0.1, duplicate=0.1, reorder=3, corrupt=0.1)

        assert damaged(1) == damaged(1) != damaged(2)

    def test_drop(self) -> None:
        kept = simulate.faults(self.EVENTS, drop=0.5)
        assert 0 < len(kept) < len(self.EVENTS)
        rest: Iterator[Event | str] = iter(self.EVENTS)
        assert all(event in rest for event in kept)  # in the same order
        assert not simulate.faults(self.EVENTS, drop=1.0)

    def test_duplicates_keep_their_ids(self) -> None:
        twice = simulate.faults(self.EVENTS, duplicate=1.0)
        counts = Counter(json.dumps(event) for event in twice)
        assert counts == Counter(2 * [json.dumps(event) for event in self.EVENTS])

    def test_reordering_stays_within_its_window(self) -> None:
        moved = simulate.faults(self.EVENTS, reorder=4)
        assert moved != list(self.EVENTS)
        numbered = [{"n": n} for n in range(200)]
        order = [
            numbered.index(event) for event in simulate.faults(numbered, reorder=4) if isinstance(event, dict)
        ]
        assert all(abs(number - n) <= 4 for n, number in enumerate(order))

    def test_corrupted_events_are_json_objects_or_broken_text(self) -> None:
        damaged = simulate.faults(self.EVENTS * 3, corrupt=1.0)
        assert sum(one == two for one, two in zip(damaged, self.EVENTS * 3, strict=True)) < len(damaged) // 10
        for event in damaged:
            if isinstance(event, str):
                with pytest.raises(ValueError, match=r"char|Expecting"):
                    json.loads(event)
            else:
                assert json.loads(json.dumps(event)) == event
        assert any(isinstance(event, str) for event in damaged)

    @pytest.mark.parametrize("name", ["drop", "duplicate", "corrupt"])
    def test_shares_are_checked(self, name: str) -> None:
        share: dict[str, Any] = {name: 1.5}
        with pytest.raises(ValueError, match=name):
            simulate.faults([], **share)


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each != "xai"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_audio_clock_runs_on_while_nobody_speaks(dialect: str, seed: int) -> None:
    """It begins with a session, and its marks are as far apart as the events in which they come."""
    began = 0.0
    for at, event in simulate.session(seed=seed, dialect=dialect, start=100).timed:
        if event["type"] == "session.updated":
            began = at
        elif event["type"] == "input_audio_buffer.speech_stopped":
            assert event["audio_end_ms"] / 1000 == pytest.approx(at - began, abs=0.002)


def test_turns_follow_each_other_and_overlap_only_where_somebody_cuts_in() -> None:
    turns = transcript(replay(simulate.example().lines(timed=True)).snapshot())
    timed = [turn for turn in turns if turn.start_ms is not None]
    assert len(timed) == len(turns) - 2  # what was typed, by the user and by the model
    for turn, after in pairwise(timed):
        assert (turn.end_ms > after.start_ms) is (turn.status == "interrupted")
