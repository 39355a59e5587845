"""Panels, with everything that a picture or a page needs to know about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import bindparam
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.outfits import attributes_in
from engine.store.rows import missing
from models.story import Attributes, Box, Direction, Line, PanelData, Profile
from models.tables import Character, Draft, Image, Panel, Scene

_CAST = select(Character).where(Character.project_id == bindparam("project")).order_by(col(Character.id))
_IN_SCENE = (
    select(Panel, Scene)
    .join(Scene, col(Scene.id) == col(Panel.scene_id))
    .where(Panel.id == bindparam("panel"), Panel.project_id == bindparam("project"))
)


async def in_scene(session: AsyncSession, project_id: UUID, panel_id: UUID) -> tuple[Panel, Scene]:
    """A panel and the scene that it belongs to. Raises `NotFound`."""
    row = (await session.exec(_IN_SCENE, params={"panel": panel_id, "project": project_id})).one_or_none()
    if row is None:
        raise missing(Panel, panel_id)
    panel, scene = row
    return panel, scene


async def cast_of(session: AsyncSession, project_id: UUID) -> Sequence[Character]:
    """All characters of the project, in the order they were met."""
    return (await session.exec(_CAST, params={"project": project_id})).all()


def aliases_of(cast: Iterable[Character]) -> dict[str, list[str]]:
    """The aliases of each character, by name, without characters that have none."""
    return {who.name: list(who.aliases) for who in cast if who.aliases}


def profiles_of(
    cast: Iterable[Character], names: Iterable[str], outfits: Mapping[str, str] = MappingProxyType({})
) -> list[Attributes]:
    """The profiles for names or aliases, in the outfits that a scene names; without a profile, only the name."""
    names = list(names)
    known: dict[str, Character] = {}
    for who in cast:
        for name in [who.name, *who.aliases]:
            known.setdefault(name.casefold(), who)
    own = {name: found.name if (found := known.get(name.casefold())) else name for name in (*names, *outfits)}
    wearing = {own[name]: outfit for name, outfit in outfits.items()}
    profiles: dict[str, Attributes] = {}
    for name in names:
        found = known.get(name.casefold())
        profile = found.profile if found and found.profile else Profile(name=name)
        profiles.setdefault(profile.name, attributes_in(profile, wearing.get(own[name], "")))
    return list(profiles.values())


def as_data(panel: Panel, scene: Scene, cast: Iterable[Character], direction: Direction = "ltr") -> PanelData:
    """The panel as data for the artist and the letterer; `direction` tells the artist in which order speakers stand."""
    directed = panel.notes.get("picture", "")
    return PanelData(
        shot=panel.shot,
        description=f"{panel.description} {directed}".strip(),
        characters=profiles_of(cast, panel.characters, scene.outfits),
        place=scene.place,
        time=scene.time,
        weather=scene.weather,
        mood=scene.mood,
        dialogue=[Line.model_validate(line) for line in panel.dialogue or []],
        caption=panel.caption,
        direction=direction,
    )


@dataclass(frozen=True)
class Shown:
    """A panel of a chapter, with the picture it shows, if it has one."""

    panel: Panel
    scene: Scene
    data: PanelData
    draft: Draft | None
    image: Image | None
    # Shown in another language, but its words are still the story's own.
    untranslated: bool = False

    @property
    def boxes(self) -> list[Box]:
        """Where the artist drew heads, hands and figures."""
        return [Box.model_validate(box) for box in self.image.boxes] if self.image else []


async def of_chapter(
    session: AsyncSession, project_id: UUID, chapter_id: UUID, only: Sequence[UUID] | None = None
) -> list[Shown]:
    """The panels of a chapter in reading order: all of them, or those in `only`."""
    cast = await cast_of(session, project_id)
    query = (
        select(Panel, Scene, Draft, Image)
        .join(Scene, col(Scene.id) == col(Panel.scene_id))
        .join(Draft, col(Draft.id) == col(Panel.selected_draft_id), isouter=True)
        .join(Image, col(Image.id) == col(Draft.image_id), isouter=True)
        .where(Scene.project_id == project_id, Scene.chapter_id == chapter_id)
        .order_by(col(Scene.position), col(Panel.position))
    )
    if only is not None:
        query = query.where(col(Panel.id).in_(only))
    return [
        Shown(panel, scene, as_data(panel, scene, cast), draft, image)
        for panel, scene, draft, image in (await session.exec(query)).all()
    ]
