"""``rtstate fake-server``: a Realtime API on this machine, for tests and demos."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Literal

import click

from rtstate.cli._layout import clean, count
from rtstate.cli._reading import Refused, Unusable, lines

if TYPE_CHECKING:
    from rtstate.simulate.live import Call, FakeServer, Talk


@click.command("fake-server", short_help="Serve a simulated Realtime API on this machine.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8702, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen: this machine alone.")
@click.option(
    "--dialect",
    type=click.Choice(["auto", "ga", "beta"]),
    default="auto",
    show_default=True,
    help="Beta for clients that ask for it, or one for all.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="What is said, and every id.")
@click.option(
    "--speed", type=click.FloatRange(0, 1000), default=1.0, show_default=True, help="0: without waiting."
)
@click.option("--reply", "replies", multiple=True, help="What the model says first; may be repeated.")
@click.option("--recording", metavar="FILE", help="Play a recording back, at its own pace.")
@click.option(
    "--expire-after", type=click.FloatRange(0, min_open=True), help="End each session after so many seconds."
)
@click.option("--key", envvar="RTSTATE_FAKE_KEY", help="Refuse clients without this API key.")
@click.option("--talk", "talks", is_flag=True, help="Hold one call with it, and end.")
def fake_server_command(
    port: int,
    host: str,
    dialect: Literal["auto", "ga", "beta"],
    seed: int,
    speed: float,
    replies: tuple[str, ...],
    recording: str | None,
    expire_after: float | None,
    key: str | None,
    talks: bool,
) -> None:
    """Serve a simulated Realtime API, to try a voice application against. Ctrl-C ends it.

    It hears speech in what the microphone sends, answers with sound, calls the session's tools, can be
    interrupted, and refuses what the API refuses. Nothing leaves this machine, and nothing is billed.

    \b
    rtstate fake-server
    rtstate fake-server --recording call.jsonl --speed 4
    rtstate fake-server --port 0 --talk --speed 10
    """  # noqa: D301
    if talks and not speed:
        raise click.UsageError("--talk takes its time: give it a --speed above 0")
    if expire_after is not None and not speed:
        raise click.UsageError("without waiting a session would expire at once: give it a --speed above 0")
    from rtstate.simulate.live import serve_fake, talk

    async def hold_call(url: str) -> None:
        spoken: Literal["ga", "beta"] = "beta" if dialect == "beta" else "ga"
        click.echo(_held(await talk(url, key=key or "fake", dialect=spoken, speed=speed)))

    serving = serve_fake(
        host=host,
        port=port,
        dialect=dialect,
        seed=seed,
        speed=speed,
        replies=replies,
        recording=None if recording is None else lines(recording),
        expire_after=expire_after,
        key=key,
        keep=False,
        on_open=_opened,
        on_close=_closed,
    )
    asyncio.run(_serve(serving, f"{clean(host)}, port {port}", recording, hold_call if talks else None))


async def _serve(
    serving: AbstractAsyncContextManager[FakeServer],
    where: str,
    recording: str | None,
    work: Callable[[str], Awaitable[None]] | None,
) -> None:
    """Serve until the work is done; without any, until it is interrupted."""
    from rtstate.simulate.live import TalkError

    async with AsyncExitStack() as stack:
        try:
            server = await stack.enter_async_context(serving)
        except ValueError as error:
            raise Refused(f"{clean(recording or 'the recording')}: {clean(error)}") from None
        except OSError as error:
            reason = clean(error.strerror or error)
            raise Unusable(f"cannot listen on {where}: {reason}; try another --port") from None
        except ModuleNotFoundError as missing:
            raise Unusable(clean(missing)) from None
        click.echo(f"Listening on {server.url}")
        if work is None:
            await asyncio.get_running_loop().create_future()
            return
        try:
            await work(server.url)
        except TalkError as error:
            raise Refused(clean(error)) from None


def _opened(call: Call) -> None:
    click.echo(f"Call {call.number}: {call.dialect}, {clean(call.path)}")


def _closed(call: Call) -> None:
    traffic = f"{count(call.received, 'event')} received, {call.sent:,} sent"
    click.echo(f"Call {call.number}: ended after {call.seconds:.1f} s, {traffic}")


def _held(talk: Talk) -> str:
    facts = (
        count(talk.responses, "answer"),
        count(talk.calls, "tool call"),
        count(talk.interruptions, "interruption"),
    )
    return f"The call is over: {', '.join(facts)}."
