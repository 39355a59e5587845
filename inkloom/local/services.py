"""The processes of one data folder, in the order in which they start and stop."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from engine.settings import Settings
from inkloom.local.commands import END, Commands, Program, environment, finish
from inkloom.local.endpoints import (
    Endpoints,
    database_url,
    endpoints,
    fingerprint,
    looked_after,
    servers_answer,
    temporal_address,
)
from inkloom.local.errors import StackError
from inkloom.local.logs import log_path, turn
from inkloom.local.ports import answers as port_answers
from inkloom.local.ports import is_free, next_free, reachable_host
from inkloom.local.postgres import Postgres
from inkloom.local.processes import POLL, Process, myself
from inkloom.local.state import Child, StateFile
from inkloom.local.supervisor import Service, Supervised
from inkloom.local.temporal import Temporal

API = "api"
ANSWERING = 60.0
# Beyond its patience for answers: a worker stores them, and everything else ends.
ENDING = 30.0
# Stopping that takes longer than this is explained.
SILENT = 2.0


class Services:
    """Starts, finds and stops the processes. Which supervisor may do so is decided elsewhere."""

    def __init__(self, settings: Settings, data: Path, commands: Commands, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._data = data
        self._commands = commands
        self._report = report
        self._file = StateFile(data)
        self._keepers: dict[str, Supervised] = {}
        self._postgres: Postgres | None = None
        self._temporal: Temporal | None = None
        self._promised = False
        # Workers of an earlier supervisor, which finish what they have in flight beside the new ones.
        self._retiring: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    # For a stack that attaches.

    def owner(self) -> int | None:
        owner = self._file.read().owner
        return owner.pid if owner else None

    def owner_is_ready(self) -> bool:
        """Whether the current supervisor has everything running; one with other servers in its settings does not
        count.
        """
        state = self._file.read()
        if state.owner is None or not state.ready or not state.owner.alive():
            return False
        if state.servers != fingerprint(self._settings):
            raise StackError(
                f"Process {state.owner.pid} runs {self._data} with another INKLOOM_DATABASE_URL, TEMPORAL_ADDRESS or "
                "TEMPORAL_NAMESPACE. Give this one the same, or its own folder in INKLOOM_DATA, or end that process."
            )
        return True

    async def servers_answer(self) -> bool:
        return await servers_answer(self._settings, self._file.read())

    def endpoints(self) -> Endpoints:
        """All addresses. Once returned, they stay the same."""
        self._promised = True
        return endpoints(self._settings, self._file.read())

    def require_port(self) -> None:
        """Raise `StackError` if the API that we would start has no port, before anything else starts."""
        state = self._file.read()
        left = state.children.get(API)
        if not looked_after(state) and not (left and left.identity.alive()):
            self._api_port(state.api_port)

    # For the supervisor.

    def hurry(self) -> None:
        """End at once what waits for answers: they are lost, and may be paid for twice."""
        self._hurry.set()

    @property
    def patience(self) -> float:
        """The most seconds that stopping takes."""
        return max((self._patience_of(role) for role in self._commands.workers), default=0.0) + ENDING

    async def own(self, api: bool) -> None:
        """Start everything, and take over what already runs where that is safe. Does nothing twice."""
        with self._file.change() as state:
            state.owner, state.ready, state.servers = myself(), False, fingerprint(self._settings)
        await self._retire()
        await self._serve()
        if not any(role in self._keepers for role in self._commands.workers):
            turn(log_path(self._data, "migrate"))
            await self._program("migrate", self._commands.migrate).run()
        for role, command in self._commands.workers.items():
            await self._keep(self._program(role, command))
        if api:
            await self.ensure_api()
        with self._file.change() as state:
            state.ready = True

    async def ensure_api(self) -> None:
        """Run an API unless another supervisor does."""
        if API in self._keepers:
            return
        if looked_after(self._file.read()) or not self._claim_api():
            if not self._promised:
                await self._until_api_answers()
                self._tell_port()
            return
        state = self._file.read()
        try:
            if left := state.children.get(API):
                await Process(left.identity).end((signal.SIGTERM, 10))
            port = self._api_port(state.api_port)
            self._note(api_port=port)
            at = reachable_host(self._settings.api_host), port
            await self._keep(self._program(API, self._commands.api, at=at))
        except BaseException:
            self._note(api_keeper=None)
            raise

    async def stop_api(self) -> None:
        """Stop the API if it is ours."""
        if keeper := self._keepers.pop(API, None):
            await keeper.stop()
            self._note(api_keeper=None)

    async def stop(self) -> None:
        """Stop workers, then Temporal, then Postgres; also those that another supervisor left to us."""
        waiting = asyncio.create_task(self._tell_patience())
        try:
            # Before ours are let go, or it would take them for another's.
            await self._retire()
            keepers, self._keepers = self._keepers, {}
            await asyncio.gather(*(keepers[role].stop() for role in self._commands.workers if role in keepers))
            await asyncio.gather(*self._retiring)
        finally:
            waiting.cancel()
        for service in self._servers():
            if keeper := keepers.get(service.role):
                await keeper.stop()
            elif service.role in self._file.read().children and (left := await service.orphan()):
                await service.end(left)
        self._note(owner=None, ready=False, children={})

    async def leave(self) -> None:
        """Leave everything running for those who still rely on it."""
        keepers, self._keepers = self._keepers, {}
        for keeper in keepers.values():
            await keeper.leave()
        self._note(owner=None, ready=False)

    # How.

    async def _retire(self) -> None:
        """Stop the programs that an earlier supervisor left: they may run older code.

        Its workers take no more work from now on. Those that wait for answers may do so beside the new workers.
        """
        state = self._file.read()
        mine = {*self._keepers, "postgres", "temporal"}
        if looked_after(state):
            mine.add(API)
        ends = []
        for role, child in state.children.items():
            if role not in mine and child.identity.alive():
                process = Process(child.identity)
                ends.append(asyncio.create_task(finish(process, self._patience_of(role), self._hurry)))
        if not ends:
            return
        _, late = await asyncio.wait(ends, timeout=END)
        for end in late:
            self._retiring.add(end)
            end.add_done_callback(self._retiring.discard)

    def _patience_of(self, role: str) -> float:
        """Seconds that a program needs to end: a worker waits for the answers to its calls in flight."""
        queues = role.removeprefix("worker-")
        if queues not in ("flow", "draw"):
            return END
        wait = self._settings.writer_patience if queues == "flow" else self._settings.artist_patience
        return wait + ENDING

    async def _tell_patience(self) -> None:
        """Say why it takes a while, if it does."""
        await asyncio.sleep(SILENT)
        self._report(
            f"Waiting for answers that are under way, at most {self.patience:.0f} s. Ctrl-C again ends at once;"
            " answers that have not come by then are lost, and may be billed a second time."
        )

    async def _serve(self) -> None:
        """Start both servers at once; if either fails, both fail."""
        try:
            async with asyncio.TaskGroup() as group:
                for service in self._servers():
                    group.create_task(self._keep(service))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def _servers(self) -> list[Service]:
        """The embedded servers, in the order in which they stop."""
        state = self._file.read()
        if self._temporal is None and not self._settings.temporal_address:
            self._temporal = Temporal(
                self._data,
                log_path(self._data, "temporal"),
                namespace=self._settings.temporal_namespace,
                ui_port=self._settings.temporal_ui_port,
                last=state.temporal,
                promised=self._promised,
                born=partial(self._born, "temporal"),
                report=self._report,
            )
        if self._postgres is None and not self._settings.database_url:
            log = log_path(self._data, "postgres")
            born = partial(self._born, "postgres")
            self._postgres = Postgres(self._data, log, sockets=state.postgres_sockets, born=born)
        return [service for service in (self._temporal, self._postgres) if service is not None]

    async def _keep(self, service: Service) -> None:
        if service.role not in self._keepers:
            keeper = Supervised(service, log_path(self._data, service.role), self._report)
            await keeper.start(partial(self._born, service.role))
            self._keepers[service.role] = keeper

    def _born(self, role: str, process: Process) -> None:
        """Recorded at once: if we are killed in the next moment, the next supervisor finds the process."""
        with suppress(OSError), self._file.change() as state:
            state.children[role] = Child(role=role, **process.identity.model_dump(), command=process.command)
            if role == "temporal" and self._temporal is not None:
                state.temporal = self._temporal.ports
            if role == "postgres" and self._postgres is not None:
                state.postgres_folder, state.postgres_sockets = self._postgres.home.folder, self._postgres.sockets

    def _note(self, **facts: object) -> None:
        """Record what happened, if that is possible. If the disk is full or the folder gone, the processes must still
        be supervised.
        """
        with suppress(OSError), self._file.change() as state:
            for name, value in facts.items():
                setattr(state, name, value)

    def _claim_api(self) -> bool:
        """Of several that want to run an API, one gets to."""
        with self._file.change() as state:
            if looked_after(state):
                return False
            state.api_keeper = myself()
            return True

    def _program(self, role: str, command: tuple[str, ...], *, at: tuple[str, int] | None = None) -> Program:
        state = self._file.read()
        servers = {
            "database_url": database_url(self._settings, state),
            "temporal_address": temporal_address(self._settings, state),
        }
        if state.temporal is not None and not self._settings.temporal_address and not self._settings.temporal_ui_url:
            servers["temporal_ui_url"] = state.temporal.ui_url
        if at is not None:
            servers["api_port"] = str(at[1])
        env = environment(self._settings, self._data, **servers)
        return Program(
            role,
            command,
            env=env,
            log=log_path(self._data, role),
            born=partial(self._born, role),
            at=at,
            patience=self._patience_of(role),
            hurry=self._hurry,
        )

    def _api_port(self, last: int | None) -> int:
        wanted = self._settings.api_port
        if last is not None and (self._promised or (wanted == 0 and is_free(last, self._settings.api_host))):
            wanted = last
        if wanted == 0:
            return next_free(0, host=self._settings.api_host)
        if not is_free(wanted, self._settings.api_host):
            raise StackError(
                f"Port {wanted} is taken by another program. End that one, or give the API another port with "
                "INKLOOM_API_PORT (0: any free one)."
            )
        return wanted

    def _tell_port(self) -> None:
        """Another process runs the API: say so if it is not where it was wanted."""
        port, wanted = self._file.read().api_port, self._settings.api_port
        if wanted not in (0, port):
            self._report(
                f"The API of this folder runs already, on port {port} instead of {wanted}: it stays there until the"
                " process that started it ends"
            )

    async def _until_api_answers(self) -> None:
        deadline = time.monotonic() + ANSWERING
        while True:
            state = self._file.read()
            if state.api_port and await port_answers(state.api_port, reachable_host(self._settings.api_host)):
                return
            if time.monotonic() > deadline:
                raise StackError(f"The API of {self._data} does not answer; see {log_path(self._data, API)}.")
            await asyncio.sleep(POLL)
