"""The embedded Temporal: the CLI's dev server, with its state in one SQLite file under the data folder."""

import asyncio
import http.client
import json
import re
import secrets
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError
from inkloom.local.logs import end_of, tail
from inkloom.local.ports import LOOPBACK, is_free, next_free
from inkloom.local.processes import POLL, Process, running_with, spawn, until_ready
from inkloom.local.temporal_binary import obtain
from models import search_attributes

FRONTEND = 7233  # The default port, where people and tools look first.
# The path under which the API shows the UI.
UI_PATH = "/temporal"
# Where the ports of the HTTP API and the UI are chosen: below the range that the kernel hands to outgoing connections.
HTTP_PORTS = range(10_240, 32_000)
PATIENCE = 60.0
ADOPTION = 5.0
# What the server says of a database that it cannot use, however often it is started.
UNREADABLE = re.compile(r"file is not a database|malformed|schema version|no such (?:table|column)", re.IGNORECASE)
TRIES = 3


class Ports(BaseModel, frozen=True):
    """The server's ports; remembered, so that workers find it after a restart.

    `http_host` is the only host by which the HTTP API may be addressed. That API commands everything and checks neither
    origin nor content type, so any web page could send to it; but no page can choose the host of its requests.

    The UI checks no hosts, so it listens where no page can guess it; the API shows it to those who may use it.
    """

    frontend: int
    http: int
    ui: int
    http_host: str = ""
    ui_host: str = ""

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.frontend}"

    @property
    def ui_url(self) -> str:
        return f"http://{self.ui_host or LOOPBACK}:{self.ui}"


