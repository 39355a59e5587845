"""What a scene begins with in clothes, and what its own statement becomes: outfits of characters, named by the scene.

What earlier scenes say is read from their text, by rules, and never from what their writers answered: scenes are
written side by side, and whoever asks again after a crash must ask the same.
"""

import asyncio
from collections.abc import Iterable, Sequence

from sqlalchemy import Text, bindparam, cast, select
from sqlmodel import col
from sqlmodel import select as select_rows
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.cast.outfits import outfit_noted
from engine.cast.vocabulary import GARMENTS
from engine.db.session import execute
from engine.reading.people.clothing import changes, clothing_sentences, outfits_after
from engine.store.panels import aliases_of
from engine.tasks.summary.task import Wearing
from models.tables import Character, Scene
from models.tables.columns import table

# So many sentences about clothes are told of, the last ones before the scene.
_MOST_TOLD = 12
# So many scenes back: who changed before that is in what they always wear.
_MOST_SCENES = 200

_SCENES = table(Scene)
_DRESSED = (
    select(_SCENES.c.sentences)
    .where(
        _SCENES.c.chapter_id == bindparam("chapter"),
        _SCENES.c.position < bindparam("position"),
        # Only scenes that speak of clothes leave the database.
        cast(_SCENES.c.sentences, Text).regexp_match(rf"\m({'|'.join(sorted(GARMENTS))})\M", flags="i"),
    )
    .order_by(_SCENES.c.position.desc())
    .limit(_MOST_SCENES)
)


async def before(
    session: AsyncSession, scene: Scene, everybody: Sequence[Character]
) -> tuple[list[str], dict[str, str]]:
    """What earlier scenes of the chapter tell of changes of clothes, and who therefore wears what, by name."""
    values = {"chapter": scene.chapter_id, "position": scene.position}
    earlier = (await execute(session, _DRESSED, values)).scalars().all()[::-1]
    if not earlier:
        return [], {}
    return await asyncio.to_thread(_read, earlier, [who.name for who in everybody], aliases_of(everybody))


def _read(
    scenes: Sequence[Sequence[str]], names: list[str], aliases: dict[str, list[str]]
) -> tuple[list[str], dict[str, str]]:
    said: list[str] = []
    state: dict[str, str] = {}
    for sentences in scenes:
        said += clothing_sentences(sentences)
        state = outfits_after(state, changes(sentences, names, aliases))
    return said[-_MOST_TOLD:], state


async def note(session: AsyncSession, scene: Scene, outfits: Iterable[Wearing]) -> None:
    """Keep what people wear in a scene: the outfits with the characters, their names with the scene."""
    if "outfits" in scene.manual_edits:
        return
    named = {one.character: one for one in outfits}
    query = (
        select_rows(Character)
        .where(Character.project_id == scene.project_id, col(Character.name).in_(named))
        # By id: two scenes that dress the same people lock them in the same order.
        .order_by(col(Character.id))
        .with_for_update()
    )
    people = {who.name: who for who in (await session.exec(query)).all()} if named else {}
    worn: dict[str, str] = {}
    for name, one in named.items():
        who = people.get(name)
        profile = who.profile if who is not None else None
        outfit = outfit_noted(profile, one.clothes, one.quote)
        if outfit is None:
            continue
        worn[name] = outfit.name
        if who is not None and profile is not None and outfit not in profile.outfits:
            who.profile = profile.model_copy(update={"outfits": [*profile.outfits, outfit]})
            session.add(who)
    scene.outfits = worn
