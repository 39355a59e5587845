"""Paid calls of a generation as the ledger sees them: what is ordered, and what became of it."""

from decimal import Decimal

from sqlmodel import col, select

from engine.db.session import Database
from engine.errors import EngineError
from engine.money import ledger
from models.tables import ProviderCall
from tests.conftest import Ordered


def asked(ordered: Ordered, request: str = "draw", holder: str = "first", ordinal: int = 1) -> ledger.PaidRequest:
    return ledger.PaidRequest(
        owner_id=ordered.owner_id,
        project_id=ordered.run.project_id,
        generation_id=ordered.run.generation_id,
        kind="llm",
        provider="offline",
        model="",
        purpose="Dialogue",
        target_id=ordered.run.chapter_id,
        request_hash=request,
        ordinal=ordinal,
        holder=holder,
    )


async def states(database: Database, ordered: Ordered) -> list[tuple[int, str]]:
    async with database.session() as session:
        query = (
            select(ProviderCall.attempt, ProviderCall.state)
            .where(ProviderCall.project_id == ordered.run.project_id)
            .order_by(col(ProviderCall.attempt))
        )
        return [(attempt, state) for attempt, state in (await session.exec(query)).all()]


def costly(ordered: Ordered, request: str, usd: str = "1", **more: object) -> ledger.PaidRequest:
    """A call that may cost so much."""
    return ledger.PaidRequest(**{**vars(asked(ordered, request)), "holder": request, "most_usd": Decimal(usd), **more})  # type: ignore[arg-type]  # by name


async def ask(
    database: Database, order: ledger.PaidRequest, terms: ledger.Terms = ledger.FREE
) -> ledger.Grant | EngineError:
    async with database.session() as session:
        return await ledger.acquire(session, order, terms=terms, send=True)
