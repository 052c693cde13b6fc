"""Time travel: every revision of every recording, and moments on the events' own clock."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import (
    Conversation,
    EventParseError,
    ItemTrace,
    ResponseTrace,
    Snapshot,
    Timeline,
    coalesce,
    simulate,
    timing,
    transcript,
    usage,
)
from rtstate.recording import lines_of
from tests.helpers import added, delta, patched, sound, state, user
from tests.test_costs import Work
from tests.test_laws_changes import Streams, over_every_stream

HI = added(user(text="Hi"), after=None)
INTERVALS = (1, 7, 100)


def line(at: Any, event: Any) -> str:
    return json.dumps({"at": at, "event": event})


def traces_of(snapshot: Snapshot) -> dict[str, ItemTrace | ResponseTrace]:
    """When everything was, which no document tells."""
    items = [*snapshot.items, *snapshot.unplaced]
    return {
        **{item.id: snapshot.item_trace(item.id) for item in items},
        **{f"{each.id}, the response": snapshot.response_trace(each.id) for each in snapshot.responses},
    }


def assert_every_revision(lines: list[Any], interval: int, step: int = 1) -> Timeline:
    """What is found later is what the live conversation showed, byte for byte."""
    live = Conversation()
    shown = {0: live.snapshot()}
    for each, at in lines_of(lines):
        live.feed(each, at)
        shown.setdefault(live.revision, live.snapshot())
    timeline = Timeline(lines, interval=interval)
    assert timeline.revision == len(shown) - 1
    for revision in reversed(range(0, len(shown), step)):
        found = timeline.at(revision)
        assert found.revision == revision
        assert found.to_json() == shown[revision].to_json()
        assert [item.id for item in found.items] == list(shown[revision].order)
        assert found.unplaced == shown[revision].unplaced
        assert traces_of(found) == traces_of(shown[revision])
    assert timeline.at(timeline.revision) == timeline.conversation.snapshot()
    return timeline


# Revisions


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_revision_of_a_recording(recording: Path, interval: int) -> None:
    assert_every_revision(recording.read_text().splitlines(), interval)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
@pytest.mark.parametrize("interval", INTERVALS)
def test_every_revision_of_a_damaged_session(dialect: str, interval: int) -> None:
    call = simulate.session(3, 3, dialect)
    assert_every_revision(list(simulate.faults(call.events, 3, 0.05, 0.1, 20, 0.1)), interval)


@over_every_stream
@given(st.data())
def test_some_revisions_of_any_stream(stream: Streams, data: st.DataObject) -> None:
    lines = data.draw(stream)
    interval = data.draw(st.sampled_from((1, 2, 7, 100)))
    assert_every_revision(lines, interval, step=data.draw(st.integers(1, 9)) + len(lines) // 20)


@pytest.mark.parametrize("interval", INTERVALS)
def test_what_is_said_of_a_revision_is_what_was_said_then(interval: int) -> None:
    """Turns and their times, who was billed, how long the user waited: not only the document is the same."""
    lines, live = list(simulate.example().lines(timed=True)), Conversation()
    timeline = Timeline(lines, interval=interval)
    done = 0
    for event, at in lines_of(lines):
        if live.feed(event, at):
            done += 1
            now, then = live.snapshot(), timeline.at(live.revision)
            for view in (transcript, timing, usage):
                assert view(then) == view(now)
    assert done == timeline.revision == 509


def test_an_item_that_is_shown_late_was_begun_before() -> None:
    """What is known of it from before the last kept snapshot belongs to it."""
    began = {"type": "input_audio_buffer.speech_started", "item_id": "u9", "audio_start_ms": 100}
    lines = [line(1, HI), line(2, began), *[line(3, delta("a"))] * 20, line(4, added(user("u9", text="Hm")))]
    timeline = assert_every_revision(lines, 10)
    assert timeline.at(timeline.revision).item_trace("u9").started_at == 2


def test_a_kept_snapshot_is_the_live_one() -> None:
    timeline = Timeline([HI, *[delta("a")] * 10], interval=5)
    live = timeline.conversation.snapshot()
    assert timeline.at(10).to_json() != live.to_json()
    assert timeline.at(10) is timeline.at(10)
    assert timeline.at(0).order == ()


@pytest.mark.parametrize("revision", [-1, 4, 1000])
def test_a_revision_that_never_was(revision: int) -> None:
    timeline = Timeline([HI, delta("a"), delta("b")])
    with pytest.raises(ValueError, match=f"no revision {revision}; the last one is 3"):
        timeline.at(revision)


@pytest.mark.parametrize("interval", [0, -5])
def test_an_interval_is_at_least_one(interval: int) -> None:
    with pytest.raises(ValueError, match=f"not {interval}"):
        Timeline(interval=interval)


def test_changes_between_two_revisions() -> None:
    timeline = Timeline([HI, {"type": "ping"}, delta("a"), delta("b"), delta("c")])
    assert [each.revision for each in timeline.changes()] == [1, 2, 3, 4]
    assert [each.revision for each in timeline.changes(1)] == [2, 3, 4]
    assert [each.revision for each in timeline.changes(1, 3)] == [2, 3]
    assert timeline.changes(4) == timeline.changes(2, 2) == ()
    update = coalesce(timeline.changes(1, 4))
    assert patched(timeline.at(1).to_dict(), update.patch()) == timeline.at(4).to_dict()
    for since, until in ((-1, 2), (3, 2), (0, 5), (5, None)):
        with pytest.raises(ValueError, match="no revisions go from"):
            timeline.changes(since, until)


# Events


def test_every_event_is_there_and_the_same_once_more_is_a_duplicate() -> None:
    once = {**HI, "event_id": "event_1"}
    timeline = Timeline([once, once, {"type": "ping"}, "{", delta("a")])
    assert [bool(each) for each in timeline.events] == [True, False, False, False, True]
    assert [each.revision for each in timeline.events] == [1, 1, 1, 1, 2]
    assert timeline.conversation.stats.duplicates == 1
    assert repr(timeline) == "<Timeline of 5 events, 2 revisions>"


def test_more_events_may_follow() -> None:
    timeline, live = Timeline([HI], interval=3), state(HI)
    for text in "abcdefgh":
        was = timeline.at(timeline.revision).to_dict()
        change = timeline.feed(delta(text), at=2.0)
        assert change.patch() == live.feed(delta(text)).patch()
        assert (
            timeline.at(change.revision).to_dict()
            == live.snapshot().to_dict()
            == patched(was, change.patch())
        )
    assert timeline.events[-1].at == timeline.end == 2.0


def test_options_are_those_of_a_conversation() -> None:
    timeline = Timeline([sound(5)], audio="keep", dialect="xai")
    assert timeline.conversation.audio("a1") == bytes(5 * 48)
    timeline = Timeline([HI], strict=True)
    with pytest.raises(EventParseError):
        timeline.feed("{", at=5.0)
    assert (len(timeline.events), timeline.end) == (1, None)


def test_one_text_is_no_recording() -> None:
    with pytest.raises(TypeError, match="lines of a recording"):
        Timeline('{"type": "ping"}')  # type: ignore[arg-type]


# Moments


def test_a_moment_is_after_all_that_had_come_by_then() -> None:
    timeline = Timeline(
        [
            line(1, HI),
            line(1, {"type": "ping"}),
            line(2, delta("a")),
            line(2, delta("b")),
            line(4.5, delta("c")),
        ]
    )
    assert (timeline.start, timeline.end) == (1.0, 4.5)
    moments = [0, 0.99, 1, 1.99, 2, 3, 4.49, 4.5, 100]
    assert [timeline.revision_at(at) for at in moments] == [0, 0, 1, 1, 3, 3, 3, 4, 4]
    assert [timeline.at_time(at).revision for at in moments] == [0, 0, 1, 1, 3, 3, 3, 4, 4]
    assert timeline.at_time(-5) == Conversation().snapshot()


def test_a_clock_that_runs_backwards_stands_still() -> None:
    timeline = Timeline([line(5, HI), line(3, delta("a")), line(6, delta("b")), line(-1, delta("c"))])
    assert (timeline.start, timeline.end) == (5.0, 6.0)
    assert [timeline.revision_at(at) for at in (4.9, 5, 5.9, 6)] == [0, 2, 2, 4]


def test_an_event_without_a_time_shows_with_the_next_that_has_one() -> None:
    timeline = Timeline([HI, line(1, delta("a")), delta("b"), line(3, delta("c")), delta("d")])
    assert [timeline.revision_at(at) for at in (0, 1, 2, 3, 9)] == [0, 2, 2, 4, 4]


@pytest.mark.parametrize("at", [float("nan"), float("inf"), float("-inf")])
def test_a_time_that_is_no_number_is_none(at: float) -> None:
    timeline = Timeline([line(1, HI)])
    timeline.feed(delta("a"), at)
    timeline.feed(delta("b"), 2.0)
    assert [timeline.revision_at(moment) for moment in (0, 1, 2)] == [0, 1, 3]


def test_where_no_event_has_a_time_there_are_no_moments() -> None:
    timeline = Timeline([HI])
    assert (timeline.start, timeline.end) == (None, None)
    with pytest.raises(ValueError, match="no event has a time"):
        timeline.at_time(1.0)


# What it costs


@cache
def timeline_of(turns: int) -> Timeline:
    return Timeline(simulate.long_conversation(turns))


def test_a_state_costs_the_same_wherever_it_is() -> None:
    short, long = timeline_of(60), timeline_of(2_400)
    assert len(short.events) * 30 < len(long.events) > 15_000
    for back in (1, 50, 99):
        revision = long.revision // 2 // 100 * 100 + back
        was = Work(lambda back=back: short.at(100 + back))
        now = Work(lambda revision=revision: long.at(revision))
        assert now.calls <= was.calls * 1.5 + 200
    assert Work(lambda: long.revision_at(5.0) if long.end else None).calls < 20


def test_an_event_costs_the_same_however_many_came_before() -> None:
    short, long = (Timeline(simulate.long_conversation(turns)) for turns in (10, 600))
    for timeline in (short, long):
        timeline.feed(delta("a", "item_new"))
        timeline.feed(delta("b", "item_new"))
        while timeline.revision % 100 > 90:  # no snapshot is due
            timeline.feed(delta("b", "item_new"))
    was, now = (Work(lambda each=each: each.feed(delta("c", "item_new"), 1.0)) for each in (short, long))
    assert now.calls <= was.calls + 5
