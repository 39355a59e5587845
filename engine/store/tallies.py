"""Counts what a generation made and which calls it needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.tables import Draft, Generation, Page, Panel, ProviderCall, Scene
from models.tables.ledger import CallState

_COUNTS: Any = (
    func.count().filter(col(ProviderCall.kind) == "llm"),
    func.count().filter(col(ProviderCall.kind) == "image"),
    func.count().filter(col(ProviderCall.state) == "unknown"),
    func.coalesce(func.sum(col(ProviderCall.cost_usd)), Decimal(0)),
    func.coalesce(func.sum(col(ProviderCall.reserved_usd)).filter(col(ProviderCall.state) == "unknown"), Decimal(0)),
)


@dataclass(frozen=True)
class Made:
    """Numbers of a chapter's rows."""

    scenes: int
    panels: int
    drafts: int
    pages: int


@dataclass(frozen=True)
class Calls:
    """Calls of a generation. `llm` and `image` count the calls sent to a provider, with any result.

    `unknown_usd` is the most that calls with lost answers may have cost in addition.
    """

    llm: int
    image: int
    unknown: int
    cost_usd: Decimal
    unknown_usd: Decimal = Decimal(0)


NOTHING = Calls(0, 0, 0, Decimal(0))


async def count_rows(session: AsyncSession, chapter_id: UUID) -> Made:
    """Count a chapter's scenes, panels, drafts and pages."""
    # A scene that condensing left out does not count.
    of_chapter = select(Scene.id).where(Scene.chapter_id == chapter_id, col(Scene.max_panels).is_distinct_from(0))
    panels = select(Panel.id).where(col(Panel.scene_id).in_(of_chapter))
    query = select(
        select(func.count()).select_from(of_chapter.subquery()).scalar_subquery(),
        select(func.count()).select_from(panels.subquery()).scalar_subquery(),
        select(func.count()).select_from(Draft).where(col(Draft.panel_id).in_(panels)).scalar_subquery(),
        select(func.count())
        .select_from(Page)
        .where(col(Page.chapter_id) == chapter_id, Page.language == "", col(Page.image_id).is_not(None))
        .scalar_subquery(),
    )
    return Made(*(await session.exec(query)).one())


async def calls_of(session: AsyncSession, generation_ids: Sequence[UUID]) -> dict[UUID, Calls]:
    """The calls of several generations; those without calls are left out."""
    generation = col(ProviderCall.generation_id)
    query = (
        select(generation, *_COUNTS)
        .where(generation.in_(generation_ids), col(ProviderCall.submitted_at).is_not(None))
        .group_by(generation)
    )
    return {row[0]: Calls(*row[1:]) for row in (await session.exec(query)).all()}


async def calls_of_batches(session: AsyncSession, batch_ids: Sequence[UUID]) -> dict[UUID, Calls]:
    """The calls of several batches, over all attempts of their items."""
    return await _of_batches(session, col(Generation.batch_id), col(Generation.batch_id).in_(batch_ids))


async def calls_of_items(session: AsyncSession, item_ids: Sequence[UUID], batch_id: UUID) -> dict[UUID, Calls]:
    """The calls of items of a batch, over all attempts."""
    mine = (col(Generation.batch_id) == batch_id, col(Generation.batch_item_id).in_(item_ids))
    return await _of_batches(session, col(Generation.batch_item_id), *mine)


async def _of_batches(session: AsyncSession, by: Any, *conditions: Any) -> dict[UUID, Calls]:
    query = (
        select(by, *_COUNTS)
        .join(Generation, col(Generation.id) == col(ProviderCall.generation_id))
        .where(*conditions, col(ProviderCall.submitted_at).is_not(None))
        .group_by(by)
    )
    return {row[0]: Calls(*row[1:]) for row in (await session.exec(query)).all()}


async def calls(session: AsyncSession, generation_id: UUID, since: datetime | None = None) -> Calls:
    """The calls of a generation, or those sent at or after `since` (by the database's clock)."""
    sent = [col(ProviderCall.generation_id) == generation_id, col(ProviderCall.submitted_at).is_not(None)]
    if since is not None:
        sent.append(col(ProviderCall.submitted_at) >= since)
    query = select(*_COUNTS).where(*sent)
    return Calls(*(await session.exec(query)).one())


async def in_flight(session: AsyncSession, generation_id: UUID) -> int:
    """The number of a generation's calls that are not settled."""
    query = select(func.count()).where(
        col(ProviderCall.generation_id) == generation_id,
        col(ProviderCall.state).in_([CallState.RESERVED, CallState.SUBMITTED]),
    )
    return int((await session.exec(query)).one())


async def database_time(session: AsyncSession) -> datetime:
    """The time by the database's clock, which dates everything."""
    moment: datetime = (await execute(session, text("SELECT clock_timestamp()"))).scalar_one()
    return moment
