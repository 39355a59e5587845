"""Projects and chapters over HTTP: made, read, listed, changed by version, deleted."""

from http import HTTPStatus
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from tests.api.conftest import Json, new_chapter, problem, refused
from tests.support.messages import FOREIGN

pytestmark = pytest.mark.integration


async def test_a_project_lives_and_goes(api: AsyncClient) -> None:
    """What was created is found under its Location, changed in part, and gone after a delete with all in it."""
    created = await api.post("/api/v1/projects", json={"title": "One", "style": "ink"})
    assert created.status_code == 201
    where = created.headers["Location"]
    project = created.json()
    assert (await api.get(where)).json() == project
    changed = await api.patch(where, json={"version": 1, "title": "Two"})
    assert changed.json() == project | {"title": "Two", "version": 2}
    chapter = await api.post(f"{where}/chapters", json={"text": "It rained."})
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")
    assert problem(await api.get(chapter.headers["Location"])) == refused(404, "not-found")


async def test_a_chapter_lives_and_goes(api: AsyncClient) -> None:
    """The same of a chapter; a new text is a new version, and the project stays."""
    project_id, _ = await new_chapter(api)
    created = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"title": "Next", "text": "It rained."})
    where, chapter = created.headers["Location"], created.json()
    assert (created.status_code, chapter["position"], chapter["version"]) == (201, 1, 1)
    assert (await api.get(where)).json() == chapter
    changed = await api.patch(where, json={"version": 1, "text": "It snowed."})
    assert changed.json() == chapter | {"version": 2}
    assert (await api.delete(where)).status_code == 204
    assert problem(await api.get(where)) == refused(404, "not-found")
    assert (await api.get(f"/api/v1/projects/{project_id}")).status_code == 200


async def test_what_a_chapter_leaves_open_can_be_put_right(api: AsyncClient) -> None:
    """Each is something that can be read, and one line long; what is not named stays."""
    _, chapter_id = await new_chapter(api)
    where = f"/api/v1/chapters/{chapter_id}"
    assert (await api.get(where)).json()["threads"] == []
    changed = await api.patch(where, json={"version": 1, "threads": ["Who has the key?"]})
    assert changed.json()["threads"] == ["Who has the key?"]
    assert (await api.patch(where, json={"version": 2, "title": "Two"})).json()["threads"] == ["Who has the key?"]
    for wrong in (["w" * 201], [" "], ["x"] * 21):
        answer = await api.patch(where, json={"version": 3, "threads": wrong})
        assert problem(answer) == refused(422, "validation")
    assert (await api.patch(where, json={"version": 3, "threads": []})).json()["threads"] == []


async def test_a_chapter_can_come_as_a_script(api: AsyncClient) -> None:
    """Its title is taken from the script when none is given; a script with a mistake names the place of it."""
    project_id, _ = await new_chapter(api)
    script = {"title": "By hand", "scenes": [{"panels": [{"description": "The cup."}]}]}
    created = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"script": script})
    assert (created.status_code, created.json()["title"]) == (201, "By hand")
    script["title"] = "By hand,\n\ttwice\x07"
    created = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"script": script})
    assert created.json()["title"] == "By hand, twice"
    wrong = await api.post(f"/api/v1/projects/{project_id}/chapters", json={"script": {"scenes": [{"panels": [{}]}]}})
    assert problem(wrong) == refused(422, "validation")
    assert [one["at"] for one in wrong.json()["errors"]] == ["body.script.scenes.0.panels.0.description"]


async def test_a_chapter_goes_without_a_title_but_not_by_one_that_cannot_be_read(api: AsyncClient) -> None:
    """When it is made and when it is changed."""
    project_id, _ = await new_chapter(api)
    path = f"/api/v1/projects/{project_id}/chapters"
    made = await api.post(path, json={"title": "", "text": "It rained."})
    assert (made.status_code, made.json()["title"]) == (201, "")
    where = made.headers["Location"]
    for title in (" ", "One\nTwo", "\x1b[2J"):
        assert problem(await api.post(path, json={"title": title, "text": "It rained."})) == refused(422, "validation")
        assert problem(await api.patch(where, json={"version": 1, "title": title})) == refused(422, "validation")
    assert (await api.patch(where, json={"version": 1, "title": ""})).status_code == 200


@pytest.mark.parametrize("noun", ["projects", "chapters"])
async def test_of_two_editors_one_is_told(api: AsyncClient, noun: str) -> None:
    """Whoever read an older version changes nothing and gets 409."""
    ids = dict(zip(("projects", "chapters"), await new_chapter(api), strict=True))
    where = f"/api/v1/{noun}/{ids[noun]}"
    first, second = [await api.patch(where, json={"version": 1, "title": name}) for name in ("first", "second")]
    assert first.status_code == 200
    assert problem(second) == refused(409, "conflict")
    assert (await api.get(where)).json()["title"] == "first"


INVALID: dict[str, tuple[str, Json, str]] = {
    "no title": ("/api/v1/projects", {}, "body.title"),
    "an empty title": ("/api/v1/projects", {"title": ""}, "body.title"),
    "a title of blanks": ("/api/v1/projects", {"title": " \u00a0\u3000"}, "body.title"),
    "a title on two lines": ("/api/v1/projects", {"title": "One\nTwo"}, "body.title"),
    "a title that rings": ("/api/v1/projects", {"title": "One\x07"}, "body.title"),
    "a name of blanks": (
        "/api/v1/auth/register",
        {"email": "mara@example.org", "password": "harbour-lamp-two-keys", "name": "  "},
        "body.name",
    ),
    "a title too long": ("/api/v1/projects", {"title": "x" * 501}, "body.title"),
    "a title of another type": ("/api/v1/projects", {"title": 7}, "body.title"),
    "an unknown field": ("/api/v1/projects", {"title": "x", "colour": "red"}, "body.colour"),
    "no target": ("/api/v1/generations", {"kind": "chapter", "target_ids": []}, "body.target_ids"),
    "an unknown kind": ("/api/v1/generations", {"kind": "novel", "target_ids": [str(uuid4())]}, "body.kind"),
    "no drafts": (
        "/api/v1/generations",
        {"kind": "chapter", "target_ids": [str(uuid4())], "options": {"drafts": 0}},
        "body.options.drafts",
    ),
    "a budget below nothing": (
        "/api/v1/generations",
        {"kind": "chapter", "target_ids": [str(uuid4())], "budget_usd": -1},
        "body.budget_usd",
    ),
}


