"""The HTTP application: its routes and middleware. It starts workflows and reads rows, nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities import tracing
from activities.request_ids import RequestIds
from api.http import docs, metrics, openapi, problems
from api.http.computed import Computed, in_child
from api.http.deps import Resources
from api.http.flow_workers import FlowWorkers
from api.http.gauges import Installation
from api.http.schemas import AWAY, FORBIDDEN, INVALID, UNAUTHORIZED
from api.middleware import stack
from api.middleware.access import WATCHED
from api.routes import (
    activity,
    auth,
    batches,
    batches_control,
    bibles,
    chapters,
    characters,
    comments,
    costs,
    costs_csv,
    drafts,
    drift,
    exports,
    generations,
    generations_control,
    generations_create,
    health,
    images,
    instructions,
    invitations,
    locations,
    locks,
    members,
    pages,
    panels,
    presence,
    project_files,
    projects,
    redraws,
    scenes,
    sockets,
    staleness,
    status,
    temporal_ui,
    translations,
    uploads,
    versions,
    webhooks,
    workers,
)
from engine.db.session import Database
from engine.errors import BadInput
from engine.live.hub import LOOK, live
from engine.pictures.workshop import Workshop
from engine.security import Passwords, Signer
from engine.settings import Settings
from engine.storage.open import open_storage

NOUNS = (
    auth,
    project_files,
    bibles,
    projects,
    chapters,
    exports,
    scenes,
    panels,
    pages,
    drafts,
    redraws,
    translations,
    staleness,
    drift,
    characters,
    locations,
    instructions,
    generations,
    generations_create,
    generations_control,
    batches,
    batches_control,
    versions,
    images,
    uploads,
    members,
    invitations,
    comments,
    locks,
    presence,
    activity,
    costs,
    costs_csv,
    webhooks,
    workers,
)
DESCRIPTION = """\
Turns manuscripts into comic chapters. Create a project, put a chapter with its text into it, request a generation, and
follow its events until the pages are there. Errors are `application/problem+json` with a stable `type`.
"""


@cache
def _routes() -> list[BaseRoute]:
    """All routes. The applications of a process share them, because FastAPI works out each again wherever it is
    included: a quarter of a second of CPU, which each application's first requests would wait for.
    """
    api = APIRouter(generate_unique_id_function=openapi.name_of)
    for router in (health.router, metrics.router, status.router, temporal_ui.router):
        api.include_router(router)
    api.include_router(sockets.router, prefix="/api/v1")
    for module in NOUNS:
        api.include_router(module.router, prefix="/api/v1", responses={**UNAUTHORIZED, **FORBIDDEN, **INVALID, **AWAY})
    return api.routes


def create_app(settings: Settings, passwords: Passwords | None = None, *, look: float = LOOK) -> FastAPI:
    """The application for these settings. It connects when it starts. Its hub checks sockets every `look` seconds."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None or settings.temporal_address is None:
            raise BadInput("The API needs INKLOOM_DATABASE_URL and TEMPORAL_ADDRESS; `python -m inkloom up` sets them.")
        if settings.secret_key is None:
            raise BadInput("The API needs INKLOOM_SECRET_KEY; `python -m inkloom api` and `up` make one.")
        # Seconds of work, which the first request for it would do while all others wait.
        app.openapi()
        secrets = [settings.secret_key, *settings.old_secret_keys]
        storage = open_storage(settings)
        database = Database(settings.database_url)
        # Lazy: the API answers reads while Temporal is unavailable, and `readyz` reports it.
        temporal = await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            lazy=True,
            interceptors=[*tracing.interceptors(), RequestIds()],
        )
        secret = settings.secret_key.get_secret_value()
        signer = Signer([one.get_secret_value() for one in secrets])
        workshop = Workshop(settings.max_picture_pixels)
        limits = {"at_most": settings.sockets, "per_user": settings.sockets_per_user}
        try:
            async with live(settings.database_url, **limits, look=look) as hub:
                app.state.resources = Resources(
                    settings,
                    database,
                    temporal,
                    storage,
                    secret,
                    signer,
                    passwords or Passwords(),
                    hub,
                    workshop,
                    Computed(in_child(settings.database_url)),
                    Installation(settings, database, temporal),
                    FlowWorkers(temporal),
                )
                yield
        finally:
            await storage.close()
            await database.close()

    app = FastAPI(
        title="Inkloom",
        version="1",
        description=DESCRIPTION,
        routes=_routes(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.name_of,
        telemetry={
            "tracing": tracing.provider() is not None,
            "tracer_provider": tracing.provider(),
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
            "exclude": lambda scope: scope["path"] in WATCHED,
        },
    )
    problems.install(app)
    stack.install(app, settings)
    openapi.install(app)
    docs.install(app)
    return app
