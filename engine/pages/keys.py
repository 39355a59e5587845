"""What a page is made from, as a content key: the same key is the same page."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.digest import digest
from engine.export.provenance import notes_of
from engine.pages.layout import LayoutPanel, PageLayout, holds, lay_out, picture_size
from engine.store.panels import Shown
from models.options import GenerationOptions
from models.story import Direction
from models.tables.story import DraftOrigin

# Goes up with every change that makes the same panels look different on a page.
LETTERING = 2


def page_key(layout: Mapping[str, Any], direction: Direction, language: str, shown: Mapping[str, Shown]) -> str:
    """Of a page's layout as JSON, its pictures, and whatever is lettered over them; what else a panel tells is not."""
    return digest(
        LETTERING,
        layout,
        direction,
        language,
        notes_of_page(layout, shown),
        [_lettered(shown[cell["panel_id"]]) for cell in layout["cells"]],
    )


def notes_of_page(layout: Mapping[str, Any], shown: Mapping[str, Shown]) -> str:
    """What a page's file says of how its pictures were made; empty where there is nothing to say."""
    drafts = (shown[cell["panel_id"]].draft for cell in layout["cells"])
    return notes_of({draft.provider for draft in drafts if draft is not None})


def _lettered(one: Shown) -> list[Any]:
    return [
        one.image.sha256 if one.image else None,
        one.image.boxes if one.image else [],
        one.data.dialogue,
        one.data.caption,
        [who.name for who in one.data.characters],
        *(["untranslated"] if one.untranslated else []),
    ]


def laid_out(
    shown: Sequence[Shown], options: GenerationOptions, before: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The pages that these panels come to, as they are stored; those of `before` where they still do.

    A panel takes the place that it was first drawn for, whoever draws it later; art that was brought along, its own. So
    a word more or less, or another picture, moves nothing: pages are laid out anew when panels, their shapes, the
    format or the direction are others, or when words do not fit into their panel any more.
    """
    panels = [LayoutPanel(str(one.panel.id), *_frame(one, options), one.data) for one in shown]
    if _still_stands(before, panels, options):
        return [dict(page) for page in before]
    frames = {panel.id: [panel.width, panel.height] for panel in panels}
    return [_as_json(page, frames, options) for page in lay_out(panels, options.format, options.direction)]


def _frame(one: Shown, options: GenerationOptions) -> tuple[int, int]:
    brought = one.draft is not None and one.draft.origin == DraftOrigin.UPLOADED
    if one.panel.frame and not (brought and one.image):
        return one.panel.frame["width"], one.panel.frame["height"]
    if one.image:
        return one.image.width, one.image.height
    # A failed panel keeps the place that its picture would have had.
    return picture_size(one.data, options.format)


def _still_stands(
    before: Sequence[Mapping[str, Any]], panels: Sequence[LayoutPanel], options: GenerationOptions
) -> bool:
    cells = [cell for page in before for cell in page["cells"]]
    if [cell["panel_id"] for cell in cells] != [panel.id for panel in panels]:
        return False
    if any((page.get("format"), page.get("direction")) != (options.format, options.direction) for page in before):
        return False
    return all(
        cell["frame"] == [one.width, one.height] and holds(cell["width"], cell["height"], one.panel, options.format)
        for cell, one in zip(cells, panels, strict=True)
    )


def _as_json(layout: PageLayout, frames: Mapping[str, list[int]], options: GenerationOptions) -> dict[str, Any]:
    return {
        "number": layout.number,
        "width": layout.width,
        "height": layout.height,
        "format": options.format,
        "direction": options.direction,
        "cells": [
            {
                "panel_id": cell.id,
                "x": cell.x,
                "y": cell.y,
                "width": cell.width,
                "height": cell.height,
                "frame": frames[cell.id],
            }
            for cell in layout.cells
        ],
    }
