"""Compares a chapter's prompts with the fixed attributes of its characters."""

import asyncio
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.drift import Finding, PromptedPanel, drift
from engine.store.panels import cast_of, of_chapter
from engine.store.places import looks_of, place_of
from models.tables import Chapter, Project

# A finding's position: its scene's, its panel's, and its number within the panel.
Place = tuple[int, int, int]


async def found_in(session: AsyncSession, chapter: Chapter) -> list[tuple[Place, Finding]]:
    """The passages where written prompts contradict the characters, in reading order."""
    shown = [one for one in await of_chapter(session, chapter.project_id, chapter.id) if one.panel.prompt]
    cast = [who.name for who in await cast_of(session, chapter.project_id)]
    style = (await session.exec(select(Project.style).where(Project.id == chapter.project_id))).one()
    looks: dict[str, str] = {}
    for name in dict.fromkeys(one.data.place for one in shown):
        looks[name] = looks_of(await place_of(session, chapter.project_id, name))
    prompted = []
    for one in shown:
        on_stage = {who.name for who in one.data.characters}
        absent = [name for name in cast if name not in on_stage]
        given = (style, looks[one.data.place])
        prompted.append(PromptedPanel(one.panel.id, one.panel.prompt or "", one.data.characters, absent, given))
    where = {one.panel.id: (one.scene.position, one.panel.position) for one in shown}
    counted: dict[UUID, int] = {}
    placed = []
    for finding in await asyncio.to_thread(drift, prompted):
        number = counted[finding.panel_id] = counted.get(finding.panel_id, 0) + 1
        placed.append(((*where[finding.panel_id], number), finding))
    return placed
