"""A script from before the limit of lettering still becomes a chapter."""

import pytest

from engine.db.session import Database
from engine.freshness.remaining import work_left
from engine.store.rows import get
from models.options import GenerationStatus
from models.story import MOST_LETTERED
from models.tables import Chapter
from tests.conftest import Order
from tests.working import Generate, Painter, Working, Writer

pytestmark = pytest.mark.workflow


async def test_a_stored_script_with_more_words_is_estimated_and_generated(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    line = {"speaker": "Mara", "kind": "speech", "text": "One more."}
    panel = {
        "description": "A door.",
        "prompt": "A door.",
        "caption": "x y " * (MOST_LETTERED // 4),
        "dialogue": [line],
    }
    ordered = await order("", script={"scenes": [{"panels": [panel]}]})
    async with database.session() as session:
        chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        assert (await work_left(session, chapter, ordered.run.options)).pictures.high == 1
    async with working(Writer(), Painter()):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
