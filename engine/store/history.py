"""The history of a panel: selections, changes and redraws, from stored decisions and events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import BadInput
from engine.store import cursors
from engine.store.rows import get
from engine.store.scope import Scope
from models.events import EventType
from models.tables import Panel

# Events about presence, locks and comments are not part of a panel's history.
BESIDE = (
    EventType.PANEL_LOCKED,
    EventType.PANEL_UNLOCKED,
    EventType.PRESENCE_CHANGED,
    EventType.COMMENT_ADDED,
    EventType.COMMENT_CHANGED,
    EventType.COMMENT_DELETED,
)

# A selection is read from its row, which has the previous draft. Panels older than these rows have events only. An
# event's number is padded to an id, so that all three kinds can be sorted together.
_HISTORY = text(
    "WITH found AS ("
    "SELECT id, created_at AS at, 'selection' AS type, actor_id, jsonb_build_object("
    "'draft_id', draft_id, 'before_id', before_id, 'kind', kind) AS data"
    " FROM selections WHERE panel_id = :panel"
    " UNION ALL SELECT id, created_at, 'redraw', actor_id, jsonb_build_object("
    "'generation_id', generation_id, 'notes', notes, 'about', about, 'drafts', drafts, 'parent_id', parent_id,"
    " 'prompt', prompt, 'mask_image_id', mask_image_id, 'control_image_id', control_image_id, 'state', state)"
    " FROM redraws WHERE panel_id = :panel"
    " UNION ALL SELECT CAST(lpad(to_hex(seq), 32, '0') AS uuid), at, type, actor_id, data - 'panel_id' - 'progress'"
    " FROM events WHERE project_id = :project AND data ? 'panel_id' AND data ->> 'panel_id' = :panel_name"
    " AND type <> ALL(:beside) AND (type <> 'panel.selected' OR NOT EXISTS ("
    "SELECT FROM selections WHERE panel_id = :panel AND created_at <= events.at)))"
    " SELECT found.*, users.name AS actor FROM found LEFT JOIN users ON users.id = found.actor_id"
    " WHERE CAST(:at AS timestamptz) IS NULL OR (found.at, found.id) < (CAST(:at AS timestamptz), CAST(:id AS uuid))"
    " ORDER BY found.at DESC, found.id DESC LIMIT :limit"
)


@dataclass(frozen=True)
class Deed:
    """One entry. `type` is `selection`, `redraw` or an event's type; `actor` is the user's name, if a user acted."""

    id: UUID
    at: datetime
    type: str
    actor_id: UUID | None
    actor: str | None
    data: dict[str, Any]


async def of_panel(
    session: AsyncSession, scope: Scope, panel_id: UUID, *, after: str | None, limit: int
) -> tuple[Sequence[Deed], str | None]:
    """A page of a panel's history, the newest first, and the next cursor. Raises `NotFound`, and `BadInput` for the
    cursor of another list.
    """
    panel = await get(session, scope, Panel, panel_id)
    order = f"History.{panel_id.hex}"
    values: dict[str, Any] = {
        "panel": panel_id,
        "panel_name": str(panel_id),
        "project": panel.project_id,
        "beside": list(BESIDE),
        "at": None,
        "id": None,
        "limit": limit + 1,
    }
    if after is not None:
        mark = cursors.decode(after)
        if mark.order != order or not isinstance(mark.value, str):
            raise BadInput(cursors.FOREIGN)
        try:
            values |= {"at": datetime.fromisoformat(mark.value), "id": mark.id}
        except ValueError:
            raise BadInput(cursors.FOREIGN) from None
    rows = [Deed(**row._asdict()) for row in await execute(session, _HISTORY, values)]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], cursors.encode(cursors.Mark(order, last.at.isoformat(), last.id))
