"""Manual layouts: checked when a person sends one, kept when pages are laid out again.

They are part of a page's layout: `manual` says that a person placed its cells, `placed` holds manual lettering by the
IDs of its panels, and `let_go` says that a manual layout could not be kept.
"""

from collections.abc import Sequence

from engine.errors import BadInput
from engine.pages.formats import PageSize
from models.layout import Layout, LayoutCell
from models.lettering import Placed

# In pixels; and by how much one panel may cover another, as a share of the smaller: an inset.
_LEAST_SIDE, _MOST_OVERLAP = 120, 0.12
LET_GO = "the layout made by hand does not fit its panels any more: the page is laid out again"


def arranged(layout: Layout, cells: Sequence[LayoutCell]) -> Layout:
    """The layout with its cells where a person places them. Raises `BadInput` for what is not a page."""
    if [cell.panel_id for cell in cells] != layout.panel_ids:
        raise BadInput("The layout must name every panel of the page once, in the order in which they are read.")
    for cell in cells:
        if min(cell.width, cell.height) < _LEAST_SIDE:
            raise BadInput(f"Panel {cell.panel_id} is too small: each side needs at least {_LEAST_SIDE} pixels.")
        right, bottom = cell.x + cell.width, cell.y + cell.height
        if min(cell.x, cell.y) < 0 or right > layout.width or bottom > layout.height:
            raise BadInput(f"Panel {cell.panel_id} is not inside its page.")
    for number, cell in enumerate(cells):
        for other in cells[number + 1 :]:
            if _overlap(cell, other) > _MOST_OVERLAP:
                raise BadInput(f"Panels {cell.panel_id} and {other.panel_id} overlap.")
    # Each stays laid out for the picture that it was laid out for.
    placed = [cell.model_copy(update={"frame": before.frame}) for before, cell in zip(layout.cells, cells, strict=True)]
    return layout.model_copy(update={"let_go": False, "manual": True, "cells": placed})


def released(layout: Layout, parts: Sequence[str]) -> Layout:
    """The layout without the manual edits of these parts: the next generation lays out, or letters, the page again."""
    if "layout" in parts and layout.manual:
        # No picture has this shape, so the page does not stand any more.
        cells = [cell.model_copy(update={"frame": (0, 0)}) for cell in layout.cells]
        layout = layout.model_copy(update={"manual": False, "cells": cells})
    if "lettering" in parts:
        layout = layout.model_copy(update={"placed": {}})
    return layout


def kept_pages(before: Sequence[Layout], ids: Sequence[str], size: PageSize) -> dict[int, Layout]:
    """Manual pages whose panels still follow each other, by the position of their first panel among `ids`."""
    kept: dict[int, Layout] = {}
    positions = {panel_id: number for number, panel_id in enumerate(ids)}
    for page in before:
        cells = page.panel_ids
        first = positions.get(cells[0]) if cells else None
        of_size = size.is_of(page.width, page.height)
        if page.manual and of_size and first is not None and list(ids[first : first + len(cells)]) == cells:
            kept[first] = page
    return kept


def with_manual_lettering(before: Sequence[Layout], pages: Sequence[Layout]) -> list[Layout]:
    """The new pages with the manual lettering of their panels, and a note where a manual layout was let go."""
    placed: dict[str, Placed] = {}
    for page in before:
        placed |= page.placed
    manual = [page.panel_ids for page in pages if page.manual]
    # A lost layout is reported on the page that has the first of its panels that is left.
    now = {panel_id: number for number, page in enumerate(pages) for panel_id in page.panel_ids}
    let_go = set()
    for ids in (page.panel_ids for page in before if page.manual):
        left = [now[panel_id] for panel_id in ids if panel_id in now]
        if ids not in manual and left:
            let_go.add(left[0])
    return [
        page.model_copy(
            update={
                "placed": {panel_id: placed[panel_id] for panel_id in page.panel_ids if panel_id in placed},
                "let_go": page.let_go or number in let_go,
            }
        )
        for number, page in enumerate(pages)
    ]


def _overlap(one: LayoutCell, other: LayoutCell) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return float(max(across, 0) * max(down, 0) / smaller)
