"""The bill: an entry for each response and transcription, and sums that agree with the state's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given

from rtstate import (
    Conversation,
    ResponseTotals,
    Snapshot,
    Tokens,
    TranscriptionTotals,
    UsageTotals,
    replay,
    usage,
)
from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    committed,
    deleted,
    event,
    response_created,
    response_done,
    state,
    transcription,
    user,
)
from tests.strategies import STREAMS, Call, Stream, calls

GA: Event = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
"""The reference's example."""
BETA: Event = {
    "total_tokens": 275,
    "input_tokens": 127,
    "output_tokens": 148,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 8,
        "cached_tokens": 384,
        "cached_tokens_details": {"text_tokens": 128, "audio_tokens": 256},
    },
    "output_token_details": {"text_tokens": 36, "audio_tokens": 112},
}
"""The beta reference's, which has more tokens cached than there were."""
ASR: Event = {
    "type": "tokens",
    "total_tokens": 22,
    "input_tokens": 13,
    "output_tokens": 9,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 13},
}
HEARD = [committed(), transcription("completed", transcript="Hi", usage=ASR)]


def snapshot(*events: Event) -> Snapshot:
    return state(*events).snapshot()


# Entries

TOLD: dict[str, tuple[Any, dict[str, Any]]] = {
    "all of it": (
        GA,
        {
            "total": 253,
            "input": 132,
            "input_text": 119,
            "input_audio": 13,
            "input_image": 0,
            "cached": 64,
            "cached_text": 64,
            "cached_audio": 0,
            "cached_image": 0,
            "uncached_text": 55,
            "uncached_audio": 13,
            "uncached_image": 0,
            "output": 121,
            "output_text": 30,
            "output_audio": 91,
        },
    ),
    "figures that contradict each other": (
        BETA,
        {
            "total": 275,
            "input": 127,
            "input_text": 119,
            "input_audio": 8,
            "cached": 384,
            "cached_text": 128,
            "cached_audio": 256,
            "uncached_text": -9,
            "uncached_audio": -248,
            "output": 148,
            "output_text": 36,
            "output_audio": 112,
        },
    ),
    "no cache": (
        {"input_tokens": 5, "input_token_details": {"text_tokens": 5, "audio_tokens": 0}},
        {"input": 5, "input_text": 5, "input_audio": 0},
    ),
    "Qwen's spelling": (
        {"output_tokens": 9, "output_tokens_details": {"text_tokens": 9}},
        {"output": 9, "output_text": 9},
    ),
    "zero is not unknown": ({"input_tokens": 0, "output_tokens": None}, {"input": 0}),
    "what nobody can have used": (
        {"input_tokens": -1, "output_tokens": 1 << 60, "total_tokens": 3},
        {"total": 3},
    ),
}


@pytest.mark.parametrize(("told", "figures"), TOLD.values(), ids=TOLD)
def test_what_is_not_told_is_unknown(told: Event, figures: dict[str, int]) -> None:
    [entry] = usage(snapshot(response_done(usage=told))).entries
    assert entry.tokens == Tokens(**figures)
    assert entry.usage == state(response_done(usage=told)).snapshot().responses[0].usage


def test_a_response_says_what_it_was() -> None:
    session = event("session.created", session={"id": "s1", "model": "gpt-realtime"})
    aside = response_created("r2", conversation_id=None)
    used = usage(
        snapshot(
            *(session, response_created("r1"), response_done("r1", usage=GA)),
            *(aside, response_done("r2", status="cancelled"), response_created("r3")),
        )
    )
    told = [(each.kind, each.response_id, each.model, each.status, each.out_of_band) for each in used.entries]
    assert told == [
        ("response", "r1", "gpt-realtime", "completed", False),
        ("response", "r2", "gpt-realtime", "cancelled", True),
    ]
    assert used.entries[1].usage is None
    assert used.entries[1].tokens == Tokens()


