"""Generations: requested, started, ended. Every status change is one guarded transaction with its event."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import case, delete, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict
from engine.money.abandoned import abandon
from engine.store import failed, versions
from engine.store.events import emit
from engine.store.progress import character_step, export_step, pages_step, panel_step, plan, scene_step
from models.events import EventType
from models.options import FINAL_STATUSES, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.tables import Chapter, Delay, Event, Generation, Hold, Project, Redraw
from models.tables.directing import RedrawState

_ENDINGS = {
    GenerationStatus.COMPLETED: EventType.GENERATION_COMPLETED,
    GenerationStatus.COMPLETED_WITH_FAILURES: EventType.GENERATION_COMPLETED,
    GenerationStatus.FAILED: EventType.GENERATION_FAILED,
    GenerationStatus.CANCELLED: EventType.GENERATION_CANCELLED,
}

# Kinds of generations that may change a chapter.
_CHANGING = (GenerationKind.CHAPTER, GenerationKind.SCENE, GenerationKind.PANEL)

_begun = case(
    (col(Generation.paused_at).is_(None), GenerationStatus.RUNNING.value), else_=GenerationStatus.PAUSED.value
)


async def request(
    session: AsyncSession,
    *,
    project_id: UUID,
    chapter_id: UUID | None,
    kind: GenerationKind,
    options: GenerationOptions,
    target_ids: Sequence[UUID] = (),
    retry_of: UUID | None = None,
    budget_usd: Decimal | None = None,
    external_id: str | None = None,
    labels: dict[str, str] | None = None,
    requested_by: UUID | None = None,
    batch_id: UUID | None = None,
    batch_item_id: UUID | None = None,
) -> Generation:
    """Store a requested generation. The caller starts its workflow after the commit, else the sweeper does."""
    generation = Generation(
        project_id=project_id,
        chapter_id=chapter_id,
        kind=kind,
        options=options,
        target_ids=[str(target) for target in target_ids],
        retry_of=retry_of,
        budget_usd=budget_usd,
        external_id=external_id,
        labels=labels or {},
        requested_by=requested_by,
        batch_id=batch_id,
        batch_item_id=batch_item_id,
    )
    session.add(generation)
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_generations_live" in str(error.orig):
            raise Conflict("This chapter is already being generated. Wait for it, or cancel it first.") from error
        raise
    await emit(
        session,
        project_id,
        generation.id,
        EventType.GENERATION_REQUESTED,
        {"kind": kind} | ({"chapter_id": str(chapter_id)} if chapter_id else {}),
        actor=requested_by,
    )
    return generation


async def begin(session: AsyncSession, project_id: UUID, generation_id: UUID) -> None:
    """requested → running, or paused if it was paused already; repeated calls have no further effect.

    Raises `Conflict` if it ended before it began.
    """
    begun = await session.exec(
        update(Generation)
        .where(
            col(Generation.id) == generation_id,
            col(Generation.status).in_([GenerationStatus.REQUESTED, GenerationStatus.PAUSED]),
            col(Generation.started_at).is_(None),
        )
        .values(status=_begun, started_at=func.clock_timestamp(), version=Generation.version + 1)
        .returning(
            col(Generation.kind), col(Generation.target_ids), col(Generation.options), col(Generation.chapter_id)
        )
        .execution_options(synchronize_session=False)
    )
    rows = begun.all()
    if not rows:
        status = (await session.exec(select(Generation.status).where(Generation.id == generation_id))).one()
        if status in FINAL_STATUSES:
            raise Conflict(f"The generation is already {status}.")
    for kind, targets, options, chapter_id in rows:
        parts = _parts(kind, targets, options)
        if chapter_id is None:
            # An export of all chapters takes their pages as they are.
            parts = {name: weight for name, weight in parts.items() if name.startswith("export:")}
        await plan(session, generation_id, parts)
        await emit(session, project_id, generation_id, EventType.GENERATION_STARTED, {})


def _parts(kind: GenerationKind, targets: Sequence[str], options: GenerationOptions) -> dict[str, float]:
    """The plan of a generation that is smaller than a chapter; a chapter's is made when its length is known."""
    match kind:
        case GenerationKind.PANEL:
            words = {panel_step(UUID(panel), "words"): 1.0 for panel in targets}
            return words | {panel_step(UUID(panel), "picture"): 2.0 for panel in targets}
        case GenerationKind.SCENE:
            scene_id = UUID(targets[0])
            return {scene_step(scene_id, "summary"): 1.0, scene_step(scene_id, "panels"): 19.0}
        case GenerationKind.CHARACTER_SHEET:
            character_id = UUID(targets[0])
            return {character_step(character_id, "profile"): 1.0, character_step(character_id, "sheet"): 2.0}
        case GenerationKind.EXPORT:
            return {pages_step(options.edition): 3.0} | {export_step(format): 1.0 for format in options.export.wanted}
        case GenerationKind.CHAPTER:
            return {}


