"""Recorded sessions: what they amount to, and that it does not matter how their lines are given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rtstate import Conversation, Snapshot, UnknownEvent, parse_client_event, parse_server_event, replay
from rtstate.wire import CLIENT_TABLE, TABLE
from tests.data.expected_recordings import ANOMALIES, EXPECTED, RESUMED
from tests.helpers import ABSENT, assert_subset, patched
from tests.recordings_support import recording_names

PASSING = {
    "item_001",
    "item_CCXGQ4e1ht4cOraEYcuR2",
    "item_CCXGRxbY0n6WE4EszhF5w",
    "mcp_call_001",
    "mcp_list_tools_001",
    "msg_011",
}


def lines_of(recording: Path) -> list[str]:
    return recording.read_text().splitlines()


def test_every_recording_has_its_expectation(recordings: Path) -> None:
    assert sorted(EXPECTED) == recording_names()


def test_a_recording_amounts_to_what_was_worked_out_by_hand(recording: Path) -> None:
    expected = EXPECTED[recording.stem]
    document = replay(lines_of(recording)).snapshot().to_dict()
    assert_subset(document, expected)
    for table in ("items", "responses", "rate_limits"):
        assert sorted(document[table]) == sorted(expected[table])


def test_nothing_is_odd(recording: Path) -> None:
    conversation = replay(lines_of(recording))
    assert [each.kind for each in conversation.anomalies] == ANOMALIES.get(recording.stem, [])
    stats = conversation.stats
    assert (stats.events, stats.invalid, stats.impossible) == (len(lines_of(recording)), 0, 0)


def test_every_item_is_in_the_order(recording: Path) -> None:
    """No recording has a response out of band; examples of the documentation name items in passing."""
    document = replay(lines_of(recording)).snapshot().to_dict()
    apart = PASSING if recording.stem == "spec_examples" else set()
    assert set(document["items"]) - set(document["order"]) == apart


def test_nothing_is_running_at_the_end(recording: Path) -> None:
    snapshot = replay(lines_of(recording)).snapshot()
    assert snapshot.active_responses == ()
    assert not any(item["status"] == "in_progress" for item in snapshot.to_dict()["items"].values())


def test_how_a_line_is_given_does_not_matter(recording: Path) -> None:
    lines = lines_of(recording)
    document = replay(lines).snapshot().to_dict()
    assert replay([line.encode() for line in lines]).snapshot().to_dict() == document
    assert replay([json.loads(line) for line in lines]).snapshot().to_dict() == document
    timed = [json.dumps({"at": at / 10, "event": json.loads(line)}) for at, line in enumerate(lines)]
    assert replay(timed).snapshot().to_dict() == document
    with recording.open() as file:
        assert replay(file).snapshot().to_dict() == document
    for parse in (parse_server_event, parse_client_event):
        conversation = Conversation()
        for line in lines:
            conversation.apply(parse(line))
        assert conversation.snapshot().to_dict() == document


def test_the_whole_recording_again_changes_nothing_but_what_has_no_id(recording: Path) -> None:
    lines = [line for line in lines_of(recording) if "event_id" in json.loads(line)]
    once = replay(lines)
    snapshot = once.snapshot()
    for line in lines:
        assert not once.feed(line)
    assert once.snapshot() is snapshot


def test_the_changes_fold_into_the_document(recording: Path) -> None:
    conversation = Conversation()
    document: Any = conversation.snapshot().to_dict()
    for line in lines_of(recording):
        document = patched(document, conversation.feed(line).patch())
    assert document == conversation.snapshot().to_dict()
    assert Snapshot.from_dict(json.loads(conversation.snapshot().to_json())).to_dict() == document


def test_every_server_line_is_of_a_known_class_and_comes_back_whole(recording: Path) -> None:
    unknown = []
    for line in lines_of(recording):
        payload = json.loads(line)
        if payload["type"] in CLIENT_TABLE and payload["type"] not in TABLE:
            continue
        event = parse_server_event(line)
        if isinstance(event, UnknownEvent):
            unknown.append(event.type)
            assert event.payload == payload
        else:
            assert type(event) is TABLE[payload["type"]].event
            assert event.model_dump(mode="json", exclude_unset=True) == payload
    assert unknown == (
        [" input_audio_buffer.dtmf_event_received"] if recording.stem == "spec_examples" else []
    )


def test_every_client_line_is_of_a_known_class_and_comes_back_whole(recording: Path) -> None:
    for line in lines_of(recording):
        payload = json.loads(line)
        if payload["type"] in CLIENT_TABLE:
            event = parse_client_event(line)
            assert type(event) is CLIENT_TABLE[payload["type"]].event
            assert event.model_dump(mode="json", exclude_unset=True) == payload


# Steps worth a look


@pytest.fixture
def steps(recordings: Path) -> Any:
    """The documents of a recording after each of its lines, counted from 1."""

    def documents(name: str) -> list[Any]:
        conversation = Conversation()
        found = [conversation.snapshot().to_dict()]
        for line in lines_of(recordings / f"{name}.jsonl"):
            conversation.feed(line)
            found.append(conversation.snapshot().to_dict())
        return found

    return documents


def test_a_null_anchor_on_the_done_of_a_second_item_moves_nothing(steps: Any) -> None:
    documents = steps("openai_text_in_audio_out")
    user, answer = "item_E6U0u6ZFxXUxYesuS1vaT", "item_E6U0uHIVQSnuTXndsNjl4"
    assert_subset(documents[9], {"order": [user], "items": {answer: {"status": "in_progress"}}})
    for line in (10, 22, 24):
        assert_subset(
            documents[line], {"order": [user, answer], "items": {answer: {"previous_item_id": user}}}
        )
    assert_subset(documents[22], {"items": {answer: {"status": "completed"}}})


def test_a_transcription_ends_in_the_middle_of_the_answer(steps: Any) -> None:
    documents = steps("openai_server_vad_turn")
    user = "item_E6U0xpLmn5e80rVGpEeKv"

    def heard(transcript: Any, status: str) -> Any:
        return {
            "items": {user: {"content": [{"transcript": transcript, "transcription": {"status": status}}]}}
        }

    assert_subset(documents[59], {"order": [], "items": {user: {"status": "in_progress"}}})
    assert_subset(documents[61], {"order": [user], **heard(None, "pending")})
    assert_subset(documents[63], {"items": {user: {"status": "completed"}}})
    assert_subset(documents[67], heard(" Hello, my", "partial"))
    assert_subset(documents[100], heard("Hello, my name is Marcelo.", "final"))
    assert_subset(documents[100], {"responses": {"resp_E6U0xfWhN878XBMhc0LKn": {"status": "in_progress"}}})


def test_a_call_is_ready_once_its_item_is_complete(steps: Any) -> None:
    documents = steps("openai_tool_call_round")
    ready = [each["items"].get("item_E6U11H8XY7uk9uRetnwLK", {}).get("ready") for each in documents]
    assert ready[:9] == [None] * 9  # line 9 announces the call, line 25 ends its item
    assert ready[9:25] == [False] * 16
    assert ready[25:] == [True] * 26


def test_a_second_session_keeps_the_first_ones_items(steps: Any) -> None:
    documents = steps("xai_resumption_after_drop")
    first = ["3d301c41-bc81-4592-b73a-6c01a29d2d4a", "0f5efcd5-76f1-4a00-9cac-d907e17d4434"]
    settings = {"audio": {"input": {"transport": "json"}}}
    assert_subset(documents[24], {"order": first, "session": {"id": RESUMED["old"], **settings}})
    assert_subset(documents[25], {"order": first, "session": {"id": RESUMED["new"], "audio": ABSENT}})
    assert_subset(documents[29], {"order": [*first, "86cf9c33-5d63-408e-b29e-24d63935dcd4"]})


def test_usage_is_counted_response_by_response(steps: Any) -> None:
    documents = steps("openai_beta_webrtc_three_turns")
    sums = [each["usage"]["responses"]["total_tokens"] for each in documents]
    counts = [each["usage"]["responses"]["count"] for each in documents]
    assert [sums[line] for line in (22, 23, 50, 51, 58, 59, 98, 99)] == [0, 166, 166, 432, 432, 432, 432, 884]
    assert [counts[line] for line in (22, 23, 50, 51, 58, 59, 98, 99)] == [0, 1, 1, 2, 2, 3, 3, 4]
