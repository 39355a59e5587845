"""The other side of `bench_api`: the same rows by the same SQL, with FastAPI and psycopg and nothing else."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

SQL = """\
SELECT id, scene_id, position, shot, description, characters, dialogue, caption, prompt, state, failure,
    selected_draft_id, version
FROM panels
WHERE scene_id = %(scene)s AND project_id IN (
    SELECT id FROM projects WHERE owner_id = %(user)s
    OR id IN (SELECT project_id FROM project_members WHERE user_id = %(user)s))
ORDER BY position LIMIT 51
"""
ARGUMENTS = json.loads(os.environ.get("BENCH_ARGUMENTS", "{}"))
POOL = AsyncConnectionPool(
    os.environ.get("BENCH_DATABASE", ""), min_size=10, max_size=10, open=False, kwargs={"row_factory": dict_row}
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with POOL:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/panels")
async def panels() -> dict[str, Any]:
    async with POOL.connection() as connection:
        rows = await (await connection.execute(SQL, ARGUMENTS)).fetchall()
    return {"items": rows, "next_cursor": None}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
