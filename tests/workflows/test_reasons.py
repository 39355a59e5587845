"""A failure says why where people look: the provider's own words, what the check said, and what to do about it."""

import base64
import re

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import ProviderRejected
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.providers.usage import Tokens
from engine.store import events, failed
from engine.store.rows import get
from models.ids import generation_workflow_id
from models.options import GenerationStatus
from models.tables import ProviderCall
from tests.conftest import Order, Ordered
from tests.working import STORY, Generate, Painter, Working, Writer

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(180)]

WORDS = "model 'nope' not found"


async def histories(client: Client, ordered: Ordered) -> str:
    """Everything that Temporal knows of a generation, as text."""
    name = generation_workflow_id(ordered.run.generation_id)
    found = []
    async for one in client.list_workflows(f"WorkflowId = '{name}' OR WorkflowId STARTS_WITH '{name}/'"):
        history = (await client.get_workflow_handle(one.id, run_id=one.run_id).fetch_history()).to_json()
        found += [history, *(str(base64.b64decode(data)) for data in re.findall(r'"data": ?"([^"]+)"', history))]
    return "\n".join(found)


async def test_a_generation_that_fails_says_what_the_provider_said(
    database: Database, client: Client, order: Order, working: Working, generate: Generate
) -> None:
    """In the row, in the event and in the list of errors, in one line; in no history of a workflow."""
    ordered = await order(STORY)

    async def nope(_: LLMRequest) -> LLMReply | None:
        raise ProviderRejected("offline answered 404: it does not have this model.", detail=f"{WORDS}\n\x1b[31mred")

    async with working(Writer(nope), Painter()):
        generation = await generate(ordered)
    expected = f"offline answered 404: it does not have this model. offline said: {WORDS} [31mred"
    assert (generation.status, generation.error) == (GenerationStatus.FAILED, expected)
    async with database.session() as session:
        [problem] = (await failed.problems_of(session, [generation.id]))[generation.id]
        told = await events.of_generation(session, generation.id, 0, 200)
        assert problem.call_id is not None
        call = await get(session, ordered.scope, ProviderCall, problem.call_id)
    assert (problem.part, problem.kind, problem.reason) == ("the chapter", "ProviderRejected", expected)
    assert "another model" in problem.what_to_do
    assert told[-1].data["error"] == expected
    assert (call.said, STORY.split("\n")[4] in (call.question or "")) == (f"{WORDS} [31mred", True)
    known = await histories(client, ordered)
    assert "it does not have this model" in known
    assert WORDS not in known


async def test_a_panel_that_fails_says_what_the_artist_said(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Each panel with its own words, though the failure is the same."""
    ordered = await order(STORY)

    async def refuse(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            raise ProviderRejected("local answered 500.", detail=f"no memory for seed {request.seed}")
        return None

    async with working(Writer(), Painter(refuse)):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES
    async with database.session() as session:
        problems = (await failed.problems_of(session, [generation.id]))[generation.id]
        told = await events.of_generation(session, generation.id, 0, 200)
        calls = [await get(session, ordered.scope, ProviderCall, one.call_id) for one in problems if one.call_id]
    assert len(problems) > 1
    assert all(one.part.startswith("scene ") and ", panel " in one.part for one in problems)
    assert [one.reason for one in problems] == [f"local answered 500. offline said: {call.said}" for call in calls]
    assert [one.target_id for one in problems] == [call.target_id for call in calls]
    assert {one.reason for one in problems} == {event.data["reason"] for event in told if event.type == "panel.failed"}


async def test_a_weak_writer_is_quoted_with_the_place_to_read(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The last mistake, and the call with its question, its answer and what the check said of it."""
    ordered = await order(STORY)

    async def babble(_: LLMRequest) -> LLMReply | None:
        return LLMReply("It rained.", "", "stop", Tokens(5, 5))

    async with working(Writer(babble), Painter()):
        generation = await generate(ordered)
    async with database.session() as session:
        [problem] = (await failed.problems_of(session, [generation.id]))[generation.id]
        assert problem.call_id is not None
        call = await get(session, ordered.scope, ProviderCall, problem.call_id)
    assert (problem.kind, problem.reason) == ("BadAnswer", generation.error)
    assert "no usable answer from offline in 3 attempts. Last time: " in generation.error
    assert f"/api/v1/generations/{generation.id}/calls/{call.id}" in generation.error
    assert (call.answer, call.attempt) == ("It rained.", 1)
    assert call.notes
    assert call.notes in generation.error
    assert STORY.split("\n")[4] in (call.question or "")
