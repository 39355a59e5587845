"""A series' bible: what one book knows, the next one is told; what the next one has already, it keeps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlmodel import col, select, update

from engine.basis import FOR_WORDS
from engine.db.session import Database, execute
from engine.steps.known import context_for
from engine.store import generations
from models.bible import Bible
from models.options import GenerationKind, GenerationOptions, GenerationStatus
from models.tables import Chapter, Character, Image, Location, Project
from tests.api.conftest import Crew, Json, ended, new_chapter, problem, refused, registered
from tests.support.project_files import opened, packed
from tests.support.uploads import encoded, photo, send
from tests.working import STORY, Painter, Writer

pytestmark = pytest.mark.workflow

BIBLE: Json = {
    "title": "The Two Keys",
    "style": "ink and wash",
    "instructions": [{"kind": "tone", "body": "Dry."}],
    "characters": [
        {"name": "Mara", "aliases": ["the keeper"], "profile": {"name": "Mara", "clothes": "a navy coat"}},
        {"name": "Joss", "profile": {"name": "Joss", "hair": "grey"}},
    ],
    "locations": [{"name": "the quay", "description": "wet stones"}, {"name": "the shed"}],
    "chapters": [
        {"title": "One", "summary": "Mara hides a key.", "threads": ["Who saw her?"]},
        {"title": "Two", "summary": "Joss finds the boat.", "threads": []},
    ],
}


async def taken(api: AsyncClient, project_id: str, bible: Json, **params: Any) -> Json:
    answer = await api.post(f"/api/v1/projects/{project_id}/bible", json=bible, params=params)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def bible_of(api: AsyncClient, project_id: str) -> Json:
    answer = await api.get(f"/api/v1/projects/{project_id}/bible")
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def told(database: Database, project_id: str, chapter_id: str) -> str:
    async with database.session() as session:
        return (await context_for(session, UUID(project_id), UUID(chapter_id), 4_000, FOR_WORDS)).text


async def project(api: AsyncClient, **values: Any) -> str:
    made = await api.post("/api/v1/projects", json={"title": "A project", **values})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@asynccontextmanager
async def at_work(database: Database, project_id: str, chapter_id: str) -> AsyncIterator[None]:
    """A generation of the chapter that nobody has started yet."""
    async with database.session() as session:
        ordered = await generations.request(
            session,
            project_id=UUID(project_id),
            chapter_id=UUID(chapter_id),
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(),
        )
    yield
    async with database.session() as session:
        await generations.end(session, UUID(project_id), ordered.id, GenerationStatus.CANCELLED)


async def test_a_bible_put_into_an_empty_project_is_read_there_again(api: AsyncClient) -> None:
    project_id = await project(api)
    answer = await taken(api, project_id, BIBLE)
    assert answer["added"] == {
        "characters": ["Mara", "Joss"],
        "locations": ["the quay", "the shed"],
        "instructions": 1,
        "chapters": 2,
        "style": True,
    }
    assert (answer["kept"]["characters"], answer["replaced"]["characters"]) == ([], [])
    read = await bible_of(api, project_id)
    whole = Bible.model_validate({**BIBLE, "title": "A project"}).as_bundle()
    assert Bible.model_validate(read).characters[0].profile is not None
    for name in ("style", "instructions", "locations", "chapters"):
        assert read[name] == Bible.of(whole).model_dump(mode="json")[name]
    assert [who["name"] for who in read["characters"]] == ["Mara", "Joss"]
    assert read["characters"][0]["profile"]["aliases"] == ["the keeper"]


async def test_the_first_chapter_knows_the_series_and_a_second_one_both(
    api: AsyncClient, database: Database, crew: Crew
) -> None:
    """Told as earlier chapters; no chapter is made of them, and the next bible has them before the project's own."""
    # Told of other things than elsewhere: what one account paid for here would cost a later test nothing.
    text = STORY.replace("kitchen", "cellar").replace("lamp", "fire").replace("small", "green").replace("large", "red")
    text = text.replace("harbour", "market").replace("Wait!", "Stop!")
    project_id, chapter_id = await new_chapter(api, text + '\n\n"Who will bring it back tomorrow?" asked Joss.\n')
    await taken(api, project_id, BIBLE)
    context = await told(database, project_id, chapter_id)
    for known in ("One: Mara hides a key.", "Who saw her?", "Two: Joss finds", "a navy coat", "wet stones", "Dry."):
        assert known in context
    assert len((await api.get(f"/api/v1/projects/{project_id}/chapters")).json()["items"]) == 1
    writer = Writer()
    async with crew(writer, Painter()):
        body = {"kind": "chapter", "target_ids": [chapter_id], "options": {"until": "script"}}
        done = await ended(api, (await api.post("/api/v1/generations", json=body)).json()["id"])
    assert done["status"] == "completed"
    outlined = next(one for one in writer.asked if one.task == "ChapterOutline")
    assert "Mara hides a key." in outlined.prompt
    profiled = {one.data.name for one in writer.asked if one.task == "CharacterProfile"}  # type: ignore[attr-defined]
    assert profiled.isdisjoint({"Mara", "Joss"}), "the bible says what they look like"
    third = (await bible_of(api, project_id))["chapters"]
    assert [one["title"] for one in third] == ["One", "Two", "A chapter"]
    assert third[2]["summary"]
    assert third[2]["threads"] == ['"Who will bring it back tomorrow?" asked Joss.']
    later = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"title": "Next", "text": "It snowed."})
    context = await told(database, project_id, later.json()["id"])
    assert "Who will bring it back tomorrow?" in context
    assert context.index("A chapter: ") < context.index("Two: Joss") < context.index("One: Mara")


