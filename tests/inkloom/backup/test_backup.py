"""A backup of a real database while work goes on, and its return into an empty one."""

import asyncio
import errno
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlmodel import select
from temporalio.client import Client

from engine.backup.destination import Destination
from engine.db.session import Database, execute
from engine.errors import EngineError, StorageError, StorageNotConfigured
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import generations, removals
from inkloom.backup.making import drop_old, make
from inkloom.backup.opening import SCRATCH, opened
from inkloom.backup.verifying import verified
from inkloom.database import upgrade
from inkloom.sweeping import Sweeping
from models.options import GenerationStatus
from models.sweeps import Sweep, SweepKind
from models.tables import Image, ProviderCall
from models.tables.ledger import CallState
from tests.conftest import Order, Ordered
from tests.s3_server import BUCKET, KEYS, PATIENCE, S3Server, fresh_prefix
from tests.support.backups import Installation, Target, files_of, rows_of

pytestmark = pytest.mark.integration


async def test_all_rows_and_pictures_come_back(installation: Installation, target: Target, order: Order) -> None:
    """Byte for byte, with the secret key, which only its owner can read; a call in flight counts as lost."""
    ordered = await order()
    await installation.picture(ordered, b"a picture")
    calls = [call(ordered, state) for state in (CallState.CONFIRMED, CallState.SUBMITTED, CallState.RESERVED)]
    async with installation.source.database.session() as session:
        session.add_all(calls)
    made = await installation.backup()
    assert made.manifest.rows["projects"] >= 1
    restored = await target.restore(made.manifest.name)
    assert (restored.pictures, restored.damaged_count) == (made.saved.pictures, 0)
    before, after = await rows_of(installation.source.database_url), await target.tables()
    settled = ("provider_calls", "rounds")
    assert {name: rows for name, rows in after.items() if name not in settled} == {
        name: rows for name, rows in before.items() if name not in settled
    }
    assert files_of(target.storage.root) == files_of(installation.storage.root)
    secret = target.settings.data / "secret_key"
    assert secret.read_text() == "a secret of the tests"
    assert secret.stat().st_mode & 0o077 == 0
    database = Database(target.url, pool_size=1)
    async with database.session() as session:
        states = dict((await session.exec(select(ProviderCall.id, ProviderCall.state))).all())
    await database.close()
    assert [states[one.id] for one in calls] == [CallState.CONFIRMED, CallState.UNKNOWN, CallState.FAILED]


def call(ordered: Ordered, state: CallState) -> ProviderCall:
    return ProviderCall(
        project_id=ordered.run.project_id,
        generation_id=ordered.run.generation_id,
        call_key=uuid4().hex,
        attempt=1,
        kind="llm",
        provider="offline",
        purpose="a test",
        holder="a test",
        state=state,
        submitted_at=None if state == CallState.RESERVED else datetime.now(UTC),
        settled_at=datetime.now(UTC) if state == CallState.CONFIRMED else None,
    )


async def test_a_restore_that_was_cut_is_run_again(installation: Installation, target: Target, order: Order) -> None:
    """It left some pictures; and a migration has made empty tables since."""
    ordered = await order()
    keys = [await installation.picture(ordered, content) for content in (b"one", b"two")]
    made = await installation.backup()
    await target.storage.put(keys[0], b"one")
    await asyncio.to_thread(upgrade, target.settings)
    await target.restore(made.manifest.name)
    assert await target.storage.get(keys[1]) == b"two"
    after, before = await target.tables(), await rows_of(installation.source.database_url)
    # The source records that a backup was made once it is whole.
    assert {**after, "rounds": []} == {**before, "rounds": []}


class Slow(FolderStorage):
    """Storage that can be stopped at the first picture that is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def fetch(self, key: str, path: Path) -> None:
        self.reached.set()
        await self.go_on.wait()
        await super().fetch(key, path)


async def test_nothing_that_a_backup_names_is_removed_meanwhile(
    installation: Installation, target: Target, order: Order, client: Client
) -> None:
    """A picture is deleted between dump and copy: it goes once the backup has it. What is added stays out."""
    ordered = await order()
    key = await installation.picture(ordered, b"a picture")
    slow = Slow(installation.storage.root)
    database = installation.source.database
    making = asyncio.create_task(make(replace(installation.source, storage=slow), installation.destination))
    await asyncio.wait_for(slow.reached.wait(), 60)
    late = await installation.picture(ordered, b"added meanwhile")
    async with database.session() as session:
        generation = ordered.run.generation_id
        await generations.end(session, ordered.run.project_id, generation, GenerationStatus.CANCELLED)
        image = (await session.exec(select(Image).where(Image.key == key))).one()
        await removals.delete_image(session, image)
    removing = asyncio.create_task(Sweeping(database, client, slow).sweep(Sweep(kind=SweepKind.REMOVALS)))
    done, _ = await asyncio.wait([removing], timeout=2)
    assert not done
    assert (installation.storage.root / key).exists()
    slow.go_on.set()
    made = await making
    await removing
    assert not (installation.storage.root / key).exists()
    await target.restore(made.manifest.name)
    assert await target.storage.get(key) == b"a picture"
    assert not (target.storage.root / late).exists()


async def test_database_and_pictures_are_of_one_moment(
    installation: Installation, target: Target, order: Order
) -> None:
    """What is stored while the database is dumped is in neither."""
    ordered = await order()
    early = await installation.picture(ordered, b"early")
    async with await psycopg.AsyncConnection.connect(installation.source.database_url) as holding:
        await holding.execute("LOCK TABLE comments IN ACCESS EXCLUSIVE MODE")
        making = asyncio.create_task(installation.backup())
        async with asyncio.timeout(60):
            while not await waiting_for_a_lock(installation.source.database):  # noqa: ASYNC110  # a server tells nobody
                await asyncio.sleep(0.1)
        late = await installation.picture(ordered, b"late")
    made = await making
    await target.restore(made.manifest.name)
    assert await target.storage.get(early) == b"early"
    assert not (target.storage.root / late).exists()
    assert not any(late in row for row in (await target.tables())["images"])


async def waiting_for_a_lock(database: Database) -> bool:
    """Whether the program that dumps waits for a table."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'"
    )
    async with database.session() as session:
        return bool((await execute(session, query)).scalar_one())


