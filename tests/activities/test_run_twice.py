"""Temporal runs an activity again when the worker died before it could say that it was done. Nobody may notice.

Every activity has a row here; what it may be run after is the row it names, and so on back to the first.
"""

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ColumnElement, Table
from sqlalchemy import select as plain_select
from sqlmodel import SQLModel, col, select
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.batching import Batching
from activities.files import Files
from activities.pages import Pages
from activities.records import Records
from activities.rendering import Rendering
from activities.translating import Translating
from activities.webhooks import WebhookActivities
from activities.writing import Writing
from engine.db.session import Database
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import batches, holds
from engine.store.rows import get
from engine.store.scope import Scope
from engine.webhooks.sender import WebhookSender
from inkloom.local.stack import Endpoints
from inkloom.worker import Parts, build_workers, connect
from models.batches import BatchRun
from models.options import GenerationKind, GenerationStatus, HoldReason
from models.runs import (
    ChapterRun,
    DrawCall,
    Ending,
    ExportCall,
    Failure,
    Holding,
    PageCall,
    PagesCall,
    PanelsRun,
    Run,
    SceneRun,
    SelectCall,
    TaskCall,
    TaskDone,
    TranslationRun,
    WebhookDelivery,
)
from models.tables import Batch, Character, Delivery, Draft, Generation, Panel, Project, Scene, Webhook
from tests.conftest import Order
from tests.working import Painter, Writer, translating

STORY = """\
The kitchen was dark. Mara lit a lamp and put two keys on the table.

"Take the small one," said Mara. "It opens the boat shed."
"""
SCRIPT = {
    "characters": [{"name": "Ada", "age": "40"}],
    "scenes": [{"place": "kitchen", "panels": [{"description": "Ada pours tea.", "characters": ["Ada"]}]}],
}

Work = Callable[..., Any]


def name_of(work: Work) -> str:
    """The name under which a worker registers an activity."""
    return activity._Definition.must_from_callable(work).name or ""


