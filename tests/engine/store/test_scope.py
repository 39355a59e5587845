"""Tenant scope and the plain verbs: what lies outside does not exist."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from engine.db.session import Database
from engine.errors import BadInput, Conflict, NotFound
from engine.store import rows
from engine.store.projects import add_chapter, local_owner
from engine.store.rows import Paging
from engine.store.scope import Scope
from models.tables import Chapter, Draft, Image, Panel, Project, ProjectMember, ProviderCall, Scene
from models.tables.ledger import CallState
from tests.conftest import Order, Ordered
from tests.drafted import drafted

pytestmark = pytest.mark.integration


async def test_a_row_is_there_for_owner_and_members_only(database: Database, order: Order) -> None:
    """Somebody else's thing and no thing at all get the same answer."""
    mine, others = await order(), await order()
    async with database.session() as session:
        assert await rows.get(session, Scope(user_id=mine.owner_id), Chapter, mine.run.chapter_id)
        for stranger in (Scope(user_id=others.owner_id), others.scope, Scope(user_id=uuid4()), Scope()):
            with pytest.raises(NotFound):
                await rows.get(session, stranger, Chapter, mine.run.chapter_id)
            with pytest.raises(NotFound):
                await rows.get(session, stranger, Project, mine.run.project_id)
        session.add(ProjectMember(project_id=mine.run.project_id, user_id=others.owner_id))
        await session.flush()
        assert await rows.get(session, Scope(user_id=others.owner_id), Chapter, mine.run.chapter_id)


async def test_pages_put_together_are_the_list(database: Database, order: Order) -> None:
    """Keyset pages have no holes and no repeats, and rows added meanwhile do not move them."""
    ordered = await order()
    async with database.session() as session:
        for number in range(6):
            await add_chapter(session, ordered.run.project_id, title=str(number), source_text="")
    seen: list[UUID] = []
    cursor: str | None = None
    while True:
        async with database.session() as session:
            found, cursor = await rows.page(session, ordered.scope, Chapter, paging=Paging(cursor, 3))
            seen += [row.id for row in found]
            if len(seen) == 3:
                await add_chapter(session, ordered.run.project_id, title="late", source_text="")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 8
    assert seen == sorted(seen)


async def test_limits_are_held(database: Database, order: Order) -> None:
    ordered = await order()
    async with database.session() as session:
        for limit in (0, 101):
            with pytest.raises(BadInput):
                await rows.page(session, ordered.scope, Chapter, paging=Paging(limit=limit))


async def test_the_slower_of_two_writers_is_told(database: Database, order: Order) -> None:
    """A change made on an old version is refused, and nothing of it is kept."""
    ordered = await order()
    async with database.session() as session:
        await rows.change(session, ordered.scope, Chapter, ordered.run.chapter_id, 1, {"title": "mine"})
    with pytest.raises(Conflict):
        async with database.session() as session:
            await rows.change(session, ordered.scope, Chapter, ordered.run.chapter_id, 1, {"title": "theirs"})
    async with database.session() as session:
        chapter = await rows.get(session, ordered.scope, Chapter, ordered.run.chapter_id)
    assert (chapter.title, chapter.version) == ("mine", 2)


async def test_what_was_read_before_the_lock_is_read_again(database: Database, order: Order) -> None:
    """Who holds the row as it was, while somebody else changes it, is told as well."""
    ordered = await order()
    async with database.session() as session:
        before = await rows.get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        async with database.session() as other:
            await rows.change(other, ordered.scope, Chapter, ordered.run.chapter_id, 1, {"title": "theirs"})
        with pytest.raises(Conflict):
            await rows.change(session, ordered.scope, Chapter, ordered.run.chapter_id, 1, {"title": "mine"})
        assert before.title == "theirs"


