"""The command line: replay a recorded session and read it as a page, or as the document.

``pip install 'rtstate[cli]'`` brings what it needs, click and rich.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Run the ``rtstate`` command and return its exit code: 2, and a sentence, without the extra."""
    try:
        from rtstate.cli._commands import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        print("The rtstate command needs click and rich: pip install 'rtstate[cli]'", file=sys.stderr)
        return 2
    return run()


__all__ = ["main"]
