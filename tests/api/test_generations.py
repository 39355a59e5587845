"""Generations over HTTP: ordered, followed, refused, cancelled, ordered again."""

import asyncio
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlmodel import select

from engine.db.session import Database
from engine.images import ImageRequest, ImageResult
from engine.settings import Settings
from engine.store import generations
from models.options import GenerationKind, GenerationOptions
from models.tables import Character
from tests.api.conftest import Crew, Json, Made, ended, new_chapter, problem, refused, serving
from tests.support.listed_events import LISTED
from tests.working import Painter, Writer

pytestmark = pytest.mark.workflow


async def requested(database: Database, project_id: str, chapter_id: str) -> str:
    """An order whose workflow nobody started."""
    async with database.session() as session:
        generation = await generations.request(
            session,
            project_id=UUID(project_id),
            chapter_id=UUID(chapter_id),
            kind=GenerationKind.CHAPTER,
            options=GenerationOptions(until="script"),
        )
    return str(generation.id)


async def test_an_order_is_accepted_and_fulfilled(api: AsyncClient, made: Made) -> None:
    """202 at once, with where to look; there it says in the end that all is done, and at what cost."""
    assert (made.status_code, made.accepted["status"]) == (202, "requested")
    assert made.location == f"/api/v1/generations/{made.accepted['id']}"
    assert (await api.get(made.location)).json() == made.finished
    assert (made.finished["status"], made.finished["progress"], made.finished["error"]) == ("completed", 1.0, "")
    calls = (await api.get(f"{made.location}/calls", params={"limit": 100})).json()["items"]
    assert {call["state"] for call in calls} == {"confirmed"}
    sent = {"llm": made.finished["calls"]["llm"], "image": made.finished["calls"]["image"]}
    assert {kind: sum(call["kind"] == kind for call in calls) for kind in sent} == sent


async def test_an_order_for_a_script_is_made_as_the_script_says(api: AsyncClient) -> None:
    """A strip read from the right stays one, unless the order says otherwise."""
    project_id = (await api.post("/api/v1/projects", json={"title": "By hand"})).json()["id"]
    script = {"format": "webtoon", "direction": "rtl", "scenes": [{"panels": [{"description": "The cup."}]}]}
    made = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"script": script})
    body = {"kind": "chapter", "target_ids": [made.json()["id"]], "options": {"until": "script", "direction": "ltr"}}
    ordered = (await api.post("/api/v1/generations", json=body)).json()
    assert (ordered["options"]["format"], ordered["options"]["direction"]) == ("webtoon", "ltr")
    await api.post(f"/api/v1/generations/{ordered['id']}/cancel")


async def test_events_are_read_without_gap_or_repetition(api: AsyncClient, made: Made) -> None:
    """Asked for after the last `seq` each time, they come in order, each once: 2, 3, 4, … after the chapter's own."""
    found: list[Json] = []
    while True:
        after = found[-1]["seq"] if found else 0
        following = (await api.get(f"{made.location}/events", params={"after": after, "limit": 7})).json()
        found += following["items"]
        if following["next_cursor"] is None:
            break
        assert following["next_cursor"] == found[-1]["seq"]
    assert [event["seq"] for event in found] == list(range(2, len(found) + 2))
    assert (found[0]["type"], found[-1]["type"]) == ("generation.requested", "generation.completed")
    assert {event["generation_id"] for event in found} == {made.finished["id"]}


async def test_events_carry_what_is_documented(api: AsyncClient, made: Made) -> None:
    """`docs/events.md` names every field, and all of them are there unless marked with `?`; so is the progress."""
    for event in (await api.get(f"{made.location}/events", params={"limit": 100})).json()["items"]:
        required = {name for name in LISTED[event["type"]] if not name.endswith("?")} | {"progress"}
        optional = {name.rstrip("?") for name in LISTED[event["type"]]}
        assert required <= set(event["data"]) <= required | optional


async def test_generations_are_listed_by_chapter_and_status(api: AsyncClient, made: Made) -> None:
    """Both filters hold, alone and together."""
    params = {"chapter_id": made.chapter_id, "status": "completed"}
    assert [one["id"] for one in (await api.get("/api/v1/generations", params=params)).json()["items"]] == [
        made.finished["id"]
    ]
    assert (await api.get("/api/v1/generations", params=params | {"status": "failed"})).json()["items"] == []


async def test_a_live_chapter_is_not_ordered_twice(api: AsyncClient, database: Database) -> None:
    """While one generation is open a second one, or a retry of it, is a conflict; the first is not touched."""
    project_id, chapter_id = await new_chapter(api)
    generation_id = await requested(database, project_id, chapter_id)
    body = {"kind": "chapter", "target_ids": [chapter_id]}
    assert problem(await api.post("/api/v1/generations", json=body)) == refused(409, "conflict")
    assert problem(await api.post(f"/api/v1/generations/{generation_id}/retry")) == refused(409, "conflict")
    assert (await api.get(f"/api/v1/generations/{generation_id}")).json()["status"] == "requested"


