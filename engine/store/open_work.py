"""What is unfinished in the whole installation, and what each generation waits for: for those who run it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store import delays
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Chapter, Event, Generation, Hold, Project

# The most generations that are listed at once.
MOST = 1000
# How long a failure is listed.
LATELY = timedelta(days=1)


@dataclass(frozen=True)
class Wait:
    """Something that a part of a generation waits for. `person`: a decision, which is a person's."""

    reason: str
    since: datetime
    message: str
    person: bool


@dataclass(frozen=True)
class Unfinished:
    """A generation that has not ended, with what it waits for, the oldest first."""

    id: UUID
    kind: str
    status: GenerationStatus
    project_id: UUID
    project: str
    chapter: str | None
    requested_at: datetime
    cancel_requested_at: datetime | None
    # When something last happened in it.
    last_event_at: datetime | None
    progress: float
    waits: Sequence[Wait] = field(default_factory=tuple)

    @property
    def stuck(self) -> bool:
        """Whether it waits for something that no decision brings."""
        return any(not wait.person for wait in self.waits) or self.status == GenerationStatus.REQUESTED

    @property
    def waiting(self) -> bool:
        """Whether it waits for a person."""
        return any(wait.person for wait in self.waits)


async def unfinished(session: AsyncSession, most: int = MOST) -> list[Unfinished]:
    """The generations that have not ended, the oldest first; at most so many."""
    query = (
        select(Generation, Project.title, Chapter.title)
        .join(Project, col(Project.id) == col(Generation.project_id))
        .join(Chapter, col(Chapter.id) == col(Generation.chapter_id), isouter=True)
        .where(col(Generation.status).not_in(FINAL_STATUSES))
        .order_by(col(Generation.id))
        .limit(most)
    )
    found = (await session.exec(query)).all()
    ids = [generation.id for generation, _, _ in found]
    waits: dict[UUID, list[Wait]] = {}
    for delay in await delays.waiting_of(session, ids):
        message = f"{delay.message} {delay.said}".strip()
        waits.setdefault(delay.generation_id, []).append(Wait(delay.reason, delay.since, message, person=False))
    held = select(Hold).where(col(Hold.generation_id).in_(ids), col(Hold.released_at).is_(None))
    for hold in (await session.exec(held.order_by(col(Hold.created_at)))).all():
        if hold.created_at is not None:
            waits.setdefault(hold.generation_id, []).append(
                Wait(hold.reason, hold.created_at, hold.message, person=True)
            )
    last = select(Event.generation_id, func.max(Event.at)).where(col(Event.generation_id).in_(ids))
    seen = dict((await session.exec(last.group_by(col(Event.generation_id)))).all())
    return [
        Unfinished(
            id=generation.id,
            kind=generation.kind,
            status=generation.status,
            project_id=generation.project_id,
            project=project,
            chapter=chapter,
            requested_at=generation.created_at,
            cancel_requested_at=generation.cancel_requested_at,
            last_event_at=seen.get(generation.id),
            progress=generation.progress,
            waits=sorted(waits.get(generation.id, ()), key=lambda wait: wait.since),
        )
        for generation, project, chapter in found
        if generation.created_at is not None
    ]


@dataclass(frozen=True)
class Failed:
    """A generation that has failed, and why."""

    id: UUID
    project: str
    finished_at: datetime
    error: str


async def failed_lately(session: AsyncSession, most: int) -> list[Failed]:
    """Those that failed within a day, the latest first."""
    query = (
        select(Generation.id, Project.title, Generation.finished_at, Generation.error)
        .join(Project, col(Project.id) == col(Generation.project_id))
        .where(Generation.status == GenerationStatus.FAILED, col(Generation.finished_at) > func.now() - LATELY)
        .order_by(col(Generation.finished_at).desc())
        .limit(most)
    )
    return [Failed(id, project, at, error) for id, project, at, error in (await session.exec(query)).all() if at]
