"""Versions of a chapter: stored when a generation ends or a user asks, and never changed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from models.ids import new_id
from models.tables import Chapter, ChapterVersion
from models.version import KeptChapter

# At most this many versions of a chapter; those that a person kept are deleted last.
MOST = 50

# The whole chapter in one statement, assembled in the database: a long one has thousands of panels, and most versions
# are never read.
_CONTENT = """
SELECT jsonb_build_object(
  'title', chapters.title, 'summary', chapters.summary, 'threads', chapters.threads,
  'text_sha256', encode(sha256(convert_to(chapters.source_text, 'UTF8')), 'hex'),
  'characters', COALESCE((
    SELECT jsonb_agg(jsonb_build_object(
      'id', who.id, 'name', who.name, 'aliases', who.aliases, 'profile', who.profile, 'sheet', images.sha256
    ) ORDER BY who.id)
    FROM characters who LEFT JOIN images ON images.id = who.sheet_image_id
    WHERE who.project_id = chapters.project_id AND who.name IN (
      SELECT jsonb_array_elements_text(scenes.characters) FROM scenes WHERE scenes.chapter_id = chapters.id
      UNION SELECT jsonb_array_elements_text(panels.characters)
      FROM panels JOIN scenes ON scenes.id = panels.scene_id WHERE scenes.chapter_id = chapters.id
    )), '[]'),
  'scenes', COALESCE((
    SELECT jsonb_agg(jsonb_build_object(
      'id', scenes.id, 'title', scenes.title, 'summary', scenes.summary, 'place', scenes.place, 'time', scenes.time,
      'weather', scenes.weather, 'mood', scenes.mood, 'characters', scenes.characters, 'outfits', scenes.outfits,
      'panels', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
          'id', panels.id, 'shot', panels.shot, 'description', panels.description, 'characters', panels.characters,
          'dialogue', panels.dialogue, 'caption', panels.caption, 'prompt', panels.prompt,
          'negative', panels.negative, 'picture', CASE WHEN images.id IS NULL THEN NULL ELSE jsonb_build_object(
            'draft_id', drafts.id, 'image_id', images.id, 'sha256', images.sha256) END
        ) ORDER BY panels.position)
        FROM panels LEFT JOIN drafts ON drafts.id = panels.selected_draft_id
        LEFT JOIN images ON images.id = drafts.image_id
        WHERE panels.scene_id = scenes.id), '[]')
    ) ORDER BY scenes.position)
    FROM scenes WHERE scenes.chapter_id = chapters.id), '[]')
) AS content, chapters.project_id FROM chapters WHERE chapters.id = :chapter
"""
_NOW = text(_CONTENT)
_KEEP = text(
    # Only a constant of this file goes into the text.
    f"WITH current AS MATERIALIZED ({_CONTENT}),"  # noqa: S608
    " hashed AS (SELECT *, encode(sha256(convert_to(content::text, 'UTF8')), 'hex') AS sha256 FROM current),"
    " newest AS (SELECT number, sha256 FROM chapter_versions WHERE chapter_id = :chapter ORDER BY number DESC LIMIT 1)"
    " INSERT INTO chapter_versions"
    " (id, project_id, chapter_id, number, reason, sha256, content, generation_id, actor_id)"
    " SELECT :id, hashed.project_id, :chapter, COALESCE(newest.number, 0) + 1, :reason, hashed.sha256, hashed.content,"
    " CAST(:generation AS uuid), CAST(:actor AS uuid)"
    " FROM hashed LEFT JOIN newest ON true WHERE newest.sha256 IS DISTINCT FROM hashed.sha256 RETURNING number"
)
# The newest version takes the reason of a person who keeps it, unless it already has a person's.
_LABEL = text(
    "UPDATE chapter_versions SET reason = :reason, actor_id = :actor WHERE actor_id IS NULL AND id ="
    " (SELECT id FROM chapter_versions WHERE chapter_id = :chapter ORDER BY number DESC LIMIT 1)"
)
_PRUNE = text(
    "DELETE FROM chapter_versions WHERE id IN (SELECT id FROM chapter_versions"
    " WHERE chapter_id = :chapter AND number < :number ORDER BY actor_id IS NULL, number DESC OFFSET :others)"
)


@dataclass(frozen=True)
class Keeping:
    """The result of keeping a chapter: whether there is a new version, or the newest one already is the same."""

    version_id: UUID
    number: int
    fresh: bool


async def keep_version(
    session: AsyncSession,
    chapter_id: UUID,
    *,
    reason: str,
    generation_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Keeping:
    """Keep a chapter as it is now, unless its newest version is the same. Repeated calls have no further effect.

    Takes the chapter's lock, so call it before a generation's or a project's is taken. A person's reason replaces that
    of a version that was kept automatically.
    """
    await session.exec(select(Chapter.id).where(Chapter.id == chapter_id).with_for_update(key_share=True))
    await session.flush()
    version_id, values = new_id(), {"chapter": chapter_id, "reason": reason[:64], "actor": actor_id}
    row = {**values, "id": version_id, "generation": generation_id}
    number = (await execute(session, _KEEP, row)).scalar_one_or_none()
    if number is not None:
        await execute(session, _PRUNE, {"chapter": chapter_id, "number": number, "others": MOST - 1})
        return Keeping(version_id, number, fresh=True)
    if actor_id is not None:
        await execute(session, _LABEL, values)
    query = (
        select(ChapterVersion.id, ChapterVersion.number)
        .where(ChapterVersion.chapter_id == chapter_id)
        .order_by(col(ChapterVersion.number).desc())
        .limit(1)
    )
    return Keeping(*(await session.exec(query)).one(), fresh=False)


async def now(session: AsyncSession, chapter_id: UUID) -> KeptChapter:
    """The chapter as it is now. The caller has checked the permission."""
    await session.flush()
    return KeptChapter.model_validate((await execute(session, _NOW, {"chapter": chapter_id})).scalar_one())
