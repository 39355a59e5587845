"""Requests a folder's batch, or goes on with it, and follows it to its end; writes chapters as they are finished.

The same command goes on after any interruption: a folder has one open batch, and its rows know what is left.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.service import RPCError

from engine.batches.advance import options_of
from engine.batches.hours import require as require_hours
from engine.batches.items import shared_options
from engine.batches.standing import Line, Standing, standing_of
from engine.batches.standing import report as lines_of
from engine.db.session import Database
from engine.digest import digest
from engine.errors import BadInput, Conflict, EngineError
from engine.export.signing import signer_of
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.open import open_storage
from engine.store import batches, generations, projects
from engine.store.scope import Scope
from inkloom.batch_folder import Folder, identity_of
from inkloom.batch_plan import Actions, Chapter
from inkloom.batch_report import Files, Progress, as_json, read_report, summary, table, write_report
from inkloom.local.endpoints import Endpoints
from inkloom.output import deliver, slug_of
from inkloom.watch import patiently
from inkloom.worker import connect
from models.batches import AT_A_TIME, ENDED, BatchStatus, Hours, ItemState
from models.ids import batch_workflow_id
from models.options import FINAL_STATUSES, GenerationStatus
from models.tables import Batch, BatchItem
from workflows.starting import start_batch_if_possible, wake_if_possible

say = Console(stderr=True, highlight=False)

# How often to look.
POLL_SECONDS = 0.5
# After this time in which nothing runs and nothing is started, only a person or the clock changes anything.
QUIET_SECONDS = 5.0
# Reading all items and writing the report takes time with their number: so many are read in a second at most.
ITEMS_A_SECOND = 100.0
# What the batch was made from, in its facts: another command for the folder is told apart.
_MADE_FROM = "made_from"
_CODES = {BatchStatus.COMPLETED: 0, BatchStatus.COMPLETED_WITH_FAILURES: 3, BatchStatus.CANCELLED: 1}


async def wake_batch(settings: Settings, there: Endpoints, batch: Batch, workflows: Sequence[str]) -> None:
    """Start the batch's workflow if there is none, and wake it; if that fails, the sweeper does it."""
    with suppress(RPCError, RuntimeError):
        client = await connect(there.temporal_address, settings.temporal_namespace)
        await start_batch_if_possible(client, batch)
        await wake_if_possible(client, [*workflows, batch_workflow_id(batch.id)])


