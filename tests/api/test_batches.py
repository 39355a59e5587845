"""Batches over HTTP: requested, followed, directed, reported; and what is refused."""

import csv
import io
from decimal import Decimal
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from engine.settings import Price, Settings
from models.batches import MAX_ITEMS
from tests.api.batch_requests import LINE, SCRIPT, batch_of, chapters, ended
from tests.api.conftest import Crew, Json, problem, registered, serving
from tests.working import Writer

pytestmark = pytest.mark.workflow


async def test_a_batch_from_the_request_to_the_report(api: AsyncClient, crew: Crew) -> None:
    """Its numbers add up: items, list, report as JSON and as CSV, and the generations' own costs."""
    project_id, ids = await chapters(api, 3)
    new = {"project_id": project_id, "title": "New", "text": LINE, "external_id": "new-1"}
    body = batch_of(*ids, external_id="volume-1", metadata={"volume": "1"})
    body["items"].append(new)
    made = await api.post("/api/v1/batches", json=body)
    assert made.status_code == 202, made.text
    batch = made.json()
    assert made.headers["Location"] == f"/api/v1/batches/{batch['id']}"
    assert (batch["status"], batch["project_id"], batch["counts"]["total"]) == ("requested", project_id, 4)
    async with crew():
        over = await ended(api, batch)
    assert (over["status"], over["progress"], over["counts"]["completed"]) == ("completed", 1.0, 4)
    items = (await api.get(f"/api/v1/batches/{batch['id']}/items")).json()["items"]
    assert [item["position"] for item in items] == [0, 1, 2, 3]
    assert items[3]["external_id"] == "new-1"
    assert all(item["seconds"] > 0 for item in items)
    listed = (await api.get("/api/v1/batches", params={"external_id": "volume-1"})).json()["items"]
    assert [one["id"] for one in listed] == [batch["id"]]
    report = (await api.get(f"/api/v1/batches/{batch['id']}/report")).json()
    assert report["items"] == items
    table = await api.get(f"/api/v1/batches/{batch['id']}/report", headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(table.text)))
    assert [line["state"] for line in lines] == ["completed"] * 4
    generations = [(await api.get(f"/api/v1/generations/{item['generation_id']}")).json() for item in items]
    assert {one["batch_id"] for one in generations} == {batch["id"]}
    assert over["calls"]["llm"] == sum(one["calls"]["llm"] for one in generations) > 0
    events = (await api.get(f"/api/v1/batches/{batch['id']}/events")).json()["items"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["type"] == "batch.completed"


async def test_the_same_key_makes_one_batch(api: AsyncClient) -> None:
    _, ids = await chapters(api, 1)
    key = {"Idempotency-Key": uuid4().hex}
    answers = [await api.post("/api/v1/batches", json=batch_of(*ids), headers=key) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    other = await api.post("/api/v1/batches", json=batch_of(*ids, name="Other"), headers=key)
    assert other.status_code == 422
    await api.post(f"/api/v1/batches/{answers[0].json()['id']}/cancel")


async def test_somebody_elses_is_not_found(api: AsyncClient, api_settings: Settings) -> None:
    """Neither a batch nor its chapters can be read, directed or put into another batch."""
    _, ids = await chapters(api, 1)
    batch = (await api.post("/api/v1/batches", json=batch_of(*ids))).json()
    async with serving(api_settings) as other:
        other.headers["Authorization"] = await registered(other)
        for path in ("", "/items", "/report", "/events"):
            assert (await other.get(f"/api/v1/batches/{batch['id']}{path}")).status_code == 404
        for decision in ("pause", "resume", "cancel", "retry"):
            assert (await other.post(f"/api/v1/batches/{batch['id']}/{decision}")).status_code == 404
        for name, body in (("budget", {"budget_usd": "1"}), ("priority", {"priority": 1})):
            assert (await other.post(f"/api/v1/batches/{batch['id']}/{name}", json=body)).status_code == 404
        assert (await other.get("/api/v1/batches")).json()["items"] == []
        stolen = await other.post("/api/v1/batches", json=batch_of(*ids))
        assert problem(stolen)[:2] == (404, "/problems/not-found")
        assert "items.0" in stolen.json()["detail"]
        for kind in ("chapter", "export", "scene", "panel"):
            item = {"kind": kind, "target_ids": [ids[0]]}
            guessed = await other.post("/api/v1/batches/estimate", json={"name": "x", "items": [item]})
            assert problem(guessed)[:2] == (404, "/problems/not-found")
    await api.post(f"/api/v1/batches/{batch['id']}/cancel")


async def test_it_is_directed_without_a_worker(api: AsyncClient) -> None:
    """Each decision is a row at once."""
    _, ids = await chapters(api, 2)
    batch = (await api.post("/api/v1/batches", json=batch_of(*ids, at_a_time=1))).json()
    path = f"/api/v1/batches/{batch['id']}"
    paused = (await api.post(f"{path}/pause")).json()
    assert (paused["status"], paused["waits"]["reason"]) == ("paused", "paused")
    assert (await api.post(f"{path}/resume")).json()["status"] in ("requested", "running")
    changed = (await api.post(f"{path}/priority", json={"priority": 2, "at_a_time": 7})).json()
    assert (changed["priority"], changed["at_a_time"]) == (2, 7)
    assert (await api.post(f"{path}/budget", json={"budget_usd": "3"})).json()["budget_usd"] == "3.000000"
    assert (await api.post(f"{path}/budget", json={"budget_usd": None})).json()["budget_usd"] is None
    cancelled = await api.post(f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelling")
    assert cancelled.json()["counts"]["cancelled"] == 2
    assert (await api.post(f"{path}/pause")).status_code == 409


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"items": []}, "items"),
        ({"at_a_time": 0}, "at_a_time"),
        ({"at_a_time": 101}, "at_a_time"),
        ({"filter": {"stale": True}}, "either items or a filter"),
        ({"items": None, "filter": {}}, "at least one of"),
        ({"only_between": {"from": "22:00", "to": "22:00"}}, "the same"),
        ({"only_between": {"from": "25:00", "to": "06:00"}}, "from"),
        ({"name": ""}, "name"),
        ({"items": [{"title": "No target"}]}, "target_ids"),
        ({"items": [{"text": "A text"}]}, "project_id"),
    ],
    ids=str,
)
async def test_nonsense_is_refused(api: AsyncClient, change: Json, says: str) -> None:
    _, ids = await chapters(api, 1)
    refusal = await api.post("/api/v1/batches", json=batch_of(*ids) | change)
    assert refusal.status_code == 422
    assert says in refusal.text


