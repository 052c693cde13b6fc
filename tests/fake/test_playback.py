"""A recording is played to a client that is really there."""

import json
from typing import Any

import pytest

from rtstate import Conversation, replay, simulate
from rtstate.simulate import Playback, read_recording
from tests.fake.support import silence, text_item, types

Event = dict[str, Any]
EXAMPLE = list(simulate.example().lines(timed=True))


def playback(*timed: tuple[float, Event], **options: Any) -> Playback:
    return Playback(read_recording(json.dumps({"at": at, "event": event}) for at, event in timed), **options)


def test_the_example_is_played_to_its_own_client_as_it_was() -> None:
    play, now, played = Playback(read_recording(EXAMPLE)), 0.0, Conversation()
    start: float | None = None
    for recorded in read_recording(EXAMPLE):
        now += recorded.gap
        start = now if start is None else start
        if recorded.by_client:
            play.take(json.dumps(recorded.event), now)
            played.feed(recorded.event)
        for event in play.run(now + 1e-6):
            played.feed(event)
    assert play.due is None
    assert played.snapshot().to_dict() == replay(simulate.example().events).snapshot().to_dict()


def test_without_a_client_it_goes_on_when_it_runs_out_of_patience() -> None:
    play = Playback(read_recording(EXAMPLE), patience=1.0)
    came = play.run(10_000)
    assert types(came) == [e.event["type"] for e in read_recording(EXAMPLE) if not e.by_client]
    assert play.due is None


def test_the_pace_is_the_recordings() -> None:
    play = playback((10.0, {"type": "a"}), (10.5, {"type": "b"}), (12.0, {"type": "c"}))
    assert types(play.run(0.0)) == ["a"]
    assert play.due == 0.5
    assert play.run(0.4) == []
    assert types(play.run(0.6)) == ["b"]
    assert types(play.run(2.0)) == ["c"]


def test_it_waits_for_the_clients_event_and_goes_on_from_there() -> None:
    play = playback((0, {"type": "a"}), (1, {"type": "response.create"}), (1.5, {"type": "b"}))
    assert types(play.run(4.0)) == ["a"]
    play.take('{"type": "response.cancel"}', 4.0)
    assert play.run(4.9) == []
    play.take('{"type": "response.create"}', 5.0)
    assert play.run(5.4) == []
    assert types(play.run(5.5)) == ["b"]


def test_an_event_that_comes_too_late_counts_for_nothing_else() -> None:
    create = {"type": "response.create"}
    play = playback((0, create), (0, {"type": "a"}), (0, create), (0, {"type": "b"}), patience=1.0)
    assert types(play.run(1.0)) == ["a"]
    play.take(json.dumps(create), 1.5)
    assert play.run(1.6) == []
    play.take(json.dumps(create), 1.7)
    assert types(play.run(1.7)) == ["b"]


def test_audio_is_waited_for_by_its_length() -> None:
    append = {"type": "input_audio_buffer.append", "audio": silence(200)}
    play = playback((0, append), (0.2, append), (0.4, {"type": "a"}))
    for number in range(19):
        play.take(json.dumps({**append, "audio": silence(20)}), number / 50)
    assert play.run(1.0) == []
    play.take(json.dumps({**append, "audio": silence(20)}), 1.0)
    assert types(play.run(1.2)) == ["a"]


def test_a_client_that_is_silent_is_waited_for_once() -> None:
    append = {"type": "input_audio_buffer.append", "audio": silence(200)}
    play = playback(*[(0, append)] * 50, (0, {"type": "a"}), patience=2.0)
    assert types(play.run(2.0)) == ["a"]


@pytest.mark.parametrize("named", [False, True])
def test_the_clients_own_names_are_used(named: bool) -> None:
    item = text_item("Hello", **({"id": "item_recorded"} if named else {}))
    added = {"type": "conversation.item.added", "item": text_item("Hello", id="item_recorded")}
    after = {"type": "input_audio_buffer.committed", "item_id": "b", "previous_item_id": "item_recorded"}
    error = {"type": "error", "error": {"message": "no", "event_id": "event_recorded"}}
    create = {"type": "conversation.item.create", "event_id": "event_recorded", "item": item}
    play = playback((0, create), (0, added), (0, after), (0, error))
    mine = {**create, "event_id": "mine", "item": text_item("Something else", id="my_item")}
    play.take(json.dumps(mine), 1.0)
    came = play.run(1.0)
    assert came[0]["item"]["id"] == "my_item"
    assert came[1]["previous_item_id"] == "my_item"
    assert came[2]["error"]["event_id"] == "mine"
    assert added["item"]["id"] == "item_recorded"  # type: ignore[index]


def test_what_is_no_json_is_answered() -> None:
    play = playback((0, {"type": "a"}))
    play.take("{", 0.0)
    assert types(play.run(0.0)) == ["a", "error"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "there is no event in it"),
        (["", " "], "there is no event in it"),
        (['{"type": "a"}', "{"], "line 2: The event could not be parsed as JSON."),
        (["[]"], "line 1: The event is not a JSON object."),
        (['{"type": 3}'], "line 1: an event has a type, which is a text"),
    ],
)
def test_what_is_no_recording_is_told_by_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message):
        read_recording(lines)


def test_a_recording_without_times_has_a_pace_of_its_own() -> None:
    assert [each.gap for each in read_recording(['{"type": "a"}', '{"type": "b"}'])] == [0.0, 0.02]
