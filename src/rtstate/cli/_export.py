"""``rtstate export``: the conversation as another API, a person or a player takes it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from rtstate import Conversation, LeftOut, Snapshot, exports
from rtstate._types import Dialect
from rtstate.cli._happenings import meant
from rtstate.cli._layout import clean, count
from rtstate.cli._points import AT, Point, states
from rtstate.cli._reading import DIALECT, Refused, Unusable, lines
from rtstate.cli._words import kind, short_id

_JSON: Final[Mapping[str, Callable[[Snapshot], Any]]] = {
    "chat": exports.chat_messages,
    "responses": exports.responses_input,
    "agents": exports.agents_items,
    "livekit": exports.livekit_chat_context,
    "agui": exports.agui_messages,
    "json": exports.transcript_json,
}
_CAPTIONS: Final[Mapping[str, Callable[..., str]]] = {"vtt": exports.webvtt, "srt": exports.srt}
_TEXTS: Final[Mapping[str, Callable[..., str]]] = {"markdown": exports.markdown, "text": exports.plain_text}
_NO_MCP: Final = ("chat", "agents", "livekit", "agui")
_MCP_ASIDE: Final = ("mcp_list_tools", "mcp_approval_request", "mcp_approval_response")
_SHOWN: Final = 20
_PIPE: Final = "-"


def _names(_context: click.Context, _option: click.Parameter, told: Sequence[str]) -> dict[str, str]:
    """Return the names by role, from ``role=name``."""
    pairs = [each.partition("=") for each in told]
    if not all(role.strip() and name.strip() for role, _, name in pairs):
        raise click.BadParameter("a name is given as ROLE=NAME: user=Anna")
    return {role.strip(): name.strip() for role, _, name in pairs}


OUTPUT: Final = click.option(
    "-o", "--output", metavar="FILE", help="Write to FILE instead of standard output."
)
SPEAKERS: Final = click.option(
    "--speaker",
    "speakers",
    metavar="ROLE=NAME",
    multiple=True,
    callback=_names,
    help="What to call who has a role: user=Anna. In texts and captions.",
)
"""Options of the commands that write a transcript."""


@click.command("export", short_help="Write a conversation in the form that something else takes.")
@click.argument("name", metavar="FILE")
@click.option(
    "--format",
    "form",
    type=click.Choice([*_JSON, *_TEXTS, *_CAPTIONS, "wav", "events"]),
    help="What for: an API's input, a transcript, captions, or the sound of an item.  [events with --log]",
)
@click.option("--log", "url", metavar="URL", help="FILE is the name of a conversation in this log.")
@OUTPUT
@click.option("--pretty", is_flag=True, help="Indent JSON.")
@SPEAKERS
@click.option("--item", metavar="ID", help="Whose sound; the beginning or the end of an id is enough.")
@click.option("--part", type=click.IntRange(0), default=0, help="Which part of that item.  [default: 0]")
@AT
@DIALECT
def export_command(
    name: str,
    form: str | None,
    url: str | None,
    output: str | None,
    pretty: bool,
    speakers: Mapping[str, str],
    item: str | None,
    part: int,
    point: Point | None,
    dialect: Dialect,
) -> None:
    """Write the conversation of FILE, or of standard input for "-", in another form.

    \b
    chat       messages of Chat Completions     text, markdown  a transcript
    responses  input of the Responses API       json            a transcript for programs
    agents     items of the OpenAI Agents SDK   vtt, srt        captions
    livekit    chat context of LiveKit Agents   wav             the sound of one item
    agui       messages of AG-UI                events          the events, as a recording

    What is left out is named on standard error.

    \b
    rtstate export session.jsonl --format chat | jq '.[-1]'
    rtstate export session.jsonl --format vtt -o session.vtt
    rtstate export session.jsonl --format wav --item 4VHbC -o hello.wav
    rtstate export support-17 --log sqlite:///calls.db -o support-17.jsonl
    """  # noqa: D301
    if url is not None:
        name, form = f"{url}#{name}", form or "events"
    if form is None:
        raise click.UsageError("Missing option '--format'.")
    if form == "events":
        write("".join(f"{line.rstrip()}\n" for line in lines(name) if line.strip()).encode(), output)
    elif form == "wav":
        if output in (None, _PIPE) and sys.stdout.isatty():
            raise click.UsageError("a terminal cannot show sound: name a file with --output, or pipe it on")
        conversation = Conversation(audio="keep", dialect=dialect, history=0)
        states(name, conversation, [point])
        write(_sound(conversation, item, part), output)
    elif item is not None or part:
        raise click.UsageError("--item and --part are about sound, --format wav")
    else:
        [snapshot] = states(name, Conversation(dialect=dialect, history=0), [point])
        export(snapshot, form, output, pretty=pretty, speakers=speakers)


def export(
    snapshot: Snapshot,
    form: str,
    output: str | None,
    *,
    pretty: bool = False,
    speakers: Mapping[str, str] | None = None,
    **options: bool,
) -> None:
    """Write a conversation in one of the forms, and name on standard error what that leaves out."""
    lost = _left_out(snapshot, form)
    if form in _JSON:
        text = json.dumps(_JSON[form](snapshot), ensure_ascii=False, indent=2 if pretty else None) + "\n"
    elif form in _TEXTS:
        text = _TEXTS[form](snapshot, speakers=speakers, **options)
    else:
        text = _captions(snapshot, form, speakers, lost)
    write(text.encode(), output)
    _name(lost, snapshot)


def write(data: bytes, output: str | None) -> None:
    """Write to a file, or to standard output where none is named."""
    if output in (None, _PIPE):
        click.echo(data, nl=False)
        return
    try:
        Path(str(output)).write_bytes(data)
    except OSError as error:
        raise Unusable(f"{output} cannot be written: {error.strerror}") from None


def _captions(
    snapshot: Snapshot, form: str, speakers: Mapping[str, str] | None, lost: Sequence[LeftOut]
) -> str:
    """Return captions; raise Refused where there is something to show, and all of it is left out."""
    try:
        text = _CAPTIONS[form](snapshot, speakers=speakers)
    except ModuleNotFoundError as missing:
        raise Unusable(str(missing)) from None
    timeless = [each for each in lost if each.reason == "no_time"]
    if timeless and not text.removeprefix("WEBVTT\n"):
        raise Refused(
            "there is nothing to caption: no turn has a time; record each line as "
            '{"at": seconds, "event": {...}}'
        )
    return text


def _sound(conversation: Conversation, wanted: str | None, index: int) -> bytes:
    """Return the sound of the item that is meant, as a file."""
    snapshot = conversation.snapshot()
    items = [*snapshot.items, *snapshot.unplaced]
    if wanted is None:
        heard = [item.id for item in items if any(part.audio_ms is not None for part in item.content)]
        shown = ", ".join(short_id(each, "item") for each in heard[:_SHOWN]) or "none"
        raise click.UsageError(f"--format wav needs --item; with sound there are: {shown}")
    try:
        return exports.wav(conversation, meant(wanted, [item.id for item in items], "item"), index)
    except (LookupError, ValueError) as error:
        raise Refused(clean(error.args[0])) from None
    except ModuleNotFoundError as missing:
        raise Unusable(str(missing)) from None


def _left_out(snapshot: Snapshot, form: str) -> list[LeftOut]:
    """Return what a form leaves out, in the order of the conversation."""
    if form in _CAPTIONS:
        return list(exports.left_out_of_captions(snapshot))
    if form in _TEXTS or form == "json":
        return []
    types = {item.id: item.type for item in snapshot.items}
    lost = list(exports.left_out(snapshot))
    if form == "agui":  # a screen shows the calls that wait
        lost = [each for each in lost if each.reason != "no_output" or types[each.item_id] != "function_call"]
    if form in _NO_MCP:
        known = {each.item_id for each in lost}
        lost += [
            LeftOut(item_id, "unsupported")
            for item_id, type_ in types.items()
            if type_ in _MCP_ASIDE and item_id not in known
        ]
    place = {item_id: at for at, item_id in enumerate(types)}
    return sorted(lost, key=lambda each: place[each.item_id])


def _name(lost: Sequence[LeftOut], snapshot: Snapshot) -> None:
    """Name on standard error what is left out."""
    for each in lost[:_SHOWN]:
        item = snapshot.item(each.item_id)
        what = kind(item.to_dict()) if item else "item"
        part = "" if each.content_index is None else f", part {each.content_index}"
        why = each.reason.replace("_", " ")
        click.echo(f"left out: {short_id(each.item_id, 'item')}, {what}{part}: {why}", err=True)
    if len(lost) > _SHOWN:
        click.echo(f"left out: {count(len(lost) - _SHOWN, 'more item')}", err=True)
