"""`docs/database.md` is true: it lists the indexes there are, and the queries it names use them."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from engine.db.session import Database
from tests.support.servers import migrated_database

DOCS = Path(__file__).parent.parent / "docs" / "database.md"
ROW = re.compile(r"^\| (?P<index>[a-z]\w+) \| (?P<serves>[^|]+) \| `(?P<query>[^`]+)` \|$", re.MULTILINE)
LISTED = {match["index"]: match["query"] for match in ROW.finditer(DOCS.read_text())}

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
async def catalog(database_url: str) -> AsyncIterator[Database]:
    """A database without a row: what its planner prefers does not depend on what other tests wrote."""
    database = Database(await migrated_database(database_url, f"catalog_{uuid4().hex[:8]}"), pool_size=1)
    yield database
    await database.close()


async def test_the_list_is_the_catalog(catalog: Database) -> None:
    """An index that nobody can say the use of should not exist; one that is gone should not be promised."""
    async with catalog.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
        )
        assert set(LISTED) == set(found.scalars())


@pytest.mark.parametrize("index", sorted(LISTED))
async def test_the_query_uses_its_index(catalog: Database, index: str) -> None:
    """Without sequential scans and sorts to fall back on, Postgres takes the index that serves the query."""
    async with catalog.engine.connect() as connection:
        for method in ("seqscan", "sort", "bitmapscan"):
            await connection.execute(text(f"SET LOCAL enable_{method} = off"))
        plan = (await connection.execute(text(f"EXPLAIN (FORMAT JSON) {LISTED[index]}"))).scalar_one()
    assert f'"Index Name": "{index}"' in json.dumps(plan)
