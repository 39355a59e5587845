"""Project files: written for download, and their pictures taken out of an upload."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from api.http.deps import Resources
from api.http.downloads import as_download
from api.http.schemas import refusal
from engine.export.project_archive import Archive, Written, name_of
from engine.pictures.workshop import Opened
from models.bundle import Bundle, Picture
from models.tables import Image

# After this time, what an interrupted request left of a project is removed; no request takes this long.
UNFINISHED = timedelta(hours=6)


UNFIT = refusal(
    422,
    "bad-input",
    "The file is not an exported project.",
    "The file has no project.json: it is not an exported project.",
)


async def zipped(owned: Resources, bundle: Bundle, images: Mapping[str, Image], title: str) -> Response:
    """A project file as a download."""
    folder = TemporaryDirectory(prefix="inkloom-export-")
    try:
        path, picture = Path(folder.name) / "project.zip", Path(folder.name) / "picture"
        written = await run_in_threadpool(Written, path, bundle)
        for sha256, image in sorted(images.items()):
            await owned.storage.fetch(image.key, picture)
            await run_in_threadpool(written.picture, name_of(sha256, image.media_type), picture)
        await run_in_threadpool(written.close)
    except BaseException:
        folder.cleanup()
        raise
    headers = {
        "Content-Disposition": as_download(title, "inkloom.zip"),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return FileResponse(path, media_type="application/zip", headers=headers, background=BackgroundTask(folder.cleanup))


async def taken_out(owned: Resources, archive: Archive, picture: Picture, folder: Path) -> tuple[Path, Opened]:
    """A picture of the file, verified, and the path of the file to store, which contains nothing but pixels."""
    given, encoded = folder / picture.sha256, folder / f"{picture.sha256}-encoded"
    await run_in_threadpool(archive.picture, name_of(picture.sha256, picture.media_type), given, picture.sha256)
    opened = await owned.workshop.check(given, encoded)
    if opened.kept:
        return given, opened
    given.unlink()
    return encoded, opened
