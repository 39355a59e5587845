"""Compares a chapter's prompts with the fixed attributes of its characters."""

from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.drift import Finding, PromptedPanel, drift
from engine.store.panels import cast_of, of_chapter
from engine.store.places import looks_of, places_of
from models.tables import Chapter, Project

# A finding's position: its scene's, its panel's, and its number within the panel.
Place = tuple[int, int, int]


async def findings_in(session: AsyncSession, chapter: Chapter) -> list[tuple[Place, Finding]]:
    """The passages where written prompts contradict the characters, in reading order."""
    shown = [panel for panel in await of_chapter(session, chapter.project_id, chapter.id) if panel.panel.prompt]
    cast = [character.name for character in await cast_of(session, chapter.project_id)]
    style = (await session.exec(select(Project.style).where(Project.id == chapter.project_id))).one()
    places = await places_of(session, chapter.project_id, dict.fromkeys(panel.data.place for panel in shown))
    looks = {name: looks_of(place) for name, place in places.items()}
    prompted = []
    for panel in shown:
        on_stage = {character.name for character in panel.data.characters}
        absent = [name for name in cast if name not in on_stage]
        given = (style, looks[panel.data.place])
        prompted.append(PromptedPanel(panel.panel.id, panel.panel.prompt or "", panel.data.characters, absent, given))
    where = {panel.panel.id: (panel.scene.position, panel.panel.position) for panel in shown}
    counted: dict[UUID, int] = {}
    placed = []
    for finding in drift(prompted):
        number = counted[finding.panel_id] = counted.get(finding.panel_id, 0) + 1
        placed.append(((*where[finding.panel_id], number), finding))
    return placed
