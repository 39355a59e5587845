"""An order that is sent again with its Idempotency-Key is the same order."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from engine.store import generations
from models.options import GenerationStatus
from models.tables.projects import Role
from tests.api.conftest import Json, new_chapter, problem, refused, registered
from tests.api.together import member

pytestmark = pytest.mark.integration


async def order(api: AsyncClient, body: Json, key: str, **headers: str) -> Any:
    return await api.post("/api/v1/generations", json=body, headers={"Idempotency-Key": key, **headers})


async def end(database: Database, ordered: Any) -> None:
    """Nothing stays open for other tests' workers to find."""
    made = ordered.json()
    async with database.session() as session:
        await generations.end(session, UUID(made["project_id"]), UUID(made["id"]), GenerationStatus.CANCELLED)


async def test_again_is_the_same_answer(api: AsyncClient, database: Database) -> None:
    """Status, body and Location, also when the thing has changed since; nothing further is ordered."""
    _, chapter_id = await new_chapter(api)
    body, key = {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex
    first = await order(api, body, key)
    await end(database, first)
    second = await order(api, body, key)
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["Location"] == first.headers["Location"]
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (False, "true")
    listed = (await api.get("/api/v1/generations", params={"chapter_id": chapter_id})).json()["items"]
    assert [row["id"] for row in listed] == [first.json()["id"]]


async def test_fifty_at_once_are_one(api: AsyncClient, database: Database) -> None:
    """Everybody gets the same generation; there is one."""
    _, chapter_id = await new_chapter(api)
    body, key = {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex
    answers = await asyncio.gather(*(order(api, body, key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    listed = (await api.get("/api/v1/generations", params={"chapter_id": chapter_id})).json()["items"]
    assert len(listed) == 1
    await end(database, answers[0])


async def test_a_key_is_for_one_request(api: AsyncClient, database: Database) -> None:
    """For another body it is refused; nothing is ordered, and the first order stands."""
    _, chapter_id = await new_chapter(api)
    body, key = {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex
    first = await order(api, body, key)
    answer = await order(api, body | {"options": {"drafts": 2}}, key)
    assert problem(answer) == refused(422, "mismatch")
    retried = await api.post(f"{first.headers['Location']}/retry", headers={"Idempotency-Key": key})
    assert problem(retried) == refused(422, "mismatch")
    await end(database, first)


async def test_what_was_refused_is_not_remembered(api: AsyncClient, database: Database) -> None:
    """The mistake can be mended under the same key."""
    _, chapter_id = await new_chapter(api)
    body, key = {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex
    assert (await order(api, body | {"target_ids": [str(uuid4())]}, key)).status_code == 404
    answer = await order(api, body, key)
    assert answer.status_code == 202
    await end(database, answer)


async def test_a_key_is_its_owners(api: AsyncClient, database: Database) -> None:
    """Somebody else with the same key orders something else, and learns nothing."""
    _, chapter_id = await new_chapter(api)
    key = uuid4().hex
    mine = await order(api, {"kind": "chapter", "target_ids": [chapter_id]}, key)
    other = await registered(api)
    theirs = await order(api, {"kind": "chapter", "target_ids": [chapter_id]}, key, Authorization=other)
    assert problem(theirs) == refused(404, "not-found")
    await end(database, mine)


async def test_a_retry_has_keys_too(api: AsyncClient, database: Database) -> None:
    """Twice with one key is one retry."""
    _, chapter_id = await new_chapter(api)
    first = await order(api, {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex)
    where = first.headers["Location"]
    await end(database, first)
    key = {"Idempotency-Key": uuid4().hex}
    one, two = [await api.post(f"{where}/retry", headers=key) for _ in range(2)]
    assert (one.status_code, two.json()) == (202, one.json())
    assert one.json()["retry_of"] == first.json()["id"]
    await end(database, one)


async def test_a_key_opens_nothing(api: AsyncClient, database: Database) -> None:
    """A token of another project, a demoted editor and a removed one are refused as they are without the key."""
    project_id, chapter_id = await new_chapter(api)
    editor = await member(api, project_id, Role.EDITOR)
    body, key = {"kind": "chapter", "target_ids": [chapter_id]}, uuid4().hex
    first = await order(api, body, key, **editor.headers)
    assert first.status_code == 202, first.text
    await end(database, first)
    retry, again = f"{first.headers['Location']}/retry", uuid4().hex
    retried = await api.post(retry, headers={"Idempotency-Key": again, **editor.headers})
    assert retried.status_code == 202, retried.text
    await end(database, retried)

    async def answers(headers: Mapping[str, str]) -> list[tuple[Any, Any]]:
        """With the key, and without."""
        with_keys = [
            await order(api, body, key, **headers),
            await order(api, body | {"options": {"drafts": 2}}, key, **headers),
            await api.post(retry, headers={"Idempotency-Key": again, **headers}),
        ]
        plain = [
            await api.post("/api/v1/generations", json=body, headers=headers),
            await api.post("/api/v1/generations", json=body, headers=headers),
            await api.post(retry, headers=headers),
        ]
        assert [one.json()["detail"] for one in with_keys] == [one.json()["detail"] for one in plain]
        return [(problem(one), problem(other)) for one, other in zip(with_keys, plain, strict=True)]

    elsewhere = (await api.post("/api/v1/projects", json={"title": "Elsewhere"}, headers=editor.headers)).json()["id"]
    new = {"name": "of another project", "project_id": elsewhere, "scopes": ["read", "write"]}
    token = (await api.post("/api/v1/auth/tokens", headers=editor.headers, json=new)).json()["token"]
    missing, forbidden = refused(404, "not-found"), refused(403, "forbidden")
    assert await answers({"Authorization": f"Bearer {token}"}) == [(missing, missing)] * 3
    where = f"/api/v1/projects/{project_id}/members/{editor.user_id}"
    assert (await api.patch(where, json={"role": "viewer"})).status_code == 200
    assert await answers(editor.headers) == [(forbidden, forbidden)] * 3
    assert (await api.patch(where, json={"role": "editor"})).status_code == 200
    replayed = await order(api, body, key, **editor.headers)
    assert (replayed.status_code, replayed.json()) == (202, first.json())
    assert (await api.delete(where)).status_code == 204
    assert await answers(editor.headers) == [(missing, missing)] * 3


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
async def test_what_is_no_key_is_refused(api: AsyncClient, key: str) -> None:
    """Before anything is ordered."""
    _, chapter_id = await new_chapter(api)
    headers = {b"Idempotency-Key": key.encode()}
    body = {"kind": "chapter", "target_ids": [chapter_id]}
    assert problem(await api.post("/api/v1/generations", json=body, headers=headers)) == refused(422, "validation")