@dataclass
class Stage:
    """One chapter, and the activities that make it, run by hand."""

    database: Database
    storage: FolderStorage
    run: ChapterRun
    writer: Writer = field(default_factory=lambda: Writer(translating))
    painter: Painter = field(default_factory=Painter)

    def __post_init__(self) -> None:
        crew = (
            Records(self.database),
            Translating(self.database),
            Writing(self.database, {"offline": self.writer}, Prices(), Terms()),
            Rendering(self.database, self.storage, {"offline": self.painter}, Prices(), Terms()),
            Pages(self.database, self.storage),
            Files(self.database, self.storage),
            WebhookActivities(self.database, WebhookSender(), ["a secret"]),
            Batching(self.database),
        )
        self.works = {name_of(work): work for part in crew for work in part.activities()}

    @property
    def base(self) -> dict[str, Any]:
        return self.run.model_dump(include=set(Run.model_fields))

    async def first(self, model: type[Scene | Panel | Character]) -> UUID:
        """The first scene, panel or character of the project."""
        async with self.database.session() as session:
            query = select(model.id).where(model.project_id == self.run.project_id).order_by(col(model.id)).limit(1)
            return (await session.exec(query)).one()

    async def perform(self, name: str) -> Any:
        """Run one activity as a worker would."""
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(environment.info, activity_type=name, activity_id=name)
        return await environment.run(self.works[name], await ROWS[name].argument(self))

    async def reach(self, name: str) -> None:
        """Run everything that comes before `name`, each once."""
        before = ROWS[name].after
        if before is not None:
            await self.reach(before)
            await self.perform(before)

    async def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the database holds of the project, table by table."""
        async with self.database.engine.connect() as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in await connection.execute(
                        # When a batch was looked at last is what a second look changes.
                        plain_select(*(one for one in table.c if one.name != "looked_at"))
                        .where(within)
                        .order_by(*table.primary_key)
                    )
                ]
                for table in SQLModel.metadata.sorted_tables
                if (within := self._within(table)) is not None
            }

    def _within(self, table: Table) -> ColumnElement[bool] | None:
        if table.name == "projects":
            return table.c.id == self.run.project_id
        if "project_id" in table.c:
            return table.c.project_id == self.run.project_id
        if "generation_id" in table.c:
            return table.c.generation_id == self.run.generation_id
        return None


@dataclass(frozen=True)
class Row:
    """What an activity is given, and which one has to have run before it."""

    argument: Callable[[Stage], Awaitable[Run | WebhookDelivery | BatchRun]]
    after: str | None
    script: dict[str, Any] | None = None


async def chapter(stage: Stage) -> Run:
    return stage.run


async def window(stage: Stage) -> Run:
    return TaskCall(**stage.base, target_id=stage.run.chapter_id)


def task(model: type[Scene | Panel | Character]) -> Callable[[Stage], Awaitable[Run]]:
    async def argument(stage: Stage) -> Run:
        return TaskCall(**stage.base, target_id=await stage.first(model))

    return argument


def drawing(model: type[Panel | Character], ordinal: int) -> Callable[[Stage], Awaitable[Run]]:
    async def argument(stage: Stage) -> Run:
        return DrawCall(**stage.base, target_id=await stage.first(model), ordinal=ordinal)

    return argument


def failing(model: type[Panel | Scene | Character]) -> Callable[[Stage], Awaitable[Run]]:
    async def argument(stage: Stage) -> Run:
        return Failure(**stage.base, target_id=await stage.first(model), reason="The model does not know this size.")

    return argument


async def language(stage: Stage) -> Run:
    return TranslationRun(**stage.base, chapter_id=stage.run.chapter_id, language="de")


async def into_german(stage: Stage) -> Run:
    return TaskCall(**stage.base, target_id=await stage.first(Scene), language="de", title=True)


async def untranslated(stage: Stage) -> Run:
    return Failure(**stage.base, target_id=await stage.first(Scene), reason="It would not.", language="de")


async def scene(stage: Stage) -> Run:
    return SceneRun(**stage.base, scene_id=await stage.first(Scene))


async def planned(stage: Stage) -> Run:
    return PagesCall(**stage.base, chapter_id=stage.run.chapter_id)


async def page(stage: Stage) -> Run:
    return PageCall(**stage.base, chapter_id=stage.run.chapter_id, number=1)


async def file(stage: Stage) -> Run:
    return ExportCall(**stage.base, chapter_id=stage.run.chapter_id, format="cbz")


async def held(stage: Stage) -> Run:
    return Holding(
        **stage.base,
        target_id=stage.run.chapter_id,
        purpose="ChapterOutline",
        reason=HoldReason.UNKNOWN,
        message="Its answer was lost.",
    )


async def reviewed(stage: Stage) -> Run:
    return Holding(
        **stage.base,
        target_id=stage.run.chapter_id,
        purpose="review outline",
        reason=HoldReason.REVIEW,
        message="The outline waits to be approved.",
    )


async def chosen(stage: Stage) -> Run:
    async with stage.database.session() as session:
        query = select(Draft.id).where(Draft.project_id == stage.run.project_id)
        drafts = list((await session.exec(query)).all())
    return SelectCall(**stage.base, target_id=await stage.first(Panel), draft_ids=drafts)


async def panels(stage: Stage) -> Run:
    return PanelsRun(**stage.base, chapter_id=stage.run.chapter_id)


async def decided(stage: Stage) -> Run:
    """A person says to go on, and that what may have been billed twice is accepted."""
    async with stage.database.session() as session:
        scope = Scope(project_id=stage.run.project_id)
        generation = await get(session, scope, Generation, stage.run.generation_id)
        if generation.status == GenerationStatus.WAITING_UNKNOWN:
            await holds.resume(session, scope, generation.id, skip=False)
    return await held(stage)


async def ending(stage: Stage) -> Run:
    return Ending(**stage.base, status=GenerationStatus.COMPLETED)


async def message(stage: Stage) -> WebhookDelivery:
    """To an address that was switched off: that one is sent twice is what its id is for."""
    project_id = stage.run.project_id
    async with stage.database.session() as session:
        found = (await session.exec(select(Delivery.id).where(Delivery.project_id == project_id))).first()
        if found is None:
            webhook = Webhook(project_id=project_id, url="https://example.org/hook", active=False)
            session.add(webhook)
            await session.flush()
            started = datetime.now(UTC)
            delivery = Delivery(project_id=project_id, webhook_id=webhook.id, seq=1, type="x", started_at=started)
            session.add(delivery)
            found = delivery.id
    return WebhookDelivery(project_id=project_id, delivery_id=found)


async def batch(stage: Stage) -> BatchRun:
    """One file of the whole project, as the only item."""
    project_id = stage.run.project_id
    async with stage.database.session() as session:
        found = (await session.exec(select(Batch).where(Batch.project_id == project_id))).one_or_none()
        if found is None:
            owner = (await session.exec(select(Project.owner_id).where(Project.id == project_id))).one()
            item = batches.NewItem(project_id=project_id, kind=GenerationKind.EXPORT, target_ids=[project_id])
            found = await batches.request(session, owner, "A batch", [item], None, batches.Terms())
    return BatchRun(owner_id=found.owner_id, batch_id=found.id)


ROWS = {
    "advance_batch": Row(batch, None),
    "cancel_batch": Row(batch, None),
    "begin_generation": Row(chapter, None),
    "open_chapter": Row(chapter, None),
    "adopt_script": Row(chapter, "open_chapter", SCRIPT),
    "ChapterOutline": Row(window, "open_chapter"),
    "store_outline": Row(chapter, "ChapterOutline"),
    "CharacterProfile": Row(task(Character), "store_outline"),
    "draw_sheet": Row(drawing(Character, 0), "CharacterProfile"),
    "fail_sheet": Row(failing(Character), "CharacterProfile"),
    "SceneSummary": Row(task(Scene), "draw_sheet"),
    "fail_scene": Row(failing(Scene), "SceneSummary"),
    "PanelDescription": Row(task(Scene), "SceneSummary"),
    "Dialogue": Row(task(Panel), "PanelDescription"),
    "VisualPrompt": Row(task(Panel), "Dialogue"),
    "fail_panel": Row(failing(Panel), "VisualPrompt"),
    "draw_panel": Row(drawing(Panel, 1), "VisualPrompt"),
    "select_draft": Row(chosen, "draw_panel"),
    "open_panels": Row(panels, None),
    "review": Row(reviewed, "open_chapter"),
    "hold": Row(held, "open_chapter"),
    "read_decision": Row(decided, "hold"),
    "deliver": Row(message, None),
    "give_up": Row(message, None),
    "plan_translation": Row(language, "VisualPrompt"),
    "Translate": Row(into_german, "plan_translation"),
    "fail_translation": Row(untranslated, "plan_translation"),
    "plan_pages": Row(planned, "select_draft"),
    "compose_page": Row(page, "plan_pages"),
    "build_export": Row(file, "compose_page"),
    "finish_generation": Row(ending, "build_export"),
}


@pytest.mark.workflow
async def test_every_activity_has_a_row(
    endpoints: Endpoints, settings: Settings, database: Database, storage: FolderStorage
) -> None:
    """What workers register is what is tried twice here: a new activity cannot be forgotten."""
    # A client of their own: workers that are built and never run stand in the way of those that come after them.
    client = await connect(endpoints.temporal_address, settings.temporal_namespace)
    workers = build_workers(client, Parts(database, storage, {"offline": Writer()}, {"offline": Painter()}))
    registered = {name_of(work) for worker in workers for work in worker.config().get("activities", ())}
    # The second of two sweeps finds less: `tests/inkloom/test_sweeps.py` runs each kind twice.
    assert sorted(registered - {"sweep"}) == sorted(ROWS)


@pytest.mark.integration
@pytest.mark.parametrize("name", list(ROWS))
async def test_running_twice_is_running_once(
    database: Database, storage: FolderStorage, order: Order, name: str
) -> None:
    """The second run leaves every row, event and counter as the first did, pays nobody and says the same."""
    script = ROWS[name].script
    stage = Stage(database, storage, (await order("" if script else STORY, script=script, translations=["de"])).run)
    await stage.reach(name)
    before = await stage.rows()
    first = await stage.perform(name)
    after, paid = await stage.rows(), (len(stage.writer.asked), len(stage.painter.asked))
    second = await stage.perform(name)
    assert await stage.rows() == after
    assert (len(stage.writer.asked), len(stage.painter.asked)) == paid
    assert second == (
        TaskDone(cached=True, made=first.made, places=first.places) if isinstance(first, TaskDone) else first
    )
    assert after != before, "a row that does nothing would prove nothing"


@pytest.mark.integration
async def test_the_chapter_of_these_rows_is_finished(database: Database, storage: FolderStorage, order: Order) -> None:
    """The rows are a chapter's real path: followed to its end, the generation is complete."""
    stage = Stage(database, storage, (await order(STORY)).run)
    await stage.reach("finish_generation")
    await stage.perform("finish_generation")
    async with database.session() as session:
        generation = await session.get_one(Generation, stage.run.generation_id)
    assert (generation.status, generation.progress) == (GenerationStatus.COMPLETED, 1.0)
