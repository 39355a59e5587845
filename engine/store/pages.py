"""Manual layout and lettering of pages. The chapter's next generation composes them again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, Conflict
from engine.pages import manual_layout, manual_lettering
from engine.store import editing, locks, rows
from engine.store.panels import of_chapter
from engine.store.scope import Scope
from engine.store.translations import in_language
from models.layout import Layout, LayoutCell
from models.lettering import BalloonChange, PanelLettering
from models.tables import Page


async def change(
    session: AsyncSession,
    scope: Scope,
    page_id: UUID,
    version: int,
    *,
    cells: Sequence[LayoutCell] | None,
    lettering: Sequence[BalloonChange],
    release: Sequence[str],
) -> Page:
    """Apply a person's changes to a page; `cells` are those of all its panels.

    Raises `Conflict`, `NotFound`, and `BadInput` for an impossible layout or lettering.
    """
    page = await editing.lock_idle(session, scope, Page, page_id)
    if page.language and (cells is not None or "layout" in release):
        raise BadInput("Panels of a translated page lie as on the page in the story's own language. Change that one.")
    touched = [UUID(cell.panel_id) for cell in cells or ()] + [one.panel_id for one in lettering]
    await locks.refuse_if_any_held(session, touched, scope.actor)
    layout, layers = manual_layout.released(page.layout, release), list(page.lettering)
    if cells is not None:
        layout = manual_layout.arranged(layout, cells)
        layers = manual_lettering.in_other_cells(layers, page.layout, layout)
    if lettering:
        layout, layers = await _lettered(session, page, layout, layers, lettering)
    given = {"layout": cells is not None, "lettering": bool(lettering)}
    changed = await rows.change(session, scope, Page, page_id, version, {"layout": layout, "lettering": layers})
    fields = [part for part in given if given[part] or part in release]
    data = {"number": page.number, "fields": fields, "version": changed.version}
    await editing.tell(session, scope, changed, "changed", data)
    return changed


async def _lettered(
    session: AsyncSession,
    page: Page,
    layout: Layout,
    layers: list[dict[str, Any]],
    changes: Sequence[BalloonChange],
) -> tuple[Layout, list[dict[str, Any]]]:
    """The layout and the lettering of a page after a person has changed some balloons."""
    cells = {cell.panel_id: cell for cell in layout.cells}
    places = {layer["panel_id"]: number for number, layer in enumerate(layers)}
    ids = list(dict.fromkeys(str(wanted.panel_id) for wanted in changes))
    if missing := [one for one in ids if one not in cells]:
        raise BadInput(f"Panel {missing[0]} is not on this page.")
    if any(one not in places for one in ids):
        raise Conflict("The page is not lettered yet. Generate the chapter first.")
    found = await of_chapter(session, page.project_id, page.chapter_id, [UUID(one) for one in ids])
    if page.language:
        found = await in_language(session, page.chapter_id, found, page.language)
    shown = {str(one.panel.id): one for one in found}
    if gone := [one for one in ids if one not in shown]:
        raise Conflict(f"Panel {gone[0]} was deleted. Generate the chapter again to lay out its pages without it.")
    placed, layers = dict(layout.placed), list(layers)
    for panel_id in ids:
        cell, one = cells[panel_id], shown[panel_id]
        mine = [wanted for wanted in changes if str(wanted.panel_id) == panel_id]
        before = PanelLettering.model_validate(layers[places[panel_id]])
        layer = manual_lettering.changed(before, mine, cell.width, cell.height)
        layers[places[panel_id]] = layer.model_dump(mode="json")
        placed[panel_id] = manual_lettering.placed_lettering(
            layer, cell, one.data, one.image.sha256 if one.image else None
        )
    return layout.model_copy(update={"placed": placed}), layers
