"""Turns the outlines of a text's windows, or a script, into rows: scenes, cast, locations and the plan of the work."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.digest import digest
from engine.errors import BadInput
from engine.reading import heading_text, is_heading, is_separator, paragraph_of
from engine.store.arranging import Outline, arrange
from engine.store.panels import cast_of
from engine.store.progress import outline_step, pages_step, plan, translation_step
from engine.tasks.outline.task import Out
from engine.tasks.outline.windows import panel_quotas
from models.ids import new_id
from models.options import GenerationOptions
from models.runs import ChapterRun
from models.script import MAX_SCENES, Script
from models.story import Profile
from models.tables import Chapter, Character, Location, Panel, Scene
from models.tables.story import PanelState, SceneState


@dataclass(frozen=True)
class StoredOutline:
    """The ids of an outline's characters, by name, and whether its scenes are unchanged."""

    character_ids: Mapping[str, UUID]
    unchanged: bool


async def plan_chapter(session: AsyncSession, generation_id: UUID, windows: int, options: GenerationOptions) -> None:
    """The first plan of a chapter's generation: shares of the whole by kind of work."""
    shares = {outline_step(window): 0.04 / windows for window in range(windows)} if windows else {outline_step(0): 0.02}
    shares |= {"sheets": 0.06, "scenes": 0.9}
    if options.until == "pages":
        shares |= {"scenes": 0.75, "pages": 0.12, "exports": 0.03}
        shares |= {pages_step(language): 0.08 for language in options.translations}
    shares |= {translation_step(language): 0.04 for language in options.translations}
    await plan(session, generation_id, shares)


async def store_outline(
    session: AsyncSession, run: ChapterRun, chapter: Chapter, texts: Sequence[str], parts: Sequence[Out]
) -> StoredOutline:
    """Merge the windows and store their scenes. An unchanged outline leaves the rows as they are; a changed one keeps
    the rows of scenes with the same text.
    """
    scenes = [scene for part in parts for scene in part.scenes]
    if len(scenes) > MAX_SCENES and run.options.most_panels is None:
        raise BadInput(
            f"The text has {len(scenes)} scenes, and a chapter may have at most {MAX_SCENES}: split it into chapters,"
            " or condense it with max_panels."
        )
    quotas = panel_quotas(
        [_sentences_of(texts[scene.first : scene.last + 1]) for scene in scenes], run.options.most_panels
    )
    key = digest([scene.model_dump() for scene in scenes], quotas, list(texts))
    names: dict[str, list[str]] = {}
    for part in parts:
        for character in part.characters:
            names.setdefault(character.name, []).extend(character.aliases)
    character_ids = await _characters(session, run.project_id, names)
    await _locations(session, run.project_id, [place for part in parts for place in part.places])
    again = chapter.outline_key == key
    if not again:
        await arrange(
            session,
            chapter,
            [
                Outline(one.title, one.gist, one.first, one.last, quota, _sentences_of(texts[one.first : one.last + 1]))
                for one, quota in zip(scenes, quotas, strict=True)
            ],
        )
        chapter.outline_key = key
        chapter.summary = " ".join(scene.gist for scene in scenes)[:2000]
        # The threads that earlier windows leave open are taken up in the text itself.
        chapter.threads = parts[-1].threads
        session.add(chapter)
        await session.flush()
    return StoredOutline(character_ids, unchanged=again)