class Runner:
    """Requests the folder's batch, or attaches to it, and follows it to its end."""

    def __init__(
        self,
        settings: Settings,
        folder: Folder,
        chapters: Sequence[Chapter],
        out: Path,
        *,
        series: bool,
        actions: Actions,
        hours: Hours | None,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._chapters = chapters
        self._out = out
        self._series = series
        self._actions = actions
        self._hours = hours
        self._began = time.monotonic()
        self._places = _places([one.manuscript.path for one in chapters])

    async def run(self, there: Endpoints, *, machine: bool) -> int:
        database, storage = Database(there.database_url, pool_size=4), open_storage(self._settings)
        progress = Progress(say)
        try:
            batch, woken = await patiently(lambda: self._request(database), progress)
            await wake_batch(self._settings, there, batch, woken)
            files = self._files_before(batch)
            try:
                standing, report = await self._follow(database, storage, batch, files, progress)
            finally:
                progress.close()
        finally:
            await storage.close()
            await database.close()
        if machine:
            print(json.dumps(report))  # noqa: T201  # stdout carries the result
        else:
            self._tell(standing, files)
            Console(highlight=False, soft_wrap=True).print(table(report))
            print(f"\nReport:  {self._out / 'report.json'}")  # noqa: T201  # stdout carries the result
        if files.failed:
            return 1
        return _CODES.get(standing.batch.status, 4)

    async def _request(self, database: Database) -> tuple[Batch, list[str]]:
        """The open batch of the folder, or a new one; also returns the workflows that a raised budget wakes."""
        identity, made_from = identity_of(self._folder.path), self._made_from()
        async with database.session() as session:
            owner = await projects.local_owner(session)
            before = await batches.latest_of_folder(session, owner, identity)
        if before is None or before.status in ENDED:
            try:
                async with database.session() as session:
                    return await self._new(session, owner, identity, made_from), []
            except Conflict:
                # The same command in another terminal was faster.
                async with database.session() as session:
                    before = await batches.latest_of_folder(session, owner, identity)
                if before is None:
                    raise
        if before.labels.get(_MADE_FROM) != made_from:
            raise BadInput(
                f"A batch of {self._folder.path} is open that was made from other manuscripts or options."
                " Run the command as it was run before, or end that batch first with --cancel."
            )
        woken: list[str] = []
        scope = Scope(user_id=owner)
        async with database.session() as session:
            given = {"priority": self._actions.priority, "at_a_time": self._actions.at_a_time}
            changed = {
                name: value for name, value in given.items() if value is not None and getattr(before, name) != value
            }
            if changed:
                await batches.change(session, scope, before.id, **changed)
        async with database.session() as session:
            if self._actions.budget is not None and before.budget_usd != self._actions.budget:
                _, woken = await batches.set_budget(session, scope, before.id, self._actions.budget)
        say.print(f"Goes on with the batch of {before.created_at:%Y-%m-%d %H:%M} UTC.")
        return before, woken

    def _made_from(self) -> str:
        """What tells two batches of a folder apart: the manuscripts, their options and the way they are kept."""
        parts = [
            one.manuscript.story.chapter_key(one.options)
            if one.manuscript.story and one.options
            else one.manuscript.path.name
            for one in self._chapters
        ]
        return digest("made from", self._series, parts)

    async def _new(self, session: AsyncSession, owner: UUID, identity: str, made_from: str) -> Batch:
        await require_hours(session, self._hours)
        series = None
        if self._series:
            series = await projects.project_of_story(session, owner, self._folder.title, digest("series", identity))
        items = [await self._item(session, owner, one, series) for one in self._chapters]
        options, stored = shared_options(items)
        actions = self._actions
        terms = batches.Terms(
            budget_usd=actions.budget,
            at_a_time=actions.at_a_time or AT_A_TIME,
            priority=actions.priority or 5,
            not_before=actions.not_before,
            only_between=self._hours,
        )
        return await batches.request(
            session,
            owner,
            self._folder.title,
            stored,
            options,
            terms,
            labels={_MADE_FROM: made_from},
            identity_key=identity,
        )

    async def _item(self, session: AsyncSession, owner: UUID, one: Chapter, series: UUID | None) -> batches.NewItem:
        manuscript, story, options = one.manuscript, one.manuscript.story, one.options
        name = manuscript.path.name
        if story is None or options is None:
            return batches.NewItem(
                project_id=None, title=name, external_id=name[:200], state=ItemState.FAILED, error=manuscript.error
            )
        project_id = series or await projects.project_of_story(session, owner, story.title, story.project_key)
        chapter = await projects.chapter_of_run(
            session,
            project_id,
            story.chapter_key(options),
            title=story.title,
            source_text=story.text,
            script=story.script,
        )
        item = batches.NewItem(
            project_id=project_id,
            target_ids=[chapter.id],
            title=story.title,
            options=options,
            budget_usd=None if manuscript.budget_usd is None else Decimal(str(manuscript.budget_usd)),
            external_id=name[:200],
        )
        latest = await generations.latest_of(session, chapter.id)
        if latest is None:
            return item
        made = latest.status == GenerationStatus.COMPLETED and latest.options.translations == options.translations
        if made:
            return replace(item, state=ItemState.COMPLETED, generation_id=latest.id)
        # What failed is retried: its finished parts, and its budget, are the same.
        failed = latest.status in FINAL_STATUSES and latest.status != GenerationStatus.COMPLETED
        return replace(item, generation_id=latest.id) if failed else item

    def _files_before(self, batch: Batch) -> Files:
        """What earlier commands have written for this batch, so that it is not written again."""
        files, before = Files(), read_report(self._out)
        if before.get("batch_id") != str(batch.id):
            return files
        for item in before.get("items", []):
            delivered = item.get("delivered") if isinstance(item, dict) else None
            if isinstance(delivered, dict) and delivered.get("item") and Path(str(delivered.get("folder"))).is_dir():
                with suppress(ValueError):
                    files.written[UUID(str(delivered["item"]))] = delivered
        return files

    async def _follow(
        self, database: Database, storage: Storage, batch: Batch, files: Files, progress: Any
    ) -> tuple[Standing, dict[str, Any]]:
        """Until the batch has ended, or nothing but a person or the clock would go on; write what is finished.

        Returns how it stands then, and the report.
        """

        async def look() -> tuple[Standing, list[BatchItem]]:
            async with database.session() as session:
                now = await session.get_one(Batch, batch.id)
                return await standing_of(session, now), [item for item, _ in await batches.at_work(session, batch.id)]

        async def look_closely() -> list[Line]:
            async with database.session() as session:
                return await lines_of(session, await session.get_one(Batch, batch.id))

        quiet, seen, reported = 0.0, -1, 0.0
        while True:
            standing, working = await patiently(look, progress)
            progress.update(standing, working)
            counts, over = standing.counts, standing.batch.status in ENDED
            busy = counts.running or (counts.waiting and standing.waits.reason not in ("paused", "budget"))
            quiet = 0.0 if busy else quiet + POLL_SECONDS
            done = over or quiet > QUIET_SECONDS
            # All items are read only when one has ended, and of thousands not each time.
            if done or (counts.over != seen and time.monotonic() - reported >= counts.total / ITEMS_A_SECOND):
                seen, lines = counts.over, await patiently(look_closely, progress)
                await self._deliver(database, storage, standing, lines, files, progress)
                reported = time.monotonic()
                report = as_json(standing, lines, files, self._out, reported - self._began)
                write_report(report, self._out)
                if done:
                    return standing, report
            await asyncio.sleep(POLL_SECONDS)

    async def _deliver(
        self,
        database: Database,
        storage: Storage,
        standing: Standing,
        lines: Sequence[Line],
        files: Files,
        progress: Any,
    ) -> None:
        """Write the chapters that have ended since the last look; one that cannot be written stops no other."""
        for line in lines:
            item = line.item
            done = item.state in (ItemState.COMPLETED, ItemState.FAILED) and item.generation_id is not None
            known = files.written.get(item.id)
            same = known is not None and known.get("generation_id") == str(item.generation_id)
            if not done or same or item.id in files.failed:
                continue
            try:
                written = await self._write(database, storage, standing.batch, item)
            except EngineError as error:
                files.failed[item.id] = error.message
                progress.say(f"{item.title}: {error.message}")
            else:
                files.written[item.id] = written

    async def _write(self, database: Database, storage: Storage, batch: Batch, item: BatchItem) -> dict[str, Any]:
        if item.project_id is None:
            raise EngineError("its project was deleted")
        folder = self._out / self._places.get(
            item.external_id or "", slug_of(Path(item.external_id or item.title).stem)
        )
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise BadInput(f"{folder} could not be written: {error.strerror or error}.") from error
        options, signer = options_of(batch, item), signer_of(self._settings)
        chapter_id = UUID(item.target_ids[0])
        delivered = await deliver(database, storage, item.project_id, chapter_id, options, folder, signer=signer)
        return {
            "item": str(item.id),
            "generation_id": str(item.generation_id),
            "folder": str(folder),
            "pages": len(delivered.pages),
            "exports": dict(delivered.exports),
            "script": delivered.script,
        }

    def _tell(self, standing: Standing, files: Files) -> None:
        status = standing.batch.status
        colour = {BatchStatus.COMPLETED: "green", BatchStatus.COMPLETED_WITH_FAILURES: "yellow"}.get(status, "red")
        say.print(f"[bold {colour}]{status.replace('_', ' ')}[/]: {summary(standing).strip()}", soft_wrap=True)
        for reason in dict.fromkeys(files.failed.values()):
            say.print(f"  Not written: {reason} Run the command again to write it.", markup=False, soft_wrap=True)
        if status == BatchStatus.COMPLETED_WITH_FAILURES:
            say.print(
                f"To try again what failed: python -m inkloom batch {self._folder.path} --retry-failed, or run again"
            )
        elif status not in ENDED:
            say.print(f"It waits. To see why: python -m inkloom batch {self._folder.path} --status", soft_wrap=True)


def _places(paths: Sequence[Path]) -> dict[str, str]:
    """The folder of each manuscript by its file's name, numbered where two differ only in their ending."""
    places: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for path in paths:
        slug = slug_of(path.stem)
        seen[slug] += 1
        places[path.name[:200]] = slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"
    return places
