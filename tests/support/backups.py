"""An installation of which backups are made, and an empty place that they are restored into."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from engine.backup.destination import Destination
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.storage.keys import content_key
from inkloom.backup.making import Made, Source, make
from inkloom.backup.restoring import Restored, Restoring
from models.tables import Image
from tests.conftest import Ordered


@dataclass
class Installation:
    """What is saved, and where to."""

    source: Source
    destination: Destination
    storage: FolderStorage
    folder: Path

    async def picture(self, ordered: Ordered, content: bytes) -> str:
        """A picture with its row; its key."""
        sha256 = hashlib.sha256(content).hexdigest()
        key = content_key(ordered.run.project_id, "images", sha256, "png")
        await self.storage.put(key, content)
        async with self.source.database.session() as session:
            session.add(
                Image(
                    project_id=ordered.run.project_id,
                    sha256=sha256,
                    key=key,
                    media_type="image/png",
                    width=1,
                    height=1,
                    bytes=len(content),
                )
            )
        return key

    async def backup(self) -> Made:
        return await make(self.source, self.destination)


@dataclass
class Target:
    """An empty destination."""

    settings: Settings
    url: str
    storage: FolderStorage
    destination: Destination

    async def restore(self, name: str, *, without_damaged: bool = False) -> Restored:
        restoring = Restoring(self.settings, self.destination, self.storage, lambda line: None)
        manifest = await restoring.checked(name, without_damaged=without_damaged)
        return await restoring.into(self.url, manifest)

    async def tables(self) -> dict[str, list[str]]:
        """Every row of every table."""
        return await rows_of(self.url)


async def rows_of(url: str) -> dict[str, list[str]]:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        found = await connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = {}
        for (name,) in await found.fetchall():
            query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(sql.Identifier(name))
            rows[str(name)] = [str(row[0]) for row in await (await connection.execute(query)).fetchall()]
        return rows


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
