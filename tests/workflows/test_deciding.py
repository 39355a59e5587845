"""What a person has to decide about is waited for, at no cost and through anything; the rest goes on."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlmodel import select
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import AnswerLost, BadAnswer, ProviderBusy, ProviderRefused, ProviderRejected, QuotaExhausted
from engine.images import ImageRequest, ImageResult
from engine.llm import LLMReply, LLMRequest
from engine.money.prices import Prices
from engine.providers.usage import Tokens
from engine.settings import Price
from engine.store import events, holds, tallies
from engine.store.rows import get
from inkloom.sweeper import sweep
from models.options import Choice, GenerationStatus
from models.tables import Draft, Generation, Hold, ProviderCall, TaskResult
from tests.conftest import Order, Ordered
from tests.working import STORY, Generate, Painter, Working, Writer, again, finished, reached
from workflows.starting import start, wake

pytestmark = pytest.mark.workflow

# Every call costs a dollar, whatever it uses.
A_DOLLAR = Prices({"offline/": Price(call=Decimal(1)), "second/": Price(call=Decimal(1))})
SHORT = "It rained on the harbour."


async def begin(client: Client, database: Database, ordered: Ordered, budget: str | None = None) -> None:
    async with database.session() as session:
        generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        generation.budget_usd = None if budget is None else Decimal(budget)
        session.add(generation)
        await session.flush()
        await session.refresh(generation)
    await start(database, client, generation)


async def spent(database: Database, ordered: Ordered) -> Decimal:
    async with database.session() as session:
        return (await tallies.calls(session, ordered.run.generation_id)).cost_usd


@pytest.mark.parametrize("told", [True, False], ids=["told", "the telling was lost"])
async def test_a_budget_is_a_gate_and_opens(
    client: Client, database: Database, order: Order, working: Working, told: bool
) -> None:
    """Nothing is sent beyond the budget; once it is raised, the chapter goes on from there."""
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter(), prices=A_DOLLAR):
        await begin(client, database, ordered, "9")
        waiting = await reached(database, ordered, GenerationStatus.BUDGET_EXCEEDED)
        assert await spent(database, ordered) == 9
        async with database.session() as session:
            assert {hold.reason for hold in await holds.waiting(session, waiting.id)} == {"budget"}
            workflows = await holds.raise_budget(session, ordered.scope, waiting.id, Decimal(500))
        assert workflows
        if told:
            await wake(client, workflows)
        else:
            await sweep(database, client, timedelta(0))
        generation = await finished(database, ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert 9 < await spent(database, ordered) < 500
    async with database.session() as session:
        types = [event.type for event in await events.of_generation(session, generation.id, 0, 500)]
        assert (await session.exec(select(Hold).where(Hold.generation_id == generation.id))).all() == []
    assert types.index("generation.waiting") < types.index("generation.resumed")


async def test_too_small_a_rise_waits_again(client: Client, database: Database, order: Order, working: Working) -> None:
    """Woken, it spends what it may, and waits for the rest."""
    ordered = await order(STORY, until="script")
    async with working(Writer(), Painter(), prices=A_DOLLAR):
        await begin(client, database, ordered, "1")
        for budget in (3, 5, 500):
            generation = await reached(database, ordered, GenerationStatus.BUDGET_EXCEEDED)
            async with database.session() as session:
                workflows = await holds.raise_budget(session, ordered.scope, generation.id, Decimal(budget))
            await wake(client, workflows)
            if budget < 500:
                await reached(database, ordered, GenerationStatus.BUDGET_EXCEEDED)
                assert await spent(database, ordered) == budget
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED


async def test_a_lost_answer_is_asked_for_again_only_when_a_person_says_so(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """It may have been billed: the chapter waits, then pays a second time because somebody said so."""
    lost = 0

    async def lose_one(request: ImageRequest) -> ImageResult | None:
        nonlocal lost
        if request.panel is not None and not lost:
            lost += 1
            raise AnswerLost("the line broke")
        return None

    ordered = await order(SHORT)
    painter = Painter(lose_one)
    async with working(Writer(), painter, prices=A_DOLLAR):
        await begin(client, database, ordered)
        generation = await reached(database, ordered, GenerationStatus.WAITING_UNKNOWN)
        before = len(painter.asked)
        async with database.session() as session:
            workflows = await holds.resume(session, ordered.scope, generation.id, skip=False)
        await wake(client, workflows)
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED
    assert len(painter.asked) == before + 1
    async with database.session() as session:
        calls = await tallies.calls(session, ordered.run.generation_id)
    assert calls.unknown == 1


@pytest.mark.parametrize(
    ("skip", "status"),
    [(False, GenerationStatus.COMPLETED), (True, GenerationStatus.COMPLETED_WITH_FAILURES)],
    ids=["try again", "skip"],
)
async def test_a_refused_panel_waits_for_a_person_and_the_others_go_on(
    client: Client, database: Database, order: Order, working: Working, skip: bool, status: GenerationStatus
) -> None:
    """Everything else is drawn meanwhile; then it is tried again, or given up."""
    refusing = True
    refused: list[int] = []

    async def refuse_one(request: ImageRequest) -> ImageResult | None:
        if request.panel is None or not refusing:
            return None
        if not refused or request.seed == refused[0]:
            refused.append(request.seed)
            raise ProviderRefused("no")
        return None

    ordered = await order(STORY)
    painter = Painter(refuse_one)
    async with working(Writer(), painter):
        await begin(client, database, ordered)
        generation = await reached(database, ordered, GenerationStatus.WAITING_REVIEW)
        async with database.session() as session:
            panels = (await tallies.count_rows(session, ordered.run.chapter_id)).panels
        assert panels >= 2
        for _ in range(200):
            async with database.session() as session:
                drawn = (await tallies.count_rows(session, ordered.run.chapter_id)).drafts
            if drawn == panels - 1:
                break
            await asyncio.sleep(0.1)
        assert drawn == panels - 1
        refusing = False
        async with database.session() as session:
            workflows = await holds.resume(session, ordered.scope, generation.id, skip=skip)
        await wake(client, workflows)
        assert (await finished(database, ordered)).status == status
    assert len(refused) == 1


async def test_skipping_what_was_refused_pays_for_nothing_that_was_lost(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """Two kinds of waiting in one generation: each has its own decision."""
    failed: dict[int, Exception] = {}

    async def fail_two(request: ImageRequest) -> ImageResult | None:
        if request.panel is None:
            return None
        if request.seed not in failed:
            failed[request.seed] = AnswerLost("lost") if not failed else ProviderRefused("no")
            raise failed[request.seed]
        return None

    ordered = await order(STORY)
    painter = Painter(fail_two)
    async with working(Writer(), painter, prices=A_DOLLAR):
        await begin(client, database, ordered)
        async with asyncio.timeout(60):
            while True:
                async with database.session() as session:
                    waits = {hold.reason for hold in await holds.waiting(session, ordered.run.generation_id)}
                if waits == {"unknown", "refused"}:
                    break
                await asyncio.sleep(0.05)
        asked = len(painter.asked)
        for skip in (True, False):
            async with database.session() as session:
                workflows = await holds.resume(session, ordered.scope, ordered.run.generation_id, skip=skip)
            await wake(client, workflows)
            if skip:
                await reached(database, ordered, GenerationStatus.WAITING_UNKNOWN)
                assert len(painter.asked) == asked
        generation = await finished(database, ordered)
    assert (generation.status, len(painter.asked)) == (GenerationStatus.COMPLETED_WITH_FAILURES, asked + 1)


async def test_what_is_refused_is_asked_in_milder_words_where_that_is_allowed(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """A writer's refusal is asked again with a note; an artist's gets a new prompt from the writer. Nobody is asked."""

    async def prim(request: LLMRequest) -> LLMReply | None:
        milder = "content policy" in request.prompt
        if request.task == "SceneSummary" and not milder:
            return LLMReply("I would rather not.", "", "refusal", Tokens(5, 5))
        if request.task == "VisualPrompt" and milder:
            return LLMReply('{"prompt": "A calm harbour.", "negative": ""}', "", "stop", Tokens(5, 5))
        return None

    async def strict(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None and request.prompt != "A calm harbour.":
            raise ProviderRefused("no")
        return None

    ordered = await order(SHORT, soften=True)
    async with working(Writer(prim), Painter(strict)):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED


async def test_a_refused_character_keeps_nobody_waiting(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The story is told without the sheet, and the character is listed among the failures."""

    async def prim(request: LLMRequest) -> LLMReply | None:
        if request.task == "CharacterProfile":
            return LLMReply("I would rather not.", "", "refusal", Tokens(5, 5))
        return None

    ordered = await order(STORY, until="script")
    async with working(Writer(prim), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES


@pytest.mark.parametrize(
    "failure",
    [QuotaExhausted("no money"), ProviderBusy("overloaded", retry_after=600)],
    ids=["quota", "an outage longer than patience"],
)
async def test_the_next_provider_is_asked_when_one_is_down(
    database: Database, order: Order, working: Working, generate: Generate, failure: Exception
) -> None:
    """Writers and artists alike; what was used is recorded."""

    async def down(_: object) -> None:
        raise failure

    others = [Choice(provider="second", model="best")]
    ordered = await order(SHORT, llm_fallback=others, image_fallback=others)
    second, painter = Writer(), Painter()
    parts = {
        "writers": {"offline": Writer(down), "second": second},
        "artists": {"offline": Painter(down), "second": painter},
        "prices": Prices(allow_unpriced=True),
    }
    async with working(Writer(), Painter(), **parts):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED
    assert {request.model for request in second.asked} == {"best"}
    assert painter.asked
    async with database.session() as session:
        used = await session.exec(
            select(TaskResult.provider, TaskResult.model).where(TaskResult.project_id == ordered.run.project_id)
        )
        assert set(used.all()) == {("second", "best")}


async def test_what_somebody_drew_who_stood_in_is_kept(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The first artist is back: what the second drew for it is not paid for again."""
    up = False

    async def down(_: ImageRequest) -> ImageResult | None:
        if not up:
            raise QuotaExhausted("no money")
        return None

    ordered = await order(SHORT, image_fallback=[Choice(provider="second")])
    first = Painter(down)
    parts = {"artists": {"offline": first, "second": Painter()}, "prices": A_DOLLAR}
    async with working(Writer(), Painter(), **parts):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
        up, asked = True, len(first.asked)
        assert (await generate(await again(database, ordered))).status == GenerationStatus.COMPLETED
        assert len(first.asked) == asked
    async with database.session() as session:
        drafts = (await session.exec(select(Draft).where(Draft.project_id == ordered.run.project_id))).all()
    assert {draft.provider for draft in drafts} == {"second"}


async def test_a_bad_request_is_nobody_elses_business(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """What one provider rejects as wrong is not sent to the next."""

    async def reject(_: LLMRequest) -> LLMReply | None:
        raise ProviderRejected("no such model")

    ordered = await order(SHORT, llm_fallback=[Choice(provider="second")])
    second = Writer()
    parts = {"writers": {"offline": Writer(reject), "second": second}}
    async with working(Writer(), Painter(), **parts):
        generation = await generate(ordered)
    assert (generation.status, second.asked) == (GenerationStatus.FAILED, [])


async def test_single_tasks_have_writers_of_their_own(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """The prompts come from another writer than the words."""
    ordered = await order(SHORT, until="script", llm_tasks={"VisualPrompt": Choice(provider="second")})
    first, second = Writer(), Writer()
    async with working(first, Painter(), writers={"offline": first, "second": second}, prices=A_DOLLAR):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    assert {request.task for request in second.asked} == {"VisualPrompt"}
    assert "VisualPrompt" not in {request.task for request in first.asked}


async def test_an_answer_that_was_cut_off_gets_more_room(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Half an answer is not broken JSON: the next one may be twice as long. Both are paid for and booked."""
    cut = False

    async def cut_one(request: LLMRequest) -> LLMReply | None:
        nonlocal cut
        if request.task != "SceneSummary" or cut:
            return None
        cut = True
        return LLMReply('{"summary": "It rai', "", "length", Tokens(9, 9))

    ordered = await order(SHORT, until="script")
    writer = Writer(cut_one)
    async with working(writer, Painter()):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    first, second = (request for request in writer.asked if request.task == "SceneSummary")
    assert second.max_output_tokens == 2 * first.max_output_tokens
    async with database.session() as session:
        stops = await session.exec(
            select(ProviderCall.stop_reason).where(
                ProviderCall.generation_id == ordered.run.generation_id, ProviderCall.purpose == "SceneSummary"
            )
        )
        assert sorted(stops.all()) == ["length", "stop"]


async def test_what_an_earlier_generation_lost_is_decided_once(
    client: Client, database: Database, order: Order, working: Working
) -> None:
    """A panel whose answer was lost for good is ordered again: the person who is asked about that is asked once."""

    async def unusable(request: ImageRequest) -> ImageResult | None:
        if request.panel is not None:
            raise BadAnswer("half a picture")
        return None

    ordered = await order(SHORT)
    async with working(Writer(), Painter(unusable), prices=A_DOLLAR):
        await begin(client, database, ordered)
        assert (await finished(database, ordered)).status == GenerationStatus.COMPLETED_WITH_FAILURES
    ordered = await again(database, ordered)
    painter = Painter()
    async with working(Writer(), painter, prices=A_DOLLAR):
        await begin(client, database, ordered)
        await reached(database, ordered, GenerationStatus.WAITING_UNKNOWN)
        assert painter.asked == []
        async with database.session() as session:
            workflows = await holds.resume(session, ordered.scope, ordered.run.generation_id, skip=False)
        await wake(client, workflows)
        assert (await finished(database, ordered, 20)).status == GenerationStatus.COMPLETED
    assert len(painter.asked) == 1
