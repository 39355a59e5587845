"""The servers that tests need, started once per run: a real Postgres and a real Temporal, by the product's own code."""

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client

from engine.db import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import generations
from engine.store.projects import add_chapter
from engine.store.scope import Scope
from inkloom.local.programs import Commands
from inkloom.local.supervise import Endpoints, Stack
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect
from models.options import GenerationKind, GenerationOptions
from models.runs import ChapterRun
from models.tables import Project, User


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> None:
    """Whoever runs the tests may have settings of their own; the tests must not see them."""
    for name in list(os.environ):
        if name.startswith(("INKLOOM_", "TEMPORAL_", "OPENAI_", "ANTHROPIC_", "OLLAMA_", "AWS_")):
            del os.environ[name]


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings of a fresh data folder."""
    with tempfile.TemporaryDirectory(prefix="inkloom-tests-") as folder:
        # Started by root, Postgres runs as somebody else, who must be able to enter; otherwise it would keep its
        # files elsewhere and leave them behind.
        Path(folder).chmod(0o755)
        yield Settings(data=Path(folder), temporal_ui_port=0)


@pytest.fixture(scope="session")
async def endpoints(settings: Settings) -> AsyncIterator[Endpoints]:
    """Postgres with our tables, and Temporal. No workers: tests bring their own."""
    async with Stack(settings, api=False, report=print, commands=Commands(workers={})) as running:
        yield running


@pytest.fixture(scope="session")
async def database(endpoints: Endpoints) -> AsyncIterator[Database]:
    opened = Database(endpoints.database_url, pool_size=20)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def client(endpoints: Endpoints) -> Client:
    connected = await connect(endpoints.temporal_address, "default")
    await ensure_search_attributes(connected)
    return connected


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


@dataclass(frozen=True)
class Ordered:
    """A chapter in a project of its own, with a generation ordered for it."""

    run: ChapterRun
    owner_id: UUID

    @property
    def scope(self) -> Scope:
        return Scope(project_id=self.run.project_id)


Order = Callable[..., Awaitable[Ordered]]


@pytest.fixture
def order(database: Database) -> Order:
    """Put a story into a fresh project of a fresh owner and order its generation; nothing is started."""

    async def make(
        text: str = "It rained on the harbour.", *, script: dict[str, Any] | None = None, **options: Any
    ) -> Ordered:
        chosen = GenerationOptions(**options)
        async with database.session() as session:
            owner = User(email=f"{uuid4()}@example.org")
            session.add(owner)
            await session.flush()
            project = Project(owner_id=owner.id, title="Test")
            session.add(project)
            await session.flush()
            chapter = await add_chapter(session, project.id, title="A chapter", source_text=text, script=script)
            generation = await generations.request(
                session, project_id=project.id, chapter_id=chapter.id, kind=GenerationKind.CHAPTER, options=chosen
            )
            run = ChapterRun(project_id=project.id, generation_id=generation.id, options=chosen, chapter_id=chapter.id)
            return Ordered(run, owner.id)

    return make
