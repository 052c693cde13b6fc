"""A realtime service without a socket: client events and the time in, server events out when they are due."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, Literal

from rtstate.simulate import _g711, _replies, _requests
from rtstate.simulate._audio import chunk
from rtstate.simulate._checks import Refusal, invalid_value
from rtstate.simulate._clock import Process
from rtstate.simulate._lines import Script, aside, dictated
from rtstate.simulate._listening import Ear
from rtstate.simulate._script import ToolUse, tokens
from rtstate.simulate._server import Server
from rtstate.simulate._settings import Settings, merged
from rtstate.simulate._truth import Event, Item, Part, Response
from rtstate.simulate._wire import EPOCH, Json

_LEAST_COMMIT_MS = 100


class Service(Server):
    """Serve one session: `take` what the client sends, and `run` for what is to be sent by now.

    `dialect` is `"ga"` or `"beta"`. `replies` are said before those of the script. After `expire_after`
    seconds the session ends as the API's does; `ended` is then the close code and reason. Times are seconds
    since the session began, on any clock; `epoch` is that moment as a Unix time. The same events at the same
    times give the same answers.

    >>> service = Service(seed=7)
    >>> [event["type"] for event in service.run(0.0)]
    ['session.created']
    >>> service.take('{"type": "response.cancel", "event_id": "mine"}', 0.5)
    >>> [error] = service.run(0.5)
    >>> error["error"]["code"], error["error"]["event_id"]
    ('response_cancel_not_active', 'mine')
    """

    def __init__(
        self,
        *,
        dialect: Literal["ga", "beta"] = "ga",
        seed: int | str = 7,
        replies: Iterable[str] = (),
        model: str | None = None,
        expire_after: float | None = None,
        epoch: float = EPOCH,
    ) -> None:
        super().__init__(Random(f"live {seed} {dialect}"), dialect)
        self.rate_limits = True
        self.ended: tuple[int, str] | None = None
        self.script = Script(self.rng, replies)
        self._out: list[Event] = []
        self._ear = Ear()
        self._speech_item = ""
        self._words: dict[str, str] = {}  # what was said in an item, transcribed or not
        self._wishes: dict[str, Settings] = {}
        self._owes_answer = False
        self._session_id, self.conversation_id = self.wire.new_id("sess"), self.wire.new_id("conv")
        fields = self.wire.session(self._session_id, "audio", "", [], fresh=True)
        fields["expires_at"] = round(epoch + (expire_after or 3600))
        if model:
            fields["model"] = model
        self.settings = Settings(fields, beta=dialect == "beta")
        self._configure()
        self.clock.start(self._open())
        if expire_after is not None:
            self.clock.start(self._expire(), expire_after)

    # the socket

    @property
    def due(self) -> float | None:
        """Give when there is more to send; None while only the client can make it go on."""
        if self.ended is not None:
            return None
        return self.clock.now if self._out else self.clock.due

    def run(self, now: float) -> list[Event]:
        """Return what is to be sent up to now, in order."""
        if self.ended is None:
            self.clock.run(now)
        events, self._out = self._out, []
        return events

    def take(self, frame: str | bytes | Mapping[str, Any], now: float) -> None:
        """Take a client event; what is wrong with it is answered, never raised."""
        if self.ended is not None:
            return
        self.clock.run(now)
        if self.ended is not None:
            return
        event: Event = {}
        try:
            event = _requests.parse(frame)
            _requests.check(event, beta=self.settings.beta)
            self._handlers()[event["type"]](event)
        except Refusal as refusal:
            event_id = event.get("event_id")
            self._refuse(refusal, event_id if isinstance(event_id, str) else None)

    def send(self, type_: str, **fields: Any) -> None:
        """Send a server event, named and given as GA has it."""
        if type_ in ("response.created", "response.done"):
            self._shape_response(fields["response"])
        self._out += self.wire.frames(type_, fields)

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        error = {"type": "invalid_request_error", "code": refusal.code, "message": refusal.message}
        self.send("error", error={**error, "param": refusal.param, "event_id": event_id})

    def _handlers(self) -> Mapping[str, Callable[[Event], None]]:
        return {
            "session.update": self._on_session_update,
            "input_audio_buffer.append": self._on_append,
            "input_audio_buffer.commit": self._on_commit,
            "input_audio_buffer.clear": self._on_clear,
            "conversation.item.create": self._on_create,
            "conversation.item.retrieve": self._on_retrieve,
            "conversation.item.truncate": self._on_truncate,
            "conversation.item.delete": self._on_delete,
            "response.create": self._on_response_create,
            "response.cancel": self._on_response_cancel,
        }

    # the session

    def _open(self) -> Process:
        self.send("session.created", session=self.settings.fields)
        if self.wire.announces_conversation:
            conversation = {"id": self.conversation_id, "object": "realtime.conversation"}
            self.send("conversation.created", conversation=conversation)
        yield from ()

    def _expire(self) -> Process:
        message = "Your session hit the maximum duration of 60 minutes."
        self._refuse(Refusal("session_expired", message), None)
        self.clock.clear()
        self.ended = (1001, "session expired")
        yield from ()

    def _on_session_update(self, event: Event) -> None:
        wish: Json = event["session"]
        wished = Settings(wish, beta=self.settings.beta).voice
        spoken = any(part.audio for item in self.items.values() for part in item.parts if item.role != "user")
        if wished is not None and wished != self.settings.voice and spoken:
            message = "Cannot update a conversation's voice if assistant audio is present."
            raise Refusal("cannot_update_voice", message, "session.voice")
        self.settings.update(wish)
        self._configure()
        self.send("session.updated", session=self.settings.fields)

    def _configure(self) -> None:
        settings = self.settings
        self._configuration = (settings.modality, settings.instructions, settings.tools)
        self._ear.configure(settings.encoding("input"), settings.turn_detection)
        if settings.transcription is not None:
            self.wire.transcription_model = settings.transcription.get("model") or "gpt-4o-transcribe"

    # what is heard

    def _on_append(self, event: Event) -> None:
        for heard in self._ear.append(b64decode(event["audio"])):
            if heard.what == "started":
                self._speech_item = self.wire.new_id("item")
                self.send(
                    "input_audio_buffer.speech_started", audio_start_ms=heard.ms, item_id=self._speech_item
                )
                if self._detects("interrupt_response"):
                    self._interrupt()
            else:
                self.send(
                    "input_audio_buffer.speech_stopped", audio_end_ms=heard.ms, item_id=self._speech_item
                )
                self._commit(self._speech_item)
                if self._detects("create_response"):
                    self._answer_turn()

    def _detects(self, what: str) -> bool:
        return bool((self._ear.detection or {}).get(what, True))

    def _interrupt(self) -> None:
        self._owes_answer = False
        active = self._active()
        if active is not None:
            self._break_off(active, "turn_detected")

    def _on_commit(self, _event: Event) -> None:
        buffered = self._ear.buffered_ms
        if buffered < _LEAST_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {buffered:.2f}ms of audio."
            )
            raise Refusal("input_audio_buffer_commit_empty", message)
        item_id = self._speech_item if self._ear.speaking else self.wire.new_id("item")
        self._commit(item_id)

    def _commit(self, item_id: str) -> None:
        """Make the buffer a user item, and begin to transcribe it where that is wanted."""
        audio = self._ear.take()
        per_ms = _g711.bytes_per_ms(self._ear.encoding)
        part = Part("input_audio", audio=[_text(audio)], audio_bytes=len(audio), bytes_per_ms=per_ms)
        item = Item(item_id, role="user", parts=[part])
        self.place(item)
        self.send("input_audio_buffer.committed", previous_item_id=item.previous_item_id, item_id=item_id)
        self.announce(item)
        words = self._words[item_id] = self.script.hear(self.settings.tools)
        if self.settings.transcription is not None:
            self.await_transcript(item)
            self.clock.start(self.transcribe(item, words), self.rng.uniform(0.2, 0.6))

    def _bills_transcription(self) -> bool:
        return True

    def _on_clear(self, _event: Event) -> None:
        self._ear.clear()
        self.send("input_audio_buffer.cleared")

    # items

    def _on_create(self, event: Event) -> None:
        item = _requests.read_item(event["item"], self.wire.new_id, self.settings.bytes_per_ms)
        after = event.get("previous_item_id")
        if item.id in self.items or item.id in self._deleted or item.id == self._speech_item:
            raise invalid_value(
                f"Error adding item: an item with the id '{item.id}' exists already.", "item.id"
            )
        if after not in (None, "root", *self.order):
            message = f"Error creating item: the previous item '{after}' does not exist."
            raise Refusal("item_create_invalid_previous_item_id", message, "previous_item_id")
        if item.type == "function_call_output" and self._call(item.fields["call_id"]) is None:
            message = f"Tool call ID '{item.fields['call_id']}' not found in conversation."
            raise Refusal("invalid_tool_call_id", message, "item.call_id")
        self.place(item, after)
        self.announce(item)

    def _call(self, call_id: str) -> Item | None:
        calls = (self.items[item_id] for item_id in self.order)
        return next(
            (item for item in calls if item.type == "function_call" and item.fields["call_id"] == call_id),
            None,
        )

    def _known(self, event: Event, verb: str, code: str) -> Item:
        item_id = event["item_id"]
        if item_id not in self.order:
            raise Refusal(code, f"Error {verb} item: the item with id '{item_id}' does not exist.", "item_id")
        return self.items[item_id]

    def _on_retrieve(self, event: Event) -> None:
        item = self._known(event, "retrieving", "item_retrieve_invalid_item_id")
        shaped = self.wire.item(item)
        if item.type == "message":
            whole = self._transcription_status.get(item.id, "final") == "final"
            copies = [self._copy(item, index, whole) for index in range(len(item.parts))]
            shaped["content"] = [
                self.wire.part(copy) | ({"audio": copy.audio[0]} if copy.audio else {}) for copy in copies
            ]  # under their full names, for clients that take no others
        self.send("conversation.item.retrieved", item=shaped)

    def _copy(self, item: Item, index: int, transcribed: bool) -> Part:
        """Return a part as the server has it: what was cut off is gone, and with it the transcript."""
        part, end_ms = item.parts[index], self._truncated.get((item.id, index))
        audio = b"".join(map(b64decode, part.audio))
        if end_ms is not None:
            audio = audio[: end_ms * part.bytes_per_ms]
        text = part.text if transcribed and end_ms is None else None
        return replace(part, text=text, audio=[_text(audio)] if audio else [])

    def _on_truncate(self, event: Event) -> None:
        item = self._known(event, "truncating", "item_truncate_invalid_item_id")
        index: int = event["content_index"]
        end_ms: int = event["audio_end_ms"]
        part = item.parts[index] if index < len(item.parts) else None
        if item.role != "assistant" or part is None or part.type != "output_audio":
            raise Refusal(
                "unsupported_content_type", "Only model output audio messages can be truncated", "item_id"
            )
        kept_ms = min(part.audio_ms, self._truncated.get((item.id, index), part.audio_ms))
        if end_ms > kept_ms:
            raise invalid_value(
                f"Audio content of {kept_ms}ms is already shorter than {end_ms}ms", "audio_end_ms"
            )
        self._truncated[item.id, index] = end_ms
        self.send("conversation.item.truncated", item_id=item.id, content_index=index, audio_end_ms=end_ms)

    def _on_delete(self, event: Event) -> None:
        item = self._known(event, "deleting", "item_delete_invalid_item_id")
        active = self._active()
        if active is not None and item in active.output:  # who writes it stops first
            self._break_off(active, "client_cancelled")
        self.order.remove(item.id)
        self._deleted.append(item.id)
        self.send("conversation.item.deleted", item_id=item.id)

    # responses

    def _active(self) -> Response | None:
        """Return the response that runs in the default conversation."""
        running = (self.responses[response_id] for response_id in self._wishes)
        return next((response for response in running if response.conversation_id is not None), None)

    def _on_response_create(self, event: Event) -> None:
        wish: Json = event.get("response") or {}
        apart = wish.get("conversation") == "none"
        active = self._active()
        if active is not None and not apart:
            message = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise Refusal("conversation_already_has_active_response", message)
        for index, each in enumerate(wish.get("input") or ()):
            if each["type"] == "item_reference" and each["id"] not in self.order:
                message = f"The referenced item '{each['id']}' does not exist."
                raise invalid_value(message, f"response.input[{index}].id")
        settings = Settings(merged(self.settings.fields, wish), beta=self.settings.beta)
        self._begin(settings, self._line(settings, wish), apart, wish.get("metadata"))

    def _answer_turn(self) -> None:
        """Answer what was said, at once or when the response that runs has ended."""
        if self._active() is not None:
            self._owes_answer = True
            return
        self._owes_answer = False
        self._begin(self.settings, self._line(self.settings, {}))

    def _begin(
        self, settings: Settings, line: str | ToolUse, apart: bool = False, metadata: Any = None
    ) -> None:
        conversation_id = None if apart else self.conversation_id
        response = Response(self.wire.new_id("resp"), conversation_id, settings.modality, metadata)
        self.responses[response.id] = response
        self._wishes[response.id] = Settings(settings.fields, beta=settings.beta)
        self.send("response.created", **self.wire.response(response))
        if self.wire.limits_at_start:
            self.limits()
        self.clock.start(
            self._while_it_runs(response, self._say(response, line)), self.rng.uniform(0.15, 0.4)
        )

    def _line(self, settings: Settings, wish: Json) -> str | ToolUse:
        """Choose what the model says, or which function it calls."""
        told = dictated(str(wish.get("instructions") or ""))
        if told is not None:
            return told
        if wish.get("conversation") == "none" and not wish.get("tools"):
            return aside(str(wish.get("instructions") or ""), wish.get("metadata"))
        newest = self.items[self.order[-1]] if self.order else None
        if newest is not None and newest.type == "function_call_output" and "tool_choice" not in wish:
            call = self._call(newest.fields["call_id"])
            return self.script.follow_up(call.fields["name"] if call else "", newest.fields["output"])
        said = None if newest is None or newest.role != "user" else self._said(newest)
        return self.script.answer(said, settings.tools, settings.tool_choice)

    def _said(self, item: Item) -> str:
        return self._words.get(item.id) or " ".join(
            part.text or "" for part in item.parts if part.type != "input_image"
        )

    def _while_it_runs(self, response: Response, process: Process) -> Process:
        """Let a process go on until its response has ended, by itself or by others."""
        while not response.done:
            pause = next(process, None)
            if pause is None:
                return
            yield pause

    def _say(self, response: Response, line: str | ToolUse) -> Process:
        most = self._wishes[response.id].max_tokens
        if isinstance(line, ToolUse):
            yield from _replies.calls(self, response, [line])
        elif most is not None and len(tokens(line)) > most:
            yield from _replies.message(self, response, line, most / len(tokens(line)))
            _replies.break_off(self, response, "incomplete", "max_output_tokens", thorough=True)
            return
        else:
            yield from _replies.message(self, response, line)
        self.close_response(response)

    def speak(self, response: Response, item: Item, size: int) -> None:
        """Stream audio of the last part: as long as `size` bytes of PCM, in the format of the response."""
        part, encoding = item.parts[-1], self._wishes[response.id].encoding("output")
        part.bytes_per_ms = _g711.bytes_per_ms(encoding)
        if not part.audio:
            part.heard_from = self.clock.now + 0.05
        audio = chunk(size, len(part.audio))
        if encoding != _g711.PCM16:
            encoded = _g711.encode(b64decode(audio), encoding)
            audio, size = _text(encoded), len(encoded)
        part.audio.append(audio)
        part.audio_bytes += size
        where = self.where(response, item, len(item.parts) - 1)
        self.send("response.output_audio.delta", **where, delta=audio)

    def close_response(
        self, response: Response, status: str = "completed", reason: str = "", *, with_usage: bool = True
    ) -> None:
        """End a response, and with it whatever it left open; then answer what was said meanwhile."""
        super().close_response(response, status, reason, with_usage=with_usage)
        del self._wishes[response.id]
        if self._owes_answer and response.conversation_id is not None:
            self._answer_turn()

    def _on_response_cancel(self, event: Event) -> None:
        wanted = event.get("response_id")
        active = self._active() if wanted is None else self.responses.get(wanted)
        if active is None or active.done:
            raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        self._break_off(active, "client_cancelled")

    def _break_off(self, response: Response, reason: str) -> None:
        _replies.break_off(self, response, "cancelled", reason, thorough=True)

    def _shape_response(self, shaped: Json) -> None:
        """Put the response's own settings where the dialect has them."""
        wishes = self._wishes[shaped["id"]]
        if wishes.beta:
            shaped |= {
                "voice": wishes.voice,
                "output_audio_format": wishes.encoding("output"),
                "temperature": wishes.fields.get("temperature", 0.8),
            }
            return
        shaped["max_output_tokens"] = wishes.fields.get("max_output_tokens", "inf")
        shaped["audio"] = {
            "output": {key: wishes.fields["audio"]["output"].get(key) for key in ("format", "voice")}
        }


def _text(data: bytes) -> str:
    return b64encode(data).decode("ascii")
