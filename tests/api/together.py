"""People in one project: an owner's client, and those of members with each role."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from httpx2 import AsyncClient

from models.tables.projects import Role
from tests.api.conftest import registered

Json = dict[str, Any]


@dataclass(frozen=True)
class Somebody:
    """An account, by the headers that make a request theirs."""

    email: str
    user_id: str
    headers: Mapping[str, str]


async def somebody(api: AsyncClient) -> Somebody:
    """A new account."""
    email = f"{uuid4().hex}@example.org"
    headers = {"Authorization": await registered(api, email)}
    me = (await api.get("/api/v1/auth/me", headers=headers)).json()
    return Somebody(email, me["id"], headers)


async def invited(api: AsyncClient, project_id: str, who: Somebody, role: Role) -> Json:
    """The invitation of an account to the client's project, with its code."""
    body = {"email": who.email, "role": role}
    answer = await api.post(f"/api/v1/projects/{project_id}/invitations", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def member(api: AsyncClient, project_id: str, role: Role) -> Somebody:
    """A new account that has joined the client's project."""
    who = await somebody(api)
    code = (await invited(api, project_id, who, role))["code"]
    answer = await api.post("/api/v1/invitations/accept", json={"code": code}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return who
