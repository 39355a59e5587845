"""Manual layouts and lettering: checked when a request brings them, kept when pages are laid out again.

They are stored in a page's layout: `manual` says that a person placed its cells, `placed` has the panels with manual
lettering, by ID, and `let_go` says that a manual layout could not be kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import BadInput
from engine.pages.formats import PageSize

# In pixels; and how much of the smaller of two panels another one may cover: an inset.
_LEAST_SIDE, _MOST_OVERLAP = 120, 0.12
LET_GO = "the layout made by hand does not fit its panels any more: the page is laid out anew"

Json = Mapping[str, Any]


def arranged(layout: Json, cells: Sequence[Json]) -> dict[str, Any]:
    """The layout with its cells where a person places them. Raises `BadInput` for an invalid page."""
    before = {cell["panel_id"]: cell for cell in layout["cells"]}
    if [cell["panel_id"] for cell in cells] != [cell["panel_id"] for cell in layout["cells"]]:
        raise BadInput("The layout must name every panel of the page once, in the order in which they are read.")
    for cell in cells:
        if min(cell["width"], cell["height"]) < _LEAST_SIDE:
            raise BadInput(f"Panel {cell['panel_id']} is too small: each side needs at least {_LEAST_SIDE} pixels.")
        right, bottom = cell["x"] + cell["width"], cell["y"] + cell["height"]
        if min(cell["x"], cell["y"]) < 0 or right > layout["width"] or bottom > layout["height"]:
            raise BadInput(f"Panel {cell['panel_id']} is not inside its page.")
    for number, one in enumerate(cells):
        for other in cells[number + 1 :]:
            if _overlap(one, other) > _MOST_OVERLAP:
                raise BadInput(f"Panels {one['panel_id']} and {other['panel_id']} overlap.")
    placed = [{**before[cell["panel_id"]], **cell} for cell in cells]
    return {**_without(layout, "let_go"), "manual": True, "cells": placed}


def released(layout: Json, what: Sequence[str]) -> dict[str, Any]:
    """The layout without the released parts: the next generation lays them out, or letters them, again."""
    page = dict(layout)
    if "layout" in what and page.pop("manual", False):
        # No picture has this shape, so the page counts as stale.
        page["cells"] = [{**cell, "frame": [0, 0]} for cell in page["cells"]]
    if "lettering" in what:
        page.pop("placed", None)
    return page


def kept_pages(before: Sequence[Json], ids: Sequence[str], size: PageSize) -> dict[int, Json]:
    """The manual layouts that still hold, by the position of their first panel among all."""
    found: dict[int, Json] = {}
    places = {one: number for number, one in enumerate(ids)}
    for page in before:
        cells = [cell["panel_id"] for cell in page["cells"]]
        first = places.get(cells[0]) if cells else None
        of_size = size.is_of(page["width"], page["height"])
        if page.get("manual") and of_size and first is not None and list(ids[first : first + len(cells)]) == cells:
            found[first] = page
    return found


def with_manual_lettering(before: Sequence[Json], pages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The new pages with manual lettering, wherever its panels are now, and with what was let go."""
    placed: dict[str, Any] = {}
    for page in before:
        placed |= page.get("placed", {})
    theirs = {tuple(cell["panel_id"] for cell in page["cells"]) for page in pages if page.get("manual")}
    lost = [page["cells"] for page in before if page.get("manual")]
    # Reported where most of it is now: on the page of the first of its panels that is left.
    now = {cell["panel_id"]: number for number, page in enumerate(pages) for cell in page["cells"]}
    let_go = set()
    for cells in lost:
        ids = tuple(cell["panel_id"] for cell in cells)
        left = [now[one] for one in ids if one in now]
        if ids not in theirs and left:
            let_go.add(left[0])
    found = []
    for number, page in enumerate(pages):
        mine = {cell["panel_id"]: placed[cell["panel_id"]] for cell in page["cells"] if cell["panel_id"] in placed}
        more = {"placed": mine} if mine else {}
        found.append({**_without(page, "placed"), **more, **({"let_go": True} if number in let_go else {})})
    return found


def _without(page: Json, key: str) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name != key}


def _overlap(one: Json, other: Json) -> float:
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    smaller = min(one["width"] * one["height"], other["width"] * other["height"])
    return float(max(across, 0) * max(down, 0) / smaller)
