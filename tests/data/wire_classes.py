"""How ``wire_classes.txt`` was made: ``python -m tests.data.wire_classes``. It is written anew, whole.

What users see of the classes of the wire changes only on purpose: whoever changes a field, a default or what
becomes of an event writes the file anew, and reads in the difference what they have changed for others.
"""

import inspect
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from rtstate import events
from rtstate.wire import CLIENT_TABLE, TABLE, Row

FILE = Path(__file__).with_suffix(".txt")
HEAD = "# python -m tests.data.wire_classes\n"


def models() -> list[type[BaseModel]]:
    """Return the classes that users can import, in the order of their names."""
    found: set[Any] = {getattr(events, name) for name in events.__all__}
    return sorted(filter(inspect.isclass, found), key=lambda model: model.__name__)


def make() -> str:
    """Return what the file should say: each type and what becomes of it, each field and what it takes."""
    lines = ["", "# Server events: the type, its class, its use", *_types(TABLE.values())]
    lines += ["", "# Client events", *_types(CLIENT_TABLE.values())]
    lines += ["", "# Classes: the field, its default (made: another one each time), its JSON schema"]
    classes = models()
    _, schemas = models_json_schema([(model, "validation") for model in classes])
    for model in classes:
        lines += ["", *_fields(model, schemas["$defs"][model.__name__])]
    return HEAD + "\n".join(lines) + "\n"


def _types(rows: Iterable[Row]) -> Iterator[str]:
    for row in dict.fromkeys(rows):
        for name in row.types:
            yield f"{name}  {row.event.__name__}  {row.use}"


def _fields(model: type[BaseModel], schema: dict[str, Any]) -> Iterator[str]:
    base, others = model.__mro__[1].__name__, schema.get("additionalProperties")
    yield f"{model.__name__} ({base}, {'keeps' if others else 'loses'} other fields)"
    for name, field in model.model_fields.items():
        made = field.default_factory is not None
        default = "required" if field.is_required() else "made" if made else json.dumps(field.default)
        taken = {key: each for key, each in schema["properties"][name].items() if key != "default"}
        yield f"{model.__name__}.{name}  {default}  {_compact(taken)}"


def _compact(schema: dict[str, Any]) -> str:
    """Write a schema in one line, without what is said of it in words."""
    return json.dumps(_bare(schema), sort_keys=True).replace("#/$defs/", "")


def _bare(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: _bare(each) for key, each in schema.items() if key not in ("title", "description")}
    return [_bare(each) for each in schema] if isinstance(schema, list) else schema


def main() -> None:
    FILE.write_text(make())
    print(f"wrote {FILE.name}: {len(models())} classes")


if __name__ == "__main__":
    main()
