"""Translations: plans what to request and records failures. The requests are a task like the others."""

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity

from engine.db.session import Database
from engine.store import translations
from engine.store.events import emit
from engine.store.failed import explained, record_part
from engine.store.progress import complete, complete_and_tell, split, translation_step
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.runs import Failure, SceneDue, TranslationPlanned, TranslationRun
from models.tables import Chapter, Scene


class Translating:
    def __init__(self, database: Database) -> None:
        self._database = database

    def activities(self) -> Sequence[Callable[..., Any]]:
        return [self.plan_translation, self.fail_translation]

    @activity.defn
    async def plan_translation(self, run: TranslationRun) -> TranslationPlanned:
        """The scenes with missing or stale translations."""
        async with self._database.session() as session:
            chapter = await get(session, Scope(project_id=run.project_id), Chapter, run.chapter_id)
            panels = await translations.panels_with_words(session, chapter.id, run.language)
            due = translations.due(chapter, run.language, panels)
            await translations.clear_failures(session, chapter.id, run.language)
            step = translation_step(run.language)
            shares = {translation_step(run.language, one.scene_id): float(len(one.parts)) for one in due}
            if due:
                await split(session, run.generation_id, step, shares)
            else:
                await complete_and_tell(session, run.project_id, run.generation_id, step)
            return TranslationPlanned(scenes=[SceneDue(**vars(scene)) for scene in due])

    @activity.defn
    async def fail_translation(self, failure: Failure) -> None:
        """Record why a scene was not translated, and complete its step. Its own words stay as they are."""
        async with self._database.session() as session:
            scene = await get(session, Scope(project_id=failure.project_id), Scene, failure.target_id, lock=True)
            why = await explained(session, failure.generation_id, failure.reason, failure.target_id)
            reason = why.reason[:2000]
            news = scene.untranslated.get(failure.language) != reason
            scene.untranslated = {**scene.untranslated, failure.language: reason}
            session.add(scene)
            await session.flush()
            await record_part(session, failure, scene, why)
            step = translation_step(failure.language, scene.id)
            if await complete(session, failure.generation_id, step) or news:
                data = {"scene_id": str(scene.id), "language": failure.language, "reason": reason[:1000]}
                await emit(session, failure.project_id, failure.generation_id, EventType.TRANSLATION_FAILED, data)
