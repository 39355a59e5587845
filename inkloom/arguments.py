"""What commands take: the options that several share, and how they are read."""

import math
import re
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from engine.errors import BadInput
from engine.settings import Settings


class Format(StrEnum):
    PAGE = "page"
    WEBTOON = "webtoon"


class PageSize(StrEnum):
    US_COMIC = "us-comic"
    MANGA_B5 = "manga-b5"
    MANGA_B6 = "manga-b6"
    A4 = "a4"
    SQUARE = "square"


class Direction(StrEnum):
    LTR = "ltr"
    RTL = "rtl"


class Until(StrEnum):
    SCRIPT = "script"
    PAGES = "pages"


class Reviewing(StrEnum):
    NONE = "none"
    OUTLINE = "outline"
    DRAFTS = "drafts"
    ALL = "all"


class ProviderKind(StrEnum):
    LLM = "llm"
    IMAGES = "images"


class Queues(StrEnum):
    FLOW = "flow"
    DRAW = "draw"
    ALL = "all"


StoryFile = Annotated[Path, typer.Argument(help="A .txt or .md manuscript, or a script.json.")]
Llm = Annotated[str | None, typer.Option(help="Choose the writer: offline, openai, anthropic or ollama.")]
LlmModel = Annotated[str | None, typer.Option(help="Choose the writer's model. Default: the provider's.")]
Images = Annotated[str | None, typer.Option(help="Choose the artist: offline, openai or local.")]
ImageModel = Annotated[str | None, typer.Option(help="Choose the artist's model. Default: the provider's.")]
Drafts = Annotated[int, typer.Option(help="Draw this many drafts of each panel.", min=1, max=8)]
MaxPanels = Annotated[int | None, typer.Option(help="Condense the story to at most this many panels.", min=1)]
UntilWhen = Annotated[Until, typer.Option(help="Stop after the script, or go on to pages.")]
Exports = Annotated[
    str | None,
    typer.Option("--export", help="Build these files, separated by commas: cbz,print,ora. Default: cbz,pdf,epub."),
]
TitlePage = Annotated[bool, typer.Option("--title-page", help="Begin files with a page of title and credits.")]
PageNumbers = Annotated[bool, typer.Option("--page-numbers", help="Print page numbers.")]
Credits = Annotated[
    list[str] | None,
    typer.Option("--credit", help="Credit someone in the files: ROLE=NAME, e.g. writer=Ada. Repeatable."),
]
Translate = Annotated[
    list[str] | None,
    typer.Option(
        help="Letter the chapter in other languages too: de,ja; or take the words from a translator's file: de=FILE."
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]

FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Make pages, or a vertical strip. Default: page.")
]
PageSizeOption = Annotated[PageSize | None, typer.Option(help="Set the trim size. Default: us-comic.")]
DirectionOption = Annotated[Direction | None, typer.Option(help="Set the reading direction. Default: ltr.")]
LanguageOption = Annotated[
    str | None, typer.Option(help="Set the story's language (en, de, pt-BR), for hyphenation and line breaks.")
]
LlmFallback = Annotated[
    list[str] | None,
    typer.Option(help="Ask this writer when the first is down: provider or provider/model. Repeatable."),
]
ImageFallback = Annotated[
    list[str] | None,
    typer.Option(help="Ask this artist when the first is down: provider or provider/model. Repeatable."),
]
Quality = Annotated[
    str | None, typer.Option(help="Set the quality of OpenAI's pictures: low, medium, high, xhigh, max.")
]
Soften = Annotated[bool, typer.Option("--soften", help="Ask once more in milder words for what a provider refuses.")]
Pages = Annotated[int | None, typer.Option(help="Condense the story to about this many pages.", min=1)]
Review = Annotated[Reviewing, typer.Option(help="Wait for your review after the outline, the drafts, or each step.")]
Translator = Annotated[
    str | None, typer.Option(help="Choose another writer for translations: provider or provider/model.")
]


