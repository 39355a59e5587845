"""Records what `tests/workflows/test_replay.py` replays: the histories of small chapters, one file per workflow.

    python -m scripts.record_histories [NAME …]

With names, only those are written, into the folder of the version in `pyproject.toml`.
Run it when a workflow changes on purpose. The folders of earlier versions stay as they are: workflows that these began
may still be running somewhere, so a change to what they do is guarded by `workflow.patched`.
"""

import asyncio
import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from engine.db.session import Database
from engine.errors import Conflict, ProviderRejected
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.providers.usage import Tokens
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import batches, events, generations, holds, redraws, reviews, webhooks
from engine.store.projects import add_chapter
from engine.store.rows import get
from engine.store.scope import Scope
from inkloom.local.commands import Commands
from inkloom.local.stack import Stack
from inkloom.serve import ensure_search_attributes
from inkloom.sweep_command import by_hand
from inkloom.worker import connect
from models.events import EventType
from models.ids import batch_workflow_id, delivery_workflow_id, generation_workflow_id
from models.options import GenerationKind, GenerationOptions, Review, Stage
from models.sweeps import Sweep, SweepKind
from models.tables import Chapter, Character, Generation, Hold, Panel, Project, Scene, User, Webhook
from tests.working import Painter, Writer, translating, workers
from workflows.starting import start, start_batch, start_delivery, wake

STAGES: tuple[Stage, ...] = ("outline", "sheets", "drafts", "pages")
ROOT = Path(__file__).parents[1]
# One folder for each version, with what it recorded.
HISTORIES = ROOT / "tests" / "histories"
FOLDER = HISTORIES / tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

# Words that mean nothing to the code: found in a history, they come from the manuscript, a prompt or an answer.
WORDS = (
    "Quillfeather",
    "orrery",
    "skylight",
    "arzipan",
    "wobble",
    "muttered",
    "tweezers",
    "gouache",
    "observatory",
    "cardigan",
    "Rhubarb",
    "[[material",
)
STORY = """\
Quillfeather polished the walnut orrery beneath a skylight.

"Marzipan moons wobble," muttered Quillfeather. "Fetch the tweezers!"
"""
STYLE = "smudged gouache"
SCRIPT = {
    "title": "Quillfeather",
    "characters": [{"name": "Quillfeather", "age": "seventy", "clothes": "moth-eaten cardigan"}],
    "scenes": [
        {
            "place": "observatory",
            "panels": [
                {
                    "description": "Quillfeather polishes the orrery.",
                    "characters": ["Quillfeather"],
                    "dialogue": [{"speaker": "Quillfeather", "text": "Marzipan moons!"}],
                    "prompt": "walnut orrery, tweezers",
                },
                {"description": "A marzipan moon.", "shot": "insert", "caption": "It wobbles."},
            ],
        }
    ],
}


