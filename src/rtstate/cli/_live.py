"""``rtstate demo --live``: a simulated call, through the proxy, on the page."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from itertools import count
from typing import Final

import click

from rtstate.cli._layout import clean
from rtstate.cli._logs import run
from rtstate.cli._reading import Unusable
from rtstate.hub import Hub
from rtstate.logs import MemoryLog

_NEEDS: Final = ("prometheus_client", "sse_starlette", "starlette", "uvicorn", "websockets")
_BETWEEN: Final = 4.0  # seconds from one call to the next


def can_be_live() -> bool:
    """Tell whether what it needs is installed."""
    return all(find_spec(each) for each in _NEEDS)


def live(port: int, speed: float = 1.0) -> None:
    """Hold one simulated call after the other, and show them on a page, until Ctrl-C."""
    if missing := [each for each in _NEEDS if find_spec(each) is None]:
        raise Unusable(f"a live call needs {missing[0]}: pip install 'rtstate[server]'")
    run(_live(port, speed))


async def _live(port: int, speed: float) -> None:
    from rtstate.proxy import Proxy
    from rtstate.server import create_app, serve
    from rtstate.simulate.live import serve_fake

    async with (
        MemoryLog() as log,
        Hub(log, holder="rtstate demo", history=1_000) as hub,
        serve_fake(port=0, speed=speed, keep=False) as fake,
        Proxy(hub, log, fake.base_url, name="demo-{id}", told=_quiet) as proxy,
    ):
        await proxy.start("127.0.0.1", 0)
        calling = asyncio.create_task(_calls(f"{proxy.url}/v1/realtime", speed))
        try:
            await serve(create_app(hub, log), "127.0.0.1", port, started=_tell)
        except OSError as error:
            why = clean(error.strerror or error)
            raise Unusable(f"port {port} cannot be listened at: {why}; --port 0 takes a free one") from None
        finally:
            calling.cancel()
            await asyncio.wait([calling])


async def _calls(url: str, speed: float) -> None:
    from rtstate.simulate.live import TalkError, talk

    for seed in count(7):
        try:
            await talk(url, seed=seed, speed=speed)
        except TalkError as error:
            click.echo(f"rtstate: a call ended early: {clean(error)}", err=True)
        await asyncio.sleep(_BETWEEN / speed)


def _tell(port: int) -> None:
    click.echo(
        f"A simulated call goes on at http://127.0.0.1:{port}/ : open it in a browser. Ctrl-C ends it.\n"
        "Your own calls come there through: rtstate proxy"
    )


def _quiet(_: str) -> None:
    """Say nothing of each call."""
