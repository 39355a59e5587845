"""True deletion: records what a deleted row leaves behind, so that pictures, answers and histories are deleted too.

Rows are deleted at once, in the caller's transaction; `removals` records what is left to do outside of the database,
and `inkloom/removing.py` does it: now, and once more when every activity that was still storing something has ended.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, delete, func, literal, or_, select, text, union_all, update
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.storage.keys import content_key, project_prefix
from models.ids import delivery_workflow_id, generation_workflow_id, new_id
from models.options import FINAL_STATUSES
from models.tables import (
    Attachment,
    Chapter,
    Character,
    Comment,
    Delivery,
    Draft,
    Export,
    Generation,
    IdempotentRequest,
    Image,
    Location,
    Page,
    Panel,
    Project,
    ProviderCall,
    Redraw,
    Removal,
    Scene,
    TaskResult,
)
from models.tables.columns import table
from models.tables.directing import RedrawState
from models.tables.ledger import CallState

THUMBNAILS = (128, 256, 512, 1024)
# Longer than any attempt of an activity: after it nothing is stored for the deleted rows any more.
AGAIN_AFTER = timedelta(minutes=30)
GONE = "What was asked and answered was deleted since."

_REMOVALS = table(Removal)
_is_due = _REMOVALS.c.done_at.is_(None) & (_REMOVALS.c.due_at <= func.clock_timestamp())
_COUNT_DUE = select(func.count()).where(_is_due)
_DUE = select(_REMOVALS).where(_is_due).order_by(_REMOVALS.c.due_at).limit(1).with_for_update(skip_locked=True)


def thumbnail_key(project_id: UUID, sha256: str, size: int) -> str:
    """The storage key of a picture's thumbnail."""
    return content_key(project_id, "thumbnails", sha256, f"{size}.webp")


async def storing(session: AsyncSession, project_id: UUID) -> None:
    """Delay removals of the project's keys until this transaction ends, so that what it stores, or finds stored,
    stays.

    Workflows need not call it: while a generation is open, no single keys of its project are removed.
    """
    statement = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:key, 2))")
    await execute(session, statement, {"key": str(project_id)})


async def record_project(session: AsyncSession, project_id: UUID) -> None:
    """Record what a project leaves behind; the caller deletes its row in the same transaction."""
    await _forget_requests(session, project_id)
    prefix = f"{project_prefix(project_id)}/%"
    keys: list[str] = []
    for stored in (Image, Export):
        # Keys from before projects had prefixes.
        old = select(col(stored.key)).where(col(stored.project_id) == project_id, col(stored.key).not_like(prefix))
        keys += (await execute(session, old)).scalars()
    workflows: list[str] = []
    for model, workflow_id in ((Generation, generation_workflow_id), (Delivery, delivery_workflow_id)):
        ids = select(col(model.id)).where(col(model.project_id) == project_id)
        workflows += map(workflow_id, (await execute(session, ids)).scalars())
    await later(session, project_id, keys=keys, workflows=workflows, whole=True)


async def delete_chapter(session: AsyncSession, chapter: Chapter) -> None:
    """Delete a chapter with its pictures, and the prompts and answers of its calls; their costs stay recorded."""
    here = {"project": chapter.project_id, "chapter": chapter.id}
    await _forget_requests(session, chapter.project_id, chapter.id)
    runs = list(
        (await execute(session, select(col(Generation.id)).where(col(Generation.chapter_id) == chapter.id))).scalars()
    )
    scenes = select(col(Scene.id)).where(col(Scene.chapter_id) == chapter.id)
    panels = select(col(Panel.id)).where(col(Panel.scene_id).in_(scenes))
    asked = or_(
        col(ProviderCall.generation_id).in_(runs),
        col(ProviderCall.target_id) == here["chapter"],
        col(ProviderCall.target_id).in_(scenes),
        col(ProviderCall.target_id).in_(panels),
    )
    mine = select(col(ProviderCall.id)).where(col(ProviderCall.project_id) == here["project"], asked)
    calls = list((await execute(session, mine)).scalars())
    files = select(col(Export.key)).where(col(Export.chapter_id) == chapter.id)
    keys = list((await execute(session, files)).scalars())
    await session.delete(chapter)
    await session.flush()
    keys += await _unused(session, chapter.project_id, calls)
    await _unanswered(session, chapter.project_id, calls)
    await later(session, chapter.project_id, keys=keys, workflows=[generation_workflow_id(run) for run in runs])


