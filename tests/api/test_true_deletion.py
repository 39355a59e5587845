"""What is deleted is gone: from every table, from storage, from Temporal's histories. What others have stays theirs."""

import asyncio
import io
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from PIL import Image
from sqlalchemy import text
from sqlmodel import SQLModel, select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database, execute
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import removals
from inkloom.removing import remove
from models.options import GenerationStatus
from models.tables import Generation, IdempotentRequest, Project, ProviderCall, Removal
from models.tables.ledger import CallState
from tests.api.conftest import Crew, ended, new_chapter
from tests.support.removals import everything_due
from tests.working import STORY, Painter, Writer

PATIENCE = 150

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(PATIENCE * 2)]


@pytest.fixture
def kept(api_settings: Settings) -> FolderStorage:
    """The application's storage."""
    return FolderStorage(Path(api_settings.storage or ""))


def told_with(word: str) -> str:
    """The story with a word of its own in every part of it."""
    return STORY.replace("Mara", word).replace("kitchen", f"{word} kitchen")


async def written(api: AsyncClient, crew: Crew, chapter_id: str, writer: Writer, painter: Painter) -> str:
    async with crew(writer, painter):
        answer = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        done = await ended(api, answer.json()["id"])
    assert done["status"] == "completed", done
    return str(done["id"])


async def tables_with(database: Database, word: str) -> dict[str, int]:
    """In which tables a word stands, and in how many rows: all columns are looked through as text."""
    found = {}
    async with database.session() as session:
        for table in SQLModel.metadata.sorted_tables:
            statement = text(f"SELECT count(*) FROM {table.name} AS t WHERE t::text ILIKE :word")  # noqa: S608 # ours
            if count := (await execute(session, statement, {"word": f"%{word}%"})).scalar_one():
                found[table.name] = count
    return found


async def histories(client: Client, generation_id: str) -> list[str]:
    """The ids of a generation's workflows that Temporal still knows."""
    name = f"generation-{generation_id}"
    query = f"WorkflowId = '{name}' OR WorkflowId STARTS_WITH '{name}/'"
    return [found.id async for found in client.list_workflows(query)]


async def forgotten(client: Client, workflows: list[str]) -> None:
    """Temporal takes the order at once, and carries it out when its own queues have come past the workflow's end."""
    async with asyncio.timeout(PATIENCE):
        for one in workflows:
            while await remembered(client, one):  # noqa: ASYNC110 - nothing tells us
                await asyncio.sleep(0.5)


async def remembered(client: Client, workflow: str) -> bool:
    try:
        await client.get_workflow_handle(workflow).fetch_history()
    except RPCError as error:
        return error.status != RPCStatusCode.NOT_FOUND
    return True


def below(storage: FolderStorage, project_id: str) -> list[str]:
    return [path.name for path in (storage.root / "p" / project_id).rglob("*") if path.is_file()]


async def upload(api: AsyncClient, project_id: str, name: str = "a.png", shade: int = 90) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 20, 30)).save(buffer, "PNG")
    files = {"file": (name, buffer.getvalue(), "image/png")}
    answer = await api.post(f"/api/v1/projects/{project_id}/images", files=files)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_nothing_is_left_of_a_project(
    api: AsyncClient, database: Database, client: Client, crew: Crew, kept: FolderStorage
) -> None:
    """Its words stand in no table, not even among answers kept for repeated requests; no object, no history is left."""
    word = f"Zorb{uuid4().hex[:10]}"
    project_id, chapter_id = await new_chapter(api, told_with(word))
    await api.patch(f"/api/v1/projects/{project_id}", json={"version": 1, "title": word, "style": word})
    generation = await written(api, crew, chapter_id, Writer(), Painter())
    uploaded = await upload(api, project_id, f"{word}.png")
    assert (await api.get(f"/api/v1/images/{uploaded}/thumbnail")).status_code == 200
    known = await histories(client, generation)
    assert len(known) > 3
    assert all([await remembered(client, one) for one in known])
    assert {"projects", "chapters", "provider_calls", "task_results", "images"} <= set(
        await tables_with(database, word)
    )
    assert len(below(kept, project_id)) > 5

    assert (await api.delete(f"/api/v1/projects/{project_id}")).status_code == 204
    assert await tables_with(database, word) == {}
    assert (await remove(database, client, kept)).handled >= 1
    # Somebody was still storing something.
    await kept.put(f"p/{project_id}/images/ab/late.png", b"late")
    await everything_due(database)
    assert (await remove(database, client, kept)).handled >= 1
    assert below(kept, project_id) == []
    await forgotten(client, known)
    async with database.session() as session:
        left = await session.exec(select(Removal).where(Removal.project_id == UUID(project_id)))
        assert [(row.done_at is not None, row.keys, row.workflows) for row in left] == [(True, [], [])] * 2


