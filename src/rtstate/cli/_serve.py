"""``rtstate serve``: the conversations of a log over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from platform import node
from typing import TYPE_CHECKING

import click

from rtstate._hosts import host_of, is_loopback, origin_of
from rtstate.cli._layout import clean
from rtstate.cli._logs import opened, run
from rtstate.cli._reading import Unusable
from rtstate.hub import Hub
from rtstate.logs import Log

if TYPE_CHECKING:
    from starlette.applications import Starlette


@click.command("serve", short_help="Serve conversations over HTTP, and show them in a browser.")
@click.option(
    "--log",
    "url",
    metavar="URL",
    default="memory:",
    show_default=True,
    envvar="RTSTATE_LOG",
    help="Where conversations are kept: sqlite:///calls.db or redis://host:6379/0; or set RTSTATE_LOG.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8700, show_default=True, help="0: a free one."
)
@click.option("--token", envvar="RTSTATE_TOKEN", help="What everybody has to show; or set RTSTATE_TOKEN.")
@click.option("--allow-host", "hosts", metavar="NAME", multiple=True, help="Another name that it goes by.")
@click.option(
    "--allow-origin", "origins", metavar="URL", multiple=True, help="A site whose pages may use it."
)
def serve_command(
    url: str, host: str, port: int, token: str | None, hosts: Sequence[str], origins: Sequence[str]
) -> None:
    """Serve the conversations of a log over HTTP: feed them, read them, follow them, and see them on a page.

    Without --log they are kept in memory, and gone when it ends. Other machines are listened to only with a
    token. Ctrl-C ends it, once everything is written.

    \b
    rtstate serve --log sqlite:///calls.db
    curl --json @event.json http://127.0.0.1:8700/conversations/support-17/events
    curl -N http://127.0.0.1:8700/conversations/support-17/changes
    """  # noqa: D301
    try:
        import_module("rtstate.server")
    except ModuleNotFoundError as missing:
        raise Unusable(str(missing)) from None
    if not token and not is_loopback(host):
        raise click.UsageError(
            f"at {clean(host)} other machines can reach it, so it needs a token: --token, or RTSTATE_TOKEN"
        )
    hosts = [_allowed("--allow-host", host_of, each) for each in hosts]
    origins = [_allowed("--allow-origin", origin_of, each) for each in origins]
    with suppress(ValueError):  # an address to listen at that no browser asks for
        hosts = [host_of(host), *hosts]
    run(_serve(opened(url, create=True), host, port, token or None, hosts, origins))


def _allowed(option: str, check: Callable[[str], str], value: str) -> str:
    """Return a value as browsers send it; say what is wrong where none does."""
    try:
        return check(value)
    except ValueError as error:
        raise Unusable(clean(f"{option}: {error}")) from None


async def _serve(
    log: Log, host: str, port: int, token: str | None, hosts: Sequence[str], origins: Sequence[str]
) -> None:
    from rtstate.server import create_app

    holder = f"rtstate serve, process {os.getpid()} on {node() or 'this host'}"
    async with log, Hub(log, holder=holder, history=1_000) as hub:
        try:
            app = create_app(hub, log, token=token, hosts=hosts, origins=origins)
        except ValueError as error:
            raise Unusable(clean(error)) from None
        await _listen(app, host, port, token)


async def _listen(app: Starlette, host: str, port: int, token: str | None) -> None:
    from rtstate.server import serve

    def started(port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        click.echo(
            f"Serving at http://{shown}:{port}/{'#token=…' if token else ''} (Ctrl-C ends it)", err=True
        )

    try:
        await serve(app, host, port, started=started)
    except OSError as error:
        why = error.strerror or str(error)
        raise Unusable(
            f"{clean(host)} port {port} cannot be listened at: {clean(why)}; --port 0 takes a free one"
        ) from None
    except asyncio.CancelledError:
        pass
