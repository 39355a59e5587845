"""`docs/tasks.md` is true: it describes every LLM task as the code has it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine.tasks import ALL, Task
from models.options import TaskName

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parent.parent / "docs" / "tasks.md"
TYPES = {"string": "text", "integer": "number", "boolean": "yes or no", "array": "list of ", "object": "mapping"}

Schema = dict[str, Any]


def type_of(schema: Schema, named: Schema) -> str:
    """A field's type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(type_of(one, named) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return " / ".join(named[name]["enum"]) if "enum" in named[name] else str(name)
    return TYPES[schema["type"]] + (type_of(schema["items"], named) if "items" in schema else "")


def rows_of(way: str, schema: Schema, named: Schema, within: str = "") -> Iterator[str]:
    """A row for every field, and for every field of its parts."""
    for name, field in schema["properties"].items():
        yield f"| {way} | {within}{name} | {type_of(field, named)} | {field.get('description', '')} |"
        part = named.get(field.get("items", field).get("$ref", "").rsplit("/", 1)[-1], {})
        if "properties" in part:
            yield from rows_of(way, part, named, f"{within}{name}.")


def fields_of(way: str, model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    return rows_of(way, schema, schema.get("$defs", {}))


def described(task: Task[Any, Any]) -> str:
    """A task as the page tells it."""
    about = (sys.modules[task.output.__module__].__doc__ or "").strip()
    return "\n".join(
        [
            f"## {task.name}, version {task.version}",
            "",
            about,
            "",
            f"Tokens: at most {task.max_input_tokens:,} in, {task.max_output_tokens:,} out. Attempts: {task.attempts}.",
            "",
            "| | field | type | meaning |",
            "|---|---|---|---|",
            *fields_of("in", task.input),
            *fields_of("out", task.output),
            "",
        ]
    )


@pytest.mark.parametrize("name", list(ALL))
def test_a_task_is_described_as_it_is(name: TaskName) -> None:
    """What it does, what it is given and gives, and how much it may use."""
    assert described(ALL[name]) in DOCS.read_text()


def test_the_list_is_the_code() -> None:
    """Every task, in the order of the code, and no other."""
    headings = [line for line in DOCS.read_text().splitlines() if line.startswith("## ")]
    assert headings == [f"## {task.name}, version {task.version}" for task in ALL.values()]
