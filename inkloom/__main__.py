"""The command line. Words for people go to stderr; stdout carries results, with `--json` nothing but one object."""

import asyncio
import contextlib
import json
import logging
import math
import os
import re
import sys
from collections.abc import Coroutine, Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import typer
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from engine.errors import BadInput, EngineError, NotConfigured, Unpriced
from engine.settings import Settings

INTERRUPTED = 130
# Whoever was to read our output is gone; shells know this code.
CUT_OFF = 141

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
say = Console(stderr=True, highlight=False)


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


class Queues(StrEnum):
    FLOW = "flow"
    DRAW = "draw"
    ALL = "all"


StoryFile = Annotated[Path, typer.Argument(help="A .txt or .md manuscript, or a script.json.")]
Llm = Annotated[str | None, typer.Option(help="Writer: offline, openai, anthropic or ollama.")]
LlmModel = Annotated[str | None, typer.Option(help="Model of the writer; default: the provider's.")]
Images = Annotated[str | None, typer.Option(help="Artist: offline, openai or local.")]
ImageModel = Annotated[str | None, typer.Option(help="Model of the artist; default: the provider's.")]
Drafts = Annotated[int, typer.Option(help="Drafts drawn for each panel.", min=1, max=8)]
MaxPanels = Annotated[int | None, typer.Option(help="Condense the story to so many panels.", min=1)]
UntilWhen = Annotated[Until, typer.Option(help="Stop after the script, or go on to pages.")]
Exports = Annotated[
    str | None,
    typer.Option("--export", help="Files to build, separated by commas: cbz,print,ora. Default: cbz,pdf,epub."),
]
TitlePage = Annotated[bool, typer.Option("--title-page", help="Files begin with a page of title and credits.")]
PageNumbers = Annotated[bool, typer.Option("--page-numbers", help="Files have page numbers.")]
Credits = Annotated[
    list[str] | None, typer.Option("--credit", help="Who is named in files: ROLE=NAME, like writer=Ada; several times.")
]
Translate = Annotated[
    list[str] | None,
    typer.Option(help="Letter it in other languages too: de,ja; or de=FILE as a translator has filled it in."),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line of stdout.")]


def settings() -> Settings:
    """The settings of this process; a wrong one is bad input, named as the user knows it."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"INKLOOM_{str(one['loc'][0]).upper()}{''.join(f' {place}' for place in one['loc'][1:])}: {one['msg']}"
            for one in error.errors()
        )
        raise BadInput(f"A setting in the environment is wrong: {wrong}") from error
    except SettingsError as error:
        raise BadInput(f"A setting in the environment is no JSON: {error}; docs/settings.md shows one.") from error


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
            raise BadInput(f"--choose {word}: give it as SCENE.PANEL=DRAFT, like 2.1=3.")
        found.append((int(match[1]), int(match[2]), int(match[3])))
    return found


def languages_of(words: list[str] | None) -> dict[str, str]:
    """`de,ja` or `de=FILE`: languages, and the translators' files of those that have one."""
    found: dict[str, str] = {}
    for word in words or []:
        language, named, file = word.partition("=")
        if named and not file:
            raise BadInput(f"--translate {word}: name the file, like de=german.json.")
        for one in [language] if named else language.split(","):
            if one.strip() in found:
                raise BadInput(f"--translate: {one.strip()} is named twice.")
            found[one.strip()] = file
    return found


def translation_choices(translate: list[str] | None, translator: str | None) -> dict[str, Any]:
    """The options that say which languages, and who translates."""
    by = choices_of([translator] if translator else None)
    return {"translations": list(languages_of(translate)) or None, "llm_tasks": by and {"Translate": by[0]}}


def _a_number(value: float | None) -> float | None:
    """No comparison holds for what is not a number, so limits alone let it through."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("It must be a number.")
    return value


@app.command()
def run(
    story: StoryFile,
    out: Annotated[Path, typer.Option(help="Folder for pages, exports and script.json.")] = Path("out"),
    title: Annotated[str | None, typer.Option(help="Title; default: the text's heading or the file's name.")] = None,
    format: Annotated[Format | None, typer.Option(help="Pages, or a vertical strip; default: page.")] = None,
    page_size: Annotated[PageSize | None, typer.Option(help="What is printed; default: us-comic.")] = None,
    direction: Annotated[Direction | None, typer.Option(help="Reading direction; default: ltr.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Of the story's words (en, de, pt-BR): how lines are broken and spaced.")
    ] = None,
    llm: Llm = None,
    llm_model: LlmModel = None,
    images: Images = None,
    image_model: ImageModel = None,
    drafts: Drafts = 1,
    max_panels: MaxPanels = None,
    until: UntilWhen = Until.PAGES,
    budget: Annotated[
        float | None, typer.Option(help="Most that may be spent, in USD.", min=0, max=999_999, callback=_a_number)
    ] = None,
    llm_fallback: Annotated[
        list[str] | None, typer.Option(help="Writer to ask when the first is down: provider or provider/model.")
    ] = None,
    image_fallback: Annotated[
        list[str] | None, typer.Option(help="Artist to ask when the first is down: provider or provider/model.")
    ] = None,
    quality: Annotated[str | None, typer.Option(help="Of OpenAI's pictures: low, medium, high, xhigh, max.")] = None,
    soften: Annotated[bool, typer.Option("--soften", help="Ask once more, milder, for what is refused.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Try again what was lost or refused.")] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Go on without what was refused.")] = False,
    pages: Annotated[int | None, typer.Option(help="Condense the story to about so many pages.", min=1)] = None,
    review: Annotated[Reviewing, typer.Option(help="Wait for you after the outline, the drafts, or each step.")] = (
        Reviewing.NONE
    ),
    translate: Translate = None,
    translator: Annotated[
        str | None, typer.Option(help="Who translates, where it is not the writer: provider or provider/model.")
    ] = None,
    approve: Annotated[bool, typer.Option("--approve", help="Go on from where it waits for you.")] = False,
    choose: Annotated[
        list[str] | None, typer.Option(help="Show a draft: SCENE.PANEL=DRAFT, as its file is called; several times.")
    ] = None,
    exports: Exports = None,
    title_page: TitlePage = False,
    page_numbers: PageNumbers = False,
    credit: Credits = None,
    as_json: JsonFlag = False,
) -> None:
    """Turn a story into a finished comic chapter. Run it again to go on with what was interrupted."""
    from inkloom.commands import run_command
    from inkloom.decided import Decided
    from inkloom.export_options import ordered

    _finish(
        run_command(
            settings(),
            story,
            out,
            title=title,
            choices={
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
            },
            ordered=ordered(exports, credits=credit, title_page=title_page, page_numbers=page_numbers),
            budget=None if budget is None else Decimal(str(budget)),
            decided=Decided(resume=resume, skip_refused=skip_refused, approve=approve, choose=chosen_drafts(choose)),
            translated={language: Path(file) for language, file in languages_of(translate).items() if file},
            as_json=as_json,
        )
    )


@app.command()
def export(
    of: Annotated[UUID, typer.Argument(help="Id of a chapter or a project, as `run --json` and the API tell it.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("out"),
    exports: Exports = None,
    title_page: TitlePage = False,
    page_numbers: PageNumbers = False,
    credit: Credits = None,
    as_json: JsonFlag = False,
) -> None:
    """Build files of a finished chapter, or of all chapters of a project in one. Nobody is asked to write or draw."""
    from inkloom.export import export_command
    from inkloom.export_options import ordered

    wanted = ordered(exports, credits=credit, title_page=title_page, page_numbers=page_numbers)
    _finish(export_command(settings(), of, wanted, out, as_json=as_json))


@app.command()
def estimate(
    story: StoryFile,
    llm: Llm = None,
    llm_model: LlmModel = None,
    images: Images = None,
    image_model: ImageModel = None,
    drafts: Drafts = 1,
    max_panels: MaxPanels = None,
    until: UntilWhen = Until.PAGES,
    translate: Translate = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what a story would cost. Nothing is started and nothing is sent."""
    from inkloom.commands import estimate_command

    choices = {
        "llm": llm,
        "llm_model": llm_model,
        "images": images,
        "image_model": image_model,
        "drafts": drafts,
        "max_panels": max_panels,
        "until": until.value,
        **translation_choices(translate, None),
    }
    _finish(estimate_command(settings(), story, choices=choices, as_json=as_json))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the result.")] = Path("out/demo"), as_json: JsonFlag = False
) -> None:
    """Turn the example story into a chapter, offline, and say where everything is."""
    from inkloom.commands import demo_command

    _finish(demo_command(settings(), out, as_json=as_json))


