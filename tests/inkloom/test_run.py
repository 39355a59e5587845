"""What `run` orders, and what it goes on with."""

from decimal import Decimal
from typing import Any

import pytest

from engine.db.session import Database
from engine.store import generations
from inkloom.run import order_or_attach
from inkloom.story import Story
from models.options import Choice, GenerationOptions, GenerationStatus
from tests.conftest import Order

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("given", "counts"), [(None, "1.5"), (Decimal(4), "4")], ids=["not said again", "said again"])
async def test_the_last_budget_counts_for_a_chapter_that_failed(
    database: Database, order: Order, given: Decimal | None, counts: str
) -> None:
    """Tried again without a word about money, it does not get all the money there is."""
    ordered = await order()
    run = ordered.run
    ids = (run.chapter_id, run.project_id, run.options)
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        first = await order_or_attach(session, *ids, Decimal("1.5"))
        await generations.end(session, run.project_id, first.id, GenerationStatus.FAILED)
        session.expire_all()
        again = await order_or_attach(session, *ids, given)
        assert again.id != first.id
        assert again.budget_usd == Decimal(counts)


@pytest.mark.parametrize(
    ("options", "anew", "ordered_again"),
    [
        pytest.param({"translations": ["de"]}, False, False, id="had already"),
        pytest.param({}, False, False, id="none named"),
        pytest.param({"translations": ["de", "ja"]}, False, True, id="one more"),
        pytest.param({"translations": ["de"]}, True, True, id="other words brought"),
        pytest.param({"translations": ["de"], "language": "en"}, False, True, id="its own said"),
    ],
)
async def test_a_finished_chapter_is_ordered_again_for_other_words_alone(
    database: Database, order: Order, options: dict[str, Any], anew: bool, ordered_again: bool
) -> None:
    """With a purse of its own: nothing of what is finished is tried again."""
    run = (await order(translations=["de"])).run
    chosen = GenerationOptions.model_validate(options)
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.COMPLETED)
        session.expire_all()
        found = await order_or_attach(session, run.chapter_id, run.project_id, chosen, None, anew=anew)
        assert (found.id != run.generation_id) is ordered_again
        assert found.retry_of is None


@pytest.mark.parametrize(
    ("options", "same"),
    [
        pytest.param({"language": "en"}, True, id="its own language"),
        pytest.param({"translations": ["de"]}, True, id="translations"),
        pytest.param({"llm_tasks": {"Translate": {"provider": "openai"}}}, True, id="who translates"),
        pytest.param({"llm_tasks": {"Dialogue": {"provider": "openai"}}}, False, id="who writes"),
        pytest.param({"drafts": 2}, False, id="something else"),
    ],
)
def test_languages_make_no_other_chapter(options: dict[str, Any], same: bool) -> None:
    """A story that was made is translated, not made anew."""
    story = Story(title="A", text="It rained.", script=None)
    other = story.chapter_key(GenerationOptions.model_validate(options))
    assert (other == story.chapter_key(GenerationOptions())) is same


def test_the_offline_writer_never_stands_in_for_a_translator() -> None:
    """It stands in for every other task."""
    options = GenerationOptions(llm="openai", llm_fallback=[Choice(provider="anthropic"), Choice(provider="offline")])
    assert [by.provider for by in options.writers("Translate")] == ["openai", "anthropic"]
    assert [by.provider for by in options.writers("Dialogue")] == ["openai", "anthropic", "offline"]
