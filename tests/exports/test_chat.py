"""Chat Completions: what becomes what, and the vendor's own types take it."""

from typing import Any

import pytest
from hypothesis import given
from openai.types.chat import ChatCompletionMessageParam
from pydantic import ValidationError

from rtstate import Conversation, Snapshot, chat_messages
from tests.exports_support import (
    Dict,
    adapter,
    answered,
    assert_within,
    called_within,
    every_session,
    image,
    in_turn,
    mcp_call,
    output,
    points,
    said,
    states,
    talk,
    text_of,
    validate,
)
from tests.helpers import (
    added,
    assistant,
    audio_part,
    call,
    committed,
    done,
    output_added,
    output_done,
    response_created,
    response_done,
    spoken,
    state,
    text_part,
    transcription,
    truncated,
    user,
)

MESSAGE = adapter(ChatCompletionMessageParam)
FIRST, SECOND = call("f1", '{"a": 1}'), call("f2", "{}", call_id="call_2", name="tell")


def called(*calls: tuple[str, str, str], content: Any = None) -> Dict:
    functions = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": text}}
        for id_, name, text in calls
    ]
    return {"role": "assistant", "content": content, "tool_calls": functions}


def tool(content: str = "42", call_id: str = "call_1") -> Dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


ONE, OTHER = ("call_1", "look_up", '{"a": 1}'), ("call_2", "tell", "{}")
HELLO = {"role": "user", "content": "Hello"}
TABLE: dict[str, tuple[list[Dict], list[Dict]]] = {
    "nothing": ([], []),
    "roles": (
        [
            {**user("s1", "Be kind."), "role": "system"},
            user(text="Hello"),
            assistant("a1", audio_part("Hi.")),
        ],
        [{"role": "system", "content": "Be kind."}, HELLO, {"role": "assistant", "content": "Hi."}],
    ),
    "several parts": (
        [assistant("a1", text_part("One."), text_part(" "), audio_part("Two."))],
        [{"role": "assistant", "content": "One.\nTwo."}],
    ),
    "an image": (
        [{**user("u1", "Look"), "content": [text_part("Look", "input_text"), image(detail="low")]}],
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Look"},
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"},
                    },
                ],
            }
        ],
    ),
    "an image alone, of odd detail": (
        [{**user("u1", "Look"), "content": [image("https://a.example/b.png", detail="odd")]}],
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": "https://a.example/b.png", "detail": "auto"},
                    }
                ],
            }
        ],
    ),
    "a call": ([user(text="Hello"), FIRST, output()], [HELLO, called(ONE), tool()]),
    "parallel calls": (
        [FIRST, SECOND, output("o2", "7", "call_2"), output()],
        [called(ONE, OTHER), tool(), tool("7", "call_2")],
    ),
    "calls one after the other": (
        [FIRST, output(), SECOND, output("o2", "7", "call_2")],
        [called(ONE), tool(), called(OTHER), tool("7", "call_2")],
    ),
    "a message between a call and its output": (
        [FIRST, user(text="Hello"), output()],
        [called(ONE), tool(), HELLO],
    ),
    "a message between two calls": (
        [FIRST, user(text="Hello"), SECOND, output(), output("o2", "7", "call_2")],
        [called(ONE), tool(), HELLO, called(OTHER), tool("7", "call_2")],
    ),
    "what is left out does not part calls": (
        [FIRST, user("u1", ""), SECOND, output(), output("o2", "7", "call_2")],
        [called(ONE, OTHER), tool(), tool("7", "call_2")],
    ),
    "an output before its call": ([output(), FIRST], [called(ONE), tool()]),
    "an output that is no text": (
        [FIRST, output(text={"n": ["é", None]})],
        [called(ONE), tool('{"n": ["é", null]}')],
    ),
    "an empty output is one": ([FIRST, output(text="")], [called(ONE), tool("")]),
    "no arguments": ([call("f1", " "), output()], [called(("call_1", "look_up", "{}")), tool()]),
    "arguments that are no JSON": (
        [call("f1", "{a"), output()],
        [called(("call_1", "look_up", "{a")), tool()],
    ),
    "a call of an MCP server": ([mcp_call()], [called(("m1", "buy", '{"n": 1}')), tool("bought", "m1")]),
    "a failed one": (
        [mcp_call(output=None, error={"type": "http_error", "code": 500, "message": "Down."})],
        [called(("m1", "buy", '{"n": 1}')), tool("Down.", "m1")],
    ),
    "a failed one in its own words": (
        [mcp_call(output=None, error="Down.")],
        [called(("m1", "buy", '{"n": 1}')), tool("Down.", "m1")],
    ),
    "calls of both kinds": (
        [FIRST, mcp_call(), output(), SECOND, output("o2", "7", "call_2")],
        [
            called(ONE, ("m1", "buy", '{"n": 1}')),
            tool(),
            tool("bought", "m1"),
            called(OTHER),
            tool("7", "call_2"),
        ],
    ),
}


