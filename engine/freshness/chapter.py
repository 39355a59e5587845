"""Reads what the parts of a chapter are made from: its rows, each with what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.basis import StandingInstructions
from engine.cast.blocking import blocking_of
from engine.providers.registry import artist_of, draws_of
from engine.store import references
from engine.store.instructions import standing_instructions
from engine.store.panels import Shown, cast_of, of_chapter
from engine.store.places import looks_of, places_of
from engine.tasks.outline.windows import outlined, panel_quotas
from engine.tasks.part import PanelSource, SceneSource
from models.options import GenerationOptions
from models.script import Script
from models.tables import Chapter, Character, Draft, Panel, Project, Scene
from models.tables.story import SceneState


@dataclass(frozen=True)
class PanelRows:
    """A panel with its drafts in the order they came, and the digests of the reference pictures that go with it."""

    shown: Shown
    drafts: Sequence[Draft]
    references: Sequence[str]


@dataclass(frozen=True)
class SceneRows:
    """A scene with its panels, the panels that it may have, and what its location always looks like."""

    scene: Scene
    panel_quota: int | None
    location_looks: str
    panels: Sequence[PanelRows]


@dataclass(frozen=True)
class ChapterRows:
    """A chapter as a generation with these options would find it."""

    chapter: Chapter
    project: Project
    options: GenerationOptions
    instructions: StandingInstructions
    cast: Sequence[Character]
    # Those of the cast for whom people uploaded pictures: they need no reference sheet.
    pictured: set[UUID]
    scenes: Sequence[SceneRows]

    @property
    def shown(self) -> list[Shown]:
        """All panels in reading order."""
        return [panel.shown for scene in self.scenes for panel in scene.panels]

    @property
    def appearing(self) -> set[str]:
        """The names of those who appear, casefolded: in the outline or the script, in scenes, or in panels."""
        names = {character.name for window in outlined(self.chapter).values() for character in window.output.characters}
        if self.chapter.script is not None:
            names |= {character.name for character in Script.model_validate(self.chapter.script).characters}
        names |= {name for rows in self.scenes for name in rows.scene.characters}
        names |= {name for shown in self.shown for name in shown.panel.characters}
        return {name.casefold() for name in names}

    def scene_source(self, rows: SceneRows) -> SceneSource:
        """What the parts of a scene are made from."""
        described = rows.scene.state == SceneState.DESCRIBED
        return SceneSource(rows.scene, rows.panel_quota, described, self.instructions)

    def panel_source(self, scene: SceneRows, shown: Shown) -> PanelSource:
        """What the parts of a panel are made from."""
        panel, on_stage = shown.panel, shown.data.characters
        return PanelSource(
            panel,
            scene.scene.sentences[panel.first : panel.last + 1],
            self.instructions,
            setting=scene.scene,
            location_looks=scene.location_looks,
            on_stage=on_stage,
            blocking=blocking_of([looks.name for looks in on_stage]),
            style=self.project.style,
        )


async def read(
    session: AsyncSession, chapter: Chapter, options: GenerationOptions, scene_id: UUID | None = None
) -> ChapterRows:
    """The rows of a chapter, or of one scene of it."""
    project = (await session.exec(select(Project).where(Project.id == chapter.project_id))).one()
    query = select(Scene).where(Scene.chapter_id == chapter.id).order_by(col(Scene.position))
    only: Sequence[UUID] | None = None
    if scene_id is not None:
        query = query.where(Scene.id == scene_id)
        only = (await session.exec(select(Panel.id).where(Panel.scene_id == scene_id))).all()
    # In the direction that pages are read in: who speaks first stands first.
    panels = [
        replace(shown, data=shown.data.model_copy(update={"direction": options.direction}))
        for shown in await of_chapter(session, chapter.project_id, chapter.id, only)
    ]
    drafts = await _drafts(session, [shown.panel.id for shown in panels])
    cast = await cast_of(session, chapter.project_id)
    scenes = (await session.exec(query)).all()
    places = await places_of(session, chapter.project_id, dict.fromkeys(scene.place for scene in scenes))
    looks = {name: looks_of(place) for name, place in places.items()}
    quotas = _panel_quotas(chapter, scenes, options)
    draws = draws_of(artist_of(options).provider)
    pictures = await references.of_panels(
        session, chapter.project_id, [(shown.panel, shown.data) for shown in panels], cast, [draws]
    )
    by_scene: dict[UUID, list[PanelRows]] = {}
    for shown in panels:
        hashes = references.reference_hashes(draws, pictures[shown.panel.id])
        rows = PanelRows(shown, drafts.get(shown.panel.id, []), hashes)
        by_scene.setdefault(shown.scene.id, []).append(rows)
    return ChapterRows(
        chapter=chapter,
        project=project,
        options=options,
        instructions=await standing_instructions(session, chapter.project_id),
        cast=cast,
        pictured=await references.with_uploads(session, [character.id for character in cast]),
        scenes=[SceneRows(scene, quotas[scene.id], looks[scene.place], by_scene.get(scene.id, [])) for scene in scenes],
    )


async def _drafts(session: AsyncSession, panel_ids: Sequence[UUID]) -> dict[UUID, list[Draft]]:
    """By panel, in the order they came."""
    found: dict[UUID, list[Draft]] = {}
    if panel_ids:
        query = select(Draft).where(col(Draft.panel_id).in_(panel_ids)).order_by(col(Draft.ordinal))
        for draft in (await session.exec(query)).all():
            found.setdefault(draft.panel_id, []).append(draft)
    return found


def _panel_quotas(chapter: Chapter, scenes: Sequence[Scene], options: GenerationOptions) -> dict[UUID, int | None]:
    """As an outline of the same text would give them for these options; as they are where it has other scenes."""
    with_text = [scene for scene in scenes if scene.sentences]
    planned = sum(len(window.output.scenes) for window in outlined(chapter).values())
    quotas = {scene.id: scene.max_panels for scene in scenes}
    if chapter.script is None and len(with_text) == planned:
        handed_out = panel_quotas([scene.sentences for scene in with_text], options.most_panels)
        quotas |= {scene.id: quota for scene, quota in zip(with_text, handed_out, strict=True)}
    return quotas