@app.command()
def up(port: Annotated[int | None, typer.Option(help="Port of the API.", min=0, max=65535)] = None) -> None:
    """Start Postgres, Temporal with its UI, workers and the API, and keep them running until Ctrl-C."""
    from inkloom.commands import up_command

    given = settings()
    _finish(up_command(given if port is None else given.model_copy(update={"api_port": port})))


@app.command()
def api() -> None:
    """Run the API alone; `up` does this for you."""
    from api.serve import serve_api
    from inkloom.local.secret import secret_key

    given = settings()
    _quietly(lambda: serve_api(given.model_copy(update={"secret_key": SecretStr(secret_key(given))})))


@app.command()
def worker(queues: Annotated[Queues, typer.Option(help="Which queues to serve.")] = Queues.ALL) -> None:
    """Run workers alone; `up` does this for you."""
    import uvloop

    from engine import wiring
    from engine.logs import log_to_stderr
    from inkloom.local.secret import secret_key
    from inkloom.serve import serve_workers

    given = settings()
    given = given.model_copy(update={"secret_key": SecretStr(secret_key(given))})
    log_to_stderr(given.log_level, given.log_format)

    # A worker does little but wait for sockets, which uvloop does for less CPU time than asyncio's own loop.
    _quietly(lambda: uvloop.run(serve_workers(given, queues.value, wiring.writers(given), wiring.artists(given))))
    _leave(0)


