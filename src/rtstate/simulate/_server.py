"""A little realtime server: it knows what was said, says so in one dialect, and vouches for it."""

from dataclasses import replace
from random import Random
from typing import Any, Literal

from rtstate.simulate._audio import chunk
from rtstate.simulate._clock import Clock, Process
from rtstate.simulate._dialects import WIRES
from rtstate.simulate._script import ERROR_MESSAGES, tokens
from rtstate.simulate._truth import Event, Item, Part, Response, Status, Truth, Usage
from rtstate.simulate._usage import count_tokens, transcription_usage
from rtstate.simulate._wire import EPOCH

Modality = Literal["text", "audio"]
ROOT = "root"
_WINDOW = 64  # older items are left out of a response's input, as by `truncation: auto`


class Server:
    """Hold the state of one simulated service and the events that crossed its socket, both ways.

    Each verb acts at once, at the clock's present time, and sends what a server sends for it. Verbs that wait
    are processes (see `Clock`).
    """

    def __init__(self, rng: Random, dialect: str, start: float = 0.0) -> None:
        self.rng = rng
        self.wire = WIRES[dialect](rng)
        self.clock = Clock(start)
        self.timed: list[tuple[float, Event]] = []
        self.items: dict[str, Item] = {}
        self.order: list[str] = []
        self.responses: dict[str, Response] = {}
        self.rate_limits = False
        self._earlier: list[str] = []  # the order of sessions before a reconnect
        self._deleted: list[str] = []
        self._truncated: dict[tuple[str, int], int] = {}
        self._transcription_status: dict[str, str] = {}
        self._transcription_usage: dict[str, float] = dict.fromkeys(
            ("input_tokens", "output_tokens", "total_tokens", "seconds", "count", "without_usage"), 0
        )
        self._configuration: tuple[Modality, str, list[dict[str, Any]]] = ("audio", "", [])
        self.cached = 0  # input tokens that the cache may hold: those of the last response
        self._spent = 0
        self._listening_since = start

    # the socket

    def send(self, type_: str, **fields: Any) -> None:
        """Send a server event, named and given as GA has it."""
        for event in self.wire.frames(type_, fields):
            self.timed.append((round(self.clock.now, 3), event))

    def receive(self, type_: str, fields: Event | None = None, *, named: bool = False) -> str:
        """Take a client event; if `named`, it has an event id, which is returned."""
        event_id = self.wire.new_id("client") if named else ""
        event: Event = {"type": type_, **({"event_id": event_id} if named else {}), **(fields or {})}
        self.timed.append((round(self.clock.now, 3), event))
        return event_id

    def lag(self, least: float = 0.03, most: float = 0.12) -> float:
        """Give the seconds of one hop over the network."""
        return self.rng.uniform(least, most)

    # sessions

    def connect(self, modality: Modality, instructions: str, tools: list[dict[str, Any]]) -> Process:
        """Open a session, let the client configure it, and confirm."""
        self._configuration = (modality, instructions, tools)
        self._session_id = self.wire.new_id("sess")
        self.conversation_id = self.wire.new_id("conv")
        self._send_session("session.created", fresh=True)
        if self.wire.announces_conversation:
            conversation = {"id": self.conversation_id, "object": "realtime.conversation"}
            self.send("conversation.created", conversation=conversation)
        if self.wire.name == "xai":
            self.send("ping", timestamp=self.milliseconds())
        yield self.lag()
        self.receive("session.update", {"session": self.wire.session_update(*self._configuration)})
        yield self.lag()
        self._send_session("session.updated", fresh=False)
        self._listening_since = self.clock.now

    @property
    def microphone_ms(self) -> int:
        """Give how much audio this session's microphone has sent: it runs on while nobody speaks."""
        return round((self.clock.now - self._listening_since) * 1000)

    def _send_session(self, type_: str, *, fresh: bool) -> None:
        self.send(type_, session=self.wire.session(self._session_id, *self._configuration, fresh=fresh))

    def reconnect(self) -> Process:
        """Lose the connection, with all that was in flight, and open a new session."""
        self.clock.clear()
        for response in self.responses.values():
            if response.status == "in_progress":
                response.status = "incomplete"
        for item in self.items.values():
            if item.status == "in_progress":
                item.status = "incomplete"
        self._earlier += self.order
        self.order = []
        self.cached = 0
        yield self.lag(0.8, 2.5)
        yield from self.connect(*self._configuration)

    def milliseconds(self) -> int:
        """Give the wall clock of the server in Unix milliseconds."""
        return EPOCH * 1000 + round(self.clock.now * 1000)

    # items of the default conversation

    def place(self, item: Item, after: str | None = None) -> None:
        """Put an item after another, at the head (`"root"`), or, with None, at the end."""
        index = len(self.order) if after is None else 0 if after == ROOT else self.order.index(after) + 1
        item.previous_item_id = self.order[index - 1] if index else None
        self.order.insert(index, item.id)
        self.items[item.id] = item

    def announce(self, item: Item, *, done: bool = True) -> None:
        """Send `conversation.item.added`, and `done` for what needs no more."""
        shaped = self.wire.item(item, "conversation.item.added")
        self.send("conversation.item.added", previous_item_id=self.wire.anchor(item), item=shaped)
        if done:
            self.finish(item)

    def finish(self, item: Item) -> None:
        """Send `conversation.item.done`."""
        shaped = self.wire.item(item, "conversation.item.done")
        self.send("conversation.item.done", previous_item_id=self.wire.done_anchor(item), item=shaped)

    def create(self, item: Item, after: str | None = None, *, named: bool = False) -> Process:
        """Let the client create an item; if `named`, under an id of its own."""
        anchor = {} if after is None else {"previous_item_id": after}
        self.receive("conversation.item.create", {**anchor, "item": self.wire.request(item, with_id=named)})
        yield self.lag()
        self.place(item, after)
        self.announce(item)

    def text_item(self, text: str, role: str = "user") -> Item:
        """Make a message of one typed part."""
        return Item(self.wire.new_id("item"), role=role, parts=[Part("input_text", text)])

    def output_item(self, call_id: str, output: str) -> Item:
        """Make the output of a function call."""
        fields = {"call_id": call_id, "output": output}
        return Item(self.wire.new_id("item"), "function_call_output", fields=fields)

    def delete(self, item_id: str) -> Process:
        """Let the client delete an item."""
        self.receive("conversation.item.delete", {"item_id": item_id}, named=True)
        yield self.lag()
        self.order.remove(item_id)
        self._deleted.append(item_id)
        self.send("conversation.item.deleted", item_id=item_id)

    def retrieve(self, item_id: str) -> Process:
        """Let the client ask for the server's copy of an item."""
        self.receive("conversation.item.retrieve", {"item_id": item_id})
        yield self.lag()
        item = self.items[item_id]
        if self._transcription_status.get(item_id, "final") != "final":
            item = replace(item, parts=[Part("input_audio")])
        self.send("conversation.item.retrieved", item=self.wire.retrieved(item))

    def truncate(self, item: Item, content_index: int = 0) -> Process:
        """Let the client cut an assistant's audio where the listener stopped hearing it."""
        part = item.parts[content_index]
        played = round((self.clock.now - part.heard_from) * 1000)
        end_ms = max(0, min(played, part.audio_ms - 20))
        fields = {"item_id": item.id, "content_index": content_index, "audio_end_ms": end_ms}
        self.receive("conversation.item.truncate", fields)
        yield self.lag(0.02, 0.06)
        self._truncated[item.id, content_index] = end_ms
        self.send("conversation.item.truncated", **fields)

    def is_truncated(self, item_id: str) -> bool:
        """Tell whether any part of the item was cut."""
        return any(key[0] == item_id for key in self._truncated)

    def refuse(self, event_id: str, code: str, subject: str = "", param: str | None = None) -> None:
        """Answer a client event with an error."""
        self.send(
            "error",
            error={
                "type": "invalid_request_error",
                "code": code,
                "message": ERROR_MESSAGES[code].format(subject),
                "param": param,
                "event_id": event_id,
            },
        )

    # transcription of what the user said

    def await_transcript(self, item: Item) -> None:
        """Note that the item's speech will be transcribed."""
        self.items[item.id] = item
        self._transcription_status[item.id] = "pending"

    def transcribe(self, item: Item, text: str, *, fails: bool = False) -> Process:
        """Send the transcription of a spoken item, bit by bit; for a deleted item, one last delta."""
        fields = {"item_id": item.id, "content_index": 0}
        whole = "whisper" in self.wire.transcription_model or self.rng.random() < 0.1
        pieces = [text] if whole else tokens(text if self.wire.name == "xai" else " " + text)
        if fails:
            pieces = pieces[: self.rng.randrange(len(pieces))]
        part = item.parts[0]
        for piece in pieces:
            part.text = (part.text or "") + piece
            if self.wire.name == "xai":
                self.send(
                    "conversation.item.input_audio_transcription.updated", **fields, transcript=part.text
                )
            else:
                self.send("conversation.item.input_audio_transcription.delta", **fields, delta=piece)
            self._transcription_status[item.id] = "partial"
            if item.id in self._deleted:
                return
            yield self.rng.uniform(0.01, 0.09)
        if fails:
            message = "The audio could not be transcribed."
            error = {
                "type": "transcription_error",
                "code": "audio_unintelligible",
                "message": message,
                "param": None,
            }
            self.send("conversation.item.input_audio_transcription.failed", **fields, error=error)
            self._transcription_status[item.id] = "failed"
        elif item.id not in self._deleted:
            if self.wire.name == "xai":
                self._repeat_completed(fields, text)
            part.text = text
            self._complete_transcript(item, fields, text)

    def _repeat_completed(self, fields: dict[str, Any], text: str) -> None:
        head = "".join(tokens(text)[: self.rng.randint(1, 4)])
        type_ = "conversation.item.input_audio_transcription.completed"
        self.send(type_, **fields, transcript=head, status="in_progress")

    def _bills_transcription(self) -> bool:
        """Tell whether the transcription comes with its usage; early beta servers left it out."""
        return self.wire.name != "xai" and (self.wire.name != "beta" or self.rng.random() >= 0.5)

    def _complete_transcript(self, item: Item, fields: dict[str, Any], text: str) -> None:
        usage = (
            transcription_usage(self.wire.transcription_model, text) if self._bills_transcription() else {}
        )
        totals = self._transcription_usage
        totals["count"] += 1
        totals["without_usage"] += not usage
        for key in totals.keys() & usage.keys():
            totals[key] += usage[key]
        more: dict[str, Any] = {"usage": usage} if usage else {}
        if self.wire.name == "xai":
            more["status"] = "completed"
        self.send("conversation.item.input_audio_transcription.completed", **fields, transcript=text, **more)
        self._transcription_status[item.id] = "final"

    # responses

    def open_response(
        self, modality: Modality, *, out_of_band: bool = False, metadata: dict[str, str] | None = None
    ) -> Response:
        """Begin a response."""
        conversation_id = None if out_of_band else self.conversation_id
        response = Response(self.wire.new_id("resp"), conversation_id, modality, metadata)
        self.responses[response.id] = response
        self.send("response.created", **self.wire.response(response))
        if self.wire.limits_at_start:
            self.limits()
        return response

    def add_output(self, response: Response, item: Item) -> None:
        """Begin an output item; it joins the conversation unless the response is out of band."""
        response.output.append(item)
        self.items[item.id] = item
        self._send_output("response.output_item.added", response, item)
        if response.conversation_id is not None:
            self.place(item)
            self.announce(item, done=False)

    def _send_output(self, type_: str, response: Response, item: Item) -> None:
        index = self.wire.output_index(response.output.index(item))
        self.send(type_, response_id=response.id, output_index=index, item=self.wire.item(item, type_))

    def where(self, response: Response, item: Item, part: int | None = 0) -> dict[str, Any]:
        """Give the fields that say which item, and which part of it, an event is about."""
        index = self.wire.output_index(response.output.index(item))
        fields: dict[str, Any] = {"response_id": response.id, "item_id": item.id, "output_index": index}
        return fields if part is None else fields | {"content_index": part}

    def add_part(self, response: Response, item: Item) -> Part:
        """Begin the next part of a message."""
        part = Part(f"output_{response.modality}", "")
        item.parts.append(part)
        fields = self.where(response, item, len(item.parts) - 1)
        self.send("response.content_part.added", **fields, **self.wire.content_part(part, done=False))
        return part

    def write(self, response: Response, item: Item, piece: str) -> None:
        """Stream a piece of the last part's text or transcript."""
        part = item.parts[-1]
        part.text = (part.text or "") + piece
        name = "text" if response.modality == "text" else "audio_transcript"
        fields = self.where(response, item, len(item.parts) - 1)
        self.send(f"response.output_{name}.delta", **fields, delta=piece)

    def speak(self, response: Response, item: Item, size: int) -> None:
        """Stream so many bytes of the last part's audio."""
        part = item.parts[-1]
        if not part.audio:
            part.heard_from = self.clock.now + 0.05
        audio = chunk(size, len(part.audio))
        part.audio.append(audio)
        part.audio_bytes += size
        self.send(
            "response.output_audio.delta", **self.where(response, item, len(item.parts) - 1), delta=audio
        )

    def close_part(self, response: Response, item: Item) -> None:
        """End the last part with its final text."""
        part = item.parts[-1]
        fields = self.where(response, item, len(item.parts) - 1)
        if part.type == "output_text":
            self.send("response.output_text.done", **fields, text=part.text)
        else:
            self.send("response.output_audio.done", **fields)
            self.send("response.output_audio_transcript.done", **fields, transcript=part.text)
        self.send("response.content_part.done", **fields, **self.wire.content_part(part, done=True))

    def close_output(self, response: Response, item: Item, status: Status = "completed") -> None:
        """End an output item."""
        item.status = status
        if response.conversation_id is not None:
            self.finish(item)
        self._send_output("response.output_item.done", response, item)

    def close_response(
        self, response: Response, status: str = "completed", reason: str = "", *, with_usage: bool = True
    ) -> None:
        """End a response, and with it whatever it left open."""
        for item in response.output:
            if item.status == "in_progress":
                item.status = "completed" if status == "completed" else "incomplete"
        response.done = True
        response.status = status
        response.status_details = self.wire.status_details(status, reason)
        response.usage = self._usage(response) if with_usage else None
        self.send("response.done", **self.wire.response(response))
        if not self.wire.limits_at_start:
            self.limits()

    def limits(self) -> None:
        """Send the rate limits, if this session has them."""
        if self.rate_limits and "rate_limits" not in self.wire.lacks:
            limits = [
                {
                    "name": "tokens",
                    "limit": 40_000,
                    "remaining": 40_000 - self._spent % 30_000,
                    "reset_seconds": 0.058,
                }
            ]
            if self.wire.name == "beta":
                requests = {"name": "requests", "limit": 20_000, "remaining": 19_999, "reset_seconds": 0.003}
                limits.insert(0, requests)
            self.send("rate_limits.updated", rate_limits=limits)

    def _usage(self, response: Response) -> Usage:
        if not response.output and response.status == "cancelled":
            return Usage()
        made = {item.id for item in response.output}
        context = [self.items[item_id] for item_id in self.order[-_WINDOW:] if item_id not in made]
        most_cached = 0 if self.wire.name == "xai" else self.cached
        usage = count_tokens(self._configuration[1], context, response.output, most_cached)
        self.cached = usage.input_text + usage.input_audio
        self._spent += usage.input + usage.output
        return usage

    # the truth

    def truth(self) -> Truth:
        """Say what a reader of all these events must know by now."""
        kept = [item for item_id, item in self.items.items() if item_id not in self._deleted]
        known = {item.id for item in kept}
        messages = [item for item in kept if item.type == "message"]
        ended = [response for response in self.responses.values() if response.status != "in_progress"]
        usages = [response.usage for response in ended if response.usage]
        totals = {
            "input_tokens": sum(usage.input for usage in usages),
            "cached_tokens": sum(usage.cached_text + usage.cached_audio for usage in usages),
            "output_tokens": sum(usage.output for usage in usages),
            "total_tokens": sum(usage.input + usage.output for usage in usages),
            "count": len(ended),
            "without_usage": len(ended) - len(usages),
        }
        return Truth(
            order=(*(item_id for item_id in self._earlier if item_id in known), *self.order),
            texts={
                item.id: tuple(None if part.type == "input_image" else part.text for part in item.parts)
                for item in messages
            },
            roles={item.id: item.role for item in messages if item.role},
            statuses={item.id: item.status for item in kept},
            arguments={
                item.id: item.fields["arguments"]
                for item in kept
                if item.type in ("function_call", "mcp_call")
            },
            outputs={
                item.fields["call_id"]: item.fields["output"]
                for item in kept
                if item.type == "function_call_output"
            },
            deleted=tuple(self._deleted),
            truncated={key: end_ms for key, end_ms in self._truncated.items() if key[0] in known},
            audio_ms={
                (item.id, index): part.audio_ms
                for item in messages
                for index, part in enumerate(item.parts)
                if part.audio and part.type == "output_audio"
            },
            responses={response.id: response.status for response in self.responses.values()},
            out_of_band=tuple(r.id for r in self.responses.values() if r.conversation_id is None),
            response_usage=totals,
            transcription_usage=dict(self._transcription_usage),
            transcription_status={
                key: status for key, status in self._transcription_status.items() if key in known
            },
        )
