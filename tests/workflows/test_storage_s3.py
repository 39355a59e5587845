"""A chapter whose pictures lie in S3."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlmodel import col, select
from temporalio.client import Client

from engine.db.session import Database
from engine.images import ImageRequest
from inkloom.output import deliver
from models.options import GenerationStatus
from models.tables import Image, ProviderCall
from models.tables.ledger import CallState
from tests.conftest import Order
from tests.s3_server import PATIENCE, S3Server, fresh_prefix, s3_server
from tests.working import STORY, Generate, Painter, Writer, workers

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(PATIENCE)]


async def test_a_chapter_is_made_with_its_pictures_in_s3(
    client: Client, database: Database, s3: S3Server, order: Order, generate: Generate, tmp_path: Path
) -> None:
    """Drawn, composed and exported through the bucket; what lies there is what the rows say, and nothing else."""
    prefix = fresh_prefix()
    storage = s3.storage(prefix)
    ordered = await order(STORY)
    async with workers(client, database, storage, Writer(), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED

    async with database.session() as session:
        found = select(Image).where(col(Image.project_id) == ordered.run.project_id)
        images = {image.key: image.sha256 for image in (await session.exec(found)).all()}
    lies = await s3.everything(prefix)
    pictures = {key: data for key, data in lies.items() if "/exports/" not in key}
    assert {key: hashlib.sha256(data).hexdigest() for key, data in pictures.items()} == images
    assert len(lies) - len(pictures) == 3
    assert all(key.startswith(f"p/{ordered.run.project_id}/") for key in lies)

    run = ordered.run
    delivered = await deliver(database, storage, run.project_id, run.chapter_id, run.options, tmp_path)
    await storage.close()
    assert len(delivered.pages) > 0
    assert set(delivered.exports) == {"cbz", "pdf", "epub"}
    for file in delivered.exports.values():
        assert Path(file).is_absolute()
        assert await asyncio.to_thread(Path(file).read_bytes) in lies.values()


@pytest.fixture
async def own() -> AsyncIterator[S3Server]:
    """A server of the test's own, to be ended."""
    async with s3_server() as server:
        yield server


async def away(server: S3Server) -> Callable[[], Awaitable[None]]:
    """End the server; what is given back starts it again."""
    await server.stop()
    return server.start


async def locked(server: S3Server) -> Callable[[], Awaitable[None]]:
    """Delete the bucket, still empty, which is for a person to fix; what is returned creates it again."""
    await server.ask("delete_bucket")

    async def back() -> None:
        await server.ask("create_bucket")

    return back


@pytest.mark.parametrize("trouble", [away, locked])
async def test_a_picture_that_was_paid_for_waits_for_its_storage(
    trouble: Callable[[S3Server], Awaitable[Callable[[], Awaitable[None]]]],
    client: Client,
    database: Database,
    own: S3Server,
    order: Order,
    generate: Generate,
) -> None:
    """The bucket cannot be used just when pictures come: they are stored once it can, and none is drawn twice."""
    storage = own.storage()
    mended: list[asyncio.Task[None]] = []

    broken = asyncio.Event()

    async def for_two_seconds() -> None:
        back = await trouble(own)
        broken.set()
        await asyncio.sleep(2)
        await back()

    async def break_it(request: ImageRequest) -> None:
        if not mended:
            mended.append(asyncio.create_task(for_two_seconds()))
        await broken.wait()

    ordered = await order(STORY)
    async with workers(client, database, storage, Writer(), Painter(break_it)):
        generation = await generate(ordered)
    await asyncio.gather(*mended)
    await storage.close()
    assert generation.status == GenerationStatus.COMPLETED
    async with database.session() as session:
        made = select(ProviderCall).where(col(ProviderCall.generation_id) == generation.id)
        calls = (await session.exec(made)).all()
    assert {call.state for call in calls} == {CallState.CONFIRMED}
