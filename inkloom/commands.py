"""What the commands do, apart from reading their arguments.

Database, Temporal, pictures, servers and prices are imported by the functions that use them: they take seconds to load,
and a mistyped file name is refused without them.
"""

import asyncio
import json
import logging
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.console import Console

from engine.errors import BadInput
from engine.settings import Settings
from inkloom.decided import Decided
from inkloom.local.signals import cancelled_by_signals
from inkloom.story import Story, read_story, read_translation
from models.exports import ExportOptions
from models.options import GenerationOptions, GenerationStatus
from models.script import Script
from models.texts import UNFIT
from models.translation import TranslationFile

if TYPE_CHECKING:
    from inkloom.local.stack import Endpoints
    from inkloom.run import Finished

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples"

_PARTS = ("llm", "image", "usd")

# The option with which the same command continues a waiting chapter.
_NEXT = {
    GenerationStatus.PAUSED: "--resume",
    GenerationStatus.BUDGET_EXCEEDED: "--budget USD   (the last one given counts)",
    GenerationStatus.WAITING_UNKNOWN: "--resume   (asks again for lost answers; they may be billed twice)",
    GenerationStatus.WAITING_REVIEW: "--approve   (what was looked at; drafts by their scores, or --choose 2.1=3)\n"
    "   or, where something was refused,   --resume   (tries again)   or   --skip-refused",
}

_NAMES = {"cbz": "CBZ", "pdf": "PDF", "epub": "EPUB", "print": "Print", "webtoon": "Webtoon", "ora": "Layers"}

say = Console(stderr=True, highlight=False)


def report(line: str) -> None:
    """One line about the servers."""
    say.print(f"[dim]{line}", soft_wrap=True)


def warn() -> None:
    """Warn about what pages lack on this machine, before the first is drawn."""
    from engine.pages.shaping import warning

    if lacking := warning():
        report(f"Warning: {lacking}")


def warn_of_encoding(path: Path, story: Story) -> None:
    """Say in which encoding a file was read that is not UTF-8, because a guess may be wrong."""
    if story.guessed:
        report(
            f"{path.name} is not UTF-8 and was read as {story.guessed}. If letters are wrong, save it as UTF-8, and"
            " run this again."
        )


async def run_command(
    settings: Settings,
    path: Path,
    out: Path,
    *,
    title: str | None,
    choices: dict[str, Any],
    ordered: ExportOptions,
    budget: Decimal | None,
    decided: Decided,
    translated: Mapping[str, Path],
    as_json: bool,
) -> int:
    """`run`: refuse everything that can be refused before a server starts."""
    story = read_story(path, title)
    warn_of_encoding(path, story)
    options = options_of(settings, story, {**choices, "export": ordered.model_dump(exclude_unset=True) or None})
    files = [read_translation(file, language) for language, file in translated.items()]
    await refuse_what_cannot_run(settings)
    from inkloom.output import claim

    finished, _ = await _run(settings, story, options, claim(out), budget, decided, files)
    # As given: with other options it would be a different chapter.
    _tell(finished, as_json, "python -m inkloom " + shlex.join(sys.argv[1:]))
    return finished.exit_code


async def estimate_command(settings: Settings, path: Path, *, choices: dict[str, Any], as_json: bool) -> int:
    """`estimate`: from the story alone. A script is counted, a text is estimated."""
    story = read_story(path, None)
    warn_of_encoding(path, story)
    options = options_of(settings, story, choices)
    # A wrong file name is answered before these are loaded.
    from engine.money.estimate import estimate, work_of_script, work_of_text
    from engine.money.prices import Prices

    prices = Prices.of(settings)
    work = work_of_script(Script.model_validate(story.script), options) if story.script else None
    found = estimate(work or work_of_text(len(story.text.split()), options), options, prices, {})
    if as_json:
        estimates = {name: {key: float(value) for key, value in vars(getattr(found, name)).items()} for name in _PARTS}
        print(json.dumps({**estimates, "basis": list(found.basis)}))  # noqa: T201  # stdout carries the result
        return 0
    print(f"{'':<16}{'low':>10}{'expected':>12}{'high':>10}")  # noqa: T201
    for label, name in zip(("writer calls", "artist calls", "USD"), _PARTS, strict=True):
        row = getattr(found, name)
        figures = [f"{one:.2f}" if name == "usd" else f"{one:.0f}" for one in (row.low, row.expected, row.high)]
        print(f"{label:<16}{figures[0]:>10}{figures[1]:>12}{figures[2]:>10}")  # noqa: T201
    for line in found.basis:
        print(f"  {line}")  # noqa: T201
    return 0


