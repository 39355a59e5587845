"""Takes what a call may be from its generation's row: a workflow's input is not believed.

Anyone who reaches Temporal can start a workflow with any input. What is asked of whom, and so what it costs, was
decided when the generation was requested. Whether the generation is still open, the ledger asks at every call.
"""

from typing import Any
from uuid import UUID

from sqlmodel import col, select
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from engine.db.session import Database
from engine.errors import NotRequested
from engine.tasks import ALL
from models.options import Choice, GenerationOptions
from models.runs import DrawCall, Run, TaskCall
from models.tables import Generation, Redraw

# A generation's options never change, so a process reads them once; it keeps at most this many.
KEPT = 1000


class AsRequested(Interceptor):
    """The interceptor that every worker installs, within that of the errors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._options: dict[tuple[UUID, UUID], GenerationOptions] = {}

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self)

    async def run(self, given: Run) -> Run:
        """The input of an activity, with the options of its generation's row.

        Raises `NotRequested` for a paid call that no generation requests.
        """
        paid = isinstance(given, TaskCall | DrawCall)
        options = await self._options_of(given)
        if options is None:
            if paid:
                raise NotRequested(
                    f"There is no generation {given.generation_id} in project {given.project_id}: no call is made."
                )
            # Rows of something that was deleted: the activity finds out.
            return given
        run = given.model_copy(update={"options": options})
        if isinstance(run, TaskCall):
            name = activity.info().activity_type
            _require(run, run.by, [by for task in ALL if task == name for by in options.writers(task)])
        elif isinstance(run, DrawCall):
            _require(run, run.by, options.artists())
            most = options.drafts if run.redraw_id is None else await self._redrawn(run, run.redraw_id)
            if run.ordinal > most:
                raise NotRequested(f"Generation {run.generation_id} has no draft {run.ordinal}: no call is made.")
        return run

    async def _options_of(self, run: Run) -> GenerationOptions | None:
        key = run.project_id, run.generation_id
        if key not in self._options:
            query = select(col(Generation.options)).where(
                Generation.project_id == run.project_id, Generation.id == run.generation_id
            )
            async with self._database.session() as session:
                options = (await session.exec(query)).one_or_none()
            if options is None:
                return None
            if len(self._options) >= KEPT:
                self._options.clear()
            self._options[key] = options
        return self._options[key]

    async def _redrawn(self, call: DrawCall, redraw_id: UUID) -> int:
        """How many drafts a redraw of this generation makes of this panel."""
        query = select(Redraw.drafts).where(
            Redraw.id == redraw_id, Redraw.generation_id == call.generation_id, Redraw.panel_id == call.target_id
        )
        async with self._database.session() as session:
            return (await session.exec(query)).one_or_none() or 0


def _require(run: Run, by: Choice | None, named: list[Choice]) -> None:
    if by is not None and by not in named:
        raise NotRequested(f"Generation {run.generation_id} does not name {by.provider} for this: no call is made.")


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, requested: AsRequested) -> None:
        super().__init__(next)
        self._requested = requested

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if input.args and isinstance(input.args[0], Run):
            input.args = [await self._requested.run(input.args[0]), *input.args[1:]]
        return await super().execute_activity(input)
