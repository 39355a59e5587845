"""A chapter is kept as it was: once for each state, at most so many, and at the end of what changed it."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select, update

from engine.db.session import Database, execute
from engine.store import generations, versions
from models.options import GenerationKind, GenerationOptions, GenerationStatus
from models.story import Profile
from models.tables import Chapter, ChapterVersion, Character, Draft, Generation, Image, Panel, Scene
from models.version import KeptChapter
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

LINE = {"speaker": "Mara", "kind": "speech", "text": "Again?"}


async def written(database: Database, ordered: Ordered) -> UUID:
    """Two scenes, the first with two panels, one of which shows a draft; the first panel's id."""
    project_id, chapter_id = ordered.run.project_id, ordered.run.chapter_id
    async with database.session() as session:
        scenes = [
            Scene(project_id=project_id, chapter_id=chapter_id, position=at, title=f"Scene {at}", place="quay")
            for at in (1, 0)
        ]
        image = Image(
            project_id=project_id, sha256="1" * 64, key="k", media_type="image/png", width=1, height=1, bytes=1
        )
        people = [
            Character(project_id=project_id, name=name, name_key=name.casefold(), profile=Profile(name=name))
            for name in ("Mara", "Nobody here")
        ]
        session.add_all([*scenes, image, *people])
        await session.flush()
        panels = [
            Panel(project_id=project_id, scene_id=scenes[1].id, position=at, description=f"Panel {at}") for at in (1, 0)
        ]
        panels[1].characters, panels[1].dialogue, panels[1].prompt = ["Mara"], [LINE], "A lamp"
        session.add_all(panels)
        await session.flush()
        draft = Draft(
            project_id=project_id,
            panel_id=panels[1].id,
            ordinal=1,
            image_id=image.id,
            provider="offline",
            prompt="",
            seed=1,
            made_from="x",
        )
        session.add(draft)
        await session.flush()
        panels[1].selected_draft_id = draft.id
        return panels[1].id


async def kept(database: Database, ordered: Ordered) -> list[ChapterVersion]:
    async with database.session() as session:
        query = select(ChapterVersion).where(ChapterVersion.chapter_id == ordered.run.chapter_id)
        return list((await session.exec(query.order_by(col(ChapterVersion.number)))).all())


async def captioned(database: Database, panel_id: UUID, caption: str) -> None:
    async with database.session() as session:
        await session.exec(update(Panel).where(col(Panel.id) == panel_id).values(caption=caption))


async def test_a_version_has_all_of_the_chapter_in_reading_order(database: Database, order: Order) -> None:
    ordered = await order()
    panel_id = await written(database, ordered)
    async with database.session() as session:
        await versions.keep_version(session, ordered.run.chapter_id, reason="kept")
        now = await versions.now(session, ordered.run.chapter_id)
    (version,) = await kept(database, ordered)
    content = KeptChapter.model_validate(version.content)
    assert content == now
    assert [scene.title for scene in content.scenes] == ["Scene 0", "Scene 1"]
    assert [panel.description for panel in content.scenes[0].panels] == ["Panel 0", "Panel 1"]
    first, second = content.scenes[0].panels
    assert (first.id, first.dialogue, first.prompt, first.picture and first.picture.sha256) == (
        panel_id,
        [LINE],
        "A lamp",
        "1" * 64,
    )
    assert (second.dialogue, second.prompt, second.picture) == (None, None, None)
    assert [who.name for who in content.characters] == ["Mara"], "the cast of the chapter, not of the project"
    assert "It rained" not in str(version.content)
    assert len(content.text_sha256) == 64


async def test_an_empty_chapter_can_be_kept(database: Database, order: Order) -> None:
    ordered = await order("")
    async with database.session() as session:
        await versions.keep_version(session, ordered.run.chapter_id, reason="kept")
        assert (await versions.now(session, ordered.run.chapter_id)).scenes == []


async def test_the_same_state_is_kept_once_in_a_row(database: Database, order: Order) -> None:
    """Twice is once, also at once; and a state that came back is kept again."""
    ordered = await order()
    panel_id = await written(database, ordered)

    async def keep() -> versions.Keeping:
        async with database.session() as session:
            return await versions.keep_version(session, ordered.run.chapter_id, reason="kept")

    found = await asyncio.gather(*(keep() for _ in range(6)))
    assert sorted(one.fresh for one in found) == [False] * 5 + [True]
    assert len({one.version_id for one in found}) == 1
    for caption in ("Midnight.", ""):
        await captioned(database, panel_id, caption)
        assert (await keep()).fresh
    first, _, third = await kept(database, ordered)
    assert (first.sha256, first.number, third.number) == (third.sha256, 1, 3)


