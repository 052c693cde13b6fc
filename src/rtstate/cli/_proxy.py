"""``rtstate proxy``: record calls between an application and a Realtime server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from platform import node
from typing import TYPE_CHECKING, Final

import attrs
import click

from rtstate.cli._layout import clean
from rtstate.cli._logs import opened, run
from rtstate.cli._reading import Refused, Unusable
from rtstate.hub import Hub
from rtstate.logs import Log

if TYPE_CHECKING:
    from rtstate.proxy import Proxy

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_WARNING: Final = (
    "Whoever reaches {host} can use this proxy, and reads its calls where they cross the network: clients send "
    "it the server's key without TLS. Put it behind something that has TLS and asks who is there."
)


@attrs.frozen
class _Wanted:
    """What was asked for."""

    upstream: str
    host: str
    port: int
    inspector: int | None
    name: str
    origins: Sequence[str]
    any_host: bool
    compress: bool


@click.command("proxy", short_help="Record calls between an application and a Realtime server.")
@click.option(
    "--upstream",
    metavar="URL",
    default="wss://api.openai.com/v1",
    show_default=True,
    help="The Realtime server.",
)
@click.option(
    "--log",
    "url",
    metavar="URL",
    default="sqlite:///calls.db",
    show_default=True,
    envvar="RTSTATE_LOG",
    help="Where calls are kept; or set RTSTATE_LOG.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8701, show_default=True)
@click.option(
    "--inspector-port",
    type=click.IntRange(0, 65535),
    default=8700,
    show_default=True,
    help="Where the page is that shows the calls; on this machine only.",
)
@click.option("--no-inspector", is_flag=True, help="Show no page.")
@click.option(
    "--name",
    default="call-{time}-{id}",
    show_default=True,
    help="What calls are called; {model} is there too.",
)
@click.option(
    "--allow-origin",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    help="Let pages of https://app.example use it too; * is all. Those of this machine may.",
)
@click.option("--allow-remote", is_flag=True, help="Let other machines use it. Needed for any other --host.")
@click.option("--compress", is_flag=True, help="Agree on compression with each side; it takes time.")
def proxy_command(
    upstream: str,
    url: str,
    host: str,
    port: int,
    inspector_port: int,
    no_inspector: bool,
    name: str,
    origins: Sequence[str],
    allow_remote: bool,
    compress: bool,
) -> None:
    """Record calls between an application and a Realtime server, while a page shows them.

    The application keeps its key and changes one address: its WebSocket base URL becomes
    ws://127.0.0.1:8701/v1. What crosses is passed on as it is, and kept without keys. Ctrl-C ends it.

    \b
    rtstate proxy
    rtstate proxy --upstream wss://me.openai.azure.com/openai/v1 --log redis://localhost/0
    """  # noqa: D301
    try:
        from rtstate.proxy import Proxy
    except ModuleNotFoundError as missing:
        raise Unusable(clean(missing)) from None
    from rtstate.proxy._requests import is_loopback

    if not is_loopback(host):
        if not allow_remote:
            raise click.UsageError(
                f"{clean(host)} can be reached from elsewhere; --allow-remote says yes to that"
            )
        click.echo(_WARNING.format(host=clean(host)), err=True)
    inspector = None if no_inspector else inspector_port
    wanted = _Wanted(upstream, host, port, inspector, name, origins, allow_remote, compress)
    run(_serve(opened(url, create=True), wanted, Proxy))


async def _serve(log: Log, wanted: _Wanted, make: type[Proxy]) -> None:
    """Take calls until told to stop; a second time ends it at once."""
    holder = f"rtstate proxy, process {os.getpid()} on {node() or 'this host'}"
    async with log, Hub(log, holder=holder) as hub:
        try:
            proxy = make(
                *(hub, log, wanted.upstream),
                name=wanted.name,
                origins=wanted.origins,
                any_host=wanted.any_host,
                compress=wanted.compress,
                told=_tell,
            )
        except ValueError as error:
            raise click.UsageError(clean(error)) from None
        async with AsyncExitStack() as stack:
            try:
                await proxy.start(wanted.host, wanted.port)
            except OSError as error:
                why = clean(error.strerror or error)
                raise Refused(f"cannot listen on {clean(wanted.host)}, port {wanted.port}: {why}") from None
            stack.push_async_exit(proxy)
            _tell(f"Calls to {proxy.url} go to {proxy.upstream}")
            if wanted.inspector is not None:
                page = await stack.enter_async_context(_inspected(hub, log, wanted.inspector))
                _tell(f"The page that shows them: {page}")
            await _told_to_stop()
            if proxy.calls:
                _tell(f"Stopping: {proxy.calls:,} calls end; once more ends it at once")


async def _told_to_stop() -> None:
    """Wait for Ctrl-C or SIGTERM; from then on they do what they did before."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for each in _STOPS:
        loop.add_signal_handler(each, told.set)
    try:
        await told.wait()
    finally:
        for each in _STOPS:
            loop.remove_signal_handler(each)


def _tell(line: str) -> None:
    click.echo(clean(line))
