"""Streams of events for property tests: legal sessions, damaged ones, collisions, and what is no event.

The random events are made from the event table itself: an event type that joins the library joins the laws.
Their ids come from a tiny pool: what matters is that events meet.
"""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from rtstate import simulate
from rtstate._model import PART_TYPES
from rtstate.wire import EVENTS

Event = dict[str, Any]
Stream = list[Event | str]

ITEM_IDS = st.sampled_from(("item_a", "item_a", "item_b", "item_b", "item_c", "i~/1", ""))
RESPONSE_IDS = st.sampled_from(("resp_1", "resp_1", "resp_2", "resp_2", ""))
EVENT_IDS = st.sampled_from([f"event_{number}" for number in range(8)])
CALL_IDS = st.sampled_from(("call_1", "call_2", ""))
STATUSES = st.sampled_from((None, "in_progress", "completed", "incomplete", "cancelled", "failed", "odd"))
TEXTS = st.sampled_from((None, "", "Hi", " there.", "Hi there.", "Hi there. And more.", "é\U0001f600"))
DELTAS = st.sampled_from(("Hi", " there.", "", "\U0001f600", " and so on"))
AUDIO = st.sampled_from(("AAAA", "A" * 64, "A" * 640, "AAA=", "AA==", "AA", "A", "!!!!", ""))
INDEXES = st.sampled_from((0, 0, 0, 0, 1, 1, 2, 3, None, 1001))
TIMES = st.sampled_from((None, 0, 1, 20, 500, 1e9, 0.5, -1))
TOKENS = st.sampled_from((None, 0, 1, 7, 250))


def _any_of(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({}, optional=optional)


CACHED = _any_of(text_tokens=TOKENS, audio_tokens=TOKENS, image_tokens=TOKENS)
DETAILS = _any_of(
    text_tokens=TOKENS, audio_tokens=TOKENS, cached_tokens=TOKENS, cached_tokens_details=st.none() | CACHED
)
USAGE = st.none() | _any_of(
    total_tokens=TOKENS,
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    input_token_details=DETAILS,
    output_tokens_details=DETAILS,
    seconds=st.sampled_from((None, 0, 1.5)),
)
PARTS = _any_of(
    type=st.sampled_from((None, "text", "audio", "odd", *sorted(PART_TYPES))),
    text=TEXTS,
    transcript=TEXTS,
    audio=st.none() | AUDIO,
    image_url=st.sampled_from((None, "data:,")),
    speaker=st.sampled_from((None, "A", {"n": [1]})),
)
ITEM_TYPES = st.sampled_from(
    (
        *("message",) * 6,
        *("function_call",) * 3,
        "function_call_output",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "odd_item",
    )
)
ITEMS = st.fixed_dictionaries(
    {"id": ITEM_IDS, "type": ITEM_TYPES},
    optional={
        "status": STATUSES,
        "role": st.sampled_from((None, "user", "assistant", "assistant", "system")),
        "content": st.none() | st.lists(PARTS, max_size=3),
        "call_id": st.none() | CALL_IDS,
        "name": st.sampled_from((None, "look_up")),
        "arguments": st.sampled_from((None, "", "{}", '{"a": 1}')),
        "output": st.sampled_from((None, "done", {"a": [1]})),
        "server_label": st.sampled_from((None, "shop")),
        "tools": st.sampled_from((None, [], [{"name": "buy"}])),
        "colour": st.sampled_from((None, "red", [1, {"a": None}])),
    },
) | st.just({"type": "message"})
RESPONSES = st.fixed_dictionaries(
    {"id": RESPONSE_IDS},
    optional={
        "status": STATUSES,
        "status_details": st.sampled_from((None, "unimplemented", {"type": "cancelled", "reason": "x"})),
        "conversation_id": st.sampled_from((None, "conv_1", "conv_1", "conv_2")),
        "metadata": st.sampled_from((None, {}, {"topic": "x"})),
        "output": st.none() | st.lists(ITEMS, max_size=3),
        "usage": USAGE,
        "voice": st.sampled_from((None, "echo")),
        "output_audio_format": st.sampled_from((None, "pcm16", "g711_ulaw")),
    },
)
SESSIONS = _any_of(
    id=st.sampled_from(("sess_1", "sess_1", "sess_1", "sess_2")),
    model=st.sampled_from((None, "gpt-realtime", "gpt-realtime", "grok-voice")),
    expires_at=st.sampled_from((None, 0, 1_900_000_000)),
    audio=st.sampled_from((None, {"output": {"format": {"type": "audio/pcm", "rate": 8000}}})),
)
ERRORS = _any_of(
    type=TEXTS,
    code=st.sampled_from((None, 4, "bad")),
    message=TEXTS,
    param=TEXTS,
    event_id=st.none() | EVENT_IDS,
)
ANCHORS = st.one_of(st.none(), ITEM_IDS, ITEM_IDS, ITEM_IDS, st.sampled_from(("", "root", "item_x")))
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "event_id": st.none() | EVENT_IDS,
    "item_id": ITEM_IDS,
    "previous_item_id": ANCHORS,
    "response_id": st.none() | RESPONSE_IDS,
    "call_id": st.none() | CALL_IDS,
    "content_index": INDEXES,
    "output_index": INDEXES,
    "audio_start_ms": TIMES,
    "audio_end_ms": TIMES.filter(lambda at: at is not None),
    "delta": DELTAS,
    "text": TEXTS,
    "transcript": TEXTS,
    "arguments": TEXTS,
    "name": TEXTS,
    "status": STATUSES,
    "id": st.sampled_from((None, "seg_1", "seg_2")),
    "speaker": TEXTS,
    "usage": USAGE,
    "item": ITEMS,
    "part": PARTS,
    "content": PARTS,
    "response": RESPONSES,
    "session": SESSIONS,
    "error": ERRORS,
    "conversation": st.sampled_from(({}, {"id": None}, {"id": "conv_1"}, {"id": "conv_2"})),
    "rate_limits": st.lists(
        _any_of(name=st.sampled_from((None, "tokens", "requests")), limit=TOKENS, reset_seconds=TIMES),
        max_size=2,
    ),
    "audio": AUDIO,
    "languages": st.sampled_from((None, [], [{"code": "en"}])),
}
REDUCED = sorted(name for name, row in EVENTS.items() if row.use == "reduced")
PLAIN = sorted(set(EVENTS) - set(REDUCED))


