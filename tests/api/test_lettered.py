"""A panel with more words than can be lettered is refused wherever words come in."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from api.routes.translations import TranslationChange
from api.shapes.panels import NewPanel
from models.bundle import BundledPanel, BundledTranslation
from models.script import ScriptPanel
from models.story import MOST_LETTERED
from models.translation import TranslatedPanel

pytestmark = pytest.mark.unit

_BUNDLED = {"first": 0, "last": 0, "shot": "medium", "description": "A door.", "state": "described"}
_EDGES: dict[str, Callable[[list[str]], Any]] = {
    "a new panel": lambda texts: NewPanel.model_validate({"description": "A door.", "dialogue": _said(texts)}),
    "a script": lambda texts: ScriptPanel.model_validate({"description": "A door.", "dialogue": _said(texts)}),
    "a translation": lambda texts: TranslationChange(version=0, lines=texts),
    "a translator's file": lambda texts: TranslatedPanel.model_validate(
        {"scene": 1, "panel": 1, "lines": [{"text": text} for text in texts]}
    ),
    "an archive's panel": lambda texts: BundledPanel.model_validate({**_BUNDLED, "dialogue": _said(texts)}),
    "an archive's translation": lambda texts: BundledTranslation.model_validate(
        {"language": "de", "lines": _said(texts), "made_from": ""}
    ),
}


def _said(texts: list[str]) -> list[dict[str, str]]:
    return [{"speaker": "Mara", "text": text} for text in texts]


@pytest.mark.parametrize("edge", _EDGES)
def test_more_words_than_can_be_lettered_are_refused(edge: str) -> None:
    with pytest.raises(ValidationError, match="have 48,000 characters together; at most 4,000 are allowed"):
        _EDGES[edge](["x" * 2000] * 24)
    _EDGES[edge](["x" * (MOST_LETTERED // 4)] * 4)
