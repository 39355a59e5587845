"""The servers of a test run: one Postgres and one Temporal for all processes of the run, by the product's own code.

Each lives in a data folder. The process that needs it first starts it, later ones attach, the last one to leave stops
it: `Stack` does all that. What needs no Temporal starts none. Each process has a database, copied from the migrated
one, and a Temporal namespace of its own, so no test sees rows or workflows of another process.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
from google.protobuf.duration_pb2 import Duration
from psycopg import sql
from sqlalchemy import make_url
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.postgres_address import NAME as MIGRATED
from inkloom.local.stack import Stack
from inkloom.serve import ensure_search_attributes
from inkloom.worker import connect

PATIENCE = 30.0
POLL = 0.1


# An address of no server: settings that name one start none.
NOWHERE = "127.0.0.1:9"
_NO_DATABASE = f"postgresql://nobody@{NOWHERE}/none"


@asynccontextmanager
async def postgres(folder: Path, process: str) -> AsyncIterator[str]:
    """The run's Postgres; the URL of a database of this process."""
    settings = Settings(data=folder / "postgres", temporal_address=NOWHERE)
    async with Stack(settings, api=False, report=print, commands=Commands(workers={})) as shared:
        yield await migrated_database(shared.database_url, f"tests_{process}")


@asynccontextmanager
async def temporal(folder: Path) -> AsyncIterator[str]:
    """The run's Temporal; its address. No workers: tests bring their own."""
    settings = Settings(data=folder / "temporal", temporal_ui_port=0, database_url=_NO_DATABASE)
    # There is nothing to migrate.
    commands = Commands(workers={}, migrate=(sys.executable, "-c", ""))
    async with Stack(settings, api=False, report=print, commands=commands) as shared:
        yield shared.temporal_address


async def empty_database(url: str, name: str) -> str:
    """Make a database without tables on the server of `url`; its URL."""
    return await _created(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)), name)


async def migrated_database(url: str, name: str) -> str:
    """Make a database with our tables and no rows on the server of `url`; its URL."""
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(MIGRATED))
    return await _created(url, copy, name)


async def _created(url: str, command: sql.Composed, name: str) -> str:
    admin = await psycopg.AsyncConnection.connect(_beside(url, "postgres"), autocommit=True)
    async with admin, asyncio.timeout(PATIENCE):
        while True:
            try:
                await admin.execute(command)
                # A crash of the tests' own server may lose their last commits.
                await admin.execute(
                    sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
                )
            except psycopg.errors.ObjectInUse:
                # Postgres copies a database only while nobody is connected to it.
                await asyncio.sleep(POLL)
            else:
                return _beside(url, name)


def _beside(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def connected(address: str, namespace: str) -> Client:
    """A client in a namespace, which is made, with our search attributes, if it is not there yet."""
    client = await connect(address, namespace)
    retention = Duration()
    retention.FromTimedelta(timedelta(days=1))
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=retention)
        )
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise
    # The server's parts learn of a new namespace one after another.
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await ensure_search_attributes(client)
                _ = [execution async for execution in client.list_workflows("ProjectId = 'none'", page_size=1)]
            except RPCError as error:
                if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
                    raise
                await asyncio.sleep(POLL)
            else:
                return client
