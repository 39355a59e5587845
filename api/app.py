"""The HTTP application: routes, errors, request ids; it starts workflows and reads rows, nothing else."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from api import (
    auth,
    chapters,
    characters,
    costs,
    costs_csv,
    drafts,
    generations,
    health,
    images,
    instructions,
    invitations,
    locations,
    members,
    panels,
    problems,
    projects,
    scenes,
)
from api.deps import Resources
from api.listing import AWAY, FORBIDDEN, INVALID, UNAUTHORIZED
from engine.db import Database
from engine.errors import BadInput
from engine.security import Passwords, Signer
from engine.settings import Settings
from engine.storage.open import open_storage

DESCRIPTION = """\
Turns manuscripts into comic chapters. Create a project, put a chapter with its text into it, order a generation, and
follow its events until the pages are there. Errors are `application/problem+json` with a stable `type`.
"""
ROUTED = (
    auth,
    projects,
    chapters,
    scenes,
    panels,
    drafts,
    characters,
    locations,
    instructions,
    generations,
    images,
    members,
    invitations,
    costs,
    costs_csv,
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?\Z")


def create_app(settings: Settings) -> FastAPI:
    """The application for these settings; connections are made when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if settings.database_url is None or settings.temporal_address is None:
            raise BadInput("The API needs INKLOOM_DATABASE_URL and TEMPORAL_ADDRESS; `python -m inkloom up` sets them.")
        if settings.secret_key is None:
            raise BadInput("The API needs INKLOOM_SECRET_KEY; `python -m inkloom api` and `up` make one.")
        secrets = [settings.secret_key, *settings.old_secret_keys]
        storage = open_storage(settings)
        database = Database(settings.database_url)
        # Lazy: the API answers reads while Temporal is away, and readyz says so.
        temporal = await Client.connect(
            settings.temporal_address,
            namespace=settings.temporal_namespace,
            data_converter=pydantic_data_converter,
            lazy=True,
        )
        app.state.resources = Resources(
            settings,
            database,
            temporal,
            storage,
            Signer([secret.get_secret_value() for secret in secrets]),
            Passwords(),
        )
        try:
            yield
        finally:
            await storage.close()
            await database.close()

    app = FastAPI(title="Inkloom", version="1", description=DESCRIPTION, lifespan=lifespan)
    problems.install(app)
    hosts = [host.strip().lower() for host in settings.allowed_hosts.split(",")]

    @app.middleware("http")
    async def identify(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("X-Request-ID", "")
        request.state.request_id = given if _REQUEST_ID.match(given) else uuid4().hex
        # Without accounts, a page of a foreign site that resolves its name to loopback must not be answered.
        if not _answers_to(hosts, request.headers.get("Host", "")):
            detail = "The API does not answer to this Host; INKLOOM_ALLOWED_HOSTS lists those it answers to."
            return problems.problem(request, 400, "foreign-host", detail)
        response = await go_on(request)
        response.headers["X-Request-ID"] = request.state.request_id
        return response

    app.include_router(health.router)
    for module in ROUTED:
        app.include_router(module.router, prefix="/api/v1", responses={**UNAUTHORIZED, **FORBIDDEN, **INVALID, **AWAY})
    return app


def _answers_to(hosts: Sequence[str], header: str) -> bool:
    """Whether a Host header names one of `hosts`, with or without a port. `*.example.org` allows all below, `*` all."""
    named = _HOST.match(header)
    if named is None:
        return False
    host = named[1].lower()
    return any(host == one or (one.startswith("*") and host.endswith(one[1:])) for one in hosts)
