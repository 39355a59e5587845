"""Costs so far by chapter, panel and month, and past costs of calls of each kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, bindparam, case, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared
from engine.errors import BadInput
from engine.money.estimate import Experience, Seen
from models.tables import Chapter, Generation, Panel, Project, ProviderCall, Scene
from models.tables.columns import table
from models.tables.ledger import CallState

_CALLS, _PROJECTS, _GENERATIONS = table(ProviderCall), table(Project), table(Generation)
_CHAPTERS, _SCENES, _PANELS = table(Chapter), table(Scene), table(Panel)


class _Past(NamedTuple):
    provider: str
    model: str
    purpose: str
    calls: int
    average: Decimal
    highest: Decimal


class _OfChapter(NamedTuple):
    chapter_id: UUID | None
    usd: Decimal
    unknown_usd: Decimal
    calls: int


class _OfPanel(NamedTuple):
    scene_id: UUID | None
    panel_id: UUID | None
    usd: Decimal
    unknown_usd: Decimal
    calls: int


class MonthByKind(NamedTuple):
    """What a project's calls of one kind cost in a month, `2026-01`."""

    month: str
    provider: str
    model: str
    kind: str
    usd: Decimal
    unknown_usd: Decimal
    calls: int
    input_tokens: int
    output_tokens: int


class MonthOfProject(NamedTuple):
    """What a project's calls cost in a month, `2026-01`."""

    project_id: UUID
    month: str
    usd: Decimal
    unknown_usd: Decimal
    calls: int


# The past costs of an owner's calls, by provider, model and purpose.
_SEEN = Prepared(
    select(
        _CALLS.c.provider,
        _CALLS.c.model,
        _CALLS.c.purpose,
        func.count().label("calls"),
        func.avg(_CALLS.c.cost_usd).label("average"),
        func.max(_CALLS.c.cost_usd).label("highest"),
    )
    .join(_PROJECTS, _PROJECTS.c.id == _CALLS.c.project_id)
    .where(_PROJECTS.c.owner_id == bindparam("owner"), _CALLS.c.state == CallState.CONFIRMED, _CALLS.c.cost_usd > 0)
    .group_by(_CALLS.c.provider, _CALLS.c.model, _CALLS.c.purpose),
    _Past,
)
_SUMS = (
    func.coalesce(func.sum(_CALLS.c.cost_usd), Decimal(0)).label("usd"),
    func.coalesce(
        func.sum(case((_CALLS.c.state == CallState.UNKNOWN, _CALLS.c.reserved_usd), else_=Decimal(0))), Decimal(0)
    ).label("unknown_usd"),
    func.count(_CALLS.c.submitted_at).label("calls"),
)
# A project's costs by chapter.
_BY_CHAPTER = Prepared(
    select(_GENERATIONS.c.chapter_id, *_SUMS)
    .join(_GENERATIONS, _GENERATIONS.c.id == _CALLS.c.generation_id, isouter=True)
    .where(_CALLS.c.project_id == bindparam("project"))
    .group_by(_GENERATIONS.c.chapter_id),
    _OfChapter,
)
_SCENE = func.coalesce(_PANELS.c.scene_id, _SCENES.c.id)
# A chapter's costs by scene and panel.
_BY_PANEL = Prepared(
    select(_SCENE.label("scene_id"), _PANELS.c.id.label("panel_id"), *_SUMS)
    .join(_GENERATIONS, _GENERATIONS.c.id == _CALLS.c.generation_id)
    .join(_PANELS, _PANELS.c.id == _CALLS.c.target_id, isouter=True)
    .join(_SCENES, _SCENES.c.id == _CALLS.c.target_id, isouter=True)
    .where(_CALLS.c.project_id == bindparam("project"), _GENERATIONS.c.chapter_id == bindparam("chapter"))
    .group_by(_SCENE, _PANELS.c.id),
    _OfPanel,
)


