"""Prices: by rates of one's own, worked by hand, and by the tables of genai-prices."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Usage, UsageEntry, replay, usage
from rtstate._json import thaw
from rtstate.cost import Cost, GenaiPricer, PricedEntry, Rates, TablePricer, cost
from tests.helpers import Event, committed, deleted, event, response_done, state, transcription
from tests.strategies import STREAMS, Stream
from tests.views.test_usage import ASR, BETA, GA

RATES = Rates(
    input_text="4",
    input_audio="32",
    input_image="5",
    cached_text="0.40",
    cached_audio="0.40",
    output_text="16",
    output_audio="64",
)
PRICER = TablePricer(
    {
        "voice": RATES,
        "plain": Rates(input_text=4, input_audio=32, output_text=16, output_audio=64),
        "text": Rates(input_text=2, output_text=8),
        "scribe": Rates(input_text="2.50", input_audio=6, output_text=10),
        "stopwatch": Rates(per_minute="0.006"),
    }
)
SESSION = event(
    "session.created",
    session={"id": "s1", "model": "voice", "audio": {"input": {"transcription": {"model": "scribe"}}}},
)


def spent(*events: Event, **options: Any) -> Cost:
    return cost(state(SESSION, *events).snapshot(), PRICER, **options)


def entry(told: Event | None, model: str | None = "voice", kind: Any = "response") -> UsageEntry:
    """The entry of a response, or of a transcription, with such a usage."""
    events = (
        [response_done(usage=told)]
        if kind == "response"
        else [committed(), transcription("completed", transcript="Hi", usage=told)]
    )
    [found] = usage(state(*events).snapshot()).entries
    assert found.kind == kind
    return UsageEntry(kind, model=model, tokens=found.tokens, seconds=found.seconds, usage=found.usage)


# By hand


def test_a_response_by_hand() -> None:
    """The reference's example: 119 text tokens in, 64 of them cached, 13 of audio; 30 of text and 91 out."""
    by_hand = (
        55 * Decimal(4) + 64 * Decimal("0.4") + 13 * Decimal(32) + 30 * Decimal(16) + 91 * Decimal(64)
    ) / 10**6
    assert PRICER(entry(GA)) == by_hand == Decimal("0.0069656")


def test_a_transcription_by_hand() -> None:
    assert PRICER(entry(ASR, "scribe", "transcription")) == Decimal(13 * 6 + 9 * 10) / 10**6


def test_what_is_cached_of_a_transcription_has_its_rate_too() -> None:
    rates = TablePricer({"scribe": Rates(input_audio=6, cached_audio=3, output_text=10)})
    details = {"audio_tokens": 13, "cached_tokens": 4, "cached_tokens_details": {"audio_tokens": 4}}
    told = {**ASR, "input_token_details": details}
    assert rates(entry(told, "scribe", "transcription")) == Decimal(9 * 6 + 4 * 3 + 9 * 10) / 10**6
    assert rates(entry(ASR, "scribe", "transcription")) == Decimal(13 * 6 + 9 * 10) / 10**6


def test_a_duration_by_hand() -> None:
    seconds = {"type": "duration", "seconds": 90}
    assert PRICER(entry(seconds, "stopwatch", "transcription")) == Decimal("0.009")


def test_without_a_rate_of_their_own_cached_tokens_cost_what_others_do() -> None:
    assert PRICER(entry(GA, "plain")) == Decimal(119 * 4 + 13 * 32 + 30 * 16 + 91 * 64) / 10**6
    uncached = {**GA, "input_token_details": {"text_tokens": 119, "audio_tokens": 13}}
    assert PRICER(entry(uncached, "plain")) == PRICER(entry(GA, "plain"))


def test_images_and_what_is_cached_of_them() -> None:
    rates = Rates(input_image=5, cached_image="0.5")
    told = {
        "input_tokens": 300,
        "output_tokens": 0,
        "input_token_details": {
            "text_tokens": 0,
            "audio_tokens": 0,
            "image_tokens": 300,
            "cached_tokens": 100,
            "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 100},
        },
        "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
    }
    assert TablePricer({"eye": rates})(entry(told, "eye")) == Decimal("0.00105")


