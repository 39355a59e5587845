"""What bringing a chapter up to date takes: the calls that a generation would still make."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.freshness.chapter import read
from engine.freshness.parts import StalePart, State, parts_of, stale_parts
from engine.money.estimate import Range, Work, exactly, work_of_script, work_of_text
from engine.store import translations
from engine.tasks import ALL
from models.options import GenerationOptions
from models.script import Script
from models.tables import Chapter


async def work_left(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> Work:
    """The calls that a generation of the chapter would still make: counted, once its panels are known."""
    rows = await read(session, chapter, options)
    if not rows.scenes and chapter.script is not None:
        return work_of_script(Script.model_validate(chapter.script), options)
    if not rows.shown:
        return work_of_text(len(chapter.source_text.split()), options)
    due = [part for part in await parts_of(session, rows) if part.due]
    own = [part for part in due if part.kind != "translation"]
    # At another length a scene has other panels, maybe fewer than depend on it now.
    other_length = any(part.part == "panels" and "length" in part.because for part in due)
    least = [part for part in own if part.state != State.AFFECTED] if other_length else own

    def counted(count: Callable[[StalePart], int]) -> Range:
        return replace(exactly(sum(map(count, own))), low=Decimal(sum(map(count, least))))

    def called(name: str) -> Range:
        return counted(lambda part: part.part == name)

    counts = {task.name: called(task.part) for task in ALL.values() if task.part}
    work = Work(
        tasks={**counts, "Translate": exactly(await translate_calls(session, chapter, options, due))},
        pictures=counted(lambda part: part.drafts),
        sheets=called("sheet"),
        counted=not any(part.part in ("panels", "outline") for part in due),
    )
    # All of a text that is read again may come out different.
    again = other_length or any(part.part == "outline" for part in due)
    return work.up_to(work_of_text(len(chapter.source_text.split()), options)) if again else work


async def stale_parts_and_calls(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions
) -> tuple[list[StalePart], int]:
    """The stale parts, and how many calls to writers they take."""
    found = await stale_parts(session, chapter, options)
    return found, await writer_calls(session, chapter, options, found)


async def writer_calls(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, parts: Iterable[StalePart]
) -> int:
    """How many calls to writers these parts take: one for each that a task makes, and those of translations."""
    due = [part for part in parts if part.due]
    made = {task.part for task in ALL.values() if task.part}
    own = sum(part.kind != "translation" and part.part in made for part in due)
    return own + await translate_calls(session, chapter, options, due)


async def translate_calls(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, parts: Iterable[StalePart]
) -> int:
    """How many calls to translators these parts take: one or more for a scene."""
    changing = {part.id for part in parts if part.due and (part.kind, part.part) == ("panel", "words")}
    calls = 0
    for language in options.translations:
        panels = await translations.panels_with_words(session, chapter.id, language)
        calls += sum(len(scene.parts) for scene in translations.due(chapter, language, panels, changing))
    return calls
