"""A log that is slow, away or broken: the call goes on, memory stays bounded, and what is lost is said."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from websockets.frames import Frame, Opcode

from rtstate.errors import LogClosed, LogDamaged, LogUnavailable
from rtstate.hub import Hub
from rtstate.logs import Lease, MemoryLog, Record
from rtstate.proxy import Limits, redactor
from rtstate.proxy._recorder import LOST, Recorder
from tests.proxy.support import dial, proxied, until

pytestmark = pytest.mark.anyio


class Faulty(MemoryLog):
    """A log that can be stopped, away, broken, or lose its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.error: Exception | None = None
        self.written_all_the_same = False
        self.failed = 0

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        await self.flowing.wait()
        if self.error is not None:
            self.failed += 1
            if self.written_all_the_same:
                self.written_all_the_same = False
                await super()._append(name, records, expected, lease)
            raise self.error
        return await super()._append(name, records, expected, lease)


def event(number: int, size: int = 0) -> str:
    return json.dumps({"type": "ping", "number": number, "x": "x" * size})


async def talk(client: object, numbers: range, size: int = 0) -> None:
    """Send events and get each back, so that both have crossed."""
    for number in numbers:
        await client.send(event(number, size))  # type: ignore[attr-defined]
        assert json.loads(await client.recv())["number"] == number  # type: ignore[attr-defined]


async def test_a_log_that_is_away_for_a_while_gets_everything() -> None:
    log = Faulty()
    async with proxied(log=log) as call:
        async with dial(call.url) as client:
            await talk(client, range(5))
            log.error = LogUnavailable("it is away")
            await talk(client, range(5, 50))
            await until(lambda: log.failed > 1)
            log.error = None
            await talk(client, range(50, 55))
        await call.over()
        kept = [json.loads(entry.raw)["number"] for entry in await call.kept()]
        assert kept == [number for number in range(55) for _ in range(2)]
        told = [line.partition(": ")[2] for line in call.lines[1:-1]]
        assert told == ["the call goes on, but the log fails: it is away", "the log takes events again"]
        assert "not recorded" not in call.lines[-1]


async def test_an_answer_that_was_lost_writes_nothing_twice() -> None:
    log = Faulty()
    async with proxied(log=log) as call:
        async with dial(call.url) as client:
            await talk(client, range(5))
            log.error, log.written_all_the_same = LogUnavailable("the answer was lost"), True
            await talk(client, range(5, 10))
            await until(lambda: log.failed)
            log.error = None
            await talk(client, range(10, 15))
        await call.over()
        kept = [json.loads(entry.raw)["number"] for entry in await call.kept()]
        assert kept == [number for number in range(15) for _ in range(2)]


async def test_what_is_too_much_for_a_slow_log_is_dropped_counted_and_marked() -> None:
    log = Faulty()
    async with proxied(log=log, limits=Limits(backlog=100_000, finish=5)) as call:
        async with dial(call.url) as client:
            log.flowing.clear()
            await talk(client, range(100), size=2_000)  # 400 kB, at the speed of the sockets
            assert any("not recorded until it has caught up" in line for line in call.lines)
            log.flowing.set()
            await until(lambda: not waiting(call.hub))
            await talk(client, range(100, 105))
        await call.over()
        kept = [json.loads(entry.raw) for entry in await call.kept()]
        [mark] = [each for each in kept if each["type"] == LOST]
        place = kept.index(mark)
        before = [each["number"] for each in kept[:place]]
        assert before == [number for number in range(100) for _ in range(2)][: len(before)]
        assert 40 <= len(before) <= 52  # what 100 kB hold, and what was on its way
        assert mark["events"] == 200 - len(before)
        assert mark["events"] * 2_000 < mark["bytes"] < mark["events"] * 2_100
        assert [each["number"] for each in kept[place + 1 :]] == [
            n for n in range(100, 105) for _ in range(2)
        ]
        assert f"{mark['events']} of them not recorded" in call.lines[-1]


