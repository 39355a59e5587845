"""The cost of a chapter before anything is spent: low, expected, high, and the basis of the estimate.

Without a script, calls are estimated from the text; with one, they are counted. The cost of a call comes from earlier
calls of the same kind if there are enough, otherwise from usual sizes and the models' prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.money.prices import Prices, most_of_picture, usual_of_text
from engine.providers.model_facts import most_output
from engine.providers.registry import draws_of, model_of
from engine.providers.usage import Tokens
from engine.tasks import ALL
from engine.tasks.task import Unit
from models.options import GenerationOptions, TaskName
from models.script import Script

# Words a panel, a scene and a character stand for in prose, as the low, the expected and the high estimate see them.
_WORDS_A_PANEL = (45, 32, 20)
_WORDS_A_SCENE = (900, 400, 150)
_WORDS_A_CHARACTER = (1_500, 500, 150)
_MOST_CHARACTERS = 24
_WORDS_A_WINDOW = 4_500
# Answers that are not accepted are asked for again: one in twenty is usual, every second one is bad luck.
_REPAIRS = (Decimal(1), Decimal("1.05"), Decimal("1.5"))
# A picture's usual size in pixels, and the share of the worst case that it usually takes.
_PICTURE = (1024, 1024)
_USUAL_SHARE = (Decimal("0.3"), Decimal("0.6"), Decimal(1))
# How many pictures of people and places usually go with a panel.
_USUAL_REFERENCES = (1, 2, 5)
# From this many earlier calls on, their cost is a better estimate than the usual size.
ENOUGH = 10


@dataclass(frozen=True)
class Range:
    """Three answers to one question; all the same where it is known."""

    low: Decimal = Decimal(0)
    expected: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def times(self, other: "Range") -> "Range":
        return Range(self.low * other.low, self.expected * other.expected, self.high * other.high)


def exactly(count: int) -> Range:
    """A number that is known."""
    return Range(Decimal(count), Decimal(count), Decimal(count))


@dataclass(frozen=True)
class Seen:
    """What earlier calls of one kind cost."""

    calls: int
    average_usd: Decimal
    highest_usd: Decimal


# By provider, model and purpose.
Experience = Mapping[tuple[str, str, str], Seen]


@dataclass(frozen=True)
class Work:
    """The calls that are still to be made: writers' by task, pictures of panels, and reference sheets."""

    tasks: Mapping[TaskName, Range]
    pictures: Range
    sheets: Range
    counted: bool

    def up_to(self, other: "Work") -> "Work":
        """The same, which may come to as much as the other at most."""

        def widened(one: Range, most: Range) -> Range:
            return Range(one.low, one.expected, max(one.high, most.high))

        return Work(
            tasks={task: widened(one, other.tasks.get(task, one)) for task, one in self.tasks.items()},
            pictures=widened(self.pictures, other.pictures),
            sheets=widened(self.sheets, other.sheets),
            counted=False,
        )


@dataclass(frozen=True)
class Estimate:
    """What is still to be made, and its price in USD."""

    llm: Range
    image: Range
    usd: Range
    basis: Sequence[str] = field(default_factory=list)


