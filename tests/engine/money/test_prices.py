"""What calls cost."""

import random
import string
from contextlib import nullcontext
from decimal import Decimal

import pytest

from engine.errors import Unpriced
from engine.money.prices import Prices, most_of_picture, most_of_text, most_tokens, usual_of_text
from engine.providers.registry import Kind
from engine.providers.usage import Tokens
from engine.settings import Price
from models.options import Choice, GenerationOptions

pytestmark = pytest.mark.unit

LISTED: tuple[Kind, str, str] = ("llm", "anthropic", "claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("price", "used", "usd"),
    [
        pytest.param(Price(input=2, output=10), Tokens(1_000_000, 1_000_000), "12", id="input and output"),
        pytest.param(Price(input=2, cached_input=Decimal("0.2")), Tokens(1_000_000, 0, 500_000), "1.1", id="cached"),
        pytest.param(Price(input=2), Tokens(1_000_000, 0, 500_000), "2", id="cached without a price of its own"),
        pytest.param(
            Price(input=5, image_input=8, output=10, image_output=30),
            Tokens(2_000_000, 1_500_000, 0, 1_000_000, 1_000_000),
            "48",
            id="pictures in and out",
        ),
        pytest.param(Price(call=Decimal("0.04")), Tokens(10, 10), "0.04", id="by the call"),
        pytest.param(Price(input=Decimal("0.1")), Tokens(1, 0), "0.000001", id="rounded up, never to nothing"),
    ],
)
def test_a_given_price_counts_each_part(price: Price, used: Tokens, usd: str) -> None:
    """Cached and picture tokens are parts of the whole, and no token is counted twice."""
    assert Prices({"openai/own": price}).cost("llm", "openai", "own", used) == Decimal(usd)


def test_known_models_have_a_price() -> None:
    """A thousand tokens in and out of a current model cost something, and more output costs more."""
    prices = Prices()
    some = prices.cost(*LISTED, Tokens(1_000, 1_000))
    assert Decimal(0) < some < prices.cost(*LISTED, Tokens(1_000, 2_000))
    assert prices.cost("images", "openai", "gpt-image-2.6-flare", Tokens(100, 6_000, 0, 0, 6_000)) > Decimal("0.1")


def test_a_given_price_comes_before_the_known_one() -> None:
    """Whoever has a contract pays by it."""
    assert Prices({"anthropic/claude-sonnet-5-5": Price(call=1)}).cost(*LISTED, Tokens(1_000, 1_000)) == 1


def test_a_model_without_a_price_is_not_free() -> None:
    """It is refused, with what to do about it, or let through when that was allowed; an answer is never lost to it."""
    asked: tuple[Kind, str, str, Tokens] = ("llm", "openai", "of-tomorrow", Tokens(5, 5))
    with pytest.raises(Unpriced, match="INKLOOM_PRICES"):
        Prices().cost(*asked)
    assert Prices(allow_unpriced=True).cost(*asked) == 0
    assert Prices().settle(*asked, otherwise=Decimal("0.5")) == Decimal("0.5")


@pytest.mark.parametrize(
    ("options", "known"),
    [
        pytest.param(GenerationOptions(), True, id="offline"),
        pytest.param(GenerationOptions(llm="openai", images="local", image_model="mine"), True, id="listed and free"),
        pytest.param(GenerationOptions(llm="openai", llm_model="crayon"), False, id="the writer"),
        pytest.param(
            GenerationOptions(llm_tasks={"Dialogue": Choice(provider="openai", model="crayon")}), False, id="one task"
        ),
        pytest.param(
            GenerationOptions(image_fallback=[Choice(provider="openai", model="crayon")]), False, id="a stand-in"
        ),
        pytest.param(
            GenerationOptions(images="openai", image_model="crayon", until="script"), True, id="nobody is to draw"
        ),
    ],
)
def test_an_order_is_priced_before_it_is_begun(options: GenerationOptions, known: bool) -> None:
    """Whoever may be asked has a price; otherwise the order is refused, not the calls in the middle of it."""
    with nullcontext() if known else pytest.raises(Unpriced, match="crayon"):
        Prices().require(options)


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-image-2.6-flare"])
@pytest.mark.parametrize(
    "used",
    [
        pytest.param(Tokens(10, 5, cached_input=20), id="more from the cache than was read"),
        pytest.param(Tokens(-5, 3), id="less than nothing"),
        pytest.param(Tokens(10, 5, image_input=50), id="more of a picture than of everything"),
    ],
)
def test_usage_that_does_not_add_up_costs_no_answer(used: Tokens, model: str) -> None:
    """The answer is here and paid for: it gets a price, and never more than was set aside."""
    assert 0 <= Prices().settle("llm", "openai", model, used, otherwise=Decimal("0.5")) <= Decimal("0.5")


