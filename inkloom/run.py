"""From a story file to finished files: what `run` and `demo` do once the servers are up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError

from engine.db.session import Database
from engine.errors import BadInput, NotConfigured
from engine.export.signing import signer_of
from engine.freshness.remaining import work_left
from engine.orders import languages
from engine.settings import Settings
from engine.storage.open import open_storage
from engine.store import directing, editing, generations, holds, projects, reviews, tallies, translations, translator
from engine.store.failed import Problem, problems_of
from engine.store.scope import Scope
from inkloom.decided import Decided
from inkloom.local.stack import Endpoints
from inkloom.output import Delivered, deliver, write_words
from inkloom.story import Story
from inkloom.watch import Display, follow, patiently
from inkloom.worker import connect
from models.exports import ExportOptions
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Chapter, Draft, Generation, Panel, Scene
from models.translation import TranslationFile
from workflows.starting import start_if_possible, wake

EXIT_CODES = {
    GenerationStatus.COMPLETED: 0,
    GenerationStatus.COMPLETED_WITH_FAILURES: 3,
    GenerationStatus.PAUSED: 4,
    GenerationStatus.WAITING_REVIEW: 4,
    GenerationStatus.WAITING_UNKNOWN: 4,
    GenerationStatus.BUDGET_EXCEEDED: 4,
}


# The stages that have pages, from which files can be built.
_MADE = frozenset({GenerationStatus.COMPLETED, GenerationStatus.COMPLETED_WITH_FAILURES})


@dataclass(frozen=True)
class Finished:
    """The result of a run. `exported` is a generation of files alone, if one followed the chapter's."""

    generation: Generation
    exported: Generation | None
    made: tallies.Made
    calls: tallies.Calls
    cached: int
    delivered: Delivered
    errors: list[Problem]
    waiting: list[str]
    seconds: float

    @property
    def status(self) -> GenerationStatus:
        """The chapter's status, unless its files failed."""
        exported = self.exported
        failed = exported is not None and exported.status != GenerationStatus.COMPLETED
        return GenerationStatus(exported.status if exported and failed else self.generation.status)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES.get(self.status, 1)

    def as_json(self) -> dict[str, Any]:
        """The output of `run --json`."""
        return {
            "project_id": str(self.generation.project_id),
            "chapter_id": str(self.generation.chapter_id),
            "generation_id": str(self.generation.id),
            "status": self.status,
            "scenes": self.made.scenes,
            "panels": self.made.panels,
            "pages": self.made.pages,
            "drafts": self.made.drafts,
            "calls": {
                "llm": self.calls.llm,
                "image": self.calls.image,
                "cached": self.cached,
                "unknown": self.calls.unknown,
            },
            "cost_usd": float(self.calls.cost_usd),
            "seconds": round(self.seconds, 3),
            "exports": dict.fromkeys(("cbz", "pdf", "epub", "webtoon")) | dict(self.delivered.exports),
            "translations": {
                language: {"pages": list(one.pages), "exports": dict(one.exports), "words": one.words}
                for language, one in self.delivered.translations.items()
            },
            "script": self.delivered.script,
            "errors": [{"part": one.part, "reason": one.reason, "what_to_do": one.what_to_do} for one in self.errors],
        }


