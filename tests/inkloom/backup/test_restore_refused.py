"""What a restore refuses: each in words that say what to do, and with nothing changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from temporalio.client import Client

from engine.backup.encryption import Damaged
from engine.errors import BadInput, Conflict
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.storage.keys import content_key
from inkloom.backup.restoring import Restoring
from inkloom.database import upgrade
from tests.conftest import Order
from tests.support.backups import Installation, Target, files_of
from tests.support.servers import connected, empty_database

pytestmark = pytest.mark.integration

SECRET = SecretStr("another secret")


@asynccontextmanager
async def unchanged(target: Target) -> AsyncIterator[None]:
    before = await target.tables(), files_of(target.storage.root), files_of(target.settings.data)
    yield
    assert (await target.tables(), files_of(target.storage.root), files_of(target.settings.data)) == before


async def test_what_is_in_the_way_is_refused(installation: Installation, target: Target, order: Order) -> None:
    """Each in words that say what to do, and before anything is changed."""
    ordered = await order()
    await installation.picture(ordered, b"a picture")
    name = (await installation.backup()).manifest.name
    other = content_key(uuid4(), "images", "a" * 64, "png")
    await target.storage.put(other, b"somebody's")
    async with unchanged(target):
        with pytest.raises(Conflict, match=f"not empty.*{other}"):
            await target.restore(name)
    await target.storage.delete([other])
    with_secret = replace(target, settings=target.settings.model_copy(update={"secret_key": SECRET}))
    async with unchanged(target):
        with pytest.raises(BadInput, match="INKLOOM_SECRET_KEY"):
            await with_secret.restore(name)
    async with unchanged(target), await psycopg.AsyncConnection.connect(target.url) as working:
        await working.execute("SELECT 1")
        with pytest.raises(Conflict, match=r"Other sessions.*\(1\)\. Stop the API"):
            await target.restore(name)
    async with await psycopg.AsyncConnection.connect(target.url, autocommit=True) as others:
        await others.execute("CREATE TABLE somebodys (id int)")
    async with unchanged(target):
        with pytest.raises(Conflict, match="somebodys"):
            await target.restore(name)
    async with await psycopg.AsyncConnection.connect(target.url, autocommit=True) as others:
        await others.execute("DROP TABLE somebodys")
    await target.restore(name)
    async with unchanged(target):
        with pytest.raises(Conflict, match="The database is not empty"):
            await target.restore(name)


async def test_a_backup_that_cannot_be_used_is_refused(
    installation: Installation, target: Target, order: Order
) -> None:
    """Cut in the middle, of a later version, of a later server: nothing is changed."""
    ordered = await order()
    key = await installation.picture(ordered, b"a picture")
    made = await installation.backup()
    name, folder = made.manifest.name, installation.folder / "destination"
    for file in ("database.dump", "pictures.jsonl.gz", "secret_key"):
        path = folder / "backups" / name / file
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        async with unchanged(target):
            with pytest.raises(Damaged, match=file):
                await target.restore(name)
        path.write_bytes(whole)
    picture = folder / "pictures" / key
    picture.write_bytes(b"a pic")
    async with unchanged(target):
        with pytest.raises(Damaged, match=f"{key}\n.*--without-damaged"):
            await target.restore(name)
    path = folder / "backups" / name / "manifest.json"
    whole = path.read_bytes()
    for wrong, said in (({"revision": "9999"}, "revision 9999"), ({"postgres": 99}, "Postgres 99")):
        path.unlink()
        made.manifest.model_copy(update=wrong).write(path)
        async with unchanged(target):
            with pytest.raises(BadInput, match=said):
                await target.restore(name, without_damaged=True)
    path.write_bytes(whole)
    restored = await target.restore(name, without_damaged=True)
    assert restored.damaged == [key]


@pytest.mark.workflow
async def test_a_temporal_with_other_workflows_is_refused(
    installation: Installation, target: Target, temporal_address: str, settings: Settings
) -> None:
    """What ended there cannot be started again under its ID. A namespace that is empty, yet to be made, or of other
    applications will do.
    """
    made = await installation.backup()
    namespace = f"{settings.temporal_namespace}-restored"
    client = await connected(temporal_address, namespace)
    there = target.settings.model_copy(
        update={"temporal_address": temporal_address, "temporal_namespace": f"{namespace}-none"}
    )
    restoring = Restoring(there, target.destination, target.storage, lambda line: None)
    await restoring.checked(made.manifest.name, without_damaged=False)
    there = there.model_copy(update={"temporal_namespace": namespace})
    restoring = Restoring(there, target.destination, target.storage, lambda line: None)
    await restoring.checked(made.manifest.name, without_damaged=False)
    theirs = await client.start_workflow("ExportWorkflow", id="export-1", task_queue="workflows")
    await counted(client, 1)
    await restoring.checked(made.manifest.name, without_damaged=False)
    handle = await client.start_workflow("ChapterWorkflow", id="generation-of-before", task_queue="workflows")
    await counted(client, 2)
    with pytest.raises(Conflict, match=r"has workflows.*\(1\).*TEMPORAL_NAMESPACE"):
        await restoring.checked(made.manifest.name, without_damaged=False)
    await handle.terminate()
    await theirs.terminate()


async def counted(client: Client, number: int) -> None:
    """Once the namespace lists so many workflows."""
    async with asyncio.timeout(30):
        while (await client.count_workflows()).count < number:  # noqa: ASYNC110  # a server tells nobody
            await asyncio.sleep(0.1)


class Meanwhile(FolderStorage):
    """Storage in which someone begins to work on the database when the first picture arrives."""

    def __init__(self, root: Path, begin: Callable[[], Awaitable[None]]) -> None:
        super().__init__(root)
        self.begin = begin

    async def put_file(self, key: str, path: Path) -> None:
        await self.begin()
        await super().put_file(key, path)


@pytest.mark.parametrize("begun", ["rows", "tables of others", "a session"])
async def test_what_came_into_the_database_while_pictures_were_copied_stays(
    installation: Installation, target: Target, order: Order, begun: str
) -> None:
    """Hours may lie between the first look and the moment when tables are dropped: they are looked at again, and the
    secret key and Temporal's data are not touched before that.
    """
    await installation.picture(await order(), b"a picture")
    name = (await installation.backup()).manifest.name
    (target.settings.data / "secret_key").write_text("in use")
    async with AsyncExitStack() as stack:

        async def begin() -> None:
            await asyncio.to_thread(upgrade, target.settings)
            connection = await stack.enter_async_context(
                await psycopg.AsyncConnection.connect(target.url, autocommit=True)
            )
            if begun == "rows":
                await connection.execute(
                    "INSERT INTO users (id, email, name) VALUES (gen_random_uuid(), 'ada@example.org', 'Ada')"
                )
            elif begun == "tables of others":
                await connection.execute("CREATE TABLE somebodys (id int)")
            if begun != "a session":
                await connection.close()

        working = replace(target, storage=Meanwhile(target.storage.root, begin))
        with pytest.raises(Conflict):
            await working.restore(name)
        tables = await target.tables()
        assert "projects" in tables
        assert len(tables["users"]) == (1 if begun == "rows" else 0)
    assert files_of(target.settings.data) == {"secret_key": b"in use"}


async def test_a_key_that_an_earlier_restore_kept_stays(installation: Installation, target: Target) -> None:
    """Each key of before is kept under a name of its own."""
    name = (await installation.backup()).manifest.name
    for number, key in enumerate(("one", "two", "three")):
        (target.settings.data / "secret_key").write_text(key)
        again = replace(target, url=await empty_database(target.url, f"again_{uuid4().hex[:12]}"))
        await again.restore(name)
        kept = sorted(target.settings.data.glob("secret_key.before-restore*"))
        assert [path.read_text() for path in kept] == ["one", "two", "three"][: number + 1]
    assert (target.settings.data / "secret_key").read_text() == "a secret of the tests"
