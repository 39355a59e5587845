"""Somebody else's thing does not exist: the answer is the same as for an id that nobody has."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from tests.api.conftest import new_chapter
from tests.api.operations import belongings, operations
from tests.conftest import Order

pytestmark = pytest.mark.integration

OPERATIONS = list(operations())


async def answers(api: AsyncClient, ids: Mapping[str, UUID]) -> dict[str, tuple[int, dict[str, Any]]]:
    """What every operation with an id in its path says, with the id itself taken out."""
    found = {}
    for operation in OPERATIONS:
        if not operation.ids:
            continue
        answer = await api.request(operation.method, operation.at(ids), json=operation.body)
        said = answer.json() if answer.content else {}
        for one in ids.values():
            said = {name: str(value).replace(str(one), "…") for name, value in said.items()}
        del said["request_id"]
        found[operation.name] = answer.status_code, said
    return found


async def test_what_belongs_to_others_is_as_if_it_were_not(api: AsyncClient, database: Database, order: Order) -> None:
    """Read, list, change, delete, cancel, retry: whatever has an id answers 404 with the same words."""
    theirs = await belongings(database, await order())
    found = await answers(api, theirs)
    assert found == await answers(api, {name: uuid4() for name in theirs})
    assert {name for name, (status, _) in found.items() if status != 404} == set()
    assert len(found) > 60


async def test_others_are_not_reached_through_what_is_mine(api: AsyncClient, database: Database, order: Order) -> None:
    """My project's id before theirs in a path opens nothing of theirs."""
    theirs = await belongings(database, await order())
    project_id, chapter_id = await new_chapter(api)
    mine = {"project_id": UUID(project_id), "chapter_id": UUID(chapter_id)}
    nested = [one for one in OPERATIONS if len(one.ids) > 1]
    assert nested
    for operation in nested:
        answer = await api.request(operation.method, operation.at({**theirs, **mine}), json=operation.body)
        assert (operation.name, answer.status_code) == (operation.name, 404)


async def test_a_filter_by_an_id_of_others_finds_nothing(api: AsyncClient, database: Database, order: Order) -> None:
    """Every list that takes an id besides its path."""
    theirs = await belongings(database, await order())
    filtered = [(one, name) for one in OPERATIONS for name in one.queries if not one.ids]
    assert filtered
    for operation, name in filtered:
        answer = await api.request(operation.method, operation.path, params={name: str(theirs[name])})
        assert (operation.name, answer.status_code, answer.json()["items"]) == (operation.name, 200, [])


async def test_an_order_names_nothing_of_others(api: AsyncClient, database: Database, order: Order) -> None:
    """Neither a new order of my things, nor a character sheet for their chapter."""
    theirs = await belongings(database, await order())
    project_id, chapter_id = await new_chapter(api)
    ids = [chapter_id, str(theirs["chapter_id"])]
    answer = await api.post(f"/api/v1/projects/{project_id}/chapters/reorder", json={"ids": ids})
    assert answer.status_code == 422
    mine = (await api.post(f"/api/v1/projects/{project_id}/characters", json={"name": "Mara"})).json()["id"]
    sheet = {"kind": "character_sheet", "target_ids": [mine], "chapter_id": str(theirs["chapter_id"])}
    assert (await api.post("/api/v1/generations", json=sheet)).status_code == 404
    # Somebody's account and none at all are the same: no member.
    for user_id in (theirs["user_id"], uuid4()):
        answer = await api.post(f"/api/v1/projects/{project_id}/transfer", json={"user_id": str(user_id)})
        assert answer.status_code == 409


async def test_no_file_names_what_belongs_to_others(api: AsyncClient, order: Order) -> None:
    """The costs of all my projects are of mine alone."""
    ordered = await order()
    assert str(ordered.run.project_id) not in (await api.get("/api/v1/costs.csv")).text


async def test_others_do_not_appear_in_lists(api: AsyncClient, order: Order) -> None:
    """Neither their projects nor their generations, not even when asked for by chapter."""
    ordered = await order()
    projects = (await api.get("/api/v1/projects", params={"limit": 100})).json()["items"]
    assert str(ordered.run.project_id) not in {project["id"] for project in projects}
    params = {"chapter_id": str(ordered.run.chapter_id)}
    assert (await api.get("/api/v1/generations", params=params)).json()["items"] == []


@pytest.mark.parametrize("kind", ["chapter", "scene", "panel", "export"])
async def test_nobody_orders_in_the_name_of_others(
    api: AsyncClient, database: Database, order: Order, kind: str
) -> None:
    """Their chapter, scene and panel cannot be generated either."""
    theirs = await belongings(database, await order())
    target = theirs["chapter_id" if kind == "export" else f"{kind}_id"]
    answer = await api.post("/api/v1/generations", json={"kind": kind, "target_ids": [str(target)]})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