async def test_an_order_that_never_began_is_cancelled_at_once(api: AsyncClient, database: Database) -> None:
    """There is no workflow to stop: the row alone is settled, once, with its event."""
    generation_id = await requested(database, *await new_chapter(api))
    where = f"/api/v1/generations/{generation_id}"
    cancelled = await api.post(f"{where}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    assert problem(await api.post(f"{where}/cancel")) == refused(409, "conflict")
    types = [event["type"] for event in (await api.get(f"{where}/events")).json()["items"]]
    assert types == ["generation.requested", "generation.cancelled"]


async def test_a_running_chapter_is_cancelled_and_ordered_again(api: AsyncClient, crew: Crew) -> None:
    """What was finished before the cancel stays and costs nothing when the rest is made."""
    _, chapter_id = await new_chapter(api)
    drawing = asyncio.Event()

    async def slow(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            drawing.set()
            await asyncio.sleep(60)
        return None

    body = {"kind": "chapter", "target_ids": [chapter_id], "options": {"max_panels": 2}}
    async with crew(painter=Painter(slow)):
        where = (await api.post("/api/v1/generations", json=body)).headers["Location"]
        await asyncio.wait_for(drawing.wait(), 60)
        assert (await api.post(f"{where}/cancel")).status_code == 202
        cancelled = await ended(api, where.rsplit("/", 1)[1])
    assert cancelled["status"] == "cancelled"
    writer, painter = Writer(), Painter()
    async with crew(writer, painter):
        again = await api.post(f"{where}/retry")
        assert (again.status_code, again.json()["retry_of"]) == (202, cancelled["id"])
        finished = await ended(api, again.json()["id"])
    assert finished["status"] == "completed"
    assert again.headers["Location"] == f"/api/v1/generations/{finished['id']}"
    assert [request.task for request in writer.asked if request.task == "ChapterOutline"] == []
    assert all(request.panel for request in painter.asked)


async def test_parts_are_ordered_alone(api: AsyncClient, crew: Crew, database: Database) -> None:
    """A scene, a panel, a character sheet and an export are generations of their own, of the chapter they are in."""
    project_id, chapter_id = await new_chapter(api, '"Wait!" said Mara.')
    async with crew():
        body = {"kind": "chapter", "target_ids": [chapter_id]}
        await ended(api, (await api.post("/api/v1/generations", json=body)).json()["id"])
        scene = (await api.get(f"/api/v1/chapters/{chapter_id}/scenes")).json()["items"][0]["id"]
        panel = (await api.get(f"/api/v1/scenes/{scene}/panels")).json()["items"][0]["id"]
        async with database.session() as session:
            character = (await session.exec(select(Character.id).where(Character.project_id == UUID(project_id)))).one()
        statuses = {}
        for kind, target in {
            "scene": scene,
            "panel": panel,
            "character_sheet": str(character),
            "export": chapter_id,
        }.items():
            body = {"kind": kind, "target_ids": [target], "chapter_id": chapter_id}
            answer = await api.post("/api/v1/generations", json=body)
            generation = await ended(api, answer.json()["id"])
            statuses[kind] = (generation["status"], generation["chapter_id"], generation["target_ids"])
    assert statuses == {
        "scene": ("completed", chapter_id, [scene]),
        "panel": ("completed", chapter_id, [panel]),
        "character_sheet": ("completed", chapter_id, [str(character)]),
        "export": ("completed", chapter_id, [chapter_id]),
    }


@pytest.mark.parametrize("option", ["llm", "images"])
async def test_an_unknown_provider_is_refused_at_the_edge(api: AsyncClient, made: Made, option: str) -> None:
    """Nothing waits for a queue that nobody serves; the answer says what there is instead."""
    body = {"kind": "chapter", "target_ids": [made.chapter_id], "options": {option: "crayon"}}
    answer = await api.post("/api/v1/generations", json=body)
    assert problem(answer) == refused(422, "not-configured")
    assert "offline" in answer.json()["detail"]


@pytest.mark.parametrize("option", ["llm", "images"])
async def test_an_order_that_names_nobody_goes_to_those_of_the_settings(
    api_settings: Settings, api: AsyncClient, made: Made, option: str
) -> None:
    """INKLOOM_LLM and INKLOOM_IMAGES hold here too; an order that names its provider goes to that one."""
    async with serving(api_settings.model_copy(update={option: "crayon"}), api) as other:
        body: Json = {"kind": "chapter", "target_ids": [made.chapter_id]}
        answer = await other.post("/api/v1/generations", json=body)
        assert problem(answer) == refused(422, "not-configured")
        assert "crayon" in answer.json()["detail"]
        body |= {"target_ids": [str(uuid4())], "options": {option: "offline"}}
        assert problem(await other.post("/api/v1/generations", json=body)) == refused(404, "not-found")


@pytest.mark.parametrize("kind", ["chapter", "scene", "panel", "character_sheet", "export"])
async def test_what_does_not_exist_is_not_ordered(api: AsyncClient, kind: str) -> None:
    """Every kind looks its target up before it takes the order."""
    body = {"kind": kind, "target_ids": [str(uuid4())], "chapter_id": str(uuid4())}
    assert problem(await api.post("/api/v1/generations", json=body)) == refused(404, "not-found")
