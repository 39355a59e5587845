"""Decisions about drafts: select, undo, reject, and add a picture from outside."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.digest import digest
from engine.errors import BadInput, Conflict
from engine.store import drafts, generations, reviews, rows
from engine.store.choosing import record_selection
from engine.store.events import emit
from engine.store.scope import Scope
from models.events import EventType
from models.ids import new_id
from models.tables import Draft, Image, Panel, Scene, Selection
from models.tables.directing import SelectionKind
from models.tables.story import DraftOrigin, PanelState


async def choose(
    session: AsyncSession, scope: Scope, draft_id: UUID, version: int | None, panel_id: UUID | None = None
) -> tuple[Panel, list[str]]:
    """Select a draft, even a rejected one; returns the panel and the workflows to wake.

    It only changes rows: it works while the generation is paused, after it was cancelled, and with every worker down.
    Raises `Conflict` if the panel is no longer at `version`, `BadInput` for another panel's draft.
    """
    draft = await rows.get(session, scope, Draft, draft_id)
    if panel_id is not None and panel_id != draft.panel_id:
        raise BadInput("That draft belongs to another panel.")
    panel = await _panel_at(session, scope, draft.panel_id, version)
    draft = await rows.get(session, scope, Draft, draft_id, lock=True)
    draft.rejected_at = None
    session.add(draft)
    await _show(session, scope, panel, draft_id, SelectionKind.PERSON)
    return panel, await _told(session, scope, panel)


async def undo(session: AsyncSession, scope: Scope, panel_id: UUID, version: int | None) -> tuple[Panel, list[str]]:
    """Show what the panel showed before the last selection. Undoing twice goes one step further back.

    Raises `Conflict` if it never showed anything else.
    """
    panel = await _panel_at(session, scope, panel_id, version)
    query = select(Selection).where(Selection.panel_id == panel_id).order_by(col(Selection.id).desc()).limit(500)
    shown = _shown_before((await session.exec(query)).all()[::-1])
    while shown and shown[-1] == panel.selected_draft_id:
        shown.pop()
    if shown:
        await _show(session, scope, panel, shown[-1], SelectionKind.UNDONE)
        return panel, await _told(session, scope, panel)
    raise Conflict("There is nothing to undo: no draft that the panel showed earlier still exists.")


async def reject(session: AsyncSession, scope: Scope, draft_id: UUID) -> Draft:
    """Reject a draft: only a person may select it from now on. Raises `Conflict` for the draft that the panel shows."""
    draft = await rows.get(session, scope, Draft, draft_id)
    panel = await rows.get(session, scope, Panel, draft.panel_id, lock=True)
    if panel.selected_draft_id == draft_id and panel.state == PanelState.SELECTED:
        raise Conflict("The panel shows this draft. Select another one first, or request a redraw.")
    draft = await rows.get(session, scope, Draft, draft_id, lock=True)
    if draft.rejected_at is None:
        draft.rejected_at = (await session.exec(select(func.clock_timestamp()))).one()
        session.add(draft)
        await session.flush()
        data = {"draft_id": str(draft_id), "panel_id": str(panel.id)}
        await emit(session, draft.project_id, None, EventType.DRAFT_REJECTED, data, actor=scope.actor)
    return draft


async def bring(
    session: AsyncSession, scope: Scope, panel: Panel, image_id: UUID, *, select_it: bool
) -> tuple[Draft, list[str]]:
    """Add a picture from outside as a draft of a locked panel; returns it and the workflows to wake.

    The same picture twice is one draft. While it is selected, nothing is drawn in its place. Raises `NotFound`.
    """
    image = await rows.get(session, scope, Image, image_id)
    if image.project_id != panel.project_id:
        raise BadInput("That picture belongs to another project.")
    values = {
        "id": new_id(),
        "project_id": panel.project_id,
        "panel_id": panel.id,
        "image_id": image.id,
        "provider": "person",
        "prompt": "",
        "seed": 0,
        "slot": 1,
        "origin": DraftOrigin.UPLOADED,
        "made_from": digest("uploaded", image.sha256),
    }
    draft_id, _ = await drafts.add(session, values)
    if select_it:
        await _show(session, scope, panel, draft_id, SelectionKind.PERSON)
    draft = await rows.get(session, scope, Draft, draft_id)
    data = {"draft_id": str(draft_id), "panel_id": str(panel.id), "image_id": str(image.id)}
    await emit(session, panel.project_id, None, EventType.DRAFT_ADDED, data, actor=scope.actor)
    return draft, (await _told(session, scope, panel)) if select_it else []


def _shown_before(made: Sequence[Selection]) -> list[UUID]:
    """The drafts that the panel has shown, the latest last, without undone ones; `made` are its selections, oldest
    first.

    The selections of a deleted draft are gone, so its predecessor is followed directly by its successor.
    """
    shown: list[UUID] = [selection.before_id for selection in made[:1] if selection.before_id is not None]
    for selection in made:
        if selection.kind == SelectionKind.UNDONE and selection.draft_id in shown:
            while shown[-1] != selection.draft_id:
                shown.pop()
        else:
            shown.append(selection.draft_id)
    return shown


async def _panel_at(session: AsyncSession, scope: Scope, panel_id: UUID, version: int | None) -> Panel:
    """The panel, locked, at `version` if given. Its version is raised for the decision that follows."""
    panel = await rows.get(session, scope, Panel, panel_id)
    scene = await rows.get(session, scope, Scene, panel.scene_id)
    await generations.share_chapter(session, scene.chapter_id)
    if version is not None:
        return await rows.change(session, scope, Panel, panel_id, version, {})
    panel = await rows.get(session, scope, Panel, panel_id, lock=True)
    panel.version += 1
    return panel


async def _show(session: AsyncSession, scope: Scope, panel: Panel, draft_id: UUID, kind: SelectionKind) -> None:
    before = panel.selected_draft_id
    panel.selected_draft_id, panel.state, panel.failure = draft_id, PanelState.SELECTED, ""
    session.add(panel)
    await session.flush()
    await record_selection(session, panel.project_id, panel.id, draft_id, before, kind, scope.user_id)


async def _told(session: AsyncSession, scope: Scope, panel: Panel) -> list[str]:
    """Announce what the panel shows, and release the generation if it waited only for this. Returns the workflows to
    wake.
    """
    woken = await reviews.release_if_decided(session, panel)
    data = {"panel_id": str(panel.id), "draft_id": str(panel.selected_draft_id), "version": panel.version}
    await emit(session, panel.project_id, None, EventType.PANEL_SELECTED, data, actor=scope.actor)
    return woken
