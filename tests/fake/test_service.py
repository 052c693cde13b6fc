"""What the service answers to each client event, in GA and in beta."""

import json
from base64 import b64decode
from itertools import pairwise
from typing import Any

import pytest

from rtstate import transcript
from rtstate.simulate import Service
from tests.fake.support import WEATHER, Dialect, Event, Line, silence, text_item, tone, types


@pytest.fixture(params=["ga", "beta"])
def line(request: pytest.FixtureRequest) -> Line:
    return Line(request.param)


@pytest.fixture
def ga() -> Line:
    return Line("ga")


def of_type(events: list[Event], suffix: str) -> list[Event]:
    return [event for event in events if event["type"].endswith(suffix)]


# sessions


def test_a_session_begins_with_what_it_is() -> None:
    assert types(Line("ga").got) == ["session.created"]
    assert types(Line("beta").got) == ["session.created", "conversation.created"]
    session = Line("ga", model="gpt-realtime-mini", expire_after=60, epoch=1000.0).got[0]["session"]
    assert (session["type"], session["model"], session["expires_at"]) == (
        "realtime",
        "gpt-realtime-mini",
        1060,
    )
    assert Line("beta").got[0]["session"]["modalities"] == ["audio", "text"]


def test_an_update_changes_what_it_names(ga: Line) -> None:
    session = ga.configure(instructions="Be brief.", tools=[WEATHER], audio={"output": {"voice": "cedar"}})
    assert session["instructions"] == "Be brief."
    assert session["tools"] == [WEATHER]
    assert session["audio"]["output"]["voice"] == "cedar"
    assert session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
    session = ga.configure(audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.3}}})
    assert session["instructions"] == "Be brief."
    found = session["audio"]["input"]["turn_detection"]
    assert (found["threshold"], found["silence_duration_ms"], found["create_response"]) == (0.3, 200, True)
    assert ga.configure(audio={"input": {"turn_detection": None}})["audio"]["input"]["turn_detection"] is None


def test_an_update_in_beta_is_flat() -> None:
    line = Line("beta")
    session = line.configure(voice="sage", modalities=["text"], turn_detection=None)
    assert (session["voice"], session["modalities"], session["turn_detection"]) == ("sage", ["text"], None)
    assert line.error("session.update", session={"type": "realtime"})["code"] == "unknown_parameter"


def test_a_session_expires_and_then_is_silent() -> None:
    line = Line("ga", expire_after=60)
    line.send("conversation.item.create", item=text_item("Hello"))
    line.wait(59.8)
    line.send("response.create")
    [*_, error] = line.wait(0.3)
    assert error["error"]["code"] == "session_expired"
    assert error["error"]["event_id"] is None
    assert line.service.ended == (1001, "session expired")
    assert line.service.due is None
    assert line.send("response.cancel") == line.wait(10) == []


# what is refused

