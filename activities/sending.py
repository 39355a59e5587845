"""Sends a paid call: waits for a slot, records it first, and settles it when it fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from temporalio import activity

from activities import tracing
from activities.provider_slots import go_on
from engine.db.session import Database
from engine.errors import AnswerLost, BadAnswer, CallInFlight, EngineError, ProviderDown, ProviderError
from engine.money import circuits, ledger
from models.tables import ProviderCall


@asynccontextmanager
async def sending(
    database: Database, grant: ledger.Grant, terms: ledger.Terms, *, gives_way: bool
) -> AsyncIterator[None]:
    """Send the call in this block, when its slot has come and after it is recorded as sent.

    A failure is recorded in the ledger: a refused call costs nothing, one whose answer was lost may have been billed.
    If the provider `gives_way` to another one, it is not retried forever: raises `ProviderDown`. Raises `CallInFlight`
    if the call was given up before its slot came, and `WorkerStopping` if the worker stops before.
    """
    if grant.wait > 0:
        await _until_slot(grant.wait)
        go_on()
        if activity.is_cancelled():
            raise asyncio.CancelledError
        async with database.session() as session:
            sent = await ledger.submit(session, grant.call)
        if not sent:
            # Its generation has ended or is paused, or the next attempt took this process for dead; that attempt learns
            # which.
            raise CallInFlight("The call was abandoned while it waited for a provider slot.", retry_after=2)
    call = grant.call
    told_of_it = {
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.model,
        "inkloom.call": str(call.id),
    }
    try:
        with tracing.span(f"{call.kind} {call.provider}", told_of_it), _counted(call):
            yield
        if grant.doubtful:
            async with database.session() as session:
                await circuits.settled(session, call.kind, call.provider, call.model, None)
    except EngineError as error:
        call.said = error.detail if isinstance(error, ProviderError) else ""
        reason = f"{error.message} {call.said}".strip()
        # For the provider an unusable answer was an answer, and it may be billed.
        answered = isinstance(error, AnswerLost | BadAnswer)
        failing = 0.0
        async with database.session() as session:
            await (ledger.lose if answered else ledger.fail)(session, grant.call, reason)
            if grant.doubtful or error.retryable:
                circuit = await circuits.settled(session, call.kind, call.provider, call.model, error)
                # Fewer failures may be minutes apart, with nothing asked in between: that is no outage.
                if circuit is not None and circuit.open:
                    failing = circuit.failing
                    if error.retry_after is None:
                        error.retry_after = max(circuit.wait, 0.5)
            down = gives_way and error.retryable
            if down and answered:
                # Another provider will cost money for the same call: if the policy is to ask, a person decides first.
                down = not await ledger.person_decides(session, call, call.generation_id, call.reserved_usd, terms)
            if down:
                failing = max(failing, await ledger.seconds_since_sent(session, grant.call))
                down = failing + (error.retry_after or 0.0) > circuits.PATIENCE
        if down:
            raise ProviderDown(f"{grant.call.provider} has failed for {failing:.0f} s: {error.message}") from error
        raise
    except Exception as error:
        # A defect: it is unknown whether the call was sent.
        async with database.session() as session:
            await ledger.lose(session, grant.call, type(error).__name__)
        raise


async def _until_slot(seconds: float) -> None:
    """Wait for the slot, or until it is certain that the call will not be sent."""
    ends = [
        asyncio.ensure_future(activity.wait_for_cancelled()),
        asyncio.ensure_future(activity.wait_for_worker_shutdown()),
    ]
    try:
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()


@contextmanager
def _counted(call: ProviderCall) -> Iterator[None]:
    """Count the call in the worker's metrics: by outcome, and with its duration in seconds."""
    began, outcome = time.monotonic(), "answered"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        meter = activity.metric_meter()
        by = {"provider": call.provider, "model": call.model, "kind": call.kind}
        meter.create_counter("inkloom_provider_calls", "Calls sent to providers").add(1, {**by, "outcome": outcome})
        meter.create_histogram_float("inkloom_provider_call_seconds", "Seconds until an answer", "s").record(
            time.monotonic() - began, by
        )
