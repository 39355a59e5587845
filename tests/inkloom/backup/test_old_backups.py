"""Scheduled backups, and what becomes of old ones."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlmodel import select
from temporalio.client import Client, WorkflowHandle

from engine.backup.destination import Destination, require_name
from engine.backup.encryption import BackupKey
from engine.backup.manifest import NAME
from engine.db.session import Database, execute
from engine.errors import Conflict
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import gauges, saved
from inkloom.backup.making import Source, drop_old, make
from inkloom.backup.opening import SCRATCH
from inkloom.backup.scheduled import Scheduled
from inkloom.backup.verifying import verified
from inkloom.sweep_command import by_hand
from inkloom.sweeping import Sweeping
from models.sweeps import Sweep, SweepKind
from models.tables import Image
from tests.conftest import Order
from tests.support.backups import Installation, files_of
from tests.support.servers import migrated_database
from tests.working import Painter, Writer, workers

pytestmark = pytest.mark.integration


async def test_old_backups_go_and_pictures_of_kept_ones_stay(installation: Installation, order: Order) -> None:
    ordered = await order()
    old = await installation.picture(ordered, b"only in the first")
    shared = await installation.picture(ordered, b"in all")
    first = await installation.backup()
    database = installation.source.database
    async with database.session() as session:
        await session.delete((await session.exec(select(Image).where(Image.key == old))).one())
    second, third = await installation.backup(), await installation.backup()
    assert await drop_old(installation.destination, 3) == 0
    assert await drop_old(installation.destination, 2) == 1
    assert await installation.destination.names() == [second.manifest.name, third.manifest.name]
    there = files_of(installation.folder / "destination")
    assert not any(first.manifest.name in name or old in name for name in there)
    assert f"pictures/{shared}" in there


async def test_pictures_under_a_key_go_with_its_last_backup(installation: Installation, order: Order) -> None:
    """Who begins to encrypt backups, or changes the key, wants the others gone one day; until then they stay whole."""
    await installation.picture(await order(), b"a picture")
    destinations = [installation.destination]
    for name in ("one", "two"):
        path = installation.folder / name
        path.write_text(name * 32)
        destinations.append(replace_key(installation.destination, BackupKey.of(path)))
    names = [(await make(installation.source, destination)).manifest.name for destination in destinations]
    assert [await destination.key_of(name) for destination, name in zip(destinations, names, strict=True)] == [
        destination.key and destination.key.id for destination in destinations
    ]
    for keep in (2, 1):
        assert await drop_old(destinations[-1], keep) == 1
        there = [bool(await destination.pictures()) for destination in destinations]
        assert there == [False, keep == 2, True]
        for destination, name in list(zip(destinations, names, strict=True))[-keep:]:
            assert (await verified(destination, name, lambda line: None)).lost_count == 0


async def test_backups_of_an_empty_installation_replace_no_good_ones(
    installation: Installation, empty: Source, order: Order
) -> None:
    """They may be what is left after a loss. Of themselves as many are kept, and a good one counts as before."""
    await order()
    destination = installation.destination
    good = [(await installation.backup()).manifest.name for _ in range(2)]
    hollow = []
    for number in range(4):
        (installation.folder / "destination" / "installation.json").unlink()
        hollow.append((await make(empty, destination)).manifest.name)
        assert await drop_old(destination, 2) == (1 if number >= 2 else 0)
        assert await destination.names() == [*good, *hollow[-2:]]
    (installation.folder / "destination" / "installation.json").unlink()
    newest = (await installation.backup()).manifest.name
    # The empty ones lie between the two that are kept.
    assert await drop_old(destination, 2) == 1
    assert await destination.names() == [good[1], *hollow[-2:], newest]


@pytest.fixture
async def empty(database_url: str, installation: Installation) -> AsyncIterator[Source]:
    """An installation without a project."""
    url = await migrated_database(database_url, f"hollow_{uuid4().hex[:12]}")
    database = Database(url, pool_size=4)
    yield Source(database, url, installation.storage, "another secret")
    await database.close()


async def test_damaged_backups_replace_no_good_ones(installation: Installation, order: Order) -> None:
    """A manifest that cannot be read is no backup that could be restored; pictures stay until it is gone."""
    key = await installation.picture(await order(), b"a picture")
    names = [(await installation.backup()).manifest.name for _ in range(3)]
    for name in names[1:]:
        (installation.folder / "destination" / "backups" / name / "manifest.json").write_text("{")
    await installation.backup()
    assert await drop_old(installation.destination, 2) == 0
    assert names[0] in await installation.destination.names()
    await installation.backup()
    assert await drop_old(installation.destination, 2) == 3
    assert f"pictures/{key}" in files_of(installation.folder / "destination")


async def test_backups_of_a_wrong_clock_disturb_nothing(
    installation: Installation, database: Database, database_url: str, client: Client, order: Order
) -> None:
    """Dated in the future, they are no reason to make none, are not counted, and are not deleted; the newest of the
    others is the one that is meant.
    """
    await order()
    folder = installation.folder / "destination" / "backups"
    first = (await installation.backup()).manifest
    ahead = (datetime.now(UTC) + timedelta(days=400)).strftime(NAME)
    (folder / first.name).rename(folder / ahead)
    (folder / ahead / "manifest.json").unlink()
    await installation.destination.put_manifest(first.model_copy(update={"name": ahead}))
    assert await installation.destination.newest() is None
    assert await require_name(installation.destination, None) == ahead
    settings = Settings(
        data=installation.folder / "data", backup_to=str(installation.folder / "destination"), backup_keep=1
    )
    sweeping = Sweeping(database, client, installation.storage, backups=Scheduled(settings, database_url, "a secret"))
    for _ in range(2):
        await sweeping.sweep(Sweep(kind=SweepKind.BACKUPS))
    name, last = await installation.destination.names()
    assert (last, await require_name(installation.destination, None)) == (ahead, name)
    newer = (await installation.backup()).manifest.name
    assert await drop_old(installation.destination, 1) == 1
    assert await installation.destination.names() == [newer, ahead]


async def test_another_installations_destination_is_refused(
    installation: Installation, empty: Source, client: Client, order: Order
) -> None:
    """By hand and in a schedule, at the same time and with a backup there that would say that none is due; nothing of
    the other's is touched. What was restored from a backup goes on with its destination.
    """
    await order()
    both = await asyncio.gather(
        installation.backup(), make(empty, apart(installation, "scratch-2")), return_exceptions=True
    )
    (refused,) = [one for one in both if isinstance(one, BaseException)]
    assert isinstance(refused, Conflict)
    assert "another installation" in refused.message
    (folder := installation.folder / "destination" / "installation.json").unlink()
    await installation.backup()
    before = files_of(installation.folder / "destination")
    assert folder.exists()
    with pytest.raises(Conflict, match=r"installation\.json"):
        await make(empty, installation.destination)
    settings = Settings(data=installation.folder / "data", backup_to=str(installation.folder / "destination"))
    backups = Scheduled(settings, empty.database_url, "a secret")
    sweeping = Sweeping(empty.database, client, installation.storage, backups=backups)
    swept = await sweeping.sweep(Sweep(kind=SweepKind.BACKUPS))
    assert (swept.handled, swept.failed) == (0, 1)
    assert files_of(installation.folder / "destination") == before


def apart(installation: Installation, scratch: str) -> Destination:
    (installation.folder / scratch).mkdir()
    return Destination(installation.destination.storage, None, installation.folder / scratch)


class Held(FolderStorage):
    """Storage that is slow: it gives nothing until it is let go."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def fetch(self, key: str, path: Path) -> None:
        self.reached.set()
        await self.go_on.wait()
        await super().fetch(key, path)


