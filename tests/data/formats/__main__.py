"""How the files here were made: ``python -m tests.data.formats``. It writes what is missing, and only that.

Of every version of the two formats there is what one version of the library wrote, for all later ones to
read. A file of a version that has been released is never written again.
"""

import json
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from rtstate import Conversation, Stats, Totals, simulate
from rtstate.checkpoint import VERSION, Saved
from rtstate.document import FORMAT
from tests.helpers import (
    Event,
    added,
    arguments,
    arguments_done,
    assistant,
    call,
    committed,
    deleted,
    delta,
    event,
    output_added,
    output_done,
    response_created,
    response_done,
    sound,
    speech_started,
    spoken,
    transcription,
    truncated,
    user,
)

FOLDER = Path(__file__).parent
FEATURES = ("tools", "audio", "interruption", "deletion", "failed_transcription", "rate_limits", "errors")


SESSION = {
    "id": "s2",
    "model": "gpt-realtime",
    "input_audio_transcription": {"model": "whisper-1"},
    "input_audio_format": "g711_ulaw",
    "output_audio_format": "pcm16",
    "seed": [1, None],
}
IMAGE = {"type": "input_image", "image_url": "data:,", "detail": "low", "alt": "a dot"}
TOOLS = {"id": "m1", "type": "mcp_list_tools", "server_label": "shop", "tools": [{"name": "buy"}]}
FAILED = {"type": "failed", "error": {"code": "no_luck"}}


def before() -> list[Event]:
    """Return a session that stops in the middle of nearly everything."""
    call_ = simulate.session(seed=12, turns=3, features=FEATURES)
    events = [
        {**each, "delta": each["delta"][:64]} if str(each["type"]).endswith("audio.delta") else each
        for each in call_.events
    ]
    return [
        *events,
        event("session.created", session=SESSION),
        event("session.input_transcript.delta", delta="Ho"),
        speech_started("u1", 1000),
        transcription("delta", delta="What did I "),
        transcription("segment", id="seg_1", speaker="A", text="What"),
        added(user("i1", content=[IMAGE])),
        added(TOOLS),
        added(user("u9", "It waits."), after="u8"),
        added(user("u2", "To be deleted.")),
        deleted("u2"),
        added(user("u3", "Hidden.")),
        event("conversation.item.delete", event_id="d1", item_id="u3"),
        event("conversation.item.create", event_id="c1", item=user("u4", "Asked for.")),
        event("conversation.item.create", event_id="c2", item=user("u5", "Refused.")),
        added(user("u7")),
        added(user("u6", "A field nobody knows.", colour={"rgb": [1, 2.5, None]})),
        event("error", error={"message": "no", "code": 4, "event_id": "c2"}),
        response_created("r0"),
        response_done("r0", status="failed", status_details=FAILED, metadata={"topic": "x"}),
        response_created("r1", conversation_id="conv_2"),
        output_added(assistant("a1")),
        sound(20, "a1"),
        spoken("One two three four.", "a1"),
        event("conversation.item.truncate", event_id="t1", item_id="a1", content_index=0, audio_end_ms=10),
        response_created("r2", conversation_id=None, output_audio_format="g711_ulaw"),
        output_added(call("f1"), "r2", index=3),
        arguments('{"city": ', "f1", response_id="r2"),
        delta("Written", "a2", response_id="r1"),
        delta(" too", "a2", response_id="r1"),
        {"type": "response.new", "event_id": "event_new"},
        transcription("completed", "u7", transcript="Nearly final.", status="in_progress"),
    ]


def after() -> list[Event]:
    """Return what comes then: about all that is hidden when it stops."""
    return [
        {"type": "response.new", "event_id": "event_new"},
        event("session.input_transcript.delta", delta="la"),
        transcription("delta", delta="say?"),
        committed("u1", after="u6"),
        transcription("completed", transcript="What did I say?", usage={"seconds": 1.5}),
        added(user("u2", "Once more.")),
        added(user("u8", "It is here."), after="u6"),
        event("error", error={"message": "no", "event_id": "d1"}),
        event("error", error={"message": "no", "event_id": "c1"}),
        event("conversation.item.create", event_id="c3", item=user("u5", "Asked again.")),
        spoken(" Five.", "a1"),
        event("error", error={"message": "no", "event_id": "t1"}),
        sound(20, "a1"),
        truncated("a1", 30),
        delta(" now.", "a2", response_id="r2"),
        delta(" now.", "a2", name="text", response_id="r1"),
        output_added(call("f2"), "r2", index=1),
        arguments_done('{"city": "Rome"}', "f1", response_id="r2"),
        output_done(call("f1", '{"city": "Rome"}', status="completed"), "r2"),
        response_done("r1", usage={"total_tokens": 7, "input_tokens": 5, "output_tokens": 2}),
        response_done("r2"),
        added(user("u10", "First of the second session."), after=None),
        {"type": "response.newer"},
    ]


def shape(kind: Any, found: dict[str, Any]) -> str:
    """Return how a type of the payload is written, with the fields of every TypedDict beside it."""
    origin, inner = get_origin(kind), get_args(kind)
    if hasattr(kind, "__required_keys__"):
        if kind.__name__ not in found:
            fields = found[kind.__name__] = {}
            for name, hint in get_type_hints(kind, include_extras=True).items():
                fields[name if name in kind.__required_keys__ else f"{name}?"] = shape(hint, found)
        return str(kind.__name__)
    if origin is Annotated:
        return shape(inner[0], found)
    if origin is Literal:
        return " | ".join(sorted(map(repr, inner)))
    if origin in (Union, UnionType):
        return " | ".join(sorted(shape(each, found) for each in inner))
    if inner:
        return f"{origin.__name__}[{', '.join(shape(each, found) for each in inner)}]"
    return "null" if kind is NoneType else "any" if kind is Any else str(kind.__name__)


def shape_of_checkpoints() -> dict[str, Any]:
    """Return every TypedDict that a checkpoint is made of, its fields and their types."""
    found: dict[str, Any] = {}
    shape(Saved, found)
    return {**found, "stats": Stats.__annotations__, "usage": Totals().to_dict()}


def make() -> dict[str, bytes]:
    """Return the files of the versions that this library writes, by their names."""
    conversation = Conversation(audio="keep", history=50)
    for number, each in enumerate(before()):
        conversation.feed(each, float(number))
    checkpoint, document = conversation.checkpoint(), conversation.snapshot().to_dict()
    patches = [conversation.feed(each).patch() for each in after()]
    story = {
        "document": document,
        "events": after(),
        "patches": patches,
        "after": conversation.snapshot().to_dict(),
    }
    number = FORMAT.rpartition("/")[2]
    return {
        f"checkpoint-{VERSION}.bin": checkpoint,
        f"checkpoint-{VERSION}.json": _json(story),
        f"checkpoint-{VERSION}.shape.json": _json(shape_of_checkpoints()),
        f"document-{number}.json": _json(document),
        f"document-{number}.story.json": _json({"patches": patches, "after": story["after"]}),
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def main() -> None:
    for name, content in make().items():
        if not (FOLDER / name).exists():
            (FOLDER / name).write_bytes(content)
            print(f"wrote {name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
