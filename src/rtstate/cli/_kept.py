"""``rtstate ls``, ``show``, ``tail``, ``compact`` and ``delete``: the conversations of a log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
import click
from rich.table import Table
from rich.text import Text

from rtstate import Conversation
from rtstate.cli._happenings import happenings
from rtstate.cli._layout import QUIET, clean, count
from rtstate.cli._lines import log_lines, runs
from rtstate.cli._logs import LOG, check_name, entries, errors_told, expect, opened, recorded, run
from rtstate.cli._printing import page_console, print_blocks, print_document, print_page
from rtstate.cli._reading import Refused
from rtstate.errors import LeaseHeld, LogDamaged
from rtstate.hub import Hub, revive
from rtstate.hub._revive import restored
from rtstate.logs import Checkpoint, Entry, Log, Summary
from rtstate.logs._log import summaries_of
from rtstate.wire import Raw

_SIZES: Final = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"))
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@click.command("ls", short_help="List the conversations of a log.")
@LOG
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per conversation instead.")
def ls_command(url: str, as_json: bool) -> None:
    """List the conversations of a log, the one that was written last at the end.

    \b
    rtstate ls --log sqlite:///calls.db
    rtstate ls --log redis://localhost/0 --json | jq -r 'select(.last > 1000) | .name'
    """  # noqa: D301
    summaries = run(_summaries(opened(url)))
    if as_json:
        for each in summaries:
            click.echo(json.dumps(attrs.asdict(each), ensure_ascii=False).encode())
        return
    if not summaries:
        click.echo("There are no conversations. rtstate record and rtstate import bring some.", err=True)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("conversation", overflow="fold")
    for title in ("events", "size", "updated", "checkpoint"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("writer", style=QUIET, overflow="fold")
    for each in summaries:
        table.add_row(*map(Text, _row(each, time.time())))
    page_console().print(table)


def _row(each: Summary, now: float) -> tuple[str, ...]:
    kept = f" ({each.last - each.first + 1:,} kept)" if each.first > 1 else ""
    checkpoint = f"at {each.checkpoint:,}" if each.checkpoint else "none"
    return (
        clean(each.name),
        f"{each.last:,}{kept}",
        _size(each.size),
        _age(now - each.updated),
        checkpoint,
        clean(each.holder or ""),
    )


def _size(size: float) -> str:
    if size < 1000:
        return f"{size:.0f} B"
    unit = next(each for each in _SIZES if size < 1000 * each[0] or each is _SIZES[-1])
    return f"{size / unit[0]:.1f} {unit[1]}"


def _age(seconds: float) -> str:
    """Return how long ago that was, in its largest unit."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return "now"


async def _summaries(log: Log) -> list[Summary]:
    async with log:
        found = [each async for each in summaries_of(log)]
    return sorted(found, key=lambda each: (each.updated, each.name))


@click.command("show", short_help="Print what a conversation of a log has come to.")
@click.argument("name")
@LOG
@click.option("--json", "as_json", is_flag=True, help="Print the rtstate/1 document instead, on one line.")
@click.option("--pretty", is_flag=True, help="Print the document with indentation.")
def show_command(name: str, url: str, as_json: bool, pretty: bool) -> None:
    """Print what the conversation NAME has come to, from its last checkpoint and the events since.

    Every other command that takes a FILE takes URL#NAME as well, and reads all its events.

    \b
    rtstate show support-17 --log sqlite:///calls.db
    rtstate transcript sqlite:///calls.db#support-17
    """  # noqa: D301
    conversation = run(_revived(opened(url), name))
    if as_json or pretty:
        print_document(conversation, pretty)
    else:
        print_page(page_console(), conversation)


async def _revived(log: Log, name: str) -> Conversation:
    async with log:
        await expect(log, name)
        return (await revive(log, name, lambda: Conversation(history=0))).conversation


