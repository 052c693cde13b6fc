"""Print docs/reference/commands.md: what every command says of itself.

``python docs/tools/commands.py > docs/reference/commands.md``
"""

import sys
from typing import Final

from click.testing import CliRunner

from rtstate.cli._commands import commands

_HEAD: Final = """\
# Commands

`pip install 'rtstate[cli]'` brings the command `rtstate`, and `rtstate[server]` also what serves. Below
is what each says of itself, printed by `python docs/tools/commands.py`; a test runs them all. They end
with 0, with 1 for what was refused and with 2 for what was asked wrongly, and say what to do on standard
error.
"""


def page() -> str:
    """Return the page."""
    lines = [_HEAD]
    for name in ("", *sorted(commands.commands)):
        words = [*name.split(), "--help"]
        lines += [
            f"## {name}" if name else "## rtstate",
            "",
            "```sh",
            f"rtstate {' '.join(words)}",
            "```",
            "",
            "```text",
            said(words),
            "```",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def said(words: list[str]) -> str:
    """Return what the command prints, as wide as a terminal shows it."""
    printed = CliRunner().invoke(commands, words, prog_name="rtstate", terminal_width=80).stdout
    return "\n".join(line.rstrip() for line in printed.splitlines())


if __name__ == "__main__":
    sys.stdout.write(page())