async def test_a_persons_words_replace_those_of_a_version_that_nobody_kept(database: Database, order: Order) -> None:
    ordered = await order()
    chapter_id, owner = ordered.run.chapter_id, ordered.owner_id
    for reason, actor in (("chapter generated", None), ("the good one", owner), ("scene generated", None)):
        async with database.session() as session:
            await versions.keep_version(session, chapter_id, reason=reason, actor_id=actor)
    async with database.session() as session:
        again = await versions.keep_version(session, chapter_id, reason="mine", actor_id=owner)
    (version,) = await kept(database, ordered)
    assert (version.reason, version.actor_id, again.version_id) == ("the good one", owner, version.id)


async def test_so_many_are_kept_and_those_of_people_longest(database: Database, order: Order) -> None:
    ordered = await order()
    panel_id = await written(database, ordered)
    for number in range(versions.MOST + 4):
        await captioned(database, panel_id, str(number))
        async with database.session() as session:
            actor = ordered.owner_id if number in (0, 2) else None
            await versions.keep_version(session, ordered.run.chapter_id, reason="r", actor_id=actor)
    numbers = [version.number for version in await kept(database, ordered)]
    assert numbers == [1, 3, *range(7, versions.MOST + 5)]
    assert len(numbers) == versions.MOST


@pytest.mark.parametrize("status", [GenerationStatus.COMPLETED, GenerationStatus.COMPLETED_WITH_FAILURES])
async def test_the_end_of_a_generation_keeps_what_it_made_once(
    database: Database, order: Order, status: GenerationStatus
) -> None:
    ordered = await order()
    panel_id = await written(database, ordered)
    for _ in range(2):
        async with database.session() as session:
            await generations.end(session, ordered.run.project_id, ordered.run.generation_id, status)
        # Whoever ends it a second time finds it ended: what people have changed since is no work of it.
        await captioned(database, panel_id, "by hand")
    (version,) = await kept(database, ordered)
    assert (version.reason, version.generation_id) == ("chapter generated", ordered.run.generation_id)
    assert version.actor_id is None
    assert "by hand" not in str(version.content)


@pytest.mark.parametrize("status", [GenerationStatus.FAILED, GenerationStatus.CANCELLED])
async def test_what_broke_off_keeps_nothing(database: Database, order: Order, status: GenerationStatus) -> None:
    ordered = await order()
    async with database.session() as session:
        await generations.end(session, ordered.run.project_id, ordered.run.generation_id, status)
    assert await kept(database, ordered) == []


async def test_an_export_changes_no_chapter(database: Database, order: Order) -> None:
    ordered = await order()
    project_id, chapter_id = ordered.run.project_id, ordered.run.chapter_id
    async with database.session() as session:
        await generations.end(session, project_id, ordered.run.generation_id, GenerationStatus.CANCELLED)
    async with database.session() as session:
        export = await generations.request(
            session,
            project_id=project_id,
            chapter_id=chapter_id,
            kind=GenerationKind.EXPORT,
            options=GenerationOptions(),
        )
    async with database.session() as session:
        await generations.end(session, project_id, export.id, GenerationStatus.COMPLETED)
    assert await kept(database, ordered) == []


async def test_an_end_waits_for_whoever_has_the_chapter_and_not_the_other_way_round(
    database: Database, order: Order
) -> None:
    """The chapter is locked before the generation: somebody with the chapter can still reach the generation."""
    ordered = await order()
    async with database.session() as session:
        await session.exec(select(Chapter.id).where(Chapter.id == ordered.run.chapter_id).with_for_update())

        async def end() -> None:
            async with database.session() as other:
                await generations.end(
                    other, ordered.run.project_id, ordered.run.generation_id, GenerationStatus.COMPLETED
                )

        ending = asyncio.create_task(end())
        await asyncio.sleep(0.2)
        await execute(session, text("SET LOCAL lock_timeout = '2s'"))
        await session.exec(select(Generation.id).where(Generation.id == ordered.run.generation_id).with_for_update())
        assert not ending.done()
    await ending
    assert len(await kept(database, ordered)) == 1