async def adopt_script(session: AsyncSession, run: ChapterRun, chapter: Chapter, script: Script) -> StoredOutline:
    """Store scenes and panels from a script; an unchanged script leaves the rows as they are.

    A changed one replaces them all; pictures of unchanged panels are then found in the ledger, not drawn again.
    """
    profiles = {profile.name: profile for profile in script.characters}
    names: dict[str, list[str]] = {name: list(profile.aliases) for name, profile in profiles.items()}
    for scene in script.scenes:
        for panel in scene.panels:
            for name in panel.characters:
                names.setdefault(name, [])
    character_ids = await _characters(session, run.project_id, names, profiles)
    await _locations(session, run.project_id, [scene.place for scene in script.scenes])
    key = digest(script)
    again = chapter.outline_key == key
    if not again:
        await session.exec(delete(Scene).where(col(Scene.chapter_id) == chapter.id))
        scenes: list[Scene] = []
        panels: list[Panel] = []
        for position, scene in enumerate(script.scenes):
            scene_id = new_id()
            scenes.append(
                Scene(
                    id=scene_id,
                    project_id=run.project_id,
                    chapter_id=chapter.id,
                    position=position,
                    **scene.model_dump(include={"title", "summary", "place", "time", "weather", "mood", "outfits"}),
                    gist=scene.summary,
                    characters=list(dict.fromkeys(name for panel in scene.panels for name in panel.characters)),
                    state=SceneState.DESCRIBED,
                    manual_edits=["outline", "summary", "panels", "outfits"],
                )
            )
            panels += [
                Panel(
                    project_id=run.project_id,
                    scene_id=scene_id,
                    position=number,
                    shot=panel.shot,
                    description=panel.description,
                    characters=panel.characters,
                    dialogue=[line.model_dump(mode="json") for line in panel.dialogue],
                    caption=panel.caption,
                    prompt=panel.prompt or None,
                    negative=panel.negative,
                    state=PanelState.DESCRIBED,
                    manual_edits=["description", "words", *(["prompt"] if panel.prompt else [])],
                )
                for number, panel in enumerate(scene.panels)
            ]
        session.add_all(scenes)
        await session.flush()
        session.add_all(panels)
        chapter.outline_key = key
        chapter.summary = " ".join(scene.summary for scene in script.scenes)[:2000]
        session.add(chapter)
        await session.flush()
    return StoredOutline(character_ids, unchanged=again)


async def _characters(
    session: AsyncSession,
    project_id: UUID,
    names: Mapping[str, Sequence[str]],
    profiles: Mapping[str, Profile] | None = None,
) -> dict[str, UUID]:
    """The ids of characters by name, added where they are new. A given profile replaces the existing one."""
    ids: dict[str, UUID] = dict.fromkeys(names, project_id)
    cast = await cast_of(session, project_id)
    own = {character.name_key for character in cast}
    # The text still uses the old name of a renamed character.
    called = {
        alias.casefold(): character.id
        for character in cast
        for alias in character.aliases
        if alias.casefold() not in own
    }
    # Ids in the order of the outline: a cast is read by id, and the characters that the story is most about come first.
    fresh = {name: new_id() for name in names}
    # Sorted: two chapters of a project with the same cast take their row locks in the same order.
    for name, aliases in sorted(names.items(), key=lambda item: item[0].casefold()):
        if name[:200].casefold() in called:
            ids[name] = called[name[:200].casefold()]
            continue
        values = {
            "id": fresh[name],
            "project_id": project_id,
            "name": name[:200],
            "name_key": name[:200].casefold(),
            "aliases": sorted(set(aliases) - {name}),
            "version": 1,
        }
        given = (profiles or {}).get(name)
        updates: dict[str, object] = {"name_key": values["name_key"]}
        if given is not None:
            values["profile"] = updates["profile"] = given
            updates["aliases"] = values["aliases"]
        statement = insert(Character).values(values)
        returned = await session.exec(
            # Touching the row even when nothing changes makes RETURNING include it.
            statement.on_conflict_do_update(index_elements=["project_id", "name_key"], set_=updates).returning(
                col(Character.id)
            )
        )
        ids[name] = returned.scalar_one()
    return ids


async def _locations(session: AsyncSession, project_id: UUID, places: Iterable[str]) -> None:
    for place in sorted(dict.fromkeys(place.strip()[:200] for place in places), key=str.casefold):
        if place:
            await session.exec(
                insert(Location)
                .values(
                    id=new_id(), project_id=project_id, name=place, name_key=place.casefold(), description="", version=1
                )
                .on_conflict_do_nothing(index_elements=["project_id", "name_key"])
            )


def _sentences_of(paragraphs: Sequence[str]) -> list[str]:
    """The sentences of a scene. Separators and headings only structure the text; a scene with nothing else is its
    headings.
    """
    scene_sentences = [
        sentence
        for paragraph in paragraphs
        if not is_separator(paragraph) and not is_heading(paragraph)
        for sentence in paragraph_of(paragraph)
    ]
    return (
        scene_sentences or [heading_text(paragraph) for paragraph in paragraphs if not is_separator(paragraph)] or ["…"]
    )
