"""The moment in which a call may cost money: waited for, written down before, and settled when it fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

from engine import ledger
from engine.db import Database
from engine.errors import AnswerLost, BadAnswer, CallInFlight, EngineError, ProviderDown, ProviderError

# So many seconds a provider may fail before the next one is asked, where there is one.
PATIENCE = 30.0


@asynccontextmanager
async def sending(
    database: Database, grant: ledger.Grant, terms: ledger.Terms, *, gives_way: bool
) -> AsyncIterator[None]:
    """Send the call in this block: when its turn has come, and after it is written down as sent.

    A failure is booked: a call that was refused costs nothing, one whose answer was lost may have been billed. Where
    the provider `gives_way` to another one, it is not tried for ever: raises `ProviderDown`. Raises `CallInFlight`
    where the call was given up before its turn came.
    """
    if grant.wait > 0:
        await asyncio.sleep(grant.wait)
        if activity.is_cancelled():
            raise asyncio.CancelledError
        async with database.session() as session:
            sent = await ledger.submit(session, grant.call)
        if not sent:
            # By the end of its generation, or by the next attempt, which believes this process dead.
            raise CallInFlight("The call was given up while it waited for its turn.", retry_after=2)
    try:
        yield
    except EngineError as error:
        told = f"{error.message} {error.detail if isinstance(error, ProviderError) else ''}".strip()
        # An answer that came and is none was an answer to them.
        answered = isinstance(error, AnswerLost | BadAnswer)
        async with database.session() as session:
            await (ledger.lose if answered else ledger.fail)(session, grant.call, told)
            down = gives_way and error.retryable
            if down and answered:
                # Another provider is paid for the same: where a person decides about that, they are asked first.
                down = not await ledger.asks(session, grant.call.project_id, grant.call.reserved_usd, terms)
            down = down and await ledger.tried(session, grant.call) + (error.retry_after or 0.0) > PATIENCE
        if down:
            raise ProviderDown(f"{grant.call.provider} has failed for {PATIENCE:.0f} s: {error.message}") from error
        raise
    except Exception as error:
        # A defect: how far the call came is not known.
        async with database.session() as session:
            await ledger.lose(session, grant.call, type(error).__name__)
        raise
