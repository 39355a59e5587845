"""Members and invitations: whoever has the code and the address joins, once; roles are given and taken by owners."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import func, update
from sqlmodel import col

from engine.db.session import Database
from models.tables import Invitation, ProjectMember
from models.tables.projects import Role
from tests.api.conftest import problem, refused
from tests.api.together import Somebody, invited, member, somebody

pytestmark = pytest.mark.integration


async def project(api: AsyncClient) -> str:
    made: str = (await api.post("/api/v1/projects", json={"title": "Together"})).json()["id"]
    return made


async def accept(api: AsyncClient, who: Somebody, code: str) -> Any:
    return await api.post("/api/v1/invitations/accept", json={"code": code}, headers=who.headers)


async def test_who_was_invited_joins_once(api: AsyncClient) -> None:
    """With the code and the address; then they see the project, and the code is worth nothing."""
    project_id, who = await project(api), await somebody(api)
    where = f"/api/v1/projects/{project_id}"
    assert problem(await api.get(where, headers=who.headers)) == refused(404, "not-found")
    code = (await invited(api, project_id, who, Role.EDITOR))["code"]
    joined = await accept(api, who, code)
    assert (joined.status_code, joined.json()["project_id"], joined.json()["member"]["role"]) == (
        200,
        project_id,
        "editor",
    )
    assert (await api.get(where, headers=who.headers)).status_code == 200
    assert project_id in {one["id"] for one in (await api.get("/api/v1/projects", headers=who.headers)).json()["items"]}
    assert problem(await accept(api, who, code)) == refused(404, "not-found")
    assert (await api.get(f"{where}/invitations")).json()["items"] == []


@pytest.mark.parametrize("why", ["another address", "another code", "expired", "taken back", "replaced"])
async def test_neither_a_code_nor_an_address_opens_anything_alone(
    api: AsyncClient, database: Database, why: str
) -> None:
    """Whatever does not fit is answered in the same way, and nobody joins."""
    project_id, who = await project(api), await somebody(api)
    invitation = await invited(api, project_id, who, Role.VIEWER)
    code, comes = invitation["code"], who
    match why:
        case "another address":
            comes = await somebody(api)
        case "another code":
            code = uuid4().hex
        case "expired":
            async with database.session() as session:
                await session.exec(
                    update(Invitation)
                    .where(col(Invitation.project_id) == project_id)
                    .values(expires_at=func.now() - timedelta(seconds=1))
                )
        case "taken back":
            await api.delete(f"/api/v1/projects/{project_id}/invitations/{invitation['id']}")
        case "replaced":
            await invited(api, project_id, Somebody(who.email.upper(), who.user_id, who.headers), Role.VIEWER)
    assert problem(await accept(api, comes, code)) == refused(404, "not-found")
    assert (await api.get(f"/api/v1/projects/{project_id}", headers=comes.headers)).status_code == 404


async def test_an_invitation_says_nothing_of_accounts(api: AsyncClient) -> None:
    """The answer has the same shape for an address with an account and with none."""
    project_id, who = await project(api), await somebody(api)
    shapes = []
    for email in (who.email, f"{uuid4().hex}@example.org"):
        body = {"email": email, "role": "editor"}
        answer = await api.post(f"/api/v1/projects/{project_id}/invitations", json=body)
        shapes.append((answer.status_code, sorted(answer.json())))
    assert shapes[0] == shapes[1]


async def test_members_are_not_invited(api: AsyncClient) -> None:
    """However their address is spelled, and whom the project belongs to neither: the code would open nothing."""
    project_id = await project(api)
    there = await member(api, project_id, Role.VIEWER)
    me = (await api.get("/api/v1/auth/me")).json()["email"]
    for email in (there.email, there.email.upper(), me):
        answer = await api.post(f"/api/v1/projects/{project_id}/invitations", json={"email": email})
        assert problem(answer) == refused(409, "conflict")
    # Of another project they are none.
    other = await project(api)
    assert (await api.post(f"/api/v1/projects/{other}/invitations", json={"email": there.email})).status_code == 201


async def test_who_has_joined_meanwhile_does_not_join_again(api: AsyncClient, database: Database) -> None:
    """Another invitation, to the address that they had then, says so."""
    project_id, who = await project(api), await somebody(api)
    code = (await invited(api, project_id, who, Role.OWNER))["code"]
    async with database.session() as session:
        session.add(ProjectMember(project_id=UUID(project_id), user_id=UUID(who.user_id), role=Role.VIEWER))
    assert problem(await accept(api, who, code)) == refused(409, "conflict")


async def test_invitations_to_me_name_the_title_and_who_did(api: AsyncClient) -> None:
    """By my address; neither the project's id nor the code is in them, and others' are not."""
    project_id, who = await project(api), await somebody(api)
    made = await invited(api, project_id, who, Role.COMMENTER)
    mine = (await api.get("/api/v1/invitations", headers=who.headers)).json()["items"]
    assert [(one["id"], one["project"], one["role"]) for one in mine] == [(made["id"], "Together", "commenter")]
    assert {project_id, made["code"]}.isdisjoint(str(mine).replace("'", " ").split())
    other = await somebody(api)
    assert (await api.get("/api/v1/invitations", headers=other.headers)).json()["items"] == []


async def test_members_are_listed_in_pages_and_addresses_told_to_owners(api: AsyncClient) -> None:
    """Whom the project belongs to is one of them; a viewer sees names and roles alone."""
    project_id = await project(api)
    where = f"/api/v1/projects/{project_id}/members"
    editor, viewer = await member(api, project_id, Role.EDITOR), await member(api, project_id, Role.VIEWER)
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = (await api.get(where, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert [(one["role"], one["belongs"]) for one in found] == [("owner", True), ("editor", False), ("viewer", False)]
    assert [one["email"] for one in found[1:]] == [editor.email, viewer.email]
    seen = (await api.get(where, headers=viewer.headers)).json()["items"]
    assert [one["email"] for one in seen] == [None, None, None]
    assert [one["user_id"] for one in (await api.get(where, params={"role": "viewer"})).json()["items"]] == [
        viewer.user_id
    ]
    assert problem(await api.get(f"{where}/{uuid4()}")) == refused(404, "not-found")


async def test_a_role_is_given_and_counts_at_once(api: AsyncClient) -> None:
    """A viewer who becomes an editor may change things; one who is made a viewer again may not."""
    project_id = await project(api)
    who = await member(api, project_id, Role.VIEWER)
    chapters, where = f"/api/v1/projects/{project_id}/chapters", f"/api/v1/projects/{project_id}/members/{who.user_id}"
    for role, status in (("viewer", 403), ("editor", 201), ("commenter", 403)):
        assert (await api.patch(where, json={"role": role})).status_code == 200
        answer = await api.post(chapters, json={"text": "It rained."}, headers=who.headers)
        assert answer.status_code == status


async def test_members_may_go_and_owners_may_remove_others(api: AsyncClient) -> None:
    """Nobody else removes anybody; who has gone is a stranger."""
    project_id = await project(api)
    where = f"/api/v1/projects/{project_id}/members"
    one, two = await member(api, project_id, Role.EDITOR), await member(api, project_id, Role.EDITOR)
    assert problem(await api.delete(f"{where}/{two.user_id}", headers=one.headers)) == refused(403, "forbidden")
    assert (await api.delete(f"{where}/{one.user_id}", headers=one.headers)).status_code == 204
    assert (await api.delete(f"{where}/{two.user_id}")).status_code == 204
    for gone in (one, two):
        assert problem(await api.get(where, headers=gone.headers)) == refused(404, "not-found")


async def test_whom_a_project_belongs_to_stays_until_it_is_given_away(api: AsyncClient) -> None:
    """Not removed, not demoted, not even by another owner, who cannot take it either."""
    project_id = await project(api)
    where = f"/api/v1/projects/{project_id}"
    me = (await api.get("/api/v1/auth/me")).json()["id"]
    other = await member(api, project_id, Role.OWNER)
    for headers in ({}, dict(other.headers)):
        assert problem(await api.delete(f"{where}/members/{me}", headers=headers)) == refused(409, "conflict")
        answer = await api.patch(f"{where}/members/{me}", json={"role": "viewer"}, headers=headers)
        assert problem(answer) == refused(409, "conflict")
    answer = await api.post(f"{where}/transfer", json={"user_id": other.user_id}, headers=other.headers)
    assert problem(answer) == refused(403, "forbidden")
    assert problem(await api.post(f"{where}/transfer", json={"user_id": str(uuid4())})) == refused(409, "conflict")
    assert (await api.post(f"{where}/transfer", json={"user_id": other.user_id})).status_code == 204
    now = {one["user_id"]: (one["role"], one["belongs"]) for one in (await api.get(f"{where}/members")).json()["items"]}
    assert now == {me: ("owner", False), other.user_id: ("owner", True)}
    assert (await api.delete(f"{where}/members/{me}")).status_code == 204
    assert (await api.delete(where, headers=other.headers)).status_code == 204


async def test_who_is_no_owner_any_more_has_invited_nobody(api: AsyncClient) -> None:
    """A code that a demoted owner kept for a second account opens nothing."""
    project_id, second = await project(api), await somebody(api)
    owner = await member(api, project_id, Role.OWNER)
    answer = await api.post(
        f"/api/v1/projects/{project_id}/invitations",
        json={"email": second.email, "role": "owner"},
        headers=owner.headers,
    )
    await api.patch(f"/api/v1/projects/{project_id}/members/{owner.user_id}", json={"role": "viewer"})
    assert problem(await accept(api, second, answer.json()["code"])) == refused(404, "not-found")


async def test_an_invitation_is_taken_back_through_its_own_project_alone(api: AsyncClient) -> None:
    """The id of another project's is as unknown as any."""
    mine, other = await project(api), await project(api)
    made = await invited(api, other, await somebody(api), Role.VIEWER)
    assert problem(await api.delete(f"/api/v1/projects/{mine}/invitations/{made['id']}")) == refused(404, "not-found")
    assert (await api.delete(f"/api/v1/projects/{other}/invitations/{made['id']}")).status_code == 204
