"""A generation waits for a person, through anything; what a person decides counts at once, with every worker down."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from sqlmodel import select
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.store import directing
from engine.store.scope import Scope
from inkloom.sweeper import sweep
from models.ids import generation_workflow_id
from models.tables import Hold, Project, Selection
from tests.api.conftest import Crew, Json, new_chapter, problem, refused
from tests.api.directed import Directed, finished_chapter
from tests.working import STORY

pytestmark = pytest.mark.workflow


@asynccontextmanager
async def worker_processes(settings: Settings) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Workers of their own, as the product starts them; whatever is left of them is killed at the end."""
    environment = {
        **os.environ,
        "INKLOOM_DATABASE_URL": settings.database_url or "",
        "TEMPORAL_ADDRESS": settings.temporal_address or "",
        "TEMPORAL_NAMESPACE": settings.temporal_namespace,
        "INKLOOM_DATA": str(settings.data),
        "INKLOOM_STORAGE": settings.storage or "",
        "INKLOOM_SECRET_KEY": settings.secret_key.get_secret_value() if settings.secret_key else "",
    }
    running = [await asyncio.create_subprocess_exec(sys.executable, "-m", "inkloom", "worker", env=environment)]
    try:
        yield running
    finally:
        for process in running:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_drafts_are_selected_while_the_workers_lie_dead(api: AsyncClient, api_settings: Settings) -> None:
    """The generation waits through the kill of its worker; nobody pays twice, and the pages show what was chosen."""
    directed = Directed(api, *await new_chapter(api))
    async with worker_processes(api_settings) as running:
        await directed.order(review="drafts", drafts=3)
        waiting = await directed.reached("waiting_review", stage="drafts")
        running[0].send_signal(signal.SIGKILL)
        await running[0].wait()
        paid = waiting["calls"]["image"]
        chosen: dict[str, str] = {}
        for panel in await directed.panels():
            assert panel["state"] == "drafted"
            drafts = await directed.drafts(panel)
            assert [draft["ordinal"] for draft in drafts] == [1, 2, 3]
            assert all(draft["scores"] and draft["score"] is not None for draft in drafts)
            assert len({draft["seed"] for draft in drafts}) == 3
            chosen[panel["id"]] = drafts[-1]["id"]
            body = {"version": panel["version"], "panel_id": panel["id"]}
            shown = await directed.post(f"/drafts/{drafts[-1]['id']}/select", body)
            assert (shown["state"], shown["selected_draft_id"]) == ("selected", drafts[-1]["id"])
        assert (await directed.generation())["status"] == "running"
    async with worker_processes(api_settings):
        finished = await directed.ended()
    assert finished["status"] == "completed"
    assert finished["calls"]["image"] == paid
    assert {panel["id"]: panel["selected_draft_id"] for panel in await directed.panels()} == chosen


async def test_an_outline_is_changed_before_it_is_drawn(api: AsyncClient, crew: Crew) -> None:
    """While it waits, scenes can be changed, added and left out; what is made is what they were changed to."""
    # A text of its own: what the account has asked before is not asked again.
    directed = Directed(api, *await new_chapter(api, STORY.replace("two keys", "two spoons")))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="outline")
        await directed.reached("waiting_review", stage="outline")
        assert {request.task for request in directed.writer.asked} == {"ChapterOutline"}
        first, second = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"]
        answer = await api.delete(f"/api/v1/scenes/{second['id']}")
        assert answer.status_code == 204
        summary = "Mara plans to leave by night."
        changed = {"version": first["version"], "title": "By lamplight", "summary": summary}
        assert (await directed.patch(f"/scenes/{first['id']}", changed))["manual_edits"] == ["outline", "summary"]
        await directed.approve("outline")
        assert (await directed.ended())["status"] == "completed"
    (scene,) = (await directed.get(f"/chapters/{directed.chapter_id}/scenes"))["items"]
    assert (scene["title"], scene["summary"]) == ("By lamplight", summary)
    assert "SceneSummary" not in {request.task for request in directed.writer.asked}


async def test_everything_is_looked_at(api: AsyncClient, crew: Crew) -> None:
    """`all` waits four times. Approved drafts are the best by their scores; a line changed at the last moment is
    lettered before the files are built."""
    directed = Directed(api, *await new_chapter(api))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="all", drafts=2)
        for stage in ("outline", "sheets", "drafts", "pages"):
            await directed.reached("waiting_review", stage=stage)
            if stage == "pages":
                pages = await directed.get(f"/chapters/{directed.chapter_id}/pages")
                exported = await api.get(f"/api/v1/chapters/{directed.chapter_id}/exports/cbz")
                assert exported.status_code == 404
                panel = (await directed.panels())[0]
                await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "caption": "At night."})
            await directed.approve()
        assert (await directed.ended())["status"] == "completed"
    assert await directed.get(f"/chapters/{directed.chapter_id}/pages") != pages
    for panel in await directed.panels():
        drafts = await directed.drafts(panel)
        best = max(drafts, key=lambda draft: (draft["score"], -draft["ordinal"]))
        assert panel["selected_draft_id"] == best["id"]


