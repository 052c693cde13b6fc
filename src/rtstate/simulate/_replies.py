"""Stream what people and models say: processes that take their time over a server's verbs."""

import json
from collections.abc import Callable, Sequence
from itertools import islice
from random import Random
from typing import Any

from rtstate.simulate._audio import chunk
from rtstate.simulate._clock import Process
from rtstate.simulate._script import ToolUse, tokens
from rtstate.simulate._server import Server
from rtstate.simulate._truth import BYTES_PER_MS, Item, Part, Response
from rtstate.simulate._usage import speech_ms

_MIC_CHUNK_MS = 200


def nothing() -> Process:
    """Take no time and do nothing."""
    yield from ()


def speech(
    server: Server,
    text: str,
    *,
    on_start: Callable[[], Process] = nothing,
    transcript_after: float | None = 0.4,
    transcript_fails: bool = False,
) -> Process:
    """Let the user say a text into the microphone, up to the announcement of the user's item.

    Of what the microphone sends only speech is among the events; silence counts on the audio clock all the
    same. `on_start` runs once the server has noticed the speech. The transcription begins so many seconds
    after the item was announced; with None it comes whole before the item does.
    """
    item = Item(server.wire.new_id("item"), role="user", parts=[Part("input_audio")])
    length = speech_ms(text)
    start = server.microphone_ms
    for said in range(0, length, _MIC_CHUNK_MS):
        if said == _MIC_CHUNK_MS:
            server.send("input_audio_buffer.speech_started", audio_start_ms=start, item_id=item.id)
            server.await_transcript(item)
            yield from on_start()
        size = min(_MIC_CHUNK_MS, length - said)
        server.receive("input_audio_buffer.append", {"audio": chunk(size * BYTES_PER_MS, said)})
        yield size / 1000
    server.send("input_audio_buffer.speech_stopped", audio_end_ms=server.microphone_ms, item_id=item.id)
    server.place(item)
    server.send("input_audio_buffer.committed", previous_item_id=server.wire.anchor(item), item_id=item.id)
    yield server.lag(0.001, 0.01)
    transcription = server.transcribe(item, text, fails=transcript_fails)
    if transcript_after is None:
        yield from transcription
    else:
        server.clock.start(transcription, transcript_after)
    unheard = Item(item.id, role="user", parts=[Part("input_audio")], previous_item_id=item.previous_item_id)
    server.announce(unheard)  # whatever was transcribed by now, the item is announced without it


def begin_message(server: Server, response: Response) -> Item:
    """Begin an assistant message with one empty part."""
    item = Item(server.wire.new_id("item"), role="assistant", status="in_progress")
    server.add_output(response, item)
    server.add_part(response, item)
    return item


def stream(server: Server, response: Response, item: Item, text: str, share: float = 1.0) -> Process:
    """Stream a share of a text, and less than that of its audio, since the transcript runs ahead."""
    pieces = tokens(text)
    stride = server.wire.tokens_per_delta
    pieces = ["".join(pieces[n : n + stride]) for n in range(0, len(pieces), stride)]
    sizes = _audio_sizes(server.rng, text) if response.modality == "audio" else []
    if share < 1:
        pieces = pieces[: max(1, round(len(pieces) * share))]
        sizes = sizes[: max(1, round(len(sizes) * share * 0.7))]
    audio = iter(sizes)
    for number, piece in enumerate(pieces):
        server.write(response, item, piece)
        yield server.rng.uniform(0.008, 0.03)
        if number % 3 == 2:
            for size in islice(audio, 1):
                server.speak(response, item, size)
                yield server.rng.uniform(0.02, 0.06)
    for size in audio:
        server.speak(response, item, size)
        yield server.rng.uniform(0.03, 0.09)


