"""What tests of backups need: something to save, and somewhere to restore it."""

from pathlib import Path
from uuid import uuid4

import pytest

from engine.backup.destination import Destination
from engine.db.session import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from inkloom.backup.making import Source
from tests.support.backups import Installation, Target
from tests.support.servers import empty_database


@pytest.fixture
def installation(database: Database, database_url: str, storage: FolderStorage, tmp_path: Path) -> Installation:
    (tmp_path / "scratch").mkdir()
    destination = Destination(FolderStorage(tmp_path / "destination"), None, tmp_path / "scratch")
    return Installation(
        Source(database, database_url, storage, "a secret of the tests"), destination, storage, tmp_path
    )


@pytest.fixture
async def target(installation: Installation, tmp_path: Path) -> Target:
    url = await empty_database(installation.source.database_url, f"restored_{uuid4().hex[:12]}")
    data = tmp_path / "data"
    data.mkdir()
    return Target(
        Settings(data=data, database_url=url), url, FolderStorage(tmp_path / "restored"), installation.destination
    )
