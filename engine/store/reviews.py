"""Reviews: a generation waits until a person has reviewed its outline, its drafts or its pages.

A review is a row in `holds` of the generation's own workflow. Meanwhile nothing else of the generation is running, so
the chapter can be changed manually; the waiting workflow carries out redraws that are requested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import Conflict
from engine.store import generations, holds, redraws
from engine.store.choosing import record_selection
from engine.store.events import emit
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.ids import new_id
from models.options import FINAL_STATUSES, GenerationKind, HoldReason, Stage
from models.runs import Holding, Reviewed
from models.tables import Chapter, Character, Draft, Generation, Hold, Panel, Scene
from models.tables.directing import SelectionKind
from models.tables.story import PanelState

PREFIX = "review "
# The reviews that a person still has to answer.
_OPEN = (Hold.reason == HoldReason.REVIEW, col(Hold.released_at).is_(None))


@dataclass(frozen=True)
class Overdue:
    """A review past its deadline, and whether the options approve it then."""

    project_id: UUID
    chapter_id: UUID
    generation_id: UUID
    approve: bool


async def state(session: AsyncSession, holding: Holding, workflow_id: str) -> Reviewed:
    """The state of a review, which the first call opens. Redraws come before the answer."""
    # Decisions take this lock too: a decision either comes before the row exists, or finds it.
    generation = await generations.locked(session, holding.project_id, holding.generation_id)
    orders = await redraws.open_redraws(session, generation.id)
    if orders:
        return Reviewed(approved=False, redraws=orders)
    stage = holding.purpose.removeprefix(PREFIX)
    # Selections during a redraw release nothing: they are checked now.
    decided = stage == "drafts" and not await _undecided(session, generation)
    mine = (Hold.workflow_id == workflow_id, Hold.purpose == holding.purpose)
    row = (await session.exec(select(Hold).where(*mine))).one_or_none()
    if row is not None:
        if row.released_at is None and decided:
            await holds.release(session, generation, [HoldReason.REVIEW], purposes=[holding.purpose])
            await session.refresh(row)
        if row.released_at is not None:
            row.taken = True
            session.add(row)
        elif await holds.update_status(session, generation.id):
            # A redraw has ended: the review waits again.
            await _tell(session, generation, holding.purpose)
        return Reviewed(approved=row.released_at is not None)
    if decided:
        return Reviewed(approved=True)
    options = generation.options
    now = (await session.exec(select(func.clock_timestamp()))).one()
    await session.exec(
        insert(Hold).values(
            id=new_id(),
            project_id=holding.project_id,
            generation_id=generation.id,
            workflow_id=workflow_id,
            purpose=holding.purpose,
            target_id=holding.target_id,
            reason=HoldReason.REVIEW,
            message=holding.message,
            deadline_at=now + timedelta(hours=options.review_hours) if options.review_hours else None,
            remind_at=now + timedelta(hours=options.remind_hours) if options.remind_hours else None,
        )
    )
    await holds.update_status(session, generation.id)
    await _tell(session, generation, holding.purpose, message=holding.message)
    return Reviewed(approved=False)


async def approve(
    session: AsyncSession, scope: Scope, chapter_id: UUID, stage: Stage | None = None, *, past_deadline: bool = False
) -> list[str]:
    """Let the chapter's generation continue; panels that wait for a choice show their best draft. Returns the
    workflows to wake.

    Raises `Conflict` if nothing waits for approval, or a redraw is in progress.
    """
    chapter = await get(session, scope, Chapter, chapter_id)
    await generations.share_chapter(session, chapter_id)
    # Panels and characters before the generation, as everywhere.
    drafted = await _drafted(session, chapter_id)
    drawn = await _unapproved(session, chapter.project_id)
    generation = await generations.open_generation(session, chapter.project_id, chapter_id)
    waiting = await _waiting(session, generation, stage)
    if generation is None or not waiting:
        raise Conflict(
            f"The {stage or 'chapter'} is not waiting for approval."
            + (f" Its generation is {generation.status}." if generation is not None else "")
        )
    if await redraws.pending(session, generation.id):
        raise Conflict("A redraw is in progress. Approve when it has finished.")
    kind = SelectionKind.DEADLINE if past_deadline else SelectionKind.AUTOMATIC
    actor = None if past_deadline else scope.user_id
    stages = [hold.purpose.removeprefix(PREFIX) for hold in waiting]
    # A review of pages may have waiting drafts, too: those of redraws since the review of drafts.
    if "drafts" in stages or "pages" in stages:
        concerned = [panel for panel in drafted if _concerns(generation, panel)]
        if await _undecided(session, generation) != len(concerned):
            raise Conflict("A draft was redrawn or selected in the meantime. Look at it, then approve.")
        for panel in concerned:
            await _show_best(session, panel, kind, actor)
    if "sheets" in stages:
        await _approve_sheets(session, drawn)
    data = {"chapter_id": str(chapter_id), "stages": stages}
    woken = await holds.release(session, generation, [HoldReason.REVIEW], purposes=[hold.purpose for hold in waiting])
    await emit(session, chapter.project_id, generation.id, EventType.CHAPTER_APPROVED, data, actor=actor)
    return woken


async def release_if_decided(session: AsyncSession, panel: Panel) -> list[str]:
    """After a selection: continue the generation if no panel waits for a choice any more. Returns the workflows to
    wake.
    """
    scene = (await session.exec(select(Scene).where(Scene.id == panel.scene_id))).one()
    generation = await generations.open_generation(session, panel.project_id, scene.chapter_id)
    waiting = await _waiting(session, generation, "drafts")
    if generation is None or not waiting or await redraws.pending(session, generation.id):
        return []
    if await _undecided(session, generation):
        return []
    return await holds.release(session, generation, [HoldReason.REVIEW], purposes=[hold.purpose for hold in waiting])


async def waits(session: AsyncSession, generation_id: UUID) -> bool:
    """Whether a generation still waits for a review."""
    query = select(Hold.id).where(Hold.generation_id == generation_id, *_OPEN)
    return (await session.exec(query.limit(1))).first() is not None


async def overdue(session: AsyncSession) -> list[Overdue]:
    """Reviews past their deadline."""
    query = (
        select(Hold, Generation)
        .join(Generation, col(Generation.id) == col(Hold.generation_id))
        .where(
            *_OPEN,
            col(Hold.deadline_at) <= func.now(),
            col(Generation.chapter_id).is_not(None),
        )
        .limit(100)
    )
    return [
        Overdue(
            generation.project_id,
            generation.chapter_id,  # type: ignore[arg-type]  # not null, as the query says
            generation.id,
            generation.options.review_default == "approve",
        )
        for _, generation in (await session.exec(query)).all()
    ]


async def reminders_due(session: AsyncSession) -> Sequence[UUID]:
    """The holds of reviews that are to be reminded of."""
    query = select(Hold.id).where(*_OPEN, col(Hold.remind_at) <= func.now()).order_by(col(Hold.remind_at)).limit(500)
    return (await session.exec(query)).all()


async def remind(session: AsyncSession, hold_id: UUID) -> int:
    """Send the reminder of one review, if it is still due; returns how many were sent, 0 or 1."""
    query = select(Hold).where(Hold.id == hold_id, *_OPEN, col(Hold.remind_at) <= func.now())
    due = (await session.exec(query)).first()
    if due is None:
        return 0
    generation = await generations.locked(session, due.project_id, due.generation_id)
    await session.refresh(due)
    hours = generation.options.remind_hours
    now = (await session.exec(select(func.clock_timestamp()))).one()
    if due.released_at is not None or due.remind_at is None or due.remind_at > now:
        return 0
    due.remind_at = now + timedelta(hours=hours) if hours else None
    session.add(due)
    await session.flush()
    await _tell(session, generation, due.purpose, message=due.message, reminder=True)
    return 1


async def _waiting(session: AsyncSession, generation: Generation | None, stage: Stage | None) -> Sequence[Hold]:
    if generation is None or generation.status in FINAL_STATUSES:
        return []
    query = select(Hold).where(Hold.generation_id == generation.id, *_OPEN)
    rows = (await session.exec(query)).all()
    return [hold for hold in rows if stage is None or hold.purpose == f"{PREFIX}{stage}"]


async def _drafted(session: AsyncSession, chapter_id: UUID) -> Sequence[Panel]:
    query = (
        select(Panel)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(Scene.chapter_id == chapter_id, Panel.state == PanelState.DRAFTED)
        .order_by(col(Panel.id))
        .with_for_update(of=Panel)
    )
    return (await session.exec(query)).all()


async def _undecided(session: AsyncSession, generation: Generation) -> int:
    """How many panels of a generation wait for a choice."""
    query = (
        select(func.count())
        .select_from(Panel)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .where(Scene.chapter_id == generation.chapter_id, Panel.state == PanelState.DRAFTED)
    )
    targets = [UUID(target) for target in generation.target_ids]
    if generation.kind == GenerationKind.SCENE:
        query = query.where(col(Panel.scene_id).in_(targets))
    elif generation.kind == GenerationKind.PANEL:
        query = query.where(col(Panel.id).in_(targets))
    return int((await session.exec(query)).one())


def _concerns(generation: Generation, panel: Panel) -> bool:
    match generation.kind:
        case GenerationKind.SCENE:
            return str(panel.scene_id) in generation.target_ids
        case GenerationKind.PANEL:
            return str(panel.id) in generation.target_ids
        case _:
            return True


async def _show_best(session: AsyncSession, panel: Panel, kind: SelectionKind, actor_id: UUID | None) -> None:
    """Show the best draft by score, among those made from the same inputs as the newest one."""
    query = (
        select(Draft)
        .where(Draft.panel_id == panel.id, col(Draft.rejected_at).is_(None))
        .order_by(col(Draft.ordinal).desc())
    )
    drafts = (await session.exec(query)).all()
    if not drafts:
        raise Conflict("A panel has no draft left to show. Request a redraw, or add a picture.", panel_id=str(panel.id))
    best = max(
        (draft for draft in drafts if draft.basis == drafts[0].basis),
        key=lambda draft: (draft.score if draft.score is not None else -1.0, -draft.ordinal),
    )
    before, panel.selected_draft_id, panel.state = panel.selected_draft_id, best.id, PanelState.SELECTED
    panel.version += 1
    session.add(panel)
    await session.flush()
    if before != best.id:
        await record_selection(session, panel.project_id, panel.id, best.id, before, kind, actor_id)


async def _unapproved(session: AsyncSession, project_id: UUID) -> Sequence[UUID]:
    """The characters with unapproved reference sheets, locked."""
    query = (
        select(Character.id)
        .where(
            Character.project_id == project_id,
            col(Character.sheet_image_id).is_not(None),
            col(Character.sheet_approved_at).is_(None),
        )
        .order_by(col(Character.id))
        .with_for_update(key_share=True)
    )
    return (await session.exec(query)).all()


async def _approve_sheets(session: AsyncSession, people: Sequence[UUID]) -> None:
    """Approve the reference sheets of these characters."""
    await session.exec(
        update(Character)
        .where(col(Character.id).in_(people))
        .values(sheet_approved_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def _tell(session: AsyncSession, generation: Generation, purpose: str, **more: object) -> None:
    data = {"reason": HoldReason.REVIEW, "stage": purpose.removeprefix(PREFIX), **more}
    await emit(session, generation.project_id, generation.id, EventType.GENERATION_WAITING, data)
