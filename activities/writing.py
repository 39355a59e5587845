"""Runs any LLM task: input → prompt → paid call or stored answer → check → rows. One activity per task, by its name."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio import activity

from activities.outages import outlast
from engine import ledger
from engine.db import Database
from engine.digest import digest
from engine.errors import BadAnswer, NotConfigured, ProviderError
from engine.llm import LLM, LLMRequest
from engine.steps import STEPS, Loaded
from engine.tasks import ALL, Task
from models.ids import new_id
from models.runs import TaskCall, TaskDone
from models.tables import Project, ProviderCall, TaskResult
from models.tables.ledger import CallState


def holder() -> str:
    """Who makes a call: the same for every attempt of one activity, different for every other."""
    info = activity.info()
    return f"{info.workflow_id}/{info.activity_type}/{info.activity_id}"


class _Tally:
    """What a task used over all its repairs."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.before = 0
        self.attempts = 0
        self.submitted = 0
        self.input_tokens = 0
        self.output_tokens = 0

    def add(self, call: ProviderCall) -> None:
        self.attempts += 1
        self.input_tokens += call.input_tokens
        self.output_tokens += call.output_tokens


class Writing:
    """The writers at hand, and the database."""

    def __init__(self, database: Database, writers: Mapping[str, LLM]) -> None:
        self._database = database
        self._writers = writers

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
        notes: list[str] = []
        output: Any = None
        provider, model = call.options.llm, call.options.llm_model
        while True:
            async with self._database.session() as session:
                loaded = await STEPS[task.name].load(session, call)
                if loaded is None:
                    return TaskDone(cached=True)
                if not notes:
                    stored = await _stored(session, task, call, loaded)
                    if stored is not None and stored.output is not None:
                        await STEPS[task.name].apply(session, call, task.output.model_validate(stored.output))
                        return TaskDone(cached=True)
                    # What was given up on in an earlier generation is asked anew, not answered with the same failure.
                    tally.before = stored.attempts if stored is not None else 0
                request = _request(task, loaded, notes, model)
                order = await self._order(session, task, call, request, tally.before)
                paid = await ledger.acquire(session, order)
            if paid.state != CallState.CONFIRMED:
                paid = await self._pay(paid, request)
                tally.submitted += 1
            tally.add(paid)
            notes, output = _judge(task, loaded, paid)
            if not notes:
                break
            if tally.attempts >= task.attempts:
                await self._record(task, call, loaded, tally, paid, None, notes)
                raise BadAnswer(f"{task.name}: the answer of {provider} was not usable: {'; '.join(notes)[:500]}")
        async with self._database.session() as session:
            await self._store(session, task, call, loaded, tally, paid, output, [])
            await STEPS[task.name].apply(session, call, output)
        return TaskDone(cached=tally.submitted == 0, attempts=tally.attempts)

    async def _order(
        self, session: AsyncSession, task: Task[Any, Any], call: TaskCall, request: LLMRequest, ordinal: int
    ) -> ledger.Order:
        return ledger.Order(
            owner_id=await owner_of(session, call.project_id),
            project_id=call.project_id,
            generation_id=call.generation_id,
            kind="llm",
            provider=call.options.llm,
            model=request.model,
            purpose=task.name,
            target_id=call.target_id,
            # The data beside the prompt counts too: the offline writer answers from it.
            request_hash=digest(
                task.version, request.system, request.prompt, request.schema, request.max_output_tokens, request.data
            ),
            ordinal=ordinal,
            holder=holder(),
        )

    async def _pay(self, call: ProviderCall, request: LLMRequest) -> ProviderCall:
        """Send a reserved call and write down how it ended, before anything else is done with the answer."""
        writer = self._writers.get(call.provider)
        if writer is None:
            raise NotConfigured(f"This worker has no writer called {call.provider!r}.")
        async with self._database.session() as session:
            await ledger.submit(session, call)
        began = time.monotonic()
        try:
            reply = await writer.ask(request)
        except ProviderError as error:
            async with self._database.session() as session:
                await ledger.fail(session, call, error.message)
            raise
        usage = ledger.Usage(
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            duration_ms=int((time.monotonic() - began) * 1000),
        )

        async def store() -> None:
            async with self._database.session() as session:
                await ledger.confirm(session, call, usage, answer=reply.text)

        await outlast(store, ledger.ANSWER_PATIENCE)
        call.answer, call.input_tokens, call.output_tokens = reply.text, reply.input_tokens, reply.output_tokens
        return call

    async def _record(
        self,
        task: Task[Any, Any],
        call: TaskCall,
        loaded: Loaded,
        tally: _Tally,
        paid: ProviderCall,
        output: Any,
        notes: Sequence[str],
    ) -> None:
        async with self._database.session() as session:
            await self._store(session, task, call, loaded, tally, paid, output, notes)

    async def _store(
        self,
        session: AsyncSession,
        task: Task[Any, Any],
        call: TaskCall,
        loaded: Loaded,
        tally: _Tally,
        paid: ProviderCall,
        output: Any,
        notes: Sequence[str],
    ) -> None:
        values = {
            "status": "completed" if output is not None else "failed",
            "output": output.model_dump(mode="json") if output is not None else None,
            "notes": "; ".join(notes)[:2000],
            "left_out": loaded.left_out,
            "call_id": paid.id,
            "attempts": tally.before + tally.attempts,
            "duration_ms": int((time.monotonic() - tally.began) * 1000),
            "input_tokens": tally.input_tokens,
            "output_tokens": tally.output_tokens,
        }
        statement = insert(TaskResult).values(id=new_id(), **_key(task, call, loaded), **values)
        await session.exec(
            statement.on_conflict_do_update(
                index_elements=["project_id", "task", "task_version", "provider", "model", "input_hash"],
                set_=values,
            )
        )


async def owner_of(session: AsyncSession, project_id: UUID) -> UUID:
    """Who pays."""
    return (await session.exec(select(Project.owner_id).where(Project.id == project_id))).one()


def _key(task: Task[Any, Any], call: TaskCall, loaded: Loaded) -> dict[str, Any]:
    return {
        "project_id": call.project_id,
        "task": task.name,
        "task_version": task.version,
        "provider": call.options.llm,
        "model": call.options.llm_model,
        "input_hash": digest(loaded.data),
    }


async def _stored(session: AsyncSession, task: Task[Any, Any], call: TaskCall, loaded: Loaded) -> TaskResult | None:
    return (await session.exec(select(TaskResult).filter_by(**_key(task, call, loaded)))).one_or_none()


def _request(task: Task[Any, Any], loaded: Loaded, notes: Sequence[str], model: str) -> LLMRequest:
    system, prompt = task.render(loaded.data, notes)
    return LLMRequest(
        task=task.name,
        model=model,
        system=system,
        prompt=prompt,
        schema=task.schema(),
        max_output_tokens=task.max_output_tokens,
        data=loaded.data,
    )


def _judge(task: Task[Any, Any], loaded: Loaded, paid: ProviderCall) -> tuple[list[str], Any]:
    """What is wrong with an answer, or the answer as a value."""
    try:
        output = task.parse(loaded.data, paid.answer or "")
    except BadAnswer as error:
        return [error.message], None
    return task.check(loaded.data, output), output
