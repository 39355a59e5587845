"""A chapter in other languages on a real server: the same pictures, other words, paid for once."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlmodel import col, select

from engine.db.session import Database
from engine.errors import ProviderRejected
from engine.llm import LLMReply, LLMRequest
from engine.store import translations
from engine.store.rows import get
from models.options import GenerationStatus
from models.tables import Chapter, Event, Export, Page, Panel, ProviderCall
from tests.conftest import Order, Ordered
from tests.support.chapter_failures import failures
from tests.working import STORY, Generate, Painter, Working, Writer, again, translating

pytestmark = pytest.mark.workflow

# One scene of several panels.
LONG = """\
Odile opened the door of the mill. The wheel stood still, and the whole floor was white with flour.

"Who was in here?" asked Odile. "The sacks are open."

Benno looked at his shoes. He had left a trail of small white feet across the boards, as far as the stairs.

"A goat," said Benno. "I am almost sure that it was a goat."

Odile bent down and looked under the stairs for a long time. Something sneezed there, and then it was quiet again.

"Goats do not wear mittens," said Odile.
"""


async def pages_of(database: Database, ordered: Ordered, language: str = "") -> Sequence[Page]:
    async with database.session() as session:
        query = select(Page).where(Page.chapter_id == ordered.run.chapter_id, Page.language == language)
        return (await session.exec(query.order_by(col(Page.number)))).all()


def texts(pages: Sequence[Page]) -> list[str]:
    return [text["text"] for page in pages for panel in page.lettering for text in panel["texts"]]


async def test_a_chapter_is_had_in_two_languages_besides(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Panels lie where they lie, their words are others; files say so; a scene is asked about once for a language."""
    text = STORY.replace("Joss", "Tamo")
    ordered = await order(text, translations=["de", "ja"], language="en")
    writer, painter = Writer(translating), Painter()
    async with working(writer, painter):
        generation = await generate(ordered)
        assert (generation.status, generation.error, generation.progress) == (GenerationStatus.COMPLETED, "", 1.0)
        drawn = len(painter.asked)
        asked = Counter(request.task for request in writer.asked)
        assert asked["Translate"] == 2 * asked["SceneSummary"]
        own = await pages_of(database, ordered)
        for language in ("de", "ja"):
            pages = await pages_of(database, ordered, language)
            assert [page.layout for page in pages] == [page.layout for page in own]
            assert all(page.image_id for page in pages)
            assert {page.image_id for page in pages}.isdisjoint({page.image_id for page in own})
            assert texts(pages)
            assert all(text.startswith(f"{language}:") or text in _continued(texts(pages)) for text in texts(pages))
        async with database.session() as session:
            exports = (await session.exec(select(Export).where(Export.chapter_id == ordered.run.chapter_id))).all()
            chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
        assert Counter(one.language for one in exports) == {"": 3, "de": 3, "ja": 3}
        title = translations.title_in(chapter, "de")
        assert title is not None
        assert title.text == "de: A chapter"
        # Ordered again, there is nothing to do.
        writer.asked.clear()
        assert (await generate(await again(database, ordered))).status == GenerationStatus.COMPLETED
        assert (len(writer.asked), len(painter.asked)) == (0, drawn)


def _continued(found: Sequence[str]) -> list[str]:
    """A text that is set in several pieces: all but the first go on without its beginning."""
    return [text for before, text in zip(["", *found], found, strict=False) if before]