async def run_story(
    settings: Settings,
    endpoints: Endpoints,
    story: Story,
    options: GenerationOptions,
    out: Path,
    budget: Decimal | None,
    display: Display,
    began: float | None = None,
    decided: Decided | None = None,
    translated: Sequence[TranslationFile] = (),
) -> Finished:
    """Request the chapter, or attach to its generation, wait for it, and write its files to `out`.

    Imports what translators have filled in first, while no generation runs on the chapter; if one does, waits for it
    and requests the rest after that.
    """
    decided = decided or Decided()
    woken: list[str] = []
    began = time.monotonic() if began is None else began
    database = Database(endpoints.database_url, pool_size=4)
    exported: Generation | None = None

    async def order() -> tuple[datetime, Chapter, Generation]:
        async with database.session() as session:
            since = await tallies.database_time(session)
            owner = await projects.local_owner(session)
            project_id = await projects.project_of_story(session, owner, story.title, story.project_key)
            chapter = await projects.chapter_of_run(
                session,
                project_id,
                story.chapter_key(options),
                title=story.title,
                source_text=story.text,
                script=story.script,
            )
            latest = await generations.latest_of(session, chapter.id)
            fresh, asked = False, options
            if translated and not await translations.panels_with_words(session, chapter.id, ""):
                # First there must be something to translate.
                asked = options.model_copy(update={"translations": []})
            elif latest is None or latest.status in FINAL_STATUSES:
                scope = Scope(user_id=owner)
                fresh = await take_translations(session, scope, chapter.id, translated)
                await require_translated(session, chapter, options, translated, out)
            generation = await order_or_attach(session, chapter.id, project_id, asked, budget, anew=fresh)
            woken[:] = await _decide(session, generation, budget, decided)
            return since, chapter, generation

    async def finish() -> Finished:
        storage = open_storage(settings)
        try:
            signer = signer_of(settings)
            delivered = await deliver(database, storage, chapter.project_id, chapter.id, options, out, signer=signer)
        finally:
            await storage.close()
        ids = [generation.id] if exported is None else [generation.id, exported.id]
        async with database.session() as session:
            return Finished(
                generation=generation,
                exported=exported,
                made=await tallies.count_rows(session, chapter.id),
                calls=await tallies.calls(session, generation.id, since),
                cached=generation.cached_calls - cached_before,
                delivered=delivered,
                errors=[problem for found in (await problems_of(session, ids)).values() for problem in found],
                waiting=list(dict.fromkeys(hold.message for hold in await holds.waiting(session, generation.id))),
                seconds=time.monotonic() - began,
            )

    try:
        since, chapter, generation = await patiently(order, display)
        cached_before = generation.cached_calls
        finished_before = generation.status in FINAL_STATUSES
        while generation.status not in FINAL_STATUSES:
            await _start(settings, endpoints, database, generation, woken, display)
            generation = await follow(database, chapter.project_id, generation.id, display)
            if generation.status != GenerationStatus.COMPLETED or not (translated or _lacks(generation, options)):
                break
            # A generation for other languages was running already.
            _, _, generation = await patiently(order, display)
            cached_before = generation.cached_calls
        # Files do not identify a chapter: it may have been requested with other files, or with none.
        asks_export = options.export != ExportOptions() and options.until == "pages"
        made = generation.options
        if asks_export and generation.status in _MADE and (finished_before or made.export != options.export):
            exported = await export(settings, endpoints, database, chapter.project_id, chapter.id, options, display)
        return await patiently(finish, display)
    finally:
        await database.close()


async def export(
    settings: Settings,
    endpoints: Endpoints,
    database: Database,
    project_id: UUID,
    chapter_id: UUID | None,
    options: GenerationOptions,
    display: Display,
) -> Generation:
    """Request files of a chapter, or of all chapters of a project, and wait for them. Files already requested come
    first.
    """

    async def order() -> tuple[Generation, bool]:
        async with database.session() as session:
            query = select(Generation).where(
                Generation.project_id == project_id,
                col(Generation.chapter_id).is_not_distinct_from(chapter_id),
                Generation.kind == GenerationKind.EXPORT,
                col(Generation.status).not_in(FINAL_STATUSES),
            )
            before = (await session.exec(query.limit(1))).one_or_none()
            if before is not None:
                return before, False
            return await generations.request(
                session,
                project_id=project_id,
                chapter_id=chapter_id,
                kind=GenerationKind.EXPORT,
                options=options,
                target_ids=[chapter_id or project_id],
            ), True

    while True:
        generation, ours = await patiently(order, display)
        await _start(settings, endpoints, database, generation, [], display)
        generation = await follow(database, project_id, generation.id, display)
        if ours or generation.status not in FINAL_STATUSES:
            return generation


async def _start(
    settings: Settings,
    endpoints: Endpoints,
    database: Database,
    generation: Generation,
    woken: Sequence[str],
    display: Display,
) -> None:
    """Start the workflow at once. If that fails, the sweeper starts it: the request is in the database."""
    try:
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        started = await start_if_possible(database, client, generation)
        await wake(client, woken)
    # The SDK raises RuntimeError if it finds no server.
    except (RPCError, RuntimeError):
        started = False
    if not started:
        display.say("Temporal is unavailable; the chapter continues as soon as it is back")