async def forget_pictures(session: AsyncSession, project_id: UUID, calls: Sequence[UUID]) -> None:
    """Delete the pictures that these calls have drawn and that nothing shows any more; the calls' costs stay recorded.

    No generation of the project may be open: it may have stored a picture that nothing shows yet.
    """
    keys = await _unused(session, project_id, calls)
    await _unanswered(session, project_id, calls)
    await later(session, project_id, keys=keys)


async def delete_image(session: AsyncSession, image: Image) -> None:
    """Delete a picture that nothing uses. Calls that it answered have no answer any more."""
    keys = _keys_of(image.project_id, image.key, image.sha256)
    answered = select(col(ProviderCall.id)).where(col(ProviderCall.image_id) == image.id)
    calls = list((await execute(session, answered)).scalars())
    # A failed redraw is not retried without its mask: it would redraw the whole picture.
    led = or_(col(Redraw.mask_image_id) == image.id, col(Redraw.control_image_id) == image.id)
    await execute(session, delete(Redraw).where(led, col(Redraw.state) != RedrawState.DONE))
    await session.delete(image)
    await session.flush()
    await _unanswered(session, image.project_id, calls)
    await later(session, image.project_id, keys=keys)


async def later(
    session: AsyncSession,
    project_id: UUID,
    *,
    keys: Sequence[str] = (),
    workflows: Sequence[str] = (),
    whole: bool = False,
) -> None:
    """Schedule the removal, and a second one for what concurrent activities still store."""
    if not (keys or workflows or whole):
        return
    for wait in (timedelta(0), AGAIN_AFTER):
        await schedule(session, project_id, wait, keys=keys, workflows=workflows, whole=whole)


async def schedule(
    session: AsyncSession,
    project_id: UUID,
    wait: timedelta,
    *,
    keys: Sequence[str] = (),
    workflows: Sequence[str] = (),
    whole: bool = False,
) -> UUID:
    """Schedule one removal; returns its id, with which it can be cancelled."""
    id = new_id()
    values = {"id": id, "project_id": project_id, "whole_project": whole, "keys": list(keys)}
    await execute(
        session,
        insert(_REMOVALS).values(due_at=func.clock_timestamp() + wait, workflows=list(workflows), **values),
    )
    return id


async def cancel(session: AsyncSession, removal_id: UUID) -> None:
    """Cancel a removal."""
    await execute(session, delete(_REMOVALS).where(_REMOVALS.c.id == removal_id))


async def count_due(session: AsyncSession) -> int:
    """How many removals are due."""
    return int((await execute(session, _COUNT_DUE)).scalar_one())


async def due(session: AsyncSession) -> Any | None:
    """The next due removal, locked until this transaction ends; those locked by others are skipped."""
    return (await execute(session, _DUE)).one_or_none()


async def removable(session: AsyncSession, removal: Any) -> list[str] | None:
    """The keys that may be removed now; None while something in the project is being generated, which may need them
    again.

    Until this transaction ends, nothing is stored in the project and no generation of it begins.
    """
    lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 2))")
    await execute(session, lock, {"key": str(removal.project_id)})
    project = table(Project)
    await execute(
        session, select(project.c.id).where(project.c.id == removal.project_id).with_for_update(key_share=True)
    )
    busy = select(col(Generation.id)).where(
        col(Generation.project_id) == removal.project_id, col(Generation.status).not_in(FINAL_STATUSES)
    )
    if (await execute(session, busy.limit(1))).first() is not None:
        return None
    used: set[str] = set()
    for stored in (Image, Export):
        # In any project: old keys belong to all of them.
        there = select(col(stored.key)).where(col(stored.key).in_(removal.keys))
        used |= set((await execute(session, there)).scalars())
    return [key for key in removal.keys if key not in used]


async def exists(session: AsyncSession, project_id: UUID) -> bool:
    """Whether the project exists."""
    return (await execute(session, select(col(Project.id)).where(col(Project.id) == project_id))).first() is not None