def settings() -> Settings:
    """The settings of this process. A wrong one is bad input, reported under the name that the user knows."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(_wrong(one) for one in error.errors())
        raise BadInput(f"A setting in the environment is wrong: {wrong}") from error
    except SettingsError as error:
        if isinstance(error.__cause__, BadInput):
            raise error.__cause__ from None
        raise BadInput(
            f"A setting in the environment is not valid JSON: {error}. See docs/settings.md for an example."
        ) from error


def _wrong(one: ErrorDetails) -> str:
    """What is wrong with a setting, or with several together; never their values."""
    said = one["msg"].removeprefix("Value error, ")
    if not one["loc"]:
        return said
    name, *places = map(str, one["loc"])
    return f"{name if name.isupper() else f'INKLOOM_{name.upper()}'}{''.join(f' {place}' for place in places)}: {said}"


def choices_of(words: list[str] | None) -> list[dict[str, str]] | None:
    """`openai/gpt-6.1-sol` → provider and model; a provider alone means its default."""
    if not words:
        return None
    found = [word.partition("/") for word in words]
    return [{"provider": provider, "model": model} for provider, _, model in found]


def chosen_drafts(words: list[str] | None) -> list[tuple[int, int, int]]:
    """`2.1=3`: in scene 2, panel 1 shows its third draft."""
    found = []
    for word in words or []:
        match = re.fullmatch(r"([1-9]\d{0,3})\.([1-9]\d{0,3})=([1-9]\d{0,3})", word)
        if match is None:
            raise BadInput(f"--choose {word}: write SCENE.PANEL=DRAFT, e.g. 2.1=3.")
        found.append((int(match[1]), int(match[2]), int(match[3])))
    return found


def languages_of(words: list[str] | None) -> dict[str, str]:
    """`de,ja` or `de=FILE`: languages, and the translators' files of those that have one."""
    found: dict[str, str] = {}
    for word in words or []:
        language, named, file = word.partition("=")
        if named and not file:
            raise BadInput(f"--translate {word}: name the file, e.g. de=german.json.")
        for one in [language] if named else language.split(","):
            if one.strip() in found:
                raise BadInput(f"--translate: {one.strip()} is named twice.")
            found[one.strip()] = file
    return found


def translation_choices(translate: list[str] | None, translator: str | None) -> dict[str, Any]:
    """The options that say which languages, and who translates."""
    by = choices_of([translator] if translator else None)
    return {"translations": list(languages_of(translate)) or None, "llm_tasks": by and {"Translate": by[0]}}


def a_number(value: float | None) -> float | None:
    """NaN compares false with everything, so limits alone would let it through."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("It must be a number.")
    return value


def choices(
    *,
    format: Format | None,
    page_size: PageSize | None,
    direction: Direction | None,
    language: str | None,
    llm: str | None,
    llm_model: str | None,
    images: str | None,
    image_model: str | None,
    llm_fallback: list[str] | None,
    image_fallback: list[str] | None,
    quality: str | None,
    soften: bool,
    drafts: int,
    max_panels: int | None,
    pages: int | None,
    review: Reviewing,
    until: Until,
    translate: list[str] | None,
    translator: str | None,
) -> dict[str, Any]:
    """The options of a generation as named on the command line; None for those that are not."""
    return {
        "format": format and format.value,
        "page_size": page_size and page_size.value,
        "direction": direction and direction.value,
        "language": language,
        "llm": llm,
        "llm_model": llm_model,
        "images": images,
        "image_model": image_model,
        "llm_fallback": choices_of(llm_fallback),
        "image_fallback": choices_of(image_fallback),
        "render": quality and {"quality": quality},
        "soften": soften,
        "drafts": drafts,
        "max_panels": max_panels,
        "pages": pages,
        "review": review.value,
        "until": until.value,
        **translation_choices(translate, translator),
    }


def hours_of(words: str | None) -> dict[str, str] | None:
    """`22:00-06:00 Europe/Berlin`: the hours of a batch, by default in UTC."""
    if words is None:
        return None
    match = re.fullmatch(r"(\d\d:\d\d)\s*-\s*(\d\d:\d\d)(?:\s+(\S{1,64}))?", words.strip())
    if match is None:
        raise BadInput(f'--only-between {words}: write e.g. "22:00-06:00 Europe/Berlin".')
    return {"from": match[1], "to": match[2], "zone": match[3] or "UTC"}


def moment_of(words: str | None) -> datetime | None:
    """A date and time with its offset from UTC."""
    if words is None:
        return None
    try:
        moment = datetime.fromisoformat(words.strip())
    except ValueError as error:
        raise BadInput(f"--not-before {words}: write e.g. 2026-12-24T20:00:00+01:00.") from error
    if moment.tzinfo is None:
        raise BadInput(f"--not-before {words}: add the offset from UTC, e.g. {words}+01:00, or Z for UTC.")
    return moment
