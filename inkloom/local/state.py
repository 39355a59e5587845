"""What one supervisor leaves for the next, and the locks that say which process supervises.

- `stack.lock`: held by the supervisor of the folder's servers and workers.
- `stack.users`: shared by every process that uses them, so that the last one to leave knows that it is the last.
- `stack.json`: what runs, and where; changed under `stack.edit`.

The kernel releases a lock with the process that holds it, however that process ends; a file with a PID would stay.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, Field, ValidationError

from inkloom.local.private import opener
from inkloom.local.processes import Identity
from inkloom.local.temporal import Ports


class Child(BaseModel, frozen=True):
    """A process that a supervisor started."""

    role: str
    pid: int
    started: str
    command: list[str]

    @property
    def identity(self) -> Identity:
        return Identity(pid=self.pid, started=self.started)


class State(BaseModel):
    """The content of `stack.json`. Any of it may be out of date, so it is checked before use."""

    owner: Identity | None = None
    ready: bool = False
    servers: str = Field(default="", description="fingerprint of the servers that the owner's settings name")
    postgres_folder: Path | None = None
    postgres_sockets: Path | None = None
    temporal: Ports | None = None
    api_port: int | None = None
    api_keeper: Identity | None = Field(default=None, description="who looks after the API: not always the owner")
    children: dict[str, Child] = Field(default_factory=dict)


class StateFile:
    """`stack.json` of one data folder."""

    def __init__(self, data: Path) -> None:
        self._path = data / "stack.json"

    def read(self) -> State:
        """The state; an empty one if there is none or it cannot be read."""
        try:
            return State.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return State()

    @contextmanager
    def change(self) -> Iterator[State]:
        """The state, to be changed in place; written whole or not at all."""
        with open(self._path.with_name("stack.edit"), "w", opener=opener) as edit:
            fcntl.flock(edit, fcntl.LOCK_EX)
            state = self.read()
            yield state
            draft = self._path.with_name(".stack.json.new")
            with open(draft, "w", opener=opener) as file:
                file.write(state.model_dump_json(indent=2) + "\n")
            draft.replace(self._path)


class FolderLock:
    """A file lock that ends with the process that holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self.held = False

    def take(self, *, shared: bool = False) -> bool:
        """Try to take it, without waiting. An attempt to make a shared lock exclusive loses it if it fails."""
        if self._file is None:
            self._file = open(self._path, "a", opener=opener)  # noqa: SIM115 - open as long as the lock is held
        try:
            fcntl.flock(self._file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        self.held = True
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self.held = None, False
