"""Where output goes: the page and the document on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from itertools import islice
from typing import Final, cast

import click
from rich.console import Console, Group, RenderableType

from rtstate import Conversation
from rtstate.cli._layout import PAGE_WIDTH
from rtstate.cli._page import page

_BLOCKS_AT_ONCE: Final = 50


def print_document(conversation: Conversation, pretty: bool) -> None:
    """Print the document in UTF-8, whatever the terminal's encoding: it is data."""
    snapshot = conversation.snapshot()
    text = json.dumps(snapshot.to_dict(), ensure_ascii=False, indent=2) if pretty else snapshot.to_json()
    click.echo(text.encode())


def print_page(console: Console, conversation: Conversation) -> None:
    """Print the page."""
    print_blocks(console, page(conversation.snapshot(), conversation.stats, conversation.anomalies))


def print_blocks(console: Console, blocks: Iterable[RenderableType], at_once: int = _BLOCKS_AT_ONCE) -> None:
    """Print some blocks at a time: a print costs as much as a block, and a long page starts soon."""
    blocks = iter(blocks)
    while some := tuple(islice(blocks, at_once)):
        console.print(Group(*some))


def page_console() -> Console:
    """Return the console of standard output, which prints what its encoding lacks as ``?``."""
    stdout = cast(object, sys.stdout)
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")
    console = Console(highlight=False, emoji=False)
    console.width = min(console.width, PAGE_WIDTH)
    return console
