"""Prices of models, with their dates: the cost of a call, and the most that it can cost.

The settings come first, then our own short list of models that are too new, then the data of `genai_prices`, which has
the dates from which each price applies. A model without a price is not free.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import astuple
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal

from engine.errors import Unpriced
from engine.providers.registry import PROVIDERS, Kind, model_of
from engine.providers.usage import Tokens
from engine.settings import Price, Settings
from models.options import Choice, GenerationOptions

log = logging.getLogger(__name__)

_MILLION = Decimal(1_000_000)
# The ledger's column holds no more.
_MOST_USD = _MILLION
_CENT_OF_A_CENT = Decimal("0.000001")

# USD per million tokens; developers.openai.com, the models' pages, read 2026-11-22.
_PICTURES = Price(
    input=Decimal(5),
    cached_input=Decimal("1.25"),
    image_input=Decimal(8),
    output=Decimal(30),
    image_output=Decimal(30),
)
# With the day from which they apply.
_NEWER: Mapping[str, tuple[date, Price]] = {
    "openai/gpt-image-2.6-sunburst": (date(2026, 9, 8), _PICTURES),
    "openai/gpt-image-2.6-flare": (date(2026, 9, 8), _PICTURES),
}

# The marks of roles and of the schema around a question's text.
_FRAME_TOKENS = 200
_WORD = re.compile("[A-Z]?[a-z]+")
_SPACE = re.compile(" (?=[A-Za-z])")
# Letters that no language has in a row: random ones may take a token each.
_JUMBLE = re.compile("[^aeiouyAEIOUY]{4}|^[^aeiouyAEIOUY]+$|[aeiouy]{4}")
_LONGEST_WORD = 20

# The most output tokens of a picture of 1024 × 1024 pixels, by quality. Our own bounds, from the prices per picture
# that OpenAI published for earlier models: rather too much is reserved than too little, and released at once.
_PICTURE_TOKENS = {"low": 800, "medium": 2_400, "high": 7_200, "xhigh": 14_400, "max": 28_800, "": 7_200}
# The most input tokens of a reference picture.
_REFERENCE_TOKENS = 7_000
# The most input tokens of the words that caption it.
_CAPTION_TOKENS = 60


class Prices:
    """Prices by provider and model. `allow_unpriced` counts models without a price as free."""

    @classmethod
    def of(cls, settings: Settings) -> "Prices":
        """As configured in the settings."""
        return cls(settings.prices, allow_unpriced=settings.allow_unpriced)

    def __init__(self, given: Mapping[str, Price] | None = None, *, allow_unpriced: bool = False) -> None:
        self._given = given or {}
        self._allow_unpriced = allow_unpriced

    def cost(self, kind: Kind, provider: str, model: str, used: Tokens) -> Decimal:
        """The cost of a call in USD, rounded up to six decimals. Raises `Unpriced`."""
        price = self._given.get(f"{provider}/{model}") or _newer(provider, model)
        if price is not None:
            return _rounded(_by(price, used))
        if any(one.free for one in PROVIDERS if (one.kind, one.id) == (kind, provider)):
            return Decimal(0)
        try:
            return _rounded(_listed(provider, model, used))
        except LookupError:
            if self._allow_unpriced:
                return Decimal(0)
            raise Unpriced(
                f"The price of {model or 'the model'} of {provider} is unknown. Set it in INKLOOM_PRICES, or"
                " set INKLOOM_ALLOW_UNPRICED=true to count its calls as free."
            ) from None

    def require(self, options: GenerationOptions) -> None:
        """Require a price for every model that a generation may use. Raises `Unpriced` before the first call, not
        after it.
        """
        first = Choice(provider=options.llm, model=options.llm_model)
        asked: list[tuple[Kind, Choice]] = [
            ("llm", one) for one in (first, *options.llm_tasks.values(), *options.llm_fallback)
        ]
        if options.until == "pages":
            asked += [("images", one) for one in options.artists()]
        for kind, one in asked:
            self.cost(kind, one.provider, model_of(kind, one), Tokens())

    def settle(self, kind: Kind, provider: str, model: str, used: Tokens, otherwise: Decimal) -> Decimal:
        """The cost of an answered call; `otherwise`, its maximum cost, if the cost is unknown.

        That is so if the vendor reports no usage, or an inconsistent one, or the price was removed, or the price list
        fails: no answer is lost for it. No call costs less than nothing.
        """
        if used == Tokens():
            return otherwise
        try:
            cost = self.cost(kind, provider, model, used)
            if min(astuple(used)) >= 0 and 0 <= cost < _MOST_USD:
                return cost
        except Exception:
            # The answer is here and paid for; what `genai_prices` cannot calculate must not lose it.
            log.exception("the cost of a call to %s could not be calculated; what was reserved is counted", provider)
        return otherwise


def most_tokens(text: str) -> int:
    """The most tokens that a vendor can count for a text, in any script.

    A token of today's tokenizers stands for at least one byte of UTF-8, which is what rare scripts and emoji take. Only
    what looks like a word of ASCII letters counts half its letters, and the space before it nothing: OpenAI's
    tokenizers take a quarter to a third of English letters, and half of random ones.
    """
    saved = sum(
        len(word) // 2 for word in _WORD.findall(text) if len(word) <= _LONGEST_WORD and not _JUMBLE.search(word)
    )
    return len(text.encode("utf-8", "surrogatepass")) - saved - len(_SPACE.findall(text))


def most_of_text(text: str, max_output_tokens: int) -> Tokens:
    """The most that a question with this text can use. This is reserved: a budget is a gate."""
    return Tokens(input=most_tokens(text) + _FRAME_TOKENS, output=max_output_tokens)


def usual_of_text(prompt_tokens: int, max_output_tokens: int) -> Tokens:
    """What a question uses, by an estimate of its tokens, for planning: vendors count up to a third more of prose."""
    return Tokens(input=prompt_tokens * 4 // 3 + _FRAME_TOKENS, output=max_output_tokens)


def most_of_picture(prompt: str, width: int, height: int, quality: str, references: int) -> Tokens:
    """The most that a picture can use."""
    drawn = -(-_PICTURE_TOKENS[quality] * width * height // (1024 * 1024))
    shown = references * _REFERENCE_TOKENS
    read = most_tokens(prompt) + 100 + references * _CAPTION_TOKENS + shown
    return Tokens(input=read, image_input=shown, output=drawn, image_output=drawn)


def _newer(provider: str, model: str) -> Price | None:
    since, price = _NEWER.get(f"{provider}/{model}", (date.max, None))
    return price if since <= datetime.now(UTC).date() else None


def _by(price: Price, used: Tokens) -> Decimal:
    """The cost by one of our prices: parts without a price of their own cost as much as the whole."""
    cached = price.input if price.cached_input is None else price.cached_input
    image_input = price.input if price.image_input is None else price.image_input
    image_output = price.output if price.image_output is None else price.image_output
    plain_input = max(used.input - used.cached_input - used.image_input, 0)
    tokens = (
        plain_input * price.input
        + used.cached_input * cached
        + used.image_input * image_input
        + max(used.output - used.image_output, 0) * price.output
        + used.image_output * image_output
    )
    return tokens / _MILLION + price.call


def _listed(provider: str, model: str, used: Tokens) -> Decimal:
    """The cost by today's listed prices. Raises `LookupError` if there are none."""
    # Slow to import, and needed only if something costs money.
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cached_input,
        input_image_tokens=used.image_input,
        output_image_tokens=used.image_output,
    )
    return calc_price(usage, model, provider_id=provider).total_price


def _rounded(usd: Decimal) -> Decimal:
    return usd.quantize(_CENT_OF_A_CENT, rounding=ROUND_UP)