def test_a_transcription_says_what_it_was() -> None:
    asked = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    session = event("session.created", session={"id": "s1", **asked})
    [entry] = usage(snapshot(session, *HEARD)).entries
    assert (entry.kind, entry.item_id, entry.content_index) == ("transcription", "u1", 0)
    assert (entry.model, entry.response_id, entry.seconds) == ("gpt-4o-transcribe", None, None)
    assert entry.tokens == Tokens(total=22, input=13, input_text=0, input_audio=13, output=9)


def test_a_transcription_that_is_billed_by_duration_has_seconds() -> None:
    duration = {"type": "duration", "seconds": 2.5}
    used = usage(snapshot(committed(), transcription("completed", transcript="Hi", usage=duration)))
    assert (used.entries[0].seconds, used.entries[0].tokens) == (2.5, Tokens())
    assert used.transcription == UsageTotals(1, 0, Tokens(), 2.5)


def test_a_transcription_that_is_told_again_with_another_usage_is_billed_by_the_first() -> None:
    again = transcription("completed", transcript="Hi you", usage={**ASR, "total_tokens": 99})
    used = usage(snapshot(*HEARD, again))
    assert [each.tokens.total for each in used.entries] == [22] == [used.transcription.tokens.total]


def test_what_only_began_is_no_entry() -> None:
    assert usage(snapshot(response_created(), committed(), transcription("delta", delta="Hi"))).entries == ()


# Sums


def test_cancelled_responses_are_among_the_responses() -> None:
    used = usage(snapshot(response_done("r1", usage=GA), response_done("r2", status="cancelled", usage=GA)))
    assert (used.responses.count, used.responses.tokens.total) == (2, 506)
    assert (used.cancelled.count, used.cancelled.tokens.total) == (1, 253)


def test_a_sum_adds_up_what_was_told() -> None:
    uncached = {"input_tokens": 8, "input_token_details": {"text_tokens": 8}}
    used = usage(
        snapshot(response_done("r1", usage=GA), response_done("r2", usage=uncached), response_done("r3"))
    )
    assert used.responses.tokens.input_text == 127
    assert used.responses.tokens.uncached_text == 55
    assert (used.responses.without_usage, used.without_usage) == (1, 1)


def test_a_sum_that_nobody_told_is_unknown() -> None:
    used = usage(snapshot(response_done(usage={"input_tokens": 8})))
    assert (used.responses.tokens.input, used.responses.tokens.output) == (8, None)


# What has no entry any more


def test_a_transcription_of_a_deleted_item_is_unlisted() -> None:
    used = usage(snapshot(*HEARD, deleted("u1")))
    billed = Tokens(total=22, input=13, input_audio=13, output=9)
    assert used.entries == ()
    assert used.unlisted == used.transcription == UsageTotals(1, 0, billed)


def test_a_deleted_transcription_without_usage_is_unlisted_too() -> None:
    events = [committed(), transcription("completed", transcript="Hi"), deleted("u1")]
    assert usage(snapshot(*events)).unlisted == UsageTotals(1, 1)


def test_of_a_document_the_transcriptions_are_unlisted() -> None:
    whole = snapshot(response_done(usage=GA), *HEARD)
    used = usage(Snapshot.from_dict(json.loads(whole.to_json())))
    assert [each.kind for each in used.entries] == ["response"]
    assert used.unlisted.count == 1
    assert used.transcription.tokens.total == 22


def test_nothing_is_unlisted_as_a_rule() -> None:
    seconds = [0.1, 0.2, 0.7]  # which floating point does not add up
    events = [
        each
        for number, spoken in enumerate(seconds)
        for each in (
            committed(f"u{number}"),
            transcription("completed", f"u{number}", transcript="Hi", usage={"seconds": spoken}),
        )
    ]
    assert usage(snapshot(*events)).unlisted == UsageTotals()


# Laws


