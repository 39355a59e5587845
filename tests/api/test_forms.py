"""Validation errors: pydantic's messages, and a sentence where pydantic would show a regular expression."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.http.forms import form_of, message_of
from api.http.params import Order
from api.routes.chapters import NewChapter
from api.routes.generations_control import NewBudget, Resume
from api.routes.panels import PanelChange
from api.routes.projects import NewProject
from api.routes.webhooks import NewWebhook
from api.shapes.generations import NewGeneration
from api.shapes.panels import NewPanel
from tests.support.api_document import DOCUMENT
from tests.support.messages import FOREIGN

pytestmark = pytest.mark.unit


ASKED: list[tuple[type[BaseModel], dict[str, Any], str, str]] = [
    (NewProject, {}, "title", "Field required"),
    (NewProject, {"title": "a", "colour": "red"}, "colour", "Extra inputs are not permitted"),
    (NewProject, {"title": ""}, "title", "String should have at least 1 character"),
    (NewProject, {"title": "a" * 501}, "title", "String should have at most 500 characters"),
    (NewProject, {"title": 7}, "title", "Input should be a valid string"),
    (
        NewProject,
        {"title": " "},
        "title",
        "This must be one line of readable text without control characters.",
    ),
    (NewProject, {"title": "a", "style": "\x00"}, "style", "Text must not contain NUL characters."),
    (NewProject, {"title": "a", "metadata": []}, "metadata", "Input should be a valid dictionary"),
    (NewProject, {"title": "a", "metadata": {"a": 1}}, "metadata.a", "Input should be a valid string"),
    (
        NewProject,
        {"title": "a", "metadata": {"a b": ""}},
        "metadata.a b.[key]",
        "A name has up to 40 letters, digits and `_.-`; in a filter its value follows a colon.",
    ),
    (
        NewProject,
        {"title": "a", "metadata": {f"{number}": "" for number in range(21)}},
        "metadata",
        "Dictionary should have at most 20 items after validation, not more",
    ),
    (
        NewGeneration,
        {"kind": "novel", "target_ids": []},
        "kind",
        "Input should be 'chapter', 'scene', 'panel', 'character_sheet' or 'export'",
    ),
    (
        NewGeneration,
        {"kind": "chapter", "target_ids": []},
        "target_ids",
        "List should have at least 1 item after validation, not 0",
    ),
    (NewGeneration, {"kind": "chapter", "target_ids": "x"}, "target_ids", "Input should be a valid list"),
    (
        NewGeneration,
        {"kind": "chapter", "target_ids": ["x"]},
        "target_ids.0",
        "Input should be a valid UUID, invalid character: found `x` at 0",
    ),
    (PanelChange, {"version": 0}, "version", "Input should be greater than or equal to 1"),
    (PanelChange, {"version": 2**31}, "version", "Input should be less than 2147483648"),
    (PanelChange, {"version": "7"}, "version", "This must be a number."),
    (PanelChange, {"version": 1.5}, "version", "Input should be a valid integer, got a number with a fractional part"),
    (Resume, {"skip_refused": "yes"}, "skip_refused", "Input should be a valid boolean"),
    (Resume, {"what": "all"}, "what", "Input should be 'paused' or 'waiting'"),
    (NewChapter, {}, "", "Give either text or script."),
    (NewPanel, {"description": "a", "first": 2, "last": 1}, "", "Last must not come before first."),
    (
        NewBudget,
        {"budget_usd": "1e3"},
        "budget_usd",
        "Write an amount like 12.5, with at most six digits before and after the point.",
    ),
    (NewWebhook, {"url": "ftp://a.b"}, "url", "A URL begins with http:// or https:// and contains no spaces."),
    (Order, {"ids": []}, "ids", "List should have at least 1 item after validation, not 0"),
]


@pytest.mark.parametrize(
    ("model", "body", "at", "message"), ASKED, ids=[f"{one[0].__name__} {one[3]}" for one in ASKED]
)
def test_a_mistake_has_a_message(model: type[BaseModel], body: dict[str, Any], at: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    messages = {".".join(map(str, one["loc"])): message_of(one) for one in caught.value.errors()}
    assert messages[at] == message


def patterns(node: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every pattern of the document, and the names on the way to it."""
    if isinstance(node, list):
        for one in node:
            yield from patterns(one, where)
    elif isinstance(node, dict):
        named = (*where, node["name"].lower()) if isinstance(node.get("in"), str) else where
        for name, one in node.items():
            if name == "pattern" and isinstance(one, str):
                yield named, one
            else:
                yield from patterns(one, (*named, name))


FOUND = sorted(set(patterns(DOCUMENT)))


@pytest.mark.parametrize(
    ("where", "pattern"), FOUND, ids=[f"{one[0][-2:]} {number}" for number, one in enumerate(FOUND)]
)
def test_every_form_that_is_documented_has_words(where: tuple[str, ...], pattern: str) -> None:
    """Nobody is shown a regular expression."""
    said = form_of(where, pattern)
    assert said is not None
    assert not any(word in said for word in FOREIGN)
