"""Whole projects: copied, exported as one file, and imported."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.http.apart import read_apart
from api.http.deps import Owned, Resources, Scoped
from api.http.multipart import form, sent
from api.http.schemas import NOT_FOUND, file_of
from api.project_archives import UNFINISHED, UNFIT, taken_out, zipped
from api.shapes.projects import ProjectOut
from engine.errors import Forbidden
from engine.export.project_archive import Archive, bundle_in
from engine.storage.keys import project_prefix
from engine.store import bundles, removals, rows
from engine.store.bundles import Kept
from engine.store.images import StoredPicture
from engine.store.scope import Scope
from models.bundle import Bundle
from models.ids import new_id
from models.tables import Image, Project

router = APIRouter(tags=["projects"])

AT_A_TIME = 4


# Stores a project's pictures, given its ID.
Bring = Callable[[UUID], Awaitable[dict[str, Kept]]]


@router.post("/projects/{project_id}/copy", status_code=201, summary="Copy a project", responses=NOT_FOUND)
async def copy(project_id: UUID, owned: Owned, scope: Scoped, response: Response) -> ProjectOut:
    """The copy belongs to my account. It has the story, cast, panels and pictures, but no members, generations, costs
    or comments.
    """
    _makes_projects(scope)
    async with owned.database.session() as session:
        project = await rows.get(session, scope, Project, project_id)
        bundle, images = await bundles.gather(session, project)

    async def bring(new: UUID) -> dict[str, Kept]:
        async def one(image: Image) -> Kept:
            data = await owned.storage.get(image.key)
            picture = StoredPicture(new, data, image.media_type, image.width, image.height)
            await owned.storage.put(picture.key, data)
            return Kept(**vars(picture))

        return dict(zip(images, await _side_by_side(one, list(images.values())), strict=True))

    return await _new(owned, scope.actor, bundle, bring, response)


@router.get(
    "/projects/{project_id}/export",
    summary="Download a project as one file",
    response_class=Response,
    responses={200: file_of("application/zip"), **NOT_FOUND},
)
async def export(project_id: UUID, owned: Owned, scope: Scoped) -> Response:
    """Returns a zip that `POST projects/import` takes, here or elsewhere. The same project gives the same file, byte
    for byte.
    """
    async with owned.database.session() as session:
        project = await rows.get(session, scope, Project, project_id)
        bundle, images = await bundles.gather(session, project)
    return await zipped(owned, bundle, images, project.title)


@router.post(
    "/projects/import",
    status_code=201,
    summary="Create a project from an exported file",
    responses=UNFIT,
    openapi_extra=form(),
)
async def take(request: Request, owned: Owned, scope: Scoped, response: Response) -> ProjectOut:
    """Imports everything or nothing. Verifies every picture, and encodes those again that contain more than pixels."""
    _makes_projects(scope)
    async with sent(request) as file:
        archive = await run_in_threadpool(Archive, file.path, owned.settings.max_import_bytes)
        try:
            bundle = await read_apart(bundle_in, file.path, owned.settings.max_import_bytes, what="The file")

            async def bring(new: UUID) -> dict[str, Kept]:
                kept: dict[str, Kept] = {}
                for picture in bundle.pictures:
                    path, opened = await taken_out(owned, archive, picture, file.path.parent)
                    data = await run_in_threadpool(path.read_bytes)
                    path.unlink()
                    stored = StoredPicture(new, data, opened.media_type, opened.width, opened.height)
                    await owned.storage.put(stored.key, data)
                    kept[picture.sha256] = Kept(**vars(stored))
                return kept

            return await _new(owned, scope.actor, bundle, bring, response)
        finally:
            await run_in_threadpool(archive.close)


def _makes_projects(scope: Scope) -> None:
    if scope.project_id is not None:
        raise Forbidden("This token can access one project only.")


async def _new(owned: Resources, owner_id: UUID, bundle: Bundle, bring: Bring, response: Response) -> ProjectOut:
    """A new project. Its removal is requested before anything is stored, and withdrawn with the rows."""
    project_id = new_id()
    async with owned.database.session() as session:
        removal = await removals.schedule(session, project_id, UNFINISHED, whole=True)
    try:
        kept = await bring(project_id)
        async with owned.database.session() as session:
            project = await bundles.create_project(session, owner_id, project_id, bundle, kept)
            await removals.cancel(session, removal)
            answer = ProjectOut.model_validate(project)
    except Exception:
        await owned.storage.delete_under(project_prefix(project_id))
        raise
    response.headers["Location"] = f"/api/v1/projects/{project_id}"
    return answer


async def _side_by_side(one: Callable[[Any], Awaitable[Kept]], many: list[Any]) -> list[Kept]:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def gated(item: Any) -> Kept:
        async with gate:
            return await one(item)

    return await asyncio.gather(*(gated(item) for item in many))