async def test_a_scene_that_cannot_be_translated_costs_no_other(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """It is lettered in the story's words and says so; the reason is kept, and the next order tries it again."""
    ordered = await order(STORY.replace("Mara", "Ilse"), translations=["de"])

    async def half(request: LLMRequest) -> LLMReply | None:
        if request.task == "Translate" and "harbour" in request.prompt:
            raise ProviderRejected("The model does not speak it.")
        return await translating(request)

    async with working(Writer(half), Painter()):
        generation = await generate(ordered)
    assert generation.status == GenerationStatus.COMPLETED_WITH_FAILURES
    async with database.session() as session:
        assert await failures(session, ordered.run.chapter_id) == ["scene 2 into de: The model does not speak it."]
        query = select(Event).where(Event.generation_id == generation.id, Event.type == "translation.failed")
        [told] = (await session.exec(query)).all()
    assert told.data["language"] == "de"
    problems = [problem for page in await pages_of(database, ordered, "de") for problem in page.problems]
    assert any("not translated into de yet" in problem for problem in problems)
    writer, painter = Writer(translating), Painter()
    async with working(writer, painter):
        generation = await generate(await again(database, ordered))
    assert generation.status == GenerationStatus.COMPLETED
    assert [request.task for request in writer.asked] == ["Translate"]
    assert not painter.asked
    async with database.session() as session:
        assert await failures(session, ordered.run.chapter_id) == []
    problems = [problem for page in await pages_of(database, ordered, "de") for problem in page.problems]
    assert not any("not translated" in problem for problem in problems)


async def test_one_changed_line_is_asked_about_alone(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """What else the scene says goes along for reference, and stays as it was; a person's words are not asked about."""
    ordered = await order(LONG, translations=["de"])
    writer, painter = Writer(translating), Painter()
    async with working(writer, painter):
        await generate(ordered)
        async with database.session() as session:
            there = await translations.panels_with_words(session, ordered.run.chapter_id, "de")
            first, second = (one.panel.id for one in there[:2])
            for panel_id in (first, second):
                panel = await get(session, ordered.scope, Panel, panel_id, lock=True)
                panel.caption, panel.manual_edits = f"{panel.caption} Changed.", [*panel.manual_edits, "words"]
                session.add(panel)
            mine = there[1].translation
            assert mine is not None
            mine.manual = True
            session.add(mine)
        writer.asked.clear()
        painter.asked.clear()
        assert (await generate(await again(database, ordered))).status == GenerationStatus.COMPLETED
    [asked] = writer.asked
    assert not painter.asked
    assert [panel["caption"].endswith("Changed.") for panel in asked.data.model_dump()["panels"]] == [True]
    assert len(asked.data.model_dump()["done"]) >= 1
    states = await states_of(database, ordered.run.chapter_id)
    assert states[first] == translations.Standing.MADE
    assert states[second] == translations.Standing.PROTECTED


async def states_of(database: Database, chapter_id: UUID) -> dict[UUID, translations.Standing]:
    async with database.session() as session:
        return {one.panel.id: one.state for one in await translations.panels_with_words(session, chapter_id, "de")}


async def test_what_was_paid_for_is_found_again(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Where the rows are gone that came of an answer, the answer is taken from the store. Processes that are killed on
    the way are in `test_paid_crash.py`."""
    ordered = await order(STORY.replace("Mara", "Petra"), translations=["de"])
    writer = Writer(translating)
    async with working(writer, Painter()):
        await generate(ordered)
        async with database.session() as session:
            for one in await translations.panels_with_words(session, ordered.run.chapter_id, "de"):
                await session.delete(one.translation)
            chapter = await get(session, ordered.scope, Chapter, ordered.run.chapter_id)
            chapter.titles = {}
            session.add(chapter)
        writer.asked.clear()
        assert (await generate(await again(database, ordered))).status == GenerationStatus.COMPLETED
    assert writer.asked == []
    assert set((await states_of(database, ordered.run.chapter_id)).values()) == {translations.Standing.MADE}
    async with database.session() as session:
        calls = (
            await session.exec(
                select(ProviderCall).where(
                    ProviderCall.project_id == ordered.run.project_id, ProviderCall.purpose == "Translate"
                )
            )
        ).all()
    assert len({call.call_key for call in calls}) == len(calls)


async def test_with_a_script_alone_the_words_are_translated(
    database: Database, order: Order, working: Working, generate: Generate
) -> None:
    """Whoever looks at the script first sees it in every language; nothing is drawn, and no page is lettered."""
    ordered = await order(STORY.replace("Mara", "Runa"), translations=["de"], until="script")
    painter = Painter()
    async with working(Writer(translating), painter):
        assert (await generate(ordered)).status == GenerationStatus.COMPLETED
    assert not painter.asked
    assert await pages_of(database, ordered, "de") == []
    assert set((await states_of(database, ordered.run.chapter_id)).values()) == {translations.Standing.MADE}
