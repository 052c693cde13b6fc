"""Know what is said on either side of a live session: the user's words, the model's, and its tool calls."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, cast

from rtstate.simulate._script import SIDE_QUESTIONS, TOOL_USES, TOPICS, ToolUse
from rtstate.simulate._wire import Json

GREETING = "Hello! How can I help you today?"
FAREWELL = "You're very welcome. Goodbye!"
_BYE = re.compile(r"\b(good)?bye\b", re.IGNORECASE)
_SAY = re.compile(r'\bsay\b[^"“:]*(?::\s*["“]?|["“])(.+?)["”]?\s*$', re.IGNORECASE | re.DOTALL)
_NAME_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_DEPTH = 4
_USES = {use.name: use for use in TOOL_USES}


class Script:
    """Hold the lines of one session: one's own `replies`, then those of a topic that the seed picks."""

    def __init__(self, rng: Random, replies: Iterable[str] = ()) -> None:
        self._topic = rng.choice(TOPICS)
        self._own = iter(tuple(replies))
        self._next = 0
        self._spoken = 0

    def hear(self, tools: Sequence[Json]) -> str:
        """Give the words of the user's next spoken turn; every third, from the second on, asks for a tool."""
        self._spoken += 1
        if tools and self._spoken % 3 == 2:
            tool = tools[self._spoken // 3 % len(tools)]
            use = _USES.get(tool["name"])
            return use.question if use else f"Could you use {tool['name']} for me?"
        return self._exchange()[0]

    def answer(self, said: str | None, tools: Sequence[Json], choice: Any = "auto") -> str | ToolUse:
        """Give the answer to what the user said: words, or a call of one of the tools.

        A tool is called where `choice` asks for it, where the text is one of its questions in the script, or
        where it mentions the tool's name or the last word of it: `get_weather` is about weather.
        """
        tool = _chosen(tools, choice) or _mentioned(said or "", () if choice == "none" else tools)
        if tool is not None:
            return _use(tool)
        own = next(self._own, None)
        if own is not None:
            return own
        if said is None:
            return GREETING
        if _BYE.search(said):
            return FAREWELL
        for question, reply in self._topic.exchanges:
            if said == question:
                self._next += 1
                return reply
        reply = self._exchange()[1]
        self._next += 1
        return reply

    def follow_up(self, name: str, output: str) -> str:
        """Give the answer once a function has returned."""
        use = _USES.get(name)
        own = next(self._own, None)
        return own or (use.answer if use else f"Here is what I found: {output[:200]}")

    def _exchange(self) -> tuple[str, str]:
        return self._topic.exchanges[self._next % len(self._topic.exchanges)]


def aside(instructions: str, metadata: Mapping[str, Any] | None) -> str:
    """Give the answer to a question beside the conversation."""
    told = f"{instructions} {json.dumps(metadata or {})}".lower()
    known = (
        answer for topic, question, answer in SIDE_QUESTIONS if topic in told or question.lower() in told
    )
    return next(known, SIDE_QUESTIONS[2][2])


def dictated(instructions: str) -> str | None:
    """Give the words that instructions such as `Say exactly: "Hello"` ask for.

    >>> dictated('Please say exactly: "Good morning."')
    'Good morning.'
    >>> dictated("Be brief and friendly.")
    """
    found = _SAY.search(instructions)
    return found[1] if found else None


def _chosen(tools: Sequence[Json], choice: Any) -> Json | None:
    if choice == "required":
        return tools[0] if tools else None
    name = cast(Json, choice).get("name") if isinstance(choice, dict) else None
    return next((tool for tool in tools if tool["name"] == name), None)


def _mentioned(text: str, tools: Sequence[Json]) -> Json | None:
    words = {word.lower() for word in _NAME_WORDS.findall(text)} | set(re.findall(r"\w+", text.lower()))
    for tool in tools:
        use = _USES.get(tool["name"])
        last = [word.lower() for word in _NAME_WORDS.findall(tool["name"])][-1:]
        if (use and text == use.question) or tool["name"] in text or words.intersection(last):
            return tool
    return None


def _use(tool: Json) -> ToolUse:
    known = _USES.get(tool["name"])
    if known:
        return known
    made = example_of(tool.get("parameters") or {})
    arguments = cast(dict[str, Any], made) if isinstance(made, dict) else {}
    return ToolUse("", tool["name"], arguments, "", "")


def example_of(schema: Any, depth: int = _DEPTH) -> Any:
    """Make a value that a JSON schema allows, as far as plain schemas go.

    >>> example_of(
    ...     {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
    ... )
    {'city': 'example', 'days': 1}
    """
    if not isinstance(schema, dict) or depth < 0:
        return None
    fields = cast(Json, schema)
    for key in ("const", "default"):
        if key in fields:
            return fields[key]
    for key in ("enum", "examples", "anyOf", "oneOf"):
        options: Any = fields.get(key)
        if isinstance(options, list) and options:
            first = cast("list[Any]", options)[0]  # type: ignore[redundant-cast]
            return first if key in ("enum", "examples") else example_of(first, depth - 1)
    return _of_type(fields, depth)


def _of_type(fields: Json, depth: int) -> Any:
    kind: str | list[Any] | None = fields.get("type")
    if isinstance(kind, list):
        kind = str(kind[0]) if kind else None
    least = fields.get("minimum", 1)
    match kind:
        case "string":
            return "example"
        case "integer" | "number":
            return least if isinstance(least, (int, float)) else 1
        case "boolean":
            return True
        case "array":
            return [example_of(fields.get("items"), depth - 1)] if "items" in fields else []
        case _:
            return dict(_members(fields, depth))


def _members(fields: Json, depth: int) -> Iterator[tuple[str, Any]]:
    members = fields.get("properties")
    if isinstance(members, dict):
        for key, inner in cast(Json, members).items():
            yield key, example_of(inner, depth - 1)
