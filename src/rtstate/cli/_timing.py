"""``rtstate timing``: how long the user spoke, waited and listened, turn by turn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import click
from rich.console import RenderableType
from rich.text import Text

import rtstate
from rtstate import Conversation, Percentiles, Timing, TurnTiming
from rtstate._types import Dialect
from rtstate.cli._layout import QUIET, WARNING, Bar, Entry, PlotLine, count, heading, plot
from rtstate.cli._points import AT, Point, states
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT


@click.command("timing", short_help="Show how long the user waited for each answer.")
@click.argument("name", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object instead.")
@AT
@DIALECT
def timing_command(name: str, as_json: bool, point: Point | None, dialect: Dialect) -> None:
    """Show how long the user waited for each answer in FILE, or in standard input for "-".

    Durations are in seconds, and count from the event that told the end of the user's speech to the first
    text and the first audio of the answer. FILE has to have times: {"at": seconds, "event": {...}} a line.

    \b
    rtstate timing session.jsonl
    rtstate timing session.jsonl --json | jq .first_audio.p95
    """  # noqa: D301
    [snapshot] = states(name, Conversation(dialect=dialect, history=0), [point])
    measured = rtstate.timing(snapshot)
    if as_json:
        click.echo(json.dumps(measured.to_dict(), ensure_ascii=False).encode())
    else:
        print_blocks(page_console(), timing_page(measured))


def timing_page(measured: Timing) -> Iterator[RenderableType]:
    """Yield the turns, how their durations are spread, and what is missing."""
    if measured.turns:
        yield from _turns(measured.turns)
        yield from _spreads(measured)
    for why in measured.missing:
        yield Entry("missing", WARNING, Text(why))


def _turns(turns: Sequence[TurnTiming]) -> Iterator[RenderableType]:
    """Yield a line for each turn, with the wait for the answer as a bar."""
    yield heading("Turns", f"{len(turns):,}, in seconds · the bar is the wait for audio, or else for text")
    whole = max(map(_wait, turns))
    lines: list[PlotLine] = []
    for number, turn in enumerate(turns, 1):
        figures = map(_figure, (turn.speech, turn.first_text, turn.first_audio, turn.generated))
        bar = Bar(0, _wait(turn), whole)
        lines.append(PlotLine((f"{number:,}", "", *figures), bar, _remark(turn), remark_style=WARNING))
    yield from plot(("#", "", "spoke", "to text", "to audio", "answer"), lines)
    yield Text()


def _wait(turn: TurnTiming) -> int:
    """Return how many milliseconds the user waited."""
    wait = turn.first_text if turn.first_audio is None else turn.first_audio
    return round((wait or 0) * 1000)


def _remark(turn: TurnTiming) -> str:
    words = ["barged in"] * bool(turn.barged_in) + ["cut off"] * turn.interrupted
    return ", ".join(words if turn.answer_ids else [*words, "no answer"])


def _spreads(measured: Timing) -> Iterator[RenderableType]:
    rows = {
        "spoke": measured.speech,
        "to text": measured.first_text,
        "to audio": measured.first_audio,
        "answer": measured.generated,
    }
    known = {label: spread for label, spread in rows.items() if spread is not None}
    if known:
        yield heading("Spread", "in seconds")
        lines = [PlotLine((label, "", *_spread(spread))) for label, spread in known.items()]
        yield from plot(("", "", "turns", "least", "p50", "p90", "p95", "most"), lines)
        yield Text()
    words = [
        f"{measured.answered:,} of {count(len(measured.turns), 'turn')} answered",
        "" if measured.barge_ins is None else f"{measured.barge_ins:,} barged in",
        f"{count(measured.interruptions, 'answer')} cut off",
    ]
    yield Text(" · ".join(filter(None, words)), QUIET)


def _spread(spread: Percentiles) -> list[str]:
    durations = (spread.lowest, spread.p50, spread.p90, spread.p95, spread.highest)
    return [f"{spread.count:,}", *map(_figure, durations)]


def _figure(duration: float | None) -> str:
    return "" if duration is None else f"{duration:,.2f}"
