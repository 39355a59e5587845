"""With an artist that is down, a chapter is drawn by the fallback after one wait, not after one for each picture."""

import pytest
from sqlalchemy import delete
from sqlmodel import col, select

from engine.db.session import Database
from engine.errors import ProviderBusy
from engine.images import ImageRequest, ImageResult
from models.options import Choice, GenerationStatus
from models.tables import Circuit, Draft
from tests.conftest import Order
from tests.working import STORY, Generate, Painter, Working, Writer

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(240)]


async def test_a_dead_artist_is_asked_a_few_times_for_the_whole_chapter(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """One call at a time tries it; when it has failed for long, every picture goes to the fallback at once."""

    async def down(_: ImageRequest) -> ImageResult | None:
        raise ProviderBusy("local cannot be reached at 127.0.0.1:7860.")

    ordered = await order(STORY, images="local", drafts=2, image_fallback=[Choice(provider="offline")])
    dead, fallback = Painter(down), Painter()
    async with working(Writer(), dead, artists={"local": dead, "offline": fallback}):
        generation = await generate(ordered)
    async with database.session() as session:
        await session.exec(delete(Circuit).where(col(Circuit.key) == "image:local"))
        query = select(Draft.provider).where(Draft.generation_id == generation.id)
        drawn = (await session.exec(query)).all()
    assert generation.status == GenerationStatus.COMPLETED
    assert len(fallback.asked) >= 5
    assert set(drawn) == {"offline"}
    # Those in flight at the beginning, those that found out for half a minute, and a few after that.
    assert len(dead.asked) < 2 * len(fallback.asked) + 10
