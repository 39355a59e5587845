"""The description of the API is complete and true: a client can be built from it."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import api
from api.http.schemas import Problem
from tests.support.api_document import DOCUMENT

pytestmark = pytest.mark.unit

OPERATIONS = {
    f"{method} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
# Parts of others, shown in their examples; and what is said on sockets, which OpenAPI does not know.
PARTS = {"CallCounts", "Listing", "Mistake", "Problem", "ViewedPanel"}


def models() -> Iterator[type[BaseModel]]:
    """What the API's modules define to be given or answered."""
    for module in pkgutil.walk_packages(api.__path__, "api."):
        for name, value in vars(importlib.import_module(module.name)).items():
            defined_here = inspect.isclass(value) and value.__module__ == module.name
            if defined_here and issubclass(value, BaseModel) and name.partition("[")[0] not in PARTS:
                yield value


MODELS = {model.__name__: model for model in models()}
every_operation = pytest.mark.parametrize("name", list(OPERATIONS))


@every_operation
def test_an_operation_says_what_it_does(name: str) -> None:
    """A summary of its own, not one made from a function's name, that fits a line; and a group to find it in."""
    summary = OPERATIONS[name]["summary"]
    assert summary[0].isupper()
    assert len(summary) <= 60
    assert OPERATIONS[name]["tags"]


def test_no_two_operations_are_called_the_same() -> None:
    """Generated clients name their methods after them."""
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", list(MODELS))
def test_what_is_given_and_answered_has_a_valid_example(name: str) -> None:
    """An example is accepted as it stands; of an answer it shows every field that is not null."""
    examples = DOCUMENT["components"]["schemas"][name]["examples"]
    for example in examples:
        value = MODELS[name].model_validate(example)
        if not name.startswith("New") and not name.endswith("Change"):
            assert value.model_dump(mode="json", exclude_none=True) == example


@every_operation
def test_what_an_operation_takes_and_answers_has_a_name(name: str) -> None:
    """Bodies are models with examples, alone or listed; nothing is answered as anything."""
    operation = OPERATIONS[name]
    shapes = [operation.get("requestBody", {}).get("content", {})]
    shapes += [response.get("content", {}) for status, response in operation["responses"].items() if status < "3"]
    for shape in shapes:
        if "application/json" in shape:
            assert any(f"/{model}" in str(shape) or f"_{model}_" in str(shape) for model in MODELS)


@every_operation
def test_no_operation_answers_with_a_bare_list(name: str) -> None:
    """Lists are `items` and `next_cursor`: more can be said of them later, and none has no end."""
    for status, answer in OPERATIONS[name]["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if status < "3" and schema:
            assert schema.get("type") != "array"
            shape = DOCUMENT["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)
            assert (
                "items" not in shape.get("properties", {})
                or name.startswith("post")
                or ("next_cursor" in shape["properties"])
            )


@every_operation
def test_an_operation_lists_its_errors(name: str) -> None:
    """Every refusal is a problem of its status, with an example; ids can be wrong, and requests can be unfit."""
    operation = OPERATIONS[name]
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "4"}
    for status, answer in refusals.items():
        if "application/json" in answer["content"]:
            assert name == "get /readyz"
            continue
        problem = Problem.model_validate(answer["content"]["application/problem+json"]["example"])
        assert problem.status == int(status)
        assert problem.type.startswith("/problems/")
    if "/api/v1/" in name:
        assert {"422", "503"} <= set(refusals)
    if "_id}" in name:
        assert "404" in refusals


def given(node: Any) -> Iterator[dict[str, Any]]:
    """Every object below a node of the document."""
    if isinstance(node, list):
        for item in node:
            yield from given(item)
    elif isinstance(node, dict):
        yield node
        for item in node.values():
            yield from given(item)


def test_every_reference_leads_somewhere() -> None:
    """No schema points to one that is not there."""
    wanted = {node["$ref"] for node in given(DOCUMENT) if isinstance(node.get("$ref"), str)}
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert wanted <= known
