"""Runs parts of a workflow side by side, and collects their results."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, ChildWorkflowError, is_cancelled_exception

# How many parts run side by side. Provider queues hold the real limits; these keep histories and memory bounded and
# still leave enough work queued that no provider slot is idle.
SCENES_AT_A_TIME = 6
PANELS_AT_A_TIME = 8
SHEETS_AT_A_TIME = 8
LANGUAGES_AT_A_TIME = 4
PAGES_AT_A_TIME = 4
EXPORTS_AT_A_TIME = 2

ResultT = TypeVar("ResultT")
ItemT = TypeVar("ItemT")


async def together(*parts: Awaitable[ResultT]) -> list[ResultT]:
    """Wait for all parts, even if one fails: none may continue, and pay, after the workflow has ended."""
    results = await asyncio.gather(*parts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def any_of(*parts: Awaitable[ResultT]) -> list[ResultT]:
    """Wait for all parts and return their results; fails only if every part failed, or one was cancelled."""
    results = await asyncio.gather(*parts, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if cancelled(failure) or len(failures) == len(parts):
            raise failure
    return [result for result in results if not isinstance(result, BaseException)]


async def side_by_side(
    limit: int, items: Sequence[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], noun: str = ""
) -> list[ResultT]:
    """Do `work` for every item, at most `limit` at a time, and return the results in the order of the items.

    With a `noun` the workflow's current details say how many are done: `3 of 8 panels`.
    """
    gate, done = asyncio.Semaphore(limit), 0

    async def guarded(item: ItemT) -> ResultT:
        nonlocal done
        async with gate:
            result = await work(item)
        done += 1
        report()
        return result

    def report() -> None:
        if noun:
            workflow.set_current_details(f"{done} of {len(items)} {noun}")

    report()
    return await together(*(guarded(item) for item in items))


def placed(ids: Sequence[ItemT], places: Sequence[str]) -> list[tuple[ItemT, str]]:
    """Each id with its place in words; without, where an older version of an activity named none."""
    return list(zip(ids, places, strict=True)) if places else [(item, "") for item in ids]


def reason_of(error: BaseException) -> str:
    """The innermost message of a failed activity or child, which is what a user can act on."""
    error = _innermost(error)
    if isinstance(error, ApplicationError):
        return error.message
    return str(error) or type(error).__name__


def kind_of(error: BaseException) -> str:
    """The class of that error, by its name."""
    error = _innermost(error)
    return (error.type if isinstance(error, ApplicationError) else None) or type(error).__name__


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, ActivityError | ChildWorkflowError) and error.cause is not None:
        error = error.cause
    return error


def cancelled(error: BaseException) -> bool:
    """Whether the error is a cancellation, however it is wrapped."""
    return isinstance(error, asyncio.CancelledError) or is_cancelled_exception(error)
