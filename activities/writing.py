"""Runs any LLM task: input → prompt → paid call or stored answer → check → rows. One activity per task, by its name."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.outages import keep_answer
from activities.provider_slots import Turns, holder
from activities.questions import question
from activities.sending import sending
from engine.db.session import Database, execute
from engine.digest import digest
from engine.errors import BadAnswer, EngineError, ProviderError, ProviderRefused
from engine.llm import LLM, LLMRequest
from engine.money import ledger
from engine.money.prices import Prices, most_of_text
from engine.providers.model_facts import most_output
from engine.providers.registry import resolved
from engine.reading import count_tokens
from engine.steps import STEPS, Loaded, Made
from engine.store.rows import get
from engine.store.scope import Scope
from engine.tasks import ALL, Task
from models.ids import new_id
from models.options import Choice
from models.runs import TaskCall, TaskDone
from models.tables import Project, ProviderCall, TaskResult
from models.tables.columns import table
from models.tables.ledger import CallState

if TYPE_CHECKING:
    # Only where a cache is named does it cost the memory of a Redis client.
    from engine.money.answer_cache import AnswerCache

_RESULTS = table(TaskResult)
_KEY = ("project_id", "task", "task_version", "provider", "model", "input_hash")
_NEW = insert(_RESULTS)
_KEEP = _NEW.on_conflict_do_update(
    index_elements=[_RESULTS.c[name] for name in _KEY],
    set_={
        column.name: _NEW.excluded[column.name]
        for column in _RESULTS.c
        if column.name not in (*_KEY, "id", "created_at")
    },
)
_CALLS = table(ProviderCall)
_STORED = (
    select(_RESULTS.c.output, _RESULTS.c.attempts, _CALLS.c.holder, _CALLS.c.stop_reason)
    .join(_CALLS, _CALLS.c.id == _RESULTS.c.call_id, isouter=True)
    .where(*(_RESULTS.c[name] == bindparam(name) for name in _KEY))
)


_CUT_OFF = "the answer was cut off before its end; answer in full, as briefly as the instructions allow"
_SOFTER = (
    "the request was refused by a content policy; keep to what happens in the story, and say whatever may be taken"
    " amiss in mild words that suit readers of any age"
)

# What is done, in the same transaction, with an answer that is being stored.
Follow = Callable[[ProviderCall, AsyncSession], Awaitable[None]]


class _Tally:
    """What a task used over all its repairs, and what came of it."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.before = 0
        self.attempts = 0
        self.sent = False
        self.cut_off = 0
        self.softened = False
        self.input_tokens = 0
        self.output_tokens = 0
        self.made: Made = []

    def add(self, call: ProviderCall, *, sent: bool) -> None:
        self.attempts += 1
        self.cut_off += call.stop_reason == "length"
        self.sent = self.sent or sent
        self.input_tokens += call.input_tokens
        self.output_tokens += call.output_tokens


