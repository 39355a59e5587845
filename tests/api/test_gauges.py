"""`/metrics` says how the whole installation is: what runs, what waits and why, what was spent, what lags behind."""

from datetime import timedelta
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, text, update
from sqlmodel import col
from temporalio.client import Client

from engine.db.session import Database, execute
from engine.settings import Settings
from engine.store import delays, gauges, holds
from inkloom.sweeper import sweep
from models.options import DelayReason, HoldReason
from models.runs import Holding
from models.tables import Generation, ProviderCall
from tests.api.conftest import serving
from tests.conftest import Order, Ordered
from tests.support.calls import ask, costly

pytestmark = pytest.mark.workflow

Values = dict[tuple[str, ...], float]


async def scraped(api: AsyncClient) -> Values:
    """Every value, by the name of the metric and its labels' values."""
    answer = await api.get("/metrics")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def waiting(database: Database, ordered: Ordered) -> None:
    """A generation that has run for an hour, of which parts wait: for a person, for a provider, for code that fits."""
    run = ordered.run
    async with database.session() as session:
        earlier = func.clock_timestamp() - timedelta(hours=1)
        mine = col(Generation.id) == run.generation_id
        await session.exec(update(Generation).where(mine).values(status="running", created_at=earlier))
    async with database.session() as session:
        shared = run.model_dump(exclude={"chapter_id"})
        holding = Holding(**shared, target_id=run.chapter_id, purpose="x", reason=HoldReason.REFUSED, message="refused")
        await holds.hold(session, holding, f"generation-{run.generation_id}")
        await session.exec(update(Generation).where(mine).values(status="running"))
        for number, reason in enumerate((DelayReason.PROVIDER_DOWN, DelayReason.REPLAY, DelayReason.REPLAY)):
            one = delays.Waiting(
                project_id=run.project_id,
                generation_id=run.generation_id,
                part=f"generation-{run.generation_id}/{number}",
                target_id=run.chapter_id,
                purpose="Dialogue",
                reason=reason,
                message="why",
            )
            await delays.record(session, one)


async def test_the_whole_installation_in_one_look(
    api: AsyncClient, api_settings: Settings, database: Database, order: Order, client: Client
) -> None:
    """Each gauge grows by what is added; none names a project."""
    ordered = await order()
    async with serving(api_settings, api) as fresh:
        before = await scraped(fresh)
    await waiting(database, ordered)
    await ask(database, costly(ordered, "panel", "0", provider="metered"))
    async with database.session() as session:
        mine = col(ProviderCall.generation_id) == ordered.run.generation_id
        await session.exec(update(ProviderCall).where(mine).values(cost_usd=3, reserved_usd=2, state="unknown"))
    await sweep(database, client)
    async with serving(api_settings, api) as fresh:
        after = await scraped(fresh)
        assert str(ordered.run.project_id) not in (await fresh.get("/metrics")).text

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert grown("inkloom_generations", "running") == 1
    assert after["inkloom_generation_oldest_seconds",] >= 3600
    assert grown("inkloom_decisions_pending", "refused") == 1
    assert (grown("inkloom_delays", "provider_down"), grown("inkloom_delays", "replay")) == (1, 2)
    assert grown("inkloom_spent_usd", "llm", "metered") == 3
    assert grown("inkloom_spent_unknown_usd", "llm", "metered") == 2
    assert grown("inkloom_sweeper_rounds") == 1
    assert after["inkloom_sweeper_last_round_seconds",] < 600
    assert after["inkloom_webhook_deliveries_pending",] >= 0
    for queue in ("workflows", "io", "pages", "webhooks", "llm-offline", "images-offline"):
        assert {(f"inkloom_queue_{name}", queue) for name in ("tasks", "lag_seconds", "served")} <= set(after)


async def test_a_look_is_kept_for_some_seconds(api: AsyncClient, database: Database, order: Order) -> None:
    """Whoever scrapes often costs the database no more."""
    before = await scraped(api)
    await waiting(database, await order())
    assert (await scraped(api)).get(("inkloom_delays", "replay")) == before.get(("inkloom_delays", "replay"))


async def test_without_servers_the_process_tells_of_itself(api: AsyncClient, api_settings: Settings) -> None:
    """The gauges of what is away are left out; the others are there."""
    away = {"database_url": "postgresql://nobody@127.0.0.1:1/nothing", "temporal_address": "127.0.0.1:1"}
    async with serving(api_settings.model_copy(update=away), api) as lonely:
        found = {name for name, *_ in await scraped(lonely)}
    assert "inkloom_websockets_open" in found
    assert not found & {"inkloom_generations", "inkloom_queue_tasks"}


async def test_a_gauge_that_takes_long_takes_no_other_with_it(
    api: AsyncClient, api_settings: Settings, database: Database
) -> None:
    """One table is locked, as while it is changed: what does not need it is told."""
    async with serving(api_settings, api) as fresh, database.session() as session:
        await execute(session, text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
        found = {name for name, *_ in await scraped(fresh)}
    assert not {"inkloom_webhook_deliveries_pending", "inkloom_webhook_delivery_oldest_seconds"} & found
    assert {"inkloom_generation_oldest_seconds", "inkloom_sweeper_rounds", "inkloom_queue_tasks"} <= found


def test_every_gauge_is_documented() -> None:
    """`docs/operations.md` lists them all."""
    docs = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    names = {family.name for family in gauges.FAMILIES} | {
        f"inkloom_queue_{name}" for name in ("tasks", "lag_seconds", "served")
    }
    assert {name for name in names if f"`{name}`" not in docs} == set()
