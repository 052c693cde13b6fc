"""Print every event this library knows, as the Markdown of ``docs/events.md``.

``python -m rtstate.wire > docs/events.md``
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping

from rtstate.wire import CLIENT_TABLE, TABLE, Row

_HEAD = """\
# Every event

Made from the code by `python -m rtstate.wire`; a test says when it is out of date.

*reduced*: the event changes the state. *noted*: known and counted, but there is no conversation state in it.
*ignored*: known, and of no interest to a reader of the conversation. An event of any other type is counted as
unknown, becomes an anomaly, and changes nothing.
"""


def page() -> str:
    """Return the page: the server's events, then the client's."""
    return "\n".join([_HEAD, *_table("The server's", TABLE), *_table("The client's", CLIENT_TABLE)])


def _table(title: str, table: Mapping[str, Row]) -> list[str]:
    rows = dict.fromkeys(table.values())
    lines = [f"## {title}", "", "| type | class | | what it says |", "|---|---|---|---|"]
    for row in rows:
        names = "<br>".join(f"`{name}`" for name in row.types)
        says = (inspect.getdoc(row.event) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
        lines.append(f"| {names} | `{row.event.__name__}` | {row.use} | {says} |")
    return [*lines, ""]


if __name__ == "__main__":
    sys.stdout.write(page())
