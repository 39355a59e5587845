"""A chapter's versions over HTTP: kept by hand and by generations, compared; and what became of a panel."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from models.tables import Redraw, Selection
from models.tables.directing import SelectionKind
from tests.api.conftest import Crew, Json, Made, ended, new_chapter, problem, refused, registered
from tests.working import Painter, Writer

pytestmark = pytest.mark.workflow

CAST = [{"name": "Mara", "clothes": "a navy coat"}]
SCRIPT: Json = {
    "title": "By hand",
    "characters": CAST,
    "scenes": [{"title": "The quay", "panels": [{"description": "A lamp.", "characters": ["Mara"]}]}],
}


async def by_hand(api: AsyncClient) -> tuple[str, str, str]:
    """A chapter with a scene and two panels; the ids of the chapter, the project and the first panel."""
    project_id, chapter_id = await new_chapter(api)
    scene = await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json={"title": "The quay"})
    assert scene.status_code == 201, scene.text
    panels = f"/api/v1/scenes/{scene.json()['id']}/panels"
    made = [(await api.post(panels, json={"description": said})).json() for said in ("A lamp.", "A boat.")]
    return chapter_id, project_id, made[0]["id"]


async def keep(api: AsyncClient, chapter_id: str, label: str = "a label") -> Any:
    return await api.post(f"/api/v1/chapters/{chapter_id}/versions", json={"label": label})


async def changed(api: AsyncClient, where: str, **values: Any) -> Json:
    version = (await api.get(where)).json()["version"]
    answer = await api.patch(where, json={"version": version, **values})
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


async def test_a_version_is_kept_once_and_says_who_and_why(api: AsyncClient) -> None:
    chapter_id, project_id, panel_id = await by_hand(api)
    me = (await api.get("/api/v1/auth/me")).json()
    first = await keep(api, chapter_id, "before the rewrite")
    version = first.json()
    assert first.status_code == 201, first.text
    assert (version["number"], version["reason"], version["actor_id"]) == (1, "before the rewrite", me["id"])
    assert version["actor"] == me["name"]
    again = await keep(api, chapter_id, "another word")
    assert (again.status_code, again.json()) == (200, version)
    assert again.headers["Location"] == first.headers["Location"]
    content = (await api.get(first.headers["Location"])).json()
    assert {name: value for name, value in content.items() if name != "content"} == version
    assert content["content"]["scenes"][0]["panels"][0]["id"] == panel_id
    activity = (await api.get(f"/api/v1/projects/{project_id}/activity", params={"type": "version.created"})).json()
    assert [one["data"] for one in activity["items"]] == [
        {"chapter_id": chapter_id, "version_id": version["id"], "number": 1}
    ]


async def test_versions_are_listed_page_by_page_the_newest_first(api: AsyncClient) -> None:
    chapter_id, _, panel_id = await by_hand(api)
    for number in range(5):
        await changed(api, f"/api/v1/panels/{panel_id}", caption=str(number))
        assert (await keep(api, chapter_id, str(number))).status_code == 201
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get(f"/api/v1/chapters/{chapter_id}/versions", params=params)).json()
        seen += [one["reason"] for one in page["items"]]
        assert "content" not in page["items"][0]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]


async def test_what_was_changed_since_a_version_is_named(api: AsyncClient) -> None:
    chapter_id, _, panel_id = await by_hand(api)
    first = (await keep(api, chapter_id)).json()
    same = (await api.get(f"/api/v1/versions/{first['id']}/compare")).json()
    assert same == {"before": first, "after": None, "changes": []}
    await changed(api, f"/api/v1/panels/{panel_id}", caption="Midnight.")
    now = (await api.get(f"/api/v1/versions/{first['id']}/compare")).json()["changes"]
    (change,) = now
    assert (change["kind"], change["scene"], change["panel"], change["panel_id"]) == ("changed", 1, 1, panel_id)
    assert (change["field"], change["before"], change["after"]) == ("caption", "", "Midnight.")
    second = (await keep(api, chapter_id)).json()
    await api.delete(f"/api/v1/panels/{panel_id}")
    both = (await api.get(f"/api/v1/versions/{first['id']}/compare", params={"with": second["id"]})).json()
    assert (both["changes"], both["after"]) == (now, second)
    back = (await api.get(f"/api/v1/versions/{second['id']}/compare", params={"with": first["id"]})).json()
    assert [(one["before"], one["after"]) for one in back["changes"]] == [("Midnight.", "")]
    gone = (await api.get(f"/api/v1/versions/{second['id']}/compare")).json()["changes"]
    assert [(one["kind"], one["panel_id"]) for one in gone] == [("removed", panel_id)]


async def test_only_versions_of_one_chapter_that_are_mine_can_be_compared(api: AsyncClient) -> None:
    first, other = [(await keep(api, (await by_hand(api))[0])).json() for _ in range(2)]
    where = f"/api/v1/versions/{first['id']}/compare"
    assert problem(await api.get(where, params={"with": other["id"]})) == refused(422, "bad-input")
    assert problem(await api.get(where, params={"with": str(uuid4())})) == refused(404, "not-found")
    stranger = {"Authorization": await registered(api)}
    chapter_id, _, _ = await by_hand(api)
    theirs = (await keep(api, chapter_id)).json()
    missing = await api.get(where, headers=stranger)
    assert problem(missing) == refused(404, "not-found")
    assert missing.json()["detail"] == f"There is no chapter version {first['id']}."
    assert theirs["id"] not in missing.text


async def test_a_version_can_be_deleted_and_the_chapter_stays(api: AsyncClient) -> None:
    chapter_id, _, panel_id = await by_hand(api)
    where = (await keep(api, chapter_id)).headers["Location"]
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")
    assert (await api.get(f"/api/v1/panels/{panel_id}")).status_code == 200
    assert (await api.get(f"/api/v1/chapters/{chapter_id}/versions")).json()["items"] == []
    assert (await keep(api, chapter_id)).status_code == 201


async def test_versions_go_with_their_chapter(api: AsyncClient) -> None:
    chapter_id, _, _ = await by_hand(api)
    where = (await keep(api, chapter_id)).headers["Location"]
    assert (await api.delete(f"/api/v1/chapters/{chapter_id}")).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")


async def test_a_generation_keeps_what_it_made_and_a_second_one_without_work_does_not(
    api: AsyncClient, crew: Crew
) -> None:
    """With texts, prompts and the pictures that are shown."""
    project = (await api.post("/api/v1/projects", json={"title": "A project"})).json()["id"]
    chapter = await api.post(f"/api/v1/projects/{project}/chapters", json={"script": SCRIPT})
    chapter_id = chapter.json()["id"]
    async with crew(Writer(), Painter()):
        done = []
        for _ in range(2):
            order = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
            done.append(await ended(api, order.json()["id"]))
    assert [one["status"] for one in done] == ["completed", "completed"], done
    (version,) = (await api.get(f"/api/v1/chapters/{chapter_id}/versions")).json()["items"]
    assert (version["reason"], version["actor_id"]) == ("chapter generated", None)
    assert version["generation_id"] == done[0]["id"]
    content = (await api.get(f"/api/v1/versions/{version['id']}")).json()["content"]
    (panel,) = content["scenes"][0]["panels"]
    assert panel["prompt"]
    assert (await api.get(f"/api/v1/images/{panel['picture']['image_id']}")).status_code == 200
    assert content["characters"][0]["profile"]["clothes"] == "a navy coat"


async def test_a_panels_history_tells_who_did_what_the_newest_first(
    api: AsyncClient, database: Database, made: Made
) -> None:
    """Of a panel from before choices were rows, the event tells of the choice; afterwards the row alone does."""
    me = (await api.get("/api/v1/auth/me")).json()
    scenes = (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"]
    panel = (await api.get(f"/api/v1/scenes/{scenes[0]['id']}/panels")).json()["items"][0]
    where = f"/api/v1/panels/{panel['id']}/history"
    before = (await api.get(where)).json()["items"]
    types = [one["type"] for one in before]
    assert {"panel.written", "panel.drafted"} <= set(types)
    assert types.count("panel.selected") + types.count("selection") == 1
    draft_id = UUID(panel["selected_draft_id"])
    later = datetime.now(UTC) + timedelta(hours=1)
    async with database.session() as session:
        redraw = Redraw(
            project_id=UUID(made.project_id),
            panel_id=UUID(panel["id"]),
            generation_id=UUID(made.accepted["id"]),
            actor_id=UUID(me["id"]),
            notes="Darker.",
            about=["picture"],
            created_at=later,
        )
        selection = Selection(
            project_id=UUID(made.project_id),
            panel_id=UUID(panel["id"]),
            draft_id=draft_id,
            kind=SelectionKind.PERSON,
            actor_id=UUID(me["id"]),
            created_at=later + timedelta(hours=1),
        )
        session.add_all([redraw, selection])
    try:
        newest = (await api.get(where, params={"limit": 2})).json()
        selected, redrawn = newest["items"]
        assert (selected["type"], selected["actor"]) == ("selection", me["name"])
        assert selected["data"] == {"draft_id": str(draft_id), "before_id": None, "kind": "person"}
        assert (redrawn["type"], redrawn["data"]["notes"], redrawn["data"]["about"]) == (
            "redraw",
            "Darker.",
            ["picture"],
        )
        rest: list[Json] = []
        cursor = newest["next_cursor"]
        while cursor:
            page = (await api.get(where, params={"limit": 2, "cursor": cursor})).json()
            rest, cursor = rest + page["items"], page["next_cursor"]
        assert rest == before, "page by page it is the same list"
        assert problem(await api.get(where, params={"cursor": newest["next_cursor"][:-4]})) == refused(
            422, "validation"
        )
    finally:
        async with database.session() as session:
            for row in (selection, redraw):
                await session.delete(await session.merge(row))


async def test_a_panels_history_is_not_anothers_and_leaves_out_talk(api: AsyncClient) -> None:
    _, _, panel_id = await by_hand(api)
    where = f"/api/v1/panels/{panel_id}/history"
    await api.post(f"/api/v1/panels/{panel_id}/comments", json={"body": "Darker?"})
    await changed(api, f"/api/v1/panels/{panel_id}", caption="Midnight.")
    items = (await api.get(where)).json()["items"]
    assert [one["type"] for one in items] == ["panel.changed", "panel.created"]
    assert items[0]["data"]["fields"] == ["caption"]
    _, _, other = await by_hand(api)
    elsewhere = (await api.get(f"/api/v1/panels/{other}/history")).json()["items"]
    assert [one["type"] for one in elsewhere] == ["panel.created"]
    params = {"limit": 1}
    cursor = (await api.get(where, params=params)).json()["next_cursor"]
    assert problem(await api.get(f"/api/v1/panels/{other}/history", params={"cursor": cursor})) == refused(
        422, "bad-input"
    )
