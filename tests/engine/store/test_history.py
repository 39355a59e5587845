"""What became of a panel is told once, whether a row or an event remembers it."""

from uuid import UUID

import pytest

from engine.db.session import Database
from engine.store import history
from engine.store.events import emit
from engine.store.history import Deed
from models.events import EventType
from models.tables import Selection
from models.tables.directing import SelectionKind
from tests.conftest import Order, Ordered
from tests.drafted import drafted

pytestmark = pytest.mark.integration


async def chosen(database: Database, ordered: Ordered, panel_id: UUID, draft_id: UUID, *, as_row: bool) -> None:
    async with database.session() as session:
        if as_row:
            session.add(
                Selection(
                    project_id=ordered.run.project_id,
                    panel_id=panel_id,
                    draft_id=draft_id,
                    kind=SelectionKind.PERSON,
                    actor_id=ordered.owner_id,
                )
            )
            await session.flush()
        told = {"panel_id": str(panel_id), "draft_id": str(draft_id)}
        await emit(session, ordered.run.project_id, None, EventType.PANEL_SELECTED, told, actor=ordered.owner_id)


async def told(database: Database, ordered: Ordered, panel_id: UUID) -> list[Deed]:
    async with database.session() as session:
        found, following = await history.of_panel(session, ordered.scope, panel_id, after=None, limit=50)
    assert following is None
    return list(found)


async def test_a_choice_is_told_by_its_row_and_one_from_before_there_were_rows_by_its_event(
    database: Database, order: Order
) -> None:
    ordered = await order()
    panel, draft = await drafted(database, ordered)
    panel_id, draft_id = panel.id, draft.id
    await chosen(database, ordered, panel_id, draft_id, as_row=False)
    for _ in range(2):
        await chosen(database, ordered, panel_id, draft_id, as_row=True)
    deeds = await told(database, ordered, panel_id)
    assert [one.type for one in deeds] == ["selection", "selection", "panel.selected"]
    assert {one.actor_id for one in deeds} == {ordered.owner_id}
    assert deeds[-1].data == {"draft_id": str(draft_id)}


async def test_what_happened_in_one_transaction_is_told_page_by_page_without_a_gap(
    database: Database, order: Order
) -> None:
    """Rows of one moment have no order in time; their ids are one."""
    ordered = await order()
    panel, draft = await drafted(database, ordered)
    panel_id, draft_id = panel.id, draft.id
    async with database.session() as session:
        session.add_all(
            Selection(
                project_id=ordered.run.project_id, panel_id=panel_id, draft_id=draft_id, kind=SelectionKind.AUTOMATIC
            )
            for _ in range(7)
        )
    whole = [one.id for one in await told(database, ordered, panel_id)]
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        async with database.session() as session:
            found, cursor = await history.of_panel(session, ordered.scope, panel_id, after=cursor, limit=2)
        seen += [one.id for one in found]
        if cursor is None:
            break
    assert seen == whole
    assert len(set(seen)) == 7