@pytest.mark.parametrize("rate", [4, 4.0, "4", "4.00", Decimal(4)])
def test_rates_are_numbers_or_texts_and_exact(rate: Any) -> None:
    assert Rates(input_text=rate) == Rates(input_text=Decimal(4))
    assert Rates(input_text=0.1).input_text == Decimal("0.1")


@pytest.mark.parametrize(
    "rate", ["1,5", "abc", "", float("nan"), float("inf"), -1, "-0.01", Decimal("sNaN"), ()]
)
def test_what_is_no_rate_is_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match=f"a rate is a number, 0 or more, not {re.escape(repr(rate))}"):
        Rates(input_text=rate)


def test_nothing_but_usage_and_snapshots_has_a_cost() -> None:
    with pytest.raises(TypeError, match=r"expected a snapshot, not Conversation: pass conversation.snapshot"):
        cost(Conversation(), PRICER)  # type: ignore[arg-type]


# What has no price, and why


def without(told: Event, *path: str) -> Event:
    """A usage that lacks a figure."""
    key, *rest = path
    return {
        name: without(value, *rest) if rest and name == key else value
        for name, value in told.items()
        if rest or name != key
    }


DETAILS = "input_token_details"
UNPRICED: dict[str, tuple[UsageEntry, str]] = {
    "no model": (entry(GA, None), "no model known"),
    "another model": (entry(GA, "other"), "no rates for model other"),
    "no rate": (entry(GA, "text"), "no rate for input audio"),
    "no rate by duration": (
        entry({"type": "duration", "seconds": 3}, "scribe", "transcription"),
        "no rate per minute for model scribe",
    ),
    "no rate by tokens": (entry(ASR, "stopwatch", "transcription"), "no rate for input audio"),
    "no input": (entry(without(GA, "input_tokens")), "input tokens not told"),
    "no output": (entry(without(GA, "output_tokens")), "output tokens not told"),
    "input not split": (entry(without(GA, DETAILS)), "input tokens not split by modality"),
    "output not split": (entry(without(GA, "output_token_details")), "output tokens not split by modality"),
    "no cache": (entry(without(GA, DETAILS, "cached_tokens")), "cached tokens not told"),
    "cache not split": (
        entry(without(GA, DETAILS, "cached_tokens_details")),
        "cached tokens not split by modality",
    ),
    "a modality beside": (entry({**GA, "output_tokens": 130}), "output tokens do not add up"),
    "more cached than there were": (entry(BETA), "more tokens cached than there were"),
}


@pytest.mark.parametrize(("unpriced", "why"), UNPRICED.values(), ids=UNPRICED)
def test_what_cannot_be_priced_says_why(unpriced: UsageEntry, why: str) -> None:
    assert PRICER(unpriced) == why


def test_a_modality_that_is_not_told_has_none_where_the_others_make_up_the_whole() -> None:
    told = without(without(GA, DETAILS, "image_tokens"), DETAILS, "cached_tokens_details", "audio_tokens")
    assert PRICER(entry(told)) == PRICER(entry(GA))


def told(text: int, audio: int, cached: int | None, **split: int) -> Event:
    """A usage of so much input, of which so much was cached, and of no output."""
    details: Event = {"text_tokens": text, "audio_tokens": audio, "image_tokens": 0}
    if cached is not None:
        details |= {"cached_tokens": cached, "cached_tokens_details": split or None}
    return {
        "input_tokens": text + audio,
        "output_tokens": 0,
        DETAILS: details,
        "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
    }


NOTHING = {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0}
DEDUCED: dict[str, tuple[Event, Event]] = {
    "nothing was used": (NOTHING, told(0, 0, 0)),
    "no input, of which nothing was cached": (told(0, 0, None), told(0, 0, 0)),
    "all input is text": (told(10, 0, 4), told(10, 0, 4, text_tokens=4)),
    "all input is audio": (told(0, 10, 4), told(0, 10, 4, audio_tokens=4)),
    "all input is cached": (told(7, 3, 10), told(7, 3, 10, text_tokens=7, audio_tokens=3)),
    "all is cached, and part of it is told": (
        told(7, 3, 10, text_tokens=7),
        told(7, 3, 10, text_tokens=7, audio_tokens=3),
    ),
}
RATED = Rates(4, 32, 5, "0.4", "0.8", "0.6", 16, 64)