def flat(totals: ResponseTotals | TranscriptionTotals) -> dict[str, Any]:
    """The figures that the state's own totals keep, under our names."""
    told = attrs.asdict(totals)
    names = {"total_tokens": "total", "input_tokens": "input", "output_tokens": "output"}
    figures = {names.get(name, name): value for name, value in told.items() if not isinstance(value, dict)}
    for direction in ("input", "output"):
        for name, value in told.get(f"{direction}_token_details", {}).items():
            modality = name.removesuffix("_tokens")
            if isinstance(value, dict):
                cached = {f"cached_{kind.removesuffix('_tokens')}": count for kind, count in value.items()}
                figures.update(cached)
            else:
                figures[modality if modality == "cached" else f"{direction}_{modality}"] = value
    return figures


def ours(totals: UsageTotals) -> dict[str, Any]:
    tokens = attrs.asdict(totals.tokens)
    told = {name: tokens[name] or 0 for name in tokens if not name.startswith("uncached")}
    return {
        "count": totals.count,
        "without_usage": totals.without_usage,
        "seconds": totals.seconds or 0,
        **told,
    }


def assert_adds_up(shown: Snapshot) -> None:
    used = usage(shown)
    assert ours(used.responses) == {**flat(shown.usage.responses), "seconds": 0}
    transcription, billed = ours(used.transcription), flat(shown.usage.transcription)
    assert {name: transcription[name] for name in billed} == pytest.approx(billed)
    assert used.unlisted.count >= 0
    for kind, totals in (("response", used.responses), ("transcription", used.transcription)):
        entries = [each for each in used.entries if each.kind == kind]
        gone = used.unlisted if kind == "transcription" else UsageTotals()
        assert len(entries) + gone.count == totals.count
        for name, total in attrs.asdict(totals.tokens).items():
            listed = sum(getattr(each.tokens, name) or 0 for each in entries)
            assert listed + (getattr(gone.tokens, name) or 0) == (total or 0), (kind, name)
    json.dumps(used.to_dict(), allow_nan=False)


@given(calls)
def test_the_ledger_is_the_bill(call: Call) -> None:
    shown = replay(call.session.events).snapshot()
    assert_adds_up(shown)
    used, truth = usage(shown), call.session.truth
    assert (used.responses.tokens.input or 0) == truth.response_usage["input_tokens"]
    assert used.unlisted == UsageTotals() or truth.deleted


@pytest.mark.parametrize("kind", STREAMS)
def test_it_adds_up_whatever_comes(kind: str) -> None:
    @given(STREAMS[kind])
    def holds(events: Stream) -> None:
        conversation = Conversation()
        for each in events:
            conversation.feed(each)
        assert_adds_up(conversation.snapshot())
        assert_adds_up(Conversation.restore(conversation.checkpoint()).snapshot())

    holds()


def test_it_adds_up_in_every_recording(recording: Path) -> None:
    with recording.open("rb") as lines:
        shown = replay(lines).snapshot()
    assert_adds_up(shown)
    assert usage(shown).unlisted == UsageTotals()


def test_a_snapshot_without_anything() -> None:
    used = usage(Conversation().snapshot())
    assert used.entries == ()
    assert used.responses == used.cancelled == used.transcription == used.unlisted == UsageTotals()


def test_it_is_plain_json() -> None:
    document = usage(snapshot(added(user("u1", "Hi")), added(assistant()), response_done(usage=GA))).to_dict()
    [entry] = document["entries"]
    assert entry["tokens"]["uncached_text"] == 55
    assert "usage" not in entry
    assert ABSENT not in json.loads(json.dumps(document)).values()


def test_what_was_spent_is_plain_json() -> None:
    told = usage(state(response_done(usage={"total_tokens": 5})).snapshot()).responses
    assert told.to_dict()["tokens"] == attrs.asdict(told.tokens)
    assert told.to_dict()["count"] == 1
    assert json.loads(json.dumps(told.to_dict())) == told.to_dict()
