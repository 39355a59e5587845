"""Scenes and panels by hand: added alone or in bulk, listed, changed, moved, deleted, and kept by generations."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from engine.store import events
from models.tables import Panel, Scene
from tests.api.conftest import Crew, ended, new_chapter, problem, refused

pytestmark = pytest.mark.integration

Json = dict[str, Any]

OTHER_STORY = """Bela sat on the wall and counted ships.

"Eleven," said Bela. "There were twelve at noon."

* * *

In the harbour office Tomas looked for the twelfth, and found a wet hat.
"""


async def scene_of(api: AsyncClient, **body: Any) -> Json:
    """A scene in a chapter of its own."""
    _, chapter_id = await new_chapter(api, OTHER_STORY)
    answer = await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def titles(api: AsyncClient, chapter_id: str, **params: Any) -> list[str]:
    answer = await api.get(f"/api/v1/chapters/{chapter_id}/scenes", params=params)
    assert answer.status_code == 200, answer.text
    return [scene["title"] for scene in answer.json()["items"]]


async def described(api: AsyncClient, scene_id: str, **params: Any) -> list[str]:
    answer = await api.get(f"/api/v1/scenes/{scene_id}/panels", params=params)
    assert answer.status_code == 200, answer.text
    return [panel["description"] for panel in answer.json()["items"]]


async def happened(database: Database, project_id: str) -> list[tuple[str, Json]]:
    """What the project's events tell, the oldest first."""
    async with database.session() as session:
        return [(event.type, event.data) for event in await events.of_project(session, UUID(project_id), 0, 1000)]


async def test_a_scene_lives_and_goes(api: AsyncClient) -> None:
    """What was given is read again, text and all; changed in part by version; gone after a delete."""
    given = {"title": "One", "place": "the quay", "characters": ["Mara"], "text": 'It rained.\n\n"Again?" said Mara.'}
    scene = await scene_of(api, **given)
    where = f"/api/v1/scenes/{scene['id']}"
    assert scene["text"] == 'It rained.\n"Again?" said Mara.'
    assert {name: scene[name] for name in ("title", "place", "characters")} == {
        name: given[name] for name in ("title", "place", "characters")
    }
    changed = await api.patch(where, json={"version": 1, "mood": "wet", "text": "It snowed."})
    assert changed.json() == scene | {"mood": "wet", "text": "It snowed.", "version": 2}
    assert problem(await api.patch(where, json={"version": 1, "mood": "dry"})) == refused(409, "conflict")
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")


async def test_a_panel_lives_and_goes(api: AsyncClient) -> None:
    """The same of a panel; it is written once it has words and a prompt, and null takes them away again."""
    scene = await scene_of(api, text="It rained. It snowed.")
    body = {"description": "A cup.", "dialogue": [{"speaker": "Mara", "text": "Mine."}], "prompt": "A cup, in ink."}
    created = await api.post(f"/api/v1/scenes/{scene['id']}/panels", json=body)
    where, panel = created.headers["Location"], created.json()
    assert (created.status_code, panel["state"], panel["version"]) == (201, "written", 1)
    assert panel["dialogue"] == [{"speaker": "Mara", "kind": "speech", "text": "Mine."}]
    changed = (await api.patch(where, json={"version": 1, "shot": "wide", "prompt": None})).json()
    assert changed == panel | {"shot": "wide", "prompt": None, "state": "described", "version": 2} | {
        "manual_edits": ["description", "words"]
    }
    assert (await api.get(where)).json() == changed
    assert (await api.get(f"/api/v1/scenes/{scene['id']}")).json()["state"] == "described"
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")
    assert (await api.get(f"/api/v1/scenes/{scene['id']}")).json()["state"] == "outlined"