async def _decide(session: AsyncSession, generation: Generation, budget: Decimal | None, decided: Decided) -> list[str]:
    """Apply the command line's decisions to an open generation; returns the workflows to wake."""
    woken: list[str] = []
    if generation.status in FINAL_STATUSES:
        return woken
    scope = Scope(project_id=generation.project_id)
    if budget is not None and generation.budget_usd != budget:
        woken += await holds.raise_budget(session, scope, generation.id, budget)
    waits = {hold.reason for hold in await holds.waiting(session, generation.id)}
    if decided.skip_refused and HoldReason.REFUSED in waits:
        woken += await holds.resume(session, scope, generation.id, skip=True)
        waits.remove(HoldReason.REFUSED)
    if decided.resume and (generation.paused_at is not None or waits & {HoldReason.UNKNOWN, HoldReason.REFUSED}):
        woken += await holds.resume(session, scope, generation.id, skip=False)
    for choice in decided.choose:
        woken += await _choose(session, generation, *choice)
    chapter_id = generation.chapter_id if decided.approve else None
    # The last selection may have let it continue already.
    if chapter_id is not None and await reviews.waits(session, generation.id):
        woken += await reviews.approve(session, scope, chapter_id)
    return woken


async def _choose(session: AsyncSession, generation: Generation, scene: int, panel: int, ordinal: int) -> list[str]:
    query = (
        select(Draft.id)
        .join(Panel, col(Panel.id) == col(Draft.panel_id))
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(
            Scene.chapter_id == generation.chapter_id,
            Scene.position == scene - 1,
            Panel.position == panel - 1,
            Draft.ordinal == ordinal,
        )
    )
    draft_id = (await session.exec(query)).one_or_none()
    if draft_id is None:
        raise BadInput(f"--choose: scene {scene}, panel {panel} has no draft {ordinal}.")
    owner = await projects.local_owner(session)
    return (await directing.choose(session, Scope(user_id=owner), draft_id, None))[1]


async def order_or_attach(
    session: AsyncSession,
    chapter_id: UUID,
    project_id: UUID,
    options: GenerationOptions,
    budget: Decimal | None,
    *,
    anew: bool = False,
) -> Generation:
    """The open generation of the chapter, or the finished one. A new one if there is none, if the last one failed, if
    it lacks a named language, or if words have arrived in `anew`.

    The last budget given counts, even if it was given to the generation that failed.
    """
    latest = await generations.latest_of(session, chapter_id)
    if latest is not None and latest.status not in FINAL_STATUSES:
        return latest
    finished = latest is not None and latest.status == GenerationStatus.COMPLETED
    if latest is not None and finished and not anew and not _lacks(latest, options):
        return latest
    return await generations.request(
        session,
        project_id=project_id,
        chapter_id=chapter_id,
        kind=GenerationKind.CHAPTER,
        options=options,
        # A finished generation is not retried: what is added to it has a budget of its own.
        retry_of=latest.id if latest and not finished else None,
        budget_usd=budget if budget is not None or latest is None or finished else latest.budget_usd,
    )


def _lacks(generation: Generation, options: GenerationOptions) -> bool:
    """Whether it was made for other words: without these languages, or with another language as the story's own."""
    was = generation.options
    return bool(set(options.translations) - set(was.translations)) or was.language != options.language


async def take_translations(
    session: AsyncSession, scope: Scope, chapter_id: UUID, translated: Sequence[TranslationFile]
) -> bool:
    """Import what people have translated; returns whether any of it is new."""
    if not translated:
        return False
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    return any([await translator.import_file(session, scope, chapter, file) for file in translated])


async def require_translated(
    session: AsyncSession,
    chapter: Chapter,
    options: GenerationOptions,
    translated: Sequence[TranslationFile],
    out: Path,
) -> None:
    """Raise `NotConfigured` if the writer would have to translate and cannot; writes the words to be filled in.

    Never overwrites a file that a translator has filled in.
    """
    left = await languages.lacking(options, partial(work_left, session, chapter))
    if not left:
        return
    writer, named = options.writers("Translate")[0].provider, ", ".join(left)
    paths = {}
    for language in left:
        words = await translator.file_of(session, chapter, language)
        if words.panels and language not in {file.language for file in translated}:
            (out / language).mkdir(exist_ok=True)
            paths[language] = write_words(out / language, words)
    if paths:
        files = " ".join(f"--translate {language}={path}" for language, path in paths.items())
        how = f"The texts are in {', '.join(map(str, paths.values()))}: fill in every text and run again with {files}"
    elif translated:
        how = "The file has empty texts: fill them in"
    else:
        how = "Make the chapter without --translate first, then run with it again to get the text as a file"
    raise NotConfigured(
        f"The {writer} writer cannot translate into {named}. {how}; or name a writer that can: --translator openai."
    )
