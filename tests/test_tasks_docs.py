"""`docs/tasks.md` is true: it describes every LLM task as the code has it."""

import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from engine.tasks import ALL, Task

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parent.parent / "docs" / "tasks.md"
TYPES = {"string": "text", "integer": "number", "boolean": "yes or no", "array": "list of "}


def type_of(schema: dict[str, Any]) -> str:
    """A field's type in a word or two."""
    if "anyOf" in schema:
        return " or ".join(type_of(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    return TYPES[schema["type"]] + (type_of(schema["items"]) if "items" in schema else "")


def rows_of(way: str, model: type[BaseModel]) -> list[str]:
    properties = model.model_json_schema()["properties"]
    return [f"| {way} | {name} | {type_of(of)} | {of.get('description', '')} |" for name, of in properties.items()]


def described(task: Task[Any, Any]) -> str:
    """A task as the page tells it."""
    about = (sys.modules[task.output.__module__].__doc__ or "").strip()
    return "\n".join(
        [
            f"## {task.name}, version {task.version}",
            "",
            about,
            "",
            f"At most {task.max_input_tokens:,} tokens in and {task.max_output_tokens:,} out, {task.attempts} attempts.",
            "",
            "| | field | type | meaning |",
            "|---|---|---|---|",
            *rows_of("in", task.input),
            *rows_of("out", task.output),
            "",
        ]
    )


@pytest.mark.parametrize("name", list(ALL))
def test_a_task_is_described_as_it_is(name: str) -> None:
    """What it does, what it is given and gives, and how much it may use."""
    assert described(ALL[name]) in DOCS.read_text()


def test_the_list_is_the_code() -> None:
    """Every task, in the order of the code, and no other."""
    headings = [line for line in DOCS.read_text().splitlines() if line.startswith("## ")]
    assert headings == [f"## {task.name}, version {task.version}" for task in ALL.values()]
