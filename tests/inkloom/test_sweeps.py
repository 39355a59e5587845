"""Sweeps of every kind: a dry run changes nothing, a round puts right what it counts, and the next finds nothing."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleOverlapPolicy,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from engine.db.session import Database, execute
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.storage.keys import content_key
from engine.store import events, generations, retention, webhooks
from engine.store.removals import thumbnail_key
from engine.store.scope import Scope
from inkloom.all_workflows import query_of
from inkloom.alone import alone
from inkloom.orphans import find_orphans
from inkloom.removing import remove
from inkloom.schedules import ensure_schedules, schedule_id
from inkloom.sweep_command import by_hand
from inkloom.sweeper import carry, sweep
from inkloom.sweeping import POLL, Sweeping
from models.events import EventType
from models.ids import delivery_workflow_id
from models.options import GenerationStatus
from models.runs import Run
from models.sweeps import SWEEPS, Sweep, SweepKind, Swept
from models.tables import Delivery, Event, Image, Removal
from tests.conftest import Order
from tests.support.servers import connected
from tests.working import Painter, Writer, workers

pytestmark = pytest.mark.integration

NOW = timedelta(0)
DAY = timedelta(days=1)


def old(storage: FolderStorage, key: str) -> None:
    """As if stored two days ago."""
    at = (datetime.now(UTC) - 2 * DAY).timestamp()
    os.utime(storage.root / key, (at, at))


async def test_objects_without_rows_go_and_nothing_else(
    database: Database, order: Order, storage: FolderStorage, client: Client
) -> None:
    """Old ones of known projects; what a row names, what is young, and what is not ours, stays."""
    run = (await order()).run
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        used = Image(
            project_id=run.project_id,
            sha256="a" * 64,
            key=content_key(run.project_id, "images", "a" * 64, "png"),
            media_type="image/png",
            width=1,
            height=1,
            bytes=1,
        )
        session.add(used)
    (storage.root / "p").mkdir(parents=True)
    for name in (".part-old", ".part-new"):
        (storage.root / "p" / name).touch()
    old(storage, "p/.part-old")
    kept = [
        "p/.part-new",
        used.key,
        thumbnail_key(run.project_id, "a" * 64, 256),
        content_key(run.project_id, "images", "c" * 64, "png"),
        content_key(uuid4(), "images", "b" * 64, "png"),
        content_key(run.project_id, "later", "b" * 64, "png"),
        "images/bb/b.png",
    ]
    gone = [content_key(run.project_id, folder, "b" * 64, "png") for folder in ("images", "thumbnails", "exports")]
    for key in (*kept[1:], *gone):
        await storage.put(key, b"bytes")
        if "c" * 64 not in key:
            old(storage, key)
    dry = await find_orphans(database, storage, dry_run=True)
    assert dry.found == {"objects": 8, "orphans": 3, "of_unknown_projects": 1, "unfinished_files": 1}
    assert dry.handled == 0
    assert await removals_of(database, run.project_id) == 0
    assert (storage.root / "p" / ".part-old").exists()
    swept = await find_orphans(database, storage)
    assert (swept.found, swept.handled) == (dry.found, 4)
    # What is on its way out is not found again.
    assert (await find_orphans(database, storage)).found["orphans"] == 0
    await remove(database, client, storage)
    assert sorted(present(storage)) == sorted(kept)


async def test_what_came_to_be_used_stays(
    database: Database, order: Order, storage: FolderStorage, client: Client
) -> None:
    """Found as an orphan, then stored again before the removal: content is stored once, so the old bytes count."""
    run = (await order()).run
    key = content_key(run.project_id, "images", "d" * 64, "png")
    await storage.put(key, b"bytes")
    old(storage, key)
    assert (await find_orphans(database, storage)).handled == 1
    # While something is generated in the project, nothing is removed.
    await remove(database, client, storage)
    assert present(storage) == [key]
    async with database.session() as session:
        await generations.end(session, run.project_id, run.generation_id, GenerationStatus.CANCELLED)
        session.add(
            Image(
                project_id=run.project_id, sha256="d" * 64, key=key, media_type="image/png", width=1, height=1, bytes=1
            )
        )
        await session.exec(
            update(Removal).where(col(Removal.project_id) == run.project_id).values(due_at=func.clock_timestamp())
        )
    await remove(database, client, storage)
    assert await removals_of(database, run.project_id) == 0
    assert present(storage) == [key]


def present(storage: FolderStorage) -> list[str]:
    return [str(path.relative_to(storage.root)) for path in storage.root.rglob("*") if path.is_file()]


async def removals_of(database: Database, project_id: object) -> int:
    async with database.session() as session:
        query = select(func.count()).select_from(Removal)
        return (await session.exec(query.where(Removal.project_id == project_id, col(Removal.done_at).is_(None)))).one()


async def test_old_events_go_where_an_operator_says_so(database: Database, order: Order) -> None:
    """Never of an open generation, never by default; the numbers of later events stay as they are."""
    closed, still_open = (await order()).run, (await order()).run
    async with database.session() as session:
        await generations.end(session, closed.project_id, closed.generation_id, GenerationStatus.CANCELLED)
        for run in (closed, still_open):
            await session.exec(
                update(Event).where(col(Event.project_id) == run.project_id).values(at=func.now() - 40 * DAY)
            )
    async with database.session() as session:
        for run in (closed, still_open):
            await events.emit(session, run.project_id, None, EventType.MEMBER_JOINED, {})

    async def numbers(run: Run) -> list[int]:
        async with database.session() as session:
            query = select(Event.seq).where(Event.project_id == run.project_id).order_by(col(Event.seq))
            return list((await session.exec(query)).all())

    before = await numbers(closed)
    assert await retention.forget_events(database, None) == 0
    assert await retention.forget_events(database, 60) == 0
    counted = await retention.forget_events(database, 30, dry_run=True)
    assert await numbers(closed) == before
    assert await retention.forget_events(database, 30) == counted >= len(before) - 1
    assert await numbers(closed) == before[-1:]
    assert await numbers(still_open) == [1, 2]
    assert await retention.forget_events(database, 30) == 0


@pytest.mark.workflow
async def test_one_message_that_cannot_be_started_holds_up_no_other(
    database: Database, client: Client, order: Order
) -> None:
    """It is tried again in the next round."""
    run = (await order()).run
    async with database.session() as session:
        await webhooks.add(session, Scope(project_id=run.project_id), run.project_id, "https://127.0.0.1/", [])
        for _ in range(3):
            await events.emit(session, run.project_id, None, EventType.MEMBER_JOINED, {})
    async with database.session() as session:
        mine = select(Delivery).where(Delivery.project_id == run.project_id).order_by(col(Delivery.id))
        first, *others = (await session.exec(mine)).all()
    dry = await carry(database, client, dry_run=True)
    assert dry.found["not_started"] >= 3
    assert dry.handled == 0

    class Refusing:
        """A client that cannot start the first of them."""

        async def start_workflow(self, *given: object, id: str, **more: object) -> object:
            if id == delivery_workflow_id(first.id):
                raise ValueError("by a test")
            return await client.start_workflow(*given, id=id, **more)  # type: ignore[call-overload]  # as it came

    swept = await carry(database, Refusing())  # type: ignore[arg-type]  # all that it uses
    assert swept.failed == 1
    assert swept.handled >= 2
    async with database.session() as session:
        started = {one.id: one.started_at is not None for one in (await session.exec(mine)).all()}
    assert started == {first.id: False} | {one.id: True for one in others}
    assert (await carry(database, client)).handled >= 1


@pytest.mark.workflow
async def test_a_dry_run_starts_no_generation(database: Database, client: Client, order: Order) -> None:
    """It counts what a round would start."""
    run = (await order()).run
    assert (await sweep(database, client, NOW, dry_run=True)).found["not_started"] >= 1
    with pytest.raises(RPCError):
        await client.get_workflow_handle(f"generation-{run.generation_id}").describe()
    assert (await sweep(database, client, NOW)).handled >= 1
    assert await client.get_workflow_handle(f"generation-{run.generation_id}").describe()


async def test_only_one_process_sweeps_for_a_kind(database: Database, storage: FolderStorage, client: Client) -> None:
    """A quick round stands back, a workflow's round waits; the end of the holder, however it ends, lets it go on."""
    sweeping = Sweeping(database, client, storage)
    other = Database(database.engine.url.render_as_string(hide_password=False), pool_size=1)
    kind = SweepKind.OBJECTS
    with pytest.raises(OperationalError):
        async with alone(other, kind) as held:
            assert held
            async with alone(database, kind) as ours, alone(database, SweepKind.EVENTS) as another:
                assert (ours, another) == (False, True)
            waiting = asyncio.create_task(sweeping.sweep(Sweep(kind=kind)))
            done, _ = await asyncio.wait([waiting], timeout=3 * POLL)
            assert not done
            async with database.session() as session:
                await execute(
                    session,
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                        " AND granted AND (classid, objid) = (743164, :kind)"
                    ),
                    {"kind": list(SweepKind).index(kind)},
                )
            assert (await asyncio.wait_for(waiting, 20)).kind == kind
    await other.close()


