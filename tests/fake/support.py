"""A line to a service without a socket, and the sounds that are sent over it."""

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from typing import Any, Literal

from rtstate import Conversation
from rtstate.simulate import Service, Truth
from rtstate.simulate._audio import chunk
from rtstate.simulate._g711 import PCM16, bytes_per_ms, encode
from rtstate.simulate._script import TOOL_USES, function_tools
from tests.laws_support import assert_truth

Event = dict[str, Any]
Dialect = Literal["ga", "beta"]
WEATHER = function_tools(TOOL_USES[:1])[0]


def silence(ms: int, encoding: str = PCM16) -> str:
    quiet = {"g711_ulaw": b"\xff", "g711_alaw": b"\xd5"}.get(encoding, b"\0")
    return b64encode(quiet * (ms * bytes_per_ms(encoding))).decode()


def tone(ms: int, number: int = 0, encoding: str = PCM16) -> str:
    """A soft tone; `ms` at most 2,000."""
    return b64encode(encode(b64decode(chunk(ms * 48, number)), encoding)).decode()


def text_item(text: str, role: str = "user", **fields: Any) -> Event:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}


def types(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]


def known_to_readers(service: Service) -> Truth:
    """The truth as the state tells it: speech that is never transcribed waits for its transcript for ever."""
    truth = service.truth()
    spoken = {item_id: "pending" for item_id in service._words if item_id not in truth.deleted}
    return replace(truth, transcription_status=spoken | truth.transcription_status)


class Line:
    """Hold a line to a service: what it sends goes into a conversation, and so does what is sent to it."""

    def __init__(self, dialect: Dialect = "ga", **options: Any) -> None:
        self.service = Service(dialect=dialect, **options)
        self.dialect = dialect
        self.now = 0.0
        self.conversation = Conversation()
        self.got: list[Event] = []
        self.wait(0)

    def wait(self, seconds: float) -> list[Event]:
        """Let time go by; return what came."""
        self.now += seconds
        came = json.loads(json.dumps(self.service.run(self.now)))
        for event in came:
            self.conversation.feed(event, self.now)
        self.got += came
        return came

    def send(self, type_: str, **fields: Any) -> list[Event]:
        """Send an event; return what comes at once."""
        event = {"type": type_, **fields}
        self.conversation.feed(event, self.now)
        self.service.take(json.dumps(event), self.now)
        return self.wait(0)

    def error(self, type_: str, **fields: Any) -> Event:
        """Send an event that is refused; return the error."""
        [answer] = self.send(type_, event_id="mine", **fields)
        assert answer["type"] == "error"
        assert answer["error"]["event_id"] == "mine"
        assert answer["error"]["type"] == "invalid_request_error"
        return answer["error"]

    def configure(self, **wish: Any) -> Event:
        """Update the session; return it as it is then."""
        if self.dialect == "ga":
            wish = {"type": "realtime", **wish}
        [updated] = self.send("session.update", session=wish)
        assert updated["type"] == "session.updated", updated
        return updated["session"]

    def transcribed(self, turn_detection: Any = "as it is") -> None:
        """Have speech transcribed."""
        model = {"model": "gpt-4o-transcribe"}
        detection = {} if turn_detection == "as it is" else {"turn_detection": turn_detection}
        if self.dialect == "ga":
            self.configure(audio={"input": {"transcription": model, **detection}})
        else:
            self.configure(input_audio_transcription=model, **detection)

    def say(self, ms: int = 1000, pause_ms: int = 400) -> list[Event]:
        """Speak for so long, then be silent; return what came meanwhile."""
        came: list[Event] = []
        for number in range(ms // 100):
            came += self.send("input_audio_buffer.append", audio=tone(100, number))
            came += self.wait(0.1)
        for _ in range(pause_ms // 100):
            came += self.send("input_audio_buffer.append", audio=silence(100))
            came += self.wait(0.1)
        return came

    def type(self, text: str, **response: Any) -> list[Event]:
        """Type a message, ask for a response, and wait until it has ended."""
        self.send("conversation.item.create", item=text_item(text))
        self.send("response.create", **({"response": response} if response else {}))
        return self.wait(30)

    @property
    def last(self) -> str:
        return self.service.order[-1]

    def assert_agrees(self) -> None:
        """The conversation came to what the service knows, without anything odd."""
        assert_truth(self.conversation, known_to_readers(self.service))
