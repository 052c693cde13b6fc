"""A draft written down as plain values, hidden state included, and made again from them.

Only what differs from how an entity begins is written. What follows from the rest is not: paths, frozen
copies, what is open or running, the marks' smallest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import attrs

from rtstate import _model as model
from rtstate._draft import KEPT_ERRORS, Draft
from rtstate._draft.saved import SavedFinishing, SavedItem, SavedPart, SavedResponse
from rtstate._draft.work import ItemWork, PartWork, Request, ResponseWork
from rtstate._growing import Audio, Growing
from rtstate._json import FrozenDict, freeze
from rtstate._trace import ItemTrace, ResponseTrace, Transcribed
from rtstate._types import Json

_DERIVED: Final = {"item", "index", "path", "slot", "stream", "mark", "truncated"} | {
    *("arriving", "noted", "noted_ms"),
    *("base", "grew", "label", "frozen", "fresh", "shown"),
}
_PLAIN: Final = (
    *("dialect", "null_is_end", "revision", "conversation_id", "is_named", "session", "session_number"),
    *("has_session", "input_bytes_per_second", "output_bytes_per_second", "deletions"),
    *("answer_model", "transcription_model"),
)
_NODES: Final = (ItemWork, PartWork, ResponseWork)


def save(draft: Draft) -> dict[str, Json]:
    """Return a draft as plain values, in the shape of ``SavedDraft``. Cost: its size."""
    items = [_saved(item) for item in draft.items.values()]
    slots = draft.slots()
    finishing: SavedFinishing | None = None
    if draft.finishing is not None and draft.holds(draft.finishing[0]):
        part, usage = draft.finishing
        finishing = {"item_id": part.item.id, "index": part.index, "usage": cast("Any", usage)}
    return {
        **{name: getattr(draft, name) for name in _PLAIN},
        "audio": "keep" if draft.keep_audio else "measure",
        "stats": attrs.asdict(draft.stats),
        "sessions": [attrs.asdict(session) for session in draft.sessions],
        "input_audio": draft.input_audio.to_dict(),
        "rate_limits": {name: limit.to_dict() for name, limit in draft.rate_limits.items()},
        "errors": [error.to_dict() for error in draft.errors],
        "translation": {name: _plain(text) for name, text in draft.translation.items()} or None,
        "usage": draft.totals(),
        "items": items,
        "slots": None if slots == list(draft.items) else slots,
        "dead": sorted(draft.dead),
        "order": draft.order.save(),
        "responses": [_saved(response) for response in draft.responses.values()],
        "calls": draft.calls,
        "finishing": finishing,
        "requests": [
            {"event_id": event_id, "kind": each.kind, "item_id": each.item.id, "index": each.index}
            for event_id, each in draft.requests.items()
        ],
    }


def load(saved: Mapping[str, Any]) -> Draft:
    """Return the draft that was saved. Cost: its size.

    Raises ValueError, KeyError or AssertionError where the values have the right types and make no sense.
    """
    draft = Draft(saved["audio"], saved["dialect"])
    for name in _PLAIN:
        setattr(draft, name, freeze(saved[name]) if name == "session" else saved[name])
    _expect(draft.revision >= 0 and draft.session_number >= 0, "a revision below 0")
    rates = (draft.input_bytes_per_second, draft.output_bytes_per_second)
    _expect(all(rate is None or rate > 0 for rate in rates), "audio of no size")
    for name, count in saved["stats"].items():
        setattr(draft.stats, name, count)
    draft.sessions = [model.SessionInfo(**session) for session in saved["sessions"]]
    begun = [1, *(session.first_revision for session in draft.sessions), draft.revision + 1]
    _expect(begun == sorted(begun), "sessions out of order")
    draft.input_audio = model.InputAudio(**saved["input_audio"])
    draft.rate_limits = FrozenDict(
        {name: model.RateLimit(**limit) for name, limit in saved["rate_limits"].items()}
    )
    _expect(len(saved["errors"]) <= KEPT_ERRORS, "more errors than are kept")
    draft.errors = tuple([model.ErrorRecord(**error) for error in saved["errors"]])
    translation: dict[str, str | None] = saved["translation"] or {}
    draft.translation = {
        name: None if text is None else _growing(("translation", name), text, "")
        for name, text in translation.items()
    }
    _expect(_counts(saved["usage"], draft.totals()), "a bill that does not add up")
    draft.set_totals(saved["usage"])
    ids = saved["slots"] or [each["id"] for each in saved["items"]]
    slots = {item_id: slot for slot, item_id in enumerate(ids)}
    _expect(len(slots) == len(ids), "an item that is listed twice")
    draft.restore_slots(ids)
    for each in saved["items"]:
        draft.restore_item(_item(each, slots[each["id"]]))
    for slot, each in enumerate(saved["responses"]):
        draft.restore_response(_response(each, slot))
    draft.dead = set(saved["dead"])
    draft.order.load(saved["order"])
    draft.calls = dict(saved["calls"])
    finishing: SavedFinishing | None = saved["finishing"]
    if finishing is not None:
        _expect(finishing["index"] >= 0, "a part before the first")
        part = draft.items[finishing["item_id"]].parts[finishing["index"]]
        _expect(part.transcription is not None, "a transcript of what nobody said")
        draft.finishing = part, freeze(finishing["usage"])
    for each in saved["requests"]:
        _expect(each["index"] >= 0, "a part before the first")
        request = Request(each["kind"], draft.items[each["item_id"]], each["index"])
        draft.requests[each["event_id"]] = request
    deletions = Counter(each.item.id for each in draft.requests.values() if each.kind == "delete")
    _expect(all(item.hidden >= deletions[item.id] for item in draft.items.values()), "too little hidden")
    draft._check()  # pyright: ignore[reportPrivateUsage]
    return draft


def _saved(node: Any) -> dict[str, Json]:
    """Return what differs in an entity from how it begins."""
    saved: dict[str, Json] = {}
    growing: dict[str, str] = {}
    for name, default in _BEGINNINGS[type(node)].items():
        value = getattr(node, name)
        if isinstance(value, Growing):
            growing[name] = value.source
        if isinstance(value, Growing) or value != default:
            saved[name] = _plain(value)
    if growing:
        saved["growing"] = growing
    if isinstance(node, PartWork):
        saved.update([("stream", name) for name in growing if getattr(node, name) is node.stream])
    return saved


def _beginnings(node: type[Any]) -> dict[str, Any]:
    """Return every field of a class that is saved, with its default; none is equal to what has to be told."""
    told: dict[str, Any] = {}
    for field in attrs.fields(node):
        if field.name not in _DERIVED:
            default: Any = field.default
            made = default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]
            told[field.name] = made
    return told


_BEGINNINGS: Final = {node: _beginnings(node) for node in _NODES}


def _plain(value: Any) -> Json:
    if isinstance(value, Growing):
        return "".join(value.chunks)
    if isinstance(value, Audio):
        return value.save()
    if isinstance(value, set):
        return sorted(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, model.Transcription):
        return value.to_dict()
    if isinstance(value, ItemTrace | ResponseTrace):
        saved = attrs.asdict(value, recurse=False, filter=lambda field, each: each != field.default)
        if "transcribed" in saved:
            saved["transcribed"] = [attrs.asdict(each) for each in saved["transcribed"]]
        return saved
    if isinstance(value, list):
        return [_saved(each) if isinstance(each, PartWork) else each for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _item(saved: SavedItem, slot: int) -> ItemWork:
    fields: dict[str, Any] = dict(saved)
    parts, growing = fields.pop("parts", ()), fields.pop("growing", {})
    item = ItemWork(fields.pop("id"), fields.pop("type"), slot, fields.pop("session", 0))
    for name in ("output", "mcp", "extra"):
        if name in fields:
            fields[name] = freeze(fields[name])
    if "trace" in fields:
        fields["trace"] = _item_trace(**fields["trace"])
    _fill(item, fields, growing)
    item.parts = [_part(part, item, index) for index, part in enumerate(parts)]
    item.shown = not item.hidden
    return item


def _part(saved: SavedPart, item: ItemWork, index: int) -> PartWork:
    fields: dict[str, Any] = dict(saved)
    growing, stream = fields.pop("growing", {}), fields.pop("stream", None)
    part = PartWork(item, index)
    audio = fields.pop("audio", None)
    if audio is not None:
        part.audio = Audio.load(part.path, **audio)
    if "transcription" in fields:
        fields["transcription"] = model.Transcription(**freeze(fields["transcription"]))
    if "extra" in fields:
        fields["extra"] = freeze(fields["extra"])
    fields["segments"] = set(fields.get("segments", ()))
    fields["arrivals"] = [(start, ms) for start, ms in fields.get("arrivals", ())]
    _fill(part, fields, growing)
    if part.arrivals:
        _take_arrivals(part)
    if stream is not None:
        _expect(stream in growing, "a stream of nothing")
        part.stream = getattr(part, stream)
    part.mark = min(part.marks.values(), default=None)
    _expect(part.mark is None or part.mark >= 0, "a mark below 0")
    if part.mark is not None:
        part.truncate()
    part.shown = True
    return part


def _take_arrivals(part: PartWork) -> None:
    """Check when the transcript came, and divide it where the last arrival was noted."""
    starts, times = zip(*part.arrivals, strict=True)
    _expect(min(starts + times) >= 0, "text that came before it began")
    _expect(starts == tuple(sorted(set(starts))), "text that came in disorder")
    part.noted_ms = times[-1]
    if isinstance(part.transcript, Growing):
        text = "".join(part.transcript.chunks)
        _expect(starts[-1] <= len(text), "text that came and is not there")
        part.transcript.chunks[:] = [text[: starts[-1]], text[starts[-1] :]]
        part.arriving, part.noted = part.transcript, 1


def _response(saved: SavedResponse, slot: int) -> ResponseWork:
    fields: dict[str, Any] = {name: freeze(value) for name, value in saved.items()}
    response = ResponseWork(fields.pop("id"), slot)
    fields["indexes"] = list(fields.get("indexes", ()))
    if "trace" in fields:
        fields["trace"] = ResponseTrace(**fields["trace"])
    _fill(response, fields, {})
    rate = response.bytes_per_second
    _expect(rate is None or rate > 0, "audio of no size")
    response.shown = True
    return response


def _item_trace(transcribed: Sequence[Mapping[str, Any]] = (), **times: Any) -> ItemTrace:
    return ItemTrace(**times, transcribed=tuple([Transcribed(**freeze(each)) for each in transcribed]))


def _fill(node: Any, fields: Mapping[str, Any], growing: Mapping[str, str]) -> None:
    for name, value in fields.items():
        setattr(node, name, value)
    for name, source in growing.items():
        setattr(node, name, _growing((*node.path, name), fields[name], source))


def _growing(path: tuple[str | int, ...], text: str, source: str) -> Growing:
    growing = Growing(path, source)
    growing.chunks.append(text)
    return growing


def _counts(value: Any, like: Any) -> bool:
    """Tell whether something is counters of the same names as others."""
    if isinstance(like, dict):
        counters: dict[str, Any] = like  # pyright: ignore[reportUnknownVariableType]
        same_names = isinstance(value, dict) and set(value) == set(counters)  # pyright: ignore[reportUnknownArgumentType]
        return same_names and all(_counts(value[name], each) for name, each in counters.items())
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)