async def end(
    session: AsyncSession,
    project_id: UUID,
    generation_id: UUID,
    status: GenerationStatus,
    error: failed.Explained | str = "",
    *,
    kind: str = "",
) -> None:
    """Any open status → a final one, once. Progress of a completed generation is exactly 1.

    Its changes to a chapter are kept as a new version. `kind` is the class of the error that ended it.
    """
    why = failed.Explained(error) if isinstance(error, str) else error
    done = status in (GenerationStatus.COMPLETED, GenerationStatus.COMPLETED_WITH_FAILURES)
    if done:
        # First, because a chapter is locked before its generation.
        await _keep(session, generation_id)
    # Redraws that did not finish have failed, and can be requested again.
    await session.exec(
        update(Redraw)
        .where(col(Redraw.generation_id) == generation_id, col(Redraw.state) == RedrawState.ORDERED)
        .values(state=RedrawState.FAILED)
        .execution_options(synchronize_session=False)
    )
    # Locked before its holds and its calls, the same order as for decisions.
    await session.exec(select(Generation.id).where(Generation.id == generation_id).with_for_update(key_share=True))
    await abandon(session, generation_id)
    await session.exec(delete(Hold).where(col(Hold.generation_id) == generation_id))
    await session.exec(delete(Delay).where(col(Delay.generation_id) == generation_id))
    values: dict[str, object] = {
        "status": status,
        "error": why.reason[:4000],
        "finished_at": func.clock_timestamp(),
        "version": Generation.version + 1,
    }
    if done:
        values["progress"] = 1.0
    ended = await session.exec(
        update(Generation)
        .where(col(Generation.id) == generation_id, col(Generation.status).not_in(FINAL_STATUSES))
        .values(**values)
        .returning(col(Generation.kind))
        .execution_options(synchronize_session=False)
    )
    of = ended.first()
    if of is None:
        return
    if why.reason:
        part = f"the {of.kind.replace('_', ' ')}"
        await failed.record(session, project_id, generation_id, generation_id, part, kind, why)
    data: dict[str, object] = {"status": status}
    if why.reason:
        data["error"] = why.reason[:1000]
    await emit(session, project_id, generation_id, _ENDINGS[status], data)


async def cancelling(session: AsyncSession, project_id: UUID, generation_id: UUID) -> None:
    """Record that a user cancelled it, once: it ends after its calls in flight, which may take minutes."""
    noted = await session.exec(
        update(Generation)
        .where(
            col(Generation.id) == generation_id,
            col(Generation.status).not_in(FINAL_STATUSES),
            col(Generation.cancel_requested_at).is_(None),
        )
        .values(cancel_requested_at=func.clock_timestamp(), version=Generation.version + 1)
        .returning(col(Generation.id))
        .execution_options(synchronize_session=False)
    )
    if noted.first() is not None:
        await emit(session, project_id, generation_id, EventType.GENERATION_CANCELLING, {})


async def _keep(session: AsyncSession, generation_id: UUID) -> None:
    query = select(Generation.kind, Generation.chapter_id).where(
        Generation.id == generation_id,
        col(Generation.kind).in_(_CHANGING),
        col(Generation.status).not_in(FINAL_STATUSES),
    )
    for kind, chapter_id in (await session.exec(query)).all():
        if chapter_id is not None:
            await versions.keep_version(session, chapter_id, reason=f"{kind} generated", generation_id=generation_id)


async def latest_of(session: AsyncSession, chapter_id: UUID) -> Generation | None:
    """The newest generation of a whole chapter."""
    query = (
        select(Generation)
        .where(Generation.chapter_id == chapter_id, Generation.kind == GenerationKind.CHAPTER)
        .order_by(col(Generation.id).desc())
        .limit(1)
    )
    return (await session.exec(query)).first()