async def test_chapters_can_be_reordered_and_positions_stay_unique(database: Database, order: Order) -> None:
    """A reorder passes through duplicates within its transaction; none survives it."""
    ordered = await order()
    async with database.session() as session:
        for number in range(3):
            await add_chapter(session, ordered.run.project_id, title=str(number), source_text="")
    within = col(Chapter.project_id) == ordered.run.project_id
    async with database.session() as session:
        ids = list((await session.exec(select(Chapter.id).where(within).order_by(col(Chapter.position)))).all())
        await rows.reorder(session, ordered.scope, Chapter, within, ids[::-1])
    async with database.session() as session:
        assert ids[::-1] == list(
            (await session.exec(select(Chapter.id).where(within).order_by(col(Chapter.position)))).all()
        )
        with pytest.raises(BadInput):
            await rows.reorder(session, ordered.scope, Chapter, within, ids[1:])
    with pytest.raises(IntegrityError, match="uq_chapters_project_id_position"):
        async with database.session() as session:
            await rows.change(session, ordered.scope, Chapter, ids[0], 1, {"position": 0})


async def drawn(database: Database, ordered: Ordered) -> tuple[Panel, Draft]:
    """A scene with a panel that shows a draft."""
    panel, draft = await drafted(database, ordered)
    async with database.session() as session:
        panel.selected_draft_id = draft.id
        session.add(panel)
    return panel, draft


async def test_deleting_a_project_deletes_all_of_it(database: Database, order: Order) -> None:
    """Pictures in use do not stand in the way of the whole going."""
    ordered = await order()
    panel, _ = await drawn(database, ordered)
    async with database.session() as session:
        await rows.remove(session, ordered.scope, Project, ordered.run.project_id)
    async with database.session() as session:
        assert (await session.exec(select(Panel).where(Panel.id == panel.id))).first() is None
        assert (await session.exec(select(Image).where(Image.project_id == ordered.run.project_id))).first() is None


async def test_a_picture_in_use_cannot_go_and_a_panel_outlives_its_draft(database: Database, order: Order) -> None:
    """ON DELETE, decided: a draft holds its picture, a panel only points at the draft it shows."""
    ordered = await order()
    panel, draft = await drawn(database, ordered)
    with pytest.raises(IntegrityError):
        async with database.session() as session:
            await rows.remove(session, ordered.scope, Image, draft.image_id)
    async with database.session() as session:
        await rows.remove(session, ordered.scope, Draft, draft.id)
    async with database.session() as session:
        assert (await rows.get(session, ordered.scope, Panel, panel.id)).selected_draft_id is None


async def test_a_row_cannot_point_into_another_project(database: Database, order: Order) -> None:
    """The database itself keeps tenants apart: the reference carries the project."""
    mine, others = await order(), await order()
    with pytest.raises(IntegrityError, match="fk_scenes_project_id_chapter_id"):
        async with database.session() as session:
            session.add(Scene(project_id=mine.run.project_id, chapter_id=others.run.chapter_id, position=0))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        pytest.param({"state": "finished"}, "ck_scenes_state", id="an unknown state"),
        pytest.param({"first": 2, "last": 1}, "ck_scenes_span", id="a span that ends before it begins"),
    ],
)
async def test_the_database_holds_the_states(
    database: Database, order: Order, row: dict[str, object], rule: str
) -> None:
    ordered = await order()
    with pytest.raises(IntegrityError, match=rule):
        async with database.session() as session:
            scene = Scene(project_id=ordered.run.project_id, chapter_id=ordered.run.chapter_id, position=0)
            for field, value in row.items():
                setattr(scene, field, value)
            session.add(scene)


async def test_a_submitted_call_has_a_date(database: Database, order: Order) -> None:
    ordered = await order()
    with pytest.raises(IntegrityError, match="ck_provider_calls_submitted"):
        async with database.session() as session:
            session.add(
                ProviderCall(
                    project_id=ordered.run.project_id,
                    call_key="k",
                    attempt=1,
                    state=CallState.CONFIRMED,
                    kind="llm",
                    provider="p",
                    purpose="t",
                    holder="h",
                )
            )


async def test_there_is_one_local_owner(database: Database) -> None:
    """However many ask for it."""
    async with database.session() as session:
        first = await local_owner(session)
        assert await local_owner(session) == first
