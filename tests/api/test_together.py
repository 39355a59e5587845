"""Several people in one project: who is there, who edits what, what they say, and what the others wrote."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text

from engine.db.session import Database
from engine.settings import Settings
from engine.store import comments, throttles
from models.tables import Panel, Scene
from tests.api.conftest import new_chapter, problem, refused, registered
from tests.api.live import Json, Served, caught_up, listening, until

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    api: AsyncClient
    id: str
    authorization: str

    async def ask(self, method: str, path: str, json: Json | None = None) -> tuple[int, Json]:
        answer = await self.api.request(
            method, f"/api/v1{path}", json=json, headers={"Authorization": self.authorization}
        )
        return answer.status_code, answer.json() if answer.content else {}


@dataclass(frozen=True)
class Studio:
    """A project with a panel, its owner, and one member of each role."""

    project_id: str
    chapter_id: str
    panel_id: str
    owner: Person
    editor: Person
    commenter: Person
    viewer: Person


async def person(api: AsyncClient, name: str) -> Person:
    authorization = await registered(api)
    made = await api.patch("/api/v1/auth/me", json={"name": name}, headers={"Authorization": authorization})
    return Person(api, made.json()["id"], authorization)


@pytest.fixture(scope="module")
async def studio(api: AsyncClient, database: Database) -> Studio:
    project_id, chapter_id = await new_chapter(api)
    owner_id = (await api.get("/api/v1/auth/me")).json()["id"]
    people = {role: await person(api, role.title()) for role in ("editor", "commenter", "viewer")}
    async with database.session() as session:
        scene = Scene(project_id=UUID(project_id), chapter_id=UUID(chapter_id), position=0)
        session.add(scene)
        await session.flush()
        panel = Panel(project_id=UUID(project_id), scene_id=scene.id, position=0)
        session.add(panel)
        for role, one in people.items():
            await (await session.connection()).execute(
                text("INSERT INTO project_members (project_id, user_id, role) VALUES (:project, :user, :role)"),
                {"project": project_id, "user": one.id, "role": role},
            )
    owner = Person(api, owner_id, api.headers["Authorization"])
    return Studio(project_id, chapter_id, str(panel.id), owner, **people)


@pytest.fixture(scope="module")
async def pair(api_settings: Settings, api: AsyncClient) -> AsyncIterator[tuple[Served, Served]]:
    async with listening(api_settings) as one, listening(api_settings) as other:
        yield one, other


async def newest(who: Person, project_id: str, type: str) -> Json:
    """The newest event of a type, as the activity list tells it; without one, one that never was."""
    _, page = await who.ask("GET", f"/projects/{project_id}/activity?type={type}&limit=1")
    found: Json = page["items"][0] if page["items"] else {"seq": 0, "data": {"user_id": None}}
    return found


async def test_who_comes_and_goes_is_told(pair: tuple[Served, Served], studio: Studio, database: Database) -> None:
    """The others hear it, wherever they are connected; a second window, or one opened again, is no news."""
    path, me = f"projects/{studio.project_id}", studio.editor
    async with pair[0].open(path, studio.owner.authorization) as watching:
        await caught_up(watching)
        async with pair[1].open(path, me.authorization) as window:
            await caught_up(window)
            event = await until(watching, "presence.changed")
            while event["data"]["user_id"] != me.id:
                event = await until(watching, "presence.changed")
            assert event["data"] == {"user_id": me.id, "name": "Editor", "here": True}
            assert event["actor_id"] == me.id
            await window.send(f'{{"type": "looking", "panel_id": "{studio.panel_id}"}}')
            looked = await until(watching, "presence.changed")
            assert looked["data"]["panel_id"] == studio.panel_id
            _, there = await studio.viewer.ask("GET", f"/projects/{studio.project_id}/presence")
            assert {"user_id": me.id, "name": "Editor", "panel_ids": [studio.panel_id]} in there["items"]
        async with pair[0].open(path, me.authorization) as again:
            await caught_up(again)
        gone = await asyncio.wait_for(until(watching, "presence.changed"), 10)
        assert gone["data"] == {"user_id": me.id, "name": "Editor", "here": False}
        _, there = await studio.viewer.ask("GET", f"/projects/{studio.project_id}/presence")
        assert me.id not in str(there)


async def test_who_looks_here_and_there_is_told_of_now_and_then(pair: tuple[Served, Served], studio: Studio) -> None:
    """Of many changes in a second only the first and the last are told; a strange panel counts as none."""
    path = f"projects/{studio.project_id}"
    async with pair[0].open(path, studio.commenter.authorization) as window:
        await caught_up(window)
        for panel_id in (f'"{studio.panel_id}"', "null") * 4 + (f'"{studio.panel_id}"', f'"{uuid4()}"'):
            await window.send(f'{{"type": "looking", "panel_id": {panel_id}}}')
            await asyncio.sleep(0.1)
        changes = f"/projects/{studio.project_id}/activity?type=presence.changed&actor_id={studio.commenter.id}"
        async with asyncio.timeout(10):
            while True:
                _, page = await studio.owner.ask("GET", changes)
                looked = ["panel_id" in item["data"] for item in page["items"]]
                # The newest comes first: the last change is told once a panel was, and then none.
                if any(looked) and not looked[0]:
                    break
                await asyncio.sleep(0.1)
        assert 1 <= len(page["items"]) <= 4
        assert "panel_id" not in page["items"][0]["data"]


async def test_a_process_that_dies_takes_its_people_along(
    pair: tuple[Served, Served], studio: Studio, database: Database
) -> None:
    """Nobody gives a sign of life for them any more: the others are told that they have gone."""
    async with database.session() as session:
        await (await session.connection()).execute(
            text(
                "INSERT INTO presences (connection, project_id, user_id, seen_at)"
                " VALUES (gen_random_uuid(), :project, :user, now() - interval '29 s')"
            ),
            {"project": studio.project_id, "user": studio.viewer.id},
        )
    async with pair[0].open(f"projects/{studio.project_id}", studio.owner.authorization) as watching:
        await caught_up(watching)
        async with asyncio.timeout(10):
            while (event := await until(watching, "presence.changed"))["data"]["user_id"] != studio.viewer.id:
                pass
        assert event["data"] == {"user_id": studio.viewer.id, "name": "Viewer", "here": False}


async def test_one_edits_a_panel_at_a_time(studio: Studio, database: Database) -> None:
    """Who holds the lock renews it quietly; others are told who it is, until it is given back or expires."""
    path = f"/panels/{studio.panel_id}/lock"
    assert await studio.viewer.ask("GET", path) == (
        200,
        {"panel_id": studio.panel_id, "user_id": None, "name": None, "expires_at": None},
    )
    assert (await studio.commenter.ask("PUT", path))[0] == 403
    status, taken = await studio.editor.ask("PUT", path)
    assert (status, taken["name"], taken["user_id"]) == (200, "Editor", studio.editor.id)
    first = await newest(studio.owner, studio.project_id, "panel.locked")
    assert first["data"].keys() == {"panel_id", "user_id", "name", "expires_at"}
    _, renewed = await studio.editor.ask("PUT", path)
    assert renewed["expires_at"] > taken["expires_at"]
    assert (await newest(studio.owner, studio.project_id, "panel.locked"))["seq"] == first["seq"]
    for method in ("PUT", "DELETE"):
        status, said = await studio.owner.ask(method, path)
        assert (status, said["type"]) == (409, "/problems/conflict")
        assert said["held"].keys() == {"user_id", "name", "expires_at"}
        assert said["held"]["user_id"] == studio.editor.id
        assert "Editor is editing this panel" in said["detail"]
    panel, change = f"/panels/{studio.panel_id}", {"version": 1, "caption": "Later."}
    for method, body in (("PATCH", change), ("DELETE", None)):
        status, said = await studio.owner.ask(method, panel, body)
        assert (status, said["held"]["user_id"]) == (409, studio.editor.id)
    assert (await studio.editor.ask("PATCH", panel, change))[0] == 200
    assert (await studio.editor.ask("DELETE", path))[0] == 204
    assert (await studio.editor.ask("DELETE", path))[0] == 204
    unlocked = await newest(studio.owner, studio.project_id, "panel.unlocked")
    assert unlocked["data"] == {"panel_id": studio.panel_id, "user_id": studio.editor.id}


async def test_a_lock_expires(pair: tuple[Served, Served], studio: Studio, database: Database) -> None:
    """Whoever closes the browser keeps nobody from working; the others are told."""
    path = f"/panels/{studio.panel_id}/lock"
    await studio.editor.ask("PUT", path)
    before = (await newest(studio.owner, studio.project_id, "panel.locked"))["seq"]
    async with database.session() as session:
        await (await session.connection()).execute(text("UPDATE panel_locks SET expires_at = now()"))
    assert (await studio.owner.ask("PUT", path))[0] == 200
    async with database.session() as session:
        await (await session.connection()).execute(text("UPDATE panel_locks SET expires_at = now()"))
    async with asyncio.timeout(10):
        while True:
            told = await newest(studio.owner, studio.project_id, "panel.unlocked")
            if told["seq"] > before and told["data"]["user_id"] == studio.owner.id:
                break
            await asyncio.sleep(0.1)
    assert (await studio.viewer.ask("GET", path))[1]["user_id"] is None


async def test_of_many_who_want_a_lock_one_gets_it(studio: Studio) -> None:
    """At once, and by one statement or another."""
    path = f"/panels/{studio.panel_id}/lock"
    people = [studio.owner, studio.editor] * 5
    answers = await asyncio.gather(*(one.ask("PUT", path) for one in people))
    holders = {said["user_id"] if status == 200 else said["held"]["user_id"] for status, said in answers}
    assert len(holders) == 1
    holder = studio.owner if holders == {studio.owner.id} else studio.editor
    assert [status for status, _ in answers] == [200 if one is holder else 409 for one in people]
    assert (await holder.ask("DELETE", path))[0] == 204


async def test_comments_are_made_changed_and_settled(studio: Studio) -> None:
    """Words are their author's; editors settle; each change is told to the others."""
    made = {"body": "Is the lamp lit?", "mentions": [studio.editor.id, studio.editor.id]}
    status, comment = await studio.commenter.ask("POST", f"/panels/{studio.panel_id}/comments", made)
    assert status == 201
    assert (comment["author"], comment["mentions"], comment["version"]) == ("Commenter", [studio.editor.id], 1)
    added = await newest(studio.owner, studio.project_id, "comment.added")
    assert added["data"] == {
        "comment_id": comment["id"],
        "panel_id": studio.panel_id,
        "mentions": [studio.editor.id],
    }
    assert (added["actor"], added["actor_id"]) == ("Commenter", studio.commenter.id)
    path = f"/comments/{comment['id']}"
    status, changed = await studio.commenter.ask("PATCH", path, {"version": 1, "body": "Is it lit?"})
    assert (status, changed["body"], changed["version"]) == (200, "Is it lit?", 2)
    assert changed["edited_at"] is not None
    assert (await studio.editor.ask("PATCH", path, {"version": 2, "body": "No."}))[0] == 403
    status, settled = await studio.editor.ask("PATCH", path, {"version": 2, "resolved": True})
    assert (status, settled["version"], settled["resolved_at"] is not None) == (200, 3, True)
    open_ones = (await studio.viewer.ask("GET", f"/panels/{studio.panel_id}/comments?resolved=false"))[1]["items"]
    assert comment["id"] not in {one["id"] for one in open_ones}
    assert (await studio.viewer.ask("GET", path))[1] == settled
    told = await newest(studio.owner, studio.project_id, "comment.changed")
    assert told["data"] == {"comment_id": comment["id"], "panel_id": studio.panel_id, "version": 3}
    assert (await studio.editor.ask("DELETE", path))[0] == 403
    assert (await studio.owner.ask("DELETE", path))[0] == 204
    assert (await studio.commenter.ask("GET", path))[0] == 404
    gone = await newest(studio.owner, studio.project_id, "comment.deleted")
    assert gone["data"] == {"comment_id": comment["id"], "panel_id": studio.panel_id}