async def test_positions_have_no_gaps_whatever_is_added_and_deleted(api: AsyncClient) -> None:
    """Added at a position it stands there, and the others move; deleted, they move up; far behind is the end."""
    _, chapter_id = await new_chapter(api)
    ids = {}
    for title, position in (("a", None), ("b", 0), ("c", 1), ("d", 99)):
        body = {"title": title, "position": position}
        made = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json=body)).json()
        ids[title] = made["id"]
    assert await titles(api, chapter_id) == ["b", "c", "a", "d"]
    await api.delete(f"/api/v1/scenes/{ids['c']}")
    items = (await api.get(f"/api/v1/chapters/{chapter_id}/scenes")).json()["items"]
    assert [(one["title"], one["position"]) for one in items] == [("b", 0), ("a", 1), ("d", 2)]
    order = {"ids": [ids["d"], ids["b"], ids["a"]]}
    assert (await api.post(f"/api/v1/chapters/{chapter_id}/scenes/reorder", json=order)).status_code == 204
    assert await titles(api, chapter_id) == ["d", "b", "a"]
    assert await titles(api, chapter_id, sort="-position") == ["a", "b", "d"]
    assert await titles(api, chapter_id, sort="created_at") == ["a", "b", "d"]


@pytest.mark.parametrize("wrong", ["one too few", "one twice", "one of elsewhere"])
async def test_a_new_order_names_each_once(api: AsyncClient, wrong: str) -> None:
    """Whatever else is refused, and nothing is moved."""
    scene = await scene_of(api)
    where = f"/api/v1/scenes/{scene['id']}/panels"
    made = await api.post(f"{where}/bulk", json={"panels": [{"description": name} for name in "abc"]})
    ids = [panel["id"] for panel in made.json()["items"]]
    order = {
        "one too few": ids[1:],
        "one twice": [*ids, ids[0]],
        "one of elsewhere": [*ids[1:], scene["id"]],
    }[wrong]
    assert problem(await api.post(f"{where}/reorder", json={"ids": order})) == refused(422, "bad-input")
    assert await described(api, scene["id"]) == ["a", "b", "c"]


async def test_scenes_come_in_bulk_with_their_panels(api: AsyncClient, database: Database) -> None:
    """In the order given, all with positions, at the place that was asked for; one event a scene counts its panels."""
    project_id, chapter_id = await new_chapter(api)
    await api.post(f"/api/v1/chapters/{chapter_id}/scenes", json={"title": "last"})
    scenes = [
        {"title": f"{number}", "panels": [{"description": f"{number}.{panel}"} for panel in range(3)]}
        for number in range(4)
    ]
    made = await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json={"scenes": scenes, "position": 0})
    assert made.status_code == 201, made.text
    assert [scene["position"] for scene in made.json()["items"]] == [0, 1, 2, 3]
    assert await titles(api, chapter_id) == ["0", "1", "2", "3", "last"]
    assert await described(api, made.json()["items"][2]["id"]) == ["2.0", "2.1", "2.2"]
    told = await happened(database, project_id)
    assert [data.get("panels") for type, data in told if type == "scene.created"] == [None, 3, 3, 3, 3]


async def test_bulk_is_all_or_nothing_and_names_the_place(api: AsyncClient) -> None:
    """One that does not fit is named by its index, and none of the others is there."""
    _, chapter_id = await new_chapter(api)
    scenes: list[Json] = [{"title": "good"}, {"title": "bad", "panels": [{"description": "a"}, {"description": ""}]}]
    wrong = await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json={"scenes": scenes})
    assert problem(wrong) == refused(422, "validation")
    assert [one["at"] for one in wrong.json()["errors"]] == ["body.scenes.1.panels.1.description"]
    scenes[1]["panels"] = [{"description": "points nowhere", "first": 7, "last": 7}]
    assert (await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json={"scenes": scenes})).status_code == 422
    assert await titles(api, chapter_id) == []
    scene = await scene_of(api)
    panels = [{"description": "a"}, {"description": "b", "first": 3, "last": 9}]
    assert (await api.post(f"/api/v1/scenes/{scene['id']}/panels/bulk", json={"panels": panels})).status_code == 422
    assert await described(api, scene["id"]) == []


