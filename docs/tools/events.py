"""Print docs/events.md: every event, who sends it, and what it changes, from the code.

``python docs/tools/events.py > docs/events.md``. What an event changes is not written down anywhere:
sessions of every dialect are simulated, and with the small ones below fed event by event; the paths of
all operations are collected.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from rtstate import Conversation, simulate
from rtstate.wire import CLIENT_TABLE, TABLE, Row

HERE: Final = Path(__file__).parent
DIALECTS: Final = {
    "ga": "GA",
    "beta": "beta",
    "voicelive": "Voice Live",
    "xai": "xAI",
    "inworld": "Inworld",
    "translation": "translation",
}
FAMILIES: Final = {
    "session": "Session",
    "items": "Items",
    "transcription": "Transcription",
    "audio": "Audio buffers",
    "responses": "Responses",
    "streams": "What a response streams",
    "mcp": "MCP",
    "voicelive": "Azure Voice Live's own",
    "client": "What the client sends",
}
SEEDS: Final = range(3)
SAMPLES: Final[list[list[dict[str, Any]]]] = [  # what the simulator has not
    [
        {"type": "transcription_session.created", "session": {"id": "sess_1"}},
        {"type": "transcription_session.updated", "session": {"id": "sess_1", "model": "whisper-1"}},
    ],
    [
        {"type": "session.created", "session": {"id": "sess_1", "type": "translation"}},
        {"type": "session.input_transcript.delta", "delta": "Hola"},
        {"type": "session.output_transcript.delta", "delta": "Hello"},
    ],
    [
        {"type": "input_audio_buffer.committed", "item_id": "item_1"},
        {
            "type": "conversation.item.input_audio_transcription.segment",
            "item_id": "item_1",
            "content_index": 0,
            "text": "Hi.",
            "speaker": "A",
            "start": 0.0,
            "end": 0.5,
        },
    ],
    [
        {"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 0},
        {"type": "input_audio_buffer.cleared"},
    ],
    [
        {
            "type": "conversation.item.added",
            "item": {
                "id": "mcpl_1",
                "type": "mcp_list_tools",
                "server_label": "docs",
                "status": "in_progress",
            },
        },
        {"type": "mcp_list_tools.failed", "item_id": "mcpl_1"},
    ],
    [
        {
            "type": "conversation.item.added",
            "item": {"id": "mcp_1", "type": "mcp_call", "name": "search", "status": "in_progress"},
        },
        {"type": "response.mcp_call.failed", "item_id": "mcp_1"},
    ],
    [{"type": "mcp_list_tools.in_progress", "item_id": "mcpl_1"}],  # before anything announced the item
    [{"type": "response.mcp_call.in_progress", "item_id": "mcp_1"}],
]

_HEAD: Final = """\
# Every event

Each has its names on the wire, the class that reads it (in `rtstate.events`), and who sends it under that
name: OpenAI (GA, beta, translation sessions), Azure Voice Live, xAI, Inworld. An event of any other type
is counted as unknown, becomes an anomaly, and changes nothing.

*Changes* lists the fields of [the document](document.md) that the event was seen to change, over many
sessions; one event of them changes a few. *noted*: known and counted, but there is no conversation state
in it. *ignored*: known, and of no interest to a reader of the conversation.

