"""A question fits what the model holds, whatever is known of the story; what had no room is counted."""

import pytest

from activities.questions import question
from engine.db.session import Database
from engine.errors import ProviderRejected
from engine.money.prices import usual_of_text
from engine.providers.model_facts import limits
from engine.reading import count_tokens
from engine.tasks import ALL
from engine.tasks.outline.windows import WINDOW_TOKENS, window_tokens
from models.options import Choice, GenerationOptions
from models.runs import TaskCall
from models.tables import ProjectInstruction
from tests.conftest import Order, Ordered

pytestmark = pytest.mark.integration

SMALL = Choice(provider="ollama", model="of-somebody")
LARGE = Choice(provider="anthropic", model="claude-sonnet-5-5")
OUTLINE = ALL["ChapterOutline"]


async def asked(database: Database, ordered: Ordered, by: Choice, cut_off: int = 0) -> tuple[int, int, int]:
    """Tokens of context, pieces left out, and room for the answer; nothing is larger than what the model holds."""
    call = TaskCall(**ordered.run.model_dump(exclude={"chapter_id"}), target_id=ordered.run.chapter_id)
    async with database.session() as session:
        found = await question(session, OUTLINE, call, by, [], cut_off)
    assert isinstance(found, tuple)
    loaded, request = found
    prompt = count_tokens(request.system) + count_tokens(request.prompt)
    held = limits(by.provider, by.model)
    assert usual_of_text(prompt, 0).input + request.max_output_tokens <= held.context
    return count_tokens(loaded.data.context), loaded.left_out, request.max_output_tokens


async def instructed(database: Database, order: Order, words: int, **options: object) -> Ordered:
    """A chapter of so many words, in a project with long standing instructions."""
    ordered = await order("\n\n".join(["It rained on the harbour, and nobody came."] * (words // 8)), **options)
    async with database.session() as session:
        for position in range(12):
            body = f"Rule {position}: " + "keep the sea grey and the people small. " * 15
            session.add(ProjectInstruction(project_id=ordered.run.project_id, position=position, body=body))
    return ordered


async def test_context_gives_way_to_the_text(database: Database, order: Order) -> None:
    """The same chapter: a model that holds much is told much, one that holds little less, and that is counted."""
    ordered = await instructed(database, order, 1_500)
    much, left_out, room = await asked(database, ordered, LARGE)
    less, more_left_out, small_room = await asked(database, ordered, SMALL)
    assert much > less
    assert left_out < more_left_out
    assert room >= small_room > OUTLINE.max_output_tokens // 4


async def test_a_text_is_read_in_smaller_parts_where_a_writer_holds_little(database: Database, order: Order) -> None:
    """Whoever may have to read it counts, the ones that stand in as well."""
    large = GenerationOptions(llm=LARGE.provider, llm_model=LARGE.model)
    small = large.model_copy(update={"llm_fallback": [SMALL]})
    assert window_tokens(large) == window_tokens(GenerationOptions()) == WINDOW_TOKENS
    assert 500 <= window_tokens(small) < WINDOW_TOKENS // 2
    ordered = await instructed(database, order, 20_000, llm=SMALL.provider, llm_model=SMALL.model)
    await asked(database, ordered, SMALL)


async def test_an_answer_that_was_cut_off_gets_twice_the_room(database: Database, order: Order) -> None:
    """As far as the model writes that much."""
    ordered = await order("It rained.")
    _, _, first = await asked(database, ordered, LARGE)
    _, _, second = await asked(database, ordered, LARGE, cut_off=1)
    _, _, last = await asked(database, ordered, LARGE, cut_off=12)
    assert (first, second) == (OUTLINE.max_output_tokens, 2 * OUTLINE.max_output_tokens)
    assert last == limits(LARGE.provider, LARGE.model).output


async def test_what_no_model_of_that_size_can_answer_is_not_sent(database: Database, order: Order) -> None:
    """A single paragraph that fills it: the message says what to do."""
    ordered = await order("It rained on and on " * 4_000)
    with pytest.raises(ProviderRejected, match="Choose a model with a larger context"):
        await asked(database, ordered, SMALL)
