"""Characters, places and standing instructions: made, listed, changed, moved, deleted."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from engine.store import events
from models.tables import Character, Image
from tests.api.conftest import Crew, ended, new_chapter, problem, refused

pytestmark = pytest.mark.integration

NOUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "characters": ({"name": "Mara", "aliases": ["the keeper"]}, {"name": "Maria", "aliases": []}),
    "locations": ({"name": "the quay", "description": "Wet."}, {"description": "Dry."}),
    "instructions": ({"kind": "tone", "body": "Quiet."}, {"body": "Loud."}),
}


async def project(api: AsyncClient) -> str:
    made: str = (await api.post("/api/v1/projects", json={"title": "Cast"})).json()["id"]
    return made


@pytest.mark.parametrize("noun", list(NOUNS))
async def test_it_lives_and_goes(api: AsyncClient, database: Database, noun: str) -> None:
    """Found under its Location, listed, changed by version, gone after a delete; each deed an event by its doer."""
    project_id, (given, change) = await project(api), NOUNS[noun]
    path = f"/api/v1/projects/{project_id}/{noun}"
    created = await api.post(path, json=given)
    assert created.status_code == 201, created.text
    where, made = created.headers["Location"], created.json()
    assert {name: made[name] for name in given} == given
    assert (await api.get(path)).json() == {"items": [made], "next_cursor": None}
    changed = await api.patch(where, json={"version": 1, **change})
    assert changed.json() == made | change | {"version": 2}
    assert problem(await api.patch(where, json={"version": 1, **change})) == refused(409, "conflict")
    assert (await api.get(where)).json() == changed.json()
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")
    name = noun.removesuffix("s")
    me = (await api.get("/api/v1/auth/me")).json()["id"]
    async with database.session() as session:
        told = await events.of_project(session, UUID(project_id), 0, 100)
    assert [(one.type, str(one.actor_id)) for one in told] == [
        (f"{name}.{verb}", me) for verb in ("created", "changed", "deleted")
    ]
    assert told[1].data == {f"{name}_id": made["id"], "fields": sorted(change), "version": 2}


@pytest.mark.parametrize("noun", ["characters", "locations"])
async def test_a_name_counts_once_whatever_its_case(api: AsyncClient, noun: str) -> None:
    """Neither added nor given to another; found by it, and sorted by it."""
    path = f"/api/v1/projects/{await project(api)}/{noun}"
    for name in ("mara", "Ada", "Zoë"):
        assert (await api.post(path, json={"name": name})).status_code == 201
    assert problem(await api.post(path, json={"name": "MARA"})) == refused(409, "conflict")
    found = (await api.get(path, params={"name": "ZOË"})).json()["items"]
    assert [one["name"] for one in found] == ["Zoë"]
    other = f"/api/v1/{noun}/{found[0]['id']}"
    assert problem(await api.patch(other, json={"version": 1, "name": "ada"})) == refused(409, "conflict")
    names: list[str] = []
    params: dict[str, Any] = {"sort": "-name", "limit": 1}
    while True:
        page = (await api.get(path, params=params)).json()
        names += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert names == ["Zoë", "mara", "Ada"]


async def test_a_profile_says_whose_it_is(api: AsyncClient) -> None:
    """It follows the name and the aliases; a name that is given up stays an alias; null takes it away."""
    path = f"/api/v1/projects/{await project(api)}/characters"
    looks = {"hair": "short, black", "props": ["two keys"]}
    made = (await api.post(path, json={"name": "Mara", "profile": looks})).json()
    where = f"/api/v1/characters/{made['id']}"
    assert (made["profile"]["name"], made["profile"]["hair"]) == ("Mara", "short, black")
    renamed = (await api.patch(where, json={"version": 1, "name": "Maria"})).json()
    assert renamed["aliases"] == renamed["profile"]["aliases"] == ["Mara"]
    assert (renamed["profile"]["name"], renamed["profile"]["hair"]) == ("Maria", "short, black")
    gone = (await api.patch(where, json={"version": 2, "profile": None})).json()
    assert gone["profile"] is None
    unknown = await api.patch(where, json={"version": 3, "profile": {"wings": "two"}})
    assert problem(unknown) == refused(422, "validation")


@pytest.mark.workflow
async def test_a_character_is_left_alone_while_something_is_generated(api: AsyncClient, crew: Crew) -> None:
    """Changed or deleted it would be missed; added it does no harm."""
    project_id, chapter_id = await new_chapter(api, "Nobody came. Nobody ever came.")
    path = f"/api/v1/projects/{project_id}/characters"
    where = (await api.post(path, json={"name": "Mara"})).headers["Location"]
    order = {"kind": "chapter", "target_ids": [chapter_id]}
    generation = (await api.post("/api/v1/generations", json=order)).json()["id"]
    assert problem(await api.patch(where, json={"version": 1, "name": "M"})) == refused(409, "conflict")
    assert problem(await api.delete(where)) == refused(409, "conflict")
    assert (await api.post(path, json={"name": "Jo"})).status_code == 201
    async with crew():
        await api.post(f"/api/v1/generations/{generation}/cancel")
        await ended(api, generation)


async def test_instructions_are_in_an_order(api: AsyncClient) -> None:
    """Inserted, moved and filtered as other ordered things are."""
    path = f"/api/v1/projects/{await project(api)}/instructions"
    ids = {}
    for body, kind, position in (("a", "do", None), ("b", "dont", 0), ("c", "do", 1)):
        made = await api.post(path, json={"body": body, "kind": kind, "position": position})
        ids[body] = made.json()["id"]
    assert [one["body"] for one in (await api.get(path)).json()["items"]] == ["b", "c", "a"]
    assert [one["body"] for one in (await api.get(path, params={"kind": "do"})).json()["items"]] == ["c", "a"]
    assert (await api.post(f"{path}/reorder", json={"ids": [ids["a"], ids["b"], ids["c"]]})).status_code == 204
    await api.delete(f"/api/v1/instructions/{ids['a']}")
    items = (await api.get(path)).json()["items"]
    assert [(one["body"], one["position"]) for one in items] == [("b", 0), ("c", 1)]


async def with_sheet(api: AsyncClient, database: Database, **given: Any) -> str:
    """A character whose sheet is drawn."""
    made = (await api.post(f"/api/v1/projects/{await project(api)}/characters", json={"name": "Mara", **given})).json()
    image = Image(
        project_id=UUID(made["project_id"]),
        sha256="a" * 64,
        key="k",
        media_type="image/png",
        width=8,
        height=8,
        bytes=9,
    )
    async with database.session() as session:
        session.add(image)
        await session.flush()
        character = await session.get_one(Character, UUID(made["id"]))
        character.sheet_image_id = image.id
        session.add(character)
    return f"/api/v1/characters/{made['id']}"


async def test_a_sheet_is_approved_until_the_looks_change(api: AsyncClient, database: Database) -> None:
    """Once, by whoever may edit; other looks take the approval back, another alias does not."""
    where = await with_sheet(api, database, profile={"hair": "black"})
    assert (await api.get(where)).json()["sheet_approved"] is False
    approved = (await api.post(f"{where}/approve")).json()
    assert (approved["sheet_approved"], approved["version"]) == (True, 2)
    assert (await api.post(f"{where}/approve")).json() == approved
    listed = (await api.get(f"/api/v1/projects/{approved['project_id']}/characters")).json()["items"]
    assert listed == [approved]
    same = (await api.patch(where, json={"version": 2, "profile": {"hair": "black"}})).json()
    assert same["sheet_approved"] is True
    changed = (await api.patch(where, json={"version": 3, "profile": {"hair": "red"}})).json()
    assert changed["sheet_approved"] is False
    async with database.session() as session:
        told = await events.of_project(session, UUID(approved["project_id"]), 0, 100)
    assert told[1].data == {"character_id": approved["id"], "fields": ["sheet_approved"], "version": 2}


async def test_there_must_be_something_to_approve(api: AsyncClient) -> None:
    made = (await api.post(f"/api/v1/projects/{await project(api)}/characters", json={"name": "Mara"})).json()
    assert problem(await api.post(f"/api/v1/characters/{made['id']}/approve")) == refused(409, "conflict")


async def test_outfits_are_told_apart_by_name(api: AsyncClient) -> None:
    """A profile has any number of them; a scene says who wears which."""
    project_id, chapter_id = await new_chapter(api)
    path = f"/api/v1/projects/{project_id}/characters"
    outfit = {"name": "nightgown", "clothes": "a white nightgown", "colours": ["white"], "worn": "at night"}
    made = await api.post(path, json={"name": "Mara", "profile": {"clothes": "a coat", "outfits": [outfit]}})
    assert made.json()["profile"]["outfits"] == [outfit]
    twice = {"name": "Joss", "profile": {"outfits": [outfit, outfit | {"name": "NIGHTGOWN"}]}}
    assert problem(await api.post(path, json=twice)) == refused(422, "validation")
    scene = {"summary": "Night.", "characters": ["Mara"], "outfits": {"Mara": "nightgown"}}
    added = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json=scene)).json()
    assert added["outfits"] == {"Mara": "nightgown"}
    where = f"/api/v1/scenes/{added['id']}"
    assert (await api.patch(where, json={"version": 1, "outfits": {}})).json()["outfits"] == {}


async def test_drift_is_listed_in_reading_order(api: AsyncClient) -> None:
    """What a prompt says otherwise is found panel by panel, a page at a time; another list's cursor is refused."""
    project_id, chapter_id = await new_chapter(api)
    looks = {"hair": "short black hair", "clothes": "a blue coat"}
    await api.post(f"/api/v1/projects/{project_id}/characters", json={"name": "Mara", "profile": looks})
    await api.post(f"/api/v1/projects/{project_id}/characters", json={"name": "Eve"})
    prompts = [
        "Mara (short black hair; a blue coat).",
        "Mara (short black hair; a blue coat), her red hair wet.",
        "Eve waits for Mara (a blue coat).",
    ]
    panels = [{"description": "Mara waits.", "characters": ["Mara"], "prompt": prompt} for prompt in prompts]
    scenes = {"scenes": [{"summary": "S.", "characters": ["Mara"], "panels": panels}]}
    made = await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json=scenes)
    assert made.status_code == 201, made.text
    path = f"/api/v1/chapters/{chapter_id}/drift"
    whole = (await api.get(path)).json()
    assert whole["next_cursor"] is None
    assert [
        (one["character"], one["kind"], one["attribute"], one["expected"], one["found"]) for one in whole["items"]
    ] == [
        ("Mara", "contradicted", "hair", "short black hair", "red hair"),
        ("Mara", "missing", "hair", "short black hair", ""),
        ("Eve", "stranger", "", "", "Eve"),
    ]
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.get(path, params={"limit": 1, **cursor})).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == whole["items"]
    other = (await api.get(f"/api/v1/projects/{project_id}/characters", params={"limit": 1})).json()["next_cursor"]
    assert problem(await api.get(path, params={"cursor": other})) == refused(422, "bad-input")
