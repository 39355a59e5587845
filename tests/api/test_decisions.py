"""Decisions about generations over HTTP: what is resumed, and what is not tried again."""

from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlmodel import col, select

from engine.db.session import Database
from engine.store import generations
from models.options import GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Generation, Hold
from tests.api.conftest import Made, new_chapter, problem, refused

pytestmark = pytest.mark.integration


async def lost_something(api: AsyncClient, database: Database) -> str:
    """A generation that waits because an answer was lost, and that was paused besides; its path."""
    project_id, chapter_id = (UUID(one) for one in await new_chapter(api))
    async with database.session() as session:
        generation = await generations.request(
            session,
            project_id=project_id,
            chapter_id=chapter_id,
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(),
        )
        await generations.begin(session, project_id, generation.id)
    async with database.session() as session:
        for reason in (HoldReason.UNKNOWN, HoldReason.PAUSED):
            hold = Hold(
                project_id=project_id,
                generation_id=generation.id,
                workflow_id=f"generation-{generation.id}/{reason}",
                purpose="draft 1",
                target_id=chapter_id,
                reason=reason,
            )
            session.add(hold)
    path = f"/api/v1/generations/{generation.id}"
    assert (await api.post(f"{path}/pause")).json()["status"] == "paused"
    return path


async def waits(database: Database, path: str) -> set[str]:
    """What nobody has decided about yet."""
    async with database.session() as session:
        found = await session.exec(
            select(Hold.reason).where(
                Hold.generation_id == UUID(path.rpartition("/")[2]), col(Hold.released_at).is_(None)
            )
        )
        return set(found.all())


async def test_what_was_paused_is_resumed_twice_without_paying_for_a_lost_answer(
    api: AsyncClient, database: Database
) -> None:
    """A button that is pressed twice, or a request that is sent again, decides nothing besides."""
    path = await lost_something(api, database)
    first, second = [await api.post(f"{path}/resume", json={"what": "paused"}) for _ in range(2)]
    assert [one.status_code for one in (first, second)] == [200, 200]
    assert [one.json()["status"] for one in (first, second)] == ["waiting_unknown"] * 2
    assert await waits(database, path) == {"unknown"}
    await api.post(f"{path}/cancel")


async def test_what_waits_is_decided_about_while_the_generation_stays_paused(
    api: AsyncClient, database: Database
) -> None:
    path = await lost_something(api, database)
    answer = await api.post(f"{path}/resume", json={"what": "waiting"})
    assert (answer.status_code, answer.json()["status"]) == (200, "paused")
    assert await waits(database, path) == {"paused"}
    assert problem(await api.post(f"{path}/resume", json={"what": "waiting"})) == refused(409, "conflict")
    await api.post(f"{path}/cancel")


async def test_unless_it_is_said_what_is_paused_comes_first_and_then_what_waits(
    api: AsyncClient, database: Database
) -> None:
    path = await lost_something(api, database)
    await api.post(f"{path}/resume")
    assert await waits(database, path) == {"unknown"}
    await api.post(f"{path}/resume", json={})
    assert await waits(database, path) == set()
    await api.post(f"{path}/cancel")


@pytest.mark.workflow
async def test_what_is_paused_cannot_be_skipped(api: AsyncClient, made: Made) -> None:
    body = {"what": "paused", "skip_refused": True}
    assert problem(await api.post(f"{made.location}/resume", json=body)) == refused(422, "validation")
    over = await api.post(f"{made.location}/resume", json={"what": "paused"})
    assert problem(over) == refused(409, "conflict")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (GenerationStatus.COMPLETED, 409),
        (GenerationStatus.COMPLETED_WITH_FAILURES, 202),
        (GenerationStatus.FAILED, 202),
        (GenerationStatus.CANCELLED, 202),
    ],
)
async def test_only_what_is_unfinished_is_retried(
    api: AsyncClient, database: Database, status: GenerationStatus, code: int
) -> None:
    """With the caller's own names. Where nothing failed, the answer says how to have something made again."""
    project_id, chapter_id = (UUID(one) for one in await new_chapter(api))
    async with database.session() as session:
        generation = Generation(
            project_id=project_id,
            chapter_id=chapter_id,
            kind=GenerationKind.CHAPTER,
            status=status,
            options=GenerationOptions(),
            external_id="job-17",
            labels={"batch": "spring"},
        )
        session.add(generation)
    answer = await api.post(f"/api/v1/generations/{generation.id}/retry")
    assert answer.status_code == code
    if code == 409:
        assert "POST /api/v1/generations" in answer.json()["detail"]
    else:
        again = answer.json()
        assert (again["external_id"], again["metadata"], again["retry_of"]) == (
            "job-17",
            {"batch": "spring"},
            str(generation.id),
        )
        await api.post(f"{answer.headers['Location']}/cancel")
