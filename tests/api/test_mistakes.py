"""What does not fit is said in sentences that whoever fills in a form understands."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from api.http.params import Order
from api.http.validation_messages import form_of, in_words
from api.routes.chapters import NewChapter
from api.routes.generations_control import NewBudget, Resume
from api.routes.generations_create import NewGeneration
from api.routes.panels import NewPanel, PanelChange
from api.routes.projects import NewProject
from api.routes.webhooks import NewWebhook
from tests.support.api_document import DOCUMENT

pytestmark = pytest.mark.unit

# Of the library's own words, which are for programmers, and of the documents' regular expressions.
FOREIGN = ("Input should", "String should", "Field required", "pattern", "Value error", "[", "{", "^")

ASKED: list[tuple[type[BaseModel], dict[str, Any], str, str]] = [
    (NewProject, {}, "title", "This is required."),
    (NewProject, {"title": "a", "colour": "red"}, "colour", "Unknown field."),
    (NewProject, {"title": ""}, "title", "This must not be empty."),
    (NewProject, {"title": "a" * 501}, "title", "At most 500 characters."),
    (NewProject, {"title": 7}, "title", "This must be a string."),
    (
        NewProject,
        {"title": " "},
        "title",
        "This must be one line of readable text without control characters.",
    ),
    (NewProject, {"title": "a", "style": "\x00"}, "style", "Text must not contain NUL characters."),
    (NewProject, {"title": "a", "metadata": []}, "metadata", "This must be an object."),
    (NewProject, {"title": "a", "metadata": {"a": 1}}, "metadata.a", "This must be a string."),
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
        "At most 20 items.",
    ),
    (
        NewGeneration,
        {"kind": "novel", "target_ids": []},
        "kind",
        "This must be 'chapter', 'scene', 'panel', 'character_sheet' or 'export'.",
    ),
    (NewGeneration, {"kind": "chapter", "target_ids": []}, "target_ids", "This must not be empty."),
    (NewGeneration, {"kind": "chapter", "target_ids": "x"}, "target_ids", "This must be a list."),
    (NewGeneration, {"kind": "chapter", "target_ids": ["x"]}, "target_ids.0", "This must be a UUID."),
    (PanelChange, {"version": 0}, "version", "This must be 1 or more."),
    (PanelChange, {"version": 2**31}, "version", "This must be less than 2147483648."),
    (PanelChange, {"version": "7"}, "version", "This must be a number."),
    (PanelChange, {"version": 1.5}, "version", "This must be a whole number."),
    (Resume, {"skip_refused": "yes"}, "skip_refused", "This must be true or false."),
    (Resume, {"what": "all"}, "what", "This must be 'paused' or 'waiting'."),
    (NewChapter, {}, "", "Give either text or script."),
    (NewPanel, {"description": "a", "first": 2, "last": 1}, "", "Last must not come before first."),
    (
        NewBudget,
        {"budget_usd": "1e3"},
        "budget_usd",
        "Write an amount like 12.5, with at most six digits before and after the point.",
    ),
    (NewWebhook, {"url": "ftp://a.b"}, "url", "A URL begins with http:// or https:// and contains no spaces."),
    (Order, {"ids": []}, "ids", "This must not be empty."),
]


@pytest.mark.parametrize(
    ("model", "body", "at", "message"), ASKED, ids=[f"{one[0].__name__} {one[3]}" for one in ASKED]
)
def test_a_mistake_is_a_sentence(model: type[BaseModel], body: dict[str, Any], at: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    told = {".".join(map(str, one["loc"])): in_words(one) for one in caught.value.errors()}
    assert told[at] == message


def test_what_we_have_no_words_for_is_still_told() -> None:
    assert in_words({"type": "bytes_type", "loc": ("body",), "msg": "Input should be bytes"}) == "Input should be bytes"


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
