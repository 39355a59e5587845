"""A generation that is cancelled ends, whatever it does in that moment."""

import pytest
from httpx2 import AsyncClient
from temporalio import activity

from engine.images import ImageRequest, ImageResult
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


@pytest.mark.workflow
async def test_a_generation_says_that_it_is_cancelling_while_a_paid_answer_is_under_way(
    api: AsyncClient, crew: Crew
) -> None:
    """The answer may take minutes, and is stored; whoever looks meanwhile sees that the cancel has arrived."""
    directed = Directed(api, *await new_chapter(api, "Mara knocked."))
    seen: list[tuple[object, bool]] = []

    async def state() -> tuple[object, bool]:
        found = await directed.get(f"/generations/{directed.generation_id}")
        return found["status"], found["cancel_requested_at"] is not None

    async def cancels(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            answer = await directed.post(f"/generations/{directed.generation_id}/cancel")
            seen.append((answer["status"], answer["cancel_requested_at"] is not None))
            await activity.wait_for_cancelled()
            seen.append(await state())
        return None

    directed.painter.before = cancels
    async with crew(directed.writer, directed.painter):
        await directed.order()
        assert (await directed.ended())["status"] == "cancelled"
    assert seen == [("running", True), ("running", True)]
    events = await directed.get(f"/generations/{directed.generation_id}/events?limit=100")
    types = [event["type"] for event in events["items"]]
    assert [kind for kind in types if kind.startswith("generation.cancel")] == [
        "generation.cancelling",
        "generation.cancelled",
    ]
    calls = (await directed.get(f"/generations/{directed.generation_id}"))["calls"]
    assert (calls["image"], calls["unknown"]) == (len(directed.painter.asked), 0)