The page is printed by `python docs/tools/events.py`, and a test says when it is out of date. Names and
meaning come from the event classes. The changes were observed: {events:,} events of simulated sessions in
four dialects were fed one by one, also without those of the client and without deltas, and some small
sessions with what the simulator has not. Who sends what is read from the vendors' references and from
captures (`docs/tools/dialects.tsv`).
"""


def page() -> str:
    """Return the page."""
    changes, events = observe(sessions())
    lines = [_HEAD.format(events=events)]
    for family, title in FAMILIES.items():
        table = CLIENT_TABLE if family == "client" else TABLE
        rows = [row for row in dict.fromkeys(table.values()) if row.event.__module__.endswith(f".{family}")]
        lines += [f"## {title}", "", "| event | from | changes | what it says |", "|---|---|---|---|"]
        lines += [_line(row, "client" if family == "client" else "server", changes) for row in rows]
        lines.append("")
    return "\n".join(lines)


def sessions() -> Iterator[Iterable[Any]]:
    """Yield sessions in which, together, every event occurs that changes something."""
    for dialect in simulate.DIALECTS:
        for seed in SEEDS:
            features = simulate.supported(dialect)
            whole = simulate.session(seed, turns=8, dialect=dialect, features=features).events
            told = [event for event in whole if event["type"] in TABLE]
            yield whole
            yield told  # by the server alone: nothing was shown before it said so
            yield [event for event in told if not event["type"].endswith(".delta")]  # finals say it first
    yield from SAMPLES


def observe(sessions: Iterable[Iterable[Any]]) -> tuple[dict[str, set[str]], int]:
    """Return what each type of event changed, as places in the document, and how many events there were."""
    changes: dict[str, set[str]] = {}
    events = 0
    for session in sessions:
        conversation = Conversation()
        for event in session:
            places = changes.setdefault(event["type"], set())
            places.update(map(place, conversation.feed(event).patch()))
            events += 1
    return changes, events


def place(operation: dict[str, Any]) -> str:
    """Return where in a document an operation is, with ids and indexes left out.

    >>> place({"op": "append", "path": "/items/item_1/content/0/transcript", "value": "Hi"})
    'part transcript'
    >>> place({"op": "add", "path": "/items/item_1", "value": {}})
    'item new'
    """
    head, *rest = operation["path"].split("/")[1:]
    if head in ("items", "responses"):
        entity = head.removesuffix("s")
        if len(rest) == 1:
            return f"{entity} {'new' if operation['op'] == 'add' else 'gone'}"
        if rest[1] == "content":
            return "part new" if len(rest) == 3 else f"part {rest[3]}"
        return f"{entity} {rest[1]}"
    if head in ("input_audio", "usage", "translation") and rest:
        return f"{head} {rest[0]}"
    return head


def described(places: set[str]) -> str:
    """Return places as the words of a cell.

    >>> described({"part final", "part transcript", "order", "revision"})
    'part: `final`, `transcript`; `order`'
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(places - {"revision"}):
        head, _, field = name.partition(" ")
        groups.setdefault(head, []).append(field)
    words = []
    for head, fields in sorted(groups.items(), key=lambda group: (_RANK.get(group[0], 9), group[0])):
        named = [field for field in fields if field not in ("new", "gone", "")]
        if "new" in fields:
            words.append(f"a new {head}")
        if "gone" in fields:
            words.append(f"{head} removed")
        if named and head in _RANK:
            words.append(f"{head}: " + ", ".join(f"`{field}`" for field in named))
        elif named:
            words.append(f"`{head}`: " + ", ".join(f"`{field}`" for field in named))
        elif "" in fields:
            words.append(f"`{head}`")
    return "; ".join(words)


_RANK: Final = {"item": 0, "part": 1, "response": 3}


def _line(row: Row, side: str, changes: dict[str, set[str]]) -> str:
    names = "<br>".join(f"`{name}`" for name in row.types)
    senders = [_senders(side, name) for name in row.types]
    who = senders[0] if len(set(senders)) == 1 else "<br>".join(senders)
    places = set().union(*(changes.get(name, set()) for name in row.types))
    what = described(places) if row.use == "reduced" else f"*{row.use}*"
    says = re.sub(r"``", "`", (inspect.getdoc(row.event) or "").split("\n\n")[0].replace("\n", " "))
    return f"| {names}<br>{row.event.__name__} | {who} | {what} | {says} |"


def _senders(side: str, name: str) -> str:
    known = dialects()[side, name]
    return ", ".join(DIALECTS[dialect] for dialect in known) or "(only documented)"


def dialects() -> dict[tuple[str, str], list[str]]:
    """Return who sends each event, by side and wire name."""
    lines = (HERE / "dialects.tsv").read_text("utf-8").splitlines()
    cells = (line.split("\t") for line in lines if not line.startswith("#"))
    return {(side, name): known.split() for side, name, known in cells}


if __name__ == "__main__":
    sys.stdout.write(page())
