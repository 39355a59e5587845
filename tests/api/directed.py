"""What tests of directing share: a chapter that is ordered over HTTP and waits for a person."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from httpx2 import AsyncClient
from PIL import Image

from tests.api.conftest import Crew, Json, ended, new_chapter
from tests.working import STORY, Painter, Writer


@dataclass
class Directed:
    """A chapter and its generation, seen through the API."""

    api: AsyncClient
    project_id: str
    chapter_id: str
    generation_id: str = ""
    writer: Writer = field(default_factory=Writer)
    painter: Painter = field(default_factory=Painter)

    async def get(self, path: str) -> Any:
        answer = await self.api.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, status: int | None = None) -> Any:
        answer = await self.api.post(f"/api/v1{path}", json=body)
        assert answer.status_code == (status or answer.status_code), answer.text
        if status is None:
            assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def patch(self, path: str, body: Json, status: int = 200) -> Json:
        answer = await self.api.patch(f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def order(self, **options: Any) -> str:
        body = {"kind": "chapter", "target_ids": [self.chapter_id], "options": options}
        self.generation_id = (await self.post("/generations", body))["id"]
        return self.generation_id

    async def panels(self) -> list[Json]:
        """All panels in reading order."""
        found: list[Json] = []
        for scene in (await self.get(f"/chapters/{self.chapter_id}/scenes"))["items"]:
            found += (await self.get(f"/scenes/{scene['id']}/panels"))["items"]
        return found

    async def drafts(self, panel: Json) -> list[Json]:
        return list((await self.get(f"/panels/{panel['id']}/drafts"))["items"])

    async def generation(self, generation_id: str = "") -> Json:
        found: Json = await self.get(f"/generations/{generation_id or self.generation_id}")
        return found

    async def reached(self, status: str, generation_id: str = "", stage: str = "") -> Json:
        """The generation once it has a status, and waits for a stage if one is named."""
        async with asyncio.timeout(120):
            while True:
                found = await self.generation(generation_id)
                waits = [hold["purpose"] for hold in found["waiting"]]
                if found["status"] == status and (not stage or f"review {stage}" in waits):
                    return found
                assert found["status"] == status or found["status"] not in ("failed", "cancelled"), found
                await asyncio.sleep(0.25)

    async def ended(self, generation_id: str = "") -> Json:
        return await ended(self.api, generation_id or self.generation_id)

    async def approve(self, stage: str | None = None, status: int = 200) -> Json:
        found: Json = await self.post(f"/chapters/{self.chapter_id}/approve", {"stage": stage}, status)
        return found

    async def picture(self, width: int = 64, height: int = 64, colour: str = "red") -> str:
        """An uploaded picture; its id."""
        data = io.BytesIO()
        Image.new("RGB", (width, height), colour).save(data, "PNG")
        files = {"file": ("art.png", data.getvalue(), "image/png")}
        answer = await self.api.post(f"/api/v1/projects/{self.project_id}/images", files=files)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])


@asynccontextmanager
async def finished_chapter(api: AsyncClient, crew: Crew, text: str = STORY, **options: Any) -> AsyncIterator[Directed]:
    """A chapter that was made with these options, with workers at hand."""
    directed = Directed(api, *await new_chapter(api, text))
    async with crew(directed.writer, directed.painter):
        await directed.order(**options)
        assert (await directed.ended())["status"] == "completed"
        yield directed
