"""Which languages a generation may be for, and whether its writer can translate into them."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, NotConfigured
from engine.money.estimate import Work
from engine.providers.registry import find
from models.options import GenerationKind, GenerationOptions
from models.tables import Chapter, Page, Translation

# The calls that a generation of a chapter with these options would still make.
WorkLeft = Callable[[GenerationOptions], Awaitable[Work]]


def refuse_own(options: GenerationOptions) -> None:
    """Raise `BadInput` for a translation into the language of the story's own words."""
    if options.language.casefold() in {language.casefold() for language in options.translations}:
        raise BadInput(
            f"{options.language} is the story's own language and needs no translation: leave it out of the"
            " translations."
        )


async def require(session: AsyncSession, project_id: UUID, kind: GenerationKind, options: GenerationOptions) -> None:
    """The same; raises `BadInput` for files in a language without any translation."""
    refuse_own(options)
    edition = options.edition
    if not edition or edition in options.translations:
        return
    there = (
        select(Translation.id).where(Translation.project_id == project_id, Translation.language == edition).limit(1),
        select(Page.id).where(Page.project_id == project_id, Page.language == edition).limit(1),
    )
    if kind == GenerationKind.EXPORT:
        for query in there:
            if (await session.exec(query)).first() is not None:
                return
    raise BadInput(
        f"Nothing is translated into {edition} yet, so no file can be built in it. Generate the chapter with"
        f' "translations": ["{edition}"], or upload a translation. The story\'s own language is set in'
        " options.language."
    )


async def lacking(options: GenerationOptions, left: WorkLeft) -> list[str]:
    """The languages for which a generation with these options would need a translation that its writer cannot make.

    Existing manual translations need no writer. `left` compares all rows of the chapter, which costs CPU.
    """
    if find("llm", options.writers("Translate")[0].provider).translates:
        return []
    found = []
    for language in options.translations:
        alone = options.model_copy(update={"translations": [language]})
        work = await left(alone)
        if work.tasks["Translate"].high:
            found.append(language)
    return found


async def require_translator(chapter: Chapter, options: GenerationOptions, left: WorkLeft) -> None:
    """Raise `NotConfigured` if text would have to be translated by a writer that cannot."""
    languages = await lacking(options, left)
    if languages:
        raise NotConfigured(
            f"The writer {options.writers('Translate')[0].provider!r} cannot translate, and some text still lacks a"
            f" translation into {' and '.join(languages)}. Name a writer that can, in options.llm or for this task"
            f' alone with {{"llm_tasks": {{"Translate": …}}}}; or generate the chapter without translations, upload a'
            f" translator's file with PUT /api/v1/chapters/{chapter.id}/translations/{languages[0]}, and generate the"
            " chapter again."
        )
