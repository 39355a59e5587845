"""Writes a chapter's files to the user's output folder: pages, exports, and the script with its pictures."""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Database
from engine.errors import BadInput
from engine.export.book import Bound
from engine.export.signing import Signer
from engine.export.webtoon import build_slices
from engine.normal_form import normal_form
from engine.storage import Storage
from engine.storage.atomic import write_whole
from engine.store import books, translator
from engine.store.rows import get
from engine.store.scope import Scope
from engine.store.scripts import script_of
from models.exports import SUFFIXES, ExportFormat
from models.options import GenerationOptions
from models.tables import Chapter, Draft, Export, Image, Page, Panel, Scene
from models.tables.story import PanelState
from models.translation import TranslationFile

# The file that a translator fills in.
WORDS = "translation.json"


@dataclass(frozen=True)
class Delivered:
    """Absolute paths of the written files; None for what was not built. `exports` has files by format, and the folder
    of a strip's slices as `webtoon`.
    """

    exports: Mapping[str, str] = field(default_factory=dict)
    script: str | None = None
    pages: tuple[str, ...] = ()
    drafts: str | None = None
    # For a translation: the file that a translator fills in.
    words: str | None = None
    translations: Mapping[str, "Delivered"] = field(default_factory=dict)


def claim(folder: Path) -> Path:
    """Create the output folder and try to write, before any work is done; raises `BadInput`."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / ".inkloom-write-test"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise BadInput(
            f"Nothing can be written to {folder}: {error.strerror or error}. Name another folder with --out."
        ) from error
    return folder


async def deliver(
    database: Database,
    storage: Storage,
    project_id: UUID,
    chapter_id: UUID,
    options: GenerationOptions,
    folder: Path,
    *,
    signer: Signer | None = None,
) -> Delivered:
    """Write the files of the chapter, each of its translations into a folder of its own.

    Every file appears whole; other files in the folders stay.
    """
    async with database.session() as session:
        chapter = await get(session, Scope(project_id=project_id), Chapter, chapter_id)
        scripted = await script_of(session, chapter, options.in_edition(""))
        drafts = await _drafts(session, chapter_id)
        there = select(Page.language).where(Page.chapter_id == chapter_id, Page.language != "").distinct()
        languages = sorted((await session.exec(there)).all())
        words = {language: await translator.file_of(session, chapter, language) for language in languages}
    try:
        own = await _edition(database, storage, chapter, options.in_edition(""), folder, signer)
        editions = {}
        for language in languages:
            place = folder / language
            place.mkdir(exist_ok=True)
            write_words(place, words[language])
            editions[language] = await _edition(database, storage, chapter, options.in_edition(language), place, signer)
        if drafts:
            (folder / "drafts").mkdir(exist_ok=True)
            for name, key in drafts.items():
                await storage.fetch(key, folder / "drafts" / name)
        if (folder / "drafts").exists():
            _drop_surplus(folder / "drafts", list(drafts))
        script = None
        if scripted.script is not None:
            (folder / "images").mkdir(exist_ok=True)
            for name, key in scripted.pictures.items():
                await storage.fetch(key, folder / name)
            script = folder / "script.json"
            write_whole(script, scripted.script.model_dump_json(indent=2).encode(), replace=True)
    except OSError as error:
        raise BadInput(f"{folder} could not be written: {error.strerror or error}.") from error
    return replace(
        own,
        script=str(script) if script else None,
        drafts=str(folder / "drafts") if drafts else None,
        translations=editions,
    )


def write_words(folder: Path, words: TranslationFile) -> Path:
    """Write the chapter's words beside their translation, for a translator. Returns the file's path."""
    path = folder / WORDS
    write_whole(path, words.model_dump_json(indent=2).encode(), replace=True)
    return path


async def deliver_built(storage: Storage, exports: Sequence[Export], folder: Path, slug: str) -> dict[str, str]:
    """Write built files, each whole; returns their paths by format."""
    paths = {one.format: folder / f"{slug}.{SUFFIXES[one.format]}" for one in exports}
    for one in exports:
        await storage.fetch(one.key, paths[one.format])
    return {format: str(path) for format, path in paths.items()}


async def _edition(
    database: Database,
    storage: Storage,
    chapter: Chapter,
    options: GenerationOptions,
    folder: Path,
    signer: Signer | None,
) -> Delivered:
    """Pages and files in one language."""
    async with database.session() as session:
        book = await books.chapter_book(session, chapter, options)
        query = select(Export).where(Export.chapter_id == chapter.id, Export.language == options.edition)
        exports = (await session.exec(query)).all()
    slug = slug_of(book.title if options.edition else chapter.title)
    built = await deliver_built(storage, exports, folder, slug)
    composed = tuple(page for page in book.pages if page.key)
    paths = [folder / "pages" / f"{number:03}.png" for number in range(1, len(composed) + 1)]
    (folder / "pages").mkdir(exist_ok=True)
    for path, page in zip(paths, composed, strict=True):
        await storage.fetch(page.key, path)
    _drop_surplus(folder / "pages", [path.name for path in paths])
    if options.format == "webtoon" and paths:
        strip = Bound(replace(book, pages=composed), paths, signer=signer)
        await asyncio.to_thread(build_slices, strip, folder / "webtoon")
        built[ExportFormat.WEBTOON] = str(folder / "webtoon")
    return Delivered(
        exports=built,
        pages=tuple(str(path) for path in paths),
        words=str(folder / WORDS) if options.edition else None,
    )


async def _drafts(session: AsyncSession, chapter_id: UUID) -> dict[str, str]:
    """The drafts of panels that wait for a selection: file name and path of each."""
    query = (
        select(Scene.position, Panel.position, Draft.ordinal, Image.key)
        .join(Panel, col(Panel.scene_id) == col(Scene.id))
        .join(Draft, col(Draft.panel_id) == col(Panel.id))
        .join(Image, col(Image.id) == col(Draft.image_id))
        .where(Scene.chapter_id == chapter_id, Panel.state == PanelState.DRAFTED)
    )
    return {
        f"scene-{scene + 1:02}-panel-{panel + 1:02}-draft-{ordinal}.{key.rsplit('.', 1)[-1]}": key
        for scene, panel, ordinal, key in (await session.exec(query)).all()
    }


def slug_of(title: str) -> str:
    """A file name from a title, readable in any script and safe on any disk; with all suffixes it fits into 255
    bytes.
    """
    text = normal_form(title, "NFKC").casefold()
    short = re.sub(r"[^\w]+", "-", text).strip("-_")[:60]
    return short.encode("utf-8", "ignore")[:180].decode("utf-8", "ignore") or "chapter"


def _drop_surplus(folder: Path, written: Sequence[str]) -> None:
    """Remove pages of an earlier, longer version, and drafts that are no longer to be chosen from. Removes only files
    that Inkloom wrote.
    """
    manifest = folder.with_suffix(".json")
    try:
        before = json.loads(manifest.read_text())
    except (FileNotFoundError, ValueError):
        before = []
    for name in before if isinstance(before, list) else []:
        if name not in written and re.fullmatch(r"[\w-]+\.(?:png|jpg|webp)", str(name)):
            (folder / str(name)).unlink(missing_ok=True)
    write_whole(manifest, json.dumps(list(written)).encode(), replace=True)
