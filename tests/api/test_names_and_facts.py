"""The caller's own names and facts on projects, chapters and generations: given, read, changed, filtered by."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Crew, ended, new_chapter, problem, refused

pytestmark = pytest.mark.integration


async def found(api: AsyncClient, path: str, **params: Any) -> list[str]:
    answer = await api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


@pytest.mark.parametrize("noun", ["projects", "chapters"])
async def test_names_and_facts_are_kept_and_found(api: AsyncClient, noun: str) -> None:
    """All facts that are named must fit, a value with a colon too; null takes the name away, facts are replaced."""
    path, more = "/api/v1/projects", {}
    if noun == "chapters":
        project_id, _ = await new_chapter(api)
        path, more = f"/api/v1/projects/{project_id}/chapters", {"text": "It rained."}
    name = uuid4().hex
    body = {"title": "Named", "external_id": name, "metadata": {"shelf": "a:b", "run.1": name}, **more}
    made = (await api.post(path, json=body)).json()
    assert (made["external_id"], made["metadata"]) == (name, body["metadata"])
    other = (await api.post(path, json={"title": "Other", "metadata": {"shelf": "a:b"}, **more})).json()
    assert await found(api, path, external_id=name) == [made["id"]]
    assert await found(api, path, metadata=["shelf:a:b", f"run.1:{name}"]) == [made["id"]]
    assert set(await found(api, path, metadata="shelf:a:b", limit=100)) >= {made["id"], other["id"]}
    assert await found(api, path, metadata="shelf:a") == []
    where = f"/api/v1/{noun}/{made['id']}"
    changed = (await api.patch(where, json={"version": 1, "title": "Renamed"})).json()
    assert (changed["external_id"], changed["metadata"]) == (name, body["metadata"])
    changed = (await api.patch(where, json={"version": 2, "external_id": None, "metadata": {}})).json()
    assert (changed["external_id"], changed["metadata"], changed["title"]) == (None, {}, "Renamed")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"metadata": {f"{number}": "" for number in range(21)}}, id="too many"),
        pytest.param({"metadata": {"a b": ""}}, id="a blank in a name"),
        pytest.param({"metadata": {"a\n": ""}}, id="a line feed in a name"),
        pytest.param({"metadata": {"a" * 41: ""}}, id="a long name"),
        pytest.param({"metadata": {"a": "x" * 501}}, id="a long value"),
        pytest.param({"metadata": {"a": 1}}, id="a number"),
        pytest.param({"metadata": {"a": "\x00"}}, id="a NUL"),
        pytest.param({"external_id": ""}, id="an empty name"),
        pytest.param({"external_id": "x" * 201}, id="a long external name"),
    ],
)
async def test_facts_have_limits(api: AsyncClient, wrong: dict[str, Any]) -> None:
    """What does not fit is refused, and said where."""
    answer = await api.post("/api/v1/projects", json={"title": "x", **wrong})
    assert problem(answer) == refused(422, "validation")
    [field] = wrong
    assert answer.json()["errors"][0]["at"].startswith(f"body.{field}")


@pytest.mark.parametrize("fact", ["", "a", ":b", "a b:c", f"{'a' * 41}:b", f"a:{'x' * 501}"])
async def test_a_filter_has_the_form_that_is_documented(api: AsyncClient, fact: str) -> None:
    assert problem(await api.get("/api/v1/projects", params={"metadata": fact})) == refused(422, "validation")


async def test_projects_are_found_by_a_part_of_their_title(api: AsyncClient) -> None:
    """In whatever case; what means something to a database is taken as it is. Sorted either way."""
    mark = uuid4().hex
    ids = {}
    for title in (f"{mark} B 100%", f"{mark} a 100_", f"{mark} C"):
        ids[title[33]] = (await api.post("/api/v1/projects", json={"title": title})).json()["id"]
    everything = await found(api, "/api/v1/projects", title=mark.upper())
    assert everything == [ids["B"], ids["a"], ids["C"]]
    assert await found(api, "/api/v1/projects", title=mark, sort="-created_at") == everything[::-1]
    assert await found(api, "/api/v1/projects", title=f"{mark} b 100%") == [ids["B"]]
    assert await found(api, "/api/v1/projects", title=f"{mark}%100") == []
    by_title = await found(api, "/api/v1/projects", title=mark, sort="title")
    assert await found(api, "/api/v1/projects", title=mark, sort="-title") == by_title[::-1]
    page = (await api.get("/api/v1/projects", params={"title": mark, "sort": "title", "limit": 2})).json()
    following = await found(api, "/api/v1/projects", title=mark, sort="title", cursor=page["next_cursor"])
    assert [*(one["id"] for one in page["items"]), *following] == by_title


@pytest.mark.workflow
async def test_generations_say_who_ordered_them_and_are_found(api: AsyncClient, crew: Crew) -> None:
    """By project, chapter, any of several statuses and kinds, the caller's name and facts, and time."""
    project_id, chapter_id = await new_chapter(api, "Nothing happened, and then nothing happened again.")
    name = uuid4().hex
    body = {
        "kind": "chapter",
        "target_ids": [chapter_id],
        "external_id": name,
        "metadata": {"batch": name},
        "options": {"until": "script"},
    }
    async with crew():
        ordered = (await api.post("/api/v1/generations", json=body)).json()
        assert (ordered["external_id"], ordered["metadata"]) == (name, {"batch": name})
        assert ordered["requested_by"] == (await api.get("/api/v1/auth/me")).json()["id"]
        done = await ended(api, ordered["id"])
        again = (await api.post("/api/v1/generations", json=body)).json()
        await ended(api, again["id"])
    path, both = "/api/v1/generations", [ordered["id"], again["id"]]
    assert await found(api, path, project_id=project_id) == both
    assert await found(api, path, chapter_id=chapter_id, sort="-created_at") == both[::-1]
    assert await found(api, path, external_id=name) == await found(api, path, metadata=f"batch:{name}") == both
    assert await found(api, path, project_id=project_id, status=["completed", "failed"], kind="chapter") == both
    assert await found(api, path, project_id=project_id, status=["running"]) == []
    assert await found(api, path, project_id=project_id, kind=["panel", "export"]) == []
    assert await found(api, path, project_id=project_id, created_after=ordered["created_at"]) == [again["id"]]
    assert await found(api, path, project_id=project_id, created_before=again["created_at"]) == [ordered["id"]]
    for unfit in ("2026-01-31T12:00:00", "0.5", "2026-01-31"):
        assert problem(await api.get(path, params={"created_after": unfit})) == refused(422, "validation")
    # What a list says of each is what is said of it alone.
    [listed, _] = (await api.get(path, params={"project_id": project_id})).json()["items"]
    assert listed == done
    assert done["calls"]["llm"] > 0


async def test_chapters_are_moved_and_closed_up(api: AsyncClient) -> None:
    """Put at a position, into another order, and behind a deleted one; others' generations do not mind."""
    project_id, first = await new_chapter(api)
    path = f"/api/v1/projects/{project_id}/chapters"
    second = (await api.post(path, json={"text": "It rained.", "position": 0})).json()["id"]
    third = (await api.post(path, json={"text": "It snowed.", "position": 1})).json()["id"]
    assert await found(api, path) == [second, third, first]
    assert (await api.post(f"{path}/reorder", json={"ids": [first, third, second]})).status_code == 204
    assert await found(api, path, sort="-position") == [second, third, first]
    await api.delete(f"/api/v1/chapters/{first}")
    assert [one["position"] for one in (await api.get(path)).json()["items"]] == [0, 1]