@pytest.mark.parametrize("name", list(INVALID))
async def test_a_request_that_does_not_fit_says_where(api: AsyncClient, name: str) -> None:
    """A validation problem names the place and carries the id that the client gave the request."""
    path, body, place = INVALID[name]
    answer = await api.post(path, json=body, headers={"X-Request-ID": "from-the-client.1"})
    assert problem(answer) == refused(422, "validation")
    told = answer.json()
    assert [one["at"] for one in told["errors"]] == [place]
    assert not any(word in one["message"] for one in told["errors"] for word in FOREIGN)
    assert told["request_id"] == answer.headers["X-Request-ID"] == "from-the-client.1"
    assert (told["status"], told["title"], told["instance"]) == (422, HTTPStatus(422).phrase, path)


@pytest.mark.parametrize("both", [{}, {"text": "a", "script": {"scenes": [{"panels": [{"description": "b"}]}]}}])
async def test_a_chapter_is_a_text_or_a_script(api: AsyncClient, both: Json) -> None:
    """Neither leaves nothing to draw, both leave open what to draw."""
    project_id, _ = await new_chapter(api)
    assert problem(await api.post(f"/api/v1/projects/{project_id}/chapters", json=both)) == refused(422, "validation")


UNREADABLE = {
    "cut off": (b"{", refused(422, "validation")),
    "a list": (b"[]", refused(422, "validation")),
    "not UTF-8": (b'{"title": "\xff"}', refused(400, "bad-request")),
    "half a character": (b'{"title": "a\\ud800b"}', refused(422, "validation")),
    "a NUL": (b'{"title": "a\\u0000b"}', refused(422, "validation")),
}


@pytest.mark.parametrize("name", list(UNREADABLE))
async def test_what_cannot_be_read_or_stored_is_the_clients_mistake(api: AsyncClient, name: str) -> None:
    """Broken or hostile bytes are refused, never a defect of ours."""
    body, why = UNREADABLE[name]
    answer = await api.post("/api/v1/projects", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer) == why


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/projects?limit=0",
        "/api/v1/projects?limit=101",
        "/api/v1/projects?cursor=x",
        "/api/v1/generations?status=x",
        f"/api/v1/generations/{UUID(int=7)}/events?after=-1",
        f"/api/v1/generations/{UUID(int=7)}/events?after={2**63}",
    ],
)
async def test_a_parameter_out_of_range_is_the_clients_mistake(api: AsyncClient, path: str) -> None:
    """Lists are bounded, and numbers fit their columns."""
    assert problem(await api.get(path)) == refused(422, "validation")


@pytest.mark.parametrize("path", ["/api/v1/projects/x", "/api/v1/chapters/x", "/api/v1/generations/None/events"])
async def test_what_cannot_be_an_id_is_nobodys(api: AsyncClient, path: str) -> None:
    """The answer is that of an id that nobody has."""
    assert problem(await api.get(path)) == refused(404, "not-found")


async def test_the_request_id_is_ours_when_the_clients_is_unfit(api: AsyncClient) -> None:
    """An id that could break a log line is replaced; every answer carries one, a 404 of no route too."""
    answer = await api.get("/nowhere", headers={"X-Request-ID": "a b"})
    assert problem(answer) == refused(404, "not-found")
    assert len(answer.json()["request_id"]) == 32
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"]


async def test_a_method_that_does_not_exist_is_a_problem_too(api: AsyncClient) -> None:
    """Whatever is refused is refused in one shape."""
    answer = await api.put("/api/v1/projects", json={})
    assert problem(answer) == refused(405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, POST"
    answer = await api.put(f"/api/v1/scenes/{uuid4()}")
    assert answer.headers["Allow"] == "GET, PATCH, DELETE"


async def test_a_list_is_read_page_by_page(api: AsyncClient) -> None:
    """Following the cursor gives everything once, in order of creation, and ends with null."""
    project_id, first = await new_chapter(api)
    ids = [first]
    for number in range(6):
        body = {"title": f"{number}", "text": "It rained."}
        ids.append((await api.post(f"/api/v1/projects/{project_id}/chapters", json=body)).json()["id"])
    found: list[list[str]] = []
    params = {"limit": "3"}
    while True:
        page = (await api.get(f"/api/v1/projects/{project_id}/chapters", params=params)).json()
        found.append([chapter["id"] for chapter in page["items"]])
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == [ids[:3], ids[3:6], ids[6:]]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", ""])
async def test_a_foreign_host_is_not_answered(api: AsyncClient, host: str) -> None:
    """A page that resolves its own name to loopback reads nothing."""
    answer = await api.get("/api/v1/projects", headers={"Host": host})
    assert problem(answer) == refused(400, "foreign-host")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8420", "[::1]:8420", "LOCALHOST"])
async def test_this_machine_is_answered(api: AsyncClient, host: str) -> None:
    """By any of its names, with or without a port."""
    assert (await api.get("/healthz", headers={"Host": host})).status_code == 200