async def demo_command(settings: Settings, out: Path, *, as_json: bool) -> int:
    """`demo`: the example story, with the offline providers whatever the settings say."""
    from inkloom.output import claim

    path = example()
    story = read_story(path, None)
    options = GenerationOptions()
    await refuse_what_cannot_run(settings)
    finished, _ = await _run(settings, story, options, claim(out), None)
    _tell(finished, as_json, "python -m inkloom demo")
    if not as_json:
        print(f"\nThe story:    {path}")  # noqa: T201  # stdout carries the result
        print("To look at this run again, start the servers with `python -m inkloom up`, then open")  # noqa: T201
        at = f"http://{settings.api_host}:{settings.api_port}"
        if not settings.temporal_address:
            print(f"  {at}/temporal/   Temporal: every step of the run")  # noqa: T201
        print(f"  {at}/docs   the API's pages")  # noqa: T201
        print("Your own story: python -m inkloom run my-story.txt --out out/")  # noqa: T201
    return finished.exit_code


async def up_command(settings: Settings) -> int:
    """`up`: servers, workers and API until a signal comes."""
    from inkloom.local.stack import Stack

    await refuse_what_cannot_run(settings)
    if "local_owner" not in settings.model_fields_set:
        settings = settings.model_copy(update={"local_owner": True})
    warn()
    with cancelled_by_signals():
        try:
            async with Stack(settings, api=True, report=report) as endpoints:
                say.print("[bold green]Inkloom is up.[/]")
                print(f"API:          {endpoints.api_url}/docs", flush=True)  # noqa: T201
                if endpoints.temporal_ui:
                    print(f"Temporal UI:  {endpoints.temporal_ui}", flush=True)  # noqa: T201
                print("Ctrl-C stops everything; unfinished work continues at the next start.", flush=True)  # noqa: T201
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            say.print("Stopped.")
    return 0


async def seed_command(settings: Settings, *, as_json: bool) -> int:
    """`seed`: the example story as a project, in the configured or the embedded database."""
    from engine.db.session import Database
    from engine.store import projects
    from inkloom.local.stack import Stack

    story = read_story(example(), None)
    await refuse_what_cannot_run(settings)
    async with Stack(settings, api=False, report=report) as endpoints:
        database = Database(endpoints.database_url, pool_size=1)
        async with database.session() as session:
            owner = await projects.local_owner(session)
            project_id = await projects.project_of_story(session, owner, story.title, story.project_key)
            chapter = await projects.chapter_of_run(
                session,
                project_id,
                story.chapter_key(GenerationOptions()),
                title=story.title,
                source_text=story.text,
                script=None,
            )
            seeded = {"project_id": str(project_id), "chapter_id": str(chapter.id), "title": story.title}
        await database.close()
    if as_json:
        print(json.dumps(seeded))  # noqa: T201
    else:
        print(f"Project {seeded['project_id']} with chapter {seeded['chapter_id']}: {story.title}")  # noqa: T201
    return 0


async def refuse_what_cannot_run(settings: Settings) -> None:
    """Raises `BadInput` for settings with which no server or worker could start, before any of them is started."""
    if settings.log_level.upper() not in (levels := logging.getLevelNamesMapping()):
        raise BadInput(f"INKLOOM_LOG_LEVEL is {settings.log_level!r}; it must be one of: {', '.join(levels)}.")
    from engine.db.session import driver_url
    from inkloom.local import doctor

    if settings.database_url:
        driver_url(settings.database_url)
    for check in await doctor.configured(settings):
        if not check.ok:
            raise BadInput(f"{check.name}: {check.detail}; {check.fix}.")


async def deploy_command(
    settings: Settings, *, build: str | None, retire: str | None, at_once: bool, as_json: bool
) -> int:
    """`deploy`: make a build current, wait until another one is no longer needed, and list them."""
    from inkloom import builds
    from inkloom.worker import connect

    if at_once and retire is None:
        raise BadInput("--at-once goes with --retire.")
    if settings.temporal_address is None:
        raise builds.NoBuilds(builds.NO_BUILDS)
    try:
        client = await connect(settings.temporal_address, settings.temporal_namespace)
    except RuntimeError as error:
        raise BadInput(f"No Temporal server answers at {settings.temporal_address}.") from error
    if build is not None:
        await builds.make_current(client, build)
        report(f"New runs go to {'workers without a build' if build == builds.NONE else f'build {build}'}")
    if retire is not None:
        await builds.retire(client, retire, report, at_once=at_once)
        report(f"No run needs build {retire}: stop its workers with `worker --drain --build {retire}`")
    found = await builds.listed(client)
    if as_json:
        print(json.dumps({"current": await builds.current(client), "builds": [vars(one) for one in found]}))  # noqa: T201
        return 0
    print(f"{'build':<24}{'state':<12}{'pinned runs':>12}{'workers':>9}")  # noqa: T201  # stdout carries the result
    for one in found:
        print(f"{one.build:<24}{one.state:<12}{one.runs:>12}{one.workers:>9}")  # noqa: T201
    return 0


