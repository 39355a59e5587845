"""Selects the draft that a panel shows, and records how it was selected."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.errors import NotFound
from engine.store.events import emit
from engine.store.progress import complete, panel_step
from engine.store.rows import missing
from models.events import EventType
from models.ids import new_id
from models.tables import Draft, Panel, Selection
from models.tables.columns import table
from models.tables.directing import SelectionKind
from models.tables.story import PanelState

_DRAFTS, _PANELS, _SELECTIONS = table(Draft), table(Panel), table(Selection)


class _Shown(NamedTuple):
    state: PanelState
    draft_id: UUID | None
    how: SelectionKind | None


# The draft that a panel shows and how it was selected last; locks the panel.
_SHOWN = Prepared(
    select(
        _PANELS.c.state,
        _PANELS.c.selected_draft_id,
        select(_SELECTIONS.c.kind)
        .where(_SELECTIONS.c.panel_id == _PANELS.c.id)
        .order_by(_SELECTIONS.c.id.desc())
        .limit(1)
        .scalar_subquery(),
    )
    .where(_PANELS.c.id == bindparam("panel"), _PANELS.c.project_id == bindparam("project"))
    .with_for_update(key_share=True),
    _Shown,
)
# The best draft by score; of equal scores, and of drafts without scores, the first.
_BEST = (
    select(_DRAFTS.c.id)
    .where(
        _DRAFTS.c.panel_id == bindparam("panel"),
        _DRAFTS.c.rejected_at.is_(None),
        _DRAFTS.c.id.in_(bindparam("drafts", expanding=True)),
    )
    .order_by(_DRAFTS.c.score.desc().nulls_last(), _DRAFTS.c.ordinal)
    .limit(1)
)
# Makes a panel show a draft.
_SHOW = (
    update(_PANELS)
    .where(_PANELS.c.id == bindparam("panel"))
    .values(state=bindparam("to_state"), failure="", selected_draft_id=bindparam("draft"))
)
# Records a selection.
_REMEMBER = insert(_SELECTIONS)
# A score does not override a person's selection.
BY_HAND = frozenset({SelectionKind.PERSON, SelectionKind.UNDONE})


async def choose(
    session: AsyncSession,
    project_id: UUID,
    generation_id: UUID,
    panel_id: UUID,
    drafts: Sequence[UUID],
    *,
    wait: bool = False,
    redrawn: bool = False,
) -> None:
    """Show the best of some drafts, or the one of them that a person selected before; with `wait`, let a person
    choose.

    It happens once for a generation, and once for each redraw (`redrawn`): repeated calls do not override what a
    person has selected since. Emits an event, so call it last in a transaction. Raises `NotFound` if there is no such
    panel, or no draft to show.
    """
    panel = await _SHOWN.one_or_none(session, panel=panel_id, project=project_id)
    if panel is None:
        raise missing(Panel, panel_id)
    moved = await complete(session, generation_id, panel_step(panel_id, "picture"))
    shown = panel.draft_id
    chosen = panel.how in BY_HAND and panel.state == PanelState.SELECTED
    if chosen and not moved and not redrawn:
        return
    if shown in drafts and panel.how in BY_HAND:
        best, state = shown, PanelState.SELECTED
    elif wait:
        best, state = shown, PanelState.DRAFTED
    else:
        values = {"panel": panel_id, "drafts": list(drafts)}
        best, state = (await execute(session, _BEST, values)).scalar_one_or_none(), PanelState.SELECTED
        if best is None:
            raise NotFound("The panel has no draft to choose from.")
    await execute(session, _SHOW, {"panel": panel_id, "to_state": state, "draft": best})
    if best is not None and best != shown:
        await record_selection(session, project_id, panel_id, best, shown, SelectionKind.AUTOMATIC)
    if state == PanelState.SELECTED and (moved or best != shown or panel.state != state):
        data = {"panel_id": str(panel_id), "draft_id": str(best)}
        await emit(session, project_id, generation_id, EventType.PANEL_SELECTED, data)
    elif moved:
        await emit(session, project_id, generation_id, EventType.GENERATION_PROGRESSED, {})


async def record_selection(
    session: AsyncSession,
    project_id: UUID,
    panel_id: UUID,
    draft_id: UUID,
    before_id: UUID | None,
    kind: SelectionKind,
    actor_id: UUID | None = None,
) -> None:
    """Record that a panel shows another draft from now on."""
    values = {
        "id": new_id(),
        "project_id": project_id,
        "panel_id": panel_id,
        "draft_id": draft_id,
        "before_id": before_id,
        "kind": kind,
        "actor_id": actor_id,
    }
    await execute(session, _REMEMBER, values)