async def test_pages_stay_where_they_are_whatever_is_inserted(api: AsyncClient) -> None:
    """A scene added before what was read shifts all positions: nothing comes twice, nothing is missed."""
    _, chapter_id = await new_chapter(api)
    scenes = [{"title": f"{number}"} for number in range(6)]
    await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json={"scenes": scenes})
    where = f"/api/v1/chapters/{chapter_id}/scenes"
    first = (await api.get(where, params={"limit": 3})).json()
    await api.post(where, json={"title": "new", "position": 0})
    second = (await api.get(where, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["title"] for one in second["items"]] == ["3", "4", "5"]
    # The row that the cursor names may go, too: its old place counts then.
    await api.delete(f"/api/v1/scenes/{first['items'][-1]['id']}")
    third = (await api.get(where, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["title"] for one in third["items"]] == ["3", "4", "5"]


async def test_a_cursor_belongs_to_its_list_and_order(api: AsyncClient) -> None:
    """In another list, in another order, or mangled it is refused."""
    _, chapter_id = await new_chapter(api)
    await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json={"scenes": [{"title": "a"}, {"title": "b"}]})
    where = f"/api/v1/chapters/{chapter_id}/scenes"
    cursor = (await api.get(where, params={"limit": 1})).json()["next_cursor"]
    for params in ({"sort": "-position"}, {"sort": "created_at"}):
        answer = await api.get(where, params={"cursor": cursor, **params})
        assert problem(answer) == refused(422, "bad-input")
    assert problem(await api.get("/api/v1/projects", params={"cursor": cursor})) == refused(422, "bad-input")
    for mangled in (cursor[:-2], f"{cursor}A", cursor.swapcase(), "x", "W10", "bnVsbA"):
        assert problem(await api.get(where, params={"cursor": mangled})) == refused(422, "validation")
    _, elsewhere = await new_chapter(api)
    await api.post(f"/api/v1/chapters/{elsewhere}/scenes/bulk", json={"scenes": [{"title": "c"}, {"title": "d"}]})
    answer = await api.get(f"/api/v1/chapters/{elsewhere}/scenes", params={"cursor": cursor})
    assert problem(answer) == refused(422, "bad-input")


async def test_lists_are_filtered(api: AsyncClient) -> None:
    """Scenes by state; panels by state and by who is on stage. A filter keeps the order and the pages."""
    _, chapter_id = await new_chapter(api)
    body = {"scenes": [{"title": "bare"}, {"title": "told", "panels": [{"description": "a"}]}, {"title": "bare too"}]}
    made = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json=body)).json()["items"]
    assert await titles(api, chapter_id, state="outlined") == ["bare", "bare too"]
    assert await titles(api, chapter_id, state=["outlined", "described"], limit=2) == ["bare", "told"]
    panels = [
        {"description": "a", "characters": ["Mara", "Jo"]},
        {"description": "b", "prompt": "ink"},
        {"description": "c", "characters": ["Jo"]},
    ]
    await api.post(f"/api/v1/scenes/{made[0]['id']}/panels/bulk", json={"panels": panels})
    assert await described(api, made[0]["id"], character="Jo") == ["a", "c"]
    assert await described(api, made[0]["id"], state="written") == ["b"]
    assert problem(await api.get(f"/api/v1/scenes/{made[0]['id']}/panels?state=x")) == refused(422, "validation")


@pytest.mark.parametrize("field", ["id", "project_id", "scene_id", "state", "selected_draft_id", "failure", "version"])
async def test_what_is_not_the_clients_to_say_is_refused(api: AsyncClient, field: str) -> None:
    """Ids, parents and states are not assigned from outside."""
    scene = await scene_of(api)
    body = {"description": "a", field: 1 if field == "version" else scene["id"]}
    answer = await api.post(f"/api/v1/scenes/{scene['id']}/panels", json=body)
    assert problem(answer) == refused(422, "validation")