@pytest.mark.workflow
async def test_a_backup_may_take_days(
    installation: Installation, database: Database, database_url: str, client: Client, order: Order
) -> None:
    """Only its heartbeat, which goes on while it is slow, says that its worker lives; other sweeps have an hour."""
    await installation.picture(await order(), b"a picture")
    slow = Held(installation.storage.root)
    settings = Settings(data=installation.folder / "data", backup_to=str(installation.folder / "destination"))
    backups = Scheduled(settings, database_url, "a secret")
    async with workers(client, database, slow, Writer(), Painter(), backups=backups):
        handle = await by_hand(client, Sweep(kind=SweepKind.BACKUPS))
        await asyncio.wait_for(slow.reached.wait(), 60)
        beats: set[float] = set()
        async with asyncio.timeout(60):
            while len(beats) < 3:
                (pending,) = (await handle.describe()).raw_description.pending_activities
                if pending.HasField("last_heartbeat_time"):
                    beats.add(pending.last_heartbeat_time.ToNanoseconds())
                await asyncio.sleep(0.2)
        slow.go_on.set()
        swept = await handle.result()
        other = await by_hand(client, Sweep(kind=SweepKind.EVENTS, dry_run=True))
        await other.result()
    assert swept.handled == 1
    assert len(await installation.destination.names()) == 1
    assert [await attempt_of(one) for one in (handle, other)] == [timedelta(days=3), timedelta(hours=1)]


