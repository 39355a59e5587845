"""Series bibles: built from a project's rows, and imported into another project."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Text, case, func
from sqlalchemy import cast as cast_to
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.store import bundled, cast, editing, uploads
from engine.store.events import emit
from engine.store.generations import refuse_while_open
from engine.store.scope import Scope
from models.bundle import (
    Attached,
    Bundle,
    BundledCharacter,
    BundledLocation,
    BundledProject,
    BundledTold,
)
from models.events import EventType
from models.tables import Attachment, Chapter, Character, Image, Location, Project, ProjectInstruction

_CHARACTER = {"name", "aliases", "profile", "sheet_made_from"}
# At most this many earlier chapters, the latest ones.
MOST_ITEMS = 2_000


@dataclass
class ItemsByKind:
    """The items of a bible that were handled alike: names, and counts of items without a name."""

    characters: list[str] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    instructions: int = 0
    chapters: int = 0
    style: bool = False


@dataclass
class ImportReport:
    """What an import added, replaced and left. `kept` is what the project already had and keeps."""

    added: ItemsByKind = field(default_factory=ItemsByKind)
    replaced: ItemsByKind = field(default_factory=ItemsByKind)
    kept: ItemsByKind = field(default_factory=ItemsByKind)


async def gather(session: AsyncSession, project: Project) -> tuple[Bundle, dict[str, Image]]:
    """The project's series bible, as a project file without chapters, and the rows of its pictures by their hashes."""
    characters = await bundled.rows_of(session, Character, project.id)
    locations = await bundled.rows_of(session, Location, project.id)
    attachments = [one for one in await bundled.rows_of(session, Attachment, project.id) if one.panel_id is None]
    sheets = [one.sheet_image_id for one in (*characters, *locations) if one.sheet_image_id is not None]
    wanted = {*sheets, *(one.image_id for one in attachments)}
    images = (await session.exec(select(Image).where(col(Image.id).in_(wanted)))).all()
    hashes = {image.id: image.sha256 for image in images}
    attached = bundled.attached_to(attachments, hashes)
    bundle = Bundle(
        project=BundledProject(
            title=project.title,
            description=project.description,
            style=project.style,
            series=await chapters_so_far(session, project),
        ),
        instructions=bundled.instructions(await bundled.rows_of(session, ProjectInstruction, project.id)),
        characters=[bundled.bundled_character(character, _CHARACTER, hashes, attached) for character in characters],
        locations=[bundled.bundled_location(one, hashes, attached) for one in locations],
        pictures=bundled.pictures(images),
    )
    return bundle, {image.sha256: image for image in images}


async def chapters_so_far(session: AsyncSession, project: Project) -> list[BundledTold]:
    """The chapters before the project, and its own chapters that have been outlined."""
    before = [BundledTold.model_validate(chapter) for chapter in project.series]
    return [*before, *await _own_chapters(session, project.id)][-MOST_ITEMS:]


async def _own_chapters(session: AsyncSession, project_id: UUID) -> list[BundledTold]:
    """The project's own chapters. The same text generated with other options counts once; every script counts."""
    text = case((col(Chapter.source_text) != "", func.md5(Chapter.source_text)), else_=cast_to(col(Chapter.id), Text))
    query = (
        select(Chapter.title, Chapter.summary, Chapter.threads, text)
        .where(Chapter.project_id == project_id, Chapter.summary != "")
        .order_by(col(Chapter.position))
    )
    rows = (await session.exec(query)).all()
    chapters = {
        text: BundledTold(title=title, summary=summary, threads=threads) for title, summary, threads, text in rows
    }
    return list(chapters.values())


async def import_bible(
    session: AsyncSession,
    scope: Scope,
    project_id: UUID,
    bundle: Bundle,
    *,
    replace: bool,
    images: Mapping[str, UUID] | None = None,
) -> ImportReport:
    """Import a bible into a project; `images` maps the hashes of its pictures to ids in the project.

    What the project already has stays, or with `replace` is overwritten by the bible. Its chapters are not touched.
    Raises `Conflict` while something in the project is being generated.
    """
    project = await editing.open_project(session, scope, project_id)
    report, shown = ImportReport(), images or {}
    people = [_character_values(who, shown) for who in bundle.characters]
    places = [_location_values(one, shown) for one in bundle.locations]
    new: list[SQLModel] = []
    changed: list[tuple[SQLModel, list[str]]] = []
    for model, things, part in ((Character, people, "characters"), (Location, places, "locations")):
        there = await _existing(session, model, project_id, [thing.name for thing in things])
        for thing in things:
            row = there.get(thing.name.casefold())
            became = report.kept
            if row is None:
                row, became = (
                    model(project_id=project_id, **cast.name_columns(thing.name), **thing.values),
                    report.added,
                )
                await _insert(session, row)
                new.append(row)
            elif replace and (fields := _write_changes(row, thing.values)):
                became = report.replaced
                changed.append((row, fields))
            getattr(became, part).append(row.name)
            if became is not report.kept:
                for attachment in _attachments(row, thing.attached, shown):
                    await uploads.attach(session, attachment)
    new += await _instructions(session, project_id, bundle, report)
    # The project's row is locked after all others.
    await refuse_while_open(session, project_id=project_id)
    await session.refresh(project)
    if fields := await _project(session, project, bundle, report, replace):
        await emit(session, project_id, None, EventType.PROJECT_CHANGED, {"fields": fields}, actor=scope.actor)
    await editing.announce(session, scope, new)
    for row, fields in changed:
        data = {"fields": fields, "version": row.version}  # type: ignore[attr-defined]  # characters and locations have it
        await editing.tell(session, scope, row, "changed", data)
    return report


