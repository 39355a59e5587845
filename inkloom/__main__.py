"""Inkloom's command line. Messages go to stderr, results to stdout; with `--json`, stdout is one JSON object."""

import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from pydantic import SecretStr

from engine.errors import BadInput, EngineError
from inkloom.admin.commands import admin
from inkloom.arguments import (
    Credits,
    DirectionOption,
    Drafts,
    Exports,
    FormatOption,
    ImageFallback,
    ImageModel,
    Images,
    JsonFlag,
    LanguageOption,
    Llm,
    LlmFallback,
    LlmModel,
    MaxPanels,
    PageNumbers,
    Pages,
    PageSizeOption,
    Quality,
    Queues,
    Review,
    Reviewing,
    Soften,
    StoryFile,
    TitlePage,
    Translate,
    Translator,
    Until,
    UntilWhen,
    a_number,
    choices,
    chosen_drafts,
    hours_of,
    languages_of,
    moment_of,
    settings,
    translation_choices,
)
from inkloom.backup.command_line import backup, restore
from inkloom.ending import CUT_OFF, Ended, end_process, explain, finish, leave, print_error, print_result, quietly, say
from models.sweeps import SweepKind

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(admin, name="admin")
storage = typer.Typer(no_args_is_help=True, help="Where pictures and files are stored: move them elsewhere.")
app.add_typer(storage, name="storage")


def _print_version(wanted: bool) -> None:
    if wanted:
        from inkloom.version import version

        print_result({"version": version()}, False, f"inkloom {version()}")
        raise typer.Exit