async def attempt_of(handle: WorkflowHandle[Any, Any]) -> timedelta:
    """How long one attempt of the activity may take."""
    (scheduled,) = [
        event.activity_task_scheduled_event_attributes
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert scheduled.heartbeat_timeout.ToTimedelta() <= timedelta(seconds=10)
    assert scheduled.schedule_to_close_timeout.ToTimedelta() > scheduled.start_to_close_timeout.ToTimedelta()
    return scheduled.start_to_close_timeout.ToTimedelta()


async def test_the_gauge_tells_the_age_of_the_newest_backup(installation: Installation, order: Order) -> None:
    """Of a good one, whatever comes after it; without one, how long the installation has been in use."""
    await order()
    database = installation.source.database

    async def age() -> float:
        async with database.session() as session:
            return (await gauges.values_of(session, 30))["inkloom_backup_age_seconds"][0][1]

    async with database.session() as session:
        await execute(session, text("DELETE FROM rounds"))
        await execute(session, text("UPDATE users SET created_at = created_at - interval '30 days'"))
    assert age_of_days(await age()) >= 29
    made = await installation.backup()
    assert age_of_days(await age()) == 0
    async with database.session() as session:
        await saved.backed_up(session, made.manifest.made_at - timedelta(days=9))
    assert age_of_days(await age()) == 0
    async with database.session() as session:
        await execute(session, text("UPDATE rounds SET at = clock_timestamp() + interval '9 days'"))
    assert await age() == 0


def age_of_days(seconds: float) -> int:
    return int(seconds // 86_400)


def replace_key(destination: Destination, key: BackupKey) -> Destination:
    return Destination(destination.storage, key, destination.scratch)


async def test_a_scheduled_backup_that_fails_waits_for_the_next_round(
    installation: Installation, database: Database, database_url: str, client: Client
) -> None:
    """The round says so, and is not repeated at once."""
    (installation.folder / "destination").touch()
    settings = Settings(data=installation.folder / "data", backup_to=str(installation.folder / "destination"))
    sweeping = Sweeping(database, client, installation.storage, backups=Scheduled(settings, database_url, "a secret"))
    swept = await sweeping.sweep(Sweep(kind=SweepKind.BACKUPS))
    assert (swept.handled, swept.failed) == (0, 1)


async def test_a_backup_is_made_when_it_is_due_and_once(
    installation: Installation, database: Database, database_url: str, client: Client
) -> None:
    """Two workers look in the same hour; a dry run counts."""
    settings = Settings(
        data=installation.folder / "data", backup_to=str(installation.folder / "destination"), backup_keep=1
    )
    backups = Scheduled(settings, database_url, "a secret")
    sweeping = Sweeping(database, client, installation.storage, backups=backups)
    assert (await sweeping.sweep(Sweep(kind=SweepKind.BACKUPS, dry_run=True))).found["due"] == 1
    assert await installation.destination.names() == []
    both = await asyncio.gather(*(sweeping.sweep(Sweep(kind=SweepKind.BACKUPS)) for _ in range(2)))
    assert sorted(one.handled for one in both) == [0, 1]
    (name,) = await installation.destination.names()
    assert (await installation.destination.manifest(name)).name == name
    assert list((installation.folder / "data").glob(f"{SCRATCH}*")) == []
