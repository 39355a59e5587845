"""Which stored pictures go with a panel, so that people and places stay themselves: who is in them, in what order.

A picture that people brought counts before the one that was drawn. The first picture of everybody on stage comes
first, then what was attached to the panel, then the place, then further pictures of each: whoever takes fewer has
something of everybody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.blocking import across, blocking_of
from engine.images import ImageRequest, Of, Picture
from engine.images.fitting import accompanied
from engine.providers.registry import Draws
from engine.storage import Storage
from engine.store.places import place_of
from models.story import Attributes, PanelData
from models.tables import Attachment, Character, Image, Location, Panel
from models.tables.uploads import AttachmentRole

# So many pictures of one person, of one place, and of one panel.
_MOST_OF_ONE = 3
_MOST_OF_A_PLACE = 1
_LOOKS = AttachmentRole.REFERENCE
# What is drawn of a character or a place has no role of its own.
_SHEET = "sheet"


@dataclass(frozen=True)
class Stored:
    """A picture that may go with a panel, and under which key its bytes lie."""

    picture: Picture
    key: str


async def of_panel(
    session: AsyncSession, panel: Panel, data: PanelData, cast: Sequence[Character], uses: Iterable[Draws]
) -> list[Stored]:
    """The pictures that go with a panel, the most important first; none where no artist has a use for them."""
    if not any(draws.references or draws.controls for draws in uses):
        return []
    people = people_of(data.characters, cast)
    place = await place_of(session, panel.project_id, data.place)
    uploaded = await _attached(session, [one.id for one in people.values()], place, panel)
    drawn = await _drawn(session, [one for one in (*people.values(), place) if one is not None])
    return arranged(data, people, place, panel.id, uploaded | drawn)


def arranged(
    data: PanelData,
    people: Mapping[str, Character],
    place: Location | None,
    panel_id: UUID,
    pictures: Mapping[tuple[UUID, str], Sequence[Image]],
) -> list[Stored]:
    """The pictures that go with a panel, in their order, out of all there are: by what they belong to, and as what."""
    where = blocking_of([one.name for one in data.characters])
    parts = across([one.name for one in data.characters])
    shown: list[list[Stored]] = []
    for who in data.characters:
        character = people.get(who.name)
        if character is not None:
            words = ", ".join(filter(None, (who.name, where.get(who.name, ""), _otherwise(who, character))))
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
    """The pictures that people brought of somebody or some place, else the one that was drawn."""
    return pictures.get((of.id, _LOOKS)) or pictures.get((of.id, _SHEET)) or []


def given(request: ImageRequest, draws: Draws, stored: Iterable[Stored]) -> ImageRequest:
    """The request with the pictures that an artist takes, by their hashes."""
    return accompanied(request, [entry.picture for entry in stored], draws)


def taken(draws: Draws, stored: Iterable[Stored]) -> list[str]:
    """The SHA-256 of the pictures that an artist would be shown: what its picture of a panel depends on."""
    bare = ImageRequest(model="", prompt="", negative="", width=0, height=0, seed=0)
    request = given(bare, draws, stored)
    return [*(one.sha256 for one in request.references), *(unit.picture.sha256 for unit in request.control)]


async def fetched(storage: Storage, request: ImageRequest, stored: Iterable[Stored]) -> ImageRequest:
    """The request with the bytes of its pictures. Raises `StorageError` where they cannot be read."""
    keys = {one.picture.sha256: one.key for one in stored}

    async def whole(picture: Picture) -> Picture:
        return picture if picture.data else replace(picture, data=await storage.get(keys[picture.sha256]))

    return replace(
        request,
        references=tuple([await whole(one) for one in request.references]),
        control=tuple([replace(one, picture=await whole(one.picture)) for one in request.control]),
    )


async def brought(session: AsyncSession, characters: Sequence[UUID]) -> set[UUID]:
    """Those of the characters of whom people brought pictures: then none has to be drawn."""
    query = select(Attachment.character_id).where(
        col(Attachment.character_id).in_(characters), Attachment.role == _LOOKS
    )
    return {one for one in (await session.exec(query.distinct())).all() if one is not None}


def people_of(on_stage: Iterable[Attributes], cast: Sequence[Character]) -> dict[str, Character]:
    """Who of the cast is on stage, by the name that the panel has for them."""
    known = {name.casefold(): who for who in reversed(cast) for name in (*who.aliases, who.name)}
    return {one.name: known[one.name.casefold()] for one in on_stage if one.name.casefold() in known}


def _otherwise(who: Attributes, character: Character) -> str:
    """What in the pictures of somebody is not so here: they show what is always worn."""
    usual = character.profile.clothes if character.profile else ""
    return "" if who.clothes == usual else "in other clothes than there: those of the text"


async def _attached(
    session: AsyncSession, people: Sequence[UUID], place: Location | None, panel: Panel
) -> dict[tuple[UUID, str], list[Image]]:
    """Pictures that people attached, by what to and in which role, the oldest first."""
    to: list[ColumnElement[bool]] = [col(Attachment.character_id).in_(people), col(Attachment.panel_id) == panel.id]
    if place is not None:
        to.append(col(Attachment.location_id) == place.id)
    query = (
        select(Attachment, Image)
        .join(Image, col(Image.id) == col(Attachment.image_id))
        .where(Attachment.role != AttachmentRole.MASK, or_(*to))
        .order_by(col(Attachment.id))
    )
    found: dict[tuple[UUID, str], list[Image]] = {}
    for one, image in (await session.exec(query)).all():
        target = one.character_id or one.location_id or one.panel_id
        if target is not None:
            found.setdefault((target, one.role), []).append(image)
    return found


async def _drawn(session: AsyncSession, rows: Iterable[Character | Location]) -> dict[tuple[UUID, str], list[Image]]:
    """The sheets of people and places, by whose they are."""
    sheets = {one.sheet_image_id: one.id for one in rows if one.sheet_image_id is not None}
    if not sheets:
        return {}
    found = (await session.exec(select(Image).where(col(Image.id).in_(sheets)))).all()
    return {(sheets[image.id], _SHEET): [image] for image in found}


def _stored(image: Image, of: Of, shows: str, part: tuple[float, float] = (0.0, 1.0)) -> Stored:
    return Stored(Picture(b"", image.media_type, image.sha256, of, shows, part), image.key)