async def test_a_panel_gets_no_more_words_than_can_be_lettered(api: AsyncClient) -> None:
    """A change counts the words that it leaves as they are."""
    scene = await scene_of(api)
    line = {"speaker": "Mara", "text": "x" * 2000}
    body = {"description": "a", "dialogue": [line]}
    panel = (await api.post(f"/api/v1/scenes/{scene['id']}/panels", json=body)).json()
    where = f"/api/v1/panels/{panel['id']}"
    for change in ({"caption": "x" * 2001}, {"dialogue": [line, line, line]}):
        answer = await api.patch(where, json={"version": 1, **change})
        assert answer.status_code == 422
        assert "at most 4,000 are allowed" in answer.text
    assert (await api.patch(where, json={"version": 1, "caption": "x" * 2000})).status_code == 200


@pytest.mark.workflow
async def test_nothing_is_changed_while_it_is_generated(api: AsyncClient, crew: Crew) -> None:
    """Adding, changing, moving and deleting what a generation is at work on is refused until it has ended."""
    scene = await scene_of(api)
    panel = (await api.post(f"/api/v1/scenes/{scene['id']}/panels", json={"description": "a"})).json()
    order = {"kind": "chapter", "target_ids": [scene["chapter_id"]]}
    generation = (await api.post("/api/v1/generations", json=order)).json()
    chapter, parent, child = (
        f"/api/v1/chapters/{scene['chapter_id']}",
        f"/api/v1/scenes/{scene['id']}",
        f"/api/v1/panels/{panel['id']}",
    )
    tries = [
        await api.post(f"{chapter}/scenes", json={}),
        await api.post(f"{chapter}/scenes/bulk", json={"scenes": [{}]}),
        await api.post(f"{chapter}/scenes/reorder", json={"ids": [scene["id"]]}),
        await api.post(f"{parent}/panels", json={"description": "b"}),
        await api.post(f"{parent}/panels/bulk", json={"panels": [{"description": "b"}]}),
        await api.post(f"{parent}/panels/reorder", json={"ids": [panel["id"]]}),
        await api.patch(parent, json={"version": 1, "mood": "x"}),
        await api.patch(child, json={"version": 1, "caption": "x"}),
        await api.delete(child),
        await api.delete(parent),
    ]
    assert {problem(answer) for answer in tries} == {refused(409, "conflict")}
    async with crew():
        await api.post(f"/api/v1/generations/{generation['id']}/cancel")
        await ended(api, generation["id"])
    assert (await api.post(f"{chapter}/scenes", json={})).status_code == 201


async def test_everything_that_is_done_is_told_and_by_whom(api: AsyncClient, database: Database) -> None:
    """One event a deed, with what docs/events.md lists, and the account that did it."""
    scene = await scene_of(api)
    where = f"/api/v1/scenes/{scene['id']}"
    panel = (await api.post(f"{where}/panels", json={"description": "a"})).json()
    await api.patch(f"/api/v1/panels/{panel['id']}", json={"version": 1, "caption": "x", "prompt": "ink"})
    await api.post(f"{where}/panels/reorder", json={"ids": [panel["id"]]})
    await api.delete(f"/api/v1/panels/{panel['id']}")
    await api.patch(where, json={"version": 1, "text": "It rained."})
    await api.delete(where)
    chapter = (await api.get(f"/api/v1/chapters/{scene['chapter_id']}")).json()
    told = await happened(database, chapter["project_id"])
    ids = {"scene_id": scene["id"]}
    assert told[1:] == [
        ("scene.created", {**ids, "chapter_id": scene["chapter_id"], "position": 0}),
        ("panel.created", {**ids, "panel_id": panel["id"], "position": 0}),
        ("panel.changed", {"panel_id": panel["id"], "fields": ["caption", "prompt"], "version": 2}),
        ("panel.reordered", {**ids, "panel_ids": [panel["id"]]}),
        ("panel.deleted", {**ids, "panel_id": panel["id"]}),
        ("scene.changed", {**ids, "fields": ["text"], "version": 2}),
        ("scene.deleted", {**ids, "chapter_id": scene["chapter_id"]}),
    ]