@app.command("init-db")
def init_db(as_json: JsonFlag = False) -> None:
    """Bring the database's tables to this version."""
    from inkloom.database import upgrade

    given = settings()
    revision = _quietly(lambda: upgrade(given))
    _result({"revision": revision}, as_json, f"The database is at revision {revision}.")


@app.command()
def seed(as_json: JsonFlag = False) -> None:
    """Put the example story into the database as a project with one chapter, ready to be generated."""
    from inkloom.commands import seed_command

    _finish(seed_command(settings(), as_json=as_json))


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Look for what would keep Inkloom from running, and say what to do."""
    from inkloom.commands import doctor_command

    _finish(doctor_command(settings(), as_json=as_json))


def _result(value: dict[str, Any], as_json: bool, words: str) -> None:
    print(json.dumps(value) if as_json else words)  # noqa: T201  # stdout is this function's business


def _quietly(work: Any) -> Any:
    """Run plain code; an error that the engine can explain becomes one line and an exit code."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # the edge of the program
        _leave(_explain(error))


def _finish(work: Coroutine[Any, Any, int]) -> None:
    """Run to the end and leave with the exit code."""
    try:
        code = asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the edge of the program
        code = _explain(error)
    _leave(code)


def _explain(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        return CUT_OFF
    if isinstance(error, EngineError):
        say.print(f"[bold red]inkloom:[/] {_escaped(error.message)}", soft_wrap=True)
        return 2 if isinstance(error, BadInput | NotConfigured | Unpriced) else 1
    logging.getLogger(__name__).debug("unexpected", exc_info=error)
    say.print(
        f"[bold red]inkloom:[/] something unexpected happened: {type(error).__name__}: {_escaped(str(error)[:500])}\n"
        "Run `python -m inkloom doctor`; with INKLOOM_LOG_LEVEL=DEBUG the whole story is told.",
        soft_wrap=True,
    )
    if os.environ.get("INKLOOM_LOG_LEVEL", "").upper() == "DEBUG":
        say.print_exception()
    return 1


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


class _Ended(SystemExit):
    """What a command leaves with."""


def _leave(code: int) -> NoReturn:
    raise _Ended(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default this process's. Ends in `SystemExit`, with the code that the shell is to see."""
    try:
        app(arguments, standalone_mode=True)
    except EngineError as error:
        _leave(_explain(error))


def _end_process(code: int) -> NoReturn:
    """End without the interpreter's finalisation: with a Temporal client it was seen to abort in 1 of 10 to 15 runs."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        main()
    except _Ended as ended:
        _end_process(int(ended.code or 0))
