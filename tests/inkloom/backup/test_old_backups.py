"""Scheduled backups, and what becomes of old ones."""

import asyncio

import pytest
from sqlmodel import select
from temporalio.client import Client

from engine.backup.destination import Destination
from engine.backup.encryption import BackupKey
from engine.db.session import Database
from engine.settings import Settings
from inkloom.backup.making import drop_old, make
from inkloom.backup.opening import SCRATCH
from inkloom.backup.scheduled import Scheduled
from inkloom.backup.verifying import verified
from inkloom.sweeping import Sweeping
from models.sweeps import Sweep, SweepKind
from models.tables import Image
from tests.conftest import Order
from tests.support.backups import Installation, files_of

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
