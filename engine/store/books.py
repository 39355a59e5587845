"""Chapters and projects as books, read from the database with the storage keys of their pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid5

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.export import book as books
from engine.export.book import LONG_AGO, Book, BookPage, PanelPicture, PlacedPanel
from engine.export.provenance import (
    model_of_picture,
    notes_of,
    notes_together,
    origin_of_pages,
    origin_of_picture,
)
from engine.store.languages import chapter_language
from engine.store.panels import Shown, of_chapter
from engine.store.scripts import script_of
from engine.store.translations import in_language, title_in
from models.exports import ExportOptions
from models.lettering import PanelLettering
from models.options import GenerationOptions
from models.tables import Chapter, Export, Image, Page, Project


@dataclass(frozen=True)
class _Made:
    """How the pictures were made: by which artists and models, their origins, and the newest page's date."""

    artists: set[str]
    origins: set[str]
    models: dict[str, None]
    newest: datetime

    @classmethod
    def of(cls, shown: Iterable[Shown], pages: Iterable[Image | None]) -> "_Made":
        made = cls(set(), set(), {}, LONG_AGO)
        for draft in (one.draft for one in shown if one.draft is not None):
            made.artists.add(draft.provider)
            made.origins.add(origin_of_picture(draft.provider, draft.origin))
            if model := model_of_picture(draft.provider, draft.model, draft.origin):
                made.models[model] = None
        times = [image.created_at for image in pages if image is not None and image.created_at is not None]
        return replace(made, newest=max(times, default=LONG_AGO).astimezone(UTC))


def manner_of(asked: ExportOptions, there: Export | None, *, anew: bool) -> ExportOptions:
    """The options for building a file. A chapter's generation without export options keeps those of the existing
    file.
    """
    if anew or there is None or asked.manner != ExportOptions(language=asked.language):
        return asked.manner
    return there.options.model_copy(update={"language": asked.language})


