"""One run of an LLM task: its request, its use over all repairs, and its result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from engine.digest import digest
from engine.errors import BadAnswer, ProviderError, ProviderRefused
from engine.providers.usage import MOST_TOKENS
from engine.steps.step import Loaded, Made, step_of
from engine.store import task_results
from engine.store.task_results import ResultKey
from engine.tasks import Task
from models.options import Choice
from models.runs import TaskCall, TaskDone
from models.tables import ProviderCall

_CUT_OFF = "the answer was cut off before its end; answer in full, as briefly as the instructions allow"
_SOFTER = (
    "the request was refused by a content policy; keep to what happens in the story, and say whatever may be taken"
    " amiss in mild words that suit readers of any age"
)


def done_with(made: Made, *, cached: bool, attempts: int = 0) -> TaskDone:
    """The result of a task that made these rows."""
    return TaskDone(cached=cached, attempts=attempts, made=[row.id for row in made], places=[row.place for row in made])


@dataclass
class TaskRun:
    """A task for a target, with a writer. `notes` are the mistakes in the last answer; they go with the next call."""

    task: Task[Any, Any]
    call: TaskCall
    by: Choice
    notes: list[str] = field(default_factory=list)
    # Whether the request asks for milder words, after a refusal.
    softened: bool = False
    # The attempts of earlier runs with the same input, and those of this run.
    earlier_attempts: int = 0
    attempts: int = 0
    # How many answers were cut off.
    cut_off: int = 0
    # Whether a stored answer could not be used, and the question was asked again for it.
    replaced: bool = False
    # Whether any call was sent, instead of being answered from the ledger or the cache.
    sent: bool = False
    input_tokens: int = 0
    output_tokens: int = 0
    made: Made = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.call.softer:
            self.soften()

    @property
    def ordinal(self) -> int:
        """The number of the next call."""
        return self.earlier_attempts + self.attempts

    @property
    def may_soften(self) -> bool:
        """Whether a refused request may be sent once more, in milder words."""
        return self.call.options.soften and not self.softened

    @property
    def exhausted(self) -> bool:
        return self.attempts >= self.task.attempts

    def gives_up(self, *, refused: bool) -> bool:
        """Whether an unusable answer was the last one: a refused request may be sent once more, in milder words."""
        return not self.may_soften if refused else self.exhausted

    @property
    def done(self) -> TaskDone:
        return done_with(self.made, cached=not self.sent, attempts=self.attempts)

    def soften(self) -> None:
        self.softened, self.notes = True, [_SOFTER]

    def repair(self, notes: Sequence[str]) -> None:
        """List the mistakes in the last answer in the next call."""
        self.notes = [*([_SOFTER] if self.softened else []), *notes]

    def count(self, paid: ProviderCall, *, sent: bool) -> None:
        """Add an answered call to the run's use."""
        self.attempts += 1
        self.cut_off += paid.stop_reason == "length"
        self.sent = self.sent or sent
        self.input_tokens = min(self.input_tokens + paid.input_tokens, MOST_TOKENS)
        self.output_tokens = min(self.output_tokens + paid.output_tokens, MOST_TOKENS)

    def judge(self, loaded: Loaded, paid: ProviderCall) -> tuple[list[str], Any]:
        """The mistakes in an answer, and the answer as a value if it could be parsed."""
        if paid.stop_reason == "length":
            return [_CUT_OFF], None
        try:
            output = self.task.parse(loaded.data, paid.answer or "")
        except BadAnswer as error:
            return [error.message], None
        return self.task.check(loaded.data, output), output

    def key(self, loaded: Loaded) -> ResultKey:
        """The key under which the result of this input is stored."""
        return ResultKey(
            project_id=self.call.project_id,
            task=self.task.name,
            task_version=self.task.version,
            provider=self.by.provider,
            model=self.by.model,
            input_hash=digest(loaded.data),
        )

    async def apply(self, session: AsyncSession, loaded: Loaded, output: Any) -> None:
        """Store the rows that follow from an answer."""
        self.made = await step_of(self.task).apply(session, self.call, output, loaded.basis)

    async def finish(self, loaded: Loaded, output: Any, paid: ProviderCall, session: AsyncSession) -> None:
        """Store the result, and the rows that follow from it."""
        await self._keep(session, loaded, paid, output=output.model_dump(mode="json"), notes="")
        await self.apply(session, loaded, output)

    async def give_up(self, loaded: Loaded, notes: Sequence[str], paid: ProviderCall, session: AsyncSession) -> None:
        """Store the failure, with the mistakes in the last answer, after no repair helped."""
        await self._keep(session, loaded, paid, output=None, notes="; ".join(notes)[:2000])

    def failure(self, attempts: int, stop_reason: str | None) -> ProviderError:
        """Why there is no answer. The mistakes quote it and must not go into a workflow's history; the database has
        them.
        """
        if stop_reason == "refusal":
            return ProviderRefused(f"{self.by.provider} refused to answer {self.task.name}.")
        return BadAnswer(f"{self.task.name}: no usable answer from {self.by.provider} in {attempts} attempts.")

    async def _keep(
        self, session: AsyncSession, loaded: Loaded, paid: ProviderCall, *, output: dict[str, Any] | None, notes: str
    ) -> None:
        values = {
            "output": output,
            "notes": notes,
            "status": "failed" if output is None else "completed",
            "left_out": loaded.left_out,
            "call_id": paid.id,
            "attempts": self.ordinal,
            "duration_ms": int((time.monotonic() - self.began) * 1000),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        await task_results.store_result(session, self.key(loaded), values)
