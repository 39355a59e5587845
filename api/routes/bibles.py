"""The series bible: what all books of a series share and what happened so far, carried from one project to another."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.concurrency import run_in_threadpool

from api.http.apart import read_apart
from api.http.deps import Editing, Owned, Resources, Scoped, Session
from api.http.multipart import form, sent
from api.http.schemas import CONFLICT, NOT_FOUND, file_of
from api.project_archives import UNFINISHED, UNFIT, taken_out, zipped
from engine.errors import BadInput
from engine.export.project_archive import Archive, bundle_in
from engine.pictures.workshop import Opened
from engine.store import bibles, removals, rows, uploads
from engine.store import images as pictures
from engine.store.images import StoredPicture
from engine.store.scope import Scope
from models.bible import Bible
from models.bundle import Bundle, Picture
from models.tables import Project

router = APIRouter(tags=["bible"])

Replace = Annotated[bool, Query(description="replace what has the same name in the project; default: keep it")]
_LOOKS: dict[str, Any] = {
    "name": "Mara",
    "aliases": ["the keeper"],
    "role": "keeper of the lamp",
    "age": "about thirty",
    "build": "small, quick",
    "hair": "short, black",
    "face": "freckles",
    "clothes": "a blue oilskin",
    "props": ["two keys"],
    "colours": ["blue", "brass"],
    "outfits": [],
}
_BIBLE: dict[str, Any] = {
    "format": "inkloom-bible",
    "version": 1,
    "title": "The Clock That Waited",
    "style": "ink and wash",
    "instructions": [{"kind": "tone", "body": "Quiet and dry; nobody explains a joke."}],
    "characters": [{"name": "Mara", "aliases": ["the keeper"], "profile": _LOOKS}],
    "locations": [{"name": "the quay", "description": "wet stones, a crane, gulls"}],
    "chapters": [{"title": "One", "summary": "Mara lights a lamp.", "threads": ["Who has taken the boat?"]}],
}
_PART: dict[str, Any] = {
    "characters": ["Mara"],
    "locations": ["the quay"],
    "instructions": 1,
    "chapters": 12,
    "style": True,
}
_NOTHING: dict[str, Any] = {"characters": [], "locations": [], "instructions": 0, "chapters": 0, "style": False}


class SeriesBible(Bible):
    """`chapters` are those of all books so far, the first one first; a project that imports the bible begins after
    them.

    Download the bible as a file to include reference sheets and pictures.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_BIBLE]})


class Part(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_PART]})

    characters: list[str] = Field(description="names")
    locations: list[str] = Field(description="names")
    instructions: int = Field(description="their number")
    chapters: int = Field(description="the number of chapters so far")
    style: bool


class TakenOut(BaseModel):
    """What was done with a bible's parts. `kept` lists what the project already had and keeps."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"added": _PART, "replaced": _NOTHING, "kept": {**_NOTHING, "characters": ["Joss"]}}]
        }
    )

    added: Part
    replaced: Part
    kept: Part


@router.get("/projects/{project_id}/bible", summary="Read the series bible", responses=NOT_FOUND)
async def read(project_id: UUID, session: Session, scope: Scoped) -> SeriesBible:
    """Returns style, instructions, cast and locations of the project, and what its chapters tell and leave open, in
    order, after the chapters of earlier books.
    """
    project = await rows.get(session, scope, Project, project_id)
    bundle, _ = await bibles.gather(session, project)
    return SeriesBible.of(bundle)


@router.post(
    "/projects/{project_id}/bible", summary="Import a series bible into a project", responses={**NOT_FOUND, **CONFLICT}
)
async def take(
    project_id: UUID, body: SeriesBible, session: Session, scope: Editing, replace: Replace = False
) -> TakenOut:
    """Leaves the project's chapters unchanged. Its first chapter is given what the bible's chapters tell, as what came
    before it. Refused while a generation is running in the project.
    """
    taken = await bibles.import_bible(session, scope, project_id, body.as_bundle(), replace=replace)
    return TakenOut.model_validate(asdict(taken))


@router.get(
    "/projects/{project_id}/bible/file",
    summary="Download the series bible with pictures",
    response_class=Response,
    responses={200: file_of("application/zip"), **NOT_FOUND},
)
async def export(project_id: UUID, owned: Owned, scope: Scoped) -> Response:
    """Contains reference sheets and reference pictures: a project file without chapters. `POST projects/import` makes a
    new project of it, which begins where this one ends.
    """
    async with owned.database.session() as session:
        project = await rows.get(session, scope, Project, project_id)
        bundle, images = await bibles.gather(session, project)
    return await zipped(owned, bundle, images, f"{project.title} (bible)")


@router.post(
    "/projects/{project_id}/bible/file",
    summary="Import a series bible with pictures into a project",
    responses={**NOT_FOUND, **CONFLICT, **UNFIT},
    openapi_extra=form(),
)
async def take_file(
    project_id: UUID, request: Request, owned: Owned, scope: Editing, replace: Replace = False
) -> TakenOut:
    """The same as without pictures; every picture is verified. The file of a whole project is refused. Imports
    everything or nothing.
    """
    async with owned.database.session() as session:
        await rows.get(session, scope, Project, project_id)
    async with sent(request) as file:
        archive = await run_in_threadpool(Archive, file.path, owned.settings.max_import_bytes)
        try:
            bundle = await read_apart(bundle_in, file.path, owned.settings.max_import_bytes, what="The file")
            if bundle.chapters:
                raise BadInput("The file is a whole project, not a bible: it has chapters.")
            found = [(one, *await taken_out(owned, archive, one, file.path.parent)) for one in bundle.pictures]
            return await _with_pictures(owned, scope, project_id, bundle, found, replace=replace)
        finally:
            await run_in_threadpool(archive.close)


async def _with_pictures(
    owned: Resources,
    scope: Scope,
    project_id: UUID,
    bundle: Bundle,
    found: Sequence[tuple[Picture, Path, Opened]],
    *,
    replace: bool,
) -> TakenOut:
    """Store the pictures and write the rows in one transaction. A removal is requested first, in case the request
    breaks off.
    """
    stored: list[StoredPicture] = []
    for _, path, opened in found:
        data = await run_in_threadpool(path.read_bytes)
        stored.append(StoredPicture(project_id, data, opened.media_type, opened.width, opened.height))
    async with owned.database.session() as session:
        keys = [picture.key for picture in stored]
        removal = await removals.schedule(session, project_id, UNFINISHED, keys=keys)
    async with owned.database.session() as session:
        await removals.storing(session, project_id)
        images: dict[str, UUID] = {}
        for (bundled, path, _), picture in zip(found, stored, strict=True):
            await owned.storage.put(picture.key, await run_in_threadpool(path.read_bytes))
            images[bundled.sha256] = await _row(session, project_id, bundled, picture)
        taken = await bibles.import_bible(session, scope, project_id, bundle, replace=replace, images=images)
        await removals.cancel(session, removal)
    return TakenOut.model_validate(asdict(taken))


async def _row(session: AsyncSession, project_id: UUID, bundled: Picture, picture: StoredPicture) -> UUID:
    if bundled.origin == "uploaded":
        image, _ = await uploads.add(session, project_id, picture, bundled.name)
        return image.id
    boxes = [box.model_dump(mode="json") for box in bundled.boxes]
    return await pictures.record_picture(session, project_id, picture, boxes=boxes, parameters=bundled.parameters)