async def test_who_may_say_what(studio: Studio, api: AsyncClient) -> None:
    """Viewers read; a comment that is another's is changed by nobody else; strangers find nothing."""
    path = f"/panels/{studio.panel_id}/comments"
    assert (await studio.viewer.ask("POST", path, {"body": "Hm."}))[0] == 403
    _, comment = await studio.editor.ask("POST", path, {"body": "Mine."})
    one = f"/comments/{comment['id']}"
    assert (await studio.commenter.ask("PATCH", one, {"version": 1, "resolved": True}))[0] == 403
    assert (await studio.commenter.ask("DELETE", one))[0] == 403
    assert (await studio.owner.ask("PATCH", one, {"version": 1, "body": "Yours."}))[0] == 403
    assert (await studio.viewer.ask("DELETE", one))[0] == 403
    stranger = await person(api, "Stranger")
    for method, where in (("GET", path), ("POST", path), ("GET", one), ("PATCH", one), ("DELETE", one)):
        body = {"body": "Hm.", "version": 1} if method == "PATCH" else {"body": "Hm."} if method == "POST" else None
        assert (await stranger.ask(method, where, body))[0] == 404
    assert (await studio.editor.ask("POST", path, {"body": "Hm.", "mentions": [stranger.id]}))[0] == 422
    for words in ("", "  \n", "x" * 5001):
        assert (await studio.editor.ask("POST", path, {"body": words}))[0] == 422


