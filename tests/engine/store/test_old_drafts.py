"""Drafts that were never shown go after their time, and nothing else does."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.storage.keys import content_key
from engine.store import generations
from engine.store.old_drafts import forget_drafts
from models.options import GenerationKind, GenerationStatus
from models.tables import Draft, Image, Panel, PanelLock, ProviderCall, Removal, Scene, Selection
from models.tables.directing import SelectionKind
from models.tables.ledger import CallState
from models.tables.story import DraftOrigin
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

OLD = datetime.now(UTC) - timedelta(days=40)


@dataclass
class Panels:
    """Panels of a chapter at rest, with drafts whose pictures calls have drawn."""

    database: Database
    ordered: Ordered
    scene_id: UUID

    async def panel(self, drafts: int, *, at: datetime = OLD) -> tuple[Panel, list[Draft]]:
        """A panel that shows the last of its drafts, made at that time."""
        project = self.ordered.run.project_id
        panel = Panel(project_id=project, scene_id=self.scene_id, position=uuid4().int % 1_000_000)
        made = []
        async with self.database.session() as session:
            session.add(panel)
            await session.flush()
            for number in range(drafts):
                content = sha256(uuid4().bytes).hexdigest()
                image = Image(
                    project_id=project,
                    sha256=content,
                    key=content_key(project, "images", content, "png"),
                    media_type="image/png",
                    width=1,
                    height=1,
                    bytes=1,
                )
                session.add(image)
                await session.flush()
                call = ProviderCall(
                    project_id=project,
                    generation_id=self.ordered.run.generation_id,
                    call_key=uuid4().hex,
                    attempt=1,
                    kind="image",
                    provider="offline",
                    purpose="a test",
                    holder="a test",
                    state=CallState.CONFIRMED,
                    image_id=image.id,
                    submitted_at=at,
                    settled_at=at,
                )
                session.add(call)
                await session.flush()
                made.append(
                    Draft(
                        created_at=at,
                        project_id=project,
                        panel_id=panel.id,
                        ordinal=number + 1,
                        slot=number + 1,
                        image_id=image.id,
                        call_id=call.id,
                        provider="offline",
                        prompt="",
                        seed=1,
                        made_from="x",
                    )
                )
                session.add(made[-1])
            await session.flush()
            panel.selected_draft_id = made[-1].id
        return panel, made

    async def left(self) -> set[UUID]:
        async with self.database.session() as session:
            query = select(Draft.id).where(Draft.project_id == self.ordered.run.project_id)
            return set((await session.exec(query)).all())

    async def end(self) -> None:
        run = self.ordered.run
        async with self.database.session() as session:
            await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)


@pytest.fixture
async def panels(database: Database, order: Order) -> Panels:
    ordered = await order()
    async with database.session() as session:
        scene = Scene(project_id=ordered.run.project_id, chapter_id=ordered.run.chapter_id, position=0)
        session.add(scene)
    made = Panels(database, ordered, scene.id)
    await made.end()
    return made


async def test_what_was_never_shown_goes_with_its_picture(database: Database, panels: Panels) -> None:
    """After its time, if a time is set; a dry run counts. Its call answers no later request."""
    _, drafts = await panels.panel(3)
    _, young = await panels.panel(3, at=datetime.now(UTC) - timedelta(days=20))
    everything = {one.id for one in (*drafts, *young)}
    assert await forget_drafts(database, None) == 0
    assert await forget_drafts(database, 60) == 0
    assert await forget_drafts(database, 30, dry_run=True) == 2
    assert await panels.left() == everything
    assert await forget_drafts(database, 30) == 2
    assert await panels.left() == everything - {drafts[0].id, drafts[1].id}
    async with database.session() as session:
        query = select(Removal).where(Removal.project_id == panels.ordered.run.project_id)
        keys = {key for removal in (await session.exec(query)).all() for key in removal.keys}
        images = select(Image.id).where(Image.project_id == panels.ordered.run.project_id)
        assert len((await session.exec(images)).all()) == 4
        states = select(ProviderCall.id, ProviderCall.state).where(
            col(ProviderCall.id).in_([one.call_id for one in drafts])
        )
        found = dict((await session.exec(states)).all())
    assert len([key for key in keys if "/images/" in key]) == 2
    assert [found[one.call_id or uuid4()] for one in drafts] == [
        CallState.FAILED,
        CallState.FAILED,
        CallState.CONFIRMED,
    ]
    assert await forget_drafts(database, 30) == 0


async def refer(panels: Panels, panel: Panel, draft: Draft, why: str) -> None:
    """Make one draft something that has to stay."""
    project = panels.ordered.run.project_id
    async with panels.database.session() as session:
        if why == "brought along":
            stored = await session.get_one(Draft, draft.id)
            stored.origin = DraftOrigin.UPLOADED
        elif why == "shown before":
            session.add(Selection(project_id=project, panel_id=panel.id, draft_id=draft.id, kind=SelectionKind.PERSON))
        elif why == "shown before another":
            session.add(
                Selection(
                    project_id=project,
                    panel_id=panel.id,
                    draft_id=panel.selected_draft_id or draft.id,
                    before_id=draft.id,
                    kind=SelectionKind.PERSON,
                )
            )
        elif why == "led to another":
            stored = await session.get_one(Draft, panel.selected_draft_id or draft.id)
            stored.parent_id = draft.id
        elif why == "being edited":
            session.add(
                PanelLock(
                    panel_id=panel.id,
                    project_id=project,
                    user_id=panels.ordered.owner_id,
                    expires_at=datetime.now(UTC) + timedelta(hours=1),
                )
            )
        elif why == "nothing is chosen":
            (await session.get_one(Panel, panel.id)).selected_draft_id = None
        else:
            run = panels.ordered.run
            again = await generations.request(
                session, project_id=project, chapter_id=run.chapter_id, kind=GenerationKind.CHAPTER, options=run.options
            )
            again.status = GenerationStatus.WAITING_REVIEW


@pytest.mark.parametrize(
    "why",
    [
        "brought along",
        "shown before",
        "shown before another",
        "led to another",
        "being edited",
        "nothing is chosen",
        "in review",
    ],
)
async def test_what_someone_may_want_stays(database: Database, panels: Panels, why: str) -> None:
    panel, drafts = await panels.panel(2)
    await refer(panels, panel, drafts[0], why)
    for dry_run in (True, False):
        assert await forget_drafts(database, 30, dry_run=dry_run) == 0
    assert await panels.left() == {one.id for one in drafts}
