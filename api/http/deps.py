"""What routes depend on: the database, the Temporal client, the storage, and the account that they act for."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.requests import HTTPConnection
from temporalio.client import Client

from api.http.clients import address_of, of_this_account, passed_on
from api.http.computed import Computed
from api.http.flow_workers import FlowWorkers
from api.http.gauges import Installation
from engine.db.session import Database
from engine.errors import Forbidden, Unauthorized
from engine.live.hub import Hub
from engine.pictures.workshop import Workshop
from engine.processes.pool import lane
from engine.security import Passwords, Signer, digest
from engine.settings import Settings
from engine.storage import Storage
from engine.store import accounts
from engine.store.projects import local_owner
from engine.store.scope import Scope
from models.tables.accounts import TokenScope
from models.tables.projects import Role

# How many seconds the database's answer about a token stays valid: a login ended in another process lives on this long.
REMEMBERED = 5.0
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True)
class Caller:
    """The account that a request acts for, and what it may do."""

    user_id: UUID
    # The login of the access token; none for a personal access token and for the local owner.
    family: UUID | None = None
    # What a personal access token permits; None permits everything.
    scopes: frozenset[str] | None = None
    project_id: UUID | None = None
    ends_at: datetime | None = None
    # The row of the personal access token.
    token_id: UUID | None = None

    @property
    def login(self) -> UUID | None:
        """What logging out ends: a login or a personal access token; none for the local owner."""
        return self.family or self.token_id

    @property
    def scope(self) -> Scope:
        return Scope(user_id=self.user_id, project_id=self.project_id)


@dataclass
class Resources:
    """What one API process owns."""

    settings: Settings
    database: Database
    temporal: Client
    storage: Storage
    # The installation's secret, from which the keys that sign webhooks are derived.
    secret: str
    signer: Signer
    passwords: Passwords
    hub: Hub
    workshop: Workshop
    computed: Computed
    installation: Installation
    flow_workers: FlowWorkers
    # The database's answers about tokens, by token hash or login, with their time.
    known: dict[str, tuple[float, Caller | None]] = field(default_factory=dict)
    # Thumbnails in the making, by key: later requests for the same one wait for it.
    thumbnails: dict[str, asyncio.Task[bytes]] = field(default_factory=dict)
    # The storage's last state, and when it was checked.
    storage_state: tuple[float, str] = (-60.0, "")


async def resources(connection: HTTPConnection) -> Resources:
    """The process's resources, created by the lifespan. Async, because FastAPI calls plain functions in a thread."""
    owned: Resources = connection.app.state.resources
    return owned


Owned = Annotated[Resources, Depends(resources)]


async def session(owned: Owned) -> AsyncIterator[AsyncSession]:
    """One transaction per request, committed when the route returns."""
    async with owned.database.session() as opened:
        yield opened


# `function` scope: the transaction ends before the answer is sent, so no answer describes uncommitted rows.
Session = Annotated[AsyncSession, Depends(session, scope="function")]

bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/login",
    refreshUrl="/api/v1/auth/refresh",
    auto_error=False,
    description="An access token from `auth/login`, or a personal access token.",
)


async def is_local(connection: HTTPConnection) -> bool:
    """Whether a request comes directly from this account of this machine, and is addressed to it."""
    host = connection.headers.get("Host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    try:
        from_here = connection.client is not None and address_of(connection.client.host).is_loopback
    except ValueError:
        from_here = False
    if not from_here or passed_on(connection) or name.lower() not in _LOOPBACK:
        return False
    # Reads the kernel's tables, which are long where there are many connections.
    return await asyncio.to_thread(of_this_account, connection.scope)


async def account_of(owned: Resources, token: str | None, connection: HTTPConnection) -> Caller:
    """The account of a token; without a token, from this machine, the local owner until the first account registers.

    Raises `Unauthorized`.
    """
    if token is None:
        if owned.settings.local_owner and await is_local(connection):
            async with owned.database.session() as opened:
                if not await accounts.any_registered(opened):
                    return Caller(await local_owner(opened))
        raise Unauthorized("Log in, and send the access token as `Authorization: Bearer …`.")
    if token.startswith(accounts.PERSONAL):
        found = await _remembered(owned, digest(token), token=token)
    else:
        signed = owned.signer.read(token)
        found = await _remembered(
            owned, str(signed.family), known=Caller(signed.user_id, signed.family, ends_at=signed.ends_at)
        )
    if found is None:
        raise Unauthorized("The access token is invalid or has expired.")
    return found


async def _remembered(owned: Resources, key: str, *, token: str = "", known: Caller | None = None) -> Caller | None:
    """The database's answer about a personal token or a login, asked again after `REMEMBERED` seconds."""
    now = time.monotonic()
    at, found = owned.known.get(key, (-REMEMBERED, None))
    if now - at >= REMEMBERED:
        if found is not None:
            # One request asks; requests that arrive meanwhile use the previous answer.
            owned.known[key] = now, found
        async with owned.database.session() as opened:
            if known is not None and known.family is not None:
                found = known if await accounts.valid_logins(opened, {known.family}) else None
            elif row := await accounts.by_personal_token(opened, token):
                found = Caller(
                    row.user_id,
                    scopes=frozenset(row.scopes),
                    project_id=row.project_id,
                    ends_at=row.expires_at,
                    token_id=row.id,
                )
            else:
                found = None
        if len(owned.known) > 10_000:
            owned.known.clear()
        owned.known[key] = now, found
    return known if known is not None and found is not None else found


async def login_of(owned: Resources, known: Caller) -> Caller | None:
    """The caller, if its login has not ended."""
    return await _remembered(owned, str(known.family), known=known)


def forget(owned: Resources) -> None:
    """A login or a token was ended in this process: ask the database again."""
    owned.known.clear()


async def caller(request: Request, owned: Owned, token: Annotated[str | None, Depends(bearer)]) -> Caller:
    """The account that sends the request. A read-only token changes nothing."""
    found = await account_of(owned, token, request)
    request.state.user_id = found.user_id
    # Child processes are shared fairly between accounts.
    lane.set(found.user_id)
    if found.scopes is not None and request.method not in _SAFE and TokenScope.WRITE not in found.scopes:
        raise Forbidden("This token is read-only.")
    return found


Asking = Annotated[Caller, Depends(caller)]


async def person(asking: Asking) -> Caller:
    """An account that is logged in, not a script: for operations on the account itself."""
    if asking.scopes is not None:
        raise Forbidden("A personal access token cannot do this. Log in.")
    return asking


Person = Annotated[Caller, Depends(person)]


def _at_least(role: Role) -> Callable[[Caller], Awaitable[Scope]]:
    async def scope(asking: Asking) -> Scope:
        return asking.scope.needs(role)

    return scope


# The role that an operation needs in its project: every route names one of these.
Scoped = Annotated[Scope, Depends(_at_least(Role.VIEWER))]
Commenting = Annotated[Scope, Depends(_at_least(Role.COMMENTER))]
Editing = Annotated[Scope, Depends(_at_least(Role.EDITOR))]
Owning = Annotated[Scope, Depends(_at_least(Role.OWNER))]
