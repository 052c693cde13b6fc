"""``rtstate transcript``: who said what, when, and how much of it was heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import click
from rich.console import RenderableType
from rich.text import Text

from rtstate import Conversation, Snapshot, ToolCall, Turn
from rtstate._types import Dialect
from rtstate.cli._export import OUTPUT, SPEAKERS, export
from rtstate.cli._items import ROLE_STYLES, call, output
from rtstate.cli._layout import BAD, QUIET, WARNING, Entry, clean, count, heading, spaced
from rtstate.cli._page import translation
from rtstate.cli._points import AT, Point, states
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT
from rtstate.exports._people import clock, entries, remarks, speaker, unheard

_FORMATS: Final = ("text", "markdown", "json", "vtt", "srt")
_WIDEST_LABEL: Final = 20


@click.command("transcript", short_help="Show who said what, and how much of it was heard.")
@click.argument("name", metavar="FILE")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Write it as a file of such a kind.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json: for programs.")
@click.option("--tools", is_flag=True, help="Also the calls of tools, with what they came to.")
@click.option("--generated", is_flag=True, help="Also what nobody heard of an answer that was cut off.")
@click.option("--times", is_flag=True, help="In text and Markdown: when each turn began.")
@SPEAKERS
@OUTPUT
@AT
@DIALECT
def transcript_command(
    name: str,
    form: str | None,
    as_json: bool,
    tools: bool,
    generated: bool,
    times: bool,
    speakers: Mapping[str, str],
    output: str | None,
    point: Point | None,
    dialect: Dialect,
) -> None:
    """Show the transcript of FILE, or of standard input for "-": who said what, in order.

    Of an answer that was cut off it has what was heard. At the right edge is when a turn began, on the audio
    clock of its session. What a --format leaves out is named on standard error.

    \b
    rtstate transcript session.jsonl --speaker user=Anna --tools
    rtstate transcript session.jsonl --format markdown --times > session.md
    rtstate transcript session.jsonl --json | jq -r '.turns[] | select(.status == "interrupted").generated'
    """  # noqa: D301
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} are two formats: ask for one")
    form = "json" if as_json else form or ("text" if output else None)
    options = {
        name: True
        for name, wanted in (("tools", tools), ("generated", generated), ("times", times))
        if wanted
    }
    unfit = [each for each in options if form in ("json", "vtt", "srt") or (form is None and each == "times")]
    if unfit:
        raise click.UsageError(f"--{unfit[0]} is about text and Markdown")
    [snapshot] = states(name, Conversation(dialect=dialect, history=0), [point])
    if form is not None:
        export(snapshot, form, output, speakers=speakers, **options)
    else:
        print_blocks(page_console(), _page(snapshot, speakers, tools=tools, generated=generated))


def _page(
    snapshot: Snapshot, speakers: Mapping[str, str], *, tools: bool, generated: bool
) -> Iterator[RenderableType]:
    """Yield the transcript from top to bottom."""
    told = list(entries(snapshot, tools=tools))
    labels = [_label(each, speakers) for each in told]
    width = min(max([10, *map(len, labels)]), _WIDEST_LABEL)
    yield heading("Transcript", count(sum(isinstance(each, Turn) for each in told), "turn"))
    for each, label in zip(told, labels, strict=True):
        style = ROLE_STYLES.get("tool" if isinstance(each, ToolCall) else each.role or "", "bold")
        body = _called(each) if isinstance(each, ToolCall) else _said(snapshot, each, generated=generated)
        began = "" if isinstance(each, ToolCall) else clock(each.start_ms)
        yield Entry(label, style, body, note=began, noted=True, label_width=width)
    if snapshot.translation is not None:
        yield Text()
        yield from translation(snapshot)


def _label(each: Turn | ToolCall, speakers: Mapping[str, str]) -> str:
    if isinstance(each, ToolCall):
        return "tool"
    return speaker(each.role, speakers) if each.role in speakers else clean(each.role or "unknown")


def _said(snapshot: Snapshot, turn: Turn, *, generated: bool) -> Text:
    """Return what was heard of a turn, what was not, and what else there is to say of it."""
    rest = clean(unheard(turn)) if generated and turn.status == "interrupted" else ""
    notes = ", ".join(remarks(snapshot, turn))
    style = BAD if turn.status == "failed" else WARNING if turn.status == "interrupted" else QUIET
    lost = Text.assemble(("; not heard: ", QUIET), (rest, "dim strike")) if rest else Text()
    remark = Text.assemble((f"({notes}", style), lost, (")", style)) if notes else Text()
    return spaced((Text(clean(turn.text or "")), remark), " ")


def _called(each: ToolCall) -> Text:
    came = each.error if each.output is None else each.output
    asked = call(each.name, each.arguments_text, each.server_label)
    return asked if came is None else Text.assemble(asked, "\n", output(came))
