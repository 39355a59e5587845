"""Answers a repeated request with the same key with its first answer, without running it again."""

import hashlib
import json
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput
from models.ids import new_id
from models.tables import IdempotentRequest

# Old keys: they are valid for a day, and kept for two.
FORGET = text("DELETE FROM idempotent_requests WHERE created_at < clock_timestamp() - interval '2 days'")


class Mismatch(BadInput):
    """The key was used before, for another request."""


async def claim(
    session: AsyncSession, user_id: UUID, key: str, method: str, path: str, body: dict[str, Any]
) -> IdempotentRequest | None:
    """The stored answer, or None: then the caller carries the request out in this transaction and stores it with
    `keep`.

    A concurrent request with the same key waits here for the end of that transaction. Raises `Mismatch`.
    """
    asked = json.dumps([method, path, body], sort_keys=True, ensure_ascii=True)
    request_hash = hashlib.sha256(asked.encode()).hexdigest()
    claimed = await session.exec(
        insert(IdempotentRequest)
        .values(id=new_id(), user_id=user_id, key=key, request_hash=request_hash)
        .on_conflict_do_nothing(index_elements=["user_id", "key"])
        .returning(col(IdempotentRequest.id))
    )
    if claimed.first() is not None:
        return None
    query = select(IdempotentRequest).where(IdempotentRequest.user_id == user_id, IdempotentRequest.key == key)
    stored = (await session.exec(query)).one()
    if stored.request_hash != request_hash:
        raise Mismatch("This Idempotency-Key was used for a different request. Use a new key for each new request.")
    return stored


async def keep(
    session: AsyncSession, user_id: UUID, key: str, status: int, answer: dict[str, Any], location: str
) -> None:
    """Store the answer to a request, in the transaction that carried it out."""
    await session.exec(
        update(IdempotentRequest)
        .where(col(IdempotentRequest.user_id) == user_id, col(IdempotentRequest.key) == key)
        .values(status=status, answer=answer, location=location, claimed_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