@pytest.fixture
async def apart(temporal_address: str, settings: Settings) -> Client:
    """A namespace of these tests: a schedule would sweep up the generations of others."""
    return await connected(temporal_address, f"{settings.temporal_namespace}-sweeps")


@pytest.mark.workflow
async def test_every_kind_is_scheduled_once_and_shows_what_it_found(
    apart: Client, database: Database, storage: FolderStorage
) -> None:
    """Made by several workers at once, kept paused if an operator paused it, made again if it is lost."""
    await asyncio.gather(*(ensure_schedules(apart) for _ in range(3)))
    for kind, (every, _) in SWEEPS.items():
        described = await apart.get_schedule_handle(schedule_id(kind)).describe()
        assert [interval.every for interval in described.schedule.spec.intervals] == [every]
        assert described.schedule.policy.overlap == ScheduleOverlapPolicy.SKIP
    events_schedule = apart.get_schedule_handle(schedule_id(SweepKind.EVENTS))
    await events_schedule.pause(note="an operator")
    await apart.get_schedule_handle(schedule_id(SweepKind.OBJECTS)).delete()
    await listed(apart, lambda ids: len(ids) == len(SWEEPS) - 1)
    await ensure_schedules(apart)
    assert await apart.get_schedule_handle(schedule_id(SweepKind.OBJECTS)).describe()
    assert (await events_schedule.describe()).schedule.state.paused
    async with workers(apart, database, storage, Writer(), Painter()):
        await apart.get_schedule_handle(schedule_id(SweepKind.EXPIRED)).trigger()
        recent = await begun(apart, SweepKind.EXPIRED)
        run = apart.get_workflow_handle(recent, result_type=Swept)
        swept = await run.result()
    assert (swept.kind, swept.dry_run, swept.failed) == (SweepKind.EXPIRED, False, 0)
    assert {"logins", "access_tokens", "idempotency_keys", "deliveries", "finished_sweeps"} <= set(swept.found)
    for kind in SWEEPS:
        await apart.get_schedule_handle(schedule_id(kind)).delete()


