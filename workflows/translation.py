"""One language of a chapter: its words, scene by scene, then its pages, then its files."""

from temporalio import workflow

from models.runs import Outcome, SceneDue, TranslationRun
from workflows.dispatch import calls
from workflows.dispatch.concurrency import SCENES_AT_A_TIME, cancelled, side_by_side
from workflows.dispatch.execute import execute
from workflows.dispatch.paid import ask
from workflows.dispatch.table import FAIL_TRANSLATION, PLAN_TRANSLATION
from workflows.dispatch.waiting import Wakeable


@workflow.defn
class TranslationWorkflow(Wakeable):
    """If the words of a scene fail, the rest is lettered, and its pages say what is not translated."""

    @workflow.run
    async def run(self, run: TranslationRun) -> Outcome:
        planned = await execute(PLAN_TRANSLATION, run, f"plan the translation into {run.language}")
        outcomes = await side_by_side(SCENES_AT_A_TIME, planned.scenes, lambda scene: self._scene(run, scene), "scenes")
        if run.options.until == "pages":
            pages = await calls.pages(run, run.language)
            if run.files:
                await calls.exports(run, run.chapter_id, pages.exports, run.language)
        workflow.set_current_details("done")
        return Outcome(failed=sum(outcome.failed for outcome in outcomes))

    async def _scene(self, run: TranslationRun, scene: SceneDue) -> Outcome:
        """The parts of a scene, one after another: each sees the translation of the previous ones."""
        try:
            for part in scene.parts:
                title = scene.title and part == scene.parts[0]
                await ask(
                    "Translate",
                    run,
                    scene.scene_id,
                    f"into {run.language}",
                    part=part,
                    language=run.language,
                    title=title,
                )
        except Exception as error:
            if cancelled(error):
                raise
            await calls.fail(FAIL_TRANSLATION, run, scene.scene_id, error, language=run.language)
            return Outcome(failed=1)
        return Outcome()
