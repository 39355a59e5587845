"""What routes are given: the database, the Temporal client, the storage, and in whose name they act."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel.ext.asyncio.session import AsyncSession
from temporalio.client import Client

from engine.db import Database
from engine.settings import Settings
from engine.storage import Storage
from engine.store.projects import local_owner
from engine.store.scope import Scope


@dataclass
class Resources:
    """What one API process owns."""

    settings: Settings
    database: Database
    temporal: Client
    storage: Storage


def resources(request: Request) -> Resources:
    """The process's resources, made by the lifespan."""
    owned: Resources = request.app.state.resources
    return owned


Owned = Annotated[Resources, Depends(resources)]


async def session(owned: Owned) -> AsyncIterator[AsyncSession]:
    """One transaction per request, committed when the route returns."""
    async with owned.database.session() as opened:
        yield opened


# `function` scope: the transaction ends before the answer is sent, so an answer is never about uncommitted rows.
Session = Annotated[AsyncSession, Depends(session, scope="function")]


async def scope(opened: Session) -> Scope:
    """Until accounts come, everybody who reaches the loopback interface is the local owner."""
    return Scope(user_id=await local_owner(opened))


Scoped = Annotated[Scope, Depends(scope)]