AMBIGUOUS: dict[str, tuple[Event, str]] = {
    "either may be cached": (told(7, 3, 4), "cached tokens not split by modality"),
    "more cached than there was text": (told(10, 0, 11), "more tokens cached than there were"),
    "cached of no input": (told(0, 0, 4), "cached tokens not split by modality"),
    "another modality than there is": (told(10, 0, 4, audio_tokens=2), "cached tokens not split by modality"),
    "a split of its own": (told(10, 0, 4, text_tokens=1, audio_tokens=1), "cached tokens do not add up"),
    "no cache told": (told(10, 0, None), "cached tokens not told"),
}


@pytest.mark.parametrize(("used", "why"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_can_be_several_splits_has_none(used: Event, why: str) -> None:
    assert PRICER(entry(used)) == why


@pytest.mark.parametrize(
    "pricer", [TablePricer({"gpt-realtime": RATED}), GenaiPricer()], ids=["own", "genai"]
)
@pytest.mark.parametrize(("short", "whole"), DEDUCED.values(), ids=DEDUCED)
def test_what_can_only_be_one_split_has_a_price(pricer: Any, short: Event, whole: Event) -> None:
    price = pricer(entry(short, "gpt-realtime"))
    assert price == pricer(entry(whole, "gpt-realtime"))
    assert isinstance(price, Decimal)


def test_what_was_cached_of_one_modality_by_hand() -> None:
    assert PRICER(entry(told(10, 0, 4))) == (6 * 4 + 4 * Decimal("0.4")) / 10**6


# The whole bill


def test_it_sums_up_what_has_a_price() -> None:
    result = spent(
        *(
            response_done("r1", usage=GA),
            response_done("r2", status="cancelled", usage=GA),
            response_done("r3"),
        ),
        *(committed(), transcription("completed", transcript="Hi", usage=ASR)),
    )
    assert [each.price for each in result.entries] == [*[Decimal("0.0069656")] * 2, None, Decimal("0.000168")]
    assert result.entries[2].unpriced == "the server told no usage"
    assert (result.responses, result.cancelled) == (Decimal("0.0139312"), Decimal("0.0069656"))
    assert (result.transcription, result.total) == (Decimal("0.000168"), Decimal("0.0140992"))
    assert (result.unpriced, result.complete) == (1, False)


def test_prices_that_do_not_end_add_up_all_the_same() -> None:
    """A second at 0.017 a minute is 0.00028333…: what is rounded in the parts is not rounded once more."""
    second = {"type": "duration", "seconds": 1}
    heard = [
        each
        for number in range(9)
        for each in (
            committed(f"u{number}"),
            transcription("completed", f"u{number}", transcript="Hi", usage=second),
        )
    ]
    prices = TablePricer({"voice": RATES, "scribe": Rates(per_minute="0.017")})
    result = cost(state(SESSION, response_done(usage=GA), *heard).snapshot(), prices)
    assert result.total == result.responses + result.transcription


def test_it_is_complete_where_everything_has_a_price() -> None:
    assert spent().complete
    assert spent(response_done(usage=GA)).complete


def test_what_was_billed_for_items_that_are_gone_is_not_in_it() -> None:
    events = [committed(), transcription("completed", transcript="Hi", usage=ASR), deleted("u1")]
    result = spent(*events)
    assert (result.unpriced, result.unlisted.count, result.complete) == (0, 1, False)


def test_usage_does_as_well_as_a_snapshot() -> None:
    snapshot = state(SESSION, response_done(usage=GA)).snapshot()
    assert cost(usage(snapshot), PRICER) == cost(snapshot, PRICER)
    assert cost(Usage(), PRICER) == Cost()


def test_models_may_be_named() -> None:
    events = [
        *(event("session.created", session={"id": "s1", "model": "my-deployment"}), response_done(usage=GA)),
        *(committed(), transcription("completed", transcript="Hi", usage=ASR)),
    ]
    snapshot = state(*events).snapshot()
    assert cost(snapshot, PRICER).unpriced == 2
    result = cost(snapshot, PRICER, model="voice", transcription_model="scribe")
    assert result.total == Decimal("0.0069656") + Decimal("0.000168")
    assert [each.entry.model for each in result.entries] == ["my-deployment", None]  # as it was told


def test_any_callable_is_a_pricer() -> None:
    result = cost(state(response_done(usage=GA)).snapshot(), lambda each: Decimal(each.tokens.total or 0))
    assert result.total == 253


def test_prices_are_exact_in_json() -> None:
    document = json.loads(json.dumps(spent(response_done("r1", usage=GA), response_done("r2")).to_dict()))
    assert (document["total"], document["complete"]) == ("0.0069656", False)
    assert [(each["price"], each["unpriced"]) for each in document["entries"]] == [
        ("0.0069656", None),
        (None, "the server told no usage"),
    ]


@pytest.mark.parametrize("pricer", [PRICER, GenaiPricer()], ids=["table", "genai"])
@pytest.mark.parametrize("kind", STREAMS)
def test_no_data_makes_it_fail(kind: str, pricer: Any) -> None:
    models = st.sampled_from(
        (None, "voice", "gpt-realtime", "gpt-4o-transcribe", "whisper-1", "grok-voice-latest")
    )

    @given(STREAMS[kind], models, models)
    def holds(events: Stream, model: str | None, scribe: str | None) -> None:
        conversation = Conversation()
        for each in events:
            conversation.feed(each)
        result = cost(conversation.snapshot(), pricer, model=model, transcription_model=scribe)
        assert result.total == result.responses + result.transcription >= result.cancelled >= 0
        assert all((each.price is None) is bool(each.unpriced) for each in result.entries)
        assert sum(each.price is None for each in result.entries) == result.unpriced

    holds()


# genai-prices: no test knows a price of its tables


def genai(told: Event | None, model: str | None, kind: Any = "response", **options: Any) -> Decimal | str:
    return GenaiPricer(**options)(entry(told, model, kind))


def their_reading(model: str, told: Any) -> Any:
    """What genai-prices makes of a ``response.done``, beside which somebody has to say the model."""
    done = {"model": model, "response": {"usage": told}}
    return genai_prices.extract_usage(done, provider_id="openai", api_flavor="realtime")


def test_it_counts_what_genai_prices_itself_reads_in_a_response() -> None:
    for told in (GA, without(GA, DETAILS, "image_tokens")):
        reading = their_reading("gpt-realtime", told)
        assert GenaiPricer()._used(entry(told)) == reading.usage
        assert genai(told, "gpt-realtime") == reading.calc_price().total_price > 0


def test_rates_for_what_no_realtime_response_uses_are_passed_over() -> None:
    others = {name.rpartition("_")[2] for name in GenaiPricer()._rates("gpt-4o")} - {"mtok", "hours"}
    assert others, "this model is here for its rates of searches"
    assert isinstance(genai(GA, "gpt-4o"), Decimal)


def test_it_agrees_with_its_own_rates_worked_by_hand() -> None:
    rates: Any = genai_prices.calc_price(genai_prices.Usage(), "gpt-realtime").model_price
    table = Rates(
        input_text=rates.input_mtok,
        input_audio=rates.input_audio_mtok,
        cached_text=rates.cache_read_mtok,
        cached_audio=rates.cache_audio_read_mtok,
        output_text=rates.output_mtok,
        output_audio=rates.output_audio_mtok,
    )
    assert genai(GA, "gpt-realtime") == TablePricer({"gpt-realtime": table})(entry(GA, "gpt-realtime"))


def test_transcriptions_are_priced_by_tokens_or_by_duration() -> None:
    by_tokens = genai(ASR, "gpt-4o-transcribe", "transcription")
    assert isinstance(by_tokens, Decimal)
    assert by_tokens > 0
    minute, hour = (
        genai({"type": "duration", "seconds": seconds}, "whisper-1", "transcription")
        for seconds in (60, 3600)
    )
    assert isinstance(minute, Decimal)
    assert isinstance(hour, Decimal)
    assert 0 < minute * 60 == hour


NO_PRICE: dict[str, tuple[Any, str]] = {
    "no model": ((GA, None), "no model known"),
    "another model": ((GA, "my-deployment"), "no price known for model my-deployment"),
    "no cached split": (
        (without(GA, DETAILS, "cached_tokens_details"), "gpt-realtime"),
        "cached tokens not split by modality",
    ),
    "cache not told": ((without(GA, DETAILS, "cached_tokens"), "gpt-realtime"), "cached tokens not told"),
    "contradictions": ((BETA, "gpt-realtime"), "more tokens cached than there were"),
    "priced by duration, told in tokens": (
        (ASR, "whisper-1", "transcription"),
        "model whisper-1 is not priced by tokens alone",
    ),
    "priced by tokens, told in seconds": (
        ({"type": "duration", "seconds": 3}, "gpt-4o-transcribe", "transcription"),
        "model gpt-4o-transcribe is not priced by duration alone",
    ),
    "priced by more than is told": (
        (GA, "grok-voice-latest"),
        "model grok-voice-latest is not priced by tokens alone",
    ),
}


@pytest.mark.parametrize(("asked", "why"), NO_PRICE.values(), ids=NO_PRICE)
def test_what_genai_prices_does_not_know_says_why(asked: Any, why: str) -> None:
    assert genai(*asked) == why


def test_nothing_used_costs_nothing() -> None:
    nothing = {
        "total_tokens": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": 0, "audio_tokens": 0},
    }
    assert genai(nothing, "gpt-realtime") == PRICER(entry(nothing)) == 0


def test_a_provider_may_be_named() -> None:
    assert isinstance(genai(GA, "gpt-realtime", provider="azure"), Decimal)
    assert genai(GA, "gpt-realtime", provider="acme") == "no price known for model gpt-realtime of acme"


def test_prices_are_those_of_a_time() -> None:
    assert isinstance(genai(GA, "gpt-realtime", when=datetime(2026, 1, 1, tzinfo=UTC)), Decimal)


def test_a_recording_is_priced_or_says_why_not(recording: Path) -> None:
    with recording.open("rb") as lines:
        snapshot = replay(lines).snapshot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = cost(snapshot)
    assert len(result.entries) == len(usage(snapshot).entries)
    for each in result.entries:
        assert isinstance(each, PricedEntry)
        assert (each.price is None) is bool(each.unpriced)
        if each.price is not None and each.entry.kind == "response":
            reading = their_reading(each.entry.model or "", thaw(each.entry.usage))
            assert reading.calc_price().total_price == each.price


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_without_the_extra_one_sentence_says_how_to_get_it() -> None:
    block = "import sys; sys.modules['genai_prices'] = None; import rtstate, rtstate.cost as c;"
    result = run(f"{block} c.cost(rtstate.Conversation().snapshot())")
    assert result.stderr.endswith("ImportError: prices need genai-prices: pip install 'rtstate[cost]'\n")
    assert run(f"{block} c.cost(rtstate.Conversation().snapshot(), c.TablePricer({{}}))").returncode == 0


def test_it_is_imported_when_it_is_needed() -> None:
    loaded = "print('genai_prices' in sys.modules);"
    result = run(f"import sys, rtstate.cost as c; {loaded} c.GenaiPricer(); {loaded}")
    assert result.stdout == "False\nTrue\n"


def test_nothing_is_downloaded() -> None:
    """With every way out closed it prices as before."""
    closed = "import socket; socket.socket.connect = socket.getaddrinfo = None;"
    priced = (
        "from rtstate.cost import GenaiPricer; print('output_mtok' in GenaiPricer()._rates('gpt-realtime'))"
    )
    assert run(f"{closed} {priced}").stdout == "True\n"


@pytest.mark.parametrize(
    ("source", "raised", "says"),
    [
        (None, ImportError, r"^prices need genai-prices: pip install 'rtstate\[cost\]'$"),
        ("import nobody_has_this", ModuleNotFoundError, "nobody_has_this"),
    ],
)
def test_without_its_library_a_pricer_says_what_to_install(
    source: str | None,
    raised: type[Exception],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if source is None:
        monkeypatch.setitem(sys.modules, "genai_prices", None)
    else:
        (tmp_path / "genai_prices.py").write_text(source)
        monkeypatch.delitem(sys.modules, "genai_prices")
        monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(raised, match=says):
        GenaiPricer()


def test_figures_that_make_no_sense_to_the_library_are_told_in_its_words() -> None:
    told = GenaiPricer()(UsageEntry(kind="transcription", model="whisper-1", seconds=-1.0))
    assert str(told).startswith("Invalid usage value for audio_seconds: expected a finite non-negative")


def test_rates_alone_are_no_pricer() -> None:
    with pytest.raises(TypeError, match=r"TablePricer\(rates\) makes one"):
        cost(Conversation().snapshot(), {"gpt-realtime": Rates(4, 32)})  # type: ignore[arg-type]
