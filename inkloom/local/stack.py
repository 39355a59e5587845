"""The local stack: Postgres, Temporal, workers and API of one data folder, kept running by one supervisor.

The first process that starts on a folder supervises it. Later ones attach: they use what runs, and take over when the
supervisor leaves. The last one to leave stops everything.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from engine.settings import Settings
from inkloom.local import private
from inkloom.local.commands import Commands
from inkloom.local.endpoints import Endpoints
from inkloom.local.errors import StackError, unwritable
from inkloom.local.services import Services
from inkloom.local.state import FolderLock

__all__ = ["Endpoints", "Stack"]

POLL = 0.2
TEND = 0.5
RETRY = 5.0
TELL_EVERY = 20.0
# Longer than a stack without calls under way takes to stop, and than one takes to start on a slow machine.
STOPPING, STARTING, ANSWERING = 60.0, 20 * 60.0, 60.0


class Stack:
    """`async with Stack(...) as endpoints:` — inside, everything runs and is kept running."""

    def __init__(
        self,
        settings: Settings,
        *,
        api: bool,
        report: Callable[[str], None],
        commands: Commands | None = None,
    ) -> None:
        self._report = report
        self._api = api
        self._data = settings.data.expanduser().absolute()
        self._database_url = settings.database_url
        self._crew = Services(settings, self._data, commands or Commands(), report)
        self._owner = FolderLock(self._data / "stack.lock")
        self._users = FolderLock(self._data / "stack.users")
        self._settled = False
        self._tending: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Endpoints:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_whatever_comes()

    async def start(self) -> Endpoints:
        """Start everything, or attach to what runs; return once it is ready."""
        try:
            await asyncio.to_thread(self._prepare_folder)
            if self._api:
                self._crew.require_port()
            await self._enter()
            await self._own_or_attach()
            if self._api:
                await self._crew.ensure_api()
        except BaseException as error:
            await self._stop_whatever_comes()
            if isinstance(error, OSError):
                raise unwritable(self._data, error) from error
            raise
        self._tending = asyncio.create_task(self._tend(), name="tend the stack")
        return self._crew.endpoints()

    async def stop(self) -> None:
        """Leave. If no other process uses the stack, stop it in order: API, workers, Temporal, Postgres."""
        if self._tending is not None:
            self._tending.cancel()
            with suppress(asyncio.CancelledError):
                await self._tending
            self._tending = None
        if not self._users.held:
            return
        try:
            await self._crew.stop_api()
            last = self._users.take()
            if last and not self._owner.held:
                # Only another leaving supervisor can hold it now: it saw us and left the servers to us.
                await self._taken(self._owner, STOPPING + self._crew.patience)
            if self._owner.held:
                await (self._crew.stop() if last else self._crew.leave())
        finally:
            self._settled = False
            self._owner.release()
            self._users.release()

    async def _stop_whatever_comes(self) -> None:
        """A second Ctrl-C must not leave half of it running; it ends the wait for answers that are under way."""
        stopping = asyncio.ensure_future(self.stop())
        cancelled = False
        while not stopping.done():
            try:
                await asyncio.shield(stopping)
            except asyncio.CancelledError:
                cancelled = True
                self._crew.hurry()
        stopping.result()
        if cancelled:
            raise asyncio.CancelledError

    def _prepare_folder(self) -> None:
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._data / "logs").mkdir(mode=0o700, exist_ok=True)
        private.close(self._data, embedded_database=not self._database_url)
        # Of its own for each of several that start at once.
        with tempfile.TemporaryFile(dir=self._data) as trial:
            trial.write(b"yes")
            trial.flush()

    async def _enter(self) -> None:
        if self._users.take(shared=True):
            return
        self._report("Waiting for the stack on this folder to finish stopping")
        patience = STOPPING + self._crew.patience
        if not await self._taken(self._users, patience, shared=True):
            raise StackError(
                f"The stack on {self._data} has been stopping for {patience:.0f} s. "
                f"Look into {self._data / 'logs'}, or end the processes listed in {self._data / 'stack.json'}."
            )

    async def _taken(self, lock: FolderLock, patience: float, *, shared: bool = False) -> bool:
        deadline = time.monotonic() + patience
        while not lock.take(shared=shared):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL)
        return True

    async def _own_or_attach(self) -> None:
        began = reported = time.monotonic()
        answering = began + ANSWERING
        while True:
            if self._owner.take():
                await self._crew.own(self._api)
                self._settled = True
                return
            owner, ready = self._crew.owner(), self._crew.owner_is_ready()
            if ready and await self._crew.servers_answer():
                self._report(f"Attached to the stack that process {owner} runs on {self._data}")
                return
            now = time.monotonic()
            answering = answering if ready else now + ANSWERING
            if now > answering or now - began > STARTING:
                raise StackError(
                    f"Process {owner} supervises {self._data}, but its servers do not answer. "
                    f"Look into {self._data / 'logs'}, or end that process and start again."
                )
            if now - reported > TELL_EVERY:
                self._report(f"Waiting for process {owner}, which is starting the servers of this folder")
                reported = now
            await asyncio.sleep(POLL)

    async def _tend(self) -> None:
        """While attached, take over from a supervisor that is gone, and run the API if it is wanted."""
        while True:
            await asyncio.sleep(TEND)
            try:
                if not self._settled and (self._owner.held or self._owner.take()):
                    self._report("The supervisor of this folder is gone: taking over")
                    await self._crew.own(self._api)
                    self._settled = True
                if self._api:
                    await self._crew.ensure_api()
            except (StackError, OSError) as error:
                self._report(f"The stack is incomplete, trying again: {error}")
                await asyncio.sleep(RETRY)