async def done(session: AsyncSession, removal_id: UUID) -> None:
    """Mark a removal as done, and delete its keys and workflows."""
    values = {"done_at": func.clock_timestamp(), "keys": [], "workflows": []}
    await execute(session, update(_REMOVALS).where(_REMOVALS.c.id == removal_id).values(values))


async def postpone(session: AsyncSession, removal_id: UUID, wait: timedelta) -> None:
    """Postpone a removal, so that others come first."""
    due_at = func.clock_timestamp() + wait
    await execute(session, update(_REMOVALS).where(_REMOVALS.c.id == removal_id).values(due_at=due_at))


async def _unused(session: AsyncSession, project_id: UUID, calls: Sequence[UUID]) -> list[str]:
    """Delete the rows of pictures that nothing shows and that answered no other call; returns their storage keys."""
    image = col(Image.id)
    users: list[ColumnElement[bool]] = [
        select(1).where(shown == image).exists()
        for shown in (
            col(Draft.image_id),
            col(Page.image_id),
            col(Character.sheet_image_id),
            col(Location.sheet_image_id),
            col(Attachment.image_id),
        )
    ]
    others = select(1).where(col(ProviderCall.image_id) == image, col(ProviderCall.id).not_in(calls)).exists()
    gone = await session.exec(
        delete(Image)
        .where(col(Image.project_id) == project_id, col(Image.origin) == "made", ~or_(*users, others))
        .returning(col(Image.key), col(Image.sha256))
        .execution_options(synchronize_session=False)
    )
    return [key for row in gone.all() for key in _keys_of(project_id, row.key, row.sha256)]


def _keys_of(project_id: UUID, key: str, sha256: str) -> list[str]:
    return [key, *(thumbnail_key(project_id, sha256, size) for size in THUMBNAILS)]


async def _unanswered(session: AsyncSession, project_id: UUID, calls: Sequence[UUID]) -> None:
    """Delete the answers of calls: their costs stay, but no later request is answered from them.

    A picture that is still shown elsewhere remains an answer.
    """
    calls_of = table(ProviderCall)
    gone = calls_of.c.id.in_(calls) & ((calls_of.c.kind == "llm") | calls_of.c.image_id.is_(None))
    emptied = {"question": None, "answer": None, "notes": "", "said": "", "error": GONE}
    await execute(session, update(calls_of).where(gone).values(emptied))
    confirmed = gone & (calls_of.c.state == CallState.CONFIRMED)
    await execute(session, update(calls_of).where(confirmed).values(state=CallState.FAILED))
    # Results that came from other calls are found again in the ledger, where they were paid for.
    known = select(calls_of.c.id).where(
        calls_of.c.project_id == project_id, calls_of.c.state == CallState.CONFIRMED, calls_of.c.kind == "llm"
    )
    results = table(TaskResult)
    await execute(
        session,
        delete(results).where(
            results.c.project_id == project_id, results.c.call_id.is_(None) | results.c.call_id.not_in(known)
        ),
    )


async def _forget_requests(session: AsyncSession, project_id: UUID, chapter_id: UUID | None = None) -> None:
    """Delete the stored answers to requests that created something in the project, or in one chapter of it."""
    scenes, panels, comments, generations = table(Scene), table(Panel), table(Comment), table(Generation)
    below: list[Any]
    if chapter_id is not None:
        in_chapter = select(scenes.c.id).where(scenes.c.chapter_id == chapter_id)
        in_scenes = select(panels.c.id).where(panels.c.scene_id.in_(in_chapter))
        below = [
            select(literal(chapter_id, scenes.c.id.type)),
            select(generations.c.id).where(generations.c.chapter_id == chapter_id),
            in_chapter,
            in_scenes,
            select(comments.c.id).where(comments.c.panel_id.in_(in_scenes)),
        ]
    else:
        below = [select(literal(project_id, scenes.c.id.type))] + [
            select(one.c.id).where(one.c.project_id == project_id)
            for one in SQLModel.metadata.sorted_tables
            if {"id", "project_id"} <= set(one.columns.keys()) and one.name != "removals"
        ]
    requests, ids = table(IdempotentRequest), union_all(*below).subquery()
    mentioned = select(cast_to(ids.c[0], Text))
    await execute(session, delete(requests).where(requests.c.answer["id"].astext.in_(mentioned)))
