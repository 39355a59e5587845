"""Which stored pictures accompany a panel, so that characters and locations look the same everywhere, and their
order.

A picture that people attached is preferred to a drawn one. The first picture of every character on stage comes first,
then the panel's own attachments, then the location, then further pictures of each character: an artist that takes
fewer pictures still has one of each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.blocking import across, blocking_of
from engine.images import ImageRequest, Of, Picture
from engine.images.fitting import accompanied
from engine.providers.registry import Draws
from engine.storage import Storage
from engine.store.places import places_of
from models.story import Attributes, PanelData
from models.tables import Attachment, Character, Image, Location, Panel
from models.tables.uploads import AttachmentRole

# The most pictures of one character, of one location, and of one panel.
_MOST_OF_ONE = 3
_MOST_OF_A_PLACE = 1
_LOOKS = AttachmentRole.REFERENCE
# A drawn reference sheet of a character or a location has no role of its own.
_SHEET = "sheet"


@dataclass(frozen=True)
class Stored:
    """A picture that may accompany a panel, and its storage key."""

    picture: Picture
    key: str


async def of_panel(
    session: AsyncSession, panel: Panel, data: PanelData, cast: Sequence[Character], uses: Iterable[Draws]
) -> list[Stored]:
    """The pictures that accompany a panel, the most important first; none if no artist uses any."""
    return (await of_panels(session, panel.project_id, [(panel, data)], cast, uses))[panel.id]


async def of_panels(
    session: AsyncSession,
    project_id: UUID,
    panels: Sequence[tuple[Panel, PanelData]],
    cast: Sequence[Character],
    uses: Iterable[Draws],
) -> dict[UUID, list[Stored]]:
    """The same for panels of one project, with as many queries as for one."""
    if not panels or not any(draws.references or draws.controls for draws in uses):
        return {panel.id: [] for panel, _ in panels}
    known = by_name(cast)
    people = {panel.id: people_of(data.characters, known) for panel, data in panels}
    places = await places_of(session, project_id, dict.fromkeys(data.place for _, data in panels))
    shown = {character.id: character for mine in people.values() for character in mine.values()}
    around = {place.id: place for place in places.values() if place is not None}
    uploaded = await _attached(session, shown, around, [panel.id for panel, _ in panels])
    drawn = await _drawn(session, [*shown.values(), *around.values()])
    pictures = uploaded | drawn
    return {
        panel.id: arranged(data, people[panel.id], places[data.place], panel.id, pictures) for panel, data in panels
    }


def arranged(
    data: PanelData,
    people: Mapping[str, Character],
    place: Location | None,
    panel_id: UUID,
    pictures: Mapping[tuple[UUID, str], Sequence[Image]],
) -> list[Stored]:
    """The pictures that accompany a panel, in order. `pictures` has all of them by the id of their subject and their
    role.
    """
    where = blocking_of([one.name for one in data.characters])
    parts = across([one.name for one in data.characters])
    shown: list[list[Stored]] = []
    for who in data.characters:
        character = people.get(who.name)
        if character is not None:
            words = ", ".join(filter(None, (who.name, where.get(who.name, ""), _other_clothes(who, character))))
            images = _looks(character, pictures)[:_MOST_OF_ONE]
            shown.append([_stored(one, "character", words, parts[who.name]) for one in images])
    own = [_stored(one, "panel", "how this picture should look") for one in pictures.get((panel_id, _LOOKS), [])]
    led = [_stored(one, "control", "") for one in pictures.get((panel_id, AttachmentRole.CONTROL), [])]
    around: list[Stored] = []
    if place is not None:
        images = _looks(place, pictures)[:_MOST_OF_A_PLACE]
        around = [_stored(one, "place", f"the place: {place.name}") for one in images]
    first = [one for mine in shown for one in mine[:1]]
    further = [mine[turn] for turn in range(1, _MOST_OF_ONE) for mine in shown if len(mine) > turn]
    return [*first, *own[:_MOST_OF_ONE], *around, *further, *led]


def _looks(of: Character | Location, pictures: Mapping[tuple[UUID, str], Sequence[Image]]) -> Sequence[Image]:
    """The pictures that people attached of a character or a location, else its reference sheet."""
    return pictures.get((of.id, _LOOKS)) or pictures.get((of.id, _SHEET)) or []


def with_references(request: ImageRequest, draws: Draws, stored: Iterable[Stored]) -> ImageRequest:
    """The request with the pictures that an artist takes, by their hashes."""
    return accompanied(request, [entry.picture for entry in stored], draws)


def reference_hashes(draws: Draws, stored: Iterable[Stored]) -> list[str]:
    """The SHA-256 of the pictures that an artist would get: its picture of a panel depends on them."""
    bare = ImageRequest(model="", prompt="", negative="", width=0, height=0, seed=0)
    request = with_references(bare, draws, stored)
    return [*(one.sha256 for one in request.references), *(unit.picture.sha256 for unit in request.control)]


async def with_bytes(storage: Storage, request: ImageRequest, stored: Iterable[Stored]) -> ImageRequest:
    """The request with the bytes of its pictures. Raises `StorageError` if they cannot be read."""
    keys = {entry.picture.sha256: entry.key for entry in stored}

    async def whole(picture: Picture) -> Picture:
        return picture if picture.data else replace(picture, data=await storage.get(keys[picture.sha256]))

    return replace(
        request,
        references=tuple([await whole(entry) for entry in request.references]),
        control=tuple([replace(entry, picture=await whole(entry.picture)) for entry in request.control]),
    )


async def with_uploads(session: AsyncSession, characters: Sequence[UUID]) -> set[UUID]:
    """The characters with attached pictures: they need no reference sheet."""
    query = select(Attachment.character_id).where(
        col(Attachment.character_id).in_(characters), Attachment.role == _LOOKS
    )
    return {character_id for character_id in (await session.exec(query.distinct())).all() if character_id is not None}


def by_name(cast: Sequence[Character]) -> dict[str, Character]:
    """The cast by casefolded names and aliases; the first to have a name keeps it."""
    return {name.casefold(): character for character in reversed(cast) for name in (*character.aliases, character.name)}


def people_of(on_stage: Iterable[Attributes], known: Mapping[str, Character]) -> dict[str, Character]:
    """The characters on stage, by the names that the panel uses."""
    return {
        attributes.name: known[attributes.name.casefold()]
        for attributes in on_stage
        if attributes.name.casefold() in known
    }


def _other_clothes(who: Attributes, character: Character) -> str:
    """How a character's clothes differ from its pictures, which show the usual ones."""
    usual = character.profile.clothes if character.profile else ""
    return "" if who.clothes == usual else "in other clothes than there: those of the text"


