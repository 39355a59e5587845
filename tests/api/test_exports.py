"""Files on demand: ordered by format, of a chapter or of a whole project, built as asked and served."""

import io
import json
import zipfile
from typing import Any

import pytest
from httpx2 import AsyncClient
from pypdf import PdfReader

from models.exports import MEDIA_TYPES, SUFFIXES, ExportFormat
from tests.api.conftest import Crew, Json, ended, new_chapter, problem, refused
from tests.api.directed import Directed, finished_chapter

pytestmark = pytest.mark.workflow

SHORT = 'The kitchen was dark. Mara lit a lamp.\n\n"Take the small one," said Mara.'
CREDITS = [{"role": "writer", "name": "Ada / <b> 🎉"}]
MANNER = {"credits": CREDITS, "title_page": True, "title": "Ink"}


async def export(api: AsyncClient, target: str, formats: list[str] | None = None, **how: Any) -> Json:
    """Order files and wait for them."""
    body: Json = {"kind": "export", "target_ids": [target], "options": {"export": how}}
    if formats is not None:
        body["formats"] = formats
    answer = await api.post("/api/v1/generations", json=body)
    assert answer.status_code == 202, answer.text
    return await ended(api, answer.json()["id"])


async def built(api: AsyncClient, generation: Json) -> list[str]:
    """Which files the generation built, from its events, whose progress never goes back."""
    events = (await api.get(f"/api/v1/generations/{generation['id']}/events")).json()["items"]
    progress = [event["data"]["progress"] for event in events]
    assert progress == sorted(progress)
    return sorted(event["data"]["format"] for event in events if event["type"] == "export.built")


async def download(api: AsyncClient, path: str, format: str) -> bytes:
    answer = await api.get(f"/api/v1/{path}/exports/{format}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].partition(";")[0] == MEDIA_TYPES[ExportFormat(format)]
    assert answer.headers["Content-Disposition"].endswith(f'.{SUFFIXES[ExportFormat(format)]}"')
    return answer.content


async def test_every_format_is_built_on_demand(api: AsyncClient, crew: Crew) -> None:
    """As it is ordered; ordered again, nothing is built, for nothing has changed."""
    async with finished_chapter(api, crew, SHORT) as directed:
        path = f"chapters/{directed.chapter_id}"
        done = await export(api, directed.chapter_id, list(ExportFormat), **MANNER)
        assert (done["status"], done["progress"]) == ("completed", 1.0)
        assert await built(api, done) == sorted(ExportFormat)
        files = {format: await download(api, path, format) for format in ExportFormat}
        reader = PdfReader(io.BytesIO(files[ExportFormat.PDF]))
        assert reader.metadata is not None
        assert (reader.metadata.title, reader.metadata.author) == ("Ink", "Ada / <b> 🎉 (writer)")
        pages = (await directed.get(f"/chapters/{directed.chapter_id}/pages"))["items"]
        assert len(reader.pages) == len(pages) + 1
        assert "Take the small one" in reader.pages[1].extract_text()
        assert json.loads(files[ExportFormat.SCRIPT])["scenes"]
        with zipfile.ZipFile(io.BytesIO(files[ExportFormat.PANELS])) as archive:
            assert archive.namelist() == [
                f"scene-01-panel-{number:02}.png" for number in range(1, len(await directed.panels()) + 1)
            ]
        again = await export(
            api, directed.chapter_id, list(ExportFormat), credits=CREDITS, title_page=True, title="Ink"
        )
        assert (again["status"], await built(api, again)) == ("completed", [])
        await kept_as_ordered(directed, files)


async def kept_as_ordered(directed: Directed, files: dict[ExportFormat, bytes]) -> None:
    """An order for the chapter brings files up to date the way they were ordered: here, none of them changes."""
    assert (await directed.get(f"/chapters/{directed.chapter_id}/stale"))["items"] == []
    await directed.order()
    done = await directed.ended()
    assert await built(directed.api, done) == []
    assert await download(directed.api, f"chapters/{directed.chapter_id}", "print") == files[ExportFormat.PRINT]


async def test_a_changed_chapter_has_all_its_files_built_anew(api: AsyncClient, crew: Crew) -> None:
    """Those that were built on demand, too: none tells of yesterday."""
    async with finished_chapter(api, crew, SHORT) as directed:
        await export(api, directed.chapter_id, ["png", "script"])
        [panel, *_] = await directed.panels()
        await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "caption": "Much later."})
        await directed.order()
        assert await built(api, await directed.ended()) == ["cbz", "epub", "pdf", "png", "script"]


