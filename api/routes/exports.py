"""Downloads of built files, of chapters and of whole projects."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from sqlmodel import col, select
from starlette.background import BackgroundTask

from api.http.deps import Owned, Resources, Scoped, Session
from api.http.downloads import as_download
from api.http.params import Edition
from api.http.schemas import CONFLICT, NOT_FOUND, file_of
from api.http.storage_links import LINK_SECONDS, LinkSeconds, StorageLink, link_to
from engine.errors import NotFound
from engine.store import rows
from engine.store.translations import title_in
from models.exports import MEDIA_TYPES, SUFFIXES, ExportFormat
from models.tables import Chapter, Export, Project

router = APIRouter(tags=["chapters"])

_FILES = {200: file_of(*dict.fromkeys(MEDIA_TYPES.values())), **NOT_FOUND}


@router.get(
    "/chapters/{chapter_id}/exports/{format}",
    summary="Download a built file",
    # Clients know it by this name.
    operation_id="chapters_export",
    response_class=Response,
    responses=_FILES,
)
async def export(
    chapter_id: UUID, format: ExportFormat, session: Session, scope: Scoped, owned: Owned, language: Edition = ""
) -> Response:
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    found = await _of_chapter(session, chapter_id, format, language)
    title = title_in(chapter, language)
    return await _download(owned, found, chapter.title if title is None else title.text)


@router.get(
    "/projects/{project_id}/exports/{format}",
    summary="Download a file built from all chapters",
    response_class=Response,
    responses=_FILES,
)
async def whole(
    project_id: UUID, format: ExportFormat, session: Session, scope: Scoped, owned: Owned, language: Edition = ""
) -> Response:
    """Built by a generation of kind export whose target is the project. To download the project itself for import
    elsewhere, use `GET projects/{id}/export`.
    """
    project = await rows.get(session, scope, Project, project_id)
    found = await _of_project(session, project_id, format, language)
    return await _download(owned, found, project.title)


@router.get(
    "/chapters/{chapter_id}/exports/{format}/link",
    summary="Get a link to a built file in storage",
    responses={**NOT_FOUND, **CONFLICT},
)
async def export_link(
    chapter_id: UUID,
    format: ExportFormat,
    session: Session,
    scope: Scoped,
    owned: Owned,
    language: Edition = "",
    seconds: LinkSeconds = LINK_SECONDS,
) -> StorageLink:
    """Only if files are stored in S3, and are not being moved; otherwise 409, and you download the file here."""
    await rows.get(session, scope, Chapter, chapter_id)
    return await link_to(owned.storage, (await _of_chapter(session, chapter_id, format, language)).key, seconds)


@router.get(
    "/projects/{project_id}/exports/{format}/link",
    summary="Get a link to a file built from all chapters in storage",
    responses={**NOT_FOUND, **CONFLICT},
)
async def whole_link(
    project_id: UUID,
    format: ExportFormat,
    session: Session,
    scope: Scoped,
    owned: Owned,
    language: Edition = "",
    seconds: LinkSeconds = LINK_SECONDS,
) -> StorageLink:
    """Only if files are stored in S3, and are not being moved; otherwise 409, and you download the file here."""
    await rows.get(session, scope, Project, project_id)
    return await link_to(owned.storage, (await _of_project(session, project_id, format, language)).key, seconds)


async def _of_chapter(session: Session, chapter_id: UUID, format: ExportFormat, language: str) -> Export:
    query = select(Export).where(Export.chapter_id == chapter_id, Export.format == format, Export.language == language)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound(f"This chapter has no {_called(format, language)}.")
    return found


async def _of_project(session: Session, project_id: UUID, format: ExportFormat, language: str) -> Export:
    query = select(Export).where(
        Export.project_id == project_id,
        Export.format == format,
        Export.language == language,
        col(Export.chapter_id).is_(None),
    )
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound(f"This project has no {_called(format, language)}.")
    return found


def _suffix(found: Export) -> str:
    """The end of the file's name: the editions of a chapter lie side by side in a folder."""
    suffix = SUFFIXES[found.format]
    return f"{found.language}.{suffix}" if found.language else suffix


def _called(format: ExportFormat, language: str) -> str:
    """What is missing, and how to get it built."""
    if language:
        return f"{format} in {language} yet. Request it with this language among its translations, then export it"
    return f"{format} yet. Request a generation of kind export to build it"


async def _download(owned: Resources, found: Export, title: str) -> Response:
    """Through a file on disk: a long book does not fit into memory once per download."""
    format = found.format
    folder = TemporaryDirectory(prefix="inkloom-download-")
    try:
        path = Path(folder.name) / "file"
        await owned.storage.fetch(found.key, path)
    except BaseException:
        folder.cleanup()
        raise
    headers = {
        "Content-Disposition": as_download(title or "chapter", _suffix(found)),
        "ETag": f'"{found.sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(
        path, media_type=MEDIA_TYPES[format], headers=headers, background=BackgroundTask(folder.cleanup)
    )