async def test_what_the_project_has_is_kept_and_replaced_only_on_request(api: AsyncClient) -> None:
    project_id = await project(api, style="pencil")
    mine = await api.post(
        f"/api/v1/projects/{project_id}/characters", json={"name": "MARA", "profile": {"clothes": "a red coat"}}
    )
    await api.post(f"/api/v1/projects/{project_id}/locations", json={"name": "the quay"})
    await api.post(f"/api/v1/projects/{project_id}/instructions", json={"kind": "tone", "body": "Dry."})
    first = await taken(api, project_id, BIBLE)
    assert first["added"]["characters"] == ["Joss"]
    assert first["kept"] == {
        "characters": ["MARA"],
        "locations": ["the quay"],
        "instructions": 1,
        "chapters": 0,
        "style": True,
    }
    where = f"/api/v1/characters/{mine.json()['id']}"
    assert (await api.get(where)).json()["profile"]["clothes"] == "a red coat"
    again = await taken(api, project_id, BIBLE)
    assert again["added"] == again["replaced"], "nothing of either"
    second = await taken(api, project_id, {**BIBLE, "chapters": BIBLE["chapters"][:1]}, replace=True)
    assert second["replaced"] == {
        "characters": ["MARA"],
        "locations": ["the quay"],
        "instructions": 0,
        "chapters": 1,
        "style": True,
    }
    changed = (await api.get(where)).json()
    assert (changed["name"], changed["profile"]["clothes"], changed["version"]) == ("MARA", "a navy coat", 2)
    assert [one["title"] for one in (await bible_of(api, project_id))["chapters"]] == ["One"]
    events = await api.get(f"/api/v1/projects/{project_id}/activity", params={"limit": 3})
    assert [one["type"] for one in events.json()["items"]] == [
        "location.changed",
        "character.changed",
        "project.changed",
    ]


async def test_chapters_are_not_touched_and_a_bible_that_comes_home_tells_nothing_new(
    api: AsyncClient, database: Database
) -> None:
    project_id, chapter_id = await new_chapter(api)
    async with database.session() as session:
        await session.exec(
            update(Chapter).where(col(Chapter.id) == UUID(chapter_id)).values(summary="S.", threads=["T?"])
        )
    before = (await api.get(f"/api/v1/chapters/{chapter_id}")).json()
    bible = await bible_of(api, project_id)
    assert bible["chapters"] == [{"title": "A chapter", "summary": "S.", "threads": ["T?"]}]
    answer = await taken(api, project_id, bible, replace=True)
    assert (answer["added"]["chapters"], answer["kept"]["chapters"]) == (0, 1)
    assert await bible_of(api, project_id) == bible
    assert (await api.get(f"/api/v1/chapters/{chapter_id}")).json() == before


async def test_the_same_text_made_otherwise_is_one_chapter_of_the_bible(api: AsyncClient, database: Database) -> None:
    project_id, chapter_id = await new_chapter(api)
    texts = {"text": STORY}, {"text": "It snowed."}
    made = [await api.post(f"/api/v1/projects/{project_id}/chapters", json={"title": "B", **one}) for one in texts]
    async with database.session() as session:
        for number, one in enumerate([chapter_id, *(answer.json()["id"] for answer in made)]):
            statement = update(Chapter).where(col(Chapter.id) == UUID(one)).values(summary=str(number))
            await session.exec(statement)
    assert [one["summary"] for one in (await bible_of(api, project_id))["chapters"]] == ["1", "2"]


async def test_a_bible_is_refused_while_something_is_generated(api: AsyncClient, database: Database) -> None:
    project_id, chapter_id = await new_chapter(api)
    async with at_work(database, project_id, chapter_id):
        answer = await api.post(f"/api/v1/projects/{project_id}/bible", json=BIBLE)
        assert problem(answer) == refused(409, "conflict")
        assert (await bible_of(api, project_id))["characters"] == []
    assert (await taken(api, project_id, BIBLE))["added"]["characters"] == ["Mara", "Joss"]


