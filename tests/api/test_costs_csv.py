"""Costs as CSV: by month, of one project and of all; harmless to whoever opens them."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from engine.db.session import Database
from models.tables import ProviderCall
from models.tables.ledger import CallState
from models.tables.projects import Role
from tests.api.conftest import problem, refused
from tests.api.together import member, somebody

pytestmark = pytest.mark.integration


async def spent(api: AsyncClient, database: Database, title: str = "Costs", **more: Any) -> str:
    """A project that paid for something in January, at its last moment, and in March; its id."""
    project_id: str = (await api.post("/api/v1/projects", json={"title": title}, **more)).json()["id"]
    moments = [(2026, 1, 3, 0, 0), (2026, 1, 31, 23, 59), (2026, 3, 1, 0, 0)]
    async with database.session() as session:
        for number, moment in enumerate(moments):
            session.add(
                ProviderCall(
                    project_id=UUID(project_id),
                    call_key=uuid4().hex,
                    attempt=1,
                    state=CallState.UNKNOWN if number == 2 else CallState.CONFIRMED,
                    kind="image",
                    provider="offline",
                    model="=HYPERLINK()",
                    purpose="draft 1",
                    holder="h",
                    input_tokens=10,
                    cost_usd=Decimal("0.25") if number < 2 else Decimal(0),
                    reserved_usd=Decimal("0.5") if number == 2 else Decimal(0),
                    submitted_at=datetime(*moment, tzinfo=UTC),
                )
            )
    return project_id


def lines(answer: Any) -> list[dict[str, str]]:
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="costs')
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_a_projects_costs_by_month(api: AsyncClient, database: Database) -> None:
    """A call belongs to the month in which it was sent, in UTC; months are asked for by name, both included."""
    path = f"/api/v1/projects/{await spent(api, database)}/costs.csv"
    first, last = lines(await api.get(path))
    assert first == {
        "month": "2026-01",
        "provider": "offline",
        "model": "'=HYPERLINK()",
        "kind": "image",
        "calls": "2",
        "input_tokens": "20",
        "output_tokens": "0",
        "usd": "0.500000",
        "unknown_usd": "0",
    }
    assert (last["month"], last["calls"], last["usd"], last["unknown_usd"]) == ("2026-03", "1", "0.000000", "0.500000")
    for params, months in (
        ({"from": "2026-01", "to": "2026-01"}, ["2026-01"]),
        ({"from": "2026-02"}, ["2026-03"]),
        ({"to": "2026-02"}, ["2026-01"]),
        ({"from": "2026-03", "to": "2026-12"}, ["2026-03"]),
    ):
        assert [line["month"] for line in lines(await api.get(path, params=params))] == months
    assert problem(await api.get(path, params={"from": "2026-13"})) == refused(422, "validation")
    assert problem(await api.get(path, params={"from": "2026-02", "to": "2026-01"})) == refused(422, "bad-input")


async def test_the_costs_of_all_my_projects(api: AsyncClient, database: Database) -> None:
    """Those I own and those I am a member of, and no others; a title that a spreadsheet would run is made text."""
    who = await somebody(api)
    theirs = await spent(api, database, "Theirs")
    mine = await spent(api, database, '=cmd|"x"!A1', headers=who.headers)
    got = lines(await api.get("/api/v1/costs.csv", headers=who.headers))
    assert {line["project_id"] for line in got} == {mine}
    assert [(line["project"], line["month"], line["calls"]) for line in got] == [
        ('\'=cmd|"x"!A1', "2026-01", "2"),
        ('\'=cmd|"x"!A1', "2026-03", "1"),
    ]
    guest = await member(api, theirs, Role.VIEWER)
    got = lines(await api.get("/api/v1/costs.csv", params={"to": "2026-01"}, headers=guest.headers))
    assert [(line["project_id"], line["usd"]) for line in got] == [(theirs, "0.500000")]
