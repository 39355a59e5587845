"""Inkloom's command line. Messages go to stderr, results to stdout; with `--json`, stdout is one JSON object."""

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
# The reader of our output is gone; shells know this code.
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


def settings() -> Settings:
    """The settings of this process. A wrong one is bad input, reported under the name that the user knows."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"INKLOOM_{str(one['loc'][0]).upper()}{''.join(f' {place}' for place in one['loc'][1:])}: {one['msg']}"
            for one in error.errors()
        )
        raise BadInput(f"A setting in the environment is wrong: {wrong}") from error
    except SettingsError as error:
        raise BadInput(
            f"A setting in the environment is not valid JSON: {error}. See docs/settings.md for an example."
        ) from error


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


def _a_number(value: float | None) -> float | None:
    """NaN compares false with everything, so limits alone would let it through."""
    if value is not None and math.isnan(value):
        raise typer.BadParameter("It must be a number.")
    return value


@app.command()
def run(
    story: StoryFile,
    out: Annotated[Path, typer.Option(help="Write pages, exports and script.json to this folder.")] = Path("out"),
    title: Annotated[
        str | None, typer.Option(help="Set the title. Default: the heading of the text, or the file name.")
    ] = None,
    format: Annotated[Format | None, typer.Option(help="Make pages, or a vertical strip. Default: page.")] = None,
    page_size: Annotated[PageSize | None, typer.Option(help="Set the trim size. Default: us-comic.")] = None,
    direction: Annotated[Direction | None, typer.Option(help="Set the reading direction. Default: ltr.")] = None,
    language: Annotated[
        str | None, typer.Option(help="Set the story's language (en, de, pt-BR), for hyphenation and line breaks.")
    ] = None,
    llm: Llm = None,
    llm_model: LlmModel = None,
    images: Images = None,
    image_model: ImageModel = None,
    drafts: Drafts = 1,
    max_panels: MaxPanels = None,
    until: UntilWhen = Until.PAGES,
    budget: Annotated[
        float | None, typer.Option(help="Spend at most this much, in USD.", min=0, max=999_999, callback=_a_number)
    ] = None,
    llm_fallback: Annotated[
        list[str] | None,
        typer.Option(help="Ask this writer when the first is down: provider or provider/model. Repeatable."),
    ] = None,
    image_fallback: Annotated[
        list[str] | None,
        typer.Option(help="Ask this artist when the first is down: provider or provider/model. Repeatable."),
    ] = None,
    quality: Annotated[
        str | None, typer.Option(help="Set the quality of OpenAI's pictures: low, medium, high, xhigh, max.")
    ] = None,
    soften: Annotated[
        bool, typer.Option("--soften", help="Ask once more in milder words for what a provider refuses.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue after a pause; retry lost answers and refused parts.")
    ] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Continue without refused parts.")] = False,
    pages: Annotated[int | None, typer.Option(help="Condense the story to about this many pages.", min=1)] = None,
    review: Annotated[
        Reviewing, typer.Option(help="Wait for your review after the outline, the drafts, or each step.")
    ] = (Reviewing.NONE),
    translate: Translate = None,
    translator: Annotated[
        str | None, typer.Option(help="Choose another writer for translations: provider or provider/model.")
    ] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve what is waiting for your review, and continue.")
    ] = False,
    choose: Annotated[
        list[str] | None, typer.Option(help="Select a draft: SCENE.PANEL=DRAFT, e.g. 2.1=3. Repeatable.")
    ] = None,
    exports: Exports = None,
    title_page: TitlePage = False,
    page_numbers: PageNumbers = False,
    credit: Credits = None,
    as_json: JsonFlag = False,
) -> None:
    """Turn a story into a finished comic chapter. Run it again to continue after an interruption."""
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
    of: Annotated[UUID, typer.Argument(help="ID of a chapter or a project, as `run --json` and the API report it.")],
    out: Annotated[Path, typer.Option(help="Write the files to this folder.")] = Path("out"),
    exports: Exports = None,
    title_page: TitlePage = False,
    page_numbers: PageNumbers = False,
    credit: Credits = None,
    as_json: JsonFlag = False,
) -> None:
    """Build files of a finished chapter, or of all chapters of a project in one. Makes no call to a provider."""
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
    """Estimate what a story would cost. Starts nothing and sends nothing."""
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
    out: Annotated[Path, typer.Option(help="Write the result to this folder.")] = Path("out/demo"),
    as_json: JsonFlag = False,
) -> None:
    """Turn the example story into a chapter, offline, and print where it is."""
    from inkloom.commands import demo_command

    _finish(demo_command(settings(), out, as_json=as_json))


@app.command()
def up(port: Annotated[int | None, typer.Option(help="Serve the API on this port.", min=0, max=65535)] = None) -> None:
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
def worker(
    queues: Annotated[Queues, typer.Option(help="Serve these queues.")] = Queues.ALL,
    drain: Annotated[
        bool, typer.Option("--drain", help="Stop this machine's workers once they have finished what is in flight.")
    ] = False,
) -> None:
    """Run workers alone; `up` does this for you."""
    import uvloop

    from engine import wiring
    from engine.logs import log_to_stderr
    from inkloom.local.secret import secret_key
    from inkloom.serve import patience, serve_workers

    given = settings()
    if drain:
        from inkloom.draining import drain as drain_workers

        stopped = drain_workers(given.data, queues.value, say.print, patience(given, queues.value))
        say.print(f"{stopped} workers were told to stop.")
        _leave(0)
    given = given.model_copy(update={"secret_key": SecretStr(secret_key(given))})
    log_to_stderr(given.log_level, given.log_format)

    # A worker mostly waits for sockets, which uvloop does with less CPU time than asyncio's loop.
    _quietly(lambda: uvloop.run(serve_workers(given, queues.value, wiring.writers(given), wiring.artists(given))))
    _leave(0)


@app.command("init-db")
def init_db(as_json: JsonFlag = False) -> None:
    """Migrate the database to this version."""
    from inkloom.database import upgrade

    given = settings()
    revision = _quietly(lambda: upgrade(given))
    _result({"revision": revision}, as_json, f"The database is at revision {revision}.")


@app.command()
def seed(as_json: JsonFlag = False) -> None:
    """Add the example story to the database: a project with one chapter, ready to be generated."""
    from inkloom.commands import seed_command

    _finish(seed_command(settings(), as_json=as_json))


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Check what would keep Inkloom from running, and say what to do about it."""
    from inkloom.commands import doctor_command

    _finish(doctor_command(settings(), as_json=as_json))


def _result(value: dict[str, Any], as_json: bool, words: str) -> None:
    print(json.dumps(value) if as_json else words)  # noqa: T201  # stdout is this function's business


def _quietly(work: Any) -> Any:
    """Run plain code; an error of the engine becomes one line and an exit code."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  # the edge of the program
        _leave(_explain(error))


def _finish(work: Coroutine[Any, Any, int]) -> None:
    """Run to the end and exit with the code."""
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
        "Run `python -m inkloom doctor`; set INKLOOM_LOG_LEVEL=DEBUG for a traceback.",
        soft_wrap=True,
    )
    if os.environ.get("INKLOOM_LOG_LEVEL", "").upper() == "DEBUG":
        say.print_exception()
    return 1


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


class _Ended(SystemExit):
    """The exit code of a command."""


def _leave(code: int) -> NoReturn:
    raise _Ended(code)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default this process's. Ends in `SystemExit` with the exit code."""
    try:
        app(arguments, standalone_mode=True)
    except EngineError as error:
        _leave(_explain(error))


def _end_process(code: int) -> NoReturn:
    """Exit without finalising the interpreter, which aborted with a Temporal client in 1 of 10 to 15 runs."""
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
