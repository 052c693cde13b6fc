"""Make our docstrings Markdown, for mkdocstrings: doctests become code, and roles become code or links.

Griffe loads this by the path in ``mkdocs.yml``, in both builders.
"""

import re
from typing import Any, Final

import griffe

_ROLE: Final = re.compile(r":(?:class|func|meth|attr|mod|exc|data):`~?([^`]+)`")
_SPAN: Final = re.compile(r"``(?P<code>[^`]+)``")
_PROMPT: Final = re.compile(r"^\s*>>> ")


def as_markdown(text: str) -> str:
    """Return a docstring as Markdown."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if _PROMPT.match(block):
            indent = len(block) - len(block.lstrip())
            lines = [line[indent:] for line in block.splitlines()]
            blocks.append("\n".join(["```pycon", *lines, "```"]))
        else:
            blocks.append(_SPAN.sub(r"`\g<code>`", _ROLE.sub(r"`\1`", block)))
    return "\n\n".join(blocks)


class Docstrings(griffe.Extension):
    """Rewrite every docstring of the package."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object, before anything is rendered."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
