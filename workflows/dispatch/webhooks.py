"""What the workflow of a callback calls: it has no generation, and its priority is its project's alone."""

from typing import TypeVar

from temporalio import workflow
from temporalio.common import Priority

from models.runs import Callback
from workflows.dispatch.calls import CALLBACKS, PACES, RETRY

ResultT = TypeVar("ResultT")


async def deliver(callback: Callback) -> bool:
    """Carry a message to its address; the workflow's only way to fail is that nobody took it for a day."""
    return await _carry("deliver", callback, bool, "callbacks", "tell")


async def give_up(callback: Callback) -> None:
    await _carry("give_up", callback, type(None), "io", "nobody took it")


async def _carry(name: str, callback: Callback, result: type[ResultT], pace: str, summary: str) -> ResultT:
    limits = PACES[pace]
    answer: ResultT = await workflow.execute_activity(
        name,
        callback,
        result_type=result,
        task_queue=CALLBACKS,
        start_to_close_timeout=limits.attempt,
        schedule_to_close_timeout=limits.total,
        heartbeat_timeout=limits.heartbeat,
        retry_policy=RETRY,
        priority=Priority(fairness_key=str(callback.project_id)),
        summary=summary,
    )
    return answer
