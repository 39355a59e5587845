"""What the writers of a later chapter are told of the earlier ones."""

from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select, update

from engine.basis import FOR_WORDS
from engine.db.session import Database
from engine.steps.known import context_for, last_worn
from engine.store.outlines import store_outline
from engine.store.projects import add_chapter
from engine.store.story_so_far import SceneClothes
from engine.tasks.outline.task import Out
from engine.tasks.outline.task import Scene as Outlined
from models.story import Profile
from models.tables import Chapter, Character, Location, Project, Scene
from models.tables.story import SceneState
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

ROOM = 2_000


async def later_chapter(database: Database, ordered: Ordered, text: str = "The next day.") -> UUID:
    """The second chapter of a project whose first is outlined; its cast and places are known."""
    project_id, chapter_id = ordered.run.project_id, ordered.run.chapter_id
    async with database.session() as session:
        await session.exec(
            update(Chapter)
            .where(col(Chapter.id) == chapter_id)
            .values(summary="Mara hides a key.", threads=["Who saw her?", "The tide would come back."])
        )
        look = Profile(name="Mara", clothes="a navy coat")
        session.add(Character(project_id=project_id, name="Mara", name_key="mara", profile=look))
        session.add(Location(project_id=project_id, name="the quay", name_key="the quay"))
        return (await add_chapter(session, project_id, title="Two", source_text=text)).id


async def told(database: Database, project_id: UUID, chapter_id: UUID, room: int = ROOM) -> str:
    async with database.session() as session:
        return (await context_for(session, project_id, chapter_id, room, FOR_WORDS)).text


async def scenes(database: Database, ordered: Ordered, *made: dict[str, Any]) -> None:
    async with database.session() as session:
        session.add_all(
            Scene(project_id=ordered.run.project_id, chapter_id=ordered.run.chapter_id, position=at, **values)
            for at, values in enumerate(made)
        )


async def test_a_later_chapter_knows_the_earlier_ones_and_the_first_knows_nothing(
    database: Database, order: Order
) -> None:
    ordered = await order()
    second = await later_chapter(database, ordered)
    text = await told(database, ordered.run.project_id, second)
    assert text.split("\n") == [
        "## Characters",
        "Mara: Mara (a navy coat)",
        "",
        "## Locations",
        "the quay: the quay",
        "",
        "## Earlier chapters",
        "A chapter: Mara hides a key.",
        "",
        "## Open threads",
        "A chapter: The tide would come back.",
        "A chapter: Who saw her?",
    ]
    assert await told(database, ordered.run.project_id, ordered.run.chapter_id) == ""


async def test_threads_matter_more_than_what_else_is_told_of_a_chapter(database: Database, order: Order) -> None:
    ordered = await order()
    second = await later_chapter(database, ordered)
    text = await told(database, ordered.run.project_id, second, room=40)
    assert "Who saw her?" in text
    assert "Mara hides" not in text


WORN: list[dict[str, Any]] = [
    {"characters": ["Mara", "Ilo"], "outfits": {"Mara": "an oilskin", "Ilo": "a nightshirt"}},
    {"characters": ["Ilo"], "outfits": {"Ilo": "boots"}},
    {"characters": ["Joss"], "outfits": {}},
]


async def test_what_somebody_wore_last_is_told_with_them(database: Database, order: Order) -> None:
    """Of the scene that they were last seen in, whatever came after it."""
    ordered = await order()
    second = await later_chapter(database, ordered)
    await scenes(database, ordered, *({**worn, "state": SceneState.DESCRIBED} for worn in WORN))
    text = await told(database, ordered.run.project_id, second)
    assert "Mara: Mara (a navy coat); when last seen: an oilskin\n" in text
    back = Scene(project_id=ordered.run.project_id, chapter_id=ordered.run.chapter_id, position=3)
    back.characters, back.state = ["Mara"], SceneState.SUMMARISED
    async with database.session() as session:
        session.add(back)
    assert "when last seen" not in await told(database, ordered.run.project_id, second), "she has changed back"


@pytest.mark.parametrize("waiting", [0, 1, 2])
async def test_what_is_told_does_not_depend_on_which_scenes_are_finished(
    database: Database, order: Order, waiting: int
) -> None:
    """Outfits of a chapter that is still being summed up are told when all of it is, and not one by one."""
    ordered = await order()
    second = await later_chapter(database, ordered)
    states = [SceneState.OUTLINED if at == waiting else SceneState.SUMMARISED for at in range(3)]
    await scenes(database, ordered, *({**worn, "state": state} for worn, state in zip(WORN, states, strict=True)))
    assert "when last seen" not in await told(database, ordered.run.project_id, second)


async def test_the_same_text_made_otherwise_is_no_earlier_chapter(database: Database, order: Order) -> None:
    ordered = await order("The same text.")
    second = await later_chapter(database, ordered, "The same text.")
    assert await told(database, ordered.run.project_id, second) == ""


async def test_a_series_is_told_to_the_first_chapter_the_nearest_first(database: Database, order: Order) -> None:
    """As earlier chapters, before the project's own, with cast and places; the nearest matters most."""
    ordered = await order()
    second = await later_chapter(database, ordered)
    series = [
        {"title": f"Book {number}", "summary": f"Summary {number}.", "threads": [f"Thread {number}?"]}
        for number in (1, 2)
    ]
    async with database.session() as session:
        await session.exec(update(Project).where(col(Project.id) == ordered.run.project_id).values(series=series))
    first = await told(database, ordered.run.project_id, ordered.run.chapter_id)
    assert "Mara (a navy coat)" in first
    order_of = [first.index(f"Book {number}: Summary {number}.") for number in (2, 1)]
    assert order_of == sorted(order_of)
    assert "Book 1: Thread 1?" in first
    both = await told(database, ordered.run.project_id, second)
    places = [both.index(said) for said in ("A chapter: Mara hides", "Book 2: Summary", "Book 1: Summary")]
    assert places == sorted(places)


def test_who_is_seen_again_without_an_outfit_wears_what_they_always_wear() -> None:
    made = [SceneClothes(state=SceneState.DESCRIBED, **worn) for worn in WORN]
    assert last_worn(made) == {"Mara": "an oilskin", "Ilo": "boots"}
    back = SceneClothes(state=SceneState.FAILED, characters=["Ilo"], outfits={})
    assert last_worn([*made, back]) == {"Mara": "an oilskin"}


async def test_an_outline_keeps_what_its_last_window_leaves_open(database: Database, order: Order) -> None:
    """And a person's own words for it stay until the text is another one."""
    ordered = await order("It rained.\n\nIt stopped.")
    texts = ["It rained.", "It stopped."]
    parts = [
        Out(scenes=[Outlined(title="T", first=at, last=at, gist="G")], threads=[f"Thread {at}?"]) for at in range(2)
    ]

    async def stored(*texts: str) -> list[str]:
        async with database.session() as session:
            chapter = (await session.exec(select(Chapter).where(Chapter.id == ordered.run.chapter_id))).one()
            await store_outline(session, ordered.run, chapter, texts, parts)
            return chapter.threads

    assert await stored(*texts) == ["Thread 1?"]
    async with database.session() as session:
        await session.exec(
            update(Chapter).where(col(Chapter.id) == ordered.run.chapter_id).values(threads=["By hand."])
        )
    assert await stored(*texts) == ["By hand."]
    assert await stored("It snowed.", "It stopped.") == ["Thread 1?"]