@dataclass(frozen=True)
class _Thing:
    """A character or a location of a bible, as columns."""

    name: str
    values: dict[str, Any]
    attached: Sequence[Attached]


def _character_values(who: BundledCharacter, images: Mapping[str, UUID]) -> _Thing:
    values: dict[str, Any] = {"aliases": list(who.aliases)}
    if who.profile is not None:
        # A manual edit: no text of a later book replaces it.
        looks = who.profile.model_dump(exclude={"name", "aliases"})
        values |= {"profile": cast.profile(who.name, who.aliases, looks), "manual_edits": ["profile"]}
    if who.sheet is not None and who.sheet in images:
        values |= {"sheet_image_id": images[who.sheet], "sheet_made_from": who.sheet_made_from}
    return _Thing(who.name, values, who.attached)


def _location_values(location: BundledLocation, images: Mapping[str, UUID]) -> _Thing:
    values: dict[str, Any] = {"description": location.description} if location.description else {}
    if location.sheet is not None and location.sheet in images:
        values["sheet_image_id"] = images[location.sheet]
    return _Thing(location.name, values, location.attached)


async def _existing(session: AsyncSession, model: type[Any], project_id: UUID, names: Sequence[str]) -> dict[str, Any]:
    """The rows with these names, locked by id, the order that all code keeps."""
    keys = [name.casefold() for name in names]
    mine = select(model).where(model.project_id == project_id, model.name_key.in_(keys))
    rows = await session.exec(mine.order_by(model.id).with_for_update(key_share=True))
    return {row.name_key: row for row in rows.all()}


async def _insert(session: AsyncSession, row: SQLModel) -> None:
    """Insert a row. Raises `Conflict` if its name was added concurrently."""
    async with cast.unique_name():
        session.add(row)
        await session.flush()


def _write_changes(row: Any, values: Mapping[str, Any]) -> list[str]:
    """Write the values; returns the names of the columns that changed."""
    different = [name for name, value in values.items() if name != "manual_edits" and getattr(row, name) != value]
    if different:
        for name in different:
            setattr(row, name, values[name])
        if "manual_edits" in values:
            row.manual_edits = sorted({*row.manual_edits, *values["manual_edits"]})
        row.version += 1
    return different


def _attachments(row: Any, attached: Sequence[Attached], images: Mapping[str, UUID]) -> list[Attachment]:
    target = {"character_id" if isinstance(row, Character) else "location_id": row.id}
    return [
        Attachment.model_validate(
            {"project_id": row.project_id, "image_id": images[picture.picture], "role": picture.role, **target}
        )
        for picture in attached
        if picture.picture in images
    ]


async def _instructions(
    session: AsyncSession, project_id: UUID, bundle: Bundle, report: ImportReport
) -> list[SQLModel]:
    """Add the bible's new instructions after the existing ones."""
    query = select(ProjectInstruction.kind, ProjectInstruction.body).where(ProjectInstruction.project_id == project_id)
    existing = set((await session.exec(query)).all())
    new: list[SQLModel] = [
        ProjectInstruction(project_id=project_id, position=0, kind=instruction.kind, body=instruction.body)
        for instruction in bundle.instructions
        if (instruction.kind, instruction.body) not in existing
    ]
    if new:
        await editing.insert_rows(session, new)
    report.added.instructions, report.kept.instructions = len(new), len(bundle.instructions) - len(new)
    return new


async def _project(
    session: AsyncSession, project: Project, bundle: Bundle, report: ImportReport, replace: bool
) -> list[str]:
    """Update style and earlier chapters in the project's row, which is locked; returns the names of the changed
    fields.
    """
    fields: list[str] = []
    style = bundle.project.style
    if style and style != project.style and (replace or not project.style):
        (report.replaced if project.style else report.added).style = True
        project.style = style
        fields.append("style")
    else:
        report.kept.style = bool(style)
    # A project that imports its own bible ignores its own chapters.
    own = await _own_chapters(session, project.id)
    news = [told_chapter.model_dump(mode="json") for told_chapter in bundle.project.series if told_chapter not in own]
    report.kept.chapters = len(bundle.project.series)
    if news and news != project.series and (replace or not project.series):
        (report.replaced if project.series else report.added).chapters = len(news)
        report.kept.chapters -= len(news)
        project.series = news
        fields.append("series")
    if fields:
        project.version += 1
        session.add(project)
        await session.flush()
    return fields
