"""What tests of all kinds need: servers, a database, a Temporal client, workers."""

import gc
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import hypothesis
import pytest
from sqlalchemy import delete
from sqlmodel import col
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.store import generations
from engine.store.projects import add_chapter
from engine.store.rows import get
from engine.store.scope import Scope
from inkloom.local.stack import Endpoints
from models.options import GenerationKind, GenerationOptions
from models.runs import ChapterRun
from models.tables import Generation, Project, User
from tests.s3_server import S3Server, s3_server
from tests.support.folders import enterable_folder
from tests.support.servers import connected, postgres, temporal
from tests.working import Generate, Painter, Working, Writer, finished, workers
from workflows.starting import start

# The data folder of the run's servers: pytest-xdist's controller makes it and tells its workers.
SERVERS = pytest.StashKey[Path]()

# Speed is measured in bench/: a busy machine must not fail a test.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


def _worker(config: pytest.Config) -> dict[str, Any]:
    """What pytest-xdist's controller told this process; nothing where it is the only one, or the controller."""
    told: dict[str, Any] = getattr(config, "workerinput", {})
    return told


# Collecting the tests makes millions of objects that stay. The garbage collector would go through them over and over: a
# fifth of the time that each process needs before its first test.
gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    told = _worker(config)
    folder = Path(told["servers"] if told else tempfile.mkdtemp(prefix="inkloom-servers-"))
    # Started by root, Postgres runs under another account, which must be able to enter; otherwise it would keep its
    # files elsewhere and leave them behind.
    folder.chmod(0o755)
    config.stash[SERVERS] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["servers"] = str(node.config.stash[SERVERS])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _worker(config):
        shutil.rmtree(config.stash[SERVERS], ignore_errors=True)


# After -m and -k have chosen: what does not run decides no order.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the modules with the longest single test first, then those that generate chapters, the longest in front.

    A module is the unit that pytest-xdist hands to a process. Started last, a long one leaves the others idle.
    """
    generating = Counter(item.path for item in items if item.get_closest_marker("workflow"))
    # A test that says how long it may take is a long one.
    longest: dict[Path, float] = {}
    for item in items:
        for mark in item.iter_markers("timeout"):
            longest[item.path] = max(longest.get(item.path, 0.0), float(mark.args[0]))
    items.sort(key=lambda item: (-longest.get(item.path, 0.0), -generating[item.path]))


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> None:
    """Whoever runs the tests may have settings of their own; the tests must not see them."""
    for name in list(os.environ):
        if name.startswith(("INKLOOM_", "TEMPORAL_", "OPENAI_", "ANTHROPIC_", "OLLAMA_", "AWS_", "OTEL_")):
            del os.environ[name]


@pytest.fixture(scope="session")
def process(pytestconfig: pytest.Config) -> str:
    """The name of this process among those of the run."""
    return str(_worker(pytestconfig).get("workerid", "alone"))


@pytest.fixture(scope="session")
def settings(process: str) -> Iterator[Settings]:
    """Settings of a fresh data folder and this process's namespace."""
    with enterable_folder() as folder:
        yield Settings(data=folder, temporal_ui_port=0, temporal_namespace=f"tests-{process}")


@pytest.fixture(scope="session")
async def database_url(pytestconfig: pytest.Config, process: str) -> AsyncIterator[str]:
    """Postgres with our tables."""
    async with postgres(pytestconfig.stash[SERVERS], process) as running:
        yield running


@pytest.fixture(scope="session")
async def temporal_address(pytestconfig: pytest.Config) -> AsyncIterator[str]:
    async with temporal(pytestconfig.stash[SERVERS]) as running:
        yield running


@pytest.fixture(scope="session")
def endpoints(database_url: str, temporal_address: str) -> Endpoints:
    """Both servers."""
    return Endpoints(database_url=database_url, temporal_address=temporal_address, temporal_ui=None, api_url=None)


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url, pool_size=20)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
async def client(temporal_address: str, settings: Settings) -> Client:
    return await connected(temporal_address, settings.temporal_namespace)


@pytest.fixture(scope="session")
async def s3() -> AsyncIterator[S3Server]:
    """A real S3 server; modules that use it give their tests `PATIENCE`, for one of them may have to build it."""
    async with s3_server() as running:
        yield running


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
async def order(database: Database) -> AsyncIterator[Order]:
    """Put a story into a fresh project of a fresh owner and order its generation; nothing is started.

    The projects go with the test: an order that stayed open would be swept up by the next test's workers.
    """
    made: list[UUID] = []

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
            made.append(project.id)
            chapter = await add_chapter(session, project.id, title="A chapter", source_text=text, script=script)
            generation = await generations.request(
                session, project_id=project.id, chapter_id=chapter.id, kind=GenerationKind.CHAPTER, options=chosen
            )
            run = ChapterRun(project_id=project.id, generation_id=generation.id, options=chosen, chapter_id=chapter.id)
            return Ordered(run, owner.id)

    yield make
    async with database.session() as session:
        await session.exec(delete(Project).where(col(Project.id).in_(made)))


@pytest.fixture
def working(client: Client, database: Database, storage: FolderStorage) -> Working:
    """Workers on every queue, for as long as the block lasts."""

    def run(writer: Writer, painter: Painter, **more: Any) -> AbstractAsyncContextManager[None]:
        return workers(client, database, storage, writer, painter, **more)

    return run


@pytest.fixture
def generate(client: Client, database: Database) -> Generate:
    """Start an ordered generation and wait for its end."""

    async def run(ordered: Ordered) -> Generation:
        async with database.session() as session:
            generation = await get(session, ordered.scope, Generation, ordered.run.generation_id)
        await start(database, client, generation)
        return await finished(database, ordered)

    return run
