"""What a hub adds to reducing an event, and to keeping it.

All by the clock on the wall, per event of a text stream, as it is fed one by one. ``Hub.feed`` reads the type
of an event, appends it, waits for the log, and reduces it; so it takes what the two beside it take together,
and the tasks that hand over between conversation and log. With 256 conversations at once the log's share gets
small.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

from benchmarks._engines import ALWAYS, FULL, MEMORY, NORMAL, REDIS, Engine, engines
from benchmarks._harness import Figure, Size, Task, compare, question
from benchmarks._peers import on_the_wire
from rtstate import Conversation, simulate
from rtstate.hub import Hub
from rtstate.logs import Record

FEED: Final = "Conversation.feed"


@question
def hub(size: Size) -> Iterator[Figure]:
    size = replace(size, rounds=size.pick(2, 9, 21), seconds=0)
    with engines(MEMORY, NORMAL, FULL, REDIS, ALWAYS) as opened:
        for conversations in (1, size.pick(4, 256)):
            raws = on_the_wire(simulate.text_stream(size.pick(4, 300 if conversations == 1 else 20)))
            tasks = {FEED: _fed(raws, conversations)}
            for each in opened:
                tasks |= {
                    f"Hub.feed, {each.name}": _through_a_hub(each, raws, conversations),
                    f"append, {each.name}": _appended(each, raws, conversations),
                }
            rounds = compare(size, f"{conversations} at once", tasks)
            for each in opened:
                yield rounds.figure(f"Hub.feed, {each.name}", f"append, {each.name}")
                yield rounds.figure(f"Hub.feed, {each.name}", FEED)
            yield rounds.figure(FEED, f"append, {MEMORY}")


def _fed(raws: Sequence[bytes], conversations: int) -> Task:
    def run(_: object) -> None:
        for _ in range(conversations):
            conversation = Conversation(history=100)
            for raw in raws:
                conversation.feed(raw)

    return Task(run, len(raws) * conversations)


def _appended(engine: Engine, raws: Sequence[bytes], conversations: int) -> Task:
    records = [Record.of(raw) for raw in raws]

    async def append(name: str) -> None:
        last = 0
        for record in records:
            last = await engine.log.append(name, [record], expected=last)

    async def work(names: list[str]) -> None:
        await asyncio.gather(*map(append, names))

    return engine.timed(work, len(raws) * conversations, _new_names(f"append/{conversations}", conversations))


def _through_a_hub(engine: Engine, raws: Sequence[bytes], conversations: int) -> Task:
    """Feed conversations that are new in each round, and open already."""
    names = _new_names(f"hub/{conversations}", conversations)

    async def opened() -> tuple[Hub, list[str]]:
        hub = await engine.new_hub("feed")
        made = names()
        await asyncio.gather(*map(hub.open, made))
        return hub, made

    async def feed(hub: Hub, name: str) -> None:
        for raw in raws:
            await hub.feed(name, raw)

    async def work(opened: tuple[Hub, list[str]]) -> None:
        hub, made = opened
        await asyncio.gather(*(feed(hub, name) for name in made))

    return engine.timed(work, len(raws) * conversations, lambda: engine.run(opened()))


def _new_names(prefix: str, conversations: int) -> Callable[[], list[str]]:
    numbers = count()
    return lambda: [f"{prefix}/{next(numbers)}" for _ in range(conversations)]
