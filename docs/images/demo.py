"""Draw docs/images/demo.svg: the page of ``rtstate demo``, at 100 columns. Run it after the page changes."""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from rtstate import replay, simulate
from rtstate.cli._page import page

FONTS = "ui-monospace, 'Fira Code', Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def main() -> None:
    conversation = replay(simulate.example().events)
    console = Console(
        record=True, width=100, file=io.StringIO(), force_terminal=True, highlight=False, emoji=False
    )
    for block in page(conversation.snapshot(), conversation.stats, conversation.anomalies):
        console.print(block)
    picture = console.export_svg(title="rtstate demo", theme=DIMMED_MONOKAI, unique_id="demo")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # no font from elsewhere
    picture = picture.replace("font-family: Fira Code, monospace", f"font-family: {FONTS}")
    picture = re.sub(r"\s*<!--.*?-->", "", picture)
    Path(__file__).with_suffix(".svg").write_text(picture)


if __name__ == "__main__":
    main()