@app.callback()
def _every(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What every command takes."""


@app.command()
def run(
    story: StoryFile,
    out: Annotated[Path, typer.Option(help="Write pages, exports and script.json to this folder.")] = Path("out"),
    title: Annotated[
        str | None, typer.Option(help="Set the title. Default: the heading of the text, or the file name.")
    ] = None,
    format: FormatOption = None,
    page_size: PageSizeOption = None,
    direction: DirectionOption = None,
    language: LanguageOption = None,
    llm: Llm = None,
    llm_model: LlmModel = None,
    images: Images = None,
    image_model: ImageModel = None,
    drafts: Drafts = 1,
    max_panels: MaxPanels = None,
    until: UntilWhen = Until.PAGES,
    budget: Annotated[
        float | None, typer.Option(help="Spend at most this much, in USD.", min=0, max=999_999, callback=a_number)
    ] = None,
    llm_fallback: LlmFallback = None,
    image_fallback: ImageFallback = None,
    quality: Quality = None,
    soften: Soften = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue after a pause; retry lost answers and refused parts.")
    ] = False,
    skip_refused: Annotated[bool, typer.Option("--skip-refused", help="Continue without refused parts.")] = False,
    pages: Pages = None,
    review: Review = Reviewing.NONE,
    translate: Translate = None,
    translator: Translator = None,
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

    finish(
        run_command(
            settings(),
            story,
            out,
            title=title,
            choices=choices(
                format=format,
                page_size=page_size,
                direction=direction,
                language=language,
                llm=llm,
                llm_model=llm_model,
                images=images,
                image_model=image_model,
                llm_fallback=llm_fallback,
                image_fallback=image_fallback,
                quality=quality,
                soften=soften,
                drafts=drafts,
                max_panels=max_panels,
                pages=pages,
                review=review,
                until=until,
                translate=translate,
                translator=translator,
            ),
            ordered=ordered(exports, credits=credit, title_page=title_page, page_numbers=page_numbers),
            budget=None if budget is None else Decimal(str(budget)),
            decided=Decided(resume=resume, skip_refused=skip_refused, approve=approve, choose=chosen_drafts(choose)),
            translated={language: Path(file) for language, file in languages_of(translate).items() if file},
            as_json=as_json,
        )
    )


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(help="A folder of manuscripts, each a file that `run` takes.")],
    out: Annotated[Path, typer.Option(help="Write each chapter to a folder of its own in here.")] = Path("out"),
    at_a_time: Annotated[
        int | None, typer.Option(help="Make this many chapters side by side. Default: 4.", min=1, max=100)
    ] = None,
    series: Annotated[
        bool, typer.Option("--series", help="Make all of them chapters of one project, in their order.")
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            help="Spend at most this much on all of them, in USD. The last one given counts.",
            min=0,
            max=999_999,
            callback=a_number,
        ),
    ] = None,
    priority: Annotated[
        int | None, typer.Option(help="Set how urgent it is: 1 interactive, 5 batch. Default: 5.", min=1, max=5)
    ] = None,
    not_before: Annotated[str | None, typer.Option(help="Start no chapter earlier: 2026-12-24T20:00:00+01:00.")] = None,
    only_between: Annotated[
        str | None, typer.Option(help='Start chapters in these hours only: "22:00-06:00 Europe/Berlin".')
    ] = None,
    format: FormatOption = None,
    page_size: PageSizeOption = None,
    direction: DirectionOption = None,
    language: LanguageOption = None,
    llm: Llm = None,
    llm_model: LlmModel = None,
    images: Images = None,
    image_model: ImageModel = None,
    drafts: Drafts = 1,
    max_panels: MaxPanels = None,
    until: UntilWhen = Until.PAGES,
    llm_fallback: LlmFallback = None,
    image_fallback: ImageFallback = None,
    quality: Quality = None,
    soften: Soften = False,
    pages: Pages = None,
    review: Review = Reviewing.NONE,
    translate: Translate = None,
    translator: Translator = None,
    exports: Exports = None,
    title_page: TitlePage = False,
    page_numbers: PageNumbers = False,
    credit: Credits = None,
    status: Annotated[bool, typer.Option("--status", help="Show how the folder's batch stands, and exit.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Start no further chapter, and exit.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Let a paused batch go on, and exit.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel it with what is at work, and exit.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try failed and cancelled chapters again, and exit.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Turn a folder of stories into finished chapters. Run it again to continue after an interruption.

    --status, --pause, --resume, --cancel and --retry-failed act on the folder's batch from another terminal.
    """
    from inkloom.batch import batch_command
    from inkloom.batch_plan import Actions
    from inkloom.export_options import ordered

    if translate and any(languages_of(translate).values()):
        raise BadInput("--translate: translators' files are for one chapter; use `run` for them.")
    finish(
        batch_command(
            settings(),
            folder,
            out,
            choices=choices(
                format=format,
                page_size=page_size,
                direction=direction,
                language=language,
                llm=llm,
                llm_model=llm_model,
                images=images,
                image_model=image_model,
                llm_fallback=llm_fallback,
                image_fallback=image_fallback,
                quality=quality,
                soften=soften,
                drafts=drafts,
                max_panels=max_panels,
                pages=pages,
                review=review,
                until=until,
                translate=translate,
                translator=translator,
            ),
            ordered=ordered(exports, credits=credit, title_page=title_page, page_numbers=page_numbers),
            series=series,
            actions=Actions(
                status=status,
                pause=pause,
                resume=resume,
                cancel=cancel,
                retry=retry_failed,
                budget=None if budget is None else Decimal(str(budget)),
                priority=priority,
                at_a_time=at_a_time,
                not_before=moment_of(not_before),
                only_between=hours_of(only_between),
            ),
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
    finish(export_command(settings(), of, wanted, out, as_json=as_json))


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

    named = {
        "llm": llm,
        "llm_model": llm_model,
        "images": images,
        "image_model": image_model,
        "drafts": drafts,
        "max_panels": max_panels,
        "until": until.value,
        **translation_choices(translate, None),
    }
    finish(estimate_command(settings(), story, choices=named, as_json=as_json))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Write the result to this folder.")] = Path("out/demo"),
    as_json: JsonFlag = False,
) -> None:
    """Turn the example story into a chapter, offline, and print where it is."""
    from inkloom.commands import demo_command

    finish(demo_command(settings(), out, as_json=as_json))


@app.command()
def up(port: Annotated[int | None, typer.Option(help="Serve the API on this port.", min=0, max=65535)] = None) -> None:
    """Start Postgres, Temporal with its UI, workers and the API, and keep them running until Ctrl-C."""
    from inkloom.commands import up_command

    given = settings()
    finish(up_command(given if port is None else given.model_copy(update={"api_port": port})))


@app.command()
def api() -> None:
    """Run the API alone; `up` does this for you."""
    from api.serve import serve_api
    from inkloom.local.secret import secret_key

    given = settings()
    quietly(lambda: serve_api(given.model_copy(update={"secret_key": SecretStr(secret_key(given))})))


@app.command()
def worker(
    queues: Annotated[Queues, typer.Option(help="Serve these queues.")] = Queues.ALL,
    drain: Annotated[
        bool, typer.Option("--drain", help="Stop this machine's workers once they have finished what is in flight.")
    ] = False,
    build: Annotated[str | None, typer.Option(help="With --drain: stop only those with this INKLOOM_BUILD.")] = None,
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

        stopped = drain_workers(given.data, queues.value, say.print, patience(given, queues.value), build)
        say.print(f"{stopped} workers were asked to stop.")
        leave(0)
    if build is not None:
        leave(explain(BadInput("--build goes with --drain; INKLOOM_BUILD says which build a worker belongs to.")))
    given = given.model_copy(update={"secret_key": SecretStr(secret_key(given))})
    log_to_stderr(given.log_level, given.log_format)

    # A worker mostly waits for sockets, which uvloop does with less CPU time than asyncio's loop.
    quietly(lambda: uvloop.run(serve_workers(given, queues.value, wiring.writers(given), wiring.artists(given))))
    leave(0)


@app.command()
def deploy(
    build: Annotated[
        str | None, typer.Option(help="Give new runs to the workers of this build; `none`: to those without one.")
    ] = None,
    retire: Annotated[str | None, typer.Option(help="Wait until no run needs the workers of this build.")] = None,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="With --retire: let its runs go on with the current build, now.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put a new build of the workers into service beside the old one; alone, list the builds."""
    from inkloom.commands import deploy_command

    finish(deploy_command(settings(), build=build, retire=retire, at_once=at_once, as_json=as_json))


@app.command("init-db")
def init_db(as_json: JsonFlag = False) -> None:
    """Migrate the database to this version."""
    from inkloom.database import upgrade

    given = settings()
    revision = quietly(lambda: upgrade(given))
    print_result({"revision": revision}, as_json, f"The database is at revision {revision}.")


@app.command()
def seed(as_json: JsonFlag = False) -> None:
    """Add the example story to the database: a project with one chapter, ready to be generated."""
    from inkloom.commands import seed_command

    finish(seed_command(settings(), as_json=as_json))


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Check what would keep Inkloom from running, and say what to do about it."""
    from inkloom.commands import doctor_command

    finish(doctor_command(settings(), as_json=as_json))


@app.command()
def sweep(
    kind: Annotated[list[SweepKind] | None, typer.Option(help="Sweep for this only. Repeatable. Default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what there is to do, and do nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Put right what crashes left behind, and delete what has expired: now, instead of at the next scheduled time."""
    from inkloom.sweep_command import sweep_command

    finish(sweep_command(settings(), kind or list(SweepKind), dry_run=dry_run, as_json=as_json))


@storage.command()
def move(
    destination: Annotated[str, typer.Argument(help="A folder, or s3://bucket/prefix.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compare both places, and change nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Copy all pictures and files to another place while work goes on. Give it again to continue."""
    from inkloom.storage_move import move_command

    finish(move_command(settings(), destination, dry_run=dry_run, as_json=as_json))


app.command()(backup)
app.command()(restore)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, by default this process's. Ends in `SystemExit` with the exit code.

    With `--json`, a command that an error ends prints an object, too; a generation that fails is a result.
    """
    as_json = "--json" in (sys.argv[1:] if arguments is None else arguments)
    try:
        app(arguments, standalone_mode=True)
    except EngineError as error:
        if as_json:
            print_error(error)
        leave(explain(error))
    except SystemExit as ended:
        # A wrong option is explained by Typer, which leaves while it handles its own exception.
        cause = ended.error if isinstance(ended, Ended) else ended.__context__
        if as_json and cause is not None and ended.code not in (0, CUT_OFF):
            print_error(cause)
        raise


if __name__ == "__main__":
    try:
        main()
    except Ended as ended:
        end_process(int(ended.code or 0))
