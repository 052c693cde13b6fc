"""Being told by a Redis server that there is more: hints, which may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from rtstate.logs._bell import Bell
from rtstate.logs._redis_scripts import Keys

AGAIN: Final = 0.5
"""After how many seconds a connection that was lost is made anew."""

Client = Redis | RedisCluster


class Hints:
    """Ring a bell for each conversation that somebody waits for, as the server tells of it.

    One connection per node listens to the channels of all of them, and is there while anybody waits. After
    one was lost, everybody is woken: something may have come meanwhile.
    """

    def __init__(self, client: Client, keys: Keys, bell: Bell) -> None:
        self._client: Any = client
        self._single = not isinstance(client, RedisCluster)
        self._keys = keys
        self._bell = bell
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Listen to what the bell is now waited for."""
        self._changed.set()
        if self._bell and (self._listening is None or self._listening.done()):
            self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Listen no longer."""
        if self._listening is not None:
            await _end(self._listening)

    async def _listen(self) -> None:
        nodes: dict[str, _Node] = {}
        try:
            while True:
                self._changed.clear()
                places = await self._places()
                for place in places.keys() - nodes.keys():
                    nodes[place] = _Node(self._client, self._keys, self._bell)
                for place, node in tuple(nodes.items()):
                    node.follow(places.get(place, ()))
                    if place not in places:
                        await node.close()
                        del nodes[place]
                if not self._bell:
                    return
                with suppress(TimeoutError):  # a cluster's channels may move to other nodes
                    await asyncio.wait_for(self._changed.wait(), None if self._single else AGAIN)
        finally:
            await asyncio.gather(*(node.close() for node in nodes.values()))

    async def _places(self) -> dict[str, set[str]]:
        """Return what is waited for, by the node that tells of it; there is one where there is no cluster."""
        places: dict[str, set[str]] = {}
        try:
            if not self._single:
                await self._client.initialize()
            for name in self._bell:
                node = None if self._single else self._client.get_node_from_key(self._keys.events(name))
                places.setdefault(node.name if node else "", set()).add(name)
        except (RedisError, RedisClusterException, OSError):
            return {}  # the cluster is down
        return places


class _Node:
    """A connection that listens to some channels of one node."""

    def __init__(self, client: Any, keys: Keys, bell: Bell) -> None:
        self._client = client
        self._keys = keys
        self._bell = bell
        self._wanted: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._open = True
        self._task = asyncio.create_task(self._stay())

    def follow(self, names: Iterable[str]) -> None:
        self._wanted = frozenset(names)
        self._changed.set()

    async def close(self) -> None:
        self._open = False  # for where the cancellation is swallowed
        self._changed.set()
        await _end(self._task)

    async def _stay(self) -> None:
        """Listen, over one connection after another."""
        while self._open:
            await self._changed.wait()
            try:
                async with self._client.pubsub() as pubsub:
                    await self._listen(pubsub)
            except Exception:  # whatever it was: who waits looks for itself, until this works again
                for name in self._wanted:
                    self._bell.ring(name)
                self._changed.set()
                await asyncio.sleep(AGAIN)

    async def _listen(self, pubsub: Any) -> None:
        heard: frozenset[str] = frozenset()
        reading: asyncio.Task[None] | None = None
        try:
            while self._open and not (reading and reading.done()):
                self._changed.clear()
                wanted = self._wanted
                for name in wanted - heard:  # one by one: a command may name the channels of one slot only
                    await pubsub.ssubscribe(self._keys.events(name))
                for name in heard - wanted:
                    await pubsub.sunsubscribe(self._keys.events(name))
                heard = wanted
                if reading is None and heard:
                    reading = asyncio.create_task(self._read(pubsub))
                    reading.add_done_callback(lambda _: self._changed.set())
                await self._changed.wait()
            if reading and reading.done():
                reading.result()
        finally:
            if reading is not None:
                await _end(reading)

    async def _read(self, pubsub: Any) -> None:
        """Ring for each message, and for each channel that is heard from now on, at first or once more."""
        read = pubsub.get_sharded_message if isinstance(self._client, RedisCluster) else pubsub.get_message
        while True:
            message = await read(timeout=None)
            if message is None:  # of a cluster, also where there is nothing to listen to: it does not wait
                await asyncio.sleep(AGAIN)
            elif message["type"] in ("smessage", "ssubscribe"):
                channel = message["channel"]
                name = self._keys.name(channel.encode() if isinstance(channel, str) else channel)
                if name is not None:
                    self._bell.ring(name)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel a task until it is done: before Python 3.12 a wait within redis-py may swallow it once."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.5)
    if not task.cancelled():
        task.exception()  # which was nobody's to handle
