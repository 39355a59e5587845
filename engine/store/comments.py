"""Comments on panels."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.errors import BadInput, Forbidden
from engine.store import rows, throttles
from engine.store.events import emit
from engine.store.scope import Scope, within_reach
from models.events import EventType
from models.tables import Comment, Panel, User
from models.tables.projects import Role

# So many by one account: each goes to every socket of its project, and to webhooks. Nobody types as fast.
MANY, WITHIN = 100, timedelta(minutes=10)


async def names(session: AsyncSession, comments: Sequence[Comment]) -> dict[UUID, str]:
    """The names of the authors of comments."""
    authors = {comment.author_id for comment in comments if comment.author_id is not None}
    return dict((await session.exec(select(User.id, User.name).where(col(User.id).in_(authors)))).all())


async def add(session: AsyncSession, scope: Scope, panel_id: UUID, body: str, mentions: Sequence[UUID]) -> Comment:
    """Say something about a panel.

    Raises `NotFound`, `Forbidden`, `TooMany`, or `BadInput` for mentions of strangers.
    """
    panel = await rows.get(session, scope, Panel, panel_id)
    await throttles.spend(session, f"comments:{scope.actor}", MANY, WITHIN, "comments")
    mentioned = await _members(session, panel.project_id, mentions)
    comment = Comment(
        project_id=panel.project_id, panel_id=panel_id, author_id=scope.actor, body=body, mentions=mentioned
    )
    session.add(comment)
    await session.flush()
    await session.refresh(comment)
    data = {"comment_id": str(comment.id), "panel_id": str(panel_id), "mentions": mentioned}
    await emit(session, panel.project_id, None, EventType.COMMENT_ADDED, data, actor=scope.actor)
    return comment


async def change(
    session: AsyncSession,
    scope: Scope,
    comment_id: UUID,
    version: int,
    *,
    body: str | None,
    mentions: Sequence[UUID] | None,
    resolved: bool | None,
) -> Comment:
    """Change one's own words, or settle a comment, which editors may too.

    Raises `NotFound`, `Forbidden`, `Conflict`, or `BadInput` for mentions of strangers.
    """
    comment = await rows.get(session, scope, Comment, comment_id)
    mine = comment.author_id == scope.actor
    if (body is not None or mentions is not None) and not mine:
        raise Forbidden("Only the author can edit a comment.")
    if resolved is not None and not mine:
        await rows.get(session, scope.needs(Role.EDITOR), Comment, comment_id)
    now = (await session.exec(select(func.clock_timestamp()))).one()
    values: dict[str, object] = {}
    if body is not None or mentions is not None:
        values["edited_at"] = now
    if body is not None:
        values["body"] = body
    if mentions is not None:
        values["mentions"] = await _members(session, comment.project_id, mentions)
    if resolved is not None:
        values["resolved_at"] = (comment.resolved_at or now) if resolved else None
    changed = await rows.change(session, scope, Comment, comment_id, version, values)
    data = {"comment_id": str(comment_id), "panel_id": str(changed.panel_id), "version": changed.version}
    await emit(session, changed.project_id, None, EventType.COMMENT_CHANGED, data, actor=scope.actor)
    return changed


async def remove(session: AsyncSession, scope: Scope, comment_id: UUID) -> None:
    """Take back one's own words, or, as an owner of the project, anybody's. Raises `NotFound` or `Forbidden`."""
    comment = await rows.get(session, scope, Comment, comment_id)
    if comment.author_id != scope.actor:
        await rows.get(session, scope.needs(Role.OWNER), Comment, comment_id)
    project_id, panel_id = comment.project_id, comment.panel_id
    await rows.remove(session, scope, Comment, comment_id)
    data = {"comment_id": str(comment_id), "panel_id": str(panel_id)}
    await emit(session, project_id, None, EventType.COMMENT_DELETED, data, actor=scope.actor)


async def _members(session: AsyncSession, project_id: UUID, mentions: Sequence[UUID]) -> list[str]:
    """Mentions as they are kept, each once. Raises `BadInput` for somebody who does not see the project."""
    wanted = list(dict.fromkeys(mentions))
    reach = await within_reach(session, {(user_id, project_id) for user_id in wanted}) if wanted else set()
    for user_id in wanted:
        if (user_id, project_id) not in reach:
            raise BadInput(f"{user_id} is not a member of this project and cannot be mentioned.")
    return [str(user_id) for user_id in wanted]
