"""Batches for tests: chapters of an account, requested as one batch and followed to its end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete
from sqlmodel import col, select
from temporalio.client import Client

from engine.db.session import Database
from engine.store import batches
from engine.store.projects import add_chapter
from engine.store.scope import Scope
from models.batches import ENDED
from models.options import GenerationOptions
from models.tables import Batch, BatchItem, Chapter, Project, User
from workflows.starting import start_batch

LINE = "It rained on the harbour.\n\n“Again?” said Mara."
SCRIPT = GenerationOptions(until="script")


@dataclass(frozen=True)
class Shelf:
    """An account with chapters, and a database to make batches in."""

    database: Database
    owner_id: UUID

    @property
    def scope(self) -> Scope:
        return Scope(user_id=self.owner_id)

    async def project(self) -> Project:
        async with self.database.session() as session:
            project = Project(owner_id=self.owner_id, title="Test")
            session.add(project)
            await session.flush()
            return project

    async def chapters(self, count: int, project: Project | None = None, text: str = LINE) -> list[Chapter]:
        project = project or await self.project()
        async with self.database.session() as session:
            return [
                await add_chapter(session, project.id, title=f"Chapter {number}", source_text=f"{text}\n\n{number}.")
                for number in range(count)
            ]

    async def chapters_of(self, scripts: Sequence[dict[str, Any]]) -> list[Chapter]:
        """A project with a chapter for each script."""
        project = await self.project()
        async with self.database.session() as session:
            return [
                await add_chapter(session, project.id, title=str(script["title"]), source_text="", script=script)
                for script in scripts
            ]

    async def batch(self, chapters: Sequence[Chapter], options: GenerationOptions = SCRIPT, **terms: Any) -> Batch:
        items = [batches.NewItem(project_id=one.project_id, target_ids=[one.id], title=one.title) for one in chapters]
        async with self.database.session() as session:
            return await batches.request(session, self.owner_id, "A batch", items, options, batches.Terms(**terms))

    async def items(self, batch: Batch) -> list[BatchItem]:
        async with self.database.session() as session:
            query = select(BatchItem).where(BatchItem.batch_id == batch.id).order_by(col(BatchItem.position))
            return list((await session.exec(query)).all())

    async def read(self, batch: Batch) -> Batch:
        async with self.database.session() as session:
            return await session.get_one(Batch, batch.id)

    async def counts(self, batch: Batch) -> batches.Counts:
        async with self.database.session() as session:
            return (await batches.counts_of(session, [batch.id]))[batch.id]

    async def ended(self, batch: Batch, patience: float = 120) -> Batch:
        """The batch once it has ended."""
        async with asyncio.timeout(patience):
            while True:
                found = await self.read(batch)
                if found.status in ENDED:
                    return found
                await asyncio.sleep(0.2)

    async def until(
        self, batch: Batch, holds: Callable[[batches.Counts], bool], patience: float = 60
    ) -> batches.Counts:
        """The counts of a batch once they are as wanted."""
        async with asyncio.timeout(patience):
            while True:
                counts = await self.counts(batch)
                if holds(counts):
                    return counts
                await asyncio.sleep(0.2)

    async def run(self, client: Client, batch: Batch) -> Batch:
        """Start the batch and wait for its end."""
        await start_batch(client, batch)
        return await self.ended(batch)


@asynccontextmanager
async def shelf(database: Database) -> AsyncIterator[Shelf]:
    """An account of the test's own, which goes with everything in it."""
    async with database.session() as session:
        owner = User(email=f"{uuid4()}@example.org")
        session.add(owner)
    yield Shelf(database, owner.id)
    async with database.session() as session:
        await session.exec(delete(Project).where(col(Project.owner_id) == owner.id))
        await session.exec(delete(User).where(col(User.id) == owner.id))
