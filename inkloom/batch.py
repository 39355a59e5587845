"""`batch`: a folder of manuscripts as one batch, estimated first; and decisions about it from another terminal."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from engine.errors import BadInput, EngineError
from engine.settings import Settings
from inkloom.batch_folder import Manuscript, identity_of, read_folder
from inkloom.batch_plan import Actions, Chapter
from inkloom.commands import options_of, refuse_what_cannot_run, report, warn, warn_of_encoding
from inkloom.local.signals import cancelled_by_signals
from models.batches import ENDED
from models.exports import ExportOptions
from models.script import Script

if TYPE_CHECKING:
    from engine.money.estimate import Estimate
    from inkloom.local.stack import Endpoints

say = Console(stderr=True, highlight=False)

# How many of the dearest manuscripts an estimate names.
_DEAREST = 5


async def batch_command(
    settings: Settings,
    path: Path,
    out: Path,
    *,
    choices: Mapping[str, Any],
    ordered: ExportOptions,
    series: bool,
    actions: Actions,
    as_json: bool,
) -> int:
    """Refuse everything that can be refused before a server starts; then act on the folder's batch, or run it."""
    if len(actions.named) > 1 and actions.named != ["status"]:
        others = [name for name in actions.named if name != "status"]
        if len(others) > 1:
            raise BadInput(f"--{' and --'.join(others)}: name one of them.")
    hours = actions.hours
    if actions.named:
        await refuse_what_cannot_run(settings)
        # No worker is started for a decision: it would make calls before it hears of a pause.
        return await _with_stack(
            settings, lambda there: _act(settings, there, path, out, actions, as_json), workers=False
        )
    folder = read_folder(path)
    for one in folder.manuscripts:
        if one.story is not None:
            warn_of_encoding(one.path, one.story)
    asked = {**choices, "export": ordered.model_dump(exclude_unset=True) or None}
    chapters = [_chapter(settings, one, asked) for one in folder.manuscripts]
    if not any(one.options for one in chapters):
        raise BadInput(f"No manuscript in {folder.path} can be read. {chapters[0].manuscript.error}")
    estimated = _estimated(settings, chapters)
    _require_affordable(actions.budget, estimated)
    await refuse_what_cannot_run(settings)
    from inkloom.output import claim

    place = claim(out)
    if not as_json:
        _tell_estimate(estimated, len(chapters))
    warn()
    from inkloom.batch_run import Runner

    runner = Runner(settings, folder, chapters, place, series=series, actions=actions, hours=hours)
    return await _with_stack(settings, lambda there: runner.run(there, machine=as_json))


async def _with_stack(settings: Settings, work: Any, *, workers: bool = True) -> int:
    from inkloom.local.commands import Commands
    from inkloom.local.stack import Stack

    commands = None if workers else Commands(workers={})

    with cancelled_by_signals():
        try:
            async with Stack(settings, api=False, report=report, commands=commands) as endpoints:
                code: int = await work(endpoints)
                return code
        except asyncio.CancelledError:
            say.print("Stopped. Nothing is lost: run the same command again to continue.")
            raise


def _chapter(settings: Settings, manuscript: Manuscript, asked: Mapping[str, Any]) -> Chapter:
    if manuscript.story is None:
        return Chapter(manuscript, None)
    try:
        return Chapter(manuscript, options_of(settings, manuscript.story, {**asked, **manuscript.options}))
    except EngineError as error:
        if manuscript.options:
            error.message = f"batch.toml, {manuscript.path.name}: {error.message}"
        raise


def _estimated(settings: Settings, chapters: Sequence[Chapter]) -> "list[tuple[str, Estimate]]":
    """Each readable manuscript's name and what it would cost from the start."""
    from engine.money.estimate import estimate, work_of_script, work_of_text
    from engine.money.prices import Prices

    prices, found = Prices.of(settings), []
    for one in chapters:
        story, options = one.manuscript.story, one.options
        if story is None or options is None:
            continue
        work = (
            work_of_script(Script.model_validate(story.script), options)
            if story.script
            else work_of_text(len(story.text.split()), options)
        )
        found.append((one.manuscript.path.name, estimate(work, options, prices, {})))
    return found


def _require_affordable(budget: Decimal | None, estimated: "Sequence[tuple[str, Estimate]]") -> None:
    least = min(found.usd.low for _, found in estimated)
    if budget is not None and least > budget:
        raise BadInput(
            f"--budget {budget}: the cheapest manuscript costs {least:.2f} USD at least. Nothing was started."
        )


def _tell_estimate(estimated: "Sequence[tuple[str, Estimate]]", total: int) -> None:
    low, expected, high = (
        sum((getattr(found.usd, name) for _, found in estimated), Decimal(0)) for name in ("low", "expected", "high")
    )
    unread = f", {total - len(estimated)} that cannot be read" if total > len(estimated) else ""
    say.print(
        f"{len(estimated)} manuscripts{unread}: about {expected:.2f} USD ({low:.2f} to {high:.2f}) from the start",
        soft_wrap=True,
    )
    dear = sorted(estimated, key=lambda one: -one[1].usd.expected)[:_DEAREST]
    if expected:
        for name, found in dear:
            say.print(f"  {found.usd.expected:>9.2f}  {name}", markup=False)


async def _act(settings: Settings, there: "Endpoints", path: Path, out: Path, actions: Actions, as_json: bool) -> int:
    """Decide something about the folder's batch, and show how it stands."""
    from engine.batches.standing import report as lines_of
    from engine.batches.standing import standing_of
    from engine.db.session import Database
    from engine.store import batches, projects
    from engine.store.scope import Scope
    from inkloom.batch_report import Files, summary
    from inkloom.batch_report import as_json as report_of
    from inkloom.batch_run import wake_batch

    database = Database(there.database_url, pool_size=2)
    try:
        async with database.session() as session:
            owner = await projects.local_owner(session)
            batch = await batches.latest_of_folder(session, owner, identity_of(path))
            if batch is None:
                raise BadInput(f"No batch was made from {path}. Start one: python -m inkloom batch {path}")
        scope = Scope(user_id=owner)
        woken: list[str] = []
        changed = {
            name: value
            for name, value in (("priority", actions.priority), ("at_a_time", actions.at_a_time))
            if value is not None
        }
        async with database.session() as session:
            for name in actions.named:
                if name != "status":
                    await getattr(batches, name)(session, scope, batch.id)
        async with database.session() as session:
            if changed:
                await batches.change(session, scope, batch.id, **changed)
            if actions.budget is not None:
                _, woken = await batches.set_budget(session, scope, batch.id, actions.budget)
        async with database.session() as session:
            batch = await session.get_one(type(batch), batch.id)
            standing, lines = await standing_of(session, batch), await lines_of(session, batch)
        if actions.named != ["status"] or changed or woken:
            await wake_batch(settings, there, batch, woken)
    finally:
        await database.close()
    if as_json:
        print(json.dumps(report_of(standing, lines, Files(), out, 0.0)))  # noqa: T201  # the result
    else:
        print(f"{batch.status.replace('_', ' ')}: {summary(standing).strip()}")  # noqa: T201  # the result
        if batch.status not in ENDED and actions.named != ["status"]:
            say.print("Workers carry it out: those of `up`, or of the same command without this option.", markup=False)
    return 0
