"""The embedded Postgres: `initdb` once, then one `postgres` process, stopped as its manual requires.

It listens on a Unix socket only, in a folder that only its account may enter, and still asks for a password: under
root, other services may share that account (`nobody`), and the folder's mode would not keep them out.
"""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError
from inkloom.local.postgres_address import NAME, PORT, address, answers, connect
from inkloom.local.postgres_home import Home, settle
from inkloom.local.processes import POLL, Identity, Process, running_with, spawn, titled, until_ready
from inkloom.local.secret import secret_in

SOCKET = f".s.PGSQL.{PORT}"
SOCKET_PATH_BYTES = 103  # 107 on Linux, 103 on macOS
# libpq splits `host` at commas and Postgres its folder list too; plain paths need no escaping anywhere.
PLAIN_PATH = re.compile(r"[\w/.+-]+", re.ASCII)
# Crash recovery replays the log since the last checkpoint, which can take minutes on a slow disk.
PATIENCE = 300.0
ADOPTION = 10.0
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres:
    """The server of one data folder. At most one supervisor uses it at a time: the caller holds the folder's lock."""

    role = "postgres"

    def __init__(
        self,
        data: Path,
        log: Path,
        *,
        sockets: Path | None = None,
        born: Callable[[Process], None] = lambda process: None,
    ) -> None:
        self._data = data
        self._log = log
        self._born = born
        self._home: Home | None = None
        self.sockets = sockets

    @property
    def home(self) -> Home:
        if self._home is None:
            self._home = settle(self._data)
        return self._home

    @property
    def url(self) -> str:
        """A URL for psycopg. It stays the same from start to start as long as the socket folder does."""
        if self.sockets is None:
            raise RuntimeError("Postgres was never started")
        return address(self.home.folder, self.sockets)

    async def orphan(self) -> Process | None:
        """The server of this folder that an earlier supervisor left running, if it answers."""
        deadline = time.monotonic() + ADOPTION
        while (identity := await asyncio.to_thread(self._running)) is not None:
            lines = (self.home.cluster / "postmaster.pid").read_text().splitlines()
            # A server that has only just started has not yet written where it listens.
            if len(lines) > 4:
                self.sockets = Path(lines[4])
                if await answers(self.url):
                    return Process(identity)
            if time.monotonic() > deadline:
                await self.end(Process(identity))
            await asyncio.sleep(POLL)
        return None

    async def launch(self) -> Process:
        """Start the server; return once it answers a query."""
        self.sockets = await asyncio.to_thread(self._prepare)
        settings = SETTINGS | {"cluster_name": self._mark}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = spawn(
            [self.home.programs / "postgres", "-D", self.home.cluster, "-k", self.sockets, "-p", str(PORT), *options],
            env=_environment(),
            log=self._log,
            folder=self.home.folder,
            account=self.home.account,
        )
        self._born(process)
        await until_ready(process, self._ready, self.end, name="Postgres", patience=PATIENCE, log=self._log)
        return process

    async def end(self, process: Process) -> None:
        """Fast shutdown (sessions are cut, everything is written); immediate if that takes too long."""
        await process.end((signal.SIGINT, 20), (signal.SIGQUIT, 5))
        await asyncio.to_thread(self._clear)
        if self.sockets is not None:
            with suppress(OSError):
                self.sockets.rmdir()

    async def _ready(self) -> bool:
        """Whether it answers. Creates the database when it first does."""
        try:
            async with await connect(self.url, database="postgres") as connection:
                await connection.execute("SELECT 1")
                found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (NAME,))
                if await found.fetchone() is None:
                    await connection.execute(f"CREATE DATABASE {NAME}")
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(
                    f"Postgres rejects the password in {self.home.folder / 'password'}. Restore the file "
                    "that was there, or restore a backup into a new INKLOOM_DATA."
                ) from error
            return False
        return True

    def _prepare(self) -> Path:
        for unfinished in self.home.folder.glob("cluster.new-*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        if not self.home.cluster.exists():
            self._initialise()
        self._clear()
        if self.sockets is not None and _private(self.sockets, self._uid):
            return self.sockets
        return self._socket_folder()

    def _initialise(self) -> None:
        """Make the cluster beside its final place and move it there, so that a half-made one is never used.

        Each attempt has its own name, because the `initdb` of a killed supervisor may still be writing.
        """
        home, password = self.home, self.home.folder / "password"
        draft = home.folder / f"cluster.new-{secrets.token_hex(4)}"
        secret_in(password)
        if home.account:
            home.account.own(password)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["-U", NAME, "--pwfile", str(password), "--auth=scram-sha-256"]
        made = subprocess.run(  # noqa: S603 - our own program
            [str(home.programs / "initdb"), "-D", str(draft), *access, *locale, "--no-instructions"],
            capture_output=True,
            text=True,
            env=_environment(),
            cwd=home.folder,
            **(home.account.popen() if home.account else {}),
        )
        if made.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            said = made.stderr.strip() or made.stdout.strip()
            raise StackError(f"No database could be made in {home.folder}: {said}")
        draft.rename(home.cluster)
        # Otherwise a power cut could undo the rename after rows under it were promised to be safe.
        handle = os.open(home.folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    def _running(self) -> Identity | None:
        """The live server of this cluster. The PID file alone proves nothing: it outlives a killed server, and its
        PID may be reused.
        """
        pid = self._noted()
        servers = running_with(str(self.home.cluster)) if pid is not None else ()
        return next((server for server in servers if server.pid == pid), None)

    def _noted(self) -> int | None:
        """The pid in the pid file."""
        try:
            return int((self.home.cluster / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def _clear(self) -> None:
        """Clean up after a server that did not stop by itself: kill what it left running, and remove what would make
        the next one believe that it still runs.
        """
        if self._running() is not None:
            return
        # A backend in a long query outlives its killed server, and keeps the next one from starting.
        for leftover in titled(f"postgres: {self._mark}: "):
            os.kill(leftover.pid, signal.SIGKILL)
            deadline = time.monotonic() + 5
            while leftover.alive() and time.monotonic() < deadline:
                time.sleep(POLL)
        # A PID file with an unused PID stays: Postgres uses it to check that no backend is left on the cluster. But a
        # PID that was reused, or that nobody reaps in a container without an init, looks like a server for ever.
        if (pid := self._noted()) is not None and psutil.pid_exists(pid):
            (self.home.cluster / "postmaster.pid").unlink()
        if self.sockets is not None:
            for name in (SOCKET, f"{SOCKET}.lock"):
                (self.sockets / name).unlink(missing_ok=True)

    @property
    def _mark(self) -> str:
        """Identifies this cluster's processes in the process list, and names the socket folder."""
        return f"{NAME}-{hashlib.sha256(os.fsencode(self.home.folder)).hexdigest()[:12]}"

    @property
    def _uid(self) -> int:
        return self.home.account.uid if self.home.account else os.geteuid()

    def _socket_folder(self) -> Path:
        """A short folder, the same at every start unless another user made one of that name."""
        for root in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - owner and mode are checked
            usual = root / self._mark
            if PLAIN_PATH.fullmatch(str(usual)) and len(os.fsencode(usual / SOCKET)) + 3 <= SOCKET_PATH_BYTES:
                break
        for folder in (usual, *(usual.with_name(f"{usual.name}-{n}") for n in range(10, 100))):
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                if self.home.account:
                    self.home.account.own(folder)
            if _private(folder, self._uid):
                return folder
        raise StackError(
            f"Another user owns {usual} and its alternatives. Remove them, or set TMPDIR to another folder."
        )


def _private(folder: Path, uid: int) -> bool:
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == uid and not facts.st_mode & 0o077


def _environment() -> dict[str, str]:
    # This code parses its messages, so they come in one language.
    return {name: value for name, value in plain_environment().items() if not name.startswith("LC_")} | {"LC_ALL": "C"}
