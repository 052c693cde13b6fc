"""Plan a session turn by turn and let a simulated client, user and server act it out."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from rtstate.simulate import _replies, _script
from rtstate.simulate._clock import Process
from rtstate.simulate._dialects import WIRES
from rtstate.simulate._script import ToolUse
from rtstate.simulate._server import ROOT, Modality, Server
from rtstate.simulate._truth import Event, Item, Part, Response, Truth

TURN_FEATURES = (
    "text", "audio", "typed", "tools", "parallel_tools", "out_of_band", "interruption", "late_transcription",
    "failed_transcription", "mcp", "images", "incomplete", "failed", "two_messages", "no_usage",
)  # fmt: skip
ASIDE_FEATURES = ("insert_after", "root_insert", "retrieve", "errors", "deletion", "reconnect")
FEATURES = (*TURN_FEATURES, *ASIDE_FEATURES, "rate_limits")
_SPOKEN = frozenset({"audio", "typed", "interruption", "late_transcription", "failed_transcription"})
_MCP_LABEL = "handbook"


def supported(dialect: str) -> tuple[str, ...]:
    """Name the features that exist in a dialect.

    >>> "mcp" in supported("ga"), "mcp" in supported("beta")
    (True, False)
    """
    if dialect not in WIRES:
        raise ValueError(f"unknown dialect {dialect!r}; there are {', '.join(WIRES)}")
    return tuple(feature for feature in FEATURES if feature not in WIRES[dialect].lacks)


@dataclass(frozen=True, slots=True)
class Session:
    """Hold a simulated session: its events in the order in which they crossed the socket, and the truth."""

    dialect: str
    features: tuple[str, ...]
    timed: tuple[tuple[float, Event], ...]
    truth: Truth

    @property
    def events(self) -> tuple[Event, ...]:
        """Give the events without their times."""
        return tuple(event for _, event in self.timed)

    def lines(self, timed: bool = False) -> Iterator[str]:
        """Yield one JSON text per event, no line ends; if `timed`, as {"at": seconds, "event": {...}}."""
        for at, event in self.timed:
            yield json.dumps({"at": at, "event": event} if timed else event, ensure_ascii=False)


def session(
    seed: int = 7,
    turns: int = 6,
    dialect: str = "ga",
    features: Iterable[str] | None = None,
    start: float = 0.0,
) -> Session:
    """Simulate a legal session of at least so many turns.

    `features` are the only ones that appear, each at least once (turns are added when there are too few); by
    default the seed picks a mixture. `start` is the time of the first event, in seconds. Raises ValueError
    for a feature or a dialect that does not exist, and for what the dialect lacks (see `supported`).

    >>> call = session(seed=7, turns=2, features=["tools"])
    >>> call.events[0]["type"], len(call.truth.outputs)
    ('session.created', 1)
    >>> call == session(seed=7, turns=2, features=["tools"])
    True
    """
    available = supported(dialect)
    rng = Random(f"{seed} {turns} {dialect}")
    chosen = _mixture(rng, turns, available) if features is None else set(features)
    if unknown := chosen.difference(FEATURES):
        raise ValueError(f"unknown features: {', '.join(sorted(unknown))}")
    if missing := chosen.difference(available):
        raise ValueError(f"dialect {dialect!r} lacks: {', '.join(sorted(missing))}")
    ordered = tuple(feature for feature in FEATURES if feature in chosen)
    call = Call(rng, dialect, ordered, start)
    call.server.clock.start(call.act(turns))
    call.server.clock.run()
    return Session(dialect, ordered, tuple(call.server.timed), call.server.truth())


def _mixture(rng: Random, turns: int, available: Sequence[str]) -> set[str]:
    """Pick about as many features as there are turns, and the plain ones."""
    special = [feature for feature in available if feature not in ("text", "audio", "rate_limits")]
    plain = {rng.choice(("audio", "audio", "text")), *(["rate_limits"] if rng.random() < 0.7 else [])}
    return {*rng.sample(special, min(len(special), turns)), *plain.intersection(available)}


class Call:
    """Act one session out: what the client, the user and the server do, turn by turn."""

    def __init__(self, rng: Random, dialect: str, features: Sequence[str], start: float = 0.0) -> None:
        self.rng = rng
        self.features = features
        self.server = Server(rng, dialect, start)
        self.server.rate_limits = "rate_limits" in features
        self.spoken = not _SPOKEN.isdisjoint(features) or "text" not in features
        self._topic = rng.choice(_script.TOPICS)
        self._exchanges = self._lines()

    def _lines(self) -> Iterator[tuple[str, str]]:
        while True:
            yield from self._topic.exchanges

    # the plan

    def act(self, turns: int) -> Process:
        """Play the whole session."""
        plan = self._plan(turns)
        yield from self.connect()
        for turn, asides in plan:
            yield from turn()
            for aside in asides:
                yield self.server.lag(0.2, 0.6)
                yield from aside()

    def _plan(self, turns: int) -> list[tuple[Callable[[], Process], list[Callable[[], Process]]]]:
        """Spread the features over turns and the pauses after them."""
        wanted = [feature for feature in self.features if feature in TURN_FEATURES]
        asides = [feature for feature in self.features if feature in ASIDE_FEATURES]
        self.rng.shuffle(wanted)
        plain = [feature for feature in wanted if feature in ("text", "audio")] or ["audio"]
        least = max(turns, 2 if "reconnect" in asides else 1)
        wanted += [self.rng.choice(plain) for _ in range(least - len(wanted))]
        acts: list[list[str]] = [[] for _ in wanted]
        for aside in asides:
            last = (
                len(wanted) - 1 if aside == "reconnect" else len(wanted)
            )  # something must follow a reconnect
            acts[self.rng.randrange(last)].append(aside)
        return [
            (getattr(self, f"turn_{turn}"), [getattr(self, f"aside_{aside}") for aside in pause])
            for turn, pause in zip(wanted, acts, strict=True)
        ]

    def connect(self) -> Process:
        """Open the session and, if need be, wait for the tools of the MCP server."""
        tools: list[dict[str, Any]] = []
        if {"tools", "parallel_tools"}.intersection(self.features):
            tools += _script.function_tools()
        if "mcp" in self.features:
            tools.append({"type": "mcp", "server_label": _MCP_LABEL, "server_url": "https://mcp.example.com"})
        yield from self.server.connect("audio" if self.spoken else "text", self._topic.instructions, tools)
        if "mcp" in self.features:
            yield from _replies.list_mcp_tools(self.server, _MCP_LABEL, _script.mcp_tools())
        yield self.server.lag(0.3, 1.0)

    # what turns are made of

    def ask(self, text: str) -> Process:
        """Let the user say a text, or type it where nobody speaks."""
        if self.spoken:
            yield from _replies.speech(self.server, text, transcript_after=self.rng.uniform(0.2, 0.9))
        else:
            yield from self.type(text)

    def type(self, text: str) -> Process:
        """Let the client send a typed message and ask for a response."""
        named = self.rng.random() < 0.3
        yield from self.server.create(self.server.text_item(text), named=named)
        self.request()

    def request(self, **response: Any) -> None:
        """Let the client ask for a response."""
        self.server.receive("response.create", {"response": response} if response else None)

    def respond(self, modality: Modality | None = None) -> Response:
        """Begin a response on the default conversation."""
        return self.server.open_response(modality or ("audio" if self.spoken else "text"))

    def answer(self, text: str, modality: Modality | None = None, *, with_usage: bool = True) -> Process:
        """Let the model answer in one message, and the user listen to it."""
        yield self.server.lag(0.15, 0.5)
        response = self.respond(modality)
        yield self.server.lag(0.1, 0.4)
        yield from _replies.message(self.server, response, text)
        self.server.close_response(response, with_usage=with_usage)
        yield self.listening(response)

    def listening(self, response: Response, patience: float = 1.0) -> float:
        """Give the seconds until the user has heard a share of the response, and has thought about it."""
        ends = [p.heard_from + p.audio_ms / 1000 for item in response.output for p in item.parts if p.audio]
        rest = max([0.0, *(end - self.server.clock.now for end in ends)])
        return rest * patience + (self.rng.uniform(0.3, 1.2) if patience == 1 else 0.0)

    # turns

    def turn_audio(self) -> Process:
        question, reply = next(self._exchanges)
        yield from self.ask(question)
        yield from self.answer(reply)

    def turn_text(self) -> Process:
        question, reply = next(self._exchanges)
        yield from self.server.create(self.server.text_item(question), named=self.rng.random() < 0.3)
        self.request(**(self.server.wire.modality("text") if self.spoken else {}))
        yield from self.answer(reply, "text")

    def turn_typed(self) -> Process:
        _, reply = next(self._exchanges)
        yield from self.type(self.rng.choice(_script.TYPED))
        yield from self.answer(reply)

    def turn_tools(self) -> Process:
        yield from self._use_tools(self.rng.sample(_script.TOOL_USES, 1))

    def turn_parallel_tools(self) -> Process:
        yield from self._use_tools(self.rng.sample(_script.TOOL_USES, self.rng.randint(2, 3)))

    def _use_tools(self, uses: Sequence[ToolUse]) -> Process:
        yield from self.ask(" And ".join(use.question for use in uses))
        yield from self.use_tools(uses, preamble="One moment, please." if self.rng.random() < 0.4 else "")
        yield from self.answer(" ".join(use.answer for use in uses))

    def use_tools(self, uses: Sequence[ToolUse], preamble: str = "") -> Process:
        """Let the model call tools, and the client run them, give their outputs and ask for the answer."""
        yield self.server.lag(0.15, 0.5)
        response = self.respond()
        yield self.server.lag(0.1, 0.4)
        if preamble:
            yield from _replies.message(self.server, response, preamble)
        yield from _replies.calls(self.server, response, uses)
        self.server.close_response(response)
        called = [item.fields["call_id"] for item in response.output if item.type == "function_call"]
        for call_id, use in zip(called, uses, strict=True):
            yield self.server.lag(0.1, 0.8)
            yield from self.server.create(self.server.output_item(call_id, use.output))
        self.request()

    def turn_out_of_band(self) -> Process:
        question, reply = next(self._exchanges)
        yield from self.ask(question)
        self.server.clock.start(self._side_question(), self.rng.uniform(0.2, 0.6))
        yield from self.answer(reply)

    def _side_question(self) -> Process:
        """Let the client ask the model something about the conversation, outside of it."""
        topic, instructions, reply = self.rng.choice(_script.SIDE_QUESTIONS)
        metadata = {"topic": topic}
        wish = self.server.wire.modality("text") | {"conversation": "none", "metadata": metadata}
        self.request(**wish, instructions=instructions)
        yield self.server.lag()
        response = self.server.open_response("text", out_of_band=True, metadata=metadata)
        yield self.server.lag()
        yield from _replies.message(self.server, response, reply)
        self.server.close_response(response)

    def turn_interruption(self) -> Process:
        yield from self.ask(next(self._exchanges)[0])
        when = self.rng.choice(("before_done", "after_done", "item_closed", "response_closed"))
        yield from self.interrupt(
            self.rng.choice(_script.LONG_ANSWERS), self.rng.choice(_script.INTERRUPTIONS), when
        )
        if self.rng.random() < 0.3:
            yield from self._interrupt_silence()
        yield from self.answer(next(self._exchanges)[1])

    def interrupt(self, text: str, words: str, when: str, *, after: float = 0.0) -> Process:
        """Let the user interrupt an answer, and the client truncate it to what was heard.

        `when` says what the truncation follows: the speech ("before_done"), the cancelled response
        ("after_done"), the same with a message that was complete ("item_closed"), or a response that was, too
        ("response_closed"). `after` is how many seconds more the user listens before speaking up.
        """
        yield self.server.lag(0.15, 0.5)
        response = self.respond()
        yield self.server.lag(0.1, 0.4)
        whole = when in ("item_closed", "response_closed")
        yield from _replies.message(self.server, response, text, 1 if whole else self.rng.uniform(0.3, 0.7))
        if when == "response_closed":
            self.server.close_response(response)
            yield self.listening(response, self.rng.uniform(0.2, 0.6))

        def cut() -> Process:
            if when == "before_done":
                yield from self.server.truncate(response.output[0])
            if when != "response_closed":
                thorough = self.rng.random() < 0.7
                _replies.break_off(self.server, response, "cancelled", "turn_detected", thorough=thorough)
            if when != "before_done":
                yield self.server.lag()
                yield from self.server.truncate(response.output[0])

        yield after
        yield from _replies.speech(self.server, words, on_start=cut)

    def _interrupt_silence(self) -> Process:
        """Let the user go on before the model has said a word: the response ends empty, and costs nothing."""
        yield self.server.lag(0.15, 0.3)
        response = self.respond()

        def cut() -> Process:
            _replies.break_off(self.server, response, "cancelled", "turn_detected", thorough=False)
            yield from ()

        yield from _replies.speech(self.server, "I mean, sorry, go on.", on_start=cut)

    def turn_late_transcription(self) -> Process:
        question, reply = next(self._exchanges)
        after = None if self.rng.random() < 0.35 else self.rng.uniform(4.0, 25.0)
        yield from _replies.speech(self.server, question, transcript_after=after)
        yield from self.answer(reply)

    def turn_failed_transcription(self) -> Process:
        question, reply = next(self._exchanges)
        yield from _replies.speech(self.server, question, transcript_fails=True)
        yield from self.answer(reply)

    def turn_mcp(self) -> Process:
        use = self.rng.choice(_script.MCP_USES)
        yield from self.ask(use.question)
        approval_id = None
        if self.rng.random() < 0.6:
            yield self.server.lag(0.15, 0.5)
            response = self.respond()
            yield from _replies.ask_approval(self.server, response, _MCP_LABEL, use)
            self.server.close_response(response)
            yield self.server.lag(0.8, 2.0)
            approval_id = response.output[0].id
            fields = {"approval_request_id": approval_id, "approve": True, "reason": None}
            yield from self.server.create(
                Item(self.server.wire.new_id("mcpr"), "mcp_approval_response", fields=fields)
            )
            self.request()
        yield self.server.lag(0.15, 0.5)
        response = self.respond()
        yield from _replies.call_mcp(self.server, response, _MCP_LABEL, use, approval_id)
        self.server.close_response(response)
        yield self.server.lag()
        self.request()
        yield from self.answer(use.answer)

    def turn_images(self) -> Process:
        item = self.server.text_item(self.rng.choice(_script.IMAGE_QUESTIONS))
        item.parts.insert(self.rng.randrange(2), Part("input_image", _script.IMAGE_URL))
        yield from self.server.create(item, named=self.rng.random() < 0.3)
        self.request()
        yield from self.answer(self.rng.choice(_script.IMAGE_ANSWERS))

    def turn_incomplete(self) -> Process:
        yield from self._break_off("incomplete", self.rng.choice(("max_output_tokens", "content_filter")))

    def turn_failed(self) -> Process:
        yield from self._break_off("failed", "internal_error", silent=self.rng.random() < 0.4)

    def _break_off(self, status: str, reason: str, *, silent: bool = False) -> Process:
        yield from self.ask(next(self._exchanges)[0])
        yield self.server.lag(0.15, 0.5)
        response = self.respond()
        yield self.server.lag(0.1, 0.4)
        if not silent:
            text = self.rng.choice(_script.LONG_ANSWERS)
            yield from _replies.message(self.server, response, text, self.rng.uniform(0.3, 0.9))
        _replies.break_off(self.server, response, status, reason, thorough=self.rng.random() < 0.7)
        yield self.listening(response)

    def turn_two_messages(self) -> Process:
        yield from self.ask(next(self._exchanges)[0])
        yield self.server.lag(0.15, 0.5)
        response = self.respond()
        texts = [next(self._exchanges)[1] for _ in range(2)]
        yield from _replies.two_messages(self.server, response, texts)
        self.server.close_response(response)
        yield self.listening(response)

    def turn_no_usage(self) -> Process:
        question, reply = next(self._exchanges)
        yield from self.ask(question)
        yield from self.answer(reply, with_usage=False)

    # what happens between turns

    def aside_insert_after(self) -> Process:
        note = self.server.text_item(self.rng.choice(_script.NOTES), role="system")
        yield from self.server.create(note, self.rng.choice(self.server.order), named=self.rng.random() < 0.5)

    def aside_root_insert(self) -> Process:
        note = self.server.text_item(self.rng.choice(_script.NOTES), role="system")
        yield from self.server.create(note, ROOT, named=self.rng.random() < 0.5)

    def aside_retrieve(self) -> Process:
        messages = [
            item_id
            for item_id in self.server.order
            if self.server.items[item_id].type == "message" and not self.server.is_truncated(item_id)
        ]
        yield from self.server.retrieve(self.rng.choice(messages))

    def aside_errors(self) -> Process:
        nobody = self.server.wire.new_id("item")
        code = self.rng.choice(tuple(_script.ERROR_MESSAGES))
        if code == "response_cancel_not_active":
            event_id, param = self.server.receive("response.cancel", named=True), None
        elif code == "item_delete_invalid_item_id":
            event_id = self.server.receive("conversation.item.delete", {"item_id": nobody}, named=True)
            param = "item_id"
        else:
            item = self.server.wire.request(self.server.text_item("Never mind."), with_id=True)
            fields = {"previous_item_id": nobody, "item": item}
            event_id = self.server.receive("conversation.item.create", fields, named=True)
            param = "previous_item_id"
        yield self.server.lag()
        self.server.refuse(event_id, code, nobody, param)

    def aside_deletion(self) -> Process:
        yield from self.server.delete(self.rng.choice(self.server.order))

    def aside_reconnect(self) -> Process:
        if self.rng.random() < 0.5:  # the line may break while the model speaks
            yield from self.ask(next(self._exchanges)[0])
            yield self.server.lag(0.15, 0.5)
            response = self.respond()
            text = self.rng.choice(_script.LONG_ANSWERS)
            yield from _replies.message(self.server, response, text, self.rng.uniform(0.3, 0.9))
        yield from self.server.reconnect()