async def test_whoever_comments_without_end_has_to_wait(studio: Studio, database: Database) -> None:
    """The others do not."""
    path, made = f"/panels/{studio.panel_id}/comments", {"body": "Again."}
    key, wait = f"comments:{studio.editor.id}", 0.0
    async with database.session() as session:
        while not wait:
            wait = await throttles.take_token(session, key, comments.MANY, comments.WITHIN)
    status, answer = await studio.editor.ask("POST", path, made)
    assert (status, answer["type"]) == (429, "/problems/too-many")
    assert (await studio.commenter.ask("POST", path, made))[0] == 201
    async with database.session() as session:
        await throttles.refill(session, key)
    assert (await studio.editor.ask("POST", path, made))[0] == 201


async def test_comments_come_page_by_page(studio: Studio, database: Database) -> None:
    """The oldest first, each once."""
    path = f"/panels/{studio.panel_id}/comments"
    for number in range(5):
        await studio.editor.ask("POST", path, {"body": f"No. {number}"})
    found, cursor = [], ""
    while True:
        _, page = await studio.viewer.ask("GET", f"{path}?limit=2{cursor}")
        found += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [one["body"] for one in found][-5:] == [f"No. {number}" for number in range(5)]
    assert len({one["id"] for one in found}) == len(found)