async def test_of_two_who_choose_at_once_one_wins_and_the_other_is_told(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, drafts=2) as directed:
        panel = (await directed.panels())[0]
        drafts = await directed.drafts(panel)
        body = {"version": panel["version"]}
        answers = await asyncio.gather(
            *(api.post(f"/api/v1/drafts/{draft['id']}/select", json=body) for draft in drafts)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won = next(answer for answer in answers if answer.is_success).json()
        lost = next(answer for answer in answers if not answer.is_success)
        assert problem(lost) == refused(409, "conflict")
        assert lost.json()["current"]["selected_draft_id"] == won["selected_draft_id"]
        assert (await directed.panels())[0]["selected_draft_id"] == won["selected_draft_id"]


async def test_a_draft_of_another_panel_or_of_nobody_is_refused(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew) as directed:
        first, second = (await directed.panels())[:2]
        (draft,) = await directed.drafts(second)
        answer = await api.post(f"/api/v1/drafts/{draft['id']}/select", json={"panel_id": first["id"]})
        assert problem(answer) == refused(422, "bad-input")
        answer = await api.post(f"/api/v1/drafts/{directed.project_id}/select")
        assert problem(answer) == refused(404, "not-found")


@pytest.mark.parametrize("how", ["pause", "cancel"])
async def test_a_choice_counts_while_paused_and_after_cancel(api: AsyncClient, crew: Crew, how: str) -> None:
    """It is a decision about rows. A paused generation goes on from it once it is resumed; a cancelled one stays so."""
    directed = Directed(api, *await new_chapter(api, "Mara laughed."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts", drafts=2)
        await directed.reached("waiting_review", stage="drafts")
        await directed.post(f"/generations/{directed.generation_id}/{how}")
        await directed.reached("paused" if how == "pause" else "cancelled")
        for panel in await directed.panels():
            draft = (await directed.drafts(panel))[1]
            shown = await directed.post(f"/drafts/{draft['id']}/select", {"version": panel["version"]})
            assert shown["selected_draft_id"] == draft["id"]
        assert (await directed.generation())["status"] == ("paused" if how == "pause" else "cancelled")
        if how == "pause":
            await directed.post(f"/generations/{directed.generation_id}/resume")
            assert (await directed.ended())["status"] == "completed"
        answer = await api.post(f"/api/v1/chapters/{directed.chapter_id}/approve")
        assert problem(answer) == refused(409, "conflict")


@pytest.mark.parametrize(("default", "status"), [("approve", "completed"), ("cancel", "cancelled")])
async def test_nobody_looks_at_it_in_time(
    api: AsyncClient, crew: Crew, client: Client, database: Database, default: str, status: str
) -> None:
    """A deadline decides as was ordered. Before that, whoever waits is reminded, by an event that callbacks carry."""
    directed = Directed(api, *await new_chapter(api, "Mara laughed."))
    async with crew(directed.writer, directed.painter):
        options = {"review_hours": 48, "remind_hours": 24, "review_default": default}
        await directed.order(review="drafts", drafts=2, **options)
        await directed.reached("waiting_review", stage="drafts")
        await sweep(database, client, timedelta(0))
        told = "generation.waiting"
        assert len(await _events(directed, told)) == 1

        async def later(**columns: datetime) -> None:
            async with database.session() as session:
                query = select(Hold).where(Hold.generation_id == UUID(directed.generation_id)).with_for_update()
                hold = (await session.exec(query)).one()
                assert hold.deadline_at is not None
                assert hold.remind_at is not None
                for name, value in columns.items():
                    setattr(hold, name, value)
                session.add(hold)

        await later(remind_at=datetime.now(UTC) - timedelta(seconds=1))
        await sweep(database, client, timedelta(0))
        await sweep(database, client, timedelta(0))
        assert [event["data"].get("reminder", False) for event in await _events(directed, told)] == [False, True]
        await later(deadline_at=datetime.now(UTC) - timedelta(seconds=1))
        await sweep(database, client, timedelta(0))
        assert (await directed.ended())["status"] == status
    if default == "approve":
        async with database.session() as session:
            query = select(Selection.kind).where(Selection.project_id == UUID(directed.project_id))
            assert set((await session.exec(query)).all()) == {"deadline"}


@pytest.mark.slow
async def test_a_thousand_selections_leave_short_histories(
    api: AsyncClient, crew: Crew, client: Client, database: Database
) -> None:
    """Only the choice that a generation still waits for wakes it: choosing costs the history nothing."""
    directed = Directed(api, *await new_chapter(api))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts", drafts=2)
        await directed.reached("waiting_review", stage="drafts")
        first, *others = await directed.panels()
        drafts = [UUID(draft["id"]) for draft in await directed.drafts(others[0])]
        async with database.session() as session:
            query = select(Project.owner_id).where(Project.id == UUID(directed.project_id))
            scope = Scope(user_id=(await session.exec(query)).one())
        for turn in range(1_000):
            async with database.session() as session:
                _, woken = await directing.choose(session, scope, drafts[turn % 2], None)
                assert woken == []
        for panel in [first, *others[1:]]:
            draft = (await directed.drafts(panel))[0]
            await directed.post(f"/drafts/{draft['id']}/select")
        assert (await directed.ended())["status"] == "completed"
    description = await client.get_workflow_handle(generation_workflow_id(UUID(directed.generation_id))).describe()
    assert description.history_length < 400


async def _events(directed: Directed, type: str) -> list[Json]:
    found = await directed.get(f"/generations/{directed.generation_id}/events?limit=100")
    return [event for event in (found["items"] if isinstance(found, dict) else found) if event["type"] == type]
