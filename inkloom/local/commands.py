"""The Python processes of a stack: their command lines, their environment, and when they are ready."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from os import environ
from pathlib import Path

from pydantic import SecretStr
from pydantic_core import to_json

from engine.secret_files import SUFFIX
from engine.settings import Settings, is_secret, names_of, variable_of
from inkloom.local.errors import StackError
from inkloom.local.logs import tail
from inkloom.local.ports import answers
from inkloom.local.processes import Process, spawn, until_ready

# Packages of the checkout are importable from its root alone.
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
# It is in the database's address by now.
_PASSWORD = variable_of("database_password")
# Seconds in which a program ends that waits for nobody else.
END = 10.0
AT_ONCE = 5.0


def _inkloom(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "inkloom", *words)


@dataclass(frozen=True)
class Commands:
    """How each program is started. Tests pass small scripts instead."""

    migrate: tuple[str, ...] = _inkloom("init-db")
    # Two processes: composing pages keeps Pillow busy for long, and workflow tasks must not wait for that.
    workers: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "worker-flow": _inkloom("worker", "--queues", "flow"),
            "worker-draw": _inkloom("worker", "--queues", "draw"),
        }
    )
    api: tuple[str, ...] = _inkloom("api")


class Program:
    """A worker, or the API."""

    def __init__(
        self,
        role: str,
        command: tuple[str, ...],
        *,
        env: Mapping[str, str],
        log: Path,
        born: Callable[[Process], None],
        at: tuple[str, int] | None = None,
        patience: float = END,
        hurry: asyncio.Event | None = None,
    ) -> None:
        self.role = role
        self._patience = patience
        self._hurry = hurry or asyncio.Event()
        self._command = command
        self._env = env
        self._log = log
        self._born = born
        self._at = at

    async def orphan(self) -> Process | None:
        """None: a running one is never taken over, because it may run older code and a restart costs nothing."""
        return None

    async def launch(self) -> Process:
        """Start it; with an address, return once it accepts connections there."""
        process = spawn(self._command, env=self._env, log=self._log, folder=ROOT)
        self._born(process)
        if self._at is not None:
            ready = partial(answers, self._at[1], self._at[0])
            await until_ready(process, ready, self.end, name=self.role, patience=PATIENCE, log=self._log)
        return process

    async def end(self, process: Process) -> None:
        await finish(process, self._patience, self._hurry)

    async def run(self) -> None:
        """Start it and wait until it is done, however long that takes."""
        process = await self.launch()
        try:
            await process.ended()
        finally:
            await self.end(process)
        if process.exit_code:
            raise StackError(f"{self.role} failed ({process.outcome()}). From {self._log}:\n{tail(self._log, 20)}")


async def finish(process: Process, patience: float, hurry: asyncio.Event) -> None:
    """Tell a program to end, and leave it that many seconds; a second signal, in a hurry, ends it at once."""
    process.send(signal.SIGTERM)
    waits = [asyncio.ensure_future(process.ended(patience)), asyncio.ensure_future(hurry.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    await process.end((signal.SIGTERM, AT_ONCE))


def environment(settings: Settings, data: Path, **servers: str) -> dict[str, str]:
    """The environment of a child: ours, the settings that this process was given in other ways, and the servers'
    addresses.
    """
    values = {
        name: value for name in settings.model_fields_set if (value := _text(getattr(settings, name))) is not None
    }
    values |= {"data": str(data)} | servers
    if settings.temporal_address is None:
        # The embedded server keeps no builds: here, a new version replaces the old one.
        values["build"] = ""
    # Children run in another folder.
    for name in ("storage", "storage_also", "backup_to", "backup_key_file"):
        if (named := values.get(name)) and "://" not in named:
            values[name] = str(Path(named).expanduser().absolute())
    # What this process has read from files of secrets is passed on, too.
    files = {f"{one}{SUFFIX}" for name in Settings.model_fields if is_secret(name) for one in names_of(name)}
    ours = {name: value for name, value in environ.items() if name not in files and name != _PASSWORD}
    return {**ours, "PYTHONUNBUFFERED": "1"} | {variable_of(name): value for name, value in values.items()}


def _text(value: object) -> str | None:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, list):
        return to_json([one.get_secret_value() if isinstance(one, SecretStr) else one for one in value]).decode()
    if isinstance(value, Mapping):
        return to_json(value).decode()
    return None if value is None else str(value)
