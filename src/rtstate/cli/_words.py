"""Operations on the document in a few words, made from their paths and values alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

from rich.text import Text

from rtstate import Operation
from rtstate.cli._items import reason
from rtstate.cli._layout import BAD, QUIET, STEERING, WARNING, clean

_WHOLE_ID: Final = 16
_TAIL: Final = 5
_KIND: Final = re.compile(r"[a-z]{2,6}_")
_LONGEST: Final = 160
_SHORT: Final = (
    ("conversation.item.input_audio_transcription.", "item.transcript."),
    ("conversation.item.", "item."),
    ("response.", "resp."),
    ("input_audio_buffer.", "input."),
    ("output_audio_buffer.", "output."),
    ("output_audio_transcript.", "transcript."),
    ("function_call_arguments.", "arguments."),
)
MARKS: Final = {"+ ": "green", "− ": "red"}
STATUS_STYLES: Final = {"completed": "green", "failed": BAD, "incomplete": WARNING, "cancelled": WARNING}
_LINES: Final = str.maketrans({"\n": "↵", "\t": " ", "\r": None})


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a value is a JSON object."""
    return isinstance(value, Mapping)


def short_type(event_type: str) -> str:
    """Return a shorter name of an event type; no two known types have the same.

    >>> short_type("conversation.item.input_audio_transcription.completed")
    'item.transcript.completed'
    """
    for long, short in _SHORT:
        event_type = event_type.replace(long, short)
    return event_type


def short_id(name: object, kind: str = "") -> str:
    """Return an id that fits into a line: what it is of, and its end. Both together are taken as a filter.

    >>> short_id("item_CdEfGhIjKlMnOpQrStUvW"), short_id("item_1")
    ('item_…StUvW', 'item_1')
    >>> short_id("18a5d13c-fc90-48fa-8059-001a99b90d77", "response")
    'response …b90d77'
    """
    text = clean(name).replace("\n", " ")
    prefix = _KIND.match(text)
    lead = "" if prefix or not kind else f"{kind} "
    if len(text) <= _WHOLE_ID:
        return f"{lead}{text}"
    return f"{prefix[0]}…{text[-_TAIL:]}" if prefix else f"{lead}…{text[-_TAIL - 1 :]}"


def quoted(text: str, longest: int = _LONGEST) -> str:
    r"""Return a text in quotation marks on one line, its beginning where it is long.

    >>> quoted(" there\n")
    '“ there↵”'
    """
    more = len(text) > longest
    return f"“{_printable(text[:longest])}{'…' * more}”"


def brief(value: Any) -> str:
    """Return any value on one line.

    >>> brief("Hi"), brief(None), brief({"a": [1]})
    ('“Hi”', 'null', '{"a": [1]}')
    """
    if isinstance(value, str):
        return quoted(value)
    text = json.dumps(value, ensure_ascii=False)
    return _printable(text[:_LONGEST]) + "…" * (len(text) > _LONGEST)


def audio(milliseconds: Any) -> str:
    """Return how much audio there is.

    >>> audio(1240), audio(20)
    ('1.24 s', '20 ms')
    """
    if not isinstance(milliseconds, (int, float)):
        return brief(milliseconds)
    return f"{milliseconds / 1000:.2f} s" if milliseconds >= 100 else f"{milliseconds:.0f} ms"


def tokens(usage: Any) -> str:
    """Return what a usage comes to.

    >>> tokens({"total_tokens": 1200, "input_tokens": 1000, "output_tokens": 200})
    '1,200 tokens (1,000 in, 200 out)'
    """
    if not is_object(usage):
        return "no usage" if usage is None else brief(usage)
    told = [usage.get(name) for name in ("total_tokens", "input_tokens", "output_tokens")]
    total, into, out = (f"{each:,}" if isinstance(each, int) else "?" for each in told)
    return f"{total} tokens ({into} in, {out} out)"


def what(item: Mapping[str, Any]) -> str:
    """Return what an item is, and what it holds so far.

    >>> what({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]})
    'user message “Hi”'
    """
    content: list[Any] = item["content"] if isinstance(item.get("content"), list) else []
    parts = [_text(part) for part in content]
    arguments, output = item.get("arguments"), item.get("output")
    held = [*parts, brief(arguments) if arguments else "", "" if output is None else brief(output)]
    return " ".join(filter(None, [kind(item), *held]))