class Recorder:
    """Orders generations, waits for their end and keeps their histories."""

    def __init__(self, client: Client, database: Database, folder: Path) -> None:
        self._client = client
        self._database = database
        self._storage = FolderStorage(folder / "pictures")

    async def chapter(self, *, script: dict[str, Any] | None = None) -> tuple[UUID, UUID]:
        """A chapter of a fresh owner's fresh project: nothing in it was asked before."""
        async with self._database.session() as session:
            owner = User(email=f"{os.urandom(8).hex()}@example.org")
            session.add(owner)
            await session.flush()
            project = Project(owner_id=owner.id, title="A project", style=STYLE)
            session.add(project)
            await session.flush()
            text = "" if script else STORY
            chapter = await add_chapter(session, project.id, title="A chapter", source_text=text, script=script)
            return project.id, chapter.id

    async def make(
        self,
        project_id: UUID,
        chapter_id: UUID,
        kind: GenerationKind = GenerationKind.CHAPTER,
        target: UUID | None = None,
        *,
        writer: Writer | None = None,
        painter: Painter | None = None,
        cancel_when: asyncio.Event | None = None,
        drafts: int = 1,
        review: Review = "none",
        translations: Sequence[str] = (),
    ) -> UUID:
        """Run a generation to its end, whichever that is. Reviews are approved, the drafts' after a redraw."""
        async with self._database.session() as session:
            generation = await generations.request(
                session,
                project_id=project_id,
                chapter_id=chapter_id,
                kind=kind,
                options=GenerationOptions(max_panels=2, drafts=drafts, review=review, translations=list(translations)),
                target_ids=[target or chapter_id],
            )
        serving = workers(self._client, self._database, self._storage, writer or Writer(), painter or Painter())
        async with serving:
            await start(self._database, self._client, generation)
            handle = self._client.get_workflow_handle(generation_workflow_id(generation.id))
            for stage in STAGES if review == "all" else ():
                await self.approve(project_id, chapter_id, stage)
            if cancel_when is not None:
                await cancel_when.wait()
                await handle.cancel()
            try:
                await handle.result()
            except WorkflowFailureError as error:
                print(f"  ended with {type(error.cause).__name__}")
        return generation.id

    async def histories(self, generation_id: UUID) -> dict[str, list[dict[str, Any]]]:
        """The generation's workflow and the first of each kind below it, by the name of the workflow."""
        found: dict[str, list[dict[str, Any]]] = {}
        waiting = [generation_workflow_id(generation_id)]
        while waiting:
            try:
                history = await self._client.get_workflow_handle(waiting.pop(0)).fetch_history()
            except RPCError:
                continue  # cancelled before it began
            events = history.to_json_dict()["events"]
            began = events[0]["workflowExecutionStartedEventAttributes"]
            found.setdefault(began["workflowType"]["name"], events)
            waiting += children(events)
        return found

    def pausing(self, project_id: UUID) -> Callable[[LLMRequest], Awaitable[LLMReply | None]]:
        """A writer's `before` that pauses the generation when the first panel is written."""

        async def before(request: LLMRequest) -> LLMReply | None:
            if request.task == "PanelDescription":
                async with self._database.session() as session:
                    await holds.pause(session, Scope(project_id=project_id), await _only(session, project_id))
            return None

        return before

    async def resume(self, project_id: UUID) -> None:
        """Once a panel waits for it."""
        while True:
            await asyncio.sleep(0.2)
            async with self._database.session() as session:
                if not await _waits(session, project_id):
                    continue
                woken = await holds.resume(
                    session, Scope(project_id=project_id), await _only(session, project_id), skip=False
                )
            await wake(self._client, woken)
            return

    async def redraw(self, project_id: UUID, chapter_id: UUID) -> UUID:
        """Order a redraw of the first panel, words and picture; returns its generation, which is not started."""
        async with self._database.session() as session:
            scope = Scope(user_id=await _owner(session, project_id))
            panel = await get(session, scope, Panel, await self.first(Panel, project_id), lock=True)
            wanted = redraws.Wanted(notes="Closer, and the caption is shorter.", drafts=2)
            generation, woken = await redraws.request_redraw(session, scope, panel, wanted, GenerationOptions())
        await wake(self._client, woken)
        return generation.id

    async def run(self, generation_id: UUID, project_id: UUID) -> None:
        """Run a generation that is ordered already."""
        async with self._database.session() as session:
            generation = await get(session, Scope(project_id=project_id), Generation, generation_id)
        async with workers(self._client, self._database, self._storage, Writer(), Painter()):
            await start(self._database, self._client, generation)
            await self._client.get_workflow_handle(generation_workflow_id(generation_id)).result()

    async def approve(self, project_id: UUID, chapter_id: UUID, stage: Stage) -> None:
        """Once the chapter waits for it; drafts are redrawn before."""
        redrawn = stage != "drafts"
        while True:
            await asyncio.sleep(0.2)
            async with self._database.session() as session:
                if not await _waits(session, project_id, f"review {stage}"):
                    continue
            if not redrawn:
                redrawn = True
                await self.redraw(project_id, chapter_id)
                continue
            try:
                async with self._database.session() as session:
                    woken = await reviews.approve(session, Scope(project_id=project_id), chapter_id, stage)
            except Conflict:
                continue
            await wake(self._client, woken)
            return

    async def callback(self, project_id: UUID) -> list[dict[str, Any]]:
        """A message that was not taken at first; nobody listens, and the address is switched off."""
        async with self._database.session() as session:
            webhook = await webhooks.add(session, Scope(project_id=project_id), project_id, "https://127.0.0.1/", [])
            await events.emit(session, project_id, None, EventType.MEMBER_JOINED, {})
        async with workers(self._client, self._database, self._storage, Writer(), Painter()):
            async with self._database.session() as session:
                (delivery,) = await webhooks.waiting(session)
            await start_delivery(self._client, delivery)
            await asyncio.sleep(1)
            async with self._database.session() as session:
                webhook = await get(session, Scope(project_id=project_id), Webhook, webhook.id, lock=True)
                webhook.active = False
                session.add(webhook)
            handle = self._client.get_workflow_handle(delivery_workflow_id(delivery.id))
            await handle.result()
        recorded: list[dict[str, Any]] = (await handle.fetch_history()).to_json_dict()["events"]
        return recorded

    async def sweep(self) -> list[dict[str, Any]]:
        """A round that finds nothing."""
        async with workers(self._client, self._database, self._storage, Writer(), Painter()):
            handle = await by_hand(self._client, Sweep(kind=SweepKind.OBJECTS, dry_run=True))
            await handle.result()
        recorded: list[dict[str, Any]] = (await handle.fetch_history()).to_json_dict()["events"]
        return recorded

    async def batch(self, *, cancel: bool) -> list[dict[str, Any]]:
        """Three chapters, two at a time; cancelled in Temporal once the first is being read, or to the end."""
        _, first = await self.chapter()
        async with self._database.session() as session:
            chapter = await session.get_one(Chapter, first)
            owner = await _owner(session, chapter.project_id)
            more = [
                await add_chapter(session, chapter.project_id, title=f"Chapter {number}", source_text=STORY)
                for number in (2, 3)
            ]
            items = [
                batches.NewItem(project_id=chapter.project_id, target_ids=[one.id], title=one.title)
                for one in (chapter, *more)
            ]
            options = GenerationOptions(max_panels=2, until="script")
            batch = await batches.request(session, owner, "A batch", items, options, batches.Terms(at_a_time=2))
        begun = asyncio.Event()

        async def slow(request: LLMRequest) -> LLMReply | None:
            begun.set()
            if cancel:
                await asyncio.sleep(600)
            return None

        patience = {"llm_patience": 0.1}
        async with workers(self._client, self._database, self._storage, Writer(slow), Painter(), **patience):
            await start_batch(self._client, batch)
            handle = self._client.get_workflow_handle(batch_workflow_id(batch.id))
            if cancel:
                await begun.wait()
                await handle.cancel()
            await handle.result()
        recorded: list[dict[str, Any]] = (await handle.fetch_history()).to_json_dict()["events"]
        return recorded

    async def first(self, model: type[Scene | Panel | Character], project_id: UUID) -> UUID:
        """The first scene, panel or character of a project."""
        async with self._database.session() as session:
            query = select(model.id).where(model.project_id == project_id).order_by(col(model.id)).limit(1)
            return (await session.exec(query)).one()


