"""A call outlives its process: every event is kept in a SQLite file before it counts.

python examples/sqlite_resume.py calls.db session.jsonl

Stop it at any time, even with kill -9, and start it again two seconds later: it goes on with the event after
the last that was kept.
"""

import asyncio
import sys
from pathlib import Path

from rtstate.hub import Hub
from rtstate.logs import open_log
from rtstate.recording import unwrap


async def main(database: str, path: str, at_most: int | None = None) -> None:
    lines = [line for line in Path(path).read_text(encoding="utf-8").splitlines() if line.strip()]
    name = Path(path).stem
    async with open_log(f"sqlite:///{database}") as log, Hub(log, lease=2) as hub:
        summary = await log.summary(name)
        kept = summary.last if summary else 0
        print(f"{kept} events of {name!r} are kept already")
        for line in lines[kept : None if at_most is None else kept + at_most]:
            event, at = unwrap(line)
            await hub.feed(name, event, at)  # once this returns, no crash loses it
        snapshot = await hub.snapshot(name)
    print(f"revision {snapshot.revision}, {len(snapshot.items)} items")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None))
