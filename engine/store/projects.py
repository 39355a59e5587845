"""Projects, their local owner, and their chapters."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.store import positions
from engine.store.rows import missing
from models.ids import new_id
from models.tables import Chapter, Project, User
from models.tables.columns import table

_PROJECTS = table(Project)
_OWNER = plain_select(_PROJECTS.c.owner_id).where(_PROJECTS.c.id == bindparam("project"))


async def local_owner(session: AsyncSession) -> UUID:
    """The owner of projects made on the command line: one per database, created at first use."""
    await session.exec(
        insert(User)
        .values(id=new_id(), name="", is_local=True)
        .on_conflict_do_nothing(index_elements=["is_local"], index_where=text("is_local"))
    )
    return (await session.exec(select(User.id).where(col(User.is_local)))).one()


async def owner_of(session: AsyncSession, project_id: UUID) -> UUID:
    """The present owner of a project, who pays. Raises `NotFound`.

    Read for every call and kept nowhere: a project may be transferred while it is generated.
    """
    owner_id: UUID | None = (await execute(session, _OWNER, {"project": project_id})).scalar_one_or_none()
    if owner_id is None:
        raise missing(Project, project_id)
    return owner_id


async def project_of_story(session: AsyncSession, owner_id: UUID, title: str, identity_key: str) -> UUID:
    """The project of a story on the command line; the same story always has the same project."""
    await session.exec(
        insert(Project)
        .values(id=new_id(), owner_id=owner_id, title=title[:500], identity_key=identity_key)
        .on_conflict_do_nothing(index_elements=["owner_id", "identity_key"])
    )
    query = select(Project.id).where(Project.owner_id == owner_id, Project.identity_key == identity_key)
    return (await session.exec(query)).one()


async def chapter_of_run(
    session: AsyncSession,
    project_id: UUID,
    identity_key: str,
    *,
    title: str,
    source_text: str,
    script: dict[str, Any] | None,
) -> Chapter:
    """The chapter of a command-line run: the same story, title and options always have the same chapter."""
    # Concurrent runs wait for each other.
    await positions.alone(session, project_id)
    query = select(Chapter).where(Chapter.project_id == project_id, Chapter.identity_key == identity_key)
    chapter = (await session.exec(query)).one_or_none()
    if chapter is not None:
        return chapter
    return await add_chapter(
        session, project_id, title=title, source_text=source_text, script=script, identity_key=identity_key
    )


async def add_chapter(
    session: AsyncSession,
    project_id: UUID,
    *,
    title: str,
    source_text: str,
    script: dict[str, Any] | None = None,
    identity_key: str | None = None,
    external_id: str | None = None,
    labels: dict[str, str] | None = None,
    at: int | None = None,
) -> Chapter:
    """Add a chapter at position `at`, or after the last one of the project."""
    await positions.alone(session, project_id)
    chapter = Chapter(
        project_id=project_id,
        position=await positions.make_room(session, Chapter, project_id, at, 1),
        title=title[:500],
        source_text=source_text,
        script=script,
        identity_key=identity_key,
        external_id=external_id,
        labels=labels or {},
    )
    session.add(chapter)
    await session.flush()
    return chapter