class Full(FolderStorage):
    """A folder on a disk that has room for a few files more."""

    def __init__(self, root: Path, room: int) -> None:
        super().__init__(root)
        self.room = room

    def _write(self, target: Path, source: bytes | Path) -> None:
        self.room -= 1
        if self.room < 0:
            raise StorageError(f"{target.name} could not be written: {errno.errorcode[errno.ENOSPC]}")
        super()._write(target, source)


@pytest.mark.parametrize("room", range(6))
async def test_a_full_disk_leaves_no_backup(installation: Installation, order: Order, room: int) -> None:
    """Whatever could not be written any more: the destination has what it had before, and the next one is made."""
    ordered = await order()
    before = await installation.backup()
    await installation.picture(ordered, b"a new picture")
    full = Destination(Full(installation.folder / "destination", room), None, installation.destination.scratch)
    with pytest.raises(StorageError, match="ENOSPC"):
        await make(installation.source, full)
    assert await installation.destination.names() == [before.manifest.name]
    assert (await installation.backup()).saved.new == (1 if room <= 1 else 0)


class Vanishing(FolderStorage):
    """A folder on a disk that goes away after so many files: what is left is an empty folder, which takes files."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.after = after

    def _write(self, target: Path, source: bytes | Path) -> None:
        super()._write(target, source)
        self.after -= 1
        if not self.after:
            self.root.rename(self.root.with_name("elsewhere"))


@pytest.mark.parametrize("after", range(1, 6))
async def test_a_destination_that_goes_away_has_no_backup(installation: Installation, order: Order, after: int) -> None:
    """Whenever it went: one without the pictures that were copied before would look whole."""
    await installation.picture(await order(), b"a picture")
    folder = installation.folder / "destination"
    vanishing = Destination(Vanishing(folder, after), None, installation.destination.scratch)
    with pytest.raises(StorageError, match="mounted"):
        await make(installation.source, vanishing)
    for place in (folder, folder.with_name("elsewhere")):
        assert await Destination(FolderStorage(place), None, installation.destination.scratch).names() == []


async def test_a_scratch_folder_that_is_gone_is_an_error_in_words(installation: Installation) -> None:
    shutil.rmtree(installation.destination.scratch)
    with pytest.raises(EngineError, match="could not be"):
        await installation.backup()
    assert await installation.destination.names() == []


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
async def test_a_bucket_is_a_destination(
    installation: Installation,
    target: Target,
    order: Order,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Encrypted, twice, read back, and restored; wrong keys and a bucket that is not there are refused in words."""
    ordered = await order()
    await installation.picture(ordered, b"a picture")
    for variable, value in (
        ("AWS_ACCESS_KEY_ID", KEYS[0]),
        ("AWS_SECRET_ACCESS_KEY", KEYS[1]),
        ("AWS_ENDPOINT_URL", s3.url),
        ("AWS_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(variable, value)
    key_file = installation.folder / "backup.key"
    key_file.write_text("0123456789abcdef" * 4)
    settings = Settings(data=installation.folder / "data")
    address = f"s3://{BUCKET}/{fresh_prefix()}"
    async with opened(settings, address, key_file) as destination:
        first = await make(installation.source, destination)
        second = await make(installation.source, destination)
        assert (first.saved.new, second.saved.new) == (first.saved.pictures, 0)
        assert first.saved.new >= 1
        found = await verified(destination, second.manifest.name, lambda line: None)
        assert (found.pictures, found.lost_count) == (second.saved.pictures, 0)
        assert await drop_old(destination, 1) == 1
        restored = await replace(target, destination=destination).restore(second.manifest.name)
        assert restored.pictures == second.saved.pictures
    assert files_of(target.storage.root) == files_of(installation.storage.root)
    with pytest.raises(StorageNotConfigured, match="does not exist"):
        async with opened(settings, "s3://not-there/backups", key_file):
            raise AssertionError
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StorageNotConfigured, match="AWS_ACCESS_KEY_ID") as refused:
        async with opened(settings, address, key_file):
            raise AssertionError
    assert KEYS[0] not in refused.value.message
    assert list((installation.folder / "data").glob(f"{SCRATCH}*")) == []
