"""``rtstate replay`` and ``rtstate demo``: what a session came to, as a page or as the document."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.text import Text

from rtstate import Conversation, simulate
from rtstate._types import Dialect
from rtstate.cli._layout import QUIET
from rtstate.cli._live import can_be_live, live
from rtstate.cli._points import AT, Point, states
from rtstate.cli._printing import page_console, print_document, print_page
from rtstate.cli._reading import DIALECT, Unusable


@click.command("replay", short_help="Replay a recording and print what it came to.")
@click.argument("name", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the rtstate/1 document instead, on one line.")
@click.option("--pretty", is_flag=True, help="Print the document with indentation.")
@AT
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be read, with exit code 1.")
@DIALECT
def replay_command(
    name: str, as_json: bool, pretty: bool, point: Point | None, strict: bool, dialect: Dialect
) -> None:
    """Replay the recording FILE, or standard input for "-", and print what it came to.

    FILE has one JSON event a line, of the server and the client, as they crossed the socket; or
    {"at": seconds, "event": {...}} where the time was noted. Lines that cannot be read are named on
    standard error and skipped. Times are counted from the first event.

    \b
    rtstate replay session.jsonl
    rtstate replay session.jsonl --at 1m5s
    zcat session.jsonl.gz | rtstate replay - --json | jq .usage
    """  # noqa: D301
    conversation = Conversation(dialect=dialect, history=0, strict=strict)
    states(name, conversation, [point])
    if as_json or pretty:
        print_document(conversation, pretty)
    else:
        print_page(page_console(), conversation)


@click.command("demo", short_help="Replay a bundled example or a simulated session.")
@click.option("--seed", type=int, help="Simulate another session than the bundled example.")
@click.option(
    "--dialect", type=click.Choice(simulate.DIALECTS), help="Which protocol its server speaks.  [default: ga]"
)
@click.option(
    "--turns", type=click.IntRange(1, 10_000), help="How many turns it has, at least.  [default: 6]"
)
@click.option("--save", "file", metavar="FILE", help="Write the session to FILE instead, for replay.")
@click.option("--live", "on_page", is_flag=True, help="Show a call that goes on now, on a page in a browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8700,
    show_default=True,
    help="Where that page is; 0: any free one.",
)
def demo_command(
    seed: int | None, dialect: str | None, turns: int | None, file: str | None, on_page: bool, port: int
) -> None:
    """Replay the bundled example, or a session simulated from a seed, and print what it came to.

    \b
    rtstate demo
    rtstate demo --live
    rtstate demo --seed 3 --dialect xai --turns 12 --save session.jsonl
    """  # noqa: D301
    if on_page:
        live(port)
        return
    if seed is None and dialect is None and turns is None:
        what, call = "The bundled example, a simulated call.", simulate.example()
    else:
        what = "A simulated session."
        call = simulate.session(7 if seed is None else seed, turns or 6, dialect or "ga")
    if file is not None:
        _save(call, file)
        click.echo(f"Saved to {file}: {len(call.events)} events. Now: rtstate replay {file}")
        return
    conversation = Conversation(history=0)
    for at, event in call.timed:
        conversation.feed(event, at)
    console = page_console()
    console.print(Text.assemble(what, (" Your own: ", QUIET), "rtstate replay FILE"))
    console.print()
    print_page(console, conversation)
    _offer(port)


def _offer(port: int) -> None:
    """Ask whoever sits there whether to go on with a live call."""
    if can_be_live() and sys.stdin.isatty() and sys.stdout.isatty():
        click.echo()
        if click.confirm("See a live call, on a page in your browser?", default=True):
            live(port)


def _save(call: simulate.Session, file: str) -> None:
    """Write a session as a recording, one timed event a line."""
    try:
        with Path(file).open("w", encoding="utf-8", newline="\n") as recording:
            timed = ({"at": at, "event": event} for at, event in call.timed)
            recording.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in timed)
    except OSError as error:
        raise Unusable(f"{file} cannot be written: {error.strerror}") from None