async def doctor_command(settings: Settings, *, as_json: bool) -> int:
    """`doctor`: 0 when everything is well, 1 otherwise."""
    from inkloom.local import doctor

    checks = await doctor.checks(settings)
    if as_json:
        print(json.dumps({"ok": all(one.ok for one in checks), "checks": [vars(one) for one in checks]}))  # noqa: T201
    else:
        out = Console(highlight=False, soft_wrap=True)
        for one in checks:
            out.print("[green]ok  [/]" if one.ok else "[red]no  [/]", end="")
            out.print(f"{one.name}: {one.detail}", markup=False)
            if not one.ok and one.fix:
                out.print(f"    → {one.fix}", markup=False)
    return 0 if all(one.ok for one in checks) else 1


def example() -> Path:
    """The story that comes with Inkloom."""
    return min(EXAMPLE.glob("*.txt"))


def options_of(settings: Settings, story: Story, choices: Mapping[str, Any]) -> GenerationOptions:
    """The options of a story as the command line names them. Raises `BadInput` with the option's name."""
    from engine.money.prices import Prices
    from engine.orders.resolve import resolve

    named = {name: value for name, value in choices.items() if value is not None}
    try:
        options = resolve(named, settings, script=story.script)
    except ValidationError as error:
        first = error.errors()[0]
        # The settings of an artist have options of their own on the command line.
        place = next(part for part in first["loc"] if part != "render")
        place = "translate" if place == "translations" else str(place).replace("_", "-")
        said = UNFIT.get(first.get("ctx", {}).get("pattern", ""), first["msg"].removeprefix("Value error, "))
        raise BadInput(f"--{place}: {said.rstrip('.')}.") from error
    if options.translations:
        from engine.orders.languages import refuse_own

        refuse_own(options)
    Prices.of(settings).require(options)
    return options


async def _run(
    settings: Settings,
    story: Story,
    options: GenerationOptions,
    out: Path,
    budget: Decimal | None,
    decided: Decided | None = None,
    translated: Sequence[TranslationFile] = (),
) -> "tuple[Finished, Endpoints]":
    """Start the servers, make the chapter, stop the servers. Ctrl-C stops in order and loses nothing."""
    from inkloom.local.stack import Stack
    from inkloom.run import run_story
    from inkloom.watch import Bar

    began = time.monotonic()
    warn()
    with cancelled_by_signals():
        try:
            async with Stack(settings, api=False, report=report) as endpoints:
                if endpoints.temporal_ui:
                    report(f"Temporal UI: {endpoints.temporal_ui}")
                elif not settings.temporal_address:
                    report("Temporal UI: run `python -m inkloom up` beside this, and open the address that it prints")
                bar = Bar(say)
                try:
                    finished = await run_story(
                        settings, endpoints, story, options, out, budget, bar, began, decided, translated
                    )
                finally:
                    bar.close()
        except asyncio.CancelledError:
            say.print("Stopped. Nothing is lost: run the same command again to continue.")
            raise
    return finished, endpoints


def _tell(finished: "Finished", as_json: bool, again: str) -> None:
    if as_json:
        print(json.dumps(finished.as_json()))  # noqa: T201  # stdout carries the result
        return
    status = finished.status
    colour = {GenerationStatus.COMPLETED: "green", GenerationStatus.COMPLETED_WITH_FAILURES: "yellow"}
    say.print(
        f"[bold {colour.get(status, 'red')}]{status.replace('_', ' ')}[/]: {finished.made.scenes} scenes,"
        f" {finished.made.panels} panels, {finished.made.pages} pages in {finished.seconds:.1f} s;"
        f" {finished.calls.llm} writer and {finished.calls.image} artist calls, {finished.cached} answered from store,"
        f" {finished.calls.cost_usd:.2f} USD",
        soft_wrap=True,
    )
    for error in finished.errors:
        say.print(f"  {error.part}: {error.reason}", markup=False, soft_wrap=True)
        say.print(f"    → {error.what_to_do}", markup=False, soft_wrap=True)
    for line in finished.waiting:
        say.print(f"  {line}", markup=False, soft_wrap=True)
    if status in _NEXT:
        say.print(f"To continue: {again} {_NEXT[status]}", markup=False, soft_wrap=True)
    elif status != GenerationStatus.COMPLETED:
        say.print(f"To try again: {again}", markup=False, soft_wrap=True)
    delivered = finished.delivered
    for label, path in (
        ("Drafts", delivered.drafts),
        ("Pages", str(Path(delivered.pages[0]).parent) if delivered.pages else None),
        *((_NAMES.get(format, format), path) for format, path in delivered.exports.items()),
        ("Script", delivered.script),
    ):
        if path:
            print(f"{label + ':':<13} {path}")  # noqa: T201
    for language, one in delivered.translations.items():
        print(f"{language + ':':<13} {Path(one.words or '').parent}")  # noqa: T201
