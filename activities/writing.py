"""Runs any LLM task: input → prompt → paid call or stored answer → check → rows. One activity per task, by its name."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.exc import DataError
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.outages import keep_answer
from activities.provider_slots import ProviderSlots, holder
from activities.questions import question
from activities.sending import sending
from activities.task_run import TaskRun, done_with
from engine.db.session import Database
from engine.digest import digest
from engine.errors import EngineError, ProviderRefused
from engine.llm import LLM, LLMRequest
from engine.money import ledger
from engine.money.prices import Prices, most_of_text
from engine.providers.model_facts import most_output
from engine.providers.registry import resolved
from engine.steps.step import Loaded
from engine.storable import storable_json
from engine.store import task_results
from engine.store.projects import owner_of
from engine.tasks import ALL, Task
from models.options import Choice
from models.runs import TaskCall, TaskDone
from models.tables import ProviderCall
from models.tables.ledger import CallState

if TYPE_CHECKING:
    # A Redis client costs memory, so it is only imported if a cache is configured.
    from engine.money.answer_cache import AnswerCache

log = logging.getLogger(__name__)

_UNSTORABLE = "the answer holds a text or a number that cannot be stored"
# What follows from an answer, in the transaction that stores it.
Follow = Callable[[ProviderCall, AsyncSession], Awaitable[None]]


class Writing:
    """The activities that run LLM tasks, with the writers of this worker."""

    def __init__(
        self,
        database: Database,
        writers: Mapping[str, LLM],
        prices: Prices,
        terms: ledger.Terms,
        slots: int = 8,
        patience: float = 30.0,
        waiting: set[UUID] | None = None,
        cache: "AnswerCache | None" = None,
        tasks: Iterable[Task[Any, Any]] = ALL.values(),
    ) -> None:
        self._database = database
        self._writers = writers
        self._prices = prices
        self._terms = terms
        self._cache = cache
        self._tasks = list(tasks)
        self._slots = ProviderSlots(writers, slots, patience, waiting)

    def activities(self) -> Sequence[Callable[..., Any]]:
        """One activity per task, so that the Temporal UI shows which task runs."""
        return [self._activity(task) for task in self._tasks]

    def _activity(self, task: Task[Any, Any]) -> Callable[..., Any]:
        async def run(call: TaskCall) -> TaskDone:
            return await self.run(task, call)

        return activity.defn(name=task.name)(run)

    async def run(self, task: Task[Any, Any], call: TaskCall) -> TaskDone:
        """Run the task for its target. Raises `BadAnswer` if no repair helped."""
        by = resolved("llm", call.by or Choice(provider=call.options.llm, model=call.options.llm_model))
        run = TaskRun(task, call, by)
        while True:
            async with self._slots.take(by.provider) as held_slot:
                async with self._database.session() as session:
                    asked = await question(session, task, call, by, run.notes, run.cut_off)
                    if isinstance(asked, list):
                        return done_with(asked, cached=True)
                    loaded, request = asked
                    if not run.notes and await _settled(session, run, loaded):
                        return done_with(run.made, cached=True)
                    grant = await self._reserve(session, run, request)
                if isinstance(grant, EngineError):
                    raise grant
                try:
                    answer = self._answer(run, loaded, grant, request, held_slot)
                    notes = await self._slots.wait(grant.call.id, answer)
                except ProviderRefused:
                    if not run.may_soften:
                        raise
                    run.soften()
                    continue
            if not notes:
                return run.done
            run.repair(notes)
            if run.exhausted:
                raise run.failure(run.attempts, "")

    async def _answer(
        self, run: TaskRun, loaded: Loaded, grant: ledger.Grant, request: LLMRequest, held_slot: AsyncExitStack
    ) -> list[str]:
        """Get the answer of a call, store it with what follows from it, and return the mistakes in it."""
        paid = grant.call
        usage = None if paid.state == CallState.CONFIRMED else await self._send(run.call, grant, request)
        await held_slot.aclose()
        # One place for every answer, sent or stored: what the database cannot hold is out before anyone judges it.
        paid.answer = storable_json(paid.answer or "")
        run.count(paid, sent=usage is not None)
        follow: Follow | None = None
        refused = paid.stop_reason == "refusal"
        try:
            notes, output = (["refused"], None) if refused else run.judge(loaded, paid)
        except Exception:
            # A defect in a check must not cost the answer.
            alone = partial(self._confirm, paid, usage, None)
            await keep_answer(alone, alone)
            raise
        paid.notes = "; ".join(notes)
        if not notes:
            follow = partial(run.finish, loaded, output)
        elif run.gives_up(refused=refused):
            follow = partial(run.give_up, loaded, notes)
        try:
            await keep_answer(partial(self._confirm, paid, usage, follow), partial(self._confirm, paid, usage, None))
        except DataError:
            # The database cannot hold what follows from the answer. A stored one would fail in every later run, for
            # good: it is asked for again, once.
            if usage is not None or run.replaced:
                raise
            run.replaced = True
            log.warning("a stored answer to %s (call %s) cannot be used: it is asked for again", run.task.name, paid.id)
            return [_UNSTORABLE]
        if usage is not None and self._cache is not None:
            await self._cache.keep(paid)
        if refused:
            raise run.failure(run.attempts, paid.stop_reason)
        return notes

    async def _confirm(self, paid: ProviderCall, usage: ledger.Usage | None, follow: Follow | None) -> None:
        """Store an answer that was just paid for, in one transaction with what follows from it."""
        async with self._database.session() as session:
            # What follows locks panel, generation and project, in that order; the call's own row is locked last.
            if follow is not None:
                await follow(paid, session)
            if usage is not None:
                await ledger.confirm(
                    session, paid, usage, answer=paid.answer, stop_reason=paid.stop_reason, notes=paid.notes
                )

    async def _reserve(self, session: AsyncSession, run: TaskRun, request: LLMRequest) -> ledger.Grant | EngineError:
        """The call with its answer, or one that is about to be sent, or the reason why it cannot be sent."""
        task, call, by = run.task, run.call, run.by
        written = most_output(by.provider, by.model, request.max_output_tokens)
        most = most_of_text(f"{request.system}\n{request.prompt}", written)
        order = ledger.PaidRequest(
            owner_id=await owner_of(session, call.project_id),
            project_id=call.project_id,
            generation_id=call.generation_id,
            kind="llm",
            provider=by.provider,
            model=by.model,
            purpose=task.name,
            target_id=call.target_id,
            # The data beside the prompt counts too: the offline writer answers from it.
            request_hash=digest(
                task.version, request.system, request.prompt, request.schema, request.max_output_tokens, request.data
            ),
            ordinal=run.ordinal,
            holder=holder(),
            most_usd=self._prices.cost("llm", by.provider, by.model, most),
            most_tokens=most.input + most.output,
            accepted=frozenset(call.accepted),
            gives_way=call.gives_way,
        )
        found = await self._cache.find(session, order) if self._cache is not None else None
        if found is not None:
            return ledger.Grant(found)
        return await ledger.acquire(session, order, terms=self._terms, send=True, alive=self._slots.waiting)

    async def _send(self, call: TaskCall, grant: ledger.Grant, request: LLMRequest) -> ledger.Usage:
        """Send a call when its slot comes; the answer is put into the call, and not yet stored."""
        paid = grant.call
        paid.question = f"{request.system}\n\n{request.prompt}".strip()
        async with sending(self._database, grant, self._terms, gives_way=call.gives_way):
            began = time.monotonic()
            reply = await self._writers[paid.provider].ask(request)
        paid.answer, paid.stop_reason = reply.text, reply.stop_reason
        paid.input_tokens, paid.output_tokens = reply.tokens.input, reply.tokens.output
        return ledger.Usage(
            tokens=reply.tokens,
            cost_usd=self._prices.settle("llm", paid.provider, paid.model, reply.tokens, paid.reserved_usd),
            duration_ms=int((time.monotonic() - began) * 1000),
        )


async def _settled(session: AsyncSession, run: TaskRun, loaded: Loaded) -> bool:
    """Whether this input was answered before: then the rows follow from that answer."""
    stored = await task_results.stored_result(session, run.key(loaded))
    if stored is None:
        return False
    if stored.output is not None:
        try:
            output = run.task.output.model_validate(stored.output)
        except ValidationError:
            # Stored by an earlier version: the answer in the ledger is judged again, as today's checks see it.
            return False
        await run.apply(session, loaded, output)
        return True
    if stored.holder == holder():
        # An earlier attempt of this activity, whose end did not reach Temporal: its last paid call failed.
        raise run.failure(stored.attempts, stored.stop_reason)
    # Another run gave up: ask again, instead of repeating its failure.
    run.earlier_attempts = stored.attempts
    return False