async def test_two_bibles_at_once_are_one_after_the_other(api: AsyncClient) -> None:
    project_id = await project(api)
    answers = await asyncio.gather(*(taken(api, project_id, BIBLE) for _ in range(4)))
    assert sorted(len(one["added"]["characters"]) for one in answers) == [0, 0, 0, 2]
    assert len((await bible_of(api, project_id))["instructions"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"format": "inkloom-project"}, id="another document"),
        pytest.param({"version": 2}, id="a version to come"),
        pytest.param({"secrets": 1}, id="an unknown field"),
        pytest.param({"characters": [{"name": "Mara"}, {"name": "mara"}]}, id="a name twice"),
        pytest.param({"characters": [{"name": "M" * 201}]}, id="a name too long"),
        pytest.param({"characters": [{"name": "Mara", "sheet": "0" * 64}]}, id="a picture"),
        pytest.param({"chapters": [{"summary": "s" * 100_001}]}, id="a summary too long"),
        pytest.param({"chapters": [{"threads": ["a\x00b"]}]}, id="a NUL in a thread"),
        pytest.param({"instructions": [{"kind": "do", "body": "a\x00b"}]}, id="a NUL in an instruction"),
        pytest.param({"locations": [{"name": "the\x00quay"}]}, id="a NUL in a name"),
        pytest.param({"characters": [{"name": "M", "aliases": ["a\x00"]}]}, id="a NUL in an alias"),
        pytest.param({"style": "s" * 2_001}, id="a style too long"),
    ],
)
async def test_what_is_no_bible_is_refused_at_the_edge(api: AsyncClient, wrong: Json) -> None:
    project_id = await project(api)
    answer = await api.post(f"/api/v1/projects/{project_id}/bible", json={**BIBLE, **wrong})
    assert problem(answer) == refused(422, "validation")
    assert (await bible_of(api, project_id))["characters"] == []


async def with_sheet(api: AsyncClient, database: Database) -> tuple[str, bytes]:
    """A project with a character whose sheet is drawn and who has a reference picture; its bible as a file."""
    project_id = await project(api, style="ink")
    await taken(api, project_id, BIBLE)
    ids = [(await send(api, project_id, encoded(photo(size)), "p.png")).json()["id"] for size in ((33, 44), (55, 66))]
    async with database.session() as session:
        query = select(Character).where(Character.project_id == UUID(project_id), Character.name == "Mara")
        mara = (await session.exec(query)).one()
        mara.sheet_image_id, mara.sheet_made_from = UUID(ids[0]), "f" * 64
        await session.exec(update(Image).where(col(Image.id) == UUID(ids[0])).values(origin="made", name=""))
    attached = await api.post(f"/api/v1/characters/{mara.id}/images", json={"image_id": ids[1]})
    assert attached.is_success, attached.text
    answer = await api.get(f"/api/v1/projects/{project_id}/bible/file")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip"), answer.text
    return project_id, answer.content


async def send_file(api: AsyncClient, project_id: str, data: bytes, **params: Any) -> Any:
    where = f"/api/v1/projects/{project_id}/bible/file"
    return await api.post(where, files={"file": ("bible.zip", data)}, params=params)


