"""Tracks a process's open sockets: receives notifications, reads new events once and passes them on."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy.exc import SQLAlchemyError

from engine.db.address import conninfo
from engine.db.session import Database
from engine.errors import TooMany
from engine.live.relay import Relay, connected
from engine.live.subscriber import Close, SentEvent, Subscriber
from engine.store import accounts, batch_events, events, outbox, presences
from engine.store.scope import owned_batches, within_reach

log = logging.getLogger(__name__)

# At most this many events of a project at a time, so that a busy one does not delay the others.
BATCH = 100
# Seconds until an event without a notification is found, and until a removed member stops receiving.
LOOK = 3.0
# Seconds between two signs of life of present users.
ALIVE = 10.0
PATIENCE = (0.2, 5.0)


@dataclass
class Feed:
    """A project or a batch with subscribers in this process."""

    # Everything up to here has been handed out.
    last: int
    batch: bool = False
    subscribers: set[Subscriber] = field(default_factory=set)


def sent_event(event: Any) -> SentEvent:
    """An event as clients receive it: `seq`, `type`, `at`, `generation_id`, `actor_id`, `data`."""
    text = json.dumps(
        {
            "seq": event.seq,
            "type": event.type,
            "at": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "generation_id": str(event.generation_id) if event.generation_id else None,
            "actor_id": str(event.actor_id) if event.actor_id else None,
            "data": event.data,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return SentEvent(event.seq, event.type, event.generation_id, text)


class Hub:
    """The subscribers of one process, by project."""

    def __init__(
        self, database: Database, address: str, relay: Relay, *, at_most: int, per_user: int, look: float = LOOK
    ) -> None:
        self._database = database
        self._address = address
        self._relay = relay
        self._at_most = at_most
        self._per_user = per_user
        self._seconds = look
        self._feeds: dict[UUID, Feed] = {}
        self._open: dict[UUID, set[Subscriber]] = {}
        self._unread: set[UUID] = set()
        self._something = asyncio.Event()
        self._alive_at = self._stirred_at = -ALIVE

    @property
    def sockets(self) -> int:
        """The number of open sockets in this process."""
        return sum(len(theirs) for theirs in self._open.values())

    def admit(self, subscriber: Subscriber) -> None:
        """Count a socket. Raises `TooMany`."""
        theirs = self._open.get(subscriber.user_id, set())
        if self.sockets >= self._at_most:
            raise TooMany("The limit of open sockets is reached.", retry_after=10)
        if len(theirs) >= self._per_user:
            raise TooMany(f"This account has {len(theirs)} sockets open; close one.", retry_after=10)
        self._open.setdefault(subscriber.user_id, theirs).add(subscriber)

    def dismiss(self, subscriber: Subscriber) -> None:
        """Count a closed socket."""
        self.leave(subscriber)
        theirs = self._open.get(subscriber.user_id, set())
        theirs.discard(subscriber)
        if not theirs:
            self._open.pop(subscriber.user_id, None)

    def join(self, subscriber: Subscriber, position: int) -> int:
        """Hand a subscriber everything from now on; it has read up to `position` itself.

        Returns up to where it must read on itself: what was handed out before is not handed out again.
        """
        feed = self._feeds.setdefault(subscriber.project_id, Feed(position, subscriber.batch))
        subscriber.again(max(position, feed.last))
        feed.subscribers.add(subscriber)
        # Events since `position` may have been handed out already.
        self._nudge(subscriber.project_id)
        return feed.last

    def leave(self, subscriber: Subscriber) -> None:
        """Stop handing it events."""
        feed = self._feeds.get(subscriber.project_id)
        if feed is not None:
            feed.subscribers.discard(subscriber)
            if not feed.subscribers:
                del self._feeds[subscriber.project_id]

    def _nudge(self, project_id: UUID, seq: int | None = None) -> None:
        feed = self._feeds.get(project_id)
        if feed is not None and (seq is None or seq > feed.last):
            self._unread.add(project_id)
            self._something.set()

    async def listen(self) -> None:
        """Receive notifications, through every outage of Postgres."""
        wait = PATIENCE[0]
        while True:
            try:
                async with await connected(self._address) as connection:
                    await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.CHANNEL)))
                    wait = PATIENCE[0]
                    # Notifications sent meanwhile are lost.
                    for project_id in list(self._feeds):
                        self._nudge(project_id)
                    async for notification in connection.notifies():
                        self._hear(notification.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("listening for events is interrupted: %s", type(error).__name__)
            await asyncio.sleep(wait)
            wait = min(2 * wait, PATIENCE[1])

    def _hear(self, payload: str) -> None:
        if not payload:
            self._relay.stir()
        for one in payload.split(",") if payload else ():
            project_id, _, seq = one.partition(":")
            self._nudge(UUID(project_id), int(seq))

    async def read(self) -> None:
        """Read the new events of all projects that have any, and hand them out."""
        while True:
            await self._something.wait()
            self._something.clear()
            asked: dict[UUID, int] = {}
            of_batches: dict[UUID, int] = {}
            for id in self._unread:
                if (feed := self._feeds.get(id)) is not None:
                    (of_batches if feed.batch else asked)[id] = feed.last
            self._unread.clear()
            try:
                async with self._database.session() as session:
                    found = await events.of_projects(session, asked, BATCH) if asked else []
                    if of_batches:
                        found += await batch_events.of_batches(session, of_batches, BATCH)
            except (SQLAlchemyError, OSError) as error:
                log.warning("new events cannot be read, trying again: %s", type(error).__name__)
                self._unread |= asked.keys() | of_batches.keys()
                await asyncio.sleep(1.0)
                self._something.set()
                continue
            self._hand_out(found)

    def _hand_out(self, found: Sequence[Any]) -> None:
        counts: dict[UUID, int] = {}
        for event in found:
            counts[event.project_id] = counts.get(event.project_id, 0) + 1
            feed = self._feeds.get(event.project_id)
            if feed is None or event.seq <= feed.last:
                continue
            feed.last = event.seq
            one = sent_event(event)
            for subscriber in list(feed.subscribers):
                subscriber.put(one)
                if subscriber.overtaken:
                    self.leave(subscriber)
        for project_id, count in counts.items():
            if count >= BATCH:
                self._nudge(project_id)

    async def look(self) -> None:
        """At intervals: find events without notifications, end sockets of removed members, renew the presence of
        users.
        """
        while True:
            await asyncio.sleep(self._seconds)
            opened = [one for theirs in self._open.values() for one in theirs]
            if not opened:
                continue
            try:
                await self._look(opened)
            except (SQLAlchemyError, OSError) as error:
                log.warning("open sockets cannot be checked, trying again: %s", type(error).__name__)

    async def _look(self, opened: Sequence[Subscriber]) -> None:
        await self.stir()
        async with self._database.session() as session:
            projects = [one for one in opened if not one.batch]
            heads = await events.heads(session, {one.project_id for one in projects})
            heads |= await batch_events.heads(session, {one.project_id for one in opened if one.batch})
            reachable = await within_reach(session, {(one.user_id, one.project_id) for one in projects})
            reachable |= await owned_batches(session, {one.project_id for one in opened if one.batch})
            living: set[UUID | None] = {
                *await accounts.valid_logins(session, {one.login for one in opened if one.login})
            }
            if any(one.login is None for one in opened) and not await accounts.any_registered(session):
                living.add(None)
        for project_id, head in heads.items():
            self._nudge(project_id, head)
        for one in opened:
            if (one.user_id, one.project_id) not in reachable:
                one.end(Close.NO_ACCESS, "the project is gone, or not yours to see any more")
            elif one.login not in living:
                one.end(Close.EXPIRED, "the login or the token was ended")
        now = time.monotonic()
        if now - self._alive_at >= ALIVE:
            self._alive_at = now
            present = [one for one in opened if one.present and one in self._open.get(one.user_id, ())]
            await presences.renew(self._database, present)

    async def stir(self) -> None:
        """Record that this process has sockets open, unless it did so just now."""
        now = time.monotonic()
        if now - self._stirred_at < self._seconds / 2:
            return
        self._stirred_at = now
        async with self._database.session() as session:
            await events.hurry_relay(session)


@asynccontextmanager
async def live(database_url: str, *, at_most: int, per_user: int, look: float = LOOK) -> AsyncIterator[Hub]:
    """A hub that listens, reads and relays until the block ends. It checks its sockets every `look` seconds.

    It has connections of its own: requests that wait for one must not delay events.
    """
    database = Database(database_url, pool_size=3)
    address = conninfo(database_url)
    relay = Relay(database, address)
    hub = Hub(database, address, relay, at_most=at_most, per_user=per_user, look=look)
    tasks = [
        asyncio.create_task(work, name=name)
        for name, work in {
            "relay": relay.run(),
            "listen": hub.listen(),
            "read": hub.read(),
            "look after sockets": hub.look(),
        }.items()
    ]
    try:
        yield hub
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await database.close()
