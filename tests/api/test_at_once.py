"""Several people at once: positions stay whole, and of two who change one thing one is told."""

import asyncio

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import new_chapter

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("noun", ["chapters", "scenes", "panels", "instructions"])
async def test_positions_stay_whole_whoever_adds_deletes_and_moves(api: AsyncClient, noun: str) -> None:
    """Each is answered as if it had been alone, in some order: none fails, and no gap and no double is left."""
    project_id, chapter_id = await new_chapter(api)
    scene_id = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json={})).json()["id"]
    path, body = {
        "chapters": (f"/api/v1/projects/{project_id}/chapters", {"text": "It rained."}),
        "scenes": (f"/api/v1/chapters/{chapter_id}/scenes", {}),
        "panels": (f"/api/v1/scenes/{scene_id}/panels", {"description": "a"}),
        "instructions": (f"/api/v1/projects/{project_id}/instructions", {"body": "Quiet."}),
    }[noun]
    for _ in range(4):
        await api.post(path, json=body)
    ids = [one["id"] for one in (await api.get(path)).json()["items"]]
    answers = await asyncio.gather(
        *(api.post(path, json={**body, "position": number % 3}) for number in range(6)),
        *(api.delete(f"/api/v1/{noun}/{one}") for one in ids[1:3]),
        *(api.post(f"{path}/reorder", json={"ids": ids[::-1]}) for _ in range(2)),
        *(api.delete(f"/api/v1/{noun}/{ids[1]}") for _ in range(2)),
    )
    # A new order counts while it names all of them; what was deleted is not there for who comes second.
    assert {answer.status_code for answer in answers} <= {201, 204, 404, 422}
    assert [answer.status_code for answer in answers[:6]] == [201] * 6
    positions = [one["position"] for one in (await api.get(path)).json()["items"]]
    assert positions == list(range(len(ids) + 6 - 2))


@pytest.mark.parametrize("noun", ["projects", "chapters", "scenes", "panels", "characters"])
async def test_of_many_who_change_one_thing_one_wins(api: AsyncClient, noun: str) -> None:
    """All have read version 1. What the others say is not lost silently: they are told."""
    project_id, chapter_id = await new_chapter(api)
    scene = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json={})).json()["id"]
    panel = (await api.post(f"/api/v1/scenes/{scene}/panels", json={"description": "a"})).json()["id"]
    character = (await api.post(f"/api/v1/projects/{project_id}/characters", json={"name": "Mara"})).json()["id"]
    row_id, field = {
        "projects": (project_id, "title"),
        "chapters": (chapter_id, "text"),
        "scenes": (scene, "title"),
        "panels": (panel, "caption"),
        "characters": (character, "name"),
    }[noun]
    where = f"/api/v1/{noun}/{row_id}"
    changes = (api.patch(where, json={"version": 1, field: f"change {number}"}) for number in range(5))
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert (await api.get(where)).json()["version"] == 2
