"""What characters wear when a scene begins, and the outfits that its summary states: stored with the characters, and
named by the scene.

Changes in earlier scenes are read from their text, by rules, and never from their summaries: scenes are written
concurrently, and a call that is repeated after a crash must be the same.
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
from engine.processes.pool import shared
from engine.reading.people.clothing import changes, clothing_sentences, outfits_after
from engine.store.panels import aliases_of
from engine.tasks.summary.task import Wearing
from models.tables import Character, Scene
from models.tables.columns import table

# At most this many sentences about clothes go into the question: the last ones before the scene.
_MOST_SENTENCES = 12
# At most this many earlier scenes are read: a change of clothes before them is forgotten.
_MOST_SCENES = 200

# Characters that are read within a second, whatever they are, and the CPU seconds for the most that there may be.
_SHORT, _SECONDS = 50_000, 120

_SCENES = table(Scene)
# The text of earlier scenes of a chapter that mention clothes, the nearest first.
_DRESSED = (
    select(_SCENES.c.sentences)
    .where(
        _SCENES.c.chapter_id == bindparam("chapter"),
        _SCENES.c.position < bindparam("position"),
        # Only scenes that mention clothes leave the database.
        cast(_SCENES.c.sentences, Text).regexp_match(rf"\m({'|'.join(sorted(GARMENTS))})\M", flags="i"),
    )
    .order_by(_SCENES.c.position.desc())
    .limit(_MOST_SCENES)
)


async def clothes_before(
    session: AsyncSession, scene: Scene, cast_members: Sequence[Character]
) -> tuple[list[str], dict[str, str]]:
    """The sentences of the chapter's earlier scenes about changes of clothes, and the resulting outfits by name."""
    values = {"chapter": scene.chapter_id, "position": scene.position}
    earlier = (await execute(session, _DRESSED, values)).scalars().all()[::-1]
    if not earlier:
        return [], {}
    names, aliases = [member.name for member in cast_members], aliases_of(cast_members)
    if sum(len(sentence) for sentences in earlier for sentence in sentences) <= _SHORT:
        return await asyncio.to_thread(_read, earlier, names, aliases)
    return await shared().run(_read, earlier, names, aliases, seconds=_SECONDS, doing="Reading earlier scenes")


def _read(
    scenes: Sequence[Sequence[str]], names: list[str], aliases: dict[str, list[str]]
) -> tuple[list[str], dict[str, str]]:
    said: list[str] = []
    state: dict[str, str] = {}
    for sentences in scenes:
        said += clothing_sentences(sentences)
        state = outfits_after(state, changes(sentences, names, aliases))
    return said[-_MOST_SENTENCES:], state


async def store_outfits(session: AsyncSession, scene: Scene, outfits: Iterable[Wearing]) -> None:
    """Store what characters wear in a scene: the outfits with the characters, their names with the scene."""
    if "outfits" in scene.manual_edits:
        return
    stated = {wearing.character: wearing for wearing in outfits}
    query = (
        select_rows(Character)
        .where(Character.project_id == scene.project_id, col(Character.name).in_(stated))
        # By id: two scenes that dress the same characters lock them in the same order.
        .order_by(col(Character.id))
        .with_for_update()
    )
    people = {character.name: character for character in (await session.exec(query)).all()} if stated else {}
    worn: dict[str, str] = {}
    for name, wearing in stated.items():
        character = people.get(name)
        profile = character.profile if character is not None else None
        outfit = outfit_noted(profile, wearing.clothes, wearing.quote)
        if outfit is None:
            continue
        worn[name] = outfit.name
        if character is not None and profile is not None and outfit not in profile.outfits:
            character.profile = profile.model_copy(update={"outfits": [*profile.outfits, outfit]})
            session.add(character)
    scene.outfits = worn