@pytest.mark.parametrize(("items", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(items: list[Dict], expected: list[Dict]) -> None:
    messages = chat_messages(talk(*items))
    assert messages == expected
    check(messages)


def test_the_words_of_an_answer_and_its_calls_are_one_message() -> None:
    said_first = assistant("a1", text_part("One moment."))
    answer = [output_added(said_first), added(said_first), output_done({**said_first, "status": "completed"})]
    for number, each in enumerate((FIRST, SECOND), 1):
        answer += [output_added(each, index=number), added(each)]
        answer += [output_done({**each, "status": "completed"}, index=number)]
        answer += [added(output(f"o{number}", f"{number}", each["call_id"]))]
    conversation = state(response_created(), *answer, response_done())
    assert chat_messages(conversation.snapshot()) == [
        called(ONE, OTHER, content="One moment."),
        tool("1"),
        tool("2", "call_2"),
    ]


def test_words_of_another_answer_are_another_message() -> None:
    conversation = state(response_created("r1"), output_added(assistant("a1"), "r1"), added(assistant("a1")))
    for event in (
        spoken("Hm.", response_id="r1"),
        response_done("r1", assistant("a1", audio_part("Hm."))),
        response_created("r2"),
        output_added(FIRST, "r2"),
        added(FIRST),
        response_done("r2", {**FIRST, "status": "completed"}),
        added(output()),
    ):
        conversation.feed(event)
    hm = {"role": "assistant", "content": "Hm."}
    assert chat_messages(conversation.snapshot()) == [hm, called(ONE), tool()]


def test_only_what_was_heard_of_a_truncated_message() -> None:
    text = "The quick brown fox jumps over the lazy dog."
    a1 = assistant("a1")
    conversation = state(response_created(), output_added(a1), added(a1), spoken(text), truncated())
    [message] = chat_messages(conversation.snapshot())
    heard = conversation.snapshot().items[0].content[0].transcript
    assert message == {"role": "assistant", "content": heard}
    assert text.startswith(str(heard))
    assert len(str(heard)) < len(text)


def test_speech_appears_once_there_is_a_text_of_it() -> None:
    conversation = state(committed("u1"))
    assert chat_messages(conversation.snapshot()) == []
    conversation.feed(transcription("delta", delta="Hel"))
    assert chat_messages(conversation.snapshot()) == [{"role": "user", "content": "Hel"}]
    conversation.feed(transcription("completed", transcript="Hello"))
    assert chat_messages(conversation.snapshot()) == [HELLO]


def test_a_call_appears_once_it_may_be_run_and_was() -> None:
    conversation = Conversation()
    for event in (added(FIRST), done({**FIRST, "status": "completed"})):
        assert chat_messages(conversation.snapshot()) == []
        conversation.feed(event)
    assert chat_messages(conversation.snapshot()) == []
    conversation.feed(added(output()))
    assert chat_messages(conversation.snapshot()) == [called(ONE), tool()]


def check(messages: list[Dict]) -> None:
    for message in messages:
        validate(MESSAGE, message)
    in_turn(messages)


@every_session
def test_every_session_at_every_point(name: str) -> None:
    for snapshot in points(name):
        check(chat_messages(snapshot))
        holds_it_all(snapshot)


def holds_it_all(snapshot: Snapshot) -> None:
    messages = chat_messages(snapshot)
    words = [(each["role"], text_of(each["content"])) for each in messages if each["role"] != "tool"]
    assert [each for each in words if each[1] or each[0] == "user"] == said(snapshot)
    outputs = {each["tool_call_id"]: each["content"] for each in messages if each["role"] == "tool"}
    assert outputs == answered(snapshot, longest=40)


@pytest.mark.parametrize(
    "wrong",
    [
        {**HELLO, "id": "u1"},
        {"role": "tool", "tool_call_id": "c", "content": {"a": 1}},
        {**called(ONE), "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "a"}}]},
        {"role": "user", "content": [{"type": "text", "text": "a", "odd": 1}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a", "detail": "odd"}}]},
    ],
)
def test_the_check_can_fail(wrong: Dict) -> None:
    with pytest.raises(ValidationError):
        validate(MESSAGE, wrong)


@given(states)
def test_any_state(snapshot: Snapshot) -> None:
    check(chat_messages(snapshot))
    holds_it_all(snapshot)


def test_ids_and_names_are_such_as_the_api_takes() -> None:
    snapshot, kept = called_within(40)
    messages = chat_messages(snapshot)
    calls = [each for message in messages for each in message.get("tool_calls", ())]
    told = [{"id": each["id"], **each["function"]} for each in calls]
    answers = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert_within(40, kept, told, answers)
    assert len(told) == 6
