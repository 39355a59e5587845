"""Redraws that are cut short, ordered twice, or robbed of what they need: nothing is lost, and nothing paid twice."""

import asyncio
import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from PIL import Image
from sqlmodel import col, select
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from activities.records import Records
from engine.db.session import Database
from engine.errors import BadInput
from engine.images import ImageRequest, ImageResult
from engine.store import redraws
from engine.store.rows import get
from engine.store.scope import Scope
from inkloom.sweeper import sweep
from models.ids import generation_workflow_id
from models.options import GenerationOptions
from models.runs import SelectCall
from models.tables import Generation, Hold, Panel, Project, Redraw
from tests.api.conftest import Crew, Json, new_chapter, problem, refused
from tests.api.directed import Directed, finished_chapter

pytestmark = pytest.mark.workflow


async def _loses(client: Client, generation_id: str) -> None:
    """Temporal forgets a generation's workflow, as after a power cut."""
    handle = client.get_workflow_handle(generation_workflow_id(UUID(generation_id)))
    request = DeleteWorkflowExecutionRequest(
        namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=handle.id)
    )
    await client.workflow_service.delete_workflow_execution(request)
    with pytest.raises(RPCError, match="not found"):
        for _ in range(300):
            await handle.describe()
            await asyncio.sleep(0.1)


async def _rests(client: Client, generation_id: str) -> None:
    """Until the generation's workflow has done what there is to do, and waits."""
    handle = client.get_workflow_handle(generation_workflow_id(UUID(generation_id)))
    lengths = [0]
    while len(lengths) < 6 or len(set(lengths[-5:])) > 1:
        lengths.append((await handle.describe()).history_length)
        await asyncio.sleep(0.3)


async def _drawn(directed: Directed, panel: Json, many: int) -> list[Json]:
    for _ in range(600):
        if len(drafts := await directed.drafts(panel)) >= many:
            return drafts
        await asyncio.sleep(0.05)
    raise AssertionError("it is not drawn")