class Writing:
    """The writers at hand, and the database."""

    def __init__(
        self,
        database: Database,
        writers: Mapping[str, LLM],
        prices: Prices,
        terms: ledger.Terms,
        slots: int = 8,
        cache: "AnswerCache | None" = None,
    ) -> None:
        self._database = database
        self._writers = writers
        self._prices = prices
        self._terms = terms
        self._cache = cache
        self._turns = Turns(writers, slots)
        self._owners = Owners()

    def activities(self) -> Sequence[Callable[..., Any]]:
        """One activity per task: the Temporal UI shows what is being asked, not that something is."""
        return [self._activity(task) for task in ALL.values()]

    def _activity(self, task: Task[Any, Any]) -> Callable[..., Any]:
        async def run(call: TaskCall) -> TaskDone:
            return await self.run(task, call)

        return activity.defn(name=task.name)(run)

    async def run(self, task: Task[Any, Any], call: TaskCall) -> TaskDone:
        """Run the task for its target. Raises `BadAnswer` when no repair helped."""
        tally = _Tally()
        tally.softened = call.softer
        notes: list[str] = [_SOFTER] if call.softer else []
        by = call.by or Choice(provider=call.options.llm, model=call.options.llm_model)
        by = resolved("llm", by)
        while True:
            async with self._turns.take(by.provider) as turn:
                async with self._database.session() as session:
                    asked = await question(session, task, call, by, notes, tally.cut_off)
                    if isinstance(asked, list):
                        return TaskDone(cached=True, made=asked)
                    loaded, request = asked
                    if not notes:
                        stored = await _stored(session, task, call, by, loaded)
                        if stored is not None and stored.output is not None:
                            output = task.output.model_validate(stored.output)
                            made = await STEPS[task.name].apply(session, call, output, loaded.basis)
                            return TaskDone(cached=True, made=made)
                        if stored is not None and stored.holder == holder():
                            # This very activity, whose end Temporal has not heard of: what it paid for was its last.
                            raise _verdict(task, by, stored.attempts, stored.stop_reason)
                        # What was given up on by another is asked anew, not answered with that failure.
                        tally.before = stored.attempts if stored is not None else 0
                    grant = await self._reserve(session, task, call, by, request, tally.before + tally.attempts)
                if isinstance(grant, EngineError):
                    raise grant
                answer = self._answer(task, call, by, loaded, tally, grant, request, turn)
                try:
                    notes = await self._turns.wait(grant.call.id, answer)
                except ProviderRefused:
                    if not call.options.soften or tally.softened:
                        raise
                    tally.softened, notes = True, [_SOFTER]
                    continue
            if not notes:
                return TaskDone(cached=not tally.sent, attempts=tally.attempts, made=tally.made)
            if tally.softened:
                notes = [_SOFTER, *notes]
            if tally.attempts >= task.attempts:
                raise _verdict(task, by, tally.attempts, "")

    async def _answer(
        self,
        task: Task[Any, Any],
        call: TaskCall,
        by: Choice,
        loaded: Loaded,
        tally: _Tally,
        grant: ledger.Grant,
        request: LLMRequest,
        turn: AsyncExitStack,
    ) -> list[str]:
        """Get the answer of a call, store it with what follows from it, and return what is wrong with it."""
        paid = grant.call
        usage = None if paid.state == CallState.CONFIRMED else await self._send(call, grant, request)
        await turn.aclose()
        tally.add(paid, sent=usage is not None)
        follow: Follow | None = None
        refused = paid.stop_reason == "refusal"
        try:
            notes, output = (["refused"], None) if refused else _judge(task, loaded, paid)
        except Exception:
            # A defect in a check must not cost the answer.
            alone = partial(self._confirm, paid, usage, None)
            await keep_answer(alone, alone)
            raise
        if not notes:
            follow = partial(_finish, task, call, by, loaded, tally, output)
        elif self._gives_up(task, call, tally, refused=refused):
            follow = partial(_give_up, task, call, by, loaded, tally, notes)
        await keep_answer(partial(self._confirm, paid, usage, follow), partial(self._confirm, paid, usage, None))
        if usage is not None and self._cache is not None:
            await self._cache.keep(paid)
        if refused:
            raise _verdict(task, by, tally.attempts, paid.stop_reason)
        return notes

    @staticmethod
    def _gives_up(task: Task[Any, Any], call: TaskCall, tally: _Tally, *, refused: bool) -> bool:
        """Whether an answer of no use was the last: what was refused may be asked once more, in milder words."""
        if refused:
            return tally.softened or not call.options.soften
        return tally.attempts >= task.attempts

    async def _confirm(self, paid: ProviderCall, usage: ledger.Usage | None, follow: Follow | None) -> None:
        """Store an answer that was just paid for, and in the same transaction what follows from it."""
        async with self._database.session() as session:
            # What follows locks panel, generation and project, in that order; the call's own row comes last.
            if follow is not None:
                await follow(paid, session)
            if usage is not None:
                await ledger.confirm(session, paid, usage, answer=paid.answer, stop_reason=paid.stop_reason)

    async def _reserve(
        self,
        session: AsyncSession,
        task: Task[Any, Any],
        call: TaskCall,
        by: Choice,
        request: LLMRequest,
        ordinal: int,
    ) -> ledger.Grant | EngineError:
        """The call with its answer, or one that is about to be sent, or why it cannot be."""
        written = most_output(by.provider, by.model, request.max_output_tokens)
        most = most_of_text(count_tokens(request.system) + count_tokens(request.prompt), written)
        order = ledger.Order(
            owner_id=await self._owners.of(session, call.project_id),
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
            ordinal=ordinal,
            holder=holder(),
            most_usd=self._prices.cost("llm", by.provider, by.model, most),
            most_tokens=most.input + most.output,
            accepted=frozenset(call.accepted),
        )
        found = await self._cache.find(session, order) if self._cache is not None else None
        if found is not None:
            return ledger.Grant(found)
        return await ledger.acquire(session, order, terms=self._terms, send=True, alive=self._turns.waiting)

    async def _send(self, call: TaskCall, grant: ledger.Grant, request: LLMRequest) -> ledger.Usage:
        """Send a call when its turn comes; the answer is put into it, and not yet stored."""
        paid = grant.call
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