# A call belongs to the month in which it was sent.
_MONTH = func.to_char(func.timezone("UTC", _CALLS.c.submitted_at), "YYYY-MM")
_IN_MONTHS = (
    _CALLS.c.project_id == func.any(bindparam("projects", type_=ARRAY(_CALLS.c.project_id.type))),
    _CALLS.c.submitted_at >= func.timezone("UTC", bindparam("first", type_=DateTime())),
    _CALLS.c.submitted_at < func.timezone("UTC", bindparam("end", type_=DateTime())),
)
_BY_KIND = tuple(_CALLS.c[name] for name in ("provider", "model", "kind"))
_TOKENS = tuple(func.sum(_CALLS.c[name]).label(name) for name in ("input_tokens", "output_tokens"))
# A project's costs by month, provider, model and kind.
_MONTHS_OF_PROJECT = Prepared(
    select(_MONTH.label("month"), *_BY_KIND, *_SUMS, *_TOKENS)
    .where(*_IN_MONTHS)
    .group_by(_MONTH, *_BY_KIND)
    .order_by(_MONTH, *_BY_KIND),
    MonthByKind,
)
# The costs of several projects by month.
_MONTHS_OF_PROJECTS = Prepared(
    select(_CALLS.c.project_id, _MONTH.label("month"), *_SUMS)
    .where(*_IN_MONTHS)
    .group_by(_CALLS.c.project_id, _MONTH)
    .order_by(_CALLS.c.project_id, _MONTH),
    MonthOfProject,
)


@dataclass(frozen=True)
class Months:
    """A range of months in UTC, from the first moment of the first month to the end of the last, both named as
    `2026-01`.
    """

    first: datetime
    end: datetime

    @classmethod
    def of(cls, first: str | None, last: str | None) -> "Months":
        """The range between two months; None leaves an end open. Raises `BadInput` if the last precedes the first."""
        start = datetime.strptime(first or "1900-01", "%Y-%m")  # noqa: DTZ007  # the database says which zone
        month = datetime.strptime(last or "2199-12", "%Y-%m")  # noqa: DTZ007  # the same
        if month < start:
            raise BadInput("The last month is before the first one.")
        return cls(start, (month.replace(day=28) + timedelta(days=4)).replace(day=1))


@dataclass(frozen=True)
class Spent:
    """What calls cost, and the most that calls whose answer was lost may have cost in addition."""

    usd: Decimal = Decimal(0)
    unknown_usd: Decimal = Decimal(0)
    calls: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.usd + other.usd, self.unknown_usd + other.unknown_usd, self.calls + other.calls)


async def experience(session: AsyncSession, owner_id: UUID) -> Experience:
    """The past costs of an owner's calls, by provider, model and purpose."""
    return {
        (row.provider, row.model, row.purpose): Seen(row.calls, row.average, row.highest)
        for row in await _SEEN.all(session, owner=owner_id)
    }


async def of_project(session: AsyncSession, project_id: UUID) -> dict[UUID | None, Spent]:
    """The costs by chapter; None collects what belongs to no existing chapter."""
    rows = await _BY_CHAPTER.all(session, project=project_id)
    return {row.chapter_id: Spent(row.usd, row.unknown_usd, row.calls) for row in rows}


async def of_chapter(session: AsyncSession, chapter: Chapter) -> dict[tuple[UUID | None, UUID | None], Spent]:
    """The costs of a chapter by scene and panel; None collects what belongs to no single one, such as the outline."""
    rows = await _BY_PANEL.all(session, project=chapter.project_id, chapter=chapter.id)
    return {(row.scene_id, row.panel_id): Spent(row.usd, row.unknown_usd, row.calls) for row in rows}


async def months_of_project(session: AsyncSession, project_id: UUID, months: Months) -> list[MonthByKind]:
    """The costs by month, provider, model and kind, in that order."""
    return await _MONTHS_OF_PROJECT.all(session, projects=[project_id], first=months.first, end=months.end)


async def months_of_projects(
    session: AsyncSession, project_ids: Sequence[UUID], months: Months
) -> list[MonthOfProject]:
    """The costs by project and month, in that order."""
    return await _MONTHS_OF_PROJECTS.all(session, projects=list(project_ids), first=months.first, end=months.end)
