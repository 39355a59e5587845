"""A round of the sweeper: what fails for one generation does not stand before the others."""

from datetime import timedelta
from typing import Any
from unittest.mock import create_autospec
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database
from inkloom import sweeper
from models.tables import Generation
from tests.conftest import Order

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("status", "goes_on"),
    [
        (RPCStatusCode.NOT_FOUND, True),
        (RPCStatusCode.DEADLINE_EXCEEDED, True),
        (RPCStatusCode.DATA_LOSS, True),
        (RPCStatusCode.UNAVAILABLE, False),
    ],
)
async def test_only_an_outage_of_temporal_ends_a_round(
    database: Database, order: Order, monkeypatch: pytest.MonkeyPatch, status: RPCStatusCode, goes_on: bool
) -> None:
    """Every generation gets its turn though each look fails, and the round counts as finished."""
    ours = {(await order()).run.generation_id for _ in range(2)}
    looked: list[UUID] = []
    rounds: list[Any] = []

    async def failing(database: Database, client: Client, generation: Generation, this: Any) -> None:
        looked.append(generation.id)
        raise RPCError("by a test", status, b"")

    async def swept(session: Any) -> None:
        rounds.append(session)

    monkeypatch.setattr(sweeper, "_recover", failing)
    monkeypatch.setattr("engine.store.gauges.swept", swept)
    client = create_autospec(Client, instance=True)
    if goes_on:
        await sweeper.sweep(database, client, timedelta(0))
        assert ours <= set(looked)
    else:
        with pytest.raises(RPCError):
            await sweeper.sweep(database, client, timedelta(0))
        assert len(looked) == 1
    assert len(rounds) == goes_on
