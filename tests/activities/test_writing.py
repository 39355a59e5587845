"""A task whose worker died after its last answer is not asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.testing import ActivityEnvironment

from activities.task_run import TaskRun
from activities.writing import Writing
from engine.db.session import Database, execute
from engine.errors import BadAnswer, CallInFlight, ProviderError, ProviderRefused, ProviderRejected
from engine.llm import LLMReply, LLMRequest
from engine.money.ledger import Terms
from engine.money.prices import Prices
from engine.offline.writer import OfflineWriter
from engine.providers.usage import Tokens
from engine.steps.step import Loaded
from engine.store import members
from engine.store.scope import Scope
from engine.tasks import ALL
from models.runs import TaskCall, TaskDone
from models.tables import ProjectMember, ProviderCall, User
from models.tables.ledger import CallState
from models.tables.projects import Role
from tests.conftest import Order, Ordered
from tests.working import Writer

pytestmark = pytest.mark.integration

MILDER = "content policy"


async def refuse(_: LLMRequest) -> LLMReply | None:
    return LLMReply("I would rather not.", "", "refusal", Tokens(5, 5))


async def refuse_harsh_words(request: LLMRequest) -> LLMReply | None:
    return None if MILDER in request.prompt else await refuse(request)


async def babble(_: LLMRequest) -> LLMReply | None:
    return LLMReply("It rained.", "", "stop", Tokens(5, 5))


async def outline(database: Database, ordered: Ordered, writer: Writer, **more: bool) -> TaskDone:
    """One attempt at the outline. Attempts at the same activity know each other."""
    work = Writing(database, {"offline": writer}, Prices(), Terms())
    environment = ActivityEnvironment()
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=ordered.run.chapter_id, **more)

    async def run() -> TaskDone:
        return await work.run(ALL["ChapterOutline"], call)

    done: TaskDone = await environment.run(run)
    return done


@pytest.mark.parametrize(
    ("behaviour", "error", "soften", "paid"),
    [
        pytest.param(refuse, ProviderRefused, False, 1, id="refused"),
        pytest.param(refuse, ProviderRefused, True, 2, id="refused in milder words, too"),
        pytest.param(babble, BadAnswer, False, ALL["ChapterOutline"].attempts, id="never usable"),
    ],
)
async def test_what_was_given_up_is_not_paid_for_again_by_the_same_activity(
    database: Database, order: Order, behaviour: object, error: type[ProviderError], soften: bool, paid: int
) -> None:
    """Temporal did not hear of the end and tries again: it is told the same, for nothing."""
    ordered = await order(soften=soften)
    writer = Writer(behaviour)  # type: ignore[arg-type]  # the table's values fit by name
    for _ in range(2):
        with pytest.raises(error):
            await outline(database, ordered, writer)
        assert len(writer.asked) == paid


async def test_a_refusal_that_is_asked_again_in_milder_words_is_paid_for_once(database: Database, order: Order) -> None:
    """The worker dies while the second answer is on its way: the first is known, only the second is asked again."""
    ordered = await order(soften=True)

    class Died(BaseException):
        """What no handler catches."""

    async def die(request: LLMRequest) -> LLMReply | None:
        if MILDER in request.prompt:
            raise Died
        return await refuse(request)

    with pytest.raises(Died):
        await outline(database, ordered, Writer(die))
    after = Writer(refuse_harsh_words)
    await outline(database, ordered, after)
    assert [MILDER in request.prompt for request in after.asked] == [True]


def _poisoned(poison: str) -> Callable[[LLMRequest], Awaitable[LLMReply | None]]:
    """Answers in the offline writer's words, with a text that the database refuses in each title."""

    async def answer(request: LLMRequest) -> LLMReply | None:
        reply = await OfflineWriter().ask(request)
        said = reply.text.replace('"title":"', f'"title":"{poison}')
        assert said != reply.text
        return replace(reply, text=said)

    return answer


@pytest.mark.parametrize(
    "poison",
    [
        pytest.param(r"caf\u0000e9 ", id="NUL as an escape"),
        pytest.param("\0", id="NUL"),
        pytest.param("\ud800", id="half a pair"),
        pytest.param(r"\udfff", id="half a pair as an escape"),
    ],
)
async def test_no_answer_poisons_a_chapter(database: Database, order: Order, poison: str) -> None:
    """What cannot be stored is left out before the answer is judged: it is paid for once, and used."""
    writer = Writer(_poisoned(poison))
    ordered = await order()
    await outline(database, ordered, writer)
    await outline(database, ordered, writer)
    assert len(writer.asked) == 1


