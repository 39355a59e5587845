"""Deletes drafts that were never shown, after the time for which an operator wants them kept."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, exists, func, select

from engine.db.session import Database, Prepared, execute
from engine.store import removals
from models.options import FINAL_STATUSES
from models.tables import Chapter, Draft, Generation, Panel, PanelLock, Project, Redraw, Selection
from models.tables.columns import table
from models.tables.story import DraftOrigin

_DRAFTS, _PANELS, _PROJECTS, _LOCKS = table(Draft), table(Panel), table(Project), table(PanelLock)
_SELECTIONS, _REDRAWS, _GENERATIONS, _CHAPTERS = table(Selection), table(Redraw), table(Generation), table(Chapter)
_MADE_LATER = table(Draft).alias("made_later")
# The most that are deleted in a transaction.
AT_ONCE = 500

# While a generation is open, which it is in a review, too, its drafts may be what someone chooses from.
_AT_REST = ~exists().where(
    _GENERATIONS.c.project_id == bindparam("project"), _GENERATIONS.c.status.not_in(FINAL_STATUSES)
)
_SHOWN = exists().where(_PANELS.c.selected_draft_id == _DRAFTS.c.id)
# What was shown once can be shown again by undoing.
_SHOWN_BEFORE = exists().where((_SELECTIONS.c.draft_id == _DRAFTS.c.id) | (_SELECTIONS.c.before_id == _DRAFTS.c.id))
_LEADS_ON = exists().where(_MADE_LATER.c.parent_id == _DRAFTS.c.id) | exists().where(
    _REDRAWS.c.parent_id == _DRAFTS.c.id
)
_LOCKED = exists().where(_LOCKS.c.panel_id == _DRAFTS.c.panel_id, _LOCKS.c.expires_at > func.clock_timestamp())


class _Old(NamedTuple):
    id: UUID
    call_id: UUID | None


_OLD = Prepared(
    select(_DRAFTS.c.id, _DRAFTS.c.call_id)
    .where(
        _DRAFTS.c.project_id == bindparam("project"),
        _DRAFTS.c.created_at < func.clock_timestamp() - bindparam("kept"),
        _DRAFTS.c.origin != DraftOrigin.UPLOADED,
        # Nothing was chosen yet: a person may still look at all of them.
        exists().where(_PANELS.c.id == _DRAFTS.c.panel_id, _PANELS.c.selected_draft_id.is_not(None)),
        ~_SHOWN,
        ~_SHOWN_BEFORE,
        ~_LEADS_ON,
        ~_LOCKED,
        _AT_REST,
    )
    .order_by(_DRAFTS.c.id)
    .limit(bindparam("most")),
    _Old,
)
# With these locked, nothing is selected and no generation is requested meanwhile.
_LOCK = (
    select(_CHAPTERS.c.id)
    .where(_CHAPTERS.c.project_id == bindparam("project"))
    .order_by(_CHAPTERS.c.id)
    .with_for_update()
)
_ALL = select(_PROJECTS.c.id).order_by(_PROJECTS.c.id)
_DELETE = delete(_DRAFTS).where(_DRAFTS.c.id.in_(bindparam("drafts", expanding=True)))


async def forget_drafts(database: Database, days: int | None, *, dry_run: bool = False) -> int:
    """Delete drafts that are older than so many days and were never shown, or count them; None keeps them for ever.

    What a panel shows or has shown stays, what a redraw or another draft was made from, what a person brought along,
    drafts of panels that show none yet or are being edited, and all of projects with an open generation.
    """
    if days is None:
        return 0
    async with database.session() as session:
        projects: Sequence[UUID] = (await execute(session, _ALL)).scalars().all()
    kept, count = timedelta(days=days), 0
    for project in projects:
        while True:
            async with database.session() as session:
                if not dry_run:
                    await execute(session, _LOCK, {"project": project})
                most = None if dry_run else AT_ONCE
                old = await _OLD.all(session, project=project, kept=kept, most=most)
                count += len(old)
                if old and not dry_run:
                    await execute(session, _DELETE, {"drafts": [one.id for one in old]})
                    calls = [one.call_id for one in old if one.call_id is not None]
                    await removals.forget_pictures(session, project, calls)
            if dry_run or len(old) < AT_ONCE:
                break
    return count