async def _attached(
    session: AsyncSession, people: Iterable[UUID], places: Iterable[UUID], panels: Iterable[UUID]
) -> dict[tuple[UUID, str], list[Image]]:
    """The attached pictures by the id of their subject and their role, the oldest first."""
    query = (
        select(Attachment, Image)
        .join(Image, col(Image.id) == col(Attachment.image_id))
        .where(
            Attachment.role != AttachmentRole.MASK,
            or_(
                col(Attachment.character_id).in_(people),
                col(Attachment.location_id).in_(places),
                col(Attachment.panel_id).in_(panels),
            ),
        )
        .order_by(col(Attachment.id))
    )
    images: dict[tuple[UUID, str], list[Image]] = {}
    for attachment, image in (await session.exec(query)).all():
        target = attachment.character_id or attachment.location_id or attachment.panel_id
        if target is not None:
            images.setdefault((target, attachment.role), []).append(image)
    return images


async def _drawn(session: AsyncSession, rows: Iterable[Character | Location]) -> dict[tuple[UUID, str], list[Image]]:
    """The reference sheets of characters and locations, by the ids of their subjects."""
    sheets = {row.sheet_image_id: row.id for row in rows if row.sheet_image_id is not None}
    if not sheets:
        return {}
    images = (await session.exec(select(Image).where(col(Image.id).in_(sheets)))).all()
    return {(sheets[image.id], _SHEET): [image] for image in images}


def _stored(image: Image, of: Of, shows: str, part: tuple[float, float] = (0.0, 1.0)) -> Stored:
    return Stored(Picture(b"", image.media_type, image.sha256, of, shows, part), image.key)
