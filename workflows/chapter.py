"""A chapter: outline → character sheets → scenes → pages → translations → exports."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from models.runs import ChapterRun, Outcome, Outlined, SceneRun, SheetRun, TranslationRun
from workflows.dispatch import calls
from workflows.dispatch.concurrency import (
    LANGUAGES_AT_A_TIME,
    SCENES_AT_A_TIME,
    SHEETS_AT_A_TIME,
    placed,
    side_by_side,
)
from workflows.dispatch.execute import base, execute, execute_child
from workflows.dispatch.generation import generation
from workflows.dispatch.paid import ask
from workflows.dispatch.table import ADOPT_SCRIPT, OPEN_CHAPTER, SCENE, SHEET, STORE_OUTLINE, TRANSLATION
from workflows.dispatch.waiting import Wakeable, review


@workflow.defn
class ChapterWorkflow(Wakeable):
    @workflow.run
    async def run(self, run: ChapterRun) -> Outcome:
        async with generation(run, own=True, begin=False) as ending:
            redraw = partial(calls.redraw, run)
            workflow.set_current_details("reading")
            outlined = await self._outline(run)
            if run.options.reviews("outline"):
                ending.failed += await review(run, "outline", run.chapter_id, redraw)
                # The outline is made as changed in the review; a changed text is read again.
                outlined = await self._outline(run)
            sheets = await self._sheets(run, outlined, "")
            if run.options.until == "pages" and run.options.reviews("sheets") and outlined.character_ids:
                ending.failed += await review(run, "sheets", run.chapter_id, redraw)
                # Redraw the sheets of characters whose looks changed during the review.
                sheets = await self._sheets(run, outlined, "/approved")
            due = placed(outlined.scene_ids, outlined.places)
            scenes = await side_by_side(SCENES_AT_A_TIME, due, lambda scene: self._scene(run, *scene), "scenes")
            ending.failed += sum(outcome.failed for outcome in [*sheets, *scenes])
            if run.options.until == "pages":
                if run.options.reviews("drafts"):
                    ending.failed += await review(run, "drafts", run.chapter_id, redraw)
                planned, looked_at = await calls.pages(run), run.options.reviews("pages")
                ending.failed += await self._translations(run, "", files=not looked_at)
                if looked_at:
                    ending.failed += await review(run, "pages", run.chapter_id, redraw)
                    # Letters again what changed meanwhile; the rest exists.
                    planned = await calls.pages(run)
                    ending.failed += await self._translations(run, "/approved", files=True)
                # Plans made before formats could be chosen name none.
                await calls.exports(run, run.chapter_id, planned.exports or ["cbz", "pdf"])
            else:
                ending.failed += await self._translations(run, "", files=False)
            return Outcome(panels=sum(outcome.panels for outcome in scenes), failed=ending.failed)

    async def _outline(self, run: ChapterRun) -> Outlined:
        brief = await execute(OPEN_CHAPTER, run)
        if brief.has_script:
            return await execute(ADOPT_SCRIPT, run)
        # One after another: each window learns whom the previous ones introduced.
        for window in range(brief.windows):
            await ask("ChapterOutline", run, run.chapter_id, f"read part {window + 1} of {brief.windows}", part=window)
        return await execute(STORE_OUTLINE, run)

    async def _sheets(self, run: ChapterRun, outlined: Outlined, again: str) -> list[Outcome]:
        async def sheet(character_id: UUID) -> Outcome:
            part = SheetRun(**base(run), character_id=character_id)
            name = f"character-{character_id}{again}"
            return await execute_child(SHEET, part, name, "character sheet")

        return await side_by_side(SHEETS_AT_A_TIME, outlined.character_ids, sheet, "character sheets")

    async def _scene(self, run: ChapterRun, scene_id: UUID, place: str) -> Outcome:
        part = SceneRun(**base(run), scene_id=scene_id, place=place)
        return await execute_child(SCENE, part, f"scene-{scene_id}", place or "scene")

    async def _translations(self, run: ChapterRun, again: str, *, files: bool) -> int:
        """Each language by itself, with its pages, whose layout is the original's. Returns how many parts failed."""

        async def into(language: str) -> Outcome:
            part = TranslationRun(**base(run), chapter_id=run.chapter_id, language=language, files=files)
            name = f"translation-{language}{again}"
            return await execute_child(TRANSLATION, part, name, f"translation into {language}")

        outcomes = await side_by_side(LANGUAGES_AT_A_TIME, run.options.translations, into, "translations")
        return sum(outcome.failed for outcome in outcomes)
