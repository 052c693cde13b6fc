"""What calls are called."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from random import SystemRandom
from typing import Final

from rtstate.logs import Log

TEMPLATE: Final = "call-{time}-{id}"
_FIELD: Final = re.compile(r"\{(\w*)\}")
_FIELDS: Final = ("time", "id", "model")
_BESIDE_A_TIME: Final = 4
_ALONE: Final = 12  # of a billion calls no two are likely to get the same
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"  # none that looks like another


def check_template(template: str) -> str:
    """Return a template of names, ``{id}`` added where it has none; raise ValueError for what is none.

    >>> check_template("support-{model}")
    'support-{model}-{id}'
    """
    wrong = [name for name in _FIELD.findall(template) if name not in _FIELDS]
    if wrong or "{" in (rest := _FIELD.sub("", template)) or "}" in rest:
        raise ValueError(f"a name is made of text, {{time}}, {{model}} and {{id}}, unlike {template!r:.80}")
    full = template if "{id}" in template else f"{template}-{{id}}"
    Log.check_name(_filled(full, {"time": "0" * 15, "id": "0" * _ALONE, "model": "m" * 80}))
    return full


class Names:
    """Names for calls, no two the same: with the second in which each began, or with longer ids."""

    def __init__(self, template: str) -> None:
        self._template = check_template(template)
        self._letters = _BESIDE_A_TIME if "{time}" in self._template else _ALONE
        self._second = ""
        self._given: set[str] = set()  # in this second
        self._random = SystemRandom()

    def new(self, model: str) -> str:
        """Return the name of a call that begins now."""
        second = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        if second != self._second:
            self._second, self._given = second, set()
        while True:
            chance = "".join(self._random.choices(_LETTERS, k=self._letters))
            name = _filled(self._template, {"time": second, "id": chance, "model": model})
            if name not in self._given:
                self._given.add(name)
                return name


def _filled(template: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: fields[found[1]], template)
