"""Caches writers' answers in Redis for speed. Postgres remains the source of truth.

A copy counts only while its call is in the ledger, in a project of whoever asks. An unavailable or empty Redis costs
time, never an answer.
"""

import logging
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.money.ledger import PaidRequest
from models.tables import ProviderCall
from models.tables.ledger import CallState

log = logging.getLogger(__name__)

_DAYS_30 = 30 * 24 * 3600
_SECONDS = 0.5
# Counts the hit, and says whether the call still exists and still belongs to the owner: its project may have been
# transferred.
_COUNT = text(
    "UPDATE generations SET cached_calls = cached_calls + 1 WHERE id = :generation AND EXISTS"
    " (SELECT 1 FROM provider_calls JOIN projects ON projects.id = provider_calls.project_id"
    " WHERE provider_calls.id = :call AND request_key = :key AND state = 'confirmed' AND owner_id = :owner)"
    " RETURNING id"
)


@dataclass(frozen=True)
class Cached:
    """The cached part of a confirmed call."""

    call_id: UUID
    answer: str
    stop_reason: str
    input_tokens: int
    output_tokens: int


_CACHED = TypeAdapter(Cached)


class AnswerCache:
    """One connection pool to a Redis server, configured as `redis://host:port/0`."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Redis.from_url(
            url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, decode_responses=True
        )

    async def find(self, session: AsyncSession, request: PaidRequest) -> ProviderCall | None:
        """The confirmed call with its answer, counted as a cache hit; None if it is not cached."""
        try:
            kept = await self._redis.get(_name(request.request_key))
            found = None if kept is None else _CACHED.validate_json(kept)
        except (RedisError, OSError) as error:
            log.warning("the answer cache is unavailable: %s", type(error).__name__)
            return None
        except ValueError as error:
            # Written by another version or another program.
            log.warning("the answer cache holds an invalid entry: %s", type(error).__name__)
            return None
        if found is None:
            return None
        values = {
            "generation": request.generation_id,
            "call": found.call_id,
            "key": request.request_key,
            "owner": request.owner_id,
        }
        if (await execute(session, _COUNT, values)).first() is None:
            return None
        return ProviderCall(
            id=found.call_id,
            **request.columns,
            attempt=1,
            state=CallState.CONFIRMED,
            answer=found.answer,
            stop_reason=found.stop_reason,
            input_tokens=found.input_tokens,
            output_tokens=found.output_tokens,
        )

    async def keep(self, call: ProviderCall) -> None:
        """Store a call that is confirmed and committed."""
        kept = Cached(call.id, call.answer or "", call.stop_reason, call.input_tokens, call.output_tokens)
        try:
            await self._redis.set(_name(call.request_key), _CACHED.dump_json(kept), ex=_DAYS_30)
        except (RedisError, OSError) as error:
            log.warning("the answer cache is unavailable: %s", type(error).__name__)

    async def close(self) -> None:
        await self._redis.aclose()


def _name(request_key: str | None) -> str:
    return f"inkloom:answer:{request_key}"
