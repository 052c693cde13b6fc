"""``rtstate proxy``: record calls between an application and a Realtime server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from platform import node
from typing import TYPE_CHECKING, Final

import attrs
import click

from rtstate._hosts import is_loopback
from rtstate.cli._layout import clean, count
from rtstate.cli._logs import opened, run
from rtstate.cli._reading import Unusable
from rtstate.hub import Hub
from rtstate.logs import Log
from rtstate.logs._urls import shown

if TYPE_CHECKING:
    from rtstate.proxy import Proxy

_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
_WARNING: Final = (
    "Whoever reaches {host} can use this proxy, and clients send it their key and their calls without TLS: "
    "put it behind something that has TLS and asks who is there."
)


@attrs.frozen
class _Wanted:
    """What was asked for."""

    upstream: str
    host: str
    port: int
    inspector: int | None
    token: str | None
    name: str
    origins: Sequence[str]
    any_host: bool
    compress: bool
    kept_in: str


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
@click.option("--token", envvar="RTSTATE_TOKEN", help="What the page asks for; or set RTSTATE_TOKEN.")
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
    token: str | None,
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
    if not is_loopback(host):
        if not allow_remote:
            raise click.UsageError(
                f"{clean(host)} can be reached from elsewhere; --allow-remote says yes to that"
            )
        click.echo(_WARNING.format(host=clean(host)), err=True)
    inspector = None if no_inspector else inspector_port
    wanted = _Wanted(
        *(upstream, host, port, inspector, token or None, name, origins, allow_remote, compress),
        kept_in=clean(shown(url)),
    )
    run(_serve(opened(url, create=True), wanted, Proxy))


async def _serve(log: Log, wanted: _Wanted, make: type[Proxy]) -> None:
    """Take calls until told to stop; a second time ends it at once."""
    holder = f"rtstate proxy, process {os.getpid()} on {node() or 'this host'}"
    async with log, Hub(log, holder=holder, history=1_000) as hub:
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
        async with proxy:
            try:
                await proxy.start(wanted.host, wanted.port)
            except OSError as error:
                raise _taken(wanted.host, wanted.port, error) from None
            ready = f"Calls to {proxy.url} go to {proxy.upstream}, kept in {wanted.kept_in} (Ctrl-C ends it)"
            await (_told_to_stop(ready) if wanted.inspector is None else _inspect(hub, log, wanted, ready))
            if proxy.calls:
                _tell(
                    f"Stopping: {count(proxy.calls, 'call')} to end and to write; once more ends it at once"
                )


async def _inspect(hub: Hub, log: Log, wanted: _Wanted, ready: str) -> None:
    """Serve the page that shows the calls, until told to stop; say that all is ready."""
    from rtstate.server import create_app, serve

    assert wanted.inspector is not None

    def started(port: int) -> None:
        _tell(ready)
        _tell(f"The page that shows them: http://127.0.0.1:{port}/{'#token=…' if wanted.token else ''}")

    try:
        app = create_app(hub, log, token=wanted.token)
    except ValueError as error:
        raise click.UsageError(clean(error)) from None
    try:
        await serve(app, "127.0.0.1", wanted.inspector, started=started)
    except OSError as error:
        raise _taken("127.0.0.1", wanted.inspector, error, "--inspector-port") from None


def _taken(host: str, port: int, error: OSError, option: str = "--port") -> Unusable:
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else clean(error)
    return Unusable(f"cannot listen at {clean(host)}, port {port}: {why}; {option} 0 takes a free one")


async def _told_to_stop(ready: str) -> None:
    """Say that all is ready, and wait for Ctrl-C or SIGTERM; from then on they do what they did before."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    with suppress(NotImplementedError):  # on Windows Ctrl-C ends the loop by itself
        for each in _STOPS:
            loop.add_signal_handler(each, told.set)
    _tell(ready)
    try:
        await told.wait()
    finally:
        with suppress(NotImplementedError):
            for each in _STOPS:
                loop.remove_signal_handler(each)


def _tell(line: str) -> None:
    click.echo(clean(line))
