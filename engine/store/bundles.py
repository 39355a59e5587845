"""Builds a bundle from a project's rows, and the rows of a new project from a bundle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store import bundled
from models.bundle import (
    Attached,
    Bundle,
    BundledChapter,
    BundledDraft,
    BundledPanel,
    BundledProject,
    BundledScene,
    BundledTranslation,
)
from models.ids import new_id
from models.tables import (
    Attachment,
    Chapter,
    Character,
    Draft,
    Image,
    Location,
    Panel,
    Project,
    ProjectInstruction,
    Scene,
    Translation,
)

_PANEL = set(BundledPanel.model_fields) - {"selected", "drafts", "attached", "frame", "translations"}
_WORDS = set(BundledTranslation.model_fields)
_SCENE = set(BundledScene.model_fields) - {"panels"}
_DRAFT = set(BundledDraft.model_fields) - {"picture", "parent"}
_CHARACTER = {"name", "aliases", "profile", "sheet_made_from", "sheet_basis", "manual_edits", "failure"}
_CHAPTER = set(BundledChapter.model_fields) - {"text", "scenes"}
_PROJECT = set(BundledProject.model_fields)


@dataclass(frozen=True)
class Kept:
    """A stored picture for the new project."""

    key: str
    sha256: str
    media_type: str
    width: int
    height: int
    bytes: int


async def gather(session: AsyncSession, project: Project) -> tuple[Bundle, dict[str, Image]]:
    """The project as it is now, and the rows of its pictures by their hashes.

    Composed pages and built files are left out: they are made again from the rest, at no cost.
    """
    found = {image.id: image for image in await bundled.rows_of(session, Image, project.id)}
    hashes = {id: image.sha256 for id, image in found.items()}
    attached = bundled.attached_to(await bundled.rows_of(session, Attachment, project.id), hashes)
    drafts: dict[UUID, list[Draft]] = {}
    for draft in sorted(await bundled.rows_of(session, Draft, project.id), key=lambda one: one.ordinal):
        drafts.setdefault(draft.panel_id, []).append(draft)
    words: dict[UUID, list[dict[str, Any]]] = {}
    for one_of in sorted(await bundled.rows_of(session, Translation, project.id), key=lambda one: one.language):
        words.setdefault(one_of.panel_id, []).append(one_of.model_dump(include=_WORDS))
    panels: dict[UUID, list[BundledPanel]] = {}
    for panel in sorted(await bundled.rows_of(session, Panel, project.id), key=lambda one: one.position):
        mine = drafts.get(panel.id, [])
        values = {
            **panel.model_dump(include=_PANEL),
            "selected": next((one.ordinal for one in mine if one.id == panel.selected_draft_id), None),
            "frame": panel.frame or None,
            "translations": words.get(panel.id, []),
            "drafts": [_drafted(one, mine, hashes[one.image_id]) for one in mine],
            "attached": attached.get(panel.id, []),
        }
        panels.setdefault(panel.scene_id, []).append(BundledPanel.model_validate(values))
    scenes: dict[UUID, list[BundledScene]] = {}
    for scene in sorted(await bundled.rows_of(session, Scene, project.id), key=lambda one: one.position):
        values = {**scene.model_dump(include=_SCENE), "panels": panels.get(scene.id, [])}
        scenes.setdefault(scene.chapter_id, []).append(BundledScene.model_validate(values))
    chapters = sorted(await bundled.rows_of(session, Chapter, project.id), key=lambda one: one.position)
    # Not validated yet: its pictures are added below.
    bundle = Bundle.model_construct(
        project=BundledProject.model_validate(project.model_dump(include=_PROJECT)),
        instructions=bundled.instructions(await bundled.rows_of(session, ProjectInstruction, project.id)),
        characters=[
            bundled.bundled_character(who, _CHARACTER, hashes, attached)
            for who in await bundled.rows_of(session, Character, project.id)
        ],
        locations=[
            bundled.bundled_location(one, hashes, attached)
            for one in await bundled.rows_of(session, Location, project.id)
        ],
        chapters=[
            BundledChapter.model_validate(
                {**one.model_dump(include=_CHAPTER), "text": one.source_text, "scenes": scenes.get(one.id, [])}
            )
            for one in chapters
        ],
    )
    wanted = bundle.shown() | {image.sha256 for image in found.values() if image.origin == "uploaded"}
    images = {image.sha256: image for image in found.values() if image.sha256 in wanted}
    return Bundle.model_validate({**dict(bundle), "pictures": bundled.pictures(images.values())}), images


async def create_project(
    session: AsyncSession, owner_id: UUID, project_id: UUID, bundle: Bundle, kept: Mapping[str, Kept]
) -> Project:
    """Create a project with everything in the bundle; `kept` maps the bundle's hashes to the stored pictures."""
    project = Project(id=project_id, owner_id=owner_id, **bundle.project.model_dump(mode="json"))
    session.add(project)
    await session.flush()
    # Two pictures of a bundle may have the same content once stored.
    images: dict[str, UUID] = {}
    by_content: dict[str, UUID] = {}
    for picture in bundle.pictures:
        stored = kept[picture.sha256]
        if stored.sha256 not in by_content:
            values = picture.model_dump(mode="json", include={"origin", "name", "boxes", "parameters"})
            row = Image(project_id=project_id, **values, **vars(stored))
            session.add(row)
            by_content[stored.sha256] = row.id
        images[picture.sha256] = by_content[stored.sha256]
    await session.flush()
    for position, one in enumerate(bundle.instructions):
        session.add(ProjectInstruction(project_id=project_id, position=position, kind=one.kind, body=one.body))

    def attach(attached: Sequence[Attached], **target: Any) -> list[Attachment]:
        return [
            Attachment(project_id=project_id, image_id=images[one.picture], role=one.role, **target) for one in attached
        ]

    later: list[SQLModel] = []
    for who in bundle.characters:
        character = Character(
            project_id=project_id,
            name_key=who.name.casefold(),
            sheet_image_id=images[who.sheet] if who.sheet else None,
            profile=who.profile,
            **who.model_dump(mode="json", include=_CHARACTER - {"profile"}),
        )
        session.add(character)
        later += attach(who.attached, character_id=character.id)
    for place in bundle.locations:
        location = Location(
            project_id=project_id,
            name=place.name,
            name_key=place.name.casefold(),
            description=place.description,
            sheet_image_id=images[place.sheet] if place.sheet else None,
        )
        session.add(location)
        later += attach(place.attached, location_id=location.id)
    chapters: list[SQLModel] = []
    scenes: list[SQLModel] = []
    panels: list[Panel] = []
    drafts: list[SQLModel] = []
    selected: list[tuple[Panel, UUID]] = []
    for position, chapter in enumerate(bundle.chapters):
        values = chapter.model_dump(mode="json", include=_CHAPTER)
        row_of = Chapter(project_id=project_id, position=position, source_text=chapter.text, **values)
        chapters.append(row_of)
        for number, scene in enumerate(chapter.scenes):
            values = scene.model_dump(mode="json", include=_SCENE)
            in_scene = Scene(project_id=project_id, chapter_id=row_of.id, position=number, **values)
            scenes.append(in_scene)
            for place_of, bundled_panel in enumerate(scene.panels):
                values = bundled_panel.model_dump(mode="json", include=_PANEL)
                values["frame"] = bundled_panel.frame.model_dump() if bundled_panel.frame else {}
                panel = Panel(project_id=project_id, scene_id=in_scene.id, position=place_of, **values)
                panels.append(panel)
                later += attach(bundled_panel.attached, panel_id=panel.id)
                later += [
                    Translation(project_id=project_id, panel_id=panel.id, **one.model_dump(mode="json"))
                    for one in bundled_panel.translations
                ]
                ids = {one_of.ordinal: new_id() for one_of in bundled_panel.drafts}
                for one_of in bundled_panel.drafts:
                    values = one_of.model_dump(include=_DRAFT)
                    draft = Draft(
                        id=ids[one_of.ordinal],
                        parent_id=None if one_of.parent is None else ids[one_of.parent],
                        project_id=project_id,
                        panel_id=panel.id,
                        image_id=images[one_of.picture],
                        **values,
                    )
                    drafts.append(draft)
                    if one_of.ordinal == bundled_panel.selected:
                        selected.append((panel, draft.id))
    for some in (chapters, scenes, panels, drafts, later):
        session.add_all(some)
        await session.flush()
    for panel, draft_id in selected:
        panel.selected_draft_id = draft_id
    session.add_all(panels)
    await session.flush()
    await session.refresh(project)
    return project


def _drafted(draft: Draft, sisters: Sequence[Draft], picture: str) -> dict[str, Any]:
    """A draft as it is bundled. Its parent is one of `sisters`, the panel's drafts."""
    parent = next((sister.ordinal for sister in sisters if sister.id == draft.parent_id), None)
    return {**draft.model_dump(include=_DRAFT), "picture": picture, "parent": parent}
