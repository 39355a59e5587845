"""The application as it runs, over HTTP: real Postgres, real files, and real Temporal where something is generated."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from temporalio.client import Client

from api.app import create_app
from api.serve import config_of
from engine.db.session import Database
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from models.options import FINAL_STATUSES, GenerationStatus
from tests.fakes.server import eventually
from tests.support.passwords import cheap_passwords
from tests.support.servers import NOWHERE
from tests.working import STORY, Painter, Writer, workers

Json = dict[str, Any]


@asynccontextmanager
async def serving(
    settings: Settings, as_in: AsyncClient | None = None, *, address: str = "127.0.0.1"
) -> AsyncIterator[AsyncClient]:
    """An HTTP client, at an address, of an application with these settings; logged in as another client, or not."""
    app = create_app(settings, cheap_passwords())
    async with (
        app.router.lifespan_context(app),
        # What the application does not answer itself is its defect, not the test's: it shows as a 500.
        AsyncClient(
            transport=ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000)),
            base_url="http://127.0.0.1",
        ) as client,
    ):
        if as_in is not None:
            client.headers["Authorization"] = as_in.headers["Authorization"]
        yield client


PASSWORD = "harbour-lamp-two-keys"


async def registered(api: AsyncClient, email: str | None = None) -> str:
    """The `Authorization` of a new account."""
    email = email or f"{uuid4().hex}@example.org"
    made = await api.post("/api/v1/auth/register", json={"email": email, "password": PASSWORD})
    assert made.status_code == 201, made.text
    login = await api.post("/api/v1/auth/login", data={"username": email, "password": PASSWORD})
    return f"Bearer {login.json()['access_token']}"


@pytest.fixture(scope="module")
def api_settings(
    request: pytest.FixtureRequest, database_url: str, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of a module's application. It has a Temporal only where one of the tests to run is marked `workflow`."""
    folder = tmp_path_factory.mktemp("api")
    temporal_address = NOWHERE
    here = [item for item in request.session.items if item.path == request.path]
    if any(item.get_closest_marker("workflow") for item in here):
        request.getfixturevalue("client")
        temporal_address = request.getfixturevalue("temporal_address")
    return Settings(
        data=folder,
        storage=str(folder / "pictures"),
        database_url=database_url,
        temporal_address=temporal_address,
        temporal_namespace=settings.temporal_namespace,
        secret_key=SecretStr("a secret of the tests"),
        # All modules of a process register and log in from one address.
        registrations=10_000,
        login_tries=1000,
        access_minutes=1440,
    )


@pytest.fixture(scope="module")
async def api(api_settings: Settings) -> AsyncIterator[AsyncClient]:
    """An account of the module's own: what another's tests paid for would be drawn for nothing here."""
    async with serving(api_settings) as opened:
        opened.headers["Authorization"] = await registered(opened)
        yield opened
        # Nothing stays open for other tests' workers to find.
        for status in set(GenerationStatus) - FINAL_STATUSES:
            for left in (await opened.get("/api/v1/generations", params={"status": status})).json()["items"]:
                await opened.post(f"/api/v1/generations/{left['id']}/cancel")
        # A cancelled workflow ends with the next worker there is, and its project stays until then.
        for project in (await opened.get("/api/v1/projects", params={"limit": 100})).json()["items"]:
            assert (await opened.delete(f"/api/v1/projects/{project['id']}")).status_code in (204, 409)


Serve = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def served(api_settings: Settings) -> Serve:
    """The application behind uvicorn as the product sets it up; its port."""

    @asynccontextmanager
    async def serve(**changed: Any) -> AsyncIterator[int]:
        settings = api_settings.model_copy(update={"api_port": 0, **changed})
        server = uvicorn.Server(config_of(settings, create_app(settings, cheap_passwords())))
        serving = asyncio.create_task(server.serve())
        try:
            await eventually(lambda: server.started)
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            await serving

    return serve


Crew = Callable[..., AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def crew(api_settings: Settings, client: Client, database: Database) -> Crew:
    """Workers that keep pictures where the application looks for them."""

    def run(writer: Writer | None = None, painter: Painter | None = None) -> AbstractAsyncContextManager[None]:
        storage = FolderStorage(Path(api_settings.storage or ""))
        return workers(client, database, storage, writer or Writer(), painter or Painter())

    return run


async def new_chapter(api: AsyncClient, text: str = STORY) -> tuple[str, str]:
    """A project with a chapter in it; their ids."""
    project = (await api.post("/api/v1/projects", json={"title": "A project"})).json()
    chapter = await api.post(f"/api/v1/projects/{project['id']}/chapters", json={"title": "A chapter", "text": text})
    return project["id"], chapter.json()["id"]


async def ended(api: AsyncClient, generation_id: str) -> Json:
    """The generation once it is final."""
    async with asyncio.timeout(90):
        while True:
            generation: Json = (await api.get(f"/api/v1/generations/{generation_id}")).json()
            if generation["status"] in FINAL_STATUSES:
                return generation
            # A request costs ten milliseconds of a core that the generation needs.
            await asyncio.sleep(0.25)


@dataclass(frozen=True)
class Made:
    """A chapter that was ordered over HTTP, and how that was answered."""

    project_id: str
    chapter_id: str
    status_code: int
    location: str
    accepted: Json
    finished: Json


@pytest.fixture(scope="module")
async def made(api: AsyncClient, crew: Crew) -> Made:
    """A finished chapter to look at. Tests leave it as it is."""
    project_id, chapter_id = await new_chapter(api)
    async with crew():
        answer = await api.post("/api/v1/generations", json={"kind": "chapter", "target_ids": [chapter_id]})
        finished = await ended(api, answer.json()["id"])
    return Made(project_id, chapter_id, answer.status_code, answer.headers["Location"], answer.json(), finished)


def problem(answer: Any) -> tuple[int, str, str]:
    """Status, type and media type of a refused request."""
    return answer.status_code, answer.json()["type"], answer.headers["Content-Type"]


def refused(status: int, type: str) -> tuple[int, str, str]:
    """What `problem` is when a request is refused as it should be."""
    return status, f"/problems/{type}", "application/problem+json"
