"""A panel with more words than can be lettered is refused wherever words come in."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from api.routes.chapters import NewChapter
from api.routes.translations import TranslationChange
from api.shapes.panels import NewPanel
from engine.errors import BadInput
from engine.store import translator
from engine.store.translations import Worded
from inkloom.story import read_story
from models.bundle import BundledPanel, BundledTranslation
from models.script import Script
from models.story import MOST_LETTERED, MOST_STORED
from models.tables import Panel
from models.translation import TranslatedPanel

pytestmark = pytest.mark.unit

_BUNDLED = {"first": 0, "last": 0, "shot": "medium", "description": "A door.", "state": "described"}
_EDGES: dict[str, Callable[[list[str]], Any]] = {
    "a new panel": lambda texts: NewPanel.model_validate({"description": "A door.", "dialogue": _said(texts)}),
    "a script": lambda texts: NewChapter.model_validate({"script": _script(texts)}),
    "a translation": lambda texts: TranslationChange(version=0, lines=texts),
    "a script as a file": lambda texts: _from_file(texts),
    "a translator's file": lambda texts: _translated(texts),
}
_STORED: dict[str, Callable[[list[str]], Any]] = {
    "a script": lambda texts: Script.model_validate(_script(texts)),
    "an archive's panel": lambda texts: BundledPanel.model_validate({**_BUNDLED, "dialogue": _said(texts)}),
    "an archive's translation": lambda texts: BundledTranslation.model_validate(
        {"language": "de", "lines": _said(texts), "made_from": ""}
    ),
    "a translation beside its source": lambda texts: TranslatedPanel.model_validate(
        {"scene": 1, "panel": 1, "lines": [{"text": text} for text in texts]}
    ),
}


def _script(texts: list[str]) -> dict[str, Any]:
    return {"scenes": [{"panels": [{"description": "A door.", "dialogue": _said(texts)}]}]}


def _from_file(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "script.json")
        path.write_text(json.dumps(_script(texts)))
        read_story(path, None)


def _translated(texts: list[str]) -> None:
    panel = Panel(
        project_id=uuid4(), scene_id=uuid4(), position=0, description="", dialogue=_said(["A word."] * len(texts))
    )
    part = TranslatedPanel.model_validate({"scene": 1, "panel": 1, "lines": [{"text": text} for text in texts]})
    translator._row_of(Worded(panel.scene_id, 0, panel, None), "de", part, "scene 1, panel 1")


def _said(texts: list[str]) -> list[dict[str, str]]:
    return [{"speaker": "Mara", "kind": "speech", "text": text} for text in texts]


@pytest.mark.parametrize("edge", _EDGES)
def test_more_words_than_can_be_lettered_are_refused(edge: str) -> None:
    with pytest.raises((ValidationError, BadInput), match="have 48,000 characters together; at most 4,000 are allowed"):
        _EDGES[edge](["x" * 2000] * 24)
    _EDGES[edge](["x" * (MOST_LETTERED // 4)] * 4)


@pytest.mark.parametrize("kind", _STORED)
def test_what_was_stored_before_the_limit_is_still_read(kind: str) -> None:
    """A caption or a line of 4,000 characters beside another one was valid."""
    _STORED[kind](["x" * MOST_LETTERED, "One more."])


@pytest.mark.parametrize("kind", ["an archive's panel", "an archive's translation"])
def test_an_archive_holds_no_more_than_was_ever_possible(kind: str) -> None:
    with pytest.raises(ValidationError, match="at most 104,000 are allowed"):
        _STORED[kind](["x" * (MOST_STORED // 4 + 1)] * 4)
