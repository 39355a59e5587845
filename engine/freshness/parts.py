"""Which parts of a chapter are missing or stale, why, and what a generation would make again.

Nothing is marked when something changes: it is found by comparing, so nothing can be forgotten. What depends on a part
that will be made again is listed with it, for it will hardly come out the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import changed_sheet, picture_inputs, sheet_inputs
from engine.cast.outfits import attributes_in
from engine.freshness.chapter import ChapterRows, PanelRows, SceneRows, read
from engine.freshness.page_keys import laid_out, moved_on, page_key
from engine.pages.manual_layout import with_manual_lettering
from engine.providers.registry import artist_of
from engine.store import books, drafts, translations
from engine.store.languages import chapter_language
from engine.tasks import ALL
from engine.tasks.outline.windows import unread
from engine.verdict import PartState, Verdict, decide
from models.layout import Layout
from models.options import GenerationOptions
from models.story import Profile
from models.tables import Chapter, Export, Page
from models.tables.story import DraftOrigin, PanelState

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
class StalePart:
    """A part that is not up to date. `drafts` is how many pictures it takes."""

    kind: Kind
    id: UUID | None
    part: str
    state: State
    because: list[str] = field(default_factory=list)
    drafts: int = 0
    number: int | None = None
    # The language of a translation, and of its pages and files.
    language: str = ""

    @property
    def due(self) -> bool:
        """Whether bringing the chapter up to date makes it again."""
        return self.state != State.PROTECTED


async def stale_parts(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> list[StalePart]:
    """The parts of a chapter that a generation with these options would make, in the order in which it would."""
    return await parts_of(session, await read(session, chapter, options))


async def parts_of(session: AsyncSession, rows: ChapterRows) -> list[StalePart]:
    """The same, of rows that have been read."""
    return [*_outline(rows.chapter, rows.options), *await parts_below(session, rows)]


async def parts_below(session: AsyncSession, rows: ChapterRows) -> list[StalePart]:
    """The same without the outline, for which the text would have to be read."""
    chapter, options = rows.chapter, rows.options
    found = list(_characters(rows))
    for scene in rows.scenes:
        # What was left out when the chapter was condensed has no panels and gets none.
        if scene.panel_quota != 0:
            parts = list(_scene(rows, scene))
            found += parts
            again = any(part.due and part.part == "panels" for part in parts)
            for panel in scene.panels:
                found += _panel(rows, scene, panel, again=again)
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
        layouts = laid_out(rows.shown, options, [page.layout for page in there[""]]) if rows.shown else []
        for language, due in editions.items():
            pages = await _pages(session, rows, layouts, there[language], due, language)
            found += pages
            again = any(part.due for part in pages)
            found += await _exports(session, chapter, options.in_edition(language), again=again)
    return found


async def due_panels(session: AsyncSession, chapter: Chapter, scene_id: UUID, options: GenerationOptions) -> set[UUID]:
    """The panels of a scene, described before, in which a generation with these options has anything to do."""
    rows = await read(session, chapter, options, scene_id)
    return {
        panel.shown.panel.id
        for scene in rows.scenes
        for panel in scene.panels
        if any(part.due for part in _panel(rows, scene, panel, again=False))
    }


def _outline(chapter: Chapter, options: GenerationOptions) -> list[StalePart]:
    """The windows of the text that are still to be read, which is CPU work for a long text. Which scenes will change
    then is not known before.
    """
    if chapter.script is not None:
        return []
    windows = len(unread(chapter, options))
    if chapter.outline:
        return [StalePart("chapter", chapter.id, "outline", State.STALE, ["text"])] * windows
    return [StalePart("chapter", chapter.id, "outline", State.MISSING)] * windows


def _characters(rows: ChapterRows) -> Iterable[StalePart]:
    """The profiles and reference sheets of those who appear."""
    appearing = rows.appearing
    requested = artist_of(rows.options)
    for character in rows.cast:
        if not appearing & {name.casefold() for name in (character.name, *character.aliases)}:
            continue
        if character.profile is None:
            yield StalePart("character", character.id, "profile", State.MISSING)
        if rows.options.until != "pages" or character.id in rows.pictured:
            continue
        looks = attributes_in(character.profile or Profile(name=character.name))
        inputs = sheet_inputs(looks, rows.project.style, requested, rows.options.render, rows.instructions)
        verdict = decide(
            there=character.sheet_image_id is not None,
            manual=False,
            changed=changed_sheet(character.sheet_basis, inputs, requested.provider),
        )
        if part := _listed("character", character.id, "sheet", verdict):
            yield part


def _scene(rows: ChapterRows, scene: SceneRows) -> Iterable[StalePart]:
    if rows.chapter.script is not None:
        return
    source = rows.scene_source(scene)
    due: set[str] = set()
    for made in (task.of_scene for task in ALL.values() if task.of_scene):
        after = made.follows if made.follows in due else ""
        if part := _listed("scene", scene.scene.id, made.name, made.verdict(source), after):
            due |= {part.part} if part.due else set()
            yield part


def _panel(rows: ChapterRows, scene: SceneRows, panel: PanelRows, *, again: bool) -> Iterable[StalePart]:
    """`again`: its scene will be broken into panels again."""
    row = panel.shown.panel
    source = rows.panel_source(scene, panel.shown)
    due = {"panels"} if again else set()
    for made in (task.of_panel for task in ALL.values() if task.of_panel):
        above = made.follows_as or made.follows
        after = above if made.follows in due and above not in row.manual_edits else ""
        if part := _listed("panel", row.id, made.name, made.verdict(source), after):
            due |= {part.part} if part.due else set()
            yield part
    if rows.options.until == "pages":
        yield from _picture(rows, panel, again="prompt" in due)


def _picture(rows: ChapterRows, rows_of_panel: PanelRows, *, again: bool) -> Iterable[StalePart]:
    """`again`: its prompt will be written again."""
    shown, count = rows_of_panel.shown, rows.options.drafts
    panel, draft = shown.panel, shown.draft
    requested = artist_of(rows.options)
    inputs = picture_inputs(
        panel.prompt or "",
        panel.negative,
        shown.data,
        requested,
        rows.options.render,
        rows.options.format,
        rows_of_panel.references,
    )
    standing = [drafts.standing_of(tried, inputs, requested.provider) for tried in rows_of_panel.drafts]
    missing = count - len(drafts.counting_drafts(standing, panel.selected_draft_id, count))
    if panel.state in (PanelState.DRAFTED, PanelState.FAILED) and shown.image is not None and not (again or missing):
        # Its drafts are there, and none has been chosen; or it failed after they were.
        yield StalePart("panel", panel.id, "picture", State.STALE, ["choice"])
    elif shown.image is None:
        yield StalePart("panel", panel.id, "picture", State.MISSING, drafts=count if again else missing)
    elif draft is not None and draft.origin == DraftOrigin.UPLOADED:
        if again:
            yield StalePart("panel", panel.id, "picture", State.PROTECTED, ["prompt"])
    elif again:
        yield StalePart("panel", panel.id, "picture", State.AFFECTED, ["prompt"], drafts=count)
    elif missing:
        why = drafts.differs(draft, inputs, requested.provider) if draft is not None else []
        yield StalePart("panel", panel.id, "picture", State.STALE, why or ["drafts"], drafts=missing)


async def _translation(
    session: AsyncSession, chapter: Chapter, language: str, changing: set[UUID | None]
) -> list[StalePart]:
    """Words that are not translated, or changed since they were. The title is a part of its own."""
    panels = await translations.panels_with_words(session, chapter.id, language)
    found: list[StalePart] = []
    title = translations.title_state(chapter, language)
    if panels and title != translations.Standing.MADE:
        why = [] if title == translations.Standing.MISSING else ["title"]
        found.append(StalePart("translation", chapter.id, "title", State(title), why, language=language))
    for worded in panels:
        id, state = worded.panel.id, worded.state
        if state != translations.Standing.MADE:
            why = [] if state == translations.Standing.MISSING else ["words"]
            found.append(StalePart("translation", id, "words", State(state), why, language=language))
        elif id in changing:
            again = State.AFFECTED if worded.follows(changing) else State.PROTECTED
            found.append(StalePart("translation", id, "words", again, ["words"], language=language))
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
    rows: ChapterRows,
    layouts: list[Layout],
    before: Sequence[Page],
    due: set[UUID | None],
    language: str,
) -> list[StalePart]:
    """Pages whose panels will be made again, and those that differ from what their panels are now."""
    if not layouts:
        return []
    shown = rows.shown
    if language:
        layouts = with_manual_lettering([page.layout for page in before], layouts)
        shown = await translations.in_language(session, rows.chapter.id, shown, language)
    by_id = {str(panel.panel.id): panel for panel in shown}
    found: list[StalePart] = []
    pages = {page.number: page for page in before}
    words = language or await chapter_language(session, rows.chapter.id, rows.options.language)
    for layout in layouts:
        number = layout.number
        page = pages.get(number)
        key = page_key(layout, rows.options.direction, words, by_id)
        named: dict[str, Any] = {"number": number, "language": language}
        if page is None or page.image_id is None:
            found.append(StalePart("page", page.id if page else None, "page", State.MISSING, **named))
        elif set(map(UUID, layout.panel_ids)) & due:
            found.append(StalePart("page", page.id, "page", State.AFFECTED, ["panels"], **named))
        elif page.made_from != key:
            found.append(StalePart("page", page.id, "page", State.STALE, ["panels"], **named))
        for part, why in moved_on(layout, by_id, rows.options).items():
            found.append(StalePart("page", page.id if page else None, part, State.PROTECTED, why, **named))
    return found


async def _exports(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, *, again: bool
) -> list[StalePart]:
    """Files in the language that the options are for."""
    language = options.edition
    query = select(Export).where(Export.chapter_id == chapter.id, Export.language == language)
    there = (await session.exec(query)).all()
    if again:
        return [
            StalePart("export", export.id, export.format, State.AFFECTED, ["pages"], language=language)
            for export in there
        ]
    if not there:
        return []
    found = []
    plain = await books.chapter_book(session, chapter, options)
    for export in there:
        manner = books.manner_of(options.export, export, anew=False)
        book = books.bound_as(plain, options.model_copy(update={"export": manner}))
        if export.made_from != book.made_from(export.format):
            found.append(StalePart("export", export.id, export.format, State.STALE, ["pages"], language=language))
    return found


def _listed(kind: Kind, id: UUID, part: str, verdict: Verdict, after: str = "") -> StalePart | None:
    """A part by its verdict, and by the part that it follows if that is made again; None if it is up to date."""
    why = verdict.changed or [after] * bool(after)
    match verdict.state:
        case PartState.MISSING:
            return StalePart(kind, id, part, State.MISSING)
        case PartState.STALE:
            return StalePart(kind, id, part, State.STALE, why)
        case PartState.MANUAL if why:
            return StalePart(kind, id, part, State.PROTECTED, why)
        case PartState.CURRENT if why:
            return StalePart(kind, id, part, State.AFFECTED, why)
    return None
