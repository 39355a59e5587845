"""One process at a time notifies all others which projects have new events.

A `NOTIFY` takes a lock of the whole database when it commits, so no ordinary transaction sends one: each leaves a row,
and one small transaction reports many of them at once.
"""

import asyncio
import logging
import random
import time

import psycopg
from psycopg import AsyncConnection
from sqlalchemy.exc import SQLAlchemyError

from engine.db.session import Database
from engine.store import locks, outbox, presences

log = logging.getLogger(__name__)

# Seconds between two rounds while sockets are open; an event waits at most this long before it is read.
HURRY = 0.025
# While no sockets are open.
REST = 1.0
# How long a process's record of open sockets counts.
AWAKE = 12.0
# Seconds between two attempts to become the relay.
TAKEOVER = 1.0
SWEEP = 1.0
PATIENCE = (0.2, 5.0)


class Relay:
    """Relays while it holds the lock, and takes over when the previous relay is gone."""

    def __init__(self, database: Database, address: str) -> None:
        self._database = database
        self._address = address
        self._awake_until = 0.0
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """This process, or another one, has sockets open."""
        if time.monotonic() >= self._awake_until:
            self._stirred.set()
        self._awake_until = time.monotonic() + AWAKE

    async def run(self) -> None:
        """Run until cancelled, through every outage of Postgres."""
        wait = PATIENCE[0]
        while True:
            try:
                async with await connected(self._address) as connection:
                    wait = PATIENCE[0]
                    await self._its_turn(connection)
                    # In a task of its own: a row that a sweep waits for must not delay events.
                    sweeping = asyncio.create_task(self._sweep())
                    try:
                        await self._relay(connection)
                    finally:
                        sweeping.cancel()
            except (psycopg.Error, OSError) as error:
                log.warning("relaying is interrupted: %s", type(error).__name__)
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))  # noqa: S311  # no secret, only apart
            wait = min(2 * wait, PATIENCE[1])

    async def _its_turn(self, connection: AsyncConnection) -> None:
        while True:
            found = await (await connection.execute(outbox.TRY_TO_RELAY)).fetchone()
            if found is not None and found[0]:
                return
            await asyncio.sleep(TAKEOVER)

    async def _relay(self, connection: AsyncConnection) -> None:
        while True:
            await connection.execute(outbox.RELAY, prepare=True)
            if time.monotonic() < self._awake_until:
                await asyncio.sleep(HURRY)
                continue
            self._stirred.clear()
            try:
                async with asyncio.timeout(REST):
                    await self._stirred.wait()
            except TimeoutError:
                pass

    async def _sweep(self) -> None:
        """Delete what has expired, and report it."""
        while True:
            try:
                await presences.sweep(self._database)
                await locks.sweep(self._database)
            except (SQLAlchemyError, OSError) as error:
                log.warning("expired rows cannot be deleted, trying again: %s", type(error).__name__)
            await asyncio.sleep(SWEEP)


async def connected(address: str) -> AsyncConnection:
    """A connection outside any pool; each of its statements is a transaction of its own."""
    return await AsyncConnection.connect(
        address, autocommit=True, connect_timeout=10, keepalives_idle=10, keepalives_interval=3, keepalives_count=3
    )
