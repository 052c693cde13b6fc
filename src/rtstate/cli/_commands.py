"""The commands: what may be asked for."""

from __future__ import annotations

import errno
import os
from typing import Final

import click

from rtstate import __version__
from rtstate.cli._bill import usage_command
from rtstate.cli._diff import diff_command
from rtstate.cli._export import export_command
from rtstate.cli._fake_server import fake_server_command
from rtstate.cli._kept import compact_command, delete_command, ls_command, show_command, tail_command
from rtstate.cli._layout import PAGE_WIDTH
from rtstate.cli._log import log_command
from rtstate.cli._proxy import proxy_command
from rtstate.cli._record import import_command, record_command
from rtstate.cli._replay import demo_command, replay_command
from rtstate.cli._serve import serve_command
from rtstate.cli._timing import timing_command
from rtstate.cli._tools import tools_command
from rtstate.cli._transcript import transcript_command

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def run() -> int:
    """Run the command; return its exit code: 1 for what was refused, 2 for misuse, 130 when interrupted."""
    try:
        return commands.main(prog_name="rtstate", standalone_mode=False) or 0
    except click.ClickException as refused:
        refused.show()
        return refused.exit_code
    except click.Abort:
        return 130
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python fails once more as it ends
        click.echo(f"Error: standard output cannot be written: {error.strerror}", err=True)
        return 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": PAGE_WIDTH})
@click.version_option(__version__, prog_name="rtstate", message="%(prog)s %(version)s")
def commands() -> None:
    """Read recorded sessions of a Realtime API: who said what, what was heard, what it cost, and when.

    \b
    rtstate demo                           see it with a bundled example; --live: on a page
    rtstate replay session.jsonl           read a recording of your own
    rtstate replay session.jsonl --json    the same as a document for programs
    rtstate replay session.jsonl --at 12s  the same as it stood then
    rtstate log session.jsonl              event by event, what each one changed
    rtstate diff session.jsonl --from 120  what changed since, item by item
    rtstate transcript session.jsonl       who said what, and how much was heard
    rtstate tools session.jsonl            which tools were called, and what came of it
    rtstate export session.jsonl ...       for chat APIs, agents, players and people
    rtstate usage session.jsonl --cost     what each response used, and what it cost
    rtstate timing session.jsonl           how long the user waited, turn by turn
    rtstate record NAME --log URL          keep a conversation as it goes on
    rtstate ls --log URL                   the conversations that are kept
    rtstate serve --log URL                the same over HTTP, and on a page
    rtstate proxy                          record an application's calls, and watch them
    rtstate fake-server                    a Realtime API on this machine, for tests
    """  # noqa: D301  (click's mark for lines that stay as they are)


for _command in (
    *(replay_command, log_command, diff_command, demo_command),
    *(transcript_command, tools_command, usage_command, timing_command, export_command),
    *(record_command, import_command, ls_command, show_command, tail_command),
    *(compact_command, delete_command, serve_command, proxy_command, fake_server_command),
):
    commands.add_command(_command)
