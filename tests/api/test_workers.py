"""`GET /workers` lists the live worker processes, to those who run the installation."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from httpx2 import AsyncClient
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from engine.settings import Settings
from inkloom.worker import connect, workflow_worker
from tests.api.conftest import registered, serving
from tests.support.servers import NOWHERE, migrated_database

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(120)]


def installation(settings: Settings, folder: Path, url: str, temporal: str, **more: object) -> Settings:
    """One without an account, on this machine."""
    told = {
        "storage": str(folder),
        "database_url": url,
        "temporal_address": temporal,
        "secret_key": "a secret of the tests",
        "local_owner": True,
        **more,
    }
    return Settings.model_validate({"data": folder, "temporal_namespace": settings.temporal_namespace, **told})


async def listed(api: AsyncClient, process: int) -> dict[str, object]:
    """The worker of a process, once it is listed."""
    async with asyncio.timeout(60):
        while True:
            answer = await api.get("/api/v1/workers")
            assert answer.status_code == 200
            found: list[dict[str, object]] = [one for one in answer.json()["items"] if one["process"] == process]
            if found:
                return found[0]
            await asyncio.sleep(0.2)


async def test_a_live_worker_is_listed(
    settings: Settings, client: Client, temporal_address: str, database_url: str, tmp_path: Path
) -> None:
    """With its process, its build and its queues."""
    url = await migrated_database(database_url, f"workers_{uuid4().hex[:8]}")
    beating = Runtime(telemetry=TelemetryConfig(), worker_heartbeat_interval=timedelta(seconds=1))
    worker = workflow_worker(await connect(temporal_address, client.namespace, beating))
    async with worker, serving(installation(settings, tmp_path, url, temporal_address)) as api:
        found = await listed(api, os.getpid())
    assert (found["build"], found["queues"]) == ("", ["workflows"])


async def test_it_is_for_those_who_run_the_installation(settings: Settings, database_url: str, tmp_path: Path) -> None:
    """The owner of this machine and the operators; without Temporal, the answer says so."""
    url = await migrated_database(database_url, f"workers_{uuid4().hex[:8]}")
    untouched = installation(settings, tmp_path, url, NOWHERE)
    async with serving(untouched) as api:
        owner, operator, stranger = await registered(api), await registered(api), await registered(api)
        listed = (await api.get("/api/v1/auth/me", headers={"Authorization": operator})).json()["id"]
    async with serving(untouched.model_copy(update={"operators": listed})) as api:
        for authorization, status in ((owner, 503), (operator, 503), (stranger, 403)):
            answer = await api.get("/api/v1/workers", headers={"Authorization": authorization})
            assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert (await api.get("/api/v1/workers")).status_code == 401
