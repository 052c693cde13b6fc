"""Followers of a server, in a process of their own.

Run as ``python -m benchmarks._listeners PORT CONVERSATIONS COUNT``. Prints a line when all have begun; then,
once standard input ends, what each got: its conversation, and the revisions with the time at which each came.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import monotonic


async def follow(port: int, name: str, taken: list[tuple[int, float]], begun: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(f"GET /conversations/{name}/changes?rate=20 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            if line.startswith(b"id: "):
                taken.append((int(line[4:].partition(b".")[0]), monotonic()))
                begun.set()
    finally:
        writer.close()


async def main(port: int, conversations: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    followers: list[tuple[str, list[tuple[int, float]]]] = [
        (str(n % conversations), []) for n in range(count)
    ]
    began = [asyncio.Event() for _ in followers]
    tasks = [
        asyncio.create_task(follow(port, name, taken, begun))
        for (name, taken), begun in zip(followers, began, strict=True)
    ]
    await asyncio.gather(*(begun.wait() for begun in began))
    print("begun", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps(followers))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