def waiting(hub: Hub) -> bool:
    """Whether a conversation of the hub has events on their way."""
    return any(held._batches or held._writing for held in hub._held.values())


async def test_a_message_larger_than_the_bound_is_only_counted() -> None:
    async with proxied(limits=Limits(backlog=50_000)) as call:
        async with dial(call.url) as client:
            await talk(client, range(1))
            await client.send([event(1)[:-3], "x" * 60_000, '"}'])
            assert len(str(await client.recv())) > 60_000
            await talk(client, range(2, 3))
        await call.over()
        kept = [json.loads(entry.raw) for entry in await call.kept()]
        assert [each.get("number") for each in kept] == [0, 0, None, 2, 2]
        assert kept[2]["events"] == 2


@pytest.mark.parametrize("error", [LogDamaged("broken"), LogClosed("closed"), ZeroDivisionError("a bug")])
async def test_a_log_that_will_never_take_more_ends_no_call(error: Exception) -> None:
    log = Faulty()
    async with proxied(log=log, limits=Limits(finish=0.5)) as call:
        async with dial(call.url) as client:
            log.error = error
            await talk(client, range(5))
            await until(lambda: log.failed)
            log.error = None
            await talk(client, range(5, 30))
        await call.over()
        assert f"the call goes on, but the log fails: {error}" in "".join(call.lines)
        assert "60 of them not recorded" in call.lines[-1]
        assert call.lines[-1].rpartition("; ")[2] == "closed by the client with 1000"


async def test_a_log_that_stays_away_is_not_waited_for_for_ever() -> None:
    log = Faulty()
    async with proxied(log=log, limits=Limits(finish=0.3)) as call:
        log.error = LogUnavailable("it is away")
        async with dial(call.url) as client:
            await talk(client, range(10))
        await call.over()
        assert "20 of them not recorded" in call.lines[-1]
        log.error = None


async def test_a_call_that_is_deleted_while_it_goes_on_begins_anew() -> None:
    async with proxied() as call:
        async with dial(call.url) as client:
            await talk(client, range(5))
            name = call.lines[0].split()[0]
            await until(lambda: call.hub.stats.events == 10)
            await call.hub.delete(name)
            await talk(client, range(5, 8))
        await call.over()
        kept = [json.loads(entry.raw)["number"] for entry in await call.kept()]
        assert kept == [5, 5, 6, 6, 7, 7]


class Stepped(MemoryLog):
    """A log that takes a batch whenever it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = asyncio.Semaphore(0)

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        await self.steps.acquire()
        return await super()._append(name, records, expected, lease)


async def test_after_a_gap_nothing_is_taken_until_half_is_written_and_then_everything() -> None:
    """So that a log that is a little too slow gets one long gap rather than many short ones."""
    told: list[str] = []
    log = Stepped()
    async with log, Hub(log) as hub:
        recorder = Recorder(hub, log, "call", redactor(), 100_000, told.append)

        def send(numbers: range) -> None:
            for number in numbers:
                data = b'{"type":"ping","number":%d,"x":"' % number
                recorder.from_client(Frame(Opcode.TEXT, data + b"x" * (498 - len(data)) + b'"}'), 1.0)

        send(range(210))  # ten more than there is room for
        log.steps.release()
        await until(lambda: hub.stats.events == 32)
        send(range(210, 220))  # though there would be room again
        for _ in range(20):
            log.steps.release()
        await until(lambda: hub.stats.events == 200)
        send(range(220, 400))  # all that has been written since makes room
        for _ in range(20):
            log.steps.release()
        await recorder.finish(5)
        kept = [json.loads(entry.raw) async for entry in log.read("call")]
        numbers = [each.get("number") for each in kept]
        assert numbers == [*range(200), None, *range(220, 400)]
        assert kept[200] == {"type": LOST, "events": 20, "bytes": 10_000, "reason": "the log was behind"}
        assert len(told) == 2
        assert recorder.lost.events == 20
