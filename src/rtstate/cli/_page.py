"""The page: what a session came to, from a snapshot, the counters and the anomalies. Reads nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from rich.console import RenderableType
from rich.text import Text

from rtstate import Anomaly, Response, Snapshot, Stats
from rtstate.cli._items import entries, reason
from rtstate.cli._layout import (
    BAD,
    QUIET,
    WARNING,
    Entry,
    clean,
    count,
    explain,
    heading,
    seconds,
    spaced,
)
from rtstate.cli._usage import usage

_STATUS_STYLES: Final = {"completed": "green", "failed": BAD, "in_progress": "cyan"}


def page(snapshot: Snapshot, stats: Stats, anomalies: Sequence[Anomaly]) -> Iterator[RenderableType]:
    """Yield the page from top to bottom, a line or a few at a time, so that a long one starts at once."""
    yield from _session(snapshot)
    yield from _conversation(snapshot)
    yield from translation(snapshot)
    yield from _responses(snapshot.responses)
    yield from usage(snapshot.usage)
    yield from _rate_limits(snapshot)
    yield from _errors(snapshot)
    yield from _anomalies(anomalies)
    yield from _events(stats)


def _session(snapshot: Snapshot) -> Iterator[RenderableType]:
    session: Mapping[str, Any] = snapshot.session or {}
    facts: dict[str, list[Any]] = {
        "id": [session.get("id"), snapshot.conversation_id],
        "model": [session.get("model"), _voice(session), _modalities(session)],
        "input": [_turn_detection(session), _transcription(session)],
        "tools": [_tools(session)],
        "expires": [_expiry(session)],
    }
    yield heading("Session")
    shown = {label: [clean(each) for each in values if each] for label, values in facts.items()}
    if not any(shown.values()):
        yield Text("  no session event was seen", QUIET)
    for label, values in shown.items():
        if values:
            yield Entry(label, QUIET, Text(" · ".join(values)))
    yield Text()


def _conversation(snapshot: Snapshot) -> Iterator[RenderableType]:
    items = snapshot.items
    if items or snapshot.translation is None:
        yield heading("Conversation", count(len(items), "item"))
        yield from entries(items)
        listening = snapshot.input_audio
        if listening.speaking:
            since = listening.speech_started_ms
            when = "" if since is None else f" since {seconds(since)} of the session's audio"
            yield Entry("user", "bold green", Text(f"(speaking{when})", QUIET))
        yield Text()
    if snapshot.unplaced:
        yield heading("Beside the conversation", count(len(snapshot.unplaced), "item"))
        yield from entries(snapshot.unplaced)
        yield Text()


def translation(snapshot: Snapshot) -> Iterator[RenderableType]:
    """Yield what a translation session heard, and what it made of that."""
    if snapshot.translation is None:
        return
    yield heading("Translation")
    yield Entry("source", "bold green", Text(clean(snapshot.translation.input_transcript or "")))
    yield Entry("translated", "bold cyan", Text(clean(snapshot.translation.output_transcript or "")))
    yield Text()


def _responses(responses: Sequence[Response]) -> Iterator[RenderableType]:
    if not responses:
        return
    yield heading("Responses", f"{len(responses):,}")
    for response in responses:
        status = clean(response.status).replace("in_progress", "running")
        style = _STATUS_STYLES.get(response.status, WARNING)
        made = f"{count(len(response.output), 'item'):<7}  {_spent(response.usage)}  "
        body = Text.assemble(made, (clean(response.id), QUIET))
        yield Entry(status, style, spaced((body, Text(_why(response), style)), "  "))
    yield Text()


def _spent(usage: Mapping[str, Any] | None) -> str:
    if usage is None:
        return f"{'no usage':>21}"
    into, out = usage.get("input_tokens"), usage.get("output_tokens")
    return f"{'?' if into is None else f'{into:,}':>7} in {'?' if out is None else f'{out:,}':>6} out"


def _why(response: Response) -> str:
    """Say why a response did not simply complete, where the server told."""
    if response.status == "completed":
        return ""
    told, error = _within(response.status_details, "reason"), _within(response.status_details, "error")
    return ": ".join(([clean(told)] if told else []) + ([reason(error)] if error else []))


def _rate_limits(snapshot: Snapshot) -> Iterator[RenderableType]:
    if not snapshot.rate_limits:
        return
    yield heading("Rate limits")
    for name, limit in snapshot.rate_limits.items():
        left, most, reset = limit.remaining, limit.limit, limit.reset_seconds
        words = [
            ""
            if left is None
            else f"{left:,.0f} left"
            if most is None
            else f"{left:,.0f} of {most:,.0f} left",
            "" if reset is None else f"resets in {seconds(reset * 1000)}",
        ]
        yield Entry(clean(name), QUIET, Text(", ".join(word for word in words if word)))
    yield Text()


def _errors(snapshot: Snapshot) -> Iterator[RenderableType]:
    if not snapshot.errors:
        return
    yield heading("Errors", "the last 20" if len(snapshot.errors) == 20 else f"{len(snapshot.errors)}")
    for error in snapshot.errors:
        where = [f"param {error.param}" if error.param else "", error.event_id or ""]
        details = " · ".join(clean(each) for each in where if each)
        told = ": ".join(clean(each) for each in (error.code or error.type, error.message) if each)
        yield Entry("error", BAD, spaced((Text(told), Text(details, QUIET)), "  "))
    yield Text()


def _anomalies(anomalies: Sequence[Anomaly]) -> Iterator[RenderableType]:
    if not anomalies:
        return
    yield heading(
        "Anomalies", f"{'the last ' * (len(anomalies) == 100)}{len(anomalies)}, with the number of the event"
    )
    for anomaly in anomalies:
        kind = anomaly.kind.replace("_", " ")
        yield Entry(
            f"#{anomaly.number:,}",
            QUIET,
            Text.assemble(
                (kind, BAD if anomaly.kind == "invalid" else WARNING), f": {clean(explain(anomaly.message))}"
            ),
        )
    yield Text()


def _events(stats: Stats) -> Iterator[RenderableType]:
    counted: dict[str, int] = attrs.asdict(stats)
    events = counted.pop("events")
    words = [count(events, "event"), *(f"{number:,} {name}" for name, number in counted.items() if number)]
    yield Text(" · ".join(words), QUIET)


def _voice(session: Mapping[str, Any]) -> str:
    voice = _within(session, "audio", "output", "voice") or session.get("voice")
    name = _within(voice, "name") or voice
    return f"voice {name}" if name else ""


def _modalities(session: Mapping[str, Any]) -> str:
    return " and ".join(map(str, _listed(session.get("output_modalities") or session.get("modalities"))))


def _turn_detection(session: Mapping[str, Any]) -> str:
    turns = _within(session, "audio", "input", "turn_detection") or session.get("turn_detection")
    return str(_within(turns, "type") or "")


def _transcription(session: Mapping[str, Any]) -> str:
    """Name what transcribes the user; GA, beta and translation sessions keep it in the same two places."""
    asked = _within(session, "audio", "input", "transcription") or session.get("input_audio_transcription")
    model = _within(asked, "model")
    return f"transcribed by {model}" if model else ""


def _tools(session: Mapping[str, Any]) -> str:
    names = (_tool(tool) for tool in _listed(session.get("tools")))
    return ", ".join(str(name) for name in names if name)


def _tool(tool: Any) -> Any:
    return _within(tool, "name") or _within(tool, "function", "name") or _within(tool, "server_label")


def _expiry(session: Mapping[str, Any]) -> str:
    expires = session.get("expires_at")
    try:
        return datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M UTC") if expires else ""
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else ()  # pyright: ignore[reportUnknownVariableType]


def _within(value: Any, *keys: str) -> Any:
    """Return what lies under some keys, None where any of them is missing: servers differ in shape."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]