async def test_kept_answers_to_repeated_requests_go_too(api: AsyncClient, database: Database) -> None:
    """A request with an Idempotency-Key leaves its answer behind; it goes with what it told of, and no other does."""
    word = f"Zorb{uuid4().hex[:10]}"
    project_id, chapter_id = await new_chapter(api)
    other_id, _ = await new_chapter(api)
    async with database.session() as session:
        owner = (await session.get_one(Project, UUID(project_id))).owner_id
        for id in (project_id, chapter_id, other_id):
            answer = {"id": id, "title": word}
            session.add(IdempotentRequest(user_id=owner, key=uuid4().hex, request_hash="0", status=201, answer=answer))
    for gone, left in ((f"chapters/{chapter_id}", 2), (f"projects/{project_id}", 1), (f"projects/{other_id}", 0)):
        assert (await api.delete(f"/api/v1/{gone}")).status_code == 204
        assert (await tables_with(database, word)).get("idempotent_requests", 0) == left


async def test_what_two_projects_have_stays_with_the_other(
    api: AsyncClient, database: Database, client: Client, crew: Crew, kept: FolderStorage
) -> None:
    """The second project took over what the first had paid for: every picture is still there, and costs nothing."""
    story = told_with(f"Zorb{uuid4().hex[:10]}")
    first, first_chapter = await new_chapter(api, story)
    second, second_chapter = await new_chapter(api, story)
    writer, painter = Writer(), Painter()
    await written(api, crew, first_chapter, writer, painter)
    paid = len(writer.asked), len(painter.asked)
    await written(api, crew, second_chapter, writer, painter)
    assert (len(writer.asked), len(painter.asked)) == paid
    await api.delete(f"/api/v1/projects/{first}")
    await everything_due(database)
    await remove(database, client, kept)
    assert below(kept, first) == []
    pages = (await api.get(f"/api/v1/chapters/{second_chapter}/pages")).json()["items"]
    assert [(await api.get(page["image"])).status_code for page in pages] == [200] * len(pages)
    for scene in (await api.get(f"/api/v1/chapters/{second_chapter}/scenes")).json()["items"]:
        for panel in (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"]:
            for draft in (await api.get(f"/api/v1/panels/{panel['id']}/drafts")).json()["items"]:
                assert (await api.get(draft["image"])).status_code == 200
    await written(api, crew, second_chapter, writer, painter)
    assert (len(writer.asked), len(painter.asked)) == paid
    await api.delete(f"/api/v1/projects/{second}")


# Temporal's own queues take up to a minute to forget a history.
@pytest.mark.slow
async def test_of_a_chapter_only_the_bill_is_left(
    api: AsyncClient, database: Database, client: Client, crew: Crew, kept: FolderStorage
) -> None:
    """Its pictures, answers and histories go and what it cost stays; the next order of the same is asked anew."""
    word = f"Zorb{uuid4().hex[:10]}"
    project_id, chapter_id = await new_chapter(api, told_with("Somebody") + f"\n\nThe {word} was near.\n")
    other = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"text": told_with("Joss")})
    writer, painter = Writer(), Painter()
    await written(api, crew, other.json()["id"], writer, painter)
    theirs = set(below(kept, project_id))
    before = len(writer.asked), len(painter.asked)
    known = await histories(client, await written(api, crew, chapter_id, writer, painter))
    asked = len(writer.asked) - before[0], len(painter.asked) - before[1]
    assert len(set(below(kept, project_id)) - theirs) > 3
    async with database.session() as session:
        count = len((await session.exec(select(ProviderCall).where(ProviderCall.project_id == project_id))).all())

    assert (await api.delete(f"/api/v1/chapters/{chapter_id}")).status_code == 204
    await everything_due(database)
    await remove(database, client, kept)
    assert await tables_with(database, word) == {}
    await forgotten(client, known)
    async with database.session() as session:
        calls = (await session.exec(select(ProviderCall).where(ProviderCall.project_id == project_id))).all()
    assert len(calls) == count
    confirmed = [call for call in calls if call.state == CallState.CONFIRMED]
    assert 0 < len(confirmed) < count
    assert all(call.answer is not None or call.image_id is not None for call in confirmed)
    # The other chapter has all that it had; characters of both keep their sheets.
    assert theirs <= set(below(kept, project_id))
    cast = await rows_with_sheets(database, project_id)
    left = set(below(kept, project_id)) - theirs
    assert len(left) <= cast

    again = await api.post(
        f"/api/v1/projects/{project_id}/chapters",
        json={"text": told_with("Somebody") + f"\n\nThe {word} was near.\n"},
    )
    before = len(writer.asked), len(painter.asked)
    await written(api, crew, again.json()["id"], writer, painter)
    new = len(writer.asked) - before[0], len(painter.asked) - before[1]
    # Profiles and sheets are the project's; all else was forgotten.
    assert 0 < new[0] <= asked[0]
    assert new[1] == asked[1] - len(left)
    await api.delete(f"/api/v1/projects/{project_id}")