def told(operations: Iterable[Operation]) -> Text:
    """Return what the operations of a change, or of several, did in a few words: ``who what, what · who``."""
    made: dict[tuple[str, str], dict[str, str]] = {}
    operations = tuple(operations)
    for whom, words, style in _said(operations):
        made.setdefault(whom, {}).setdefault(words, style)
    text = Text()
    for (mark, who), said in made.items():
        text.append(" · " if text else "", QUIET)
        text.append(mark, MARKS.get(mark, ""))
        text.append(who.replace("\n", "↵"))
        for number, (words, style) in enumerate((words, style) for words, style in said.items() if words):
            text.append(", " if number else " ")
            text.append(words.replace("\n", "↵"), style)
    return text


_Said = Iterator[tuple[tuple[str, str], str, str]]
"""Who (with a mark before it), what, and in which style."""


def _said(operations: Sequence[Operation]) -> _Said:
    came = {each.path[1] for each in operations if each.op == "add" and _is_of("items", each.path)}
    placed = {each.value for each in operations if each.path[0] == "order"}
    answered = any(each.path[0] == "responses" for each in operations)
    for each in operations:
        match each.path:
            case ("items", name):
                yield _marked(each, name, "item"), "" if each.op == "remove" else what(each.value), ""
            case ("responses", name):
                yield from ((_marked(each, name, "response"), *said) for said in _answer(each.value))
            case ("items", name, "previous_item_id") if name in placed:
                pass
            case ("items", name, *rest):
                who = "+ " if name in came else "", short_id(name, "item")
                yield from ((who, words, style) for words, style in _of_item(each, rest) if words)
            case ("responses", name, "output", int()) if each.op == "add" and each.value in came:
                pass
            case ("responses", name, *rest):
                yield ("", short_id(name, "response")), *_of_response(each, rest)
            case ("usage", kind, *_) if answered and kind == "responses":
                pass
            case _:
                yield from _of_root(each)
    yield from _of_order(operations, came)


def _of_order(operations: Iterable[Operation], came: Iterable[object]) -> _Said:
    """Yield what became of the order: who came into it, who moved."""
    left: list[str] = []
    gone = False
    for each in operations:
        gone = gone or (each.op == "remove" and _is_of("items", each.path))
        if each.path[0] == "order" and each.op == "remove":
            left.append(f"from {each.path[1]}")
        elif each.path[0] == "order" and each.value in came:
            yield ("+ ", short_id(each.value, "item")), f"to {each.path[1]}", ""
        elif each.path[0] == "order":
            whence = f"{left.pop()} " if left else ""
            yield ("", "order:"), f"{short_id(each.value)} {whence}to {each.path[1]}", ""
    if not gone:
        yield from ((("", "order:"), f"one {whence} left", "") for whence in left)


def _marked(each: Operation, name: object, kind: str) -> tuple[str, str]:
    """Return who an operation on a whole entity is about, with a mark for what came and what went."""
    return {"add": "+ ", "remove": "− "}.get(each.op, ""), short_id(name, kind)


def _is_of(table: str, path: Sequence[object]) -> bool:
    return len(path) == 2 and path[0] == table


def _of_item(each: Operation, rest: Sequence[str | int]) -> Iterator[tuple[str, str]]:
    """Yield what became of an item; ``rest`` is the path within it."""
    match rest:
        case ["content", int(place)]:
            yield _part(each, place), ""
        case ["content", int(place), str(name), *more]:
            nth = f"part {place} " if place else ""
            words, style = _of_field(each, ".".join([name, *map(str, more)]))
            yield words and f"{nth}{words}", style
        case _:
            yield _of_field(each, ".".join(map(str, rest)))


def _part(each: Operation, place: int) -> str:
    if each.op == "remove":
        return f"− part {place}"
    kind = clean(each.value.get("type") or "of unknown type")
    return " ".join(filter(None, ["+ part", kind, _text(each.value)]))


def _text(part: Any) -> str:
    """Return the text that a part has so far, in quotation marks."""
    if not is_object(part):
        return ""
    text = part.get("text") or part.get("transcript")
    return quoted(text) if isinstance(text, str) else ""


def _of_field(each: Operation, name: str) -> tuple[str, str]:
    """Return what became of a field of an item or a part."""
    value = each.value
    match name, value:
        case _, str() if each.op == "append":
            return f"+{quoted(value)}", ""
        case (("text" | "transcript" | "arguments"), str()):
            return quoted(value), ""
        case "audio_ms", int():
            return f"audio {audio(value)}", ""
        case (("final" | "ready"), bool()):
            return name if value else f"not {name}", ""
        case "status", str():
            return clean(value).replace("_", " "), STATUS_STYLES.get(value, "")
        case "truncated", {"audio_end_ms": int(end)}:
            return f"cut at {audio(end)}", WARNING
        case "transcription", {"status": "failed", "error": error}:
            return f"transcript failed{f': {reason(error)}' if error else ''}", BAD
        case "transcription", {"status": str(status)}:
            return "transcribed" if status == "final" else f"transcript {clean(status)}", ""
        case "previous_item_id", str():
            return f"after {short_id(value)}", ""
        case "response_id", str():
            return f"of {short_id(value, 'response')}", ""
        case _:
            return _plainly(each, name)