async def chapter_book(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> Book:
    """The chapter as a book of its own."""
    project = (await session.exec(select(Project).where(Project.id == chapter.project_id))).one()
    book = await _book_of(session, chapter, options)
    book = replace(book, series=project.title, number=chapter.position + 1)
    return bound_as(book, options)


def bound_as(book: Book, options: GenerationOptions) -> Book:
    """The book of a chapter with other export options; its own texts are in the language of its words."""
    manner = _in(options, book.options.language)
    return replace(book, title=manner.title or book.chapters[0].title, options=manner)


def _known_by(id: UUID, edition: str) -> UUID:
    """The id of a book for readers: a translation has another one, so that it does not replace the original."""
    return uuid5(id, edition) if edition else id


def _in(options: GenerationOptions, language: str) -> ExportOptions:
    return options.export.model_copy(update={"language": language})


async def of_project(session: AsyncSession, project: Project, options: GenerationOptions) -> Book:
    """All chapters of a project, in order, as one book."""
    query = select(Chapter).where(Chapter.project_id == project.id).order_by(col(Chapter.position))
    parts = [await _book_of(session, chapter, options) for chapter in (await session.exec(query)).all()]
    chapters, first = [], 0
    for part in parts:
        chapters += [replace(begin, first=begin.first + first) for begin in part.chapters]
        first += len(part.pages)
    origins, languages = (
        {part.origin for part in parts},
        {part.options.language for part in parts},
    )
    return Book(
        id=_known_by(project.id, options.edition),
        title=options.export.title or project.title,
        direction=options.direction,
        format=options.format,
        pages=tuple(page for part in parts for page in part.pages),
        chapters=tuple(chapters),
        pictures=tuple(
            replace(picture, name=f"chapter-{number:0{max(2, len(str(len(parts))))}}-{picture.name}")
            for number, part in enumerate(parts, 1)
            for picture in part.pictures
        ),
        summary="" if options.edition else project.description,
        characters=_once(name for part in parts for name in part.characters),
        notes=notes_together(part.notes for part in parts),
        origin=origin_of_pages(origins),
        models=_once(model for part in parts for model in part.models),
        made_at=max((part.made_at for part in parts), default=LONG_AGO),
        options=_in(options, languages.pop() if len(languages) == 1 else ""),
    )


async def _book_of(session: AsyncSession, chapter: Chapter, options: GenerationOptions) -> Book:
    shown, title = await of_chapter(session, chapter.project_id, chapter.id), chapter.title
    if options.edition:
        shown = await in_language(session, chapter.id, shown, options.edition)
        there = title_in(chapter, options.edition)
        title = title if there is None else there.text
    query = (
        select(Page, Image)
        .join(Image, col(Image.id) == col(Page.image_id), isouter=True)
        .where(Page.chapter_id == chapter.id, Page.language == options.edition)
        .order_by(col(Page.number))
    )
    page_rows = (await session.exec(query)).all()
    by_id = {str(panel_shown.panel.id): panel_shown for panel_shown in shown}
    made = _Made.of(shown, (image for _, image in page_rows))
    script = await script_of(session, chapter, options, shown, title)
    return Book(
        id=_known_by(chapter.id, options.edition),
        title=title,
        direction=options.direction,
        format=options.format,
        pages=tuple(_page(page, image, by_id) for page, image in page_rows),
        chapters=(books.Chapter(title=title, first=0, script=script.script),),
        pictures=tuple(_pictures(shown)),
        # The summary is not translated.
        summary="" if options.edition else chapter.summary,
        characters=_once(who.name for panel_shown in shown for who in panel_shown.data.characters),
        notes=notes_of(made.artists),
        origin=origin_of_pages(made.origins),
        models=tuple(made.models),
        made_at=made.newest,
        options=_in(options, options.edition or await chapter_language(session, chapter.id, options.language)),
    )


def _page(page: Page, image: Image | None, shown: Mapping[str, Shown]) -> BookPage:
    layout = page.layout
    panels = [(cell, shown[cell.panel_id]) for cell in layout.cells if cell.panel_id in shown]
    lettering = {panel["panel_id"]: PanelLettering.model_validate(panel) for panel in page.lettering}
    return BookPage(
        width=layout.width,
        height=layout.height,
        key=image.key if image else "",
        sha256=image.sha256 if image else "",
        panels=tuple(
            PlacedPanel(
                x=cell.x,
                y=cell.y,
                width=cell.width,
                height=cell.height,
                description=panel.panel.description,
                words=_words(panel),
                picture=panel.image.key if panel.image else "",
                boxes=tuple(panel.boxes),
                lettering=lettering.get(cell.panel_id),
            )
            for cell, panel in panels
        ),
    )


def _words(panel: Shown) -> tuple[tuple[str, str], ...]:
    caption = [("", panel.data.caption)] if panel.data.caption.strip() else []
    return (*caption, *((line.speaker, line.text) for line in panel.data.dialogue))


def _pictures(shown: Sequence[Shown]) -> Iterable[PanelPicture]:
    # As many digits as the highest number has: readers of archives sort by name.
    scenes = _digits(panel.scene.position for panel in shown)
    panels = _digits(panel.panel.position for panel in shown)
    for panel in shown:
        if panel.image is None or panel.draft is None:
            continue
        place = f"scene-{panel.scene.position + 1:0{scenes}}-panel-{panel.panel.position + 1:0{panels}}"
        yield PanelPicture(
            name=f"{place}.{panel.image.key.rsplit('.', 1)[-1]}",
            key=panel.image.key,
            origin=origin_of_picture(panel.draft.provider, panel.draft.origin),
            model=model_of_picture(panel.draft.provider, panel.draft.model, panel.draft.origin),
        )


def _digits(positions: Iterable[int]) -> int:
    return max(2, len(str(max(positions, default=0) + 1)))


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
