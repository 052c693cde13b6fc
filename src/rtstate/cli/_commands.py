"""The commands: what may be asked for, and where it is printed."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Final, Literal, cast

import click
from rich.console import Console, Group
from rich.text import Text

from rtstate import Conversation, __version__, simulate
from rtstate.cli._layout import PAGE_WIDTH, QUIET
from rtstate.cli._page import page
from rtstate.cli._reading import Unusable, replay

_BLOCKS_AT_ONCE: Final = 50


def run() -> int:
    """Run the command; return its exit code: 1 for what was refused, 2 for misuse, 130 when interrupted."""
    try:
        return commands.main(prog_name="rtstate", standalone_mode=False) or 0
    except click.ClickException as refused:
        refused.show()
        return refused.exit_code
    except click.Abort:
        return 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": PAGE_WIDTH})
@click.version_option(__version__, prog_name="rtstate", message="%(prog)s %(version)s")
def commands() -> None:
    """Read recorded sessions of a Realtime API: who said what, what was heard, what it cost.

    \b
    rtstate demo                           see it with a bundled example
    rtstate replay session.jsonl           read a recording of your own
    rtstate replay session.jsonl --json    the same as a document for programs
    """  # noqa: D301  (click's mark for lines that stay as they are)


@commands.command("replay", short_help="Replay a recording and print what it came to.")
@click.argument("name", metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the rtstate/1 document instead, on one line.")
@click.option("--pretty", is_flag=True, help="Print the document with indentation.")
@click.option("--strict", is_flag=True, help="Stop at the first line that cannot be read, with exit code 1.")
@click.option(
    "--dialect",
    type=click.Choice(["auto", "openai", "xai"]),
    default="auto",
    show_default=True,
    help="Whose server it was; only needed where the recording does not tell.",
)
def replay_command(
    name: str, as_json: bool, pretty: bool, strict: bool, dialect: Literal["auto", "openai", "xai"]
) -> None:
    """Replay the recording FILE, or standard input for "-", and print what it came to.

    FILE has one JSON event a line, of the server and the client, as they crossed the socket; or
    {"at": seconds, "event": {...}} where the time was noted. Lines that cannot be read are named on
    standard error and skipped.

    \b
    rtstate replay session.jsonl
    zcat session.jsonl.gz | rtstate replay - --json | jq .usage
    """  # noqa: D301
    conversation = Conversation(dialect=dialect, history=0, strict=strict)
    replay(name, conversation)
    if as_json or pretty:
        _print_document(conversation, pretty)
    else:
        _print_page(_console(), conversation)


@commands.command("demo", short_help="Replay a bundled example or a simulated session.")
@click.option("--seed", type=int, help="Simulate another session than the bundled example.")
@click.option(
    "--dialect", type=click.Choice(simulate.DIALECTS), help="Which protocol its server speaks.  [default: ga]"
)
@click.option(
    "--turns", type=click.IntRange(1, 10_000), help="How many turns it has, at least.  [default: 6]"
)
@click.option("--save", "file", metavar="FILE", help="Write the session to FILE instead, for replay.")
def demo_command(seed: int | None, dialect: str | None, turns: int | None, file: str | None) -> None:
    """Replay the bundled example, or a session simulated from a seed, and print what it came to.

    \b
    rtstate demo
    rtstate demo --seed 3 --dialect xai --turns 12 --save session.jsonl
    """  # noqa: D301
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
    console = _console()
    console.print(Text.assemble(what, (" Your own: ", QUIET), "rtstate replay FILE"))
    console.print()
    _print_page(console, conversation)


def _save(call: simulate.Session, file: str) -> None:
    """Write a session as a recording, one timed event a line."""
    try:
        with Path(file).open("w", encoding="utf-8", newline="\n") as recording:
            timed = ({"at": at, "event": event} for at, event in call.timed)
            recording.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in timed)
    except OSError as error:
        raise Unusable(f"{file} cannot be written: {error.strerror}") from None


def _print_document(conversation: Conversation, pretty: bool) -> None:
    """Print the document in UTF-8, whatever the terminal's encoding: it is data."""
    snapshot = conversation.snapshot()
    text = json.dumps(snapshot.to_dict(), ensure_ascii=False, indent=2) if pretty else snapshot.to_json()
    click.echo(text.encode())


def _print_page(console: Console, conversation: Conversation) -> None:
    """Print the page, some blocks at a time: a print costs as much as a block, a long page starts soon."""
    blocks = page(conversation.snapshot(), conversation.stats, conversation.anomalies)
    while some := tuple(islice(blocks, _BLOCKS_AT_ONCE)):
        console.print(Group(*some))


def _console() -> Console:
    """Return the console of standard output, which prints what its encoding lacks as ``?``."""
    stdout = cast(object, sys.stdout)
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")
    console = Console(highlight=False, emoji=False)
    console.width = min(console.width, PAGE_WIDTH)
    return console