async def _finish(
    task: Task[Any, Any],
    call: TaskCall,
    by: Choice,
    loaded: Loaded,
    tally: _Tally,
    output: Any,
    paid: ProviderCall,
    session: AsyncSession,
) -> None:
    """The task is done: its result, and the rows that come of it."""
    await _keep(session, task, call, by, loaded, tally, paid, {"output": output.model_dump(mode="json"), "notes": ""})
    tally.made = await STEPS[task.name].apply(session, call, output, loaded.basis)


async def _give_up(
    task: Task[Any, Any],
    call: TaskCall,
    by: Choice,
    loaded: Loaded,
    tally: _Tally,
    notes: Sequence[str],
    paid: ProviderCall,
    session: AsyncSession,
) -> None:
    """No repair helped: what was wrong with the last answer."""
    await _keep(session, task, call, by, loaded, tally, paid, {"output": None, "notes": "; ".join(notes)[:2000]})


async def _keep(
    session: AsyncSession,
    task: Task[Any, Any],
    call: TaskCall,
    by: Choice,
    loaded: Loaded,
    tally: _Tally,
    paid: ProviderCall,
    verdict: dict[str, Any],
) -> None:
    values = {
        **_key(task, call, by, loaded),
        **verdict,
        "id": new_id(),
        "status": "failed" if verdict["output"] is None else "completed",
        "left_out": loaded.left_out,
        "call_id": paid.id,
        "attempts": tally.before + tally.attempts,
        "duration_ms": int((time.monotonic() - tally.began) * 1000),
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
    }
    await execute(session, _KEEP, values)


def _verdict(task: Task[Any, Any], by: Choice, attempts: int, stop_reason: str) -> ProviderError:
    """Why there is no answer. What was wrong quotes it and has no place in a history; the notes are in the database."""
    if stop_reason == "refusal":
        return ProviderRefused(f"{by.provider} refused to answer {task.name}.")
    return BadAnswer(f"{task.name}: no usable answer from {by.provider} in {attempts} attempts.")


class Owners:
    """Who pays for a project. A project keeps its owner, so a process asks once."""

    def __init__(self) -> None:
        self._known: dict[UUID, UUID] = {}

    async def of(self, session: AsyncSession, project_id: UUID) -> UUID:
        if project_id not in self._known:
            project = await get(session, Scope(project_id=project_id), Project, project_id)
            self._known[project_id] = project.owner_id
        return self._known[project_id]


def _key(task: Task[Any, Any], call: TaskCall, by: Choice, loaded: Loaded) -> dict[str, Any]:
    return {
        "project_id": call.project_id,
        "task": task.name,
        "task_version": task.version,
        "provider": by.provider,
        "model": by.model,
        "input_hash": digest(loaded.data),
    }


async def _stored(session: AsyncSession, task: Task[Any, Any], call: TaskCall, by: Choice, loaded: Loaded) -> Any:
    """Output and attempts of what was once asked and answered, or given up on."""
    return (await execute(session, _STORED, _key(task, call, by, loaded))).one_or_none()


def _judge(task: Task[Any, Any], loaded: Loaded, paid: ProviderCall) -> tuple[list[str], Any]:
    """What is wrong with an answer, or the answer as a value."""
    if paid.stop_reason == "length":
        return [_CUT_OFF], None
    try:
        output = task.parse(loaded.data, paid.answer or "")
    except BadAnswer as error:
        return [error.message], None
    return task.check(loaded.data, output), output