async def test_a_stored_answer_that_cannot_be_used_is_asked_again_once(
    database: Database, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail in every later run; the new answer takes its place."""
    ordered = await order()
    finish = TaskRun.finish

    async def refuse_the_first(
        run: TaskRun, loaded: Loaded, output: Any, paid: ProviderCall, session: AsyncSession
    ) -> None:
        await finish(run, loaded, output, paid, session)
        if not run.notes:
            await execute(session, text("SELECT 3000000000::int"))

    monkeypatch.setattr(TaskRun, "finish", refuse_the_first)
    writer = Writer()
    with pytest.raises(DataError):
        await outline(database, ordered, writer)
    assert len(writer.asked) == 1
    for _ in range(2):
        await outline(database, ordered, writer)
        assert len(writer.asked) == 2


async def test_milder_words_stay_mild(database: Database, order: Order) -> None:
    """A repair of what was asked in milder words asks in milder words; what is refused all the same is not repeated."""
    babbling, refusing = Writer(babble), Writer(refuse)
    with pytest.raises(BadAnswer):
        await outline(database, await order(soften=True), babbling, softer=True)
    with pytest.raises(ProviderRefused):
        await outline(database, await order(soften=True), refusing, softer=True)
    assert all(MILDER in request.prompt for request in babbling.asked)
    assert len(refusing.asked) == 1


async def test_after_a_transfer_the_calls_of_the_project_go_on(database: Database, order: Order) -> None:
    """The worker has called for the previous owner before: the next calls are the present owner's."""
    ordered = await order()
    up = False

    async def answer(_: LLMRequest) -> LLMReply | None:
        if up:
            return None
        raise ProviderRejected("400")

    writer = Writer(answer)
    work = Writing(database, {"offline": writer}, Prices(), Terms())
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=ordered.run.chapter_id)

    async def attempt() -> TaskDone:
        return await work.run(ALL["ChapterOutline"], call)

    with pytest.raises(ProviderRejected):
        await ActivityEnvironment().run(attempt)
    async with database.session() as session:
        heir = User(email=f"{uuid4()}@example.org")
        session.add(heir)
        await session.flush()
        session.add(ProjectMember(project_id=ordered.run.project_id, user_id=heir.id, role=Role.EDITOR))
        await session.flush()
        await members.transfer(session, Scope(user_id=ordered.owner_id), ordered.run.project_id, heir.id)
    up = True
    assert not (await ActivityEnvironment().run(attempt)).cached
    async with database.session() as session:
        query = select(ProviderCall).where(ProviderCall.project_id == ordered.run.project_id)
        failed, paid = sorted((await session.exec(query)).all(), key=lambda one: one.id)
    assert (failed.state, paid.state) == (CallState.FAILED, CallState.CONFIRMED)
    assert (failed.attempt, paid.attempt) == (1, 2)
    assert failed.call_key == paid.call_key


async def test_a_project_is_transferred_in_the_middle_of_a_call_and_the_vendor_is_asked_once(
    database: Database, order: Order
) -> None:
    """Temporal runs the activity again for the next owner while the answer is still awaited: it waits, too."""
    ordered = await order()
    asked, answered = asyncio.Event(), asyncio.Event()

    async def answer(_: LLMRequest) -> LLMReply | None:
        asked.set()
        await answered.wait()
        return None

    writer = Writer(answer)
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=ordered.run.chapter_id)

    async def attempt(work: Writing, workflow: str) -> TaskDone:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, workflow_id=workflow)
        done: TaskDone = await environment.run(partial(work.run, ALL["ChapterOutline"], call))
        return done

    first, second = (Writing(database, {"offline": writer}, Prices(), Terms()) for _ in range(2))
    running = asyncio.create_task(attempt(first, "one"))
    await asyncio.wait_for(asked.wait(), 30)
    heir = (await order()).owner_id
    async with database.session() as session:
        session.add(ProjectMember(project_id=ordered.run.project_id, user_id=heir, role=Role.EDITOR))
        await session.flush()
        await members.transfer(session, Scope(user_id=ordered.owner_id), ordered.run.project_id, heir)
    for work, workflow in ((first, "one"), (second, "another worker")):
        with pytest.raises(CallInFlight):
            await asyncio.wait_for(attempt(work, workflow), 30)
    answered.set()
    assert not (await asyncio.wait_for(running, 30)).cached
    assert (await attempt(second, "another worker")).cached
    assert len(writer.asked) == 1
