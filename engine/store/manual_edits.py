"""Manual edits: stored, and never overwritten until the user releases them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import SQLModel

from models.tables import Character, Panel, Scene

# The parts that are edited, and so protected, together, by table: each with its columns.
PARTS: Mapping[type[SQLModel], Mapping[str, Sequence[str]]] = {
    Scene: {
        "outline": ("title", "gist", "sentences"),
        "summary": ("summary", "place", "time", "weather", "mood", "characters"),
        "panels": (),
        "outfits": ("outfits",),
    },
    Panel: {
        "description": ("shot", "description", "characters"),
        "words": ("dialogue", "caption"),
        "prompt": ("prompt", "negative"),
    },
    Character: {"profile": ("profile",)},
}
# As the basis of a part: it differs from all inputs, so the part is made again.
RELEASED = {"manual_edits": "released"}


def edited_columns(row: Any, values: Mapping[str, Any], release: Sequence[str] = ()) -> dict[str, Any]:
    """The columns to write when a person changes `values`, including the resulting list of manual edits.

    A part that is set to None, or named in `release`, is no longer a manual edit: the next generation writes it again.
    """
    parts = PARTS[type(row)]
    touched = {part for part, columns in parts.items() if any(values.get(column) is not None for column in columns)}
    emptied = {
        part for part, columns in parts.items() if any(name in values and values[name] is None for name in columns)
    }
    let_go = {part for part in parts if part in release or part in emptied}
    mine = (set(row.manual_edits) | touched) - let_go
    columns: dict[str, Any] = {**values, "manual_edits": [part for part in parts if part in mine]}
    released = let_go & set(row.manual_edits)
    if hasattr(row, "basis") and released:
        # Outfits are made together with the summary.
        made_anew = {"summary" if part == "outfits" else part for part in released}
        columns["basis"] = {**row.basis, **dict.fromkeys(sorted(made_anew), RELEASED)}
    if "panels" in released:
        columns["panels_key"] = None
    return columns


def release_panels(scene: Scene) -> None:
    """Let the next generation break the scene into panels again, unless its panels are a manual edit."""
    if "panels" not in scene.manual_edits:
        scene.basis, scene.panels_key = {**scene.basis, "panels": RELEASED}, None


def parts_filled(model: type[SQLModel], values: Mapping[str, Any]) -> list[str]:
    """The parts of a new row that a person has filled in."""
    return [part for part, columns in PARTS[model].items() if any(values.get(name) for name in columns)]
