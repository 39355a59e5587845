"""Batches of tests over HTTP: their chapters, the request, and how one is awaited."""

import asyncio
from typing import Any

from httpx2 import AsyncClient

from tests.api.conftest import Json, new_chapter

SCRIPT = {"until": "script"}
LINE = "It rained on the harbour.\n\n“Again?” said Mara."


async def chapters(api: AsyncClient, count: int) -> tuple[str, list[str]]:
    """A project with so many chapters."""
    project_id, first = await new_chapter(api, LINE)
    found = [first]
    for number in range(1, count):
        body = {"title": f"Chapter {number}", "text": f"{LINE}\n\n{number}."}
        found.append((await api.post(f"/api/v1/projects/{project_id}/chapters", json=body)).json()["id"])
    return project_id, found


def batch_of(*ids: str, **more: Any) -> Json:
    """A request for a batch of chapters."""
    return {"name": "A batch", "items": [{"target_ids": [one]} for one in ids], "options": SCRIPT} | more


async def ended(api: AsyncClient, batch: Json) -> Json:
    """The batch once it is over."""
    async with asyncio.timeout(120):
        while True:
            found: Json = (await api.get(f"/api/v1/batches/{batch['id']}")).json()
            if found["finished_at"]:
                return found
            await asyncio.sleep(0.25)