async def _only(session: AsyncSession, project_id: UUID) -> UUID:
    """The project's generation."""
    return (await session.exec(select(Generation.id).where(Generation.project_id == project_id))).one()


async def _owner(session: AsyncSession, project_id: UUID) -> UUID:
    return (await session.exec(select(Project.owner_id).where(Project.id == project_id))).one()


async def _waits(session: AsyncSession, project_id: UUID, purpose: str = "Dialogue") -> bool:
    query = select(Hold.id).where(Hold.project_id == project_id, Hold.purpose == purpose)
    return (await session.exec(query)).first() is not None


def children(events: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The ids of the workflows that a history began."""
    for event in events:
        began = event.get("startChildWorkflowExecutionInitiatedEventAttributes")
        if began is not None:
            yield began["workflowId"]


def scrubbed(value: Any) -> Any:
    """Without what belongs to the machine that recorded it: who worked, in which file, on which queue of its own."""
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return {**value, "name": "sticky"}
    kept = {name: scrubbed(item) for name, item in value.items() if name != "stackTrace"}
    return kept | {"identity": "recorder"} if "identity" in kept else kept


def write(name: str, events: Sequence[dict[str, Any]]) -> None:
    """One event a line, so that two recordings can be compared."""
    lines = ",\n".join(json.dumps(scrubbed(event), separators=(",", ":"), ensure_ascii=False) for event in events)
    if sys.argv[1:] and name not in sys.argv[1:]:
        return
    path = FOLDER / f"{name}.json"
    path.write_text(f'{{"events":[\n{lines}\n]}}\n')
    print(f"  {path.name}: {len(events)} events, {path.stat().st_size:,} bytes")


async def no_picture(request: ImageRequest) -> ImageResult | None:
    if request.panel is not None:
        raise ProviderRejected("The model does not know this size.")
    return None


async def no_words(request: LLMRequest) -> LLMReply | None:
    if request.task == "Dialogue":
        return LLMReply('{"lines": [{"text": "Rhubarb!"}]}', "", "stop", Tokens(1, 1))
    return None


async def no_scene(request: LLMRequest) -> LLMReply | None:
    if request.task == "SceneSummary":
        raise ProviderRejected("The model does not exist.")
    return None


async def no_outline(request: LLMRequest) -> LLMReply | None:
    if request.task == "ChapterOutline":
        raise ProviderRejected("The model does not exist.")
    return None


def until_cancelled(drawing: asyncio.Event) -> Painter:
    """A painter that says when it has begun with a panel, and never ends."""

    async def slow(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            drawing.set()
            await asyncio.sleep(600)
        return None

    return Painter(slow)


async def record(recorder: Recorder) -> None:
    """One story after the other; every workflow by itself, as a part, finished, failed and cancelled."""
    project, chapter = await recorder.chapter()
    found = await recorder.histories(await recorder.make(project, chapter))
    for name, type in {
        "chapter": "ChapterWorkflow",
        "scene": "SceneWorkflow",
        "panel": "PanelWorkflow",
        "character-sheet": "CharacterSheetWorkflow",
    }.items():
        write(name, found[type])
    for name, kind, target in (
        ("scene-alone", GenerationKind.SCENE, await recorder.first(Scene, project)),
        ("panels", GenerationKind.PANEL, await recorder.first(Panel, project)),
        ("character-sheet-alone", GenerationKind.CHARACTER_SHEET, await recorder.first(Character, project)),
        ("export", GenerationKind.EXPORT, chapter),
    ):
        write(
            name, next(iter((await recorder.histories(await recorder.make(project, chapter, kind, target))).values()))
        )

    found = await recorder.histories(await recorder.make(*await recorder.chapter(), painter=Painter(no_picture)))
    write("chapter-with-failed-panels", found["ChapterWorkflow"])
    write("panel-that-failed", found["PanelWorkflow"])
    found = await recorder.histories(await recorder.make(*await recorder.chapter(), writer=Writer(no_words)))
    write("panel-without-words", found["PanelWorkflow"])
    found = await recorder.histories(await recorder.make(*await recorder.chapter(), writer=Writer(no_scene)))
    write("scene-that-failed", found["SceneWorkflow"])
    found = await recorder.histories(await recorder.make(*await recorder.chapter(), writer=Writer(no_outline)))
    write("chapter-that-failed", found["ChapterWorkflow"])

    drawing = asyncio.Event()
    ordered = await recorder.chapter()
    cancelled = await recorder.make(*ordered, painter=until_cancelled(drawing), cancel_when=drawing)
    found = await recorder.histories(cancelled)
    write("chapter-cancelled", found["ChapterWorkflow"])
    write("scene-cancelled", found["SceneWorkflow"])
    write("panel-cancelled", found["PanelWorkflow"])

    found = await recorder.histories(await recorder.make(*await recorder.chapter(), drafts=2))
    write("panel-with-two-drafts", found["PanelWorkflow"])
    found = await recorder.histories(await recorder.make(*await recorder.chapter(script=SCRIPT)))
    write("chapter-from-a-script", found["ChapterWorkflow"])

    project, chapter = await recorder.chapter()
    found = await recorder.histories(await recorder.make(project, chapter, drafts=2, review="all"))
    write("chapter-reviewed", found["ChapterWorkflow"])
    redrawn = await recorder.redraw(project, chapter)
    await recorder.run(redrawn, project)
    found = await recorder.histories(redrawn)
    write("panels-with-a-redraw", found["PanelsWorkflow"])
    write("panel-redrawn", found["PanelWorkflow"])

    project, chapter = await recorder.chapter()
    paused = asyncio.create_task(recorder.make(project, chapter, writer=Writer(recorder.pausing(project))))
    await recorder.resume(project)
    found = await recorder.histories(await paused)
    write("panel-that-was-paused", found["PanelWorkflow"])

    found = await recorder.histories(
        await recorder.make(*await recorder.chapter(), writer=Writer(translating), translations=["de"])
    )
    write("chapter-translated", found["ChapterWorkflow"])
    write("translation", found["TranslationWorkflow"])
    project, chapter = await recorder.chapter()
    found = await recorder.histories(
        await recorder.make(project, chapter, writer=Writer(translating), review="all", translations=["de"])
    )
    write("chapter-translated-reviewed", found["ChapterWorkflow"])
    found = await recorder.histories(await recorder.make(*await recorder.chapter(), translations=["de"]))
    write("translation-that-failed", found["TranslationWorkflow"])

    write("webhook", await recorder.callback(project))
    write("sweep", await recorder.sweep())
    write("batch", await recorder.batch(cancel=False))
    write("batch-cancelled", await recorder.batch(cancel=True))


async def main(data: Path) -> None:
    settings = Settings(data=data, database_url=None, temporal_address=None, temporal_ui_port=0)
    async with Stack(settings, api=False, report=print, commands=Commands(workers={})) as endpoints:
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        await ensure_search_attributes(client)
        database = Database(endpoints.database_url)
        await record(Recorder(client, database, data))
        await database.close()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="inkloom-histories-") as folder:
        # Started by root, Postgres runs as somebody else, who must be able to enter.
        Path(folder).chmod(0o755)
        asyncio.run(main(Path(folder)))
    sys.stdout.flush()
    # A process that used the Temporal client may crash while the interpreter finalises.
    os._exit(0)