class Temporal:
    """The dev server of one data folder. At most one supervisor uses it at a time."""

    role = "temporal"

    def __init__(
        self,
        data: Path,
        log: Path,
        *,
        namespace: str,
        ui_port: int,
        last: Ports | None = None,
        promised: bool = False,
        born: Callable[[Process], None] = lambda process: None,
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._database = data / "temporal" / "temporal.db"
        self._log = log
        self._namespace = namespace
        self._born = born
        self._report = report
        self._program: Path | None = None
        # Once an address was handed out, the server comes back there or not at all.
        self._served = promised
        # A server of an earlier version may have an HTTP API that answers to every host, or a UI that pages find: it is
        # not taken over.
        known = last is not None and bool(last.http_host and last.ui_host)
        self.ports = last if last and known else _unguessable(last.frontend if last else FRONTEND, ui_port)
        # The last ports if they are free, but the UI where the settings want it now.
        self._wish = self.ports.model_copy(update={"ui": ui_port}) if ui_port else self.ports

    async def orphan(self) -> Process | None:
        """The server on this folder's database that an earlier supervisor left running, if it answers."""
        found = None
        for identity in await asyncio.to_thread(lambda: list(running_with(str(self._database)))):
            process = Process(identity)
            deadline = time.monotonic() + ADOPTION
            while found is None and process.alive() and time.monotonic() < deadline:
                if await self.healthy():
                    found, self._served = process, True
                await asyncio.sleep(POLL)
            # Two servers on one database would undo each other's work.
            if process is not found:
                await self.end(process)
        return found

    async def healthy(self) -> bool:
        """Whether the frontend answers for our namespace."""
        return await asyncio.to_thread(serves, self.ports, self._namespace)

    async def launch(self) -> Process:
        """Start the server; return once it answers for our namespace."""
        if self._program is None:
            self._program = (await obtain()).path
        self._database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.to_thread(self._set_aside)
        failure = StackError("Temporal found no free ports")
        for _ in range(TRIES):
            if not self._served:
                self.ports = _free(self._wish)
            # A server that is started again after its end appends to the same log, where an earlier one may have
            # complained about a database that has been moved away since.
            began = end_of(self._log)
            process = spawn(
                self._command(self._program), env=_environment(), log=self._log, folder=self._database.parent
            )
            self._born(process)
            try:
                await until_ready(process, self.healthy, self.end, name="Temporal", patience=PATIENCE, log=self._log)
            except StackError as error:
                if bool(UNREADABLE.search(tail(self._log, since=began))) and await asyncio.to_thread(
                    self._set_aside, unreadable=True
                ):
                    continue
                # Another process may have taken the ports since they were found free.
                if self._served or _free(self.ports) == self.ports:
                    raise
                failure = error
            else:
                self._served = True
                return process
        raise failure

    async def end(self, process: Process) -> None:
        await process.end((signal.SIGTERM, 10))

    def _set_aside(self, *, unreadable: bool = False) -> bool:
        """Move a database away that is damaged, or that this version of the server cannot read; returns whether.

        Everything that matters is in Postgres: the sweeper starts open generations again, and nothing is paid twice.
        """
        why = "cannot be read by this version of Temporal" if unreadable else damage(self._database)
        if why is None or not self._database.exists():
            return False
        aside = move_aside(self._database)
        self._report(
            f"temporal: {self._database} {why}. It was moved to {aside}, and a new one is made. Nothing is lost: open"
            " generations start again, from what Postgres has"
        )
        return True

    def _command(self, program: Path) -> list[str | Path]:
        attributes = [part for name in search_attributes.ALL for part in ("--search-attribute", f"{name}=Keyword")]
        return [
            *(program, "server", "start-dev", "--log-level", "warn", "--ip", LOOPBACK),
            *("--db-filename", self._database),
            # Ten times the workflows per second of SQLite's defaults; a power cut may cost the last commits.
            *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
            *("--dynamic-config-value", "matching.enableFairness=true"),
            # So that no run is ever pinned to a version that is no longer on this machine.
            *("--dynamic-config-value", "system.enableDeploymentVersions=false"),
            *("--dynamic-config-value", "frontend.WorkerHeartbeatsEnabled=true"),
            *("--dynamic-config-value", "frontend.ListWorkersEnabled=true"),
            # A single node shares its queues with no other; partitions would only pass tasks among themselves.
            *("--dynamic-config-value", "matching.numTaskqueueReadPartitions=1"),
            *("--dynamic-config-value", "matching.numTaskqueueWritePartitions=1"),
            # The dev server reads them from the database for every task, so that they can be added while it runs.
            *("--dynamic-config-value", "system.forceSearchAttributesCacheRefreshOnRead=false"),
            *("--dynamic-config-value", f"frontend.httpAllowedHosts={json.dumps([self.ports.http_host])}"),
            *("--port", str(self.ports.frontend), "--http-port", str(self.ports.http), "--ui-port", str(self.ports.ui)),
            *("--ui-ip", self.ports.ui_host, "--ui-public-path", UI_PATH, "--ui-disable-news-fetch"),
            *("--namespace", self._namespace),
            *attributes,
        ]


def move_aside(database: Path) -> Path:
    """Move the server's database away while no server runs, so that the next one begins with none; returns where to."""
    aside = database.with_name(f"temporal.db.{datetime.now(UTC):%Y%m%dT%H%M%S}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            database.with_name(database.name + suffix).replace(f"{aside}{suffix}")
    return aside


def damage(database: Path) -> str | None:
    """What is wrong with the server's database while no server runs; None if nothing is, or if there is none."""
    if not database.exists():
        return None
    try:
        with closing(sqlite3.connect(database, timeout=5)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        # Locked, or the disk is full: the server says what is wrong.
        return None
    except sqlite3.DatabaseError as error:
        return f"is damaged ({error})"
    return None if found == ("ok",) else f"is damaged ({found[0] if found else 'no answer'})"


def _unguessable(frontend: int, ui: int) -> Ports:
    """Ports of a new server: its HTTP API and its UI are somewhere else in every data folder."""
    http_port = next_free(secrets.choice(HTTP_PORTS), avoid={frontend, ui})
    name, ui_host = f"{secrets.token_hex(16)}.invalid", _loopback_address()
    ui_port = ui or next_free(secrets.choice(HTTP_PORTS), avoid={frontend, http_port}, host=ui_host)
    return Ports(frontend=frontend, http=http_port, ui=ui_port, http_host=name, ui_host=ui_host)


def _loopback_address() -> str:
    """One of the 16 million addresses of this machine alone, where it has more than one: on Linux."""
    address = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
    return address if is_free(0, address) else LOOPBACK


def _free(wish: Ports) -> Ports:
    """Those ports if they are free, else the next free ones."""
    frontend = next_free(wish.frontend)
    http_port = next_free(wish.http, avoid={frontend})
    ui = next_free(wish.ui, avoid={frontend, http_port}, host=wish.ui_host)
    return wish.model_copy(update={"frontend": frontend, "http": http_port, "ui": ui})


def serves(ports: Ports, namespace: str) -> bool:
    """Ask the frontend over HTTP, which is as reliable as gRPC and needs no SDK runtime in this process."""
    connection = http.client.HTTPConnection(LOOPBACK, ports.http, timeout=3)
    try:
        connection.request("GET", f"/api/v1/namespaces/{namespace}", headers={"Host": ports.http_host})
        answer = connection.getresponse()
        info = json.loads(answer.read()).get("namespaceInfo", {})
        return answer.status == 200 and info.get("state") == "NAMESPACE_STATE_REGISTERED"
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _environment() -> dict[str, str]:
    # It shares its cores with the workers: a garbage collection at four times the memory in use instead of twice takes
    # 4 % less time, for some 60 MB.
    return {"GOGC": "400"} | plain_environment("GOGC", "GOMEMLIMIT", "GOMAXPROCS")