UNKNOWN = "nobody"
REFUSED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a type that there is not": ({"type": "session.destroy"}, "invalid_value", "type"),
    "a type that is no text": ({"type": 3}, "invalid_type", "type"),
    "no type": ({}, "invalid_event", None),
    "no session": ({"type": "session.update"}, "missing_required_parameter", "session"),
    "a field that there is not": (
        {"type": "response.cancel", "why": "because"},
        "unknown_parameter",
        "why",
    ),
    "a number for a text": (
        {"type": "session.update", "session": {"type": "realtime", "instructions": 3}},
        "invalid_type",
        "session.instructions",
    ),
    "a session without its type": (
        {"type": "session.update", "session": {"instructions": ""}},
        "missing_required_parameter",
        "session.type",
    ),
    "a format that there is not": (
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"format": {"type": "mp3"}}}},
        },
        "invalid_value",
        "session.audio.input.format.type",
    ),
    "no base64": ({"type": "input_audio_buffer.append", "audio": "!"}, "invalid_value", "audio"),
    "a commit of nothing": (
        {"type": "input_audio_buffer.commit"},
        "input_audio_buffer_commit_empty",
        None,
    ),
    "no item": ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
    "an item of no kind": (
        {"type": "conversation.item.create", "item": {"type": "poem"}},
        "invalid_value",
        "item.type",
    ),
    "a user's output": (
        {
            "type": "conversation.item.create",
            "item": {"type": "message", "role": "user", "content": [{"type": "output_text", "text": ""}]},
        },
        "invalid_value",
        "item.content[0].type",
    ),
    "an item after none": (
        {"type": "conversation.item.create", "previous_item_id": UNKNOWN, "item": text_item("a")},
        "item_create_invalid_previous_item_id",
        "previous_item_id",
    ),
    "the output of no call": (
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": UNKNOWN, "output": ""},
        },
        "invalid_tool_call_id",
        "item.call_id",
    ),
    "retrieving no item": (
        {"type": "conversation.item.retrieve", "item_id": UNKNOWN},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    "deleting no item": (
        {"type": "conversation.item.delete", "item_id": UNKNOWN},
        "item_delete_invalid_item_id",
        "item_id",
    ),
    "truncating no item": (
        {"type": "conversation.item.truncate", "item_id": UNKNOWN, "content_index": 0, "audio_end_ms": 0},
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    "truncating to before the start": (
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": -1},
        "integer_below_min_value",
        "audio_end_ms",
    ),
    "cancelling nothing": ({"type": "response.cancel"}, "response_cancel_not_active", None),
    "a reference to no item": (
        {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": UNKNOWN}]}},
        "invalid_value",
        "response.input[0].id",
    ),
    **{
        f"{type_} with {modalities}": (
            {"type": type_, key: {**fields, "output_modalities": modalities}},
            "invalid_value",
            f"{key}.output_modalities",
        )
        for modalities in ([], ["text", "audio"], ["audio", "audio"])
        for type_, key, fields in (
            ("session.update", "session", {"type": "realtime"}),
            ("response.create", "response", {}),
        )
    },
    "an id that is too long": (
        {"type": "conversation.item.create", "item": text_item("a", id="i" * 33)},
        "string_above_max_length",
        "item.id",
    ),
    "a call_id that is too long": (
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call", "call_id": "c" * 33, "name": "n", "arguments": "{}"},
        },
        "string_above_max_length",
        "item.call_id",
    ),
    "an output's call_id that is too long": (
        {
            "type": "conversation.item.create",
            "item": {"type": "function_call_output", "call_id": "c" * 33, "output": ""},
        },
        "string_above_max_length",
        "item.call_id",
    ),
    "a function's name with a dot": (
        {
            "type": "session.update",
            "session": {"type": "realtime", "tools": [{"type": "function", "name": "a.b"}]},
        },
        "invalid_value",
        "session.tools[0].name",
    ),
    "a function's name that is too long": (
        {"type": "response.create", "response": {"tools": [{"type": "function", "name": "a" * 65}]}},
        "string_above_max_length",
        "response.tools[0].name",
    ),
    "metadata that is a number": (
        {"type": "response.create", "response": {"metadata": {"a": 1}}},
        "invalid_type",
        "response.metadata.a",
    ),
    "metadata that is too long": (
        {"type": "response.create", "response": {"metadata": {"a": "a" * 513}}},
        "string_above_max_length",
        "response.metadata.a",
    ),
    "too few tokens": (
        {"type": "response.create", "response": {"max_output_tokens": 0}},
        "invalid_value",
        "response.max_output_tokens",
    ),
}


@pytest.mark.parametrize(("event", "code", "param"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_with_the_clients_event_id(
    ga: Line, event: Event, code: str, param: str | None
) -> None:
    before = ga.conversation.snapshot()
    ga.service.take(json.dumps({**event, "event_id": "mine"}), 0.0)
    [answer] = ga.wait(0)
    assert answer["type"] == "error"
    error = answer["error"]
    assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
    assert error["message"]
    assert ga.wait(10) == []
    assert ga.conversation.snapshot().order == before.order
    assert ga.conversation.anomalies == ()


@pytest.mark.parametrize("modalities", [[], ["audio"], ["text", "text"]])
def test_beta_has_modalities_of_its_own(modalities: list[str]) -> None:
    line = Line("beta")
    error = line.error("session.update", session={"modalities": modalities})
    assert (error["code"], error["param"]) == ("invalid_value", "session.modalities")
    assert error["message"] == (
        f"Invalid modalities: {modalities}. Supported combinations are: ['text'] and ['audio', 'text']."
    )
    assert line.error("response.create", response={"modalities": modalities})["code"] == "invalid_value"
    for both in (["text", "audio"], ["audio", "text"]):
        assert line.configure(modalities=both)["modalities"] == both


def test_what_is_just_not_too_long_is_taken(ga: Line) -> None:
    call = {"type": "function_call", "call_id": "c" * 32, "name": "n", "arguments": "{}", "id": "i" * 32}
    assert types(ga.send("conversation.item.create", item=call))[0] == "conversation.item.added"
    tools = [{"type": "function", "name": "a-Z_0" + "a" * 59}, {"type": "mcp", "name": "a.b"}]
    assert ga.configure(tools=tools)["tools"] == tools
    aside = {"conversation": "none", "metadata": {"a": "b" * 512}}
    assert types(ga.send("response.create", response=aside))[0] == "response.created"


@pytest.mark.parametrize(
    "frame", ["{", "", b"\xff", '{"type": NaN}', '["type"]', "[" * 100_000, '{"a": "\\ud800"}']
)
def test_what_is_no_event_is_refused(ga: Line, frame: str | bytes) -> None:
    ga.service.take(frame, 0.0)
    [answer] = ga.wait(0)
    assert answer["error"]["code"] in ("invalid_json", "invalid_event")
    assert answer["error"]["event_id"] is None


# items


def test_items_are_created_where_the_client_wants_them(line: Line) -> None:
    line.send("conversation.item.create", item=text_item("second", id="b"))
    line.send("conversation.item.create", item=text_item("last", "assistant", id="d"))
    line.send("conversation.item.create", item=text_item("first", "system", id="a"), previous_item_id="root")
    came = line.send("conversation.item.create", item=text_item("third", id="c"), previous_item_id="b")
    assert (
        types(came)
        == {
            "ga": ["conversation.item.added", "conversation.item.done"],
            "beta": ["conversation.item.created"],
        }[line.dialect]
    )
    assert came[0]["previous_item_id"] == "b"
    assert line.conversation.snapshot().order == ("a", "b", "c", "d")
    line.assert_agrees()


def test_an_id_is_taken_once(ga: Line) -> None:
    ga.send("conversation.item.create", item=text_item("one", id="a"))
    assert ga.error("conversation.item.create", item=text_item("two", id="a"))["param"] == "item.id"
    ga.send("conversation.item.delete", item_id="a")
    assert ga.error("conversation.item.create", item=text_item("two", id="a"))["param"] == "item.id"


def test_items_are_deleted_and_retrieved(line: Line) -> None:
    line.send("conversation.item.create", item=text_item("one", id="a"))
    line.send("conversation.item.create", item=text_item("two", id="b"))
    [retrieved] = line.send("conversation.item.retrieve", item_id="a")
    assert retrieved["item"]["content"][0]["text"] == "one"
    [deleted] = line.send("conversation.item.delete", item_id="a")
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "a")
    assert line.error("conversation.item.retrieve", item_id="a")["code"] == "item_retrieve_invalid_item_id"
    line.assert_agrees()


def test_pictures_and_audio_may_be_created(ga: Line) -> None:
    parts = [
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_audio", "audio": silence(200)},
    ]
    ga.send("conversation.item.create", item={"type": "message", "role": "user", "content": parts})
    ga.send("response.create", response={"output_modalities": ["text"]})
    [*_, done, _] = ga.wait(20)
    details = done["response"]["usage"]["input_token_details"]
    assert (details["image_tokens"], details["audio_tokens"]) == (85, 2)
    assert ga.conversation.anomalies == ()


# what is heard


def test_speech_becomes_an_item_and_is_answered(line: Line) -> None:
    line.transcribed()
    came = line.say(1000)
    started, stopped, committed = (
        of_type(came, "speech_started"),
        of_type(came, "speech_stopped"),
        of_type(came, "committed"),
    )
    assert len(started) == len(stopped) == len(committed) == 1
    assert started[0]["audio_start_ms"] == 0
    assert 1000 < stopped[0]["audio_end_ms"] <= 1240
    ids = {event["item_id"] for event in (*started, *stopped, *committed)}
    assert ids == {line.service.order[0]}
    line.wait(30)
    user, assistant = transcript(line.conversation.snapshot())
    assert (user.role, assistant.role, assistant.status) == ("user", "assistant", "final")
    assert user.text
    line.assert_agrees()


def test_without_transcription_nothing_is_transcribed(ga: Line) -> None:
    ga.say()
    assert not of_type(ga.wait(30), "input_audio_transcription.completed")
    assert ga.conversation.snapshot().items[0].content[0].transcript is None
    ga.assert_agrees()


def test_silence_is_nothing(ga: Line) -> None:
    assert ga.say(0, pause_ms=3000) == []
    assert len(ga.service._ear._buffer) < 500 * 48, "silence is let go of"


def test_offsets_count_all_audio_of_the_session(ga: Line) -> None:
    ga.say(0, pause_ms=2000)
    [started] = of_type(ga.say(500), "speech_started")
    assert started["audio_start_ms"] == 1700  # 300 ms are put before it
    ga.wait(30)
    [again] = of_type(ga.say(500), "speech_started")
    assert again["audio_start_ms"] > started["audio_start_ms"] + 500


@pytest.mark.parametrize("encoding", ["g711_ulaw", "g711_alaw"])
def test_telephone_audio_is_heard_and_spoken(encoding: str) -> None:
    line = Line("beta")
    line.configure(input_audio_format=encoding, output_audio_format=encoding)
    came = [
        event
        for number in range(8)
        for event in line.send("input_audio_buffer.append", audio=tone(100, number, encoding))
    ]
    came += line.send("input_audio_buffer.append", audio=silence(400, encoding))
    assert len(of_type(came, "committed")) == 1
    came = line.wait(30)
    spoken = b"".join(b64decode(event["delta"]) for event in of_type(came, "audio.delta"))
    [truth] = line.service.truth().audio_ms.values()
    assert len(spoken) // 8 == truth > 1000
    line.assert_agrees()


def test_the_client_may_end_turns_itself(line: Line) -> None:
    line.transcribed(turn_detection=None)
    assert line.say() == []
    came = line.send("input_audio_buffer.commit")
    assert types(came)[0] == "input_audio_buffer.committed"
    assert not of_type(line.wait(5), "response.created")
    assert line.error("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    line.send("input_audio_buffer.append", audio=tone(500))
    assert types(line.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert line.error("input_audio_buffer.commit")["code"] == "input_audio_buffer_commit_empty"
    line.send("response.create")
    line.wait(30)
    line.assert_agrees()


def test_speech_interrupts_the_answer_unless_it_may_not(ga: Line) -> None:
    ga.transcribed()
    ga.say()
    ga.wait(0.8)
    [done] = of_type(ga.say(), "response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    ga.wait(30)
    detection = {"type": "server_vad", "interrupt_response": False}
    ga.configure(audio={"input": {"turn_detection": detection}})
    ga.say()
    ga.say(200)
    assert not of_type(ga.got[-1:], "response.done"), "the first is not over yet"
    ga.wait(30)
    statuses = [event["response"]["status"] for event in of_type(ga.got, "response.done")]
    assert statuses == ["cancelled", "completed", "completed", "completed"]
    last = [event["type"] for event in ga.got if event["type"] in ("response.created", "response.done")][-4:]
    assert last == ["response.created", "response.done"] * 2, "the second is answered after the first"
    ga.assert_agrees()


def test_create_response_false_leaves_it_to_the_client(ga: Line) -> None:
    ga.configure(audio={"input": {"turn_detection": {"type": "semantic_vad", "create_response": False}}})
    assert of_type(ga.say(1000, pause_ms=800), "committed")
    assert not of_type(ga.wait(30), "response.created")


# responses


def test_a_typed_message_is_answered_in_text(line: Line) -> None:
    key = "output_modalities" if line.dialect == "ga" else "modalities"
    came = line.type("Hello there", **{key: ["text"]})
    assert types(came)[0] == "response.output_item.added"
    [done] = of_type(came, "response.done")
    [item] = done["response"]["output"]
    assert item["content"][0]["type"] == ("output_text" if line.dialect == "ga" else "text")
    deltas = "".join(event["delta"] for event in of_type(came, "text.delta"))
    assert item["content"][0]["text"] == deltas
    line.assert_agrees()


def test_audio_comes_faster_than_it_is_played(ga: Line) -> None:
    ga.send("response.create")
    began, ends = ga.now, 0.0
    while not of_type(ga.wait(0.01), "response.done"):
        ends = ga.now
    [ms] = ga.service.truth().audio_ms.values()
    assert 0.3 < ends - began < ms / 1000 * 0.8


def test_a_tool_is_called_and_its_output_told(line: Line) -> None:
    line.configure(tools=[WEATHER])
    came = line.type("What's the weather like in Lisbon?")
    [call] = of_type(came, "response.done")[0]["response"]["output"]
    assert (call["type"], call["name"]) == ("function_call", "get_weather")
    assert json.loads(call["arguments"]) == {"city": "Lisbon", "unit": "celsius"}
    item = {"type": "function_call_output", "call_id": call["call_id"], "output": "19 degrees"}
    line.send("conversation.item.create", item=item)
    line.send("response.create")
    line.wait(30)
    assert transcript(line.conversation.snapshot())[-1].text == "It's nineteen degrees and clear in Lisbon."
    line.assert_agrees()


def test_tools_of_ones_own_are_called_with_arguments_of_their_schema(ga: Line) -> None:
    parameters = {
        "type": "object",
        "properties": {"room": {"enum": ["hall", "attic"]}, "level": {"type": "integer", "minimum": 3}},
    }
    tool = {"type": "function", "name": "setLights", "parameters": parameters}
    ga.configure(tools=[tool])
    [done] = of_type(ga.type("Put on the lights, please."), "response.done")
    [call] = done["response"]["output"]
    assert json.loads(call["arguments"]) == {"room": "hall", "level": 3}
    ga.send(
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": call["call_id"], "output": "on"},
    )
    ga.send("response.create")
    ga.wait(30)
    assert transcript(ga.conversation.snapshot())[-1].text == "Here is what I found: on"
    [done] = of_type(ga.type("Good", tool_choice="required"), "response.done")
    assert done["response"]["output"][0]["name"] == "setLights"
    [done] = of_type(ga.type("Lights!", tool_choice="none"), "response.done")
    assert done["response"]["output"][0]["type"] == "message"
    ga.assert_agrees()


def test_only_one_response_runs_in_the_conversation(ga: Line) -> None:
    ga.send("response.create")
    error = ga.error("response.create")
    assert error["code"] == "conversation_already_has_active_response"
    running = ga.conversation.snapshot().responses[0].id
    assert running in error["message"]
    beside = {"conversation": "none", "metadata": {"topic": "mood"}, "output_modalities": ["text"]}
    [created] = ga.send("response.create", response=beside)
    assert created["response"]["conversation_id"] is None
    assert created["response"]["metadata"] == {"topic": "mood"}
    ga.wait(30)
    assert [each.status for each in ga.conversation.snapshot().responses] == ["completed", "completed"]
    assert len(ga.service.order) == 1
    ga.assert_agrees()


@pytest.mark.parametrize("named", [False, True])
def test_a_response_is_cancelled(line: Line, named: bool) -> None:
    [created, *_] = line.send("response.create")
    line.wait(0.9)
    wanted = {"response_id": created["response"]["id"]} if named else {}
    came = line.send("response.cancel", **wanted)
    [done] = of_type(came, "response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"]["reason"] == "client_cancelled"
    assert of_type(came, "content_part.done")
    assert line.wait(30) == []
    assert line.error("response.cancel", **wanted)["code"] == "response_cancel_not_active"
    line.assert_agrees()


def test_an_answer_may_be_too_long(ga: Line) -> None:
    ga.configure(output_modalities=["text"])
    [done] = of_type(ga.type("Hello", max_output_tokens=4), "response.done")
    assert done["response"]["status"] == "incomplete"
    assert done["response"]["status_details"]["reason"] == "max_output_tokens"
    ga.assert_agrees()


def test_instructions_may_dictate_the_answer_and_replies_come_first() -> None:
    line = Line("ga", replies=["One.", "Two."])
    line.type("Hello")
    line.type("And", instructions='Say exactly: "Good morning."')
    line.type("More")
    line.type("My order number is 1")
    said = [turn.text for turn in transcript(line.conversation.snapshot()) if turn.role == "assistant"]
    assert said[:3] == ["One.", "Good morning.", "Two."]
    assert said[3] not in ("", *said[:3])


def test_a_conversation_goes_on(ga: Line) -> None:
    for question in ("One thing.", "Another thing.", "A third thing."):
        ga.type(question)
    said = [turn.text for turn in transcript(ga.conversation.snapshot()) if turn.role == "assistant"]
    assert len(set(said)) == 3


def test_an_answer_is_truncated_where_it_was_heard(line: Line) -> None:
    line.send("response.create")
    line.wait(30)
    [ms] = line.service.truth().audio_ms.values()
    fields = {"item_id": line.last, "content_index": 0}
    error = line.error("conversation.item.truncate", **fields, audio_end_ms=ms + 1)
    assert error["message"] == f"Audio content of {ms}ms is already shorter than {ms + 1}ms"
    [truncated] = line.send("conversation.item.truncate", **fields, audio_end_ms=500)
    assert truncated["audio_end_ms"] == 500
    [retrieved] = line.send("conversation.item.retrieve", item_id=line.last)
    [part] = retrieved["item"]["content"]
    assert part["transcript"] is None
    assert len(b64decode(part["audio"])) == 500 * 48
    line.assert_agrees()
    assert line.error("conversation.item.truncate", **fields, audio_end_ms=501)["code"] == "invalid_value"


def test_an_answer_is_truncated_while_it_is_spoken(line: Line) -> None:
    line.send("response.create")
    line.wait(1.2)
    line.send("conversation.item.truncate", item_id=line.last, content_index=0, audio_end_ms=50)
    line.wait(30)
    line.assert_agrees()


def test_typed_text_is_not_truncated(ga: Line) -> None:
    ga.send("conversation.item.create", item=text_item("Hello", id="a"))
    error = ga.error("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=0)
    assert error["code"] == "unsupported_content_type"


def test_deleting_what_is_being_said_stops_it(line: Line) -> None:
    line.send("response.create")
    line.wait(1)
    came = line.send("conversation.item.delete", item_id=line.last)
    assert types(came)[-1] == "conversation.item.deleted"
    assert of_type(came, "response.done")
    assert line.wait(30) == []
    assert line.conversation.snapshot().items == ()
    assert line.conversation.anomalies == ()


def test_the_voice_stays_once_it_was_heard(ga: Line) -> None:
    ga.configure(audio={"output": {"voice": "sage"}})
    ga.send("response.create")
    ga.wait(30)
    session = {"type": "realtime", "audio": {"output": {"voice": "echo"}}}
    assert ga.error("session.update", session=session)["code"] == "cannot_update_voice"
    ga.configure(audio={"output": {"voice": "sage"}})


def test_usage_grows_with_the_conversation_and_is_partly_cached(ga: Line) -> None:
    usages = [of_type(ga.type("Hello"), "response.done")[0]["response"]["usage"] for _ in range(4)]
    assert all(one["input_tokens"] < other["input_tokens"] for one, other in pairwise(usages))
    assert usages[-1]["input_token_details"]["cached_tokens"] > 0
    assert all(usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] for usage in usages)


@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_the_same_events_at_the_same_times_give_the_same_answers(dialect: Dialect) -> None:
    def call(seed: int) -> list[Event]:
        line = Line(dialect, seed=seed)
        line.transcribed()
        line.say()
        line.type("Hello")
        return line.got

    assert call(3) == call(3)
    assert call(3) != call(4)


def test_it_says_when_it_has_more_to_send() -> None:
    service = Service()
    assert service.due == 0.0
    service.run(0.0)
    assert service.due is None
    service.take('{"type": "response.create"}', 5.0)
    assert service.due == 5.0
    service.run(5.0)
    assert service.due is not None
    assert 5.1 < service.due < 5.5
    assert service.run(service.due - 0.001) == []
    assert service.run(service.due) != []
