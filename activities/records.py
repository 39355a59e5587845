"""Records what happened: start and end of generations, outlines, selections, failures."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from temporalio import activity

from engine.db.session import Database
from engine.freshness.assignment import assign
from engine.store import generations, holds, outlines, redraws, reviews
from engine.store.choosing import choose
from engine.store.events import emit
from engine.store.failed import Explained, explained, record_part
from engine.store.headings import panel_places
from engine.store.progress import character_step, complete, complete_and_tell, panel_step, scene_step
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks.outline.windows import outlined, read_apart, window_tokens
from models.events import EventType
from models.runs import (
    ChapterBrief,
    ChapterRun,
    Decision,
    Ending,
    Failure,
    Holding,
    Outlined,
    PanelsOpened,
    PanelsRun,
    Reviewed,
    Run,
    SelectCall,
)
from models.script import Script
from models.tables import Chapter, Character, Generation, Panel, Scene
from models.tables.directing import RedrawState
from models.tables.story import PanelState, SceneState


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [
            self.begin_generation,
            self.open_chapter,
            self.store_outline,
            self.adopt_script,
            self.open_panels,
            self.select_draft,
            self.review,
            self.fail_panel,
            self.fail_scene,
            self.fail_sheet,
            self.hold,
            self.read_decision,
            self.finish_generation,
        ]

    @activity.defn
    async def begin_generation(self, run: Run) -> None:
        """requested → running."""
        async with self._database.session() as session:
            await generations.begin(session, run.project_id, run.generation_id)

    @activity.defn
    async def open_chapter(self, run: ChapterRun) -> ChapterBrief:
        """requested → running. Stores the first plan of the work, and returns how the chapter is to be read."""
        async with self._database.session() as session:
            chapter = await get(session, Scope(project_id=run.project_id), Chapter, run.chapter_id)
        # Long texts take a while to read, and no row may be locked meanwhile.
        has_script, windows = chapter.script is not None, 0
        if not has_script:
            _, spans = await read_apart(chapter.source_text, window_tokens(run.options))
            windows = len(spans)
        async with self._database.session() as session:
            await generations.begin(session, run.project_id, run.generation_id)
            await outlines.plan_chapter(session, run.generation_id, windows, run.options)
            return ChapterBrief(windows=windows, has_script=has_script)

    @activity.defn
    async def store_outline(self, run: ChapterRun) -> Outlined:
        """Merge the outlines of the windows into scenes and cast."""
        scope = Scope(project_id=run.project_id)
        async with self._database.session() as session:
            text = (await get(session, scope, Chapter, run.chapter_id)).source_text
        texts, spans = await read_apart(text, window_tokens(run.options))
        async with self._database.session() as session:
            chapter = await get(session, scope, Chapter, run.chapter_id, lock=True)
            if chapter.source_text == text:
                done = outlined(chapter)
                parts = [done[part].output for part in range(len(spans))]
                stored = await outlines.store_outline(session, run, chapter, texts, parts)
                return await assign(session, run, chapter, stored)
        # It was changed while it was read.
        return await self.store_outline(run)

    @activity.defn
    async def adopt_script(self, run: ChapterRun) -> Outlined:
        """Store scenes, panels and cast from the chapter's script."""
        async with self._database.session() as session:
            chapter = await get(session, Scope(project_id=run.project_id), Chapter, run.chapter_id, lock=True)
            stored = await outlines.adopt_script(session, run, chapter, Script.model_validate(chapter.script))
            return await assign(session, run, chapter, stored)

    @activity.defn
    async def open_panels(self, run: PanelsRun) -> PanelsOpened:
        """requested → running; returns the panels to generate, or the redraws to carry out."""
        async with self._database.session() as session:
            await generations.begin(session, run.project_id, run.generation_id)
            orders = await redraws.open_redraws(session, run.generation_id)
            generation = await get(session, Scope(project_id=run.project_id), Generation, run.generation_id)
            # An activity that is repeated after its redraws were done has nothing left to do.
            redrawn = await redraws.has_redraws(session, run.generation_id)
            targets = [] if redrawn else [UUID(target) for target in generation.target_ids]
            places = await panel_places(session, targets)
            return PanelsOpened(
                panel_ids=targets, redraws=orders, places=[places.get(target, "") for target in targets]
            )

    @activity.defn
    async def select_draft(self, call: SelectCall) -> None:
        """Select one of the drafts of a panel, or let a person choose."""
        async with self._database.session() as session:
            redrawn = call.redraw_id is not None
            if redrawn and not await redraws.end(session, call.project_id, call.redraw_id, RedrawState.DONE):
                # The redraw was completed before: selections since then stay.
                return
            if call.draft_ids:
                await choose(
                    session,
                    call.project_id,
                    call.generation_id,
                    call.target_id,
                    call.draft_ids,
                    wait=call.wait,
                    redrawn=redrawn,
                )
            elif redrawn:
                step = panel_step(call.target_id, "picture")
                await complete_and_tell(session, call.project_id, call.generation_id, step)

    @activity.defn
    async def review(self, holding: Holding) -> Reviewed:
        """The state of a review, which the first call opens."""
        async with self._database.session() as session:
            return await reviews.state(session, holding, _workflow())

    @activity.defn
    async def fail_panel(self, failure: Failure) -> None:
        """Record why a panel, or a redraw of it, failed, and complete its steps. The panel's contents stay as they
        are.
        """
        if failure.redraw_id is not None:
            await self._fail_redraw(failure)
            return
        steps = [panel_step(failure.target_id, "words"), panel_step(failure.target_id, "picture")]
        data = {"panel_id": str(failure.target_id)}
        await self._fail(failure, Panel, {"state": PanelState.FAILED}, steps, EventType.PANEL_FAILED, data)

    @activity.defn
    async def fail_scene(self, failure: Failure) -> None:
        """Record why a scene has no panels, and complete its steps."""
        steps = [scene_step(failure.target_id, "summary"), scene_step(failure.target_id, "panels")]
        data = {"scene_id": str(failure.target_id)}
        await self._fail(failure, Scene, {"state": SceneState.FAILED}, steps, EventType.SCENE_FAILED, data)

    @activity.defn
    async def fail_sheet(self, failure: Failure) -> None:
        """Record why a character has no reference sheet, and complete its steps."""
        steps = [character_step(failure.target_id, "profile"), character_step(failure.target_id, "sheet")]
        data = {"character_id": str(failure.target_id)}
        await self._fail(failure, Character, {}, steps, EventType.CHARACTER_FAILED, data)

    async def _fail_redraw(self, failure: Failure) -> None:
        async with self._database.session() as session:
            reason, _ = why = await explained(session, failure.generation_id, failure.reason, failure.target_id)
            if not await redraws.end(session, failure.project_id, failure.redraw_id, RedrawState.FAILED):
                return
            await complete(
                session,
                failure.generation_id,
                panel_step(failure.target_id, "words"),
                panel_step(failure.target_id, "picture"),
            )
            panel = await get(session, Scope(project_id=failure.project_id), Panel, failure.target_id)
            await record_part(session, failure, panel, why)
            data = {
                "panel_id": str(failure.target_id),
                "redraw_id": str(failure.redraw_id),
                "reason": reason[:1000],
            }
            await emit(session, failure.project_id, failure.generation_id, EventType.PANEL_FAILED, data)

    async def _fail(
        self,
        failure: Failure,
        model: type[Panel] | type[Scene] | type[Character],
        values: dict[str, str],
        steps: Sequence[str],
        event: EventType,
        data: dict[str, str],
    ) -> None:
        """Mark a row as failed, with the reason, and emit the event once."""
        async with self._database.session() as session:
            row = await get(session, Scope(project_id=failure.project_id), model, failure.target_id, lock=True)
            why = await explained(session, failure.generation_id, failure.reason, failure.target_id)
            values = {**values, "failure": why.reason[:2000]}
            news = any(getattr(row, name) != value for name, value in values.items())
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
            await session.flush()
            await record_part(session, failure, row, why)
            if await complete(session, failure.generation_id, *steps) or news:
                data = {**data, "reason": values["failure"][:1000]}
                if isinstance(row, Character):
                    data["name"] = row.name
                await emit(session, failure.project_id, failure.generation_id, event, data)

    @activity.defn
    async def hold(self, holding: Holding) -> bool:
        """Register that a part waits for a person; False if it need not wait."""
        async with self._database.session() as session:
            return await holds.hold(session, holding, _workflow())

    @activity.defn
    async def read_decision(self, holding: Holding) -> Decision:
        """What a person decided about a part that waits."""
        async with self._database.session() as session:
            return await holds.read_decision(session, _workflow(), holding.purpose)

    @activity.defn
    async def finish_generation(self, ending: Ending) -> None:
        """Set the final status, and settle everything that is still open."""
        async with self._database.session() as session:
            why = await explained(session, ending.generation_id, ending.error) if ending.error else Explained("")
            await generations.end(
                session, ending.project_id, ending.generation_id, ending.status, why, kind=ending.error_kind
            )


def _workflow() -> str:
    """The workflow that runs the current activity."""
    return activity.info().workflow_id or ""
