"""A generation that is cancelled ends, whatever it does in that moment."""

import pytest
from httpx2 import AsyncClient

from engine.llm import LLMReply, LLMRequest
from tests.api.conftest import Crew, new_chapter
from tests.api.directed import Directed

pytestmark = pytest.mark.integration


@pytest.mark.workflow
async def test_a_cancel_counts_although_the_call_of_that_moment_is_answered(api: AsyncClient, crew: Crew) -> None:
    """The answer is kept; nothing is asked after it."""
    directed = Directed(api, *await new_chapter(api, "Mara knocked."))

    async def cancels(request: LLMRequest) -> LLMReply | None:
        await directed.post(f"/generations/{directed.generation_id}/cancel")
        return None

    directed.writer.before = cancels
    async with crew(directed.writer, directed.painter):
        await directed.order()
        assert (await directed.ended())["status"] == "cancelled"
    assert [request.task for request in directed.writer.asked] == ["ChapterOutline"]
