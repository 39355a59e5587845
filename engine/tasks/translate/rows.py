"""Translate: reads the words of a scene's panels, stores them in another language."""

from collections.abc import Sequence

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import FOR_WORDS, Inputs, concerning
from engine.digest import digest
from engine.steps.context import assemble
from engine.steps.known import instruction_pieces
from engine.steps.step import Loaded, Made
from engine.store import translations
from engine.store.events import emit
from engine.store.instructions import standing_instructions
from engine.store.languages import chapter_language
from engine.store.panels import cast_of
from engine.store.progress import complete, complete_and_tell, translation_step
from engine.store.rows import get
from engine.store.scope import Scope
from engine.store.translations import Worded
from engine.tasks.translate.task import Done, In, Out, Words
from models.events import EventType
from models.runs import TaskCall
from models.story import Line
from models.tables import Chapter, Scene
from models.translation import TitleIn

_TITLE = "title"


async def load(session: AsyncSession, call: TaskCall, token_budget: int) -> Loaded | Made:
    scope = Scope(project_id=call.project_id)
    scene = await get(session, scope, Scene, call.target_id)
    chapter = await get(session, scope, Chapter, scene.chapter_id)
    panels = await translations.panels_with_words(session, chapter.id, call.language, col(Scene.id) == scene.id)
    parts = translations.parts_of(panels)
    due = [worded for worded in parts[call.part] if worded.due] if call.part < len(parts) else []
    asked = {worded.panel.id for worded in due}
    title = chapter.title if call.title and translations.title_due(chapter, call.language) else ""
    if not due and not title:
        if not _left(panels, call):
            await complete_and_tell(
                session, call.project_id, call.generation_id, translation_step(call.language, call.target_id)
            )
        return []
    cast = await cast_of(session, call.project_id)
    instructions = concerning(FOR_WORDS, await standing_instructions(session, call.project_id))
    context = assemble(instruction_pieces(instructions), token_budget)
    data = In(
        context=context.text,
        into=call.language,
        language=await chapter_language(session, chapter.id, call.options.language),
        title=title,
        names=list(dict.fromkeys(name for character in cast for name in (character.name, *character.aliases))),
        panels=[
            Words(
                number=worded.panel.position + 1,
                description=worded.panel.description,
                caption=worded.panel.caption,
                lines=[Line.model_validate(line) for line in worded.panel.dialogue or []],
            )
            for worded in due
        ],
        done=[_done(worded) for worded in panels if worded.panel.id not in asked and worded.translation is not None],
    )
    # By number: the panel's id, and the key of the words that were sent.
    basis = {str(worded.panel.position + 1): f"{worded.panel.id} {worded.key}" for worded in due}
    return Loaded(data, len(context.left_out), basis | ({_TITLE: digest(title)} if title else {}))


async def apply(session: AsyncSession, call: TaskCall, out: Out, basis: Inputs) -> Made:
    scope = Scope(project_id=call.project_id)
    scene = await get(session, scope, Scene, call.target_id)
    # The chapter before its panels: the order of locks.
    if _TITLE in basis:
        title = TitleIn(text=out.title.strip(), made_from=basis[_TITLE])
        await translations.store_title(session, scene.chapter_id, call.language, title)
    # By the panel's id: the key of the words that were sent, and their translation.
    asked = dict(basis[str(translated.number)].split(" ") for translated in out.panels)
    answers = {basis[str(translated.number)].split(" ")[0]: translated for translated in out.panels}
    here = await translations.panels_with_words(session, scene.chapter_id, call.language, col(Scene.id) == scene.id)
    for worded in here:
        answer = answers.get(str(worded.panel.id))
        # The next generation translates words that have changed since.
        if answer is not None and asked[str(worded.panel.id)] == worded.key:
            await translations.store_translation(
                session, worded.panel, call.language, answer.caption, answer.lines, worded.key
            )
    if not _left(here, call):
        await complete(session, call.generation_id, translation_step(call.language, call.target_id))
    about = {"scene_id": str(scene.id), "language": call.language, "panels": len(asked)}
    await emit(session, call.project_id, call.generation_id, EventType.SCENE_TRANSLATED, about)
    return []


def _left(panels: Sequence[Worded], call: TaskCall) -> bool:
    """Whether later parts of the scene are still to be translated."""
    return any(worded.due for part in translations.parts_of(panels)[call.part + 1 :] for worded in part)


def _done(worded: Worded) -> Done:
    there = worded.translation
    lines = [] if there is None else there.lines
    return Done(
        number=worded.panel.position + 1,
        source=[worded.panel.caption, *translations.texts_of(worded.panel.dialogue)],
        text=["" if there is None else there.caption, *translations.texts_of(lines)],
    )