@click.command("tail", short_help="Show the last events of a conversation, and those that come.")
@click.argument("name")
@LOG
@click.option(
    "-n", "--events", "wanted", type=click.IntRange(0), default=10, show_default=True, help="How many."
)
@click.option("--no-follow", is_flag=True, help="Do not wait for more.")
@click.option("--json", "as_json", is_flag=True, help="Print the events themselves, as a recording.")
def tail_command(name: str, url: str, wanted: int, no_follow: bool, as_json: bool) -> None:
    """Show the last events of the conversation NAME and what each changed, then those that come.

    Any number of these may follow, while another process writes. Ctrl-C ends it.

    \b
    rtstate tail support-17 --log redis://localhost/0
    rtstate tail support-17 --log sqlite:///calls.db -n 1000000 --no-follow --json > call.jsonl
    """  # noqa: D301
    summary, kept = run(_known(opened(url), name))
    begin = max(summary.last - wanted, 0)
    if as_json:
        for entry in entries(url, name, max(begin, summary.first - 1), follow=not no_follow):
            click.echo(recorded(entry).encode())
        return
    conversation, after = _state_before(summary, kept, begin)
    if after > begin:
        kept_on = "" if summary.first > summary.last else f"; --json prints those from {summary.first:,} on"
        click.echo(
            f"rtstate: compacted: what events changed is known after {after:,} only{kept_on}", err=True
        )
    events = _after(begin, entries(url, name, after, follow=not no_follow), conversation)
    shown = ((each, True) for each in happenings(events, conversation, max(begin, after) + 1))
    print_blocks(page_console(), log_lines(runs(shown, fold=no_follow)), at_once=1)


async def _known(log: Log, name: str) -> tuple[Summary, Checkpoint | None]:
    async with log:
        return await expect(log, name), await log.load(name)


def _state_before(summary: Summary, kept: Checkpoint | None, begin: int) -> tuple[Conversation, int]:
    """Return a state from which to go on to an event, and its place: later only where there is no other."""
    if summary.first == 1 and kept is not None and kept.seq > begin:
        kept = None
    with errors_told():
        return restored(summary.name, kept, summary.first, lambda: Conversation(history=0))


def _after(
    begin: int, kept: Iterable[Entry], conversation: Conversation
) -> Iterator[tuple[int, Raw, float | None]]:
    """Yield the events after one; those before go into the state unseen."""
    for each in kept:
        if each.seq > begin:
            yield each.seq, each.raw, each.at
        else:
            conversation.feed(each.raw, each.at)


@click.command("compact", short_help="Checkpoint conversations, and drop the events before.")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@LOG
@click.option("--yes", is_flag=True, help="Do not ask.")
def compact_command(names: Sequence[str], url: str, yes: bool) -> None:
    """Checkpoint conversations, all unless some are named, and drop the events that their checkpoints hold.

    The state stays, and goes on; the events themselves are gone, and with them replay, log and diff. One that
    is being written is left alone. A file is made as small as it can be.

    \b
    rtstate compact --log sqlite:///calls.db
    """  # noqa: D301
    log = opened(url)
    for name in names:
        check_name(log, name)
    what = count(len(names), "conversation") if names else "all conversations"
    if not yes:
        click.confirm(f"Drop the events of {what} that a checkpoint holds?", abort=True, err=True)
    damaged = run(_compact(log, names))
    if damaged:
        raise Refused("; ".join(damaged))


async def _compact(log: Log, names: Sequence[str]) -> list[str]:
    """Compact each; return of those that are damaged, what is wrong with them."""
    damaged: list[str] = []
    async with log, Hub(log) as hub:
        for name in names:
            await expect(log, name)
        done = dropped = 0
        for name in names or [name async for name in log.names()]:
            try:
                await hub.open(name)
                await hub.close(name)
                dropped += await log.trim(name)
                done += 1
            except LeaseHeld as held:
                click.echo(f"{clean(name)}: left alone, {clean(held.holder)} writes it", err=True)
            except LogDamaged as error:
                damaged.append(clean(error))
        click.echo(f"Compacted {count(done, 'conversation')}: {count(dropped, 'event')} dropped.")
        freed = await log.compact()
        if freed:
            click.echo(f"The file is smaller by {_size(freed)}.")
    return damaged


@click.command("delete", short_help="Delete conversations from a log.")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@LOG
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete_command(names: Sequence[str], url: str, yes: bool) -> None:
    """Delete conversations, with all that is kept of them. One that is being written is left alone.

    \b
    rtstate delete support-17 --log sqlite:///calls.db
    """  # noqa: D301
    log = opened(url)
    for name in names:
        check_name(log, name)
    if not yes:
        click.confirm(f"Delete {count(len(names), 'conversation')} for good?", abort=True, err=True)
    left = run(_delete(log, names))
    if left:
        raise Refused("; ".join(left))


async def _delete(log: Log, names: Sequence[str]) -> list[str]:
    """Delete each; return of those that are left alone, why."""
    left: list[str] = []
    async with log, Hub(log) as hub:
        for name in names:
            try:
                if await hub.delete(name):
                    click.echo(f"Deleted {clean(name)}.")
                else:
                    left.append(f"there is no conversation {clean(name)!r}")
            except (LeaseHeld, LogDamaged) as error:
                left.append(clean(error))
    return left
