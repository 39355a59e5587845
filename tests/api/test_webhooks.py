"""Callback addresses over HTTP: made, changed, told of their secret once. That messages arrive: tests/workflows."""

from uuid import UUID

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from engine.store import throttles, webhooks
from engine.store.scope import Scope
from models.tables import Delivery
from models.tables.projects import Role
from models.tables.webhooks import DeliveryState
from tests.api.conftest import Json, new_chapter, problem, refused, registered

pytestmark = pytest.mark.integration

NEW = {"url": "https://example.org/hooks", "events": ["generation.completed", "generation.failed"]}


@pytest.fixture
async def project_id(api: AsyncClient) -> str:
    found, _ = await new_chapter(api)
    return found


async def test_an_address_lives_and_goes(api: AsyncClient, project_id: str) -> None:
    """Its secret is shown when it is made, and never again."""
    created = await api.post(f"/api/v1/projects/{project_id}/webhooks", json=NEW)
    made, where = created.json(), created.headers["Location"]
    assert (created.status_code, made["secret"][:6], made["events"]) == (201, "whsec_", sorted(NEW["events"]))
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (await api.get(where)).json() == shown
    listed = (await api.get(f"/api/v1/projects/{project_id}/webhooks")).json()
    assert listed["items"] == [shown]
    changed = await api.patch(where, json={"version": 1, "active": False, "events": []})
    assert changed.json() == shown | {"active": False, "events": [], "version": 2}
    assert problem(await api.patch(where, json={"version": 1, "active": True})) == refused(409, "conflict")
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")


async def test_a_new_secret_is_another(api: AsyncClient, project_id: str) -> None:
    """Shown once, too."""
    created = await api.post(f"/api/v1/projects/{project_id}/webhooks", json=NEW)
    rotated = await api.post(f"{created.headers['Location']}/rotate")
    assert rotated.json()["secret"] != created.json()["secret"]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/hook",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "http://example.org/",
        "https://user@example.org/",
    ],
)
async def test_an_address_inside_is_refused(api: AsyncClient, project_id: str, url: str) -> None:
    """When it is made, and when it is changed."""
    path = f"/api/v1/projects/{project_id}/webhooks"
    assert problem(await api.post(path, json=NEW | {"url": url}))[0] == 422
    where = (await api.post(path, json=NEW)).headers["Location"]
    assert problem(await api.patch(where, json={"version": 1, "url": url}))[0] == 422


@pytest.mark.parametrize("change", [{"events": ["generation.exploded"]}, {"active": None, "url": "x"}, {"secret": "s"}])
async def test_what_it_cannot_be_told_is_refused(api: AsyncClient, project_id: str, change: Json) -> None:
    """Unknown events, no URL, a secret of one's own."""
    answer = await api.post(f"/api/v1/projects/{project_id}/webhooks", json=NEW | change)
    assert problem(answer) == refused(422, "validation")


async def test_there_are_only_so_many(api: AsyncClient, project_id: str) -> None:
    """Every event is sent to all of them."""
    path = f"/api/v1/projects/{project_id}/webhooks"
    codes = [(await api.post(path, json=NEW)).status_code for _ in range(webhooks.MAX_WEBHOOKS + 1)]
    assert (codes.count(201), codes[-1]) == (webhooks.MAX_WEBHOOKS, 409)


async def test_messages_are_listed_and_sent_again(api: AsyncClient, database: Database, project_id: str) -> None:
    """With what was tried; a second sending is a message of its own, and there are so many of those an hour."""
    made = (await api.post(f"/api/v1/projects/{project_id}/webhooks", json=NEW)).json()
    async with database.session() as session:
        delivery = Delivery(
            project_id=UUID(project_id),
            webhook_id=UUID(made["id"]),
            seq=7,
            type="generation.failed",
            body={"type": "generation.failed"},
            state=DeliveryState.FAILED,
            tries=[{"at": "2026-01-31T12:00:00Z", "status": 500, "error": "answered with 500", "ms": 3}],
        )
        session.add(delivery)
        await session.flush()
        # Nobody is to send it.
        await webhooks.mark_started(session, delivery.id)
    path = f"/api/v1/webhooks/{made['id']}/deliveries"
    (listed,) = (await api.get(path, params={"state": "failed"})).json()["items"]
    assert (listed["id"], listed["tries"][0]["status"]) == (str(delivery.id), 500)
    again = await api.post(f"/api/v1/deliveries/{delivery.id}/redeliver")
    assert (again.status_code, again.json()["redelivery_of"], again.json()["tries"]) == (202, str(delivery.id), [])
    assert again.json()["body"] == listed["body"]
    async with database.session() as session:
        await webhooks.mark_started(session, UUID(again.json()["id"]))
        wait = 0.0
        while not wait:
            wait = await throttles.take_token(session, f"redeliveries:{project_id}", webhooks.MANY, webhooks.WITHIN)
    too_many = await api.post(f"/api/v1/deliveries/{delivery.id}/redeliver")
    assert problem(too_many) == refused(429, "too-many")
    assert int(too_many.headers["Retry-After"]) > 0


async def test_only_owners_decide_about_them(api: AsyncClient, database: Database, project_id: str) -> None:
    """They carry what happens in the project to somewhere else."""
    from models.tables import ProjectMember

    authorization = await registered(api)
    me = (await api.get("/api/v1/auth/me", headers={"Authorization": authorization})).json()
    async with database.session() as session:
        session.add(ProjectMember(project_id=UUID(project_id), user_id=UUID(me["id"]), role=Role.EDITOR))
    path = f"/api/v1/projects/{project_id}/webhooks"
    for answer in (
        await api.post(path, json=NEW, headers={"Authorization": authorization}),
        await api.get(path, headers={"Authorization": authorization}),
    ):
        assert problem(answer) == refused(403, "forbidden")
    assert Scope(user_id=UUID(me["id"])).role == "viewer"