def _audio_sizes(rng: Random, text: str) -> list[int]:
    """Cut the audio of a text into chunks of a tenth to four tenths of a second; the last is what remains."""
    left = speech_ms(text) * BYTES_PER_MS + rng.randrange(BYTES_PER_MS // 2) * 2
    sizes: list[int] = []
    while left:
        sizes.append(min(left, rng.choice((100, 150, 200, 400)) * BYTES_PER_MS))
        left -= sizes[-1]
    return sizes


def message(server: Server, response: Response, text: str, share: float = 1.0) -> Process:
    """Let the model say a text; with a share below one it stops within, and the item stays open."""
    item = begin_message(server, response)
    yield server.lag()
    yield from stream(server, response, item, text, share)
    if share == 1:
        server.close_part(response, item)
        server.close_output(response, item)


def two_messages(server: Server, response: Response, texts: Sequence[str]) -> Process:
    """Let the model say several texts at once, in items of their own, a few pieces of each in turn."""
    items = [begin_message(server, response) for _ in texts]
    streams = [stream(server, response, item, text) for item, text in zip(items, texts, strict=True)]
    while streams:
        for one in list(streams):
            for _ in range(server.rng.randint(1, 4)):
                pause = next(one, None)
                if pause is None:
                    streams.remove(one)
                    break
                yield pause
    for item in items:
        server.close_part(response, item)
    for item in items:
        server.close_output(response, item)


def calls(server: Server, response: Response, uses: Sequence[ToolUse]) -> Process:
    """Let the model call functions; the arguments of parallel calls may come in turns."""
    items = [
        Item(
            server.wire.new_id("item"),
            "function_call",
            status="in_progress",
            fields={"name": use.name, "call_id": server.wire.new_id("call"), "arguments": ""},
        )
        for use in uses
    ]
    for item in items:
        server.add_output(response, item)
    writing = [_arguments(server, response, item, use) for item, use in zip(items, uses, strict=True)]
    if server.rng.random() < 0.5:
        while writing:
            for one in list(writing):
                pause = next(one, None)
                if pause is None:
                    writing.remove(one)
                else:
                    yield pause
    for one in writing:
        yield from one
    for item in items:
        server.close_output(response, item)


def _arguments(server: Server, response: Response, item: Item, use: ToolUse) -> Process:
    """Stream a call's arguments; models like to pad them with white space."""
    indent = server.rng.choice((None, 2))
    text = json.dumps(use.arguments, indent=indent, separators=(",", ":") if indent is None else None)
    family = "mcp_call" if item.type == "mcp_call" else "function_call"
    call = {} if item.type == "mcp_call" else {"call_id": item.fields["call_id"]}
    for piece in [text] if server.wire.arguments_at_once else tokens(text):
        item.fields["arguments"] += piece
        where = server.where(response, item, None)
        server.send(f"response.{family}_arguments.delta", **where, **call, delta=piece)
        yield server.rng.uniform(0.005, 0.02)
    name = {} if item.type == "mcp_call" else {"name": item.fields["name"]}
    where = server.where(response, item, None)
    server.send(f"response.{family}_arguments.done", **where, **call, **name, arguments=text)


def list_mcp_tools(server: Server, label: str, tools: list[dict[str, Any]]) -> Process:
    """Let the server fetch the tools of an MCP server; they are known when the item is done."""
    item = Item(server.wire.new_id("mcpl"), "mcp_list_tools", fields={"server_label": label, "tools": []})
    server.place(item)
    server.announce(item, done=False)
    server.send("mcp_list_tools.in_progress", item_id=item.id)
    yield server.lag(0.3, 0.9)
    item.fields["tools"] = tools
    server.send("mcp_list_tools.completed", item_id=item.id)
    server.finish(item)


def ask_approval(server: Server, response: Response, label: str, use: ToolUse) -> Process:
    """Let the model ask whether it may use an MCP tool."""
    fields = {"server_label": label, "name": use.name, "arguments": json.dumps(use.arguments)}
    item = Item(server.wire.new_id("mcpr"), "mcp_approval_request", fields=fields)
    server.add_output(response, item)
    yield server.lag()
    server.close_output(response, item)


def call_mcp(
    server: Server, response: Response, label: str, use: ToolUse, approval_id: str | None
) -> Process:
    """Let the model use an MCP tool, which the server runs by itself."""
    fields: dict[str, Any] = {"approval_request_id": approval_id, "server_label": label, "name": use.name}
    item = Item(
        server.wire.new_id("mcp"),
        "mcp_call",
        fields=fields | {"arguments": "", "output": None, "error": None},
    )
    item.status = "in_progress"
    server.add_output(response, item)
    yield from _arguments(server, response, item, use)
    place = {"output_index": server.wire.output_index(response.output.index(item)), "item_id": item.id}
    server.send("response.mcp_call.in_progress", **place)
    yield server.lag(0.2, 1.2)
    item.fields["output"] = use.output
    server.send("response.mcp_call.completed", **place)
    server.close_output(response, item)


def break_off(server: Server, response: Response, status: str, reason: str, *, thorough: bool) -> None:
    """End a response early; if `thorough`, with every done event, else with `response.done` alone."""
    if thorough:
        for item in response.output:
            if item.status == "in_progress":
                if item.parts:
                    server.close_part(response, item)
                server.close_output(response, item, "incomplete")
    server.close_response(response, status, reason)
