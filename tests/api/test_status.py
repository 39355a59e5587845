"""`/status` shows how the installation is: names to those who run it, counts on this machine, nothing to others."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import col

from engine.db.session import Database
from engine.errors import ProviderBusy
from engine.money import circuits
from engine.settings import Settings
from engine.store import delays, generations
from models.options import DelayReason, GenerationStatus
from models.tables import Project
from tests.api.conftest import registered, serving
from tests.conftest import Order, Ordered
from tests.support.servers import NOWHERE

pytestmark = pytest.mark.integration

TITLE = "<script>alert('The Two Keys')</script>"
ELSEWHERE = "192.0.2.7"
TOKEN = "a token of the tests"


@pytest.fixture
def installation(database_url: str, settings: Settings, tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path,
        storage=str(tmp_path / "pictures"),
        database_url=database_url,
        temporal_address=NOWHERE,
        temporal_namespace=settings.temporal_namespace,
        secret_key=SecretStr("a secret of the tests"),
        metrics_token=SecretStr(TOKEN),
        registrations=1000,
    )


@pytest.fixture
async def waiting(database: Database, order: Order) -> Ordered:
    """A generation that waits for a provider, in a project with a title that is no harmless word."""
    ordered = await order()
    async with database.session() as session:
        mine = col(Project.id) == ordered.run.project_id
        await session.exec(update(Project).where(mine).values(title=TITLE))
        one = delays.Waiting(
            project_id=ordered.run.project_id,
            generation_id=ordered.run.generation_id,
            part=f"status-{uuid4()}",
            target_id=ordered.run.chapter_id,
            purpose="Dialogue",
            reason=DelayReason.PROVIDER_DOWN,
            message="vendor answered 503.",
        )
        await delays.record(session, one)
    return ordered


async def made_operator(api: AsyncClient, installation: Settings) -> tuple[Settings, str]:
    """Settings that name a new account an operator, and its login."""
    login = await registered(api)
    mine = (await api.get("/api/v1/auth/me", headers={"Authorization": login})).json()["id"]
    return installation.model_copy(update={"operators": mine}), login


async def test_those_who_run_it_see_names(installation: Settings, waiting: Ordered, database: Database) -> None:
    """What waits and why, what failed and why; whatever is in a title runs nowhere."""
    async with database.session() as session:
        for _ in range(circuits.OPEN_AFTER):
            await circuits.settled(session, "llm", "statusvendor", "one", ProviderBusy("it answered 503."))
    async with serving(installation) as api:
        operated, login = await made_operator(api, installation)
    async with serving(operated, address=ELSEWHERE) as api:
        page = await api.get("/status", headers={"Authorization": login})
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "script" not in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert str(waiting.run.generation_id) in page.text
        assert "vendor answered 503." in page.text
        assert "it answered 503." in page.text
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
        # There is no Temporal.
        assert re.search(r'<td class="bad">temporal</td>', page.text)
        assert "needs attention" in page.text
    async with database.session() as session:
        await circuits.resume(session, "llm", "statusvendor")


async def test_a_failure_is_listed_with_its_reason(
    installation: Settings, waiting: Ordered, database: Database
) -> None:
    async with database.session() as session:
        run = waiting.run
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.FAILED, "The lamp went out.")
    async with serving(installation) as api:
        operated, login = await made_operator(api, installation)
    async with serving(operated, address=ELSEWHERE) as api:
        assert "The lamp went out." in (await api.get("/status", headers={"Authorization": login})).text


async def test_a_ticket_opens_it_once(installation: Settings, waiting: Ordered) -> None:
    """For browsers, which send no token with a link. Such a page does not reload itself."""
    async with serving(installation) as api:
        operated, login = await made_operator(api, installation)
    async with serving(operated, address=ELSEWHERE) as api:
        ticket = (await api.post("/api/v1/auth/ws-ticket", headers={"Authorization": login})).json()["ticket"]
        page = await api.get(f"/status?ticket={ticket}")
        assert str(waiting.run.generation_id) in page.text
        assert "refresh" not in page.text
        assert (await api.get(f"/status?ticket={ticket}")).status_code == 401


async def test_others_see_counts_or_nothing(installation: Settings, waiting: Ordered) -> None:
    """On this machine and with the token of `/metrics`: counts. From elsewhere, accounts are refused like strangers."""
    async with serving(installation) as api:
        stranger = await registered(api)
        for headers in ({}, {"Authorization": stranger}):
            page = await api.get("/status", headers=headers)
            assert page.status_code == 200
            assert "provider_down" in page.text
            for name in ("Two Keys", str(waiting.run.generation_id), "vendor answered"):
                assert name not in page.text
    async with serving(installation, address=ELSEWHERE) as api:
        counted = await api.get("/status", headers={"Authorization": f"Bearer {TOKEN}"})
        assert counted.status_code == 200
        assert "Two Keys" not in counted.text
        assert (await api.get("/status")).status_code == 401
        assert (await api.get("/status", headers={"Authorization": stranger})).status_code == 403
        token = {"name": "script", "scopes": ["read"]}
        made = await api.post("/api/v1/auth/tokens", headers={"Authorization": stranger}, json=token)
        script = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await api.get("/status", headers=script)).status_code == 403
