"""Puts a chapter's files into the folder the user named: pages, exports, script with its pictures."""

import asyncio
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db import Database
from engine.errors import BadInput
from engine.export.book import Bound
from engine.export.signing import Signer
from engine.export.webtoon import build_slices
from engine.storage import Storage
from engine.storage.whole import write_whole
from engine.store import books
from engine.store.scope import Scope, get
from engine.store.scripts import tell
from inkloom.files import deliver_built, deliver_layers
from models.exports import ExportFormat
from models.options import GenerationOptions
from models.tables import Chapter, Draft, Export, Image, Panel, Scene
from models.tables.story import PanelState


@dataclass(frozen=True)
class Delivered:
    """Absolute paths of what was written; None for what was not built. `exports` has files by format, and as `webtoon`
    the folder of a strip's slices."""

    exports: Mapping[str, str] = field(default_factory=dict)
    script: str | None = None
    pages: tuple[str, ...] = ()
    drafts: str | None = None


def claim(folder: Path) -> Path:
    """The output folder, made and tried before any work is done; raises `BadInput`."""
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
    layered: bool = False,
    signer: Signer | None = None,
) -> Delivered:
    """Write what there is of the chapter. Every file appears whole; what others put into the folder stays."""
    async with database.session() as session:
        chapter = await get(session, Scope(project_id=project_id), Chapter, chapter_id)
        told = await tell(session, chapter, options)
        book = await books.of_one(session, chapter, options)
        exports = (await session.exec(select(Export).where(Export.chapter_id == chapter_id))).all()
        drafts = await _drafts(session, chapter_id)
    slug = slug_of(chapter.title)
    try:
        built = await deliver_built(storage, exports, folder, slug)
        if layered:
            built |= await deliver_layers(storage, book, folder, slug)
        composed = tuple(page for page in book.pages if page.key)
        paths = [folder / "pages" / f"{number:03}.png" for number in range(1, len(composed) + 1)]
        (folder / "pages").mkdir(exist_ok=True)
        for path, page in zip(paths, composed, strict=True):
            await storage.fetch(page.key, path)
        _drop_surplus(folder / "pages", [path.name for path in paths])
        if drafts:
            (folder / "drafts").mkdir(exist_ok=True)
            for name, key in drafts.items():
                await storage.fetch(key, folder / "drafts" / name)
        if (folder / "drafts").exists():
            _drop_surplus(folder / "drafts", list(drafts))
        if options.format == "webtoon" and paths:
            strip = Bound(replace(book, pages=composed), paths, signer=signer)
            await asyncio.to_thread(build_slices, strip, folder / "webtoon")
            built[ExportFormat.WEBTOON] = str(folder / "webtoon")
        script = None
        if told.script is not None:
            (folder / "images").mkdir(exist_ok=True)
            for name, key in told.pictures.items():
                await storage.fetch(key, folder / name)
            script = folder / "script.json"
            write_whole(script, told.script.model_dump_json(indent=2).encode(), replace=True)
    except OSError as error:
        raise BadInput(f"{folder} could not be written: {error.strerror or error}.") from error
    return Delivered(
        exports=built,
        script=str(script) if script else None,
        pages=tuple(str(path) for path in paths),
        drafts=str(folder / "drafts") if drafts else None,
    )


async def _drafts(session: AsyncSession, chapter_id: UUID) -> dict[str, str]:
    """The drafts of panels that wait for a choice: under which name each is put, and where it lies."""
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
    """A file name from a title, readable in any script and safe on any disk, which takes 255 bytes with all endings."""
    text = unicodedata.normalize("NFKC", title).casefold()
    short = re.sub(r"[^\w]+", "-", text).strip("-_")[:60]
    return short.encode("utf-8", "ignore")[:180].decode("utf-8", "ignore") or "chapter"


def _drop_surplus(folder: Path, written: Sequence[str]) -> None:
    """Pages of an earlier, longer version would be read as part of this one, and drafts that were chosen among as to be
    chosen still. Only what we wrote ourselves goes."""
    manifest = folder.with_suffix(".json")
    try:
        before = json.loads(manifest.read_text())
    except (FileNotFoundError, ValueError):
        before = []
    for name in before if isinstance(before, list) else []:
        if name not in written and re.fullmatch(r"[\w-]+\.(?:png|jpg|webp)", str(name)):
            (folder / str(name)).unlink(missing_ok=True)
    write_whole(manifest, json.dumps(list(written)).encode(), replace=True)
