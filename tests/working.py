"""Workers in the test's process, with writers and artists whose behaviour a test can choose."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from PIL import Image
from temporalio.client import Client

from engine.db.session import Database
from engine.images import ImageRequest, ImageResult, Progress, unheard
from engine.llm import LLMReply, LLMRequest
from engine.offline.writer import OfflineWriter
from engine.providers.usage import Tokens
from engine.storage import Storage
from engine.store import generations, tallies
from engine.store.rows import get
from inkloom.worker import Parts, build_workers
from models.options import FINAL_STATUSES, GenerationKind, GenerationStatus
from models.story import Box
from models.tables import Generation

if TYPE_CHECKING:
    from tests.conftest import Ordered

STORY = """\
The Two Keys

The kitchen was dark. Mara lit a lamp and put two keys on the table.

"Take the small one," said Mara. "It opens the boat shed."

Joss shook his head. "I want the large one," he said.

***

At dawn the harbour was full of fog. Joss ran along the quay.

"Wait!" shouted Mara.
"""


async def plain(request: ImageRequest) -> ImageResult:
    """A picture of the right size, made at once."""
    shade = request.seed % 200
    buffer = io.BytesIO()
    Image.new("RGB", (request.width, request.height), (shade, 90, 120)).save(buffer, "PNG", compress_level=1)
    people = request.panel.characters if request.panel else []
    return ImageResult(
        data=buffer.getvalue(),
        media_type="image/png",
        width=request.width,
        height=request.height,
        seed=request.seed,
        boxes=[Box(kind="head", name=who.name, x=0.4, y=0.5, width=0.1, height=0.1) for who in people],
        may_be_flat=True,
    )


async def translating(request: LLMRequest) -> LLMReply | None:
    """A writer's `before` that translates: every text says which language it is in, and is itself after that."""
    if request.task != "Translate":
        return None
    data: Any = request.data
    panels = [
        {
            "number": panel.number,
            "caption": panel.caption and f"{data.into}: {panel.caption}",
            "lines": [f"{data.into}: {line.text}" for line in panel.lines],
        }
        for panel in data.panels
    ]
    answer = {"title": data.title and f"{data.into}: {data.title}", "panels": panels}
    return LLMReply(json.dumps(answer), "", "stop", Tokens(100, 100))


@dataclass
class Writer:
    """The offline writer, counted; `before` may delay, change or fail a call."""

    before: Callable[[LLMRequest], Awaitable[LLMReply | None]] | None = None
    asked: list[LLMRequest] = field(default_factory=list)

    async def ask(self, request: LLMRequest) -> LLMReply:
        self.asked.append(request)
        instead = await self.before(request) if self.before else None
        return instead or await OfflineWriter().ask(request)

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Painter:
    """Flat pictures, counted; `before` may delay, change or fail a call."""

    before: Callable[[ImageRequest], Awaitable[ImageResult | None]] | None = None
    asked: list[ImageRequest] = field(default_factory=list)

    async def draw(self, request: ImageRequest, tell: Progress = unheard) -> ImageResult:
        self.asked.append(request)
        instead = await self.before(request) if self.before else None
        return instead or await plain(request)

    async def close(self) -> None:
        """Nothing is held open."""


@asynccontextmanager
async def workers(
    client: Client, database: Database, storage: Storage, writer: Writer, painter: Painter, **more: Any
) -> AsyncIterator[None]:
    """Workers on every queue, for as long as the block lasts; `more` are other parts that they are made of."""
    parts = Parts(
        **{
            "database": database,
            "storage": storage,
            "writers": {"offline": writer},
            "artists": {"offline": painter},
            # A call that is cancelled here is one that a test holds up: it ends with the test, not with an answer.
            "llm_patience": 3.0,
            "image_patience": 3.0,
            **more,
        }
    )
    async with contextlib.AsyncExitStack() as stack:
        for worker in build_workers(client, parts):
            await stack.enter_async_context(worker)
        yield


Working = Callable[..., AbstractAsyncContextManager[None]]
Generate = Callable[["Ordered"], Awaitable[Generation]]


async def again(database: Database, ordered: "Ordered") -> "Ordered":
    """A retry of the chapter's last generation."""
    run = ordered.run
    async with database.session() as session:
        generation = await generations.request(
            session,
            project_id=run.project_id,
            chapter_id=run.chapter_id,
            kind=GenerationKind.CHAPTER,
            options=run.options,
            retry_of=run.generation_id,
        )
    return replace(ordered, run=run.model_copy(update={"generation_id": generation.id}))


async def reached(database: Database, ordered: "Ordered", status: GenerationStatus, patience: float = 60) -> Generation:
    """The generation once it has the status and its artists and writers are quiet."""
    async with asyncio.timeout(patience):
        while True:
            async with database.session() as session:
                generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
                busy = await tallies.in_flight(session, generation.id)
            if generation.status == status and not busy:
                return generation
            await asyncio.sleep(0.15)


async def finished(database: Database, ordered: "Ordered", patience: float = 90) -> Generation:
    """The generation once it is final."""
    async with asyncio.timeout(patience):
        while True:
            async with database.session() as session:
                generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
            if generation.status in FINAL_STATUSES:
                return generation
            await asyncio.sleep(0.15)
