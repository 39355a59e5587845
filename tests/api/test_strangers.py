"""Somebody else's thing does not exist: the answer is the same as for an id that nobody has."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from engine.db import Database
from models.tables import AccessToken, Attachment, Character, Delivery, Image, Location, Panel, Scene, Webhook
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.workflow

CHANGES = {"post": {"text": "It rained."}, "patch": {"version": 1, "title": "Mine"}}
DECISIONS = {
    "budget": {"budget_usd": "1"},
    "resume": {"skip_refused": False},
    "webhooks": {"url": "https://example.org/hook"},
    "{webhook_id}": {"version": 1, "active": False},
    "images": {"image_id": str(uuid4())},
}


async def belongings(database: Database, ordered: Ordered) -> dict[str, UUID]:
    """One of everything in somebody else's project, by the name of the parameter that it would be."""
    project_id = ordered.run.project_id
    async with database.session() as session:
        scene = Scene(project_id=project_id, chapter_id=ordered.run.chapter_id, position=0)
        image = Image(
            project_id=project_id,
            sha256="0" * 64,
            key="images/0.png",
            media_type="image/png",
            width=1,
            height=1,
            bytes=1,
        )
        session.add_all([scene, image])
        await session.flush()
        panel = Panel(project_id=project_id, scene_id=scene.id, position=0)
        token = AccessToken(user_id=ordered.owner_id, name="Theirs", token_hash=uuid4().hex)
        webhook = Webhook(project_id=project_id, url="https://example.org/hook")
        character = Character(project_id=project_id, name="Mara", name_key="mara")
        location = Location(project_id=project_id, name="Quay", name_key="quay")
        session.add_all([panel, token, webhook, character, location])
        await session.flush()
        attachment = Attachment(project_id=project_id, image_id=image.id, panel_id=panel.id)
        session.add(attachment)
        delivery = Delivery(
            project_id=project_id,
            webhook_id=webhook.id,
            seq=1,
            type="generation.completed",
            # Nobody is to send it.
            started_at=datetime.now(UTC),
        )
        session.add(delivery)
    return {
        "project_id": project_id,
        "chapter_id": ordered.run.chapter_id,
        "scene_id": scene.id,
        "panel_id": panel.id,
        "image_id": image.id,
        "generation_id": ordered.run.generation_id,
        "token_id": token.id,
        "webhook_id": webhook.id,
        "delivery_id": delivery.id,
        "character_id": character.id,
        "location_id": location.id,
        "attachment_id": attachment.id,
    }


def nothing() -> dict[str, UUID]:
    """Ids that nobody has."""
    names = ("project_id", "chapter_id", "scene_id", "panel_id", "image_id", "generation_id", "token_id")
    more = ("webhook_id", "delivery_id", "character_id", "location_id", "attachment_id")
    return {name: uuid4() for name in (*names, *more)}


async def answers(api: AsyncClient, ids: Mapping[str, UUID]) -> dict[str, tuple[int, dict[str, Any]]]:
    """What every operation with an id in its path says, with the id itself taken out."""
    found = {}
    for path, operations in (await api.get("/openapi.json")).json()["paths"].items():
        for method in operations if "_id}" in path else ():
            body = DECISIONS.get(path.rsplit("/", 1)[-1], CHANGES.get(method))
            answer = await api.request(method, path.format(**ids, format="cbz"), json=body)
            said = answer.json() if answer.content else {}
            for one in ids.values():
                said = {name: str(value).replace(str(one), "…") for name, value in said.items()}
            del said["request_id"]
            found[f"{method} {path}"] = answer.status_code, said
    return found


async def test_what_belongs_to_others_is_as_if_it_were_not(api: AsyncClient, database: Database, order: Order) -> None:
    """Read, list, change, delete, cancel, retry: whatever has an id answers 404 with the same words."""
    theirs = await answers(api, await belongings(database, await order()))
    assert theirs == await answers(api, nothing())
    assert {status for status, _ in theirs.values()} == {404}
    assert len(theirs) > 15


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