async def begun(client: Client, kind: SweepKind) -> str:
    """The workflow that a schedule started."""
    async with asyncio.timeout(60):
        while True:
            described = await client.get_schedule_handle(schedule_id(kind)).describe()
            for one in described.info.recent_actions:
                assert isinstance(one.action, ScheduleActionExecutionStartWorkflow)
                return one.action.workflow_id
            await asyncio.sleep(0.1)


async def listed(client: Client, enough: Callable[[list[str]], bool]) -> None:
    """The list of schedules lags behind."""
    async with asyncio.timeout(30):
        while True:
            if enough([one.id async for one in await client.list_schedules()]):
                return
            await asyncio.sleep(0.1)


@pytest.mark.workflow
@pytest.mark.parametrize("kind", SweepKind)
async def test_every_kind_runs_by_hand_dry_and_twice(
    apart: Client, database: Database, storage: FolderStorage, kind: SweepKind
) -> None:
    """A dry run handles nothing; the second of two rounds has nothing left of what a round can put right at once."""
    async with workers(apart, database, storage, Writer(), Painter()):
        dry = await (await by_hand(apart, Sweep(kind=kind, dry_run=True))).result()
        assert (dry.kind, dry.dry_run, dry.handled) == (kind, True, 0)
        for _ in range(2):
            handle = await by_hand(apart, Sweep(kind=kind))
            swept = await handle.result()
            assert (swept.kind, swept.dry_run, swept.failed) == (kind, False, 0)
        assert set(swept.found) == set(dry.found)
    described = await handle.describe()
    assert described.status == WorkflowExecutionStatus.COMPLETED
    assert (await described.static_summary() or "").startswith(f"{kind}: ")