def _answer(response: Any) -> Iterator[tuple[str, str]]:
    """Yield what is said of a response that came or went as a whole."""
    yield "", ""
    if response is not None and response["status"] != "in_progress":
        yield clean(response["status"]), STATUS_STYLES.get(response["status"], "")
    if response is not None and response["usage"]:
        yield tokens(response["usage"]).partition(" (")[0], ""


def _of_response(each: Operation, rest: Sequence[str | int]) -> tuple[str, str]:
    """Return what became of a response."""
    match rest:
        case ["status"]:
            return _of_field(each, "status")
        case ["usage"] if is_object(each.value):
            return tokens(each.value).partition(" (")[0], ""
        case ["output", int()] if each.op == "add":
            return f"+ {short_id(each.value, 'item')}", ""
        case ["status_details"] if is_object(each.value):
            return why(each.value), ""
        case _:
            return _plainly(each, ".".join(map(str, rest)))


def why(details: Mapping[str, Any]) -> str:
    """Return why a response ended as it did, from its ``status_details``.

    >>> why({"type": "cancelled", "reason": "turn_detected"})
    'turn_detected'
    """
    said, error = details.get("reason"), details.get("error")
    return ": ".join(([clean(said)] if said else []) + ([reason(error)] if error else [])) or brief(details)


def _of_usage(each: Operation) -> _Said:
    """Yield what a new total comes to: of all the counters the one that a person asks for."""
    match each.path:
        case ("usage", str(kind), "total_tokens" | "seconds" as unit):
            whose = "transcripts:" if kind == "transcription" else "responses:"
            yield ("", whose), f"{each.value:,} {unit.removeprefix('total_')} in all", ""
        case _:
            pass


def _of_root(each: Operation) -> _Said:
    """Yield what became of a field of the document that is no item and no response."""
    root, *rest = each.path
    match root:
        case "revision" | "order":
            pass
        case "usage":
            yield from _of_usage(each)
        case "session":
            yield from _of_session(each)
        case "input_audio" if len(rest) == 1:
            yield from _of_input_audio(str(rest[0]), each.value)
        case "errors":
            if each.op != "remove":
                yield ("", "error"), reason(each.value), BAD
        case "conversation_id":
            yield ("", "conversation"), short_id(each.value), ""
        case "rate_limits" if not rest:
            for name, limit in each.value.items():
                left = limit.get("remaining")
                yield (
                    ("", "rate limits:"),
                    f"{clean(name)} {'?' if left is None else f'{left:,.0f}'} left",
                    "",
                )
        case "translation" if rest:
            yield ("", str(rest[0]).partition("_")[0]), _of_field(each, "text")[0], ""
        case "translation" if each.op != "remove":
            heard = {name.partition("_")[0]: text for name, text in each.value.items() if text is not None}
            yield from ((("", name), quoted(text), "") for name, text in heard.items())
        case _:
            yield ("", clean(root)), _plainly(each, ".".join(map(str, rest)))[0], ""


def _of_session(each: Operation) -> _Said:
    """Yield which session it is, or which of its settings changed."""
    value: Any = each.value
    if len(each.path) > 1:
        gone = each.op == "remove" and len(each.path) == 2
        yield ("− " if gone else "", "session"), clean(each.path[1]), ""
    else:
        known = [short_id(value.get("id") or ""), clean(value.get("model") or "")]
        yield ("", "session"), ", ".join(filter(None, known)), ""


def _of_input_audio(name: str, value: Any) -> _Said:
    """Yield that the user begins or ends to speak, and when on the clock of the session's audio."""
    if name == "speaking":
        yield ("", "user"), "speaks" if value else "stops", ""
    elif name != "item_id" and value is not None:
        yield ("", "user"), f"at {audio(value)}", ""


def _plainly(each: Operation, name: str) -> tuple[str, str]:
    words = f"{clean(name)} gone" if each.op == "remove" else f"{clean(name)} {brief(each.value)}"
    return words.strip(), ""


def kind(item: Mapping[str, Any]) -> str:
    """Return what kind of item it is."""
    match item.get("type"):
        case "message":
            return f"{clean(item.get('role') or 'unknown')} message"
        case "function_call":
            return f"call of {clean(item.get('name') or '(no name yet)')}"
        case "function_call_output":
            return "output of a call"
        case other:
            return " ".join(clean(other).split("_"))


def _printable(text: str) -> str:
    return text.translate(_LINES).translate(STEERING)
