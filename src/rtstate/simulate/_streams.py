"""Make plain, long streams of one kind for benchmarks, quickly and to an exact length."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from random import Random

from rtstate.simulate import _replies, _script
from rtstate.simulate._clock import Process
from rtstate.simulate._server import Modality, Server
from rtstate.simulate._truth import BYTES_PER_MS, Event, Response


def text_stream(deltas: int = 2400, seed: int = 1, dialect: str = "ga") -> list[Event]:
    """Return a legal session with one response, whose one text comes in so many deltas.

    >>> sum(event["type"] == "response.output_text.delta" for event in text_stream(deltas=500))
    500
    """

    def write(server: Server, response: Response) -> Process:
        item = _replies.begin_message(server, response)
        for piece in islice(_endless_text(), deltas):
            server.write(response, item, piece)
            yield 0.012
        server.close_part(response, item)
        server.close_output(response, item)

    server = Server(Random(seed), dialect)
    return list(_acted(server, _one_response(server, "text", write)))


def audio_stream(deltas: int = 4000, chunk_ms: int = 100, seed: int = 1, dialect: str = "ga") -> list[Event]:
    """Return a legal session with one spoken response: so many audio deltas, transcript deltas between.

    Each audio delta holds `chunk_ms` (at most 2000) milliseconds of PCM16 at 24 kHz.

    >>> sum(event["type"] == "response.output_audio.delta" for event in audio_stream(deltas=40))
    40
    """

    def speak(server: Server, response: Response) -> Process:
        item = _replies.begin_message(server, response)
        text = _endless_text()
        for number in range(deltas):
            if number * chunk_ms // 300 != (number - 1) * chunk_ms // 300:  # about three tokens a second
                server.write(response, item, next(text))
            server.speak(response, item, chunk_ms * BYTES_PER_MS)
            yield chunk_ms / 4000
        server.close_part(response, item)
        server.close_output(response, item)

    server = Server(Random(seed), dialect)
    return list(_acted(server, _one_response(server, "audio", speak)))


def long_conversation(items: int = 1000, seed: int = 1) -> Iterator[Event]:
    """Yield a legal GA conversation of so many short typed and written items, made as it is read.

    >>> placed = [
    ...     event for event in long_conversation(items=25) if event["type"] == "conversation.item.added"
    ... ]
    >>> len(placed), placed[-1]["previous_item_id"] == placed[-2]["item"]["id"]
    (25, True)
    """
    server = Server(Random(seed), "ga")
    return _acted(server, _many_items(server, items))


def _many_items(server: Server, items: int) -> Process:
    yield from server.connect("text", _script.TOPICS[0].instructions, [])
    lines = cycle(line for topic in _script.TOPICS for line in topic.exchanges)
    for number, (question, reply) in zip(range(0, items, 2), lines, strict=False):
        yield from server.create(server.text_item(question))
        if number + 1 < items:
            server.receive("response.create")
            yield server.lag()
            response = server.open_response("text")
            item = _replies.begin_message(server, response)
            server.write(response, item, reply)
            yield server.lag()
            server.close_part(response, item)
            server.close_output(response, item)
            server.close_response(response)
            yield 1.0


def _one_response(
    server: Server, modality: Modality, reply: Callable[[Server, Response], Process]
) -> Process:
    yield from server.connect(modality, _script.TOPICS[0].instructions, [])
    yield from server.create(server.text_item("Please tell me everything."))
    server.receive("response.create")
    yield server.lag()
    response = server.open_response(modality)
    yield from reply(server, response)
    server.close_response(response)


def _endless_text() -> Iterator[str]:
    yield from cycle(piece for text in _script.LONG_ANSWERS for piece in _script.tokens(" " + text))


def _acted(server: Server, process: Process) -> Iterator[Event]:
    """Run the one process of a server, and yield its events as they come."""
    for pause in process:
        yield from _taken(server)
        server.clock.now += pause
    yield from _taken(server)


def _taken(server: Server) -> Iterator[Event]:
    for _, event in server.timed:
        yield event
    server.timed.clear()