@pytest.mark.workflow
async def test_a_generation_takes_what_was_added_by_hand(api: AsyncClient, crew: Crew) -> None:
    """Panels that somebody made are given the words and prompts that they lack, and are drawn; none is added."""
    # A story of its own: what the owner has answers to would cost other tests' chapters nothing.
    _, chapter_id = await new_chapter(api, OTHER_STORY)
    scene = {
        "title": "By hand",
        "summary": "A cup stands on a table.",
        "panels": [
            {"description": "The cup.", "caption": "Morning.", "dialogue": [{"text": "Mine."}]},
            {"description": "The table.", "prompt": "A table in ink."},
        ],
    }
    body: Json = {"scenes": [scene]}
    made = (await api.post(f"/api/v1/chapters/{chapter_id}/scenes/bulk", json=body)).json()["items"][0]
    async with crew():
        order: Json = {"kind": "scene", "target_ids": [made["id"]]}
        ordered = (await api.post("/api/v1/generations", json=order)).json()
        assert (await ended(api, ordered["id"]))["status"] == "completed"
        panels = (await api.get(f"/api/v1/scenes/{made['id']}/panels")).json()["items"]
        assert [(one["description"], one["caption"], one["state"]) for one in panels] == [
            ("The cup.", "Morning.", "selected"),
            ("The table.", "", "selected"),
        ]
        assert panels[0]["dialogue"] == [{"speaker": "", "kind": "speech", "text": "Mine."}]
        assert panels[1]["prompt"] == "A table in ink."
        # The chapter's first generation outlines its text, beside what was there before.
        order = {"kind": "chapter", "target_ids": [chapter_id], "options": {"until": "script"}}
        ordered = (await api.post("/api/v1/generations", json=order)).json()
        assert (await ended(api, ordered["id"]))["status"] == "completed"
        assert (await titles(api, chapter_id))[0] == "By hand"
        assert len(await titles(api, chapter_id)) > 1
        # A later one keeps it, and what was changed.
        first = (await api.get(f"/api/v1/chapters/{chapter_id}/scenes")).json()["items"][1]
        await api.patch(f"/api/v1/scenes/{first['id']}", json={"version": first["version"], "mood": "changed by hand"})
        panel = (await api.get(f"/api/v1/scenes/{first['id']}/panels")).json()["items"][0]
        change = {"version": panel["version"], "caption": "By hand.", "prompt": None}
        await api.patch(f"/api/v1/panels/{panel['id']}", json=change)
        ordered = (await api.post("/api/v1/generations", json=order)).json()
        assert (await ended(api, ordered["id"]))["status"] == "completed"
        assert (await titles(api, chapter_id))[0] == "By hand"
        assert (await api.get(f"/api/v1/scenes/{first['id']}")).json()["mood"] == "changed by hand"
        after = (await api.get(f"/api/v1/panels/{panel['id']}")).json()
        assert (after["caption"], after["state"]) == ("By hand.", "written")
        assert after["prompt"] is not None


async def test_lists_follow_the_story_not_the_making(api: AsyncClient, database: Database) -> None:
    """Rows that were made in another order than they stand in are listed as they stand."""
    _, chapter_id = await new_chapter(api)
    chapter = (await api.get(f"/api/v1/chapters/{chapter_id}")).json()
    ids = {"project_id": chapter["project_id"], "chapter_id": chapter_id}
    async with database.session() as session:
        for position in (2, 0, 1):
            session.add(Scene.model_validate({**ids, "position": position, "title": str(position)}))
            await session.flush()
    scenes = (await api.get(f"/api/v1/chapters/{chapter_id}/scenes")).json()["items"]
    assert [scene["title"] for scene in scenes] == ["0", "1", "2"]
    async with database.session() as session:
        for position in (1, 0):
            ids = {"project_id": chapter["project_id"], "scene_id": scenes[0]["id"]}
            session.add(Panel.model_validate({**ids, "position": position, "description": str(position)}))
            await session.flush()
    assert await described(api, scenes[0]["id"]) == ["0", "1"]
