"""``rtstate diff``: what changed between two points of a session, entity by entity."""

from __future__ import annotations

import json

import click

from rtstate import Conversation
from rtstate._diff import diff
from rtstate._types import Dialect
from rtstate.cli._difference import difference
from rtstate.cli._points import Point, read_point, states
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT


@click.command("diff", short_help="Show what changed between two points of a recording.")
@click.argument("name", metavar="FILE")
@click.option(
    "--from",
    "since",
    type=read_point,
    metavar="WHEN",
    default="0",
    help="A revision (120) or a time (12.5s, 1m5s, 0:12.5).",
)
@click.option("--to", "until", type=read_point, metavar="WHEN", help="The other point; by default the end.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Patch operations (RFC 6902) instead.")
@click.option("--append", is_flag=True, help="With --json: append to a text that only grew.")
@DIALECT
def diff_command(
    name: str, since: Point, until: Point | None, as_json: bool, append: bool, dialect: Dialect
) -> None:
    """Show what changed between two points of FILE, or of standard input for "-".

    Times are counted from the first event. With the later point first it shows what going back would take.

    \b
    rtstate diff session.jsonl --from 12.5s --to 20s
    rtstate diff session.jsonl --from 120 --to 130 --json
    """  # noqa: D301
    if append and not as_json:
        raise click.UsageError("--append is about the operations that --json prints")
    old, new = states(name, Conversation(dialect=dialect, history=0), [since, until])
    if as_json:
        click.echo(json.dumps(diff(old, new, append), ensure_ascii=False).encode())
    else:
        print_blocks(page_console(), difference(old, new))