async def test_a_conflict_shows_what_the_other_wrote(studio: Studio, api: AsyncClient) -> None:
    """What is there now, as the route answers it; and who wrote it, when, if events tell of it."""
    _, comment = await studio.commenter.ask("POST", f"/panels/{studio.panel_id}/comments", {"body": "One."})
    path = f"/comments/{comment['id']}"
    _, settled = await studio.editor.ask("PATCH", path, {"version": 1, "resolved": True})
    answer = await api.patch(
        f"/api/v1{path}", json={"version": 1, "body": "Two."}, headers={"Authorization": studio.commenter.authorization}
    )
    assert problem(answer) == refused(409, "conflict")
    said = answer.json()
    assert said["current"] == {**settled, "author": None}
    assert (said["changed"]["user_id"], said["changed"]["name"]) == (studio.editor.id, "Editor")
    for path in (f"/projects/{studio.project_id}", f"/chapters/{studio.chapter_id}"):
        _, now = await studio.editor.ask("GET", path)
        status, changed = await studio.editor.ask("PATCH", path, {"version": now["version"], "title": "Theirs"})
        assert status == 200
        status, said = await studio.owner.ask("PATCH", path, {"version": now["version"], "title": "Mine"})
        assert (status, said["current"]) == (409, changed)


async def test_activity_is_what_people_did(studio: Studio) -> None:
    """The newest first, by whom; filtered by type, by person, by number; the quiet ones only when asked for."""
    path = f"/projects/{studio.project_id}/activity"
    await studio.editor.ask("POST", f"/panels/{studio.panel_id}/comments", {"body": "Again."})
    _, page = await studio.viewer.ask("GET", f"{path}?limit=3")
    assert [one["seq"] for one in page["items"]] == sorted((one["seq"] for one in page["items"]), reverse=True)
    found, before = [], ""
    while True:
        _, page = await studio.viewer.ask("GET", f"{path}?limit=3{before}")
        found += page["items"]
        if page["next_cursor"] is None:
            break
        before = f"&before={page['next_cursor']}"
    _, whole = await studio.viewer.ask("GET", f"{path}?limit=100")
    assert whole["items"][: len(found)] == found[:100]
    assert "presence.changed" not in {one["type"] for one in found}
    _, mine = await studio.viewer.ask("GET", f"{path}?actor_id={studio.editor.id}&type=comment.added")
    assert {(one["type"], one["actor"]) for one in mine["items"]} == {("comment.added", "Editor")}
    _, later = await studio.viewer.ask("GET", f"{path}?after={found[2]['seq']}")
    assert later["items"] == found[:2]
    assert (await studio.viewer.ask("GET", f"{path}?type=nonsense"))[0] == 422
