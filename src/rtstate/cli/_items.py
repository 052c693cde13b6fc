"""The items of a conversation as entries of the page: who speaks, and what there is of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.text import Text

from rtstate import Item, Part
from rtstate.cli._layout import BAD, QUIET, WARNING, Entry, clean, seconds, spaced

ROLE_STYLES: Final = {"user": "bold green", "assistant": "bold cyan", "tool": "bold blue", "mcp": "bold blue"}
_ARGUMENT_LENGTH: Final = 80
_OUTPUT_LENGTH: Final = 600


def entries(items: Iterable[Item]) -> Iterator[Entry]:
    """Yield one entry for each item, in the order given."""
    names: dict[str | None, str | None] = {}
    before: Item | None = None
    for item in items:
        label, body = _told(item)
        if item.type == "function_call":
            names[item.call_id] = item.name
        elif item.type == "function_call_output":
            if before is not None and before.type == "function_call" and before.call_id == item.call_id:
                label = ""
            else:
                body = Text.assemble(clean(names.get(item.call_id) or item.call_id), " ", body)
        spoken = [part.audio_ms for part in item.content if part.audio_ms is not None]
        yield Entry(
            label,
            ROLE_STYLES.get(label, "bold"),
            spaced((body, _standing(item)), "  "),
            note=seconds(sum(spoken)) if spoken else "",
            noted=True,
        )
        before = item


def reason(error: Any) -> str:
    """Return what an error says, whatever shape a server gave it."""
    if not isinstance(error, Mapping):
        return clean(error)
    fields: Mapping[str, Any] = error  # pyright: ignore[reportUnknownVariableType]
    said = [fields.get("code") or fields.get("type"), fields.get("message")]
    return ": ".join(clean(each) for each in said if each) or _json(fields)


def _told(item: Item) -> tuple[str, Text]:
    """Return who speaks, and what."""
    match item.type:
        case "message" | "force_message":
            return clean(item.role or "unknown"), Text("\n").join([_part(part) for part in item.content])
        case "function_call":
            return "tool", call(item.name, item.arguments)
        case "function_call_output":
            return "tool", output(item.output)
        case "mcp_list_tools":
            tools = ", ".join(tool_name(tool) for tool in item.tools or ())
            return "mcp", Text(f"{clean(item.server_label or 'a server')} offers {tools or 'no tools'}")
        case "mcp_call":
            asked = call(item.name, item.arguments, item.server_label)
            if item.error is not None:
                return "mcp", Text.assemble(asked, "\n→ ", (reason(item.error), BAD))
            return "mcp", asked if item.output is None else Text.assemble(asked, "\n", output(item.output))
        case "mcp_approval_request":
            return "mcp", Text.assemble(
                "may it run ", call(item.name, item.arguments, item.server_label), "?"
            )
        case "mcp_approval_response":
            answer = "approved" if item.approve else "refused"
            return "user", Text(f"{answer}: {clean(item.reason)}" if item.reason else answer)
        case _:
            return "other", Text.assemble(clean(item.type), (f"  {_short(_json(item.extra))}", QUIET))


def _standing(item: Item) -> Text:
    """Return how an item stands where that is not simply completed."""
    if item.type == "function_call" and item.status == "completed" and not item.ready:
        return Text("(not to be run: its response did not complete)", WARNING)
    if item.status in (None, "completed"):
        return Text()
    return Text(f"({clean(item.status).replace('_', ' ')})", WARNING)


def _part(part: Part) -> Text:
    match part.type:
        case "input_image":
            return Text(_image(part.image_url), QUIET)
        case "input_text" | "output_text":
            return Text(clean(part.text or ""))
        case "input_audio":
            return _heard_from_user(part)
        case "output_audio":
            return _spoken(part)
        case _:
            return Text(
                f"[{clean(part.type or 'a part of unknown type')}]  {_short(_json(part.extra))}", QUIET
            )


def _heard_from_user(part: Part) -> Text:
    """Return what the user said, as far as its transcription has come."""
    said = Text(clean(part.transcript or part.text or ""))
    match part.transcription and part.transcription.status:
        case "pending":
            return spaced((said, Text("(transcript pending)", QUIET)), "  ")
        case "partial":
            return spaced((said, Text("… (transcript partial)", QUIET)), " ")
        case "failed":
            error = part.transcription and part.transcription.error
            why = f": {reason(error)}" if error else ""
            return spaced((said, Text(f"(transcript failed{why})", BAD)), "  ")
        case _:
            return said or Text("(empty transcript)", QUIET)


def _spoken(part: Part) -> Text:
    """Return what the assistant said, and where it was cut off what nobody heard."""
    said = Text(clean(part.transcript or part.text or ""))
    cut = part.truncated
    if cut is None:
        return said or Text("(no transcript)", QUIET)
    heard, generated = said.plain, clean(cut.generated_transcript or "")
    unheard = generated[len(heard) :].strip() if generated.startswith(heard) else generated
    mark = f"cut at {seconds(cut.audio_end_ms)}" + (", by a speaking rate" if cut.basis == "rate" else "")
    lost = Text.assemble((mark, WARNING), (", not heard: ", QUIET), (unheard, "dim strike"))
    return spaced((said, lost if unheard else Text(mark, WARNING)), "\n")


def call(name: str | None, arguments: str | None, server: str | None = None) -> Text:
    """Return a call as a programmer writes it; arguments that are not a JSON object (yet) as they are."""
    try:
        pairs: Iterable[tuple[str, Any]] = json.loads(arguments or "{}").items()
        written = ", ".join(f"{clean(key)}={_short(_json(value), _ARGUMENT_LENGTH)}" for key, value in pairs)
    except (AttributeError, ValueError, RecursionError):
        written = _short(clean(arguments), _ARGUMENT_LENGTH)
    prefix = f"{clean(server)}." if server else ""
    return Text.assemble(prefix, (clean(name or "(no name yet)"), "bold"), f"({written})")


def output(value: Any) -> Text:
    """Return what a call came to, its beginning where it is long."""
    text = clean(value) if isinstance(value, str) else _json(value)
    return Text.assemble("→ ", _short(text) or ("(empty)", QUIET))


def _image(address: str | None) -> str:
    """Say which image it is: its address, or how large one that came inline is."""
    if not address:
        return "[image]"
    if not address.startswith("data:"):
        return f"[image {_short(clean(address), _ARGUMENT_LENGTH)}]"
    kind, _, data = address.removeprefix("data:").partition(",")
    return f"[image, {clean(kind.partition(';')[0])}, {len(data) * 3 // 4:,} bytes]"


def tool_name(tool: Any) -> str:
    """Return what a tool in a listing is called."""
    return clean(tool.get("name")) if isinstance(tool, Mapping) else clean(tool)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def _json(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False))


def _short(text: str, length: int = _OUTPUT_LENGTH) -> str:
    """Return a text cut to a length, and say how much is missing."""
    if len(text) <= length:
        return text
    return f"{text[:length].rstrip()} … ({len(text) - length:,} more characters)"