@pytest.mark.workflow
async def test_finished_sweeps_do_not_fill_temporals_database(
    apart: Client, database: Database, storage: FolderStorage
) -> None:
    """After a day they are deleted, also where a namespace keeps workflows for months."""
    async with workers(apart, database, storage, Writer(), Painter()):
        handle = await by_hand(apart, Sweep(kind=SweepKind.EVENTS))
        await handle.result()
    query = f"WorkflowId = '{handle.id}' AND CloseTime < '{(datetime.now(UTC) + DAY).isoformat()}'"
    async with asyncio.timeout(30):
        while True:
            if (await apart.count_workflows(query)).count:
                break
            await asyncio.sleep(0.1)
    sweep = Sweep(kind=SweepKind.EXPIRED)
    young = await Sweeping(database, apart, storage).sweep(sweep)
    assert young.found["finished_sweeps"] == 0
    # A minute ahead, so that no clock matters.
    keeping_none = Sweeping(database, apart, storage, kept=timedelta(minutes=-1))
    assert (await keeping_none.sweep(sweep.model_copy(update={"dry_run": True}))).found["finished_sweeps"] >= 1
    assert (await keeping_none.sweep(sweep)).found["finished_sweeps"] >= 1
    # Of any kind of workflow, and only if a time is set. A day ahead, likewise.
    histories = Sweep(kind=SweepKind.HISTORIES, dry_run=True)
    for days, there in ((None, False), (365, False), (-1, True)):
        found = (await Sweeping(database, apart, storage, history_days=days).sweep(histories)).found
        assert (found["old_histories"] > 0) == there
    await histories_of_others_stay(apart, Sweeping(database, apart, storage, history_days=-1))
    # It forgets a history up to a minute after it was told to.
    async with asyncio.timeout(150):
        while True:
            if await gone(apart, handle.id):
                break
            await asyncio.sleep(0.2)


async def histories_of_others_stay(client: Client, sweeping: Sweeping) -> None:
    """Other applications use the namespace, too, and name their types, queues and IDs as they like."""
    theirs = [
        await client.start_workflow(kind, id=f"{prefix}{uuid4()}", task_queue=queue)
        for kind, prefix, queue in (
            ("ExportWorkflow", "generation-", "theirs"),
            ("ExportWorkflow", "", "workflows"),
            ("SweepWorkflow", "chimney-", "workflows"),
            ("OrderWorkflow", "generation-", "workflows"),
        )
    ]
    for handle in theirs:
        await handle.terminate()
    ours = await client.start_workflow("ExportWorkflow", id=f"generation-{uuid4()}", task_queue="workflows")
    await ours.terminate()
    ids = ", ".join(f"'{handle.id}'" for handle in (*theirs, ours))
    ended = f"WorkflowId IN ({ids}) AND CloseTime < '{(datetime.now(UTC) + DAY).isoformat()}'"
    async with asyncio.timeout(30):
        while (await client.count_workflows(ended)).count < len(theirs) + 1:  # noqa: ASYNC110  # a server tells nobody
            await asyncio.sleep(0.1)
    # Deleted histories go up to a minute later, so what is asked for is looked at as well as what is left.
    asked = [one.id async for one in client.list_workflows(f"{query_of()} AND {ended}")]
    assert asked == [ours.id]
    await sweeping.sweep(Sweep(kind=SweepKind.HISTORIES))
    async with asyncio.timeout(150):
        while not await gone(client, ours.id):  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0.2)
    assert [handle.id for handle in theirs if await gone(client, handle.id)] == []


async def gone(client: Client, workflow: str) -> bool:
    try:
        await client.get_workflow_handle(workflow).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return True
    return False
