"""``rtstate log``: a line per event, what it changed in a few words, as the events are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from rtstate import Conversation
from rtstate._types import Dialect
from rtstate.cli._happenings import Choice, Directory, Happening, Recorded, Window, happenings
from rtstate.cli._layout import count
from rtstate.cli._lines import log_lines, runs
from rtstate.cli._points import Point, read_point
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT, STANDARD_INPUT, events, expect_events, lines


@click.command("log", short_help="List the events of a recording, and what each one changed.")
@click.argument("name", metavar="FILE")
@click.option(
    "--type", "types", metavar="PATTERN", multiple=True, help="Only events of such a type: 'response.*'."
)
@click.option("--item", "items", metavar="ID", multiple=True, help="Only events that name or change an item.")
@click.option(
    "--response", "responses", metavar="ID", multiple=True, help="Only events about a response or its items."
)
@click.option("--anomalies", is_flag=True, help="Only events that something was odd about.")
@click.option("--changes", is_flag=True, help="Only events that changed something.")
@click.option(
    "--from",
    "since",
    type=read_point,
    metavar="WHEN",
    help="Begin at a revision (120) or a time (12.5s, 1m5s, 0:12.5).",
)
@click.option("--to", "until", type=read_point, metavar="WHEN", help="End there, with that revision or time.")
@click.option("--all", "every", is_flag=True, help="Show each delta; by default a run of them is one line.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event instead.")
@DIALECT
def log_command(
    name: str,
    types: Sequence[str],
    items: Sequence[str],
    responses: Sequence[str],
    anomalies: bool,
    changes: bool,
    since: Point | None,
    until: Point | None,
    every: bool,
    as_json: bool,
    dialect: Dialect,
) -> None:
    """List the events of FILE, or of standard input for "-", as they are read.

    A line has the event's number, the revision it led to ("·" where nothing changed), the seconds since the
    first event, its type, and what it changed. A run of deltas is one line, with their number and what they
    came to. Filters may be combined, and repeated: an event has to fit one value of each. The beginning or
    the end of an ID is enough, and what a line shows of it.

    \b
    rtstate log session.jsonl --type 'response.*' --changes
    rtstate log session.jsonl --item 4VHbC --from 1m5s --to 1m20s --all
    rtstate log session.jsonl --json | jq -c 'select(.anomalies != [])'
    """  # noqa: D301
    window = _window(since, until)
    conversation = Conversation(dialect=dialect, history=0)
    recorded, directory = _read(name, known=bool(items or responses))
    choice = Choice(types, directory.items(items), directory.responses(responses), anomalies, changes)
    chosen = _Chosen(happenings(recorded, conversation), choice, window)
    if as_json:
        for happening, wanted in chosen:
            if wanted:
                click.echo(json.dumps(_for_programs(happening), ensure_ascii=False).encode())
    else:
        blocks = log_lines(runs(chosen, fold=not every))
        if name == STANDARD_INPUT:
            print_blocks(page_console(), blocks, at_once=1)
        else:
            print_blocks(page_console(), blocks)
    expect_events(name, conversation)
    if not chosen.ended:
        window.expect(conversation.revision, chosen.elapsed, name)
    if not chosen.wanted:
        click.echo(f"no event fits; {count(conversation.stats.events, 'event')} read", err=True)


def _window(since: Point | None, until: Point | None) -> Window:
    """Return the window, if it is not closed."""
    if since is not None and until is not None and since.is_after(until):
        raise click.BadParameter("the log would end before it begins", param_hint="'--to'")
    return Window(since, until)


def _read(name: str, *, known: bool) -> tuple[Recorded, Directory]:
    """Return the events, and the ids they name where those have to be known: then all is read before.

    While something is printed to the terminal there is no room for a bar.
    """
    recorded: Recorded = events(lines(name, bar=known or not sys.stdout.isatty()))
    if not known:
        return recorded, Directory(())
    if name == STANDARD_INPUT:
        recorded = tuple(recorded)
        return recorded, Directory(recorded)
    return events(lines(name, bar=not sys.stdout.isatty())), Directory(recorded)


class _Chosen:
    """The events within a window, each with whether it is wanted, and afterwards what there was of them."""

    def __init__(self, happened: Iterable[Happening], choice: Choice, window: Window) -> None:
        self.wanted = 0
        self.elapsed: float | None = None
        self.ended = False
        self._happened, self._choice, self._window = happened, choice, window

    def __iter__(self) -> Iterator[tuple[Happening, bool]]:
        """Yield them as they are read; where times matter, not before there is one."""
        held: list[tuple[Happening, bool]] = []
        for happening in self._happened:
            self.elapsed = happening.elapsed
            if self._window.ended(happening):
                self.ended = True
                break
            chosen = self._choice(happening) and self._window.begun(happening)
            self.wanted += chosen
            if self._window.needs_times and happening.elapsed is None:
                held.append((happening, chosen))
            else:
                yield from held
                held.clear()
                yield happening, chosen


def _for_programs(happening: Happening) -> dict[str, Any]:
    change = happening.change
    return {
        "number": happening.number,
        "revision": change.revision,
        "at": change.at,
        "type": change.event_type,
        "event_id": change.event_id,
        "operations": change.patch(),
        "anomalies": [{"kind": each.kind, "message": each.message} for each in change.anomalies],
    }