async def test_what_cannot_be_is_refused(api: AsyncClient) -> None:
    """Nothing is half started: the list stays as it was."""
    before = len((await api.get("/api/v1/batches", params={"limit": 100})).json()["items"])
    project_id, ids = await chapters(api, 1)
    twice = await api.post("/api/v1/batches", json=batch_of(ids[0], ids[0]))
    assert (twice.status_code, "items.1 is the same as items.0" in twice.text) == (422, True)
    zone = {"from": "22:00", "to": "06:00", "zone": "Atlantis/Harbour"}
    unknown = await api.post("/api/v1/batches", json=batch_of(ids[0], only_between=zone))
    assert (unknown.status_code, "no time zone" in unknown.text) == (422, True)
    crayon = await api.post("/api/v1/batches", json=batch_of(ids[0], options={"llm": "crayon"}))
    assert (crayon.status_code, "items.0" in crayon.text) == (422, True)
    nobody = await api.post("/api/v1/batches", json=batch_of(str(uuid4())))
    assert nobody.status_code == 404
    both = batch_of(ids[0])
    both["items"].append({"project_id": project_id, "title": "Left out", "text": LINE})
    both["items"].append({"target_ids": [str(uuid4())]})
    assert (await api.post("/api/v1/batches", json=both)).status_code == 404
    named = (await api.get(f"/api/v1/projects/{project_id}/chapters")).json()["items"]
    assert "Left out" not in [chapter["title"] for chapter in named]
    many = await api.post("/api/v1/batches", json=batch_of(*(str(uuid4()) for _ in range(MAX_ITEMS + 1))))
    assert (many.status_code, f"{MAX_ITEMS}" in many.text) == (422, True)
    after = len((await api.get("/api/v1/batches", params={"limit": 100})).json()["items"])
    assert after == before


async def test_a_budget_below_the_cheapest_item(api: AsyncClient, api_settings: Settings) -> None:
    priced = api_settings.model_copy(update={"prices": {"offline/": Price(call=Decimal("0.5"))}})
    async with serving(priced, api) as dear:
        _, ids = await chapters(dear, 2)
        refusal = await dear.post("/api/v1/batches", json=batch_of(*ids, budget_usd="0.1"))
        assert (refusal.status_code, "less than the cheapest item" in refusal.text) == (422, True)
        estimate = (await dear.post("/api/v1/batches/estimate", json=batch_of(*ids))).json()
        assert estimate["items"] == 2
        assert len(estimate["dearest"]) == 2
        low = float(estimate["usd"]["low"])
        assert low == pytest.approx(sum(float(one["usd"]["low"]) for one in estimate["dearest"]))
        assert low > 0.1


async def test_filters_choose_chapters(api: AsyncClient, crew: Crew) -> None:
    """Never generated, stale, or failed: each finds its own, and one that finds nothing says so."""
    project_id, ids = await chapters(api, 2)
    chosen = {"name": "New ones", "filter": {"project_id": project_id, "new": True}, "options": SCRIPT}
    batch = (await api.post("/api/v1/batches", json=chosen)).json()
    assert batch["counts"]["total"] == 2
    async with crew(Writer()):
        await ended(api, batch)
    fresh = await api.post("/api/v1/batches", json=chosen | {"filter": {"project_id": project_id, "stale": True}})
    assert (fresh.status_code, "nothing to do" in fresh.text) == (422, True)
    chapter = (await api.get(f"/api/v1/chapters/{ids[0]}")).json()
    changed = {"version": chapter["version"], "text": f"{LINE}\n\n“Look, a kite!” said Joss."}
    assert (await api.patch(f"/api/v1/chapters/{ids[0]}", json=changed)).status_code == 200
    stale = await api.post("/api/v1/batches", json=chosen | {"filter": {"project_id": project_id, "stale": True}})
    assert stale.status_code == 202, stale.text
    listed = (await api.get(f"/api/v1/batches/{stale.json()['id']}/items")).json()["items"]
    assert [item["target_ids"] for item in listed] == [[ids[0]]]
    await api.post(f"/api/v1/batches/{stale.json()['id']}/cancel")
    failed = await api.post("/api/v1/batches", json=chosen | {"filter": {"project_id": project_id, "failed": True}})
    assert failed.status_code == 422