async def test_a_workflow_that_is_lost_after_a_redraw_draws_nothing_more(
    api: AsyncClient, crew: Crew, client: Client, database: Database
) -> None:
    """It is begun again, and waits with the drafts that there are."""
    directed = Directed(api, *await new_chapter(api, "Mara yawned twice."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts")
        await directed.reached("waiting_review", stage="drafts")
        (panel,) = await directed.panels()
        await directed.post(f"/panels/{panel['id']}/redraw", {"notes": "wider"}, 202)
        drafts = await _drawn(directed, panel, 2)
        await directed.reached("waiting_review", stage="drafts")
        directed.painter.asked.clear()
        await _loses(client, directed.generation_id)
        assert (await sweep(database, client, timedelta(0))).handled > 0
        await _rests(client, directed.generation_id)
        await directed.approve()
        assert (await directed.ended())["status"] == "completed"
    assert directed.painter.asked == []
    assert [draft["id"] for draft in await directed.drafts(panel)] == [draft["id"] for draft in drafts]
    (panel,) = await directed.panels()
    assert panel["selected_draft_id"] == drafts[1]["id"]


async def test_what_is_chosen_after_a_redraw_stays_when_its_end_is_told_again(
    api: AsyncClient, crew: Crew, database: Database
) -> None:
    """The worker died before it could say that it was done; a person has chosen another draft since."""
    async with finished_chapter(api, crew, "Mara smiled.") as directed:
        (panel,) = await directed.panels()
        (old,) = await directed.drafts(panel)
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", {}, 202)
        await directed.ended(ordered["id"])
        new = (await directed.drafts(panel))[1]
        await directed.post(f"/drafts/{old['id']}/select")
        async with database.session() as session:
            redraw = (await session.exec(select(Redraw).where(Redraw.panel_id == UUID(panel["id"])))).one()
            query = select(col(Generation.options)).where(Generation.id == UUID(ordered["id"]))
            options = (await session.exec(query)).one()
        # That of the redraw, and that of the order that drew the panel first.
        for generation, draft, redraw_id in (
            (ordered["id"], new["id"], redraw.id),
            (directed.generation_id, new["id"], None),
        ):
            call = SelectCall(
                project_id=UUID(directed.project_id),
                generation_id=UUID(generation),
                options=options,
                target_id=UUID(panel["id"]),
                draft_ids=[UUID(draft)],
                redraw_id=redraw_id,
            )
            await Records(database).select_draft(call)
            assert (await directed.panels())[0]["selected_draft_id"] == old["id"]


async def test_a_redraw_that_failed_is_tried_again(api: AsyncClient, crew: Crew) -> None:
    """By a retry of its generation: that draws what was wanted, and not the panel as it was."""

    async def refuses(request: ImageRequest) -> ImageResult | None:
        raise BadInput("It cannot be drawn today.")

    async with finished_chapter(api, crew, "Mara ran.") as directed:
        (panel,) = await directed.panels()
        directed.painter.before = refuses
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", {"drafts": 2}, 202)
        assert (await directed.ended(ordered["id"]))["status"] == "completed_with_failures"
        directed.painter.before = None
        again = await directed.post(f"/generations/{ordered['id']}/retry", None, 202)
        assert (await directed.ended(again["id"]))["status"] == "completed"
        drafts = await directed.drafts(panel)
        assert [draft["origin"] for draft in drafts] == ["drawn", "redrawn", "redrawn"]
        assert (await directed.panels())[0]["selected_draft_id"] in {draft["id"] for draft in drafts[1:]}


async def test_a_mask_stays_until_it_was_drawn_within(api: AsyncClient, crew: Crew) -> None:
    """Without it the whole picture would be drawn over, and paid for."""
    async with finished_chapter(api, crew, "Mara slept.") as directed:
        (panel,) = await directed.panels()
        (draft,) = await directed.drafts(panel)
        picture = await api.get(f"/api/v1/images/{draft['image_id']}")
        mask = await directed.picture(*Image.open(io.BytesIO(picture.content)).size, "white")
    body = {"draft_id": draft["id"], "mask": mask, "prompt": "a lamp"}
    ordered = await directed.post(f"/panels/{panel['id']}/edit", body, 202)
    answer = await api.delete(f"/api/v1/images/{mask}")
    assert problem(answer) == refused(409, "conflict")
    directed.painter.asked.clear()
    async with crew(directed.writer, directed.painter):
        assert (await directed.ended(ordered["id"]))["status"] == "completed"
    assert [request.mask is not None for request in directed.painter.asked] == [True]
    assert (await api.delete(f"/api/v1/images/{mask}")).status_code == 204


async def test_a_mask_that_is_gone_is_not_tried_again_without(api: AsyncClient, crew: Crew, database: Database) -> None:
    """After a cancel the mask may go; a retry does not draw over the whole picture then."""
    async with finished_chapter(api, crew, "Mara sang.") as directed:
        (panel,) = await directed.panels()
        (draft,) = await directed.drafts(panel)
        picture = await api.get(f"/api/v1/images/{draft['image_id']}")
        mask = await directed.picture(*Image.open(io.BytesIO(picture.content)).size, "black")
    body = {"draft_id": draft["id"], "mask": mask, "prompt": "a lamp"}
    ordered = await directed.post(f"/panels/{panel['id']}/edit", body, 202)
    directed.painter.asked.clear()
    await directed.post(f"/generations/{ordered['id']}/cancel")
    async with crew(directed.writer, directed.painter):
        assert (await directed.ended(ordered["id"]))["status"] == "cancelled"
        assert (await api.delete(f"/api/v1/images/{mask}")).status_code == 204
        again = await directed.post(f"/generations/{ordered['id']}/retry", None, 202)
        assert (await directed.ended(again["id"]))["status"] == "completed"
    assert directed.painter.asked == []


async def test_without_a_prompt_nothing_is_drawn(api: AsyncClient, crew: Crew) -> None:
    """A prompt that was given back is not there until a generation writes it: an artist is not asked for nothing."""
    async with finished_chapter(api, crew, "Mara waited.") as directed:
        (panel,) = await directed.panels()
        await directed.patch(f"/panels/{panel['id']}", {"version": panel["version"], "prompt": None})
        answer = await api.post(f"/api/v1/panels/{panel['id']}/redraw", json={})
        assert problem(answer) == refused(409, "conflict")
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", {"notes": "closer"}, 202)
        assert (await directed.ended(ordered["id"]))["status"] == "completed"
        assert directed.painter.asked[-1].prompt


async def test_a_sketch_of_another_project_is_refused(api: AsyncClient, crew: Crew, database: Database) -> None:
    async with finished_chapter(api, crew, "Mara drew.") as directed:
        (panel,) = await directed.panels()
        other = Directed(api, *await new_chapter(api, "Another."))
        wanted = redraws.Wanted(control_image_id=UUID(await other.picture()))
        async with database.session() as session:
            query = select(Project.owner_id).where(Project.id == UUID(directed.project_id))
            scope = Scope(user_id=(await session.exec(query)).one())
            row = await get(session, scope, Panel, UUID(panel["id"]), lock=True)
            with pytest.raises(BadInput, match="another project"):
                await redraws.request_redraw(session, scope, row, wanted, GenerationOptions(images="local"))


async def test_who_waits_draws_as_was_ordered(api: AsyncClient, crew: Crew) -> None:
    """Another way to draw is refused then, and not left out without a word."""
    directed = Directed(api, *await new_chapter(api, "Mara wrote."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts")
        await directed.reached("waiting_review", stage="drafts")
        (panel,) = await directed.panels()
        path = f"/api/v1/panels/{panel['id']}/redraw"
        answer = await api.post(path, json={"by": {"render": {"steps": 40}}})
        assert problem(answer) == refused(409, "conflict")
        assert (await api.post(path, json={"by": {"images": "offline"}})).status_code == 202
        await _drawn(directed, panel, 2)
        await directed.reached("waiting_review", stage="drafts")
        await directed.post(f"/generations/{directed.generation_id}/cancel")


async def test_a_redraw_that_waits_for_money_is_told(api: AsyncClient, crew: Crew, database: Database) -> None:
    """While something is redrawn the generation runs, and says so when it waits to be looked at again."""
    directed = Directed(api, *await new_chapter(api, "Mara rowed."))
    going_on = asyncio.Event()

    async def slowly(request: ImageRequest) -> ImageResult | None:
        await going_on.wait()
        return None

    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts")
        await directed.reached("waiting_review", stage="drafts")
        (panel,) = await directed.panels()
        directed.painter.before = slowly
        ordered = await directed.post(f"/panels/{panel['id']}/redraw", {}, 202)
        assert ordered["status"] == "running"
        going_on.set()
        await _drawn(directed, panel, 2)
        await directed.reached("waiting_review", stage="drafts")
        told = await directed.get(f"/generations/{directed.generation_id}/events?limit=100")
        items = told["items"] if isinstance(told, dict) else told
        assert [event["type"] for event in items].count("generation.waiting") == 2
        await directed.post(f"/generations/{directed.generation_id}/cancel")


async def test_what_is_redrawn_while_pages_are_looked_at_is_shown_by_the_approval(api: AsyncClient, crew: Crew) -> None:
    directed = Directed(api, *await new_chapter(api, "Mara swam."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="all")
        for stage in ("outline", "drafts"):
            await directed.reached("waiting_review", stage=stage)
            await directed.approve()
        await directed.reached("waiting_review", stage="pages")
        (panel,) = await directed.panels()
        await directed.post(f"/panels/{panel['id']}/redraw", {"notes": "wider"}, 202)
        drafts = await _drawn(directed, panel, 2)
        await directed.reached("waiting_review", stage="pages")
        await directed.approve()
        assert (await directed.ended())["status"] == "completed"
    (panel,) = await directed.panels()
    assert (panel["state"], panel["selected_draft_id"]) == ("selected", drafts[1]["id"])
    assert (await directed.get(f"/chapters/{directed.chapter_id}/stale"))["items"] == []


async def test_the_same_notes_once_more_are_work_once_more(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, 'Mara said, "Take the small key and go."') as directed:
        panel = next(panel for panel in await directed.panels() if panel["dialogue"])
        for _ in range(2):
            directed.writer.asked.clear()
            body = {"notes": 'Mara says "Take the tiny key."', "about": ["words"]}
            ordered = await directed.post(f"/panels/{panel['id']}/redraw", body, 202)
            assert (await directed.ended(ordered["id"]))["status"] == "completed"
            assert [request.task for request in directed.writer.asked] == ["Dialogue"]


async def test_a_review_whose_workflow_is_lost_stops_nobody(
    api: AsyncClient, crew: Crew, client: Client, database: Database
) -> None:
    """Its time is up and it is to be cancelled: it is begun again first, and the sweep goes on to all others."""
    directed = Directed(api, *await new_chapter(api, "Mara danced."))
    async with crew(directed.writer, directed.painter):
        await directed.order(review="drafts", review_hours=48, review_default="cancel")
        await directed.reached("waiting_review", stage="drafts")
        await _loses(client, directed.generation_id)
        async with database.session() as session:
            query = select(Hold).where(Hold.generation_id == UUID(directed.generation_id))
            hold = (await session.exec(query)).one()
            hold.deadline_at = datetime.now(UTC) - timedelta(seconds=1)
            session.add(hold)
        await sweep(database, client, timedelta(0))
        await sweep(database, client, timedelta(0))
        assert (await directed.ended())["status"] == "cancelled"


async def test_a_selection_is_undone_past_a_draft_that_is_gone(api: AsyncClient, crew: Crew) -> None:
    async with finished_chapter(api, crew, "Mara cooked.", drafts=3) as directed:
        (panel,) = await directed.panels()
        first = panel["selected_draft_id"]
        others = [draft["id"] for draft in await directed.drafts(panel) if draft["id"] != first]
        for draft in others:
            await directed.post(f"/drafts/{draft}/select")
        assert (await api.delete(f"/api/v1/drafts/{others[0]}")).status_code == 204
        shown = await directed.post(f"/panels/{panel['id']}/undo")
        assert shown["selected_draft_id"] == first
        answer = await api.post(f"/api/v1/panels/{panel['id']}/undo")
        assert problem(answer) == refused(409, "conflict")
