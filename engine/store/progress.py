"""Progress: the planned work of a generation as weighted steps, split further as more of it becomes known.

A step is done once, however often it is reported; its weight is then added to the generation's progress. A step that
turns out to consist of parts passes its weight on to them. So progress never goes backwards, and the weights always
add up to 1.
"""

from collections.abc import Mapping
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.store.events import emit
from models.events import EventType

# Sorted: two transactions that insert the same plan take their row locks in the same order.
_PLAN = text(
    "INSERT INTO generation_steps (generation_id, key, weight)"
    " SELECT :generation, part.key, part.weight"
    " FROM unnest(CAST(:keys AS text[]), CAST(:weights AS float8[])) AS part (key, weight) ORDER BY part.key"
    " ON CONFLICT (generation_id, key) DO NOTHING"
)
_SPLIT = text(
    "UPDATE generation_steps SET split = true WHERE generation_id = :generation AND key = :key"
    " AND NOT split AND NOT done RETURNING weight"
)
_DONE = text(
    "WITH step AS (UPDATE generation_steps SET done = true WHERE generation_id = :generation AND key = ANY(:keys)"
    " AND NOT split AND NOT done RETURNING weight)"
    # Below 1 until the generation is final: 1 means that everything is finished.
    " UPDATE generations SET progress = GREATEST(progress, LEAST(progress + moved.weight, 0.999))"
    " FROM (SELECT sum(weight) AS weight FROM step) AS moved"
    " WHERE id = :generation AND moved.weight > 0 RETURNING progress"
)


def outline_step(window: int) -> str:
    """The step of one window of the text in the outline; a script has only window 0."""
    return f"outline:{window}"


def character_step(character_id: UUID, part: Literal["profile", "sheet"]) -> str:
    return f"character:{character_id}:{part}"


def scene_step(scene_id: UUID, part: Literal["summary", "panels"]) -> str:
    return f"scene:{scene_id}:{part}"


def panel_step(panel_id: UUID, part: Literal["words", "picture"]) -> str:
    return f"panel:{panel_id}:{part}"


def export_step(format: str, part: Literal["", "file"] = "") -> str:
    """The step of a format, or of its file if fetching its pages has steps of its own."""
    return f"export:{format}:{part}" if part else f"export:{format}"


def pages_step(language: str) -> str:
    """The step of all pages in a language; empty for the story's own words."""
    return f"pages:{language}" if language else "pages"


def page_step(language: str, number: int) -> str:
    """The step of one page in a language."""
    return f"page:{language}:{number}" if language else f"page:{number}"


def translation_step(language: str, scene_id: UUID | None = None) -> str:
    """The step of all words in a language, or of a scene's."""
    return f"translation:{language}:{scene_id}" if scene_id else f"translation:{language}"


async def plan(session: AsyncSession, generation_id: UUID, shares: Mapping[str, float]) -> None:
    """Store the first plan: steps with their shares, scaled to add up to 1."""
    await _insert(session, generation_id, shares, 1.0)


async def split(session: AsyncSession, generation_id: UUID, key: str, shares: Mapping[str, float]) -> bool:
    """Replace a step by its parts; returns whether it was still whole. Without parts it stays a single step."""
    if not shares or not sum(shares.values()):
        return False
    weight = (await execute(session, _SPLIT, {"generation": generation_id, "key": key})).scalar_one_or_none()
    if weight is not None:
        await _insert(session, generation_id, shares, float(weight))
    return weight is not None


async def complete(session: AsyncSession, generation_id: UUID, *keys: str) -> bool:
    """Complete the steps and add their weight to the progress, once; returns whether it moved. The next event reports
    it.
    """
    moved = await execute(session, _DONE, {"generation": generation_id, "keys": list(keys)})
    return moved.first() is not None


async def complete_and_tell(session: AsyncSession, project_id: UUID, generation_id: UUID, *keys: str) -> None:
    """`complete`, with an event of its own where no other follows. Call it last in a transaction."""
    if await complete(session, generation_id, *keys):
        await emit(session, project_id, generation_id, EventType.GENERATION_PROGRESSED, {})


async def _insert(session: AsyncSession, generation_id: UUID, shares: Mapping[str, float], weight: float) -> None:
    total = sum(shares.values())
    weights = [weight * share / total for share in shares.values()]
    await execute(session, _PLAN, {"generation": generation_id, "keys": list(shares), "weights": weights})