@pytest.mark.parametrize(
    ("body", "type"),
    [
        pytest.param({"formats": ["cb7"]}, "validation", id="unknown format"),
        pytest.param({"formats": []}, "validation", id="no format"),
        pytest.param({"options": {"export": {"formats": ["docx"]}}}, "validation", id="unknown format in options"),
        pytest.param({"options": {"export": {"language": "english!"}}}, "validation", id="no language"),
        pytest.param({"options": {"export": {"credits": [{"role": "boss", "name": "A"}]}}}, "validation", id="no role"),
        pytest.param({"kind": "chapter", "formats": ["cbz"]}, "bad-input", id="formats of a chapter"),
    ],
)
async def test_what_cannot_be_built_is_refused_at_the_door(api: AsyncClient, body: Json, type: str) -> None:
    _, chapter_id = await new_chapter(api)
    answer = await api.post("/api/v1/generations", json={"kind": "export", "target_ids": [chapter_id], **body})
    assert problem(answer) == refused(422, type)


async def test_a_project_is_one_file_over_its_chapters(api: AsyncClient, crew: Crew) -> None:
    """In their order, when all of them have pages; until then it says which has none, and builds nothing."""
    async with finished_chapter(api, crew, SHORT) as directed:
        path = f"projects/{directed.project_id}"
        second = await directed.post(f"/{path}/chapters", {"title": "Two </x>", "text": SHORT})
        early = await export(api, directed.project_id, ["epub"])
        assert (early["status"], early["chapter_id"]) == ("failed", None)
        assert early["error"] == "The chapter “Two </x>” has no finished pages yet. Generate it first, or delete it."
        assert (await api.get(f"/api/v1/{path}/exports/epub")).status_code == 404
        ordered = await directed.post("/generations", {"kind": "chapter", "target_ids": [second["id"]]})
        await ended(api, ordered["id"])
        done = await export(api, directed.project_id, ["pdf", "cbz", "script"], title_page=True)
        assert (done["status"], done["progress"]) == ("completed", 1.0)
        assert await built(api, done) == ["cbz", "pdf", "script"]
        counts = [
            len((await directed.get(f"/chapters/{chapter}/pages"))["items"])
            for chapter in (directed.chapter_id, second["id"])
        ]
        reader = PdfReader(io.BytesIO(await download(api, path, "pdf")))
        assert len(reader.pages) == 1 + sum(counts)
        assert [item.title for item in reader.outline] == ["A chapter", "Two </x>"]  # type: ignore[union-attr]  # no lists among them: nothing is nested
        assert len(json.loads(await download(api, path, "script"))["chapters"]) == 2
        again = await export(api, directed.project_id, ["pdf", "cbz", "script"], title_page=True)
        assert await built(api, again) == []
        retried = await api.post(f"/api/v1/generations/{early['id']}/retry")
        assert (await ended(api, retried.json()["id"]))["status"] == "completed"
        assert zipfile.is_zipfile(io.BytesIO(await download(api, path, "epub")))


async def test_what_a_project_says_of_its_files_holds_for_all(api: AsyncClient, crew: Crew) -> None:
    """Credits belong to the project: every order has them without naming them, whatever else it says of files."""
    options = {"export": {"credits": CREDITS}}
    project = (await api.post("/api/v1/projects", json={"title": "P", "options": options})).json()
    answer = await api.post(f"/api/v1/projects/{project['id']}/chapters", json={"title": "One", "text": SHORT})
    chapter_id = answer.json()["id"]
    async with crew():
        ordered = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        await ended(api, ordered.json()["id"])
        await export(api, chapter_id, ["print"], title="Ink")
    for format, title in (("pdf", "One"), ("print", "Ink")):
        metadata = PdfReader(io.BytesIO(await download(api, f"chapters/{chapter_id}", format))).metadata
        assert metadata is not None
        assert (metadata.title, metadata.author) == (title, "Ada / <b> 🎉 (writer)")
