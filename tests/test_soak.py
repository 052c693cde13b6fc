"""The soak runs, is the same each time, and notices a law that is broken and memory that grows."""

from __future__ import annotations

import json

import pytest

from benchmarks import soak
from rtstate import Conversation


def test_it_holds_every_conversation_to_the_laws() -> None:
    report = soak.soak(1_500, 6, seed=3, every=500)
    assert report.calls > 6
    assert report.folded >= 6
    assert report.anomalies > 0
    assert [sample.events for sample in report.samples] == [500, 1_000, 1_500]
    assert all(sample.megabytes > 1 and sample.blocks > 1_000 for sample in report.samples)


def test_the_same_seed_ends_with_the_same_digest() -> None:
    first, again, other = (soak.soak(400, 3, seed=seed).digest for seed in (1, 1, 2))
    assert first == again != other


def test_a_call_is_what_it_was_whenever_it_is_made() -> None:
    assert soak.begin(1, 5).raws == soak.begin(1, 5).raws
    assert soak.begin(1, 4).truth is not None
    assert soak.begin(1, 5).truth is None


def judged(number: int = 4) -> soak.Call:
    call = soak.begin(1, number)
    while not call.ended:
        call.conversation.feed(soak._unpacked(call.raws[call.fed]))
        call.fed += 1
    soak.judge(call, folding=True)
    return call


def test_a_document_that_its_events_do_not_lead_to_is_noticed() -> None:
    call = judged()
    call.conversation.feed({"type": "response.output_text.delta", "item_id": "item_new", "delta": "Hi"})
    with pytest.raises(AssertionError, match="replayed, the document is another"):
        soak.judge(call, folding=False)


def test_events_that_were_lost_are_noticed() -> None:
    call = judged()
    del call.raws[10:]
    call.fed = 10
    with pytest.raises(AssertionError, match="replayed"):
        soak.judge(call, folding=False)


def test_what_the_simulator_does_not_vouch_for_is_noticed() -> None:
    call, other = judged(4), judged(8)
    call.truth = other.truth
    with pytest.raises(AssertionError):
        soak.judge(call, folding=False)


def test_a_broken_law_names_the_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(soak, "replay", lambda raws: Conversation())
    assert soak.main(["--events", "300", "--conversations", "2", "--seed", "5"]) == 1
    told = capsys.readouterr().err
    assert "a law is broken: call " in told
    assert "of seed 5, after " in told
    assert "replayed, the document is another" in told


def report_of(megabytes: list[float], blocks: list[int]) -> soak.Report:
    samples = [
        soak.Sample((at + 1) * 1_000, *both) for at, both in enumerate(zip(megabytes, blocks, strict=True))
    ]
    return soak.Report(events=len(samples) * 1_000, conversations=4, seed=1, samples=samples)


@pytest.mark.parametrize(
    ("megabytes", "blocks", "flat"),
    [
        ([9.0, *[100.0, 101.0] * 10], [100, *[1000, 1001] * 10], True),
        ([100.0 + at for at in range(21)], [1000] * 21, False),
        ([100.0] * 21, [1000 + 10 * at for at in range(21)], False),
        ([120.0 - at for at in range(21)], [1000] * 21, True),
    ],
    ids=["steady", "memory grows", "objects grow", "memory shrinks"],
)
def test_memory_that_grows_is_noticed(megabytes: list[float], blocks: list[int], flat: bool) -> None:
    assert report_of(megabytes, blocks).flat is flat


def test_a_short_run_judges_no_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--events", "200", "--conversations", "2"]) == 0
    assert "too short to judge memory" in capsys.readouterr().out


def test_the_command_prints_its_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert soak.main(["--events", "1000", "--conversations", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["events"] == 1000
    assert [sample["events"] for sample in told["samples"]] == [1000]


def test_the_command_wants_something_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        soak.main(["--events", "0"])
    assert "at least 1" in capsys.readouterr().err
