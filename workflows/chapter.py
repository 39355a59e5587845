"""A chapter: outline → character sheets → scenes → pages → exports."""

from functools import partial
from uuid import UUID

from temporalio import workflow

from activities import calls
from activities.lifecycle import generation
from models.runs import ChapterRun, Outcome, Outlined, PagesPlanned, SceneRun, SheetRun


@workflow.defn
class ChapterWorkflow(calls.Wakeable):
    @workflow.run
    async def run(self, run: ChapterRun) -> Outcome:
        async with generation(run, own=True, begin=False) as ending:
            redraw = partial(calls.redraw, run)
            workflow.set_current_details("reading")
            outlined = await self._outline(run)
            if run.options.reviews("outline"):
                ending.failed += await calls.review(run, "outline", run.chapter_id, redraw)
                # What it was changed to is what is made; a text that was changed is read again.
                outlined = await self._outline(run)
            workflow.set_current_details(f"{len(outlined.character_ids)} characters")
            sheets = await self._sheets(run, outlined, "")
            if run.options.until == "pages" and run.options.reviews("sheets") and outlined.character_ids:
                ending.failed += await calls.review(run, "sheets", run.chapter_id, redraw)
                # Of those whose looks were changed another one is drawn.
                sheets = await self._sheets(run, outlined, "/approved")
            workflow.set_current_details(f"{len(outlined.scene_ids)} scenes")
            scenes = await calls.side_by_side(
                calls.SCENES_AT_A_TIME, outlined.scene_ids, lambda scene_id: self._scene(run, scene_id)
            )
            ending.failed += sum(outcome.failed for outcome in [*sheets, *scenes])
            if run.options.until == "pages":
                if run.options.reviews("drafts"):
                    ending.failed += await calls.review(run, "drafts", run.chapter_id, redraw)
                planned = await self._pages(run)
                if run.options.reviews("pages"):
                    ending.failed += await calls.review(run, "pages", run.chapter_id, redraw)
                    # What was changed meanwhile is lettered again; the rest is there.
                    planned = await self._pages(run)
                await self._exports(run, planned)
            return Outcome(panels=sum(outcome.panels for outcome in scenes), failed=ending.failed)

    async def _outline(self, run: ChapterRun) -> Outlined:
        brief = await calls.open_chapter(run)
        if brief.has_script:
            return await calls.adopt_script(run)
        # One after the other: each window is told whom the ones before it met.
        for window in range(brief.windows):
            await calls.ask(
                "ChapterOutline", run, run.chapter_id, f"read part {window + 1} of {brief.windows}", part=window
            )
        return await calls.store_outline(run)

    async def _sheets(self, run: ChapterRun, outlined: Outlined, again: str) -> list[Outcome]:
        async def sheet(character_id: UUID) -> Outcome:
            part = SheetRun(**calls.base(run), character_id=character_id)
            name = f"character-{character_id}{again}"
            return await calls.child("CharacterSheetWorkflow", part, name, "character sheet")

        return await calls.side_by_side(calls.SHEETS_AT_A_TIME, outlined.character_ids, sheet)

    async def _scene(self, run: ChapterRun, scene_id: UUID) -> Outcome:
        part = SceneRun(**calls.base(run), scene_id=scene_id)
        return await calls.child("SceneWorkflow", part, f"scene-{scene_id}", "scene")

    async def _pages(self, run: ChapterRun) -> PagesPlanned:
        planned = await calls.plan_pages(run)
        workflow.set_current_details(f"{len(planned.due)} of {planned.pages} pages")
        await calls.side_by_side(calls.PAGES_AT_A_TIME, planned.due, lambda number: calls.compose_page(run, number))
        return planned

    async def _exports(self, run: ChapterRun, planned: PagesPlanned) -> None:
        workflow.set_current_details("exports")
        # Pages that were planned before formats could be chosen name none.
        formats = planned.exports or ["cbz", "pdf"]
        await calls.side_by_side(
            calls.EXPORTS_AT_A_TIME, formats, lambda format: calls.build_export(run, run.chapter_id, format)
        )
