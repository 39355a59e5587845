"""Somebody else's tester asks the API everything that its document says, and much that it does not say.

All checks, all phases, every operation. It has a database of its own: what it makes up stays there. So many examples
of each, and no time that they must fit into: a quick machine would find what a slow one does not. More, by hand:
`SCHEMATHESIS_EXAMPLES=200 python -m pytest tests/api/test_schemathesis.py -s --timeout=7200`.
"""

import asyncio
import os
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from inkloom.local.stack import Endpoints
from tests.api.conftest import Serve
from tests.support.servers import migrated_database

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "8")

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(2700)]

# Not the one of the examples: with it the tester would delete the account that it asks with.
PASSWORD = "rope-shed-quay-fog-lamp"  # of nobody
# What ends the login that all the others ask with is asked in a run of its own.
ENDS = "POST /api/v1/auth/logout"
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")


async def ask(port: int, folder: Path, *more: str) -> tuple[int, str]:
    """The exit code of a run and all that it said."""
    async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        email = f"{uuid4().hex}@example.org"
        await client.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
        login = await client.post("/api/v1/auth/login", data={"username": email, "password": PASSWORD})
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIGURATION), "run"),
        f"http://127.0.0.1:{port}/openapi.json",
        *("-H", f"Authorization: Bearer {login.json()['access_token']}"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--seed", "1", "--no-color"),
        *("--warnings", "off", *more),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_nothing_is_found(endpoints: Endpoints, served: Serve, tmp_path: Path) -> None:
    """No answer that is not documented, no valid request refused or invalid one taken, no guard that is open."""
    url = await migrated_database(endpoints.database_url, f"asked_{uuid4().hex[:8]}")
    limits = {"registrations": 100_000, "login_tries": 1000}
    async with served(database_url=url, **limits) as port:
        found = await ask(port, tmp_path, "--exclude-name", ENDS, "--max-examples", EXAMPLES)
        assert found[0] == 0, found[1]
        alone = await ask(port, tmp_path, "--include-name", ENDS, "--max-examples", "5")
        assert alone[0] == 0, alone[1]