async def rows_with_sheets(database: Database, project_id: str) -> int:
    async with database.session() as session:
        counted = text("SELECT count(*) FROM characters WHERE project_id = :project AND sheet_image_id IS NOT NULL")
        return int((await execute(session, counted, {"project": project_id})).scalar_one())


async def test_what_is_needed_again_is_not_taken_away(
    api: AsyncClient, database: Database, client: Client, kept: FolderStorage
) -> None:
    """Keys under which the same content came back stay; while something is generated, nothing is removed at all."""
    project_id, chapter_id = await new_chapter(api)
    image_id = await upload(api, project_id, shade=77)
    assert (await api.delete(f"/api/v1/images/{image_id}")).status_code == 204
    back = await upload(api, project_id, shade=77)
    await everything_due(database)
    await remove(database, client, kept)
    assert (await api.get(f"/api/v1/images/{back}")).status_code == 200

    ordered = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
    assert (await api.delete(f"/api/v1/images/{back}")).status_code == 204
    await everything_due(database)
    await remove(database, client, kept)
    assert len(below(kept, project_id)) == 1
    async with database.session() as session:
        generation = await session.get_one(Generation, UUID(ordered.json()["id"]))
        generation.status = GenerationStatus.CANCELLED
        session.add(generation)
    await everything_due(database)
    await remove(database, client, kept)
    assert below(kept, project_id) == []
    await api.delete(f"/api/v1/projects/{project_id}")


class Failing(FolderStorage):
    """Storage that is away for a while."""

    away = True

    async def delete_under(self, prefix: str) -> None:
        if self.away:
            raise OSError("away")
        await super().delete_under(prefix)


async def test_a_removal_that_fails_is_tried_again(
    api: AsyncClient, database: Database, client: Client, kept: FolderStorage
) -> None:
    """Storage may be away: what is left to do stays written down, and others go on."""
    project_id, _ = await new_chapter(api)
    await upload(api, project_id)
    await api.delete(f"/api/v1/projects/{project_id}")
    storage = Failing(kept.root)
    assert (await remove(database, client, storage)).handled == 0
    assert len(below(kept, project_id)) == 1
    storage.away = False
    assert (await remove(database, client, storage)).handled == 0
    await everything_due(database)
    assert (await remove(database, client, storage)).handled >= 2
    assert below(kept, project_id) == []


async def test_a_project_that_is_there_is_never_removed(
    api: AsyncClient, database: Database, client: Client, kept: FolderStorage
) -> None:
    """Whatever a removal says: storage below a living project is not touched."""
    project_id, _ = await new_chapter(api)
    image_id = await upload(api, project_id)
    async with database.session() as session:
        await removals.later(session, UUID(project_id), whole=True)
    await everything_due(database)
    assert (await remove(database, client, kept)).handled >= 1
    assert (await api.get(f"/api/v1/images/{image_id}")).status_code == 200
    await api.delete(f"/api/v1/projects/{project_id}")