async def refuse_while_open(session: AsyncSession, *, project_id: UUID, chapter_id: UUID | None = None) -> None:
    """Raise `Conflict` while something in the project, or in one chapter of it, is being generated.

    A generation that waits for a review does not count: it waits for changes, too, and continues after the
    transaction.

    No new generation can be requested for it before the transaction ends: its row refers to its chapter and project,
    and waits for this lock. A chapter's lock is taken before those of rows below it, a project's after all others.
    """
    if chapter_id is not None:
        await hold_chapter(session, chapter_id)
        await idle_generation(session, project_id, chapter_id)
        return
    query = select(Generation).where(Generation.project_id == project_id, col(Generation.status).not_in(FINAL_STATUSES))
    unfinished = (await session.exec(query.order_by(col(Generation.id)).with_for_update(key_share=True))).all()
    for generation in unfinished:
        if not await _is_idle(session, generation):
            raise Conflict(f"Generation {generation.id} is still working on it. Wait for it, or cancel it first.")
    await session.exec(select(Project.id).where(Project.id == project_id).with_for_update())
    known = [generation.id for generation in unfinished]
    new = (await session.exec(query.where(col(Generation.id).not_in(known)).limit(1))).first()
    if new is not None:
        raise Conflict(f"Generation {new.id} is still working on it. Wait for it, or cancel it first.")


async def hold_chapter(session: AsyncSession, chapter_id: UUID) -> None:
    """Lock the chapter: no generation can be requested for it until the transaction ends."""
    await session.exec(select(Chapter.id).where(Chapter.id == chapter_id).with_for_update())


async def share_chapter(session: AsyncSession, chapter_id: UUID) -> None:
    """Share the chapter with other decisions; nothing in it can be moved or added until the transaction ends.

    For decisions about single panels, taken before those are locked: reordering a scene locks many panels at once.
    """
    query = select(Chapter.id).where(Chapter.id == chapter_id).with_for_update(read=True, key_share=True)
    await session.exec(query)


async def open_generation(session: AsyncSession, project_id: UUID, chapter_id: UUID) -> Generation | None:
    """The open generation of a chapter, locked; there is at most one."""
    query = (
        select(Generation)
        .where(
            Generation.project_id == project_id,
            Generation.chapter_id == chapter_id,
            col(Generation.status).not_in(FINAL_STATUSES),
        )
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.exec(query)).first()


async def locked(session: AsyncSession, project_id: UUID, generation_id: UUID) -> Generation:
    """A generation with the lock that all decisions about it take."""
    query = (
        select(Generation)
        .where(Generation.project_id == project_id, Generation.id == generation_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return (await session.exec(query)).one()


async def idle_generation(session: AsyncSession, project_id: UUID, chapter_id: UUID) -> Generation | None:
    """The open generation of a chapter, locked, if it only waits for a review; None without an open one.

    Raises `Conflict` while it is working.
    """
    generation = await open_generation(session, project_id, chapter_id)
    if generation is not None and not await _is_idle(session, generation):
        raise Conflict(f"Generation {generation.id} is still working on it. Wait for it, or cancel it first.")
    return generation


async def _is_idle(session: AsyncSession, generation: Generation) -> bool:
    """Whether the generation waits for a review and none of its redraws is in progress."""
    waits = select(Hold.id).where(
        Hold.generation_id == generation.id, Hold.reason == HoldReason.REVIEW, col(Hold.released_at).is_(None)
    )
    redrawn = select(Redraw.id).where(Redraw.generation_id == generation.id, Redraw.state == RedrawState.ORDERED)
    if (await session.exec(waits.limit(1))).first() is None:
        return False
    return (await session.exec(redrawn.limit(1))).first() is None


async def open_generations(
    session: AsyncSession, older_than: timedelta, most: int | None = None
) -> Sequence[Generation]:
    """The generations that the sweeper checks: those that are not final and older than `older_than`.

    Those that have not been started come first, however many others wait for a person; of both, at most so many.
    """
    query = (
        select(Generation)
        .where(
            col(Generation.status).not_in(FINAL_STATUSES),
            col(Generation.created_at) < func.now() - older_than,
        )
        .order_by(col(Generation.status), col(Generation.id))
        .limit(most)
    )
    not_started = col(Generation.status) == GenerationStatus.REQUESTED
    waiting = (await session.exec(query.where(not_started))).all()
    return [*waiting, *(await session.exec(query.where(~not_started))).all()]


async def last_event(session: AsyncSession, generation_id: UUID) -> int:
    """The highest `seq` a generation has so far; 0 without any."""
    query = select(func.coalesce(func.max(Event.seq), 0)).where(col(Event.generation_id) == generation_id)
    return int((await session.exec(query)).one())