def work_of_text(words: int, options: GenerationOptions) -> Work:
    """The calls for a text that has not been outlined yet."""
    panels = _spread(words, _WORDS_A_PANEL)
    if options.most_panels is not None:
        most = Decimal(options.most_panels)
        panels = Range(min(panels.low, most), min(panels.expected, most), min(panels.high, most))
    scenes = _spread(words, _WORDS_A_SCENE)
    people = _spread(words, _WORDS_A_CHARACTER, _MOST_CHARACTERS)
    drawn = options.until == "pages"
    units: dict[Unit, Range] = {
        "window": exactly(-(-words // _WORDS_A_WINDOW)),
        "character": people,
        "scene": scenes,
        "panel": panels,
        "panel without a prompt": panels,
        "scene and language": scenes.times(exactly(len(options.translations))),
    }
    return Work(
        tasks={task.name: units[task.per] for task in ALL.values()},
        pictures=panels.times(exactly(options.drafts)) if drawn else Range(),
        sheets=people if drawn else Range(),
        counted=False,
    )


def work_of_script(script: Script, options: GenerationOptions) -> Work:
    """The calls for a script: its words are there, and prompts where it gives them."""
    panels = [panel for scene in script.scenes for panel in scene.panels]
    people = {name for panel in panels for name in panel.characters} | {who.name for who in script.characters}
    drawn = options.until == "pages"
    units: dict[Unit, int] = {
        # A script is not read in windows.
        "window": 0,
        "character": len(people),
        "scene": len(script.scenes),
        "panel": len(panels),
        "panel without a prompt": sum(not panel.prompt for panel in panels),
        "scene and language": len(script.scenes) * len(options.translations),
    }
    return Work(
        tasks={task.name: exactly(units[task.per_in_script]) for task in ALL.values() if task.per_in_script},
        pictures=exactly(len(panels) * options.drafts) if drawn else Range(),
        sheets=exactly(len(people)) if drawn else Range(),
        counted=True,
    )


def estimate(work: Work, options: GenerationOptions, prices: Prices, experience: Experience) -> Estimate:
    """Low, expected and high. Raises `Unpriced` for a model whose price is not known."""
    llm = image = usd = Range()
    basis = ["counted from the script" if work.counted else "estimated from the length of the text"]
    # What is counted is asked once; what is estimated includes the repairs.
    repairs = exactly(1) if work.counted else Range(*_REPAIRS)
    for task, calls in work.tasks.items():
        by = options.writers(task)[0]
        model = model_of("llm", by)
        asked = calls.times(repairs)
        llm += asked
        reads, writes, most = ALL[task].usual
        usual = Tokens(input=reads, output=writes)
        price = Range(
            prices.cost("llm", by.provider, model, Tokens(input=reads // 2, output=writes // 2)),
            prices.cost("llm", by.provider, model, usual),
            prices.cost("llm", by.provider, model, usual_of_text(reads, most_output(by.provider, model, most))),
        )
        usd += asked.times(_known(experience, by.provider, model, task, price, basis))
    artist = options.artists()[0]
    model = model_of("images", artist)
    takes = draws_of(artist.provider).references
    for purpose, calls in (("draft", work.pictures), ("sheet", work.sheets)):
        image += calls
        # A sheet shows somebody for the first time; a panel goes along with pictures of who is in it.
        shown = [min(takes, count) if purpose == "draft" else 0 for count in _USUAL_REFERENCES]
        worst = [most_of_picture("word " * 500, *_PICTURE, options.render.quality, count) for count in shown]
        costs = [prices.cost("images", artist.provider, model, one) for one in worst]
        price = Range(*(cost * share for cost, share in zip(costs, _USUAL_SHARE, strict=True)))
        usd += calls.times(_known(experience, artist.provider, model, purpose, price, basis))
    if not usd.high:
        basis.append("the chosen providers cost nothing")
    return Estimate(_whole(llm), _whole(image), _cents(usd), basis)


def _known(
    experience: Experience, provider: str, model: str, purpose: str, otherwise: Range, basis: list[str]
) -> Range:
    """The price of a call from what such calls cost before, if there were enough of them."""
    seen = experience.get((provider, model, purpose))
    if seen is None or seen.calls < ENOUGH or not otherwise.high:
        return otherwise
    basis.append(f"{purpose} by {model or provider}: {seen.calls} calls cost {seen.average_usd:.4f} USD on average")
    return Range(seen.average_usd * Decimal("0.8"), seen.average_usd, max(seen.highest_usd, seen.average_usd))


def _spread(words: int, each: tuple[int, int, int], most: int = 1_000_000) -> Range:
    return Range(*(Decimal(min(max(-(-words // one), 1), most)) for one in each))


def _whole(numbers: Range) -> Range:
    return Range(*(Decimal(-(-number // 1)) for number in (numbers.low, numbers.expected, numbers.high)))


def _cents(usd: Range) -> Range:
    return Range(*(number.quantize(Decimal("0.0001")) for number in (usd.low, usd.expected, usd.high)))
