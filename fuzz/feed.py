"""The target `feed`: whatever lines are fed, nothing raises, and the changes tell all that happened.

An input is one byte of options and then events, one a line.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

from rtstate import Change, Conversation, Snapshot, apply_patch, diff
from rtstate._types import AudioMode, Dialect
from tests.laws_support import canonical, fold

MAX_LEN = 8192
MAX_EVENTS = 120
SHORT = 2048
"""Inputs up to this length are compared with the document after every event, longer ones at the end."""


def as_text(line: bytes) -> str:
    """Give the line as text; what is no UTF-8 becomes lone surrogates."""
    return line.decode("utf-8", "surrogateescape")


def as_value(line: bytes) -> Any:
    """Give the parsed mapping where the line is one, as the caller of an SDK does."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    return value if isinstance(value, dict) else line


FORMS: tuple[Callable[[bytes], Any], ...] = (bytes, as_text, as_value, bytearray)
AUDIO, DIALECTS = get_args(AudioMode), get_args(Dialect)


def options_of(byte: int) -> tuple[Callable[[bytes], Any], dict[str, Any]]:
    """Read the byte of options: how lines are given, and how the conversation is made."""
    byte, form = divmod(byte, len(FORMS))
    byte, audio = divmod(byte, len(AUDIO))
    return FORMS[form], {"audio": AUDIO[audio], "dialect": DIALECTS[byte % len(DIALECTS)], "history": 4}


def check(data: bytes) -> None:
    """Feed the input, and raise where the conversation breaks its word."""
    if not data:
        return
    form, options = options_of(data[0])
    lines = data[1:].split(b"\n")[:MAX_EVENTS]
    conversation = Conversation(**options)
    document = conversation.snapshot().to_dict()
    strict = conversation.snapshot().to_dict()
    held, then = conversation.snapshot(), canonical(document)
    restored = None
    for number, line in enumerate(lines, 1):
        before = conversation.snapshot() if len(data) <= SHORT else None
        change = conversation.feed(form(line), at=float(number))
        conversation._draft._check()
        if restored is not None:
            restored.feed(form(line), at=float(number))
        fold(document, change.patch())
        fold(strict, change.patch(append=False))
        if before is not None:
            assert_told(before, change, conversation.snapshot(), document)
        if number == len(lines) // 2:  # taken here, and not read before the end
            held, then = conversation.snapshot(), canonical(document)
            restored = Conversation.restore(conversation.checkpoint())
    assert conversation.stats.events == len(lines)
    assert_settled(conversation, document, strict)
    assert canonical(held.to_dict()) == then, "an old snapshot has changed"
    if options["audio"] == "keep":
        assert_heard(conversation)
    if restored is not None:
        assert restored.checkpoint() == conversation.checkpoint(), "restored, it goes on otherwise"
    late = Conversation(**options)  # from which no snapshot is taken on the way
    for line in lines:
        late.feed(form(line))
    assert canonical(late.snapshot().to_dict()) == canonical(document), (
        "the same events lead elsewhere without snapshots"
    )


def assert_told(before: Snapshot, change: Change, after: Snapshot, document: Any) -> None:
    """Compare after an event: its change is what lies between the two snapshots."""
    assert (after is before) is not bool(change), "a snapshot is new exactly when something changed"
    assert change.revision == after.revision == before.revision + bool(change)
    assert canonical(document) == canonical(after.to_dict()), "the patch leads elsewhere"
    was = before.to_dict()
    assert canonical(apply_patch(document, change.inverse())) == canonical(was), "there is no way back"
    assert canonical(apply_patch(was, diff(before, after))) == canonical(document), "diff() leads elsewhere"


def assert_settled(conversation: Conversation, document: Any, strict: Any) -> None:
    """Compare at the end: both patches led to the document, which writes and reads back."""
    snapshot = conversation.snapshot()
    plain = canonical(snapshot.to_dict())
    assert canonical(document) == plain, "the patches lead elsewhere"
    assert canonical(strict) == plain, "the strict patches lead elsewhere"
    written = snapshot.to_json()
    written.encode()
    assert canonical(json.loads(written)) == plain, "to_json() differs from to_dict()"
    assert Snapshot.from_dict(json.loads(written)) == snapshot, "the document does not read back"


def assert_heard(conversation: Conversation) -> None:
    """Read the kept audio of every part: at least what its milliseconds take at the lowest rate."""
    snapshot = conversation.snapshot()
    for item in (*snapshot.items, *snapshot.unplaced):
        for at, part in enumerate(item.content):
            assert len(conversation.audio(item.id, at)) >= (part.audio_ms or 0) * 8
