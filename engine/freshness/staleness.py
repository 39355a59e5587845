"""What of a chapter is not there yet, or not as what it is made from: why, and what it takes to bring it up to date.

Nothing is marked when something changes: it is found by comparing, so nothing can be forgotten. What follows from a
part that will be made again is counted with it, for it will hardly come out the same.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import (
    House,
    Inputs,
    changed,
    changed_sheet,
    panels_inputs,
    picture_inputs,
    prompt_inputs,
    sheet_inputs,
    summary_inputs,
    words_inputs,
)
from engine.cast.blocking import standing
from engine.cast.outfits import worn
from engine.freshness.page_keys import laid_out, moved_on, page_key
from engine.money.estimate import Range, Work, exactly, work_of_script, work_of_text
from engine.pages.manual_layout import carried
from engine.providers.registry import artist_of, draws_of
from engine.store import books, drafts, references, translations
from engine.store.instructions import house_of
from engine.store.languages import spoken
from engine.store.panels import Shown, cast_of, of_chapter
from engine.store.places import looks_of, place_of
from engine.tasks.outline_windows import rooms, unread
from models.layout import Layout
from models.options import GenerationOptions, TaskName
from models.script import Script
from models.story import Profile
from models.tables import Chapter, Character, Draft, Export, Page, Panel, Project, Scene
from models.tables.story import DraftOrigin, PanelState, SceneState

Kind = Literal["chapter", "character", "scene", "panel", "translation", "page", "export"]


class State(StrEnum):
    """`missing`: never made. `stale`: its inputs changed. `affected`: it depends on a part that is missing or stale.

    `protected`: it would be stale, but it is a manual edit, which generations do not overwrite.
    """

    MISSING = "missing"
    STALE = "stale"
    AFFECTED = "affected"
    PROTECTED = "protected"


@dataclass(frozen=True)
class Part:
    """A part that is not as it should be. `drafts` is how many pictures it takes."""

    kind: Kind
    id: UUID | None
    part: str
    state: State
    because: list[str] = field(default_factory=list)
    drafts: int = 0
    number: int | None = None
    # Of what there is in a language that the chapter is translated into.
    language: str = ""

    @property
    def due(self) -> bool:
        """Whether bringing the chapter up to date makes it again."""
        return self.state != State.PROTECTED


@dataclass
class _Chapter:
    """All rows of a chapter that its parts are made from."""

    project: Project
    options: GenerationOptions
    house: House
    # How many panels each scene may have, as this order condenses the chapter.
    rooms: Mapping[UUID, int | None]
    cast: Sequence[Character]
    scenes: Sequence[Scene]
    shown: Sequence[Shown]
    drafts: Mapping[UUID, list[Draft]]
    scripted: bool
    # Who the outline or the script says appears.
    outlined: set[str]
    # What places always look like, by the name that scenes have for them; what goes with each panel; whose pictures
    # people brought.
    places: Mapping[str, str]
    references: Mapping[UUID, list[str]]
    brought: set[UUID]


async def of(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> list[Part]:
    """The parts of a chapter that an order with these options would make, in the order in which it would."""
    return await _parts(session, chapter, await _read(session, chapter, options), options)


async def _parts(session: AsyncSession, chapter: Chapter, rows: _Chapter, options: GenerationOptions) -> list[Part]:
    found = [*await _outline(chapter, options), *_characters(rows)]
    for scene in rows.scenes:
        # What was left out when the chapter was condensed has no panels and gets none.
        if rows.rooms[scene.id] != 0:
            parts = list(_scene(rows, scene))
            found += parts
            again = any(part.due and part.part == "panels" for part in parts)
            for one in (one for one in rows.shown if one.scene.id == scene.id):
                found += _panel(rows, one, again=again)
    changing = {part.id for part in found if part.due and part.part != "prompt"}
    written = {part.id for part in found if part.due and (part.kind, part.part) == ("panel", "words")}
    editions = {"": changing}
    for language in options.translations:
        words = await _translation(session, chapter, language, written)
        found += words
        editions[language] = changing | {part.id for part in words if part.due}
    if options.until == "pages":
        there = await _composed(session, chapter, editions)
        # Panels lie in every language as they do in the story's own.
        layouts = laid_out(rows.shown, rows.options, [page.layout for page in there[""]]) if rows.shown else []
        for language, due in editions.items():
            pages = await _pages(session, chapter, rows, layouts, there[language], due, language)
            found += pages
            again = any(part.due for part in pages)
            found += await _exports(session, chapter, options.in_edition(language), again=again)
    return found


async def due_panels(session: AsyncSession, chapter: Chapter, scene_id: UUID, options: GenerationOptions) -> set[UUID]:
    """The panels of a scene that was described before in which an order with these options has anything to do."""
    rows = await _read(session, chapter, options, scene_id)
    return {one.panel.id for one in rows.shown if any(part.due for part in _panel(rows, one, again=False))}


async def work_left(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> Work:
    """The calls that an order for the chapter would still make: counted, once its panels are known."""
    rows = await _read(session, chapter, options)
    if not rows.scenes and chapter.script is not None:
        return work_of_script(Script.model_validate(chapter.script), options)
    if not rows.shown:
        return work_of_text(len(chapter.source_text.split()), options)
    due = [part for part in await _parts(session, chapter, rows, options) if part.due]
    tasks: dict[TaskName, str] = {
        "ChapterOutline": "outline",
        "CharacterProfile": "profile",
        "SceneSummary": "summary",
        "PanelDescription": "panels",
        "Dialogue": "words",
        "VisualPrompt": "prompt",
    }
    own = [part for part in due if part.kind != "translation"]
    # Told at another length, a scene has other panels: fewer, it may be, than follow from it now.
    other_length = any(part.part == "panels" and "length" in part.because for part in due)
    least = [part for part in own if part.state != State.AFFECTED] if other_length else own

    def many(what: Callable[[Part], int]) -> Range:
        return replace(exactly(sum(map(what, own))), low=Decimal(sum(map(what, least))))

    def parts_called(name: str) -> Range:
        return many(lambda part: part.part == name)

    counts = {task: parts_called(name) for task, name in tasks.items()}
    work = Work(
        tasks={**counts, "Translate": exactly(await translate_calls(session, chapter, options, due))},
        pictures=many(lambda part: part.drafts),
        sheets=parts_called("sheet"),
        counted=not any(part.part in ("panels", "outline") for part in due),
    )
    # Of a text that is read again, all may come out otherwise.
    again = other_length or any(part.part == "outline" for part in due)
    return work.up_to(work_of_text(len(chapter.source_text.split()), options)) if again else work


async def translate_calls(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, parts: Iterable[Part]
) -> int:
    """How often a writer is asked to translate, where these parts are brought up to date: once for a scene or more."""
    changing = {part.id for part in parts if part.due and (part.kind, part.part) == ("panel", "words")}
    calls = 0
    for language in options.translations:
        panels = await translations.worded(session, chapter.id, language)
        calls += sum(len(scene.parts) for scene in translations.due(chapter, language, panels, changing))
    return calls


async def _read(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, scene_id: UUID | None = None
) -> _Chapter:
    project = (await session.exec(select(Project).where(Project.id == chapter.project_id))).one()
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position))
    only: Sequence[UUID] | None = None
    if scene_id is not None:
        query = query.where(Scene.id == scene_id)
        only = (await session.exec(select(Panel.id).where(Panel.scene_id == scene_id))).all()
    shown = await of_chapter(session, chapter.project_id, chapter.id, only)
    by_panel: dict[UUID, list[Draft]] = {}
    tried = select(Draft).where(col(Draft.panel_id).in_([one.panel.id for one in shown])).order_by(col(Draft.ordinal))
    for draft in (await session.exec(tried)).all() if shown else []:
        by_panel.setdefault(draft.panel_id, []).append(draft)
    cast = await cast_of(session, chapter.project_id)
    draws = draws_of(artist_of(options).provider)
    shown = [_read_in(one, options) for one in shown]
    scenes = (await session.exec(query)).all()
    return _Chapter(
        places={
            place: looks_of(await place_of(session, chapter.project_id, place))
            for place in dict.fromkeys(one.place for one in scenes)
        },
        references={
            one.panel.id: references.taken(
                draws, await references.of_panel(session, one.panel, one.data, cast, [draws])
            )
            for one in shown
        },
        brought=await references.brought(session, [who.id for who in cast]),
        project=project,
        options=options,
        house=await house_of(session, chapter.project_id),
        rooms=_rooms(chapter, scenes, options),
        cast=cast,
        scenes=scenes,
        shown=shown,
        drafts=by_panel,
        scripted=chapter.script is not None,
        outlined=_outlined(chapter),
    )


async def _outline(chapter: Chapter, options: GenerationOptions) -> list[Part]:
    """What of the text is to be read. Which scenes will be others then, nobody knows before."""
    if chapter.script is not None:
        return []
    many = len(await asyncio.to_thread(unread, chapter, options))
    if chapter.outline:
        return [Part("chapter", chapter.id, "outline", State.STALE, ["text"])] * many
    return [Part("chapter", chapter.id, "outline", State.MISSING)] * many


def _rooms(chapter: Chapter, scenes: Sequence[Scene], options: GenerationOptions) -> dict[UUID, int | None]:
    """As an outline of the same text would hand them out for this order; as they are where scenes are not its own."""
    told = [scene for scene in scenes if scene.sentences]
    planned = sum(len(window["output"]["scenes"]) for window in chapter.outline.values())
    found = {scene.id: scene.max_panels for scene in scenes}
    if chapter.script is None and len(told) == planned:
        many = rooms([scene.sentences for scene in told], options.most_panels)
        found |= {scene.id: room for scene, room in zip(told, many, strict=True)}
    return found


def _outlined(chapter: Chapter) -> set[str]:
    windows = [window["output"]["characters"] for window in chapter.outline.values()]
    script = (chapter.script or {}).get("characters", [])
    return {who["name"] for who in (*(who for window in windows for who in window), *script)}


def _read_in(one: Shown, options: GenerationOptions) -> Shown:
    """A panel for pages that are read that way round: who speaks first stands first."""
    return replace(one, data=one.data.model_copy(update={"direction": options.direction}))


def _characters(rows: _Chapter) -> Iterable[Part]:
    """Those who appear: in the outline or the script, in scenes, or in panels."""
    names = {name.casefold() for name in rows.outlined}
    names |= {name.casefold() for scene in rows.scenes for name in scene.characters}
    names |= {name.casefold() for one in rows.shown for name in one.panel.characters}
    ordered = artist_of(rows.options)
    for who in rows.cast:
        if not names & {name.casefold() for name in (who.name, *who.aliases)}:
            continue
        if who.profile is None:
            yield Part("character", who.id, "profile", State.MISSING)
        if rows.options.until != "pages" or who.id in rows.brought:
            continue
        if who.sheet_image_id is None:
            yield Part("character", who.id, "sheet", State.MISSING)
            continue
        profile = worn(who.profile or Profile(name=who.name))
        inputs = sheet_inputs(profile, rows.project.style, ordered, rows.options.render, rows.house)
        if why := changed_sheet(who.sheet_basis, inputs, ordered.provider):
            yield Part("character", who.id, "sheet", State.STALE, why)


def _scene(rows: _Chapter, scene: Scene) -> Iterable[Part]:
    if rows.scripted:
        return
    summary = _judged(
        "scene",
        scene.id,
        "summary",
        there=bool(scene.summary),
        why=changed(scene.basis.get("summary"), summary_inputs(scene, rows.house)),
        kept="summary" in scene.manual_edits,
    )
    if summary is not None:
        yield summary
    panels = _judged(
        "scene",
        scene.id,
        "panels",
        there=scene.state == SceneState.DESCRIBED,
        why=changed(scene.basis.get("panels"), panels_inputs(scene, rows.rooms[scene.id], rows.house)),
        kept="panels" in scene.manual_edits,
        after="summary" if summary is not None and summary.due else "",
    )
    if panels is not None:
        yield panels


def _panel(rows: _Chapter, one: Shown, *, again: bool) -> Iterable[Part]:
    panel, scene = one.panel, one.scene
    above = "description" if again and "description" not in panel.manual_edits else ""
    words = _judged(
        "panel",
        panel.id,
        "words",
        there=panel.dialogue is not None,
        why=changed(
            panel.basis.get("words"), words_inputs(panel, scene.sentences[panel.first : panel.last + 1], rows.house)
        ),
        kept="words" in panel.manual_edits,
        after=above,
    )
    if words is not None:
        yield words
    prompt = _judged(
        "panel",
        panel.id,
        "prompt",
        there=panel.prompt is not None,
        why=changed(
            panel.basis.get("prompt"),
            prompt_inputs(
                panel,
                scene,
                one.data.characters,
                rows.project.style,
                rows.house,
                rows.places.get(scene.place, ""),
                standing([who.name for who in one.data.characters]),
            ),
        ),
        kept="prompt" in panel.manual_edits,
        after=above,
    )
    if prompt is not None:
        yield prompt
    if rows.options.until == "pages":
        yield from _picture(rows, one, again=prompt is not None and prompt.due)


def _picture(rows: _Chapter, one: Shown, *, again: bool) -> Iterable[Part]:
    panel, many = one.panel, rows.options.drafts
    ordered = artist_of(rows.options)
    inputs = picture_inputs(
        panel.prompt or "",
        panel.negative,
        one.data,
        ordered,
        rows.options.render,
        rows.options.format,
        rows.references.get(panel.id, []),
    )
    tried = [drafts.stands(draft, inputs, ordered.provider) for draft in rows.drafts.get(panel.id, [])]
    missing = many - len(drafts.kept(tried, panel.selected_draft_id, many))
    brought = one.draft is not None and one.draft.origin == DraftOrigin.UPLOADED
    if panel.state in (PanelState.DRAFTED, PanelState.FAILED) and one.image is not None and not (again or missing):
        # Its drafts are there, and nobody has chosen; or it failed after they were.
        yield Part("panel", panel.id, "picture", State.STALE, ["choice"])
    elif one.image is None:
        yield Part("panel", panel.id, "picture", State.MISSING, drafts=many if again else missing)
    elif brought:
        if again:
            yield Part("panel", panel.id, "picture", State.PROTECTED, ["prompt"])
    elif again:
        yield Part("panel", panel.id, "picture", State.AFFECTED, ["prompt"], drafts=many)
    elif missing:
        why = _why(one.draft, inputs, ordered.provider) or ["drafts"]
        yield Part("panel", panel.id, "picture", State.STALE, why, drafts=missing)


def _why(draft: Draft | None, inputs: Inputs, ordered: str) -> list[str]:
    return drafts.differs(draft, inputs, ordered) if draft is not None else []


async def _translation(
    session: AsyncSession, chapter: Chapter, language: str, changing: set[UUID | None]
) -> list[Part]:
    """What of the words is not translated, or not as the story has them now. The title is a part of its own."""
    panels = await translations.worded(session, chapter.id, language)
    found: list[Part] = []
    title = translations.title_state(chapter, language)
    if panels and title != translations.Standing.MADE:
        why = [] if title == translations.Standing.MISSING else ["title"]
        found.append(Part("translation", chapter.id, "title", State(title), why, language=language))
    for one in panels:
        id, state = one.panel.id, one.state
        if state != translations.Standing.MADE:
            why = [] if state == translations.Standing.MISSING else ["words"]
            found.append(Part("translation", id, "words", State(state), why, language=language))
        elif id in changing:
            follows = State.AFFECTED if one.follows(changing) else State.PROTECTED
            found.append(Part("translation", id, "words", follows, ["words"], language=language))
    return found


async def _composed(session: AsyncSession, chapter: Chapter, languages: Iterable[str]) -> dict[str, list[Page]]:
    """The pages that there are, in their order, by language."""
    found: dict[str, list[Page]] = {language: [] for language in languages}
    query = select(Page).where(Page.chapter_id == chapter.id, col(Page.language).in_(found)).order_by(col(Page.number))
    for page in (await session.exec(query)).all():
        found[page.language].append(page)
    return found


async def _pages(
    session: AsyncSession,
    chapter: Chapter,
    rows: _Chapter,
    layouts: list[Layout],
    before: Sequence[Page],
    due: set[UUID | None],
    language: str,
) -> list[Part]:
    """Pages whose panels are about to be others, and those that are not as their panels are now."""
    if not layouts:
        return []
    shown = rows.shown
    if language:
        layouts = carried([page.layout for page in before], layouts)
        shown = await translations.in_language(session, chapter.id, shown, language)
    by_id = {str(one.panel.id): one for one in shown}
    found: list[Part] = []
    pages = {page.number: page for page in before}
    words = language or await spoken(session, chapter.id, rows.options.language)
    for layout in layouts:
        number = layout.number
        page = pages.get(number)
        ids = layout.panel_ids
        key = page_key(layout, rows.options.direction, words, by_id)
        named: dict[str, Any] = {"number": number, "language": language}
        if page is None or page.image_id is None:
            found.append(Part("page", page.id if page else None, "page", State.MISSING, **named))
        elif {UUID(one) for one in ids} & due:
            found.append(Part("page", page.id, "page", State.AFFECTED, ["panels"], **named))
        elif page.made_from != key:
            found.append(Part("page", page.id, "page", State.STALE, ["panels"], **named))
        for part, why in moved_on(layout, by_id, rows.options).items():
            found.append(Part("page", page.id if page else None, part, State.PROTECTED, why, **named))
    return found


async def _exports(session: AsyncSession, chapter: Chapter, options: GenerationOptions, *, again: bool) -> list[Part]:
    """Files in the language that the options are for."""
    language = options.edition
    query = select(Export).where(Export.chapter_id == chapter.id, Export.language == language)
    there = (await session.exec(query)).all()
    if again:
        return [
            Part("export", export.id, export.format, State.AFFECTED, ["pages"], language=language) for export in there
        ]
    if not there:
        return []
    found = []
    plain = await books.of_one(session, chapter, options)
    for export in there:
        manner = books.manner_of(options.export, export, anew=False)
        book = books.bound_as(plain, options.model_copy(update={"export": manner}))
        if export.made_from != book.made_from(export.format):
            found.append(Part("export", export.id, export.format, State.STALE, ["pages"], language=language))
    return found


def _judged(
    kind: Kind, id: UUID, part: str, *, there: bool, why: list[str], kept: bool, after: str = ""
) -> Part | None:
    """A part, unless it is as it should be."""
    if not there:
        return None if kept else Part(kind, id, part, State.MISSING)
    if kept:
        return Part(kind, id, part, State.PROTECTED, why or [after]) if why or after else None
    if why:
        return Part(kind, id, part, State.STALE, why)
    return Part(kind, id, part, State.AFFECTED, [after]) if after else None