# What OpenAI's tokenizers o200k and cl100k, whichever takes more, make of these texts.
_RANDOM = random.Random(1)


@pytest.mark.parametrize(
    ("text", "real"),
    [
        pytest.param("🧑🏽‍🚀" * 500, 5_500, id="emoji"),
        pytest.param("厨房里很暗。玛拉点燃了一盏灯，把两把钥匙放在桌上。" * 100, 3_900, id="Chinese"),
        pytest.param("Zażółć gęślą jaźń, powiedział rzeźbiarz, w gęstej mgle. " * 45, 1_396, id="Polish"),
        pytest.param("".join(chr(_RANDOM.randrange(0x20000, 0x2A000)) for _ in range(1_000)), 3_970, id="rare Han"),
        pytest.param("".join(chr(_RANDOM.randrange(0x12000, 0x12399)) for _ in range(1_500)), 5_990, id="cuneiform"),
        pytest.param("".join(chr(_RANDOM.randrange(0x1200, 0x1350)) for _ in range(1_500)), 4_490, id="Amharic"),
        pytest.param("".join(chr(_RANDOM.randrange(0xF40, 0xF6D)) for _ in range(1_500)), 3_000, id="Tibetan"),
        pytest.param("".join(_RANDOM.choice(string.printable[:95]) for _ in range(4_000)), 3_060, id="random ASCII"),
        pytest.param("".join(_RANDOM.choice("0123456789abcdef") for _ in range(4_000)), 2_250, id="hex"),
        pytest.param("".join(_RANDOM.choice(string.ascii_lowercase) for _ in range(4_000)), 2_150, id="random letters"),
        pytest.param(" ".join("bcdfgh" for _ in range(600)), 1_800, id="no words"),
    ],
)
def test_no_text_takes_more_tokens_than_are_reserved(text: str, real: int) -> None:
    """A budget is a gate for every script, for emoji and for noise; bytes are the bound, words of ASCII take less."""
    assert real <= most_tokens(text) <= len(text.encode())
    assert most_of_text(text, 0).input > real
    assert most_of_picture(text, 1024, 1024, "low", 0).input > real


def test_english_is_not_reserved_at_the_price_of_noise() -> None:
    """4,216 characters of it take 953 tokens; 1,605 were reserved when tokens were guessed."""
    prose = (
        'The kitchen was dark. Mara lit a lamp and put two keys on the table. "Take the small one," said Mara.'
        ' "It opens the boat shed." Joss shook his head and ran along the quay towards the lighthouse, where'
        " extraordinary circumstances had been reported. "
    ) * 17
    assert 953 * 2 < most_of_text(prose, 0).input < 1_605 * 1.5


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-image-2.6-flare", "own"])
@pytest.mark.parametrize(
    "used",
    [
        pytest.param(Tokens(10, -4_000_000), id="a credit"),
        pytest.param(Tokens(10**40, 5), id="more than there is"),
        pytest.param(Tokens(float("nan"), 5), id="no number"),  # type: ignore[arg-type]  # what a vendor may send
        pytest.param(Tokens([1, 2], 5), id="a list"),  # type: ignore[arg-type]  # what a vendor may send
    ],
)
def test_no_usage_earns_money_or_throws_an_answer_away(used: Tokens, model: str) -> None:
    """What cannot be a cost is settled at what was reserved."""
    prices = Prices({"openai/own": Price(input=2, output=10)})
    assert prices.settle("llm", "openai", model, used, otherwise=Decimal("0.5")) == Decimal("0.5")


def test_the_offline_providers_are_free() -> None:
    """Whatever they use."""
    assert Prices().cost("llm", "offline", "", Tokens(10**9, 10**9)) == 0
    assert Prices().cost("images", "offline", "", Tokens(10**9, 10**9)) == 0


def test_the_worst_case_is_not_exceeded_by_what_is_asked_for() -> None:
    """All the output that a call may have is in it, and larger and better pictures take more."""
    assert most_of_text("word " * 3_000, 2_000).output == 2_000
    assert most_of_text("word " * 3_000, 2_000).input > 3_000
    assert usual_of_text(3_000, 2_000).output == 2_000
    assert usual_of_text(3_000, 2_000).input > 3_000
    small = most_of_picture("a fox", 1024, 1024, "low", 0)
    assert small.output < most_of_picture("a fox", 1536, 1024, "low", 0).output
    assert small.output < most_of_picture("a fox", 1024, 1024, "", 0).output
    assert most_of_picture("a fox", 1024, 1024, "low", 2).image_input == 2 * 7_000
