"""What readers get: pages, pictures and files."""

import hashlib
import io
import zipfile
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from PIL import Image

from engine.db.session import Database
from models.exports import ExportFormat
from models.layout import Layout
from models.tables import Page
from tests.api.conftest import Made, new_chapter, problem, refused

pytestmark = pytest.mark.workflow


async def test_pages_show_every_panel_once_in_order(api: AsyncClient, made: Made) -> None:
    """Page by page, cell by cell, they are the chapter's panels in reading order; each page has its picture."""
    panels = [
        panel["id"]
        for scene in (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"]
        for panel in (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"]
    ]
    pages = (await api.get(f"/api/v1/chapters/{made.chapter_id}/pages")).json()["items"]
    assert [page["number"] for page in pages] == list(range(1, len(pages) + 1))
    assert [cell["panel_id"] for page in pages for cell in page["layout"]["cells"]] == panels
    for page in pages:
        picture = Image.open(io.BytesIO((await api.get(page["image"])).content))
        assert picture.size == (page["layout"]["width"], page["layout"]["height"])


async def test_pages_come_page_by_page(api: AsyncClient, database: Database) -> None:
    """By their numbers, each once."""
    project_id, chapter_id = await new_chapter(api)
    async with database.session() as session:
        for number in (3, 1, 2, 5, 4):
            session.add(Page(project_id=UUID(project_id), chapter_id=UUID(chapter_id), number=number, layout=Layout()))
    numbers: list[int] = []
    cursor = None
    while not numbers or cursor:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = (await api.get(f"/api/v1/chapters/{chapter_id}/pages", params=params)).json()
        numbers += [page["number"] for page in answer["items"]]
        cursor = answer["next_cursor"]
    assert numbers == [1, 2, 3, 4, 5]


async def test_a_panel_shows_its_drafts(api: AsyncClient, made: Made) -> None:
    """A written, drawn panel says so, and one of its drafts is the one it shows."""
    scene = (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"][0]
    panel = (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"][0]
    assert (await api.get(f"/api/v1/panels/{panel['id']}")).json() == panel
    assert (panel["state"], panel["dialogue"] is None, panel["prompt"] is None) == ("selected", False, False)
    drafts = (await api.get(f"/api/v1/panels/{panel['id']}/drafts")).json()["items"]
    assert [(draft["ordinal"], draft["selected"]) for draft in drafts] == [(1, True)]
    assert drafts[0]["id"] == panel["selected_draft_id"]
    assert (await api.get(drafts[0]["image"])).status_code == 200
    assert (await api.get(f"/api/v1/drafts/{drafts[0]['id']}")).json() == drafts[0]


async def test_a_picture_is_fetched_once(api: AsyncClient, made: Made) -> None:
    """Immutable, named by its content, never guessed at: who has it is told so without the bytes."""
    page = (await api.get(f"/api/v1/chapters/{made.chapter_id}/pages")).json()["items"][0]
    picture = await api.get(page["image"])
    tag = picture.headers["ETag"]
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
    assert tag == f'"{hashlib.sha256(picture.content).hexdigest()}"'
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in picture.headers["Cache-Control"]
    assert "private" in picture.headers["Cache-Control"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await api.get(page["image"], headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = await api.get(page["image"], headers={"If-None-Match": '"other"'})
    assert (other.status_code, len(other.content)) == (200, len(picture.content))


async def test_the_files_are_downloaded(api: AsyncClient, made: Made) -> None:
    """As attachments, under their own type, named by their content."""
    cbz, pdf = [await api.get(f"/api/v1/chapters/{made.chapter_id}/exports/{format}") for format in ("cbz", "pdf")]
    pages = (await api.get(f"/api/v1/chapters/{made.chapter_id}/pages")).json()["items"]
    with zipfile.ZipFile(io.BytesIO(cbz.content)) as archive:
        assert sum(name.endswith(".png") for name in archive.namelist()) == len(pages)
    assert pdf.content.startswith(b"%PDF-")
    for answer, media, name in ((cbz, "application/vnd.comicbook+zip", "cbz"), (pdf, "application/pdf", "pdf")):
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, media)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="A chapter.{name}"'
        assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("format", ["cbz", "pdf", "epub", "exe", "%00", "..%2Fcbz"])
async def test_a_file_that_was_not_built_is_not_found(api: AsyncClient, format: str) -> None:
    """Not yet built, or nothing that is ever built."""
    _, chapter_id = await new_chapter(api)
    answer = await api.get(f"/api/v1/chapters/{chapter_id}/exports/{format}")
    assert problem(answer) == refused(404, "not-found")
    can_be_built = "Request a generation of kind export" in answer.json()["detail"]
    assert can_be_built == (format in set(ExportFormat))
    assert can_be_built or "%" in format or "it is cbz, pdf, epub, print, " in answer.json()["detail"]


async def test_a_new_chapter_has_nothing_to_show(api: AsyncClient) -> None:
    """Lists are empty before anything is made; that is no error."""
    _, chapter_id = await new_chapter(api)
    assert (await api.get(f"/api/v1/chapters/{chapter_id}/pages")).json()["items"] == []
    scenes = await api.get(f"/api/v1/chapters/{chapter_id}/scenes")
    assert scenes.json() == {"items": [], "next_cursor": None}
    assert problem(await api.get(f"/api/v1/images/{uuid4()}")) == refused(404, "not-found")