@cache
def _events_of(event_type: str) -> st.SearchStrategy[Event]:
    """Make events of one type, from the fields of its class."""
    required: dict[str, st.SearchStrategy[Any]] = {"type": st.just(event_type)}
    optional: dict[str, st.SearchStrategy[Any]] = {"surprise": st.just([1, {"a": None}])}
    for name, field in EVENTS[event_type].event.model_fields.items():
        strategy = AUDIO if event_type.endswith("audio.delta") and name == "delta" else _FIELDS.get(name)
        if strategy is not None and name != "type":
            must = field.is_required() or name in ("item_id", "response_id") or "delta" in event_type
            (required if must and name not in ("event_id", "content_index") else optional)[name] = strategy
    return st.fixed_dictionaries(required, optional=optional)


UNKNOWN = st.fixed_dictionaries(
    {"type": st.sampled_from(("response.new", "odd", ""))},
    optional={"event_id": EVENT_IDS, "item_id": ITEM_IDS},
)
EVENT_TYPES = st.sampled_from((*REDUCED, *REDUCED, *PLAIN))
events = st.integers(0, 40).flatmap(lambda n: UNKNOWN if n == 40 else EVENT_TYPES.flatmap(_events_of))
"""Any one event, well formed, about a tiny pool of ids."""

seeds = st.integers(0, 2**32 - 1)


class Call:
    """A simulated session, which in a failing example is shown by how it was made."""

    def __init__(self, recipe: str, session: simulate.Session) -> None:
        self.recipe = recipe
        self.session = session

    def __repr__(self) -> str:
        return self.recipe


class Recipe(list[Any]):
    """A stream that in a failing example is shown by how it was made."""

    recipe = ""

    def __repr__(self) -> str:
        return self.recipe


def _recipe(events: Stream, recipe: str) -> Stream:
    made = Recipe(events)
    made.recipe = recipe
    return made


@st.composite
def _calls(draw: st.DrawFn) -> Call:
    dialect = draw(st.sampled_from(simulate.DIALECTS))
    features = draw(st.none() | st.sets(st.sampled_from(simulate.supported(dialect)), min_size=1, max_size=3))
    arguments = (draw(seeds), draw(st.integers(1, 4)), dialect, features)
    return Call(f"simulate.session{arguments}", simulate.session(*arguments))


@st.composite
def _damaged(draw: st.DrawFn) -> Stream:
    call = draw(_calls())
    shares = st.sampled_from((0.0, 0.0, 0.02, 0.1, 0.4))
    damage = (draw(seeds), draw(shares), draw(shares), draw(st.sampled_from((0, 3, 30, 1000))), draw(shares))
    return _recipe(
        simulate.faults(call.session.events, *damage), f"simulate.faults({call.recipe}.events, *{damage})"
    )


calls: st.SearchStrategy[Call] = _calls()
"""Legal sessions of any dialect, with their truth."""

legal: st.SearchStrategy[Stream] = calls.map(
    lambda call: _recipe(list(call.session.events), f"{call.recipe}.events")
)
damaged: st.SearchStrategy[Stream] = _damaged()
collisions: st.SearchStrategy[Stream] = st.lists(events, max_size=30)
STREAMS = {"legal": legal, "damaged": damaged, "collisions": collisions}

texts = st.text(st.characters(codec=None), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2**70)
    | st.floats()
    | texts
    | st.sampled_from(("item_a", "resp_1", "AAAA"))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
"""Any value that Python calls JSON: lone surrogates, huge integers and NaN included."""


@st.composite
def _damage(draw: st.DrawFn) -> Event:
    """An event in which one field, at any depth, is lost, renamed or replaced."""
    event: Any = draw(events)
    holder = event
    while True:
        key = draw(st.sampled_from(sorted(holder)))
        if not isinstance(holder[key], dict) or not holder[key] or draw(st.booleans()):
            break
        holder = holder[key] = dict(holder[key])
    how = draw(st.sampled_from(("lose", "rename", "replace", "replace")))
    value = holder.pop(key)
    if how == "rename":
        holder[draw(texts)] = value
    elif how == "replace":
        holder[key] = draw(values)
    return event


almost_events = _damage() | st.fixed_dictionaries(
    {"type": EVENT_TYPES},
    optional=dict.fromkeys(
        ("event_id", "item_id", "item", "response", "delta", "session", "content_index"), values
    ),
)
"""Mappings that nearly are events."""