async def test_a_bible_with_pictures_brings_sheets_and_references(api: AsyncClient, database: Database) -> None:
    """The same bible is the same file; taken twice it is there once; and what comes out again is what went in."""
    source, data = await with_sheet(api, database)
    assert (await api.get(f"/api/v1/projects/{source}/bible/file")).content == data
    document, files = opened(data)
    assert (len(files), document["chapters"]) == (2, [])
    target = await project(api)
    answer = await send_file(api, target, data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["added"]["characters"] == ["Mara", "Joss"]
    mara = (await api.get(f"/api/v1/projects/{target}/characters", params={"name": "Mara"})).json()["items"][0]
    sheet = await api.get(f"/api/v1/images/{mara['sheet_image_id']}")
    assert sheet.status_code == 200
    references = (await api.get(f"/api/v1/characters/{mara['id']}/images")).json()["items"]
    assert len(references) == 1
    again = await send_file(api, target, data, replace=True)
    assert (again.json()["replaced"]["characters"], again.json()["added"]["characters"]) == ([], [])
    there, _ = opened((await api.get(f"/api/v1/projects/{target}/bible/file")).content)
    assert there["characters"] == document["characters"]
    assert there["pictures"] == document["pictures"]
    stays = await api.get(f"/api/v1/projects/{source}/bible/file")
    assert stays.content == data


async def test_a_new_project_made_of_a_bible_begins_where_the_series_ends(api: AsyncClient, database: Database) -> None:
    _, data = await with_sheet(api, database)
    made = await api.post("/api/v1/projects/import", files={"file": ("a.zip", data)})
    assert made.status_code == 201, made.text
    new = made.json()["id"]
    chapter = await api.post(f"/api/v1/projects/{new}/chapters", json={"title": "Next", "text": "It snowed."})
    assert "One: Mara hides a key." in await told(database, new, chapter.json()["id"])


async def test_a_file_that_cannot_be_taken_leaves_no_trace(api: AsyncClient, database: Database) -> None:
    """No row, and what was stored for it is ordered away."""
    _, data = await with_sheet(api, database)
    document, files = opened(data)
    target = await project(api)
    name, other = sorted(files)
    broken = {
        "a whole project": packed({**document, "chapters": [{"title": "One"}]}, files),
        "swapped": packed(document, {name: files[other], other: files[name]}),
        "no picture": packed(document, {name: files[name]}),
    }
    for what, wrong in broken.items():
        assert problem(await send_file(api, target, wrong)) == refused(422, "bad-input"), what
    chapter = await api.post(f"/api/v1/projects/{target}/chapters", json={"text": "It rained."})
    async with at_work(database, target, chapter.json()["id"]):
        assert problem(await send_file(api, target, data)) == refused(409, "conflict")
    async with database.session() as session:
        mine = {"project": UUID(target)}
        for table in ("images", "characters", "attachments"):
            count = text(f"SELECT count(*) FROM {table} WHERE project_id = :project")  # noqa: S608 # ours
            assert (await execute(session, count, mine)).scalar_one() == 0
        left = text("SELECT keys FROM removals WHERE project_id = :project AND done_at IS NULL")
        keys = (await execute(session, left, mine)).scalars().all()
    assert [len(one) for one in keys] == [2], "of the one that came so far"
    assert (await send_file(api, target, data)).status_code == 200


async def test_a_bible_is_for_those_who_may_see_the_project(api: AsyncClient, database: Database) -> None:
    project_id, data = await with_sheet(api, database)
    api_headers = {"Authorization": await registered(api)}
    for answer in (
        await api.get(f"/api/v1/projects/{project_id}/bible", headers=api_headers),
        await api.get(f"/api/v1/projects/{project_id}/bible/file", headers=api_headers),
        await api.post(f"/api/v1/projects/{project_id}/bible", json=BIBLE, headers=api_headers),
        await api.post(
            f"/api/v1/projects/{project_id}/bible/file", files={"file": ("a.zip", data)}, headers=api_headers
        ),
    ):
        assert problem(answer) == refused(404, "not-found")


async def test_a_copy_of_a_project_remembers_the_series(api: AsyncClient, database: Database) -> None:
    project_id = await project(api)
    await taken(api, project_id, BIBLE)
    copy = (await api.post(f"/api/v1/projects/{project_id}/copy")).json()["id"]
    assert await bible_of(api, copy) == await bible_of(api, project_id)
    async with database.session() as session:
        rows = await session.exec(select(Project.series).where(col(Project.id).in_([UUID(copy), UUID(project_id)])))
        first, second = rows.all()
    assert first == second


async def test_a_locations_sheet_is_in_the_bible_and_in_use(api: AsyncClient, database: Database, crew: Crew) -> None:
    """Neither is it deleted by hand, nor does it go with a chapter that was drawn with it."""
    project_id, chapter_id = await new_chapter(api, "Vera walked past the mill.")
    async with crew(Writer(), Painter()):
        order = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        assert (await ended(api, order.json()["id"]))["status"] == "completed"
    scenes = (await api.get(f"/api/v1/chapters/{chapter_id}/scenes")).json()["items"]
    panel = (await api.get(f"/api/v1/scenes/{scenes[0]['id']}/panels")).json()["items"][0]
    drafts = (await api.get(f"/api/v1/panels/{panel['id']}/drafts")).json()["items"]
    image_id = drafts[0]["image_id"]
    async with database.session() as session:
        place = Location(project_id=UUID(project_id), name="x", name_key="x", sheet_image_id=UUID(image_id))
        session.add(place)
    document, files = opened((await api.get(f"/api/v1/projects/{project_id}/bible/file")).content)
    (told_of,) = [one for one in document["locations"] if one["name"] == "x"]
    assert any(told_of["sheet"] in name for name in files)
    assert (await api.delete(f"/api/v1/chapters/{chapter_id}")).status_code == 204
    assert (await api.get(f"/api/v1/images/{image_id}")).status_code == 200
    answer = await api.delete(f"/api/v1/images/{image_id}")
    assert problem(answer) == refused(409, "conflict")
