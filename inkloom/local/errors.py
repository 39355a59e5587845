"""Errors that this package raises on purpose."""

from pathlib import Path

from engine.errors import BadInput, EngineError


class StackError(EngineError):
    """The local servers cannot run as requested; the message says what is wrong and what to do."""


class Killed(StackError):
    """A process was killed from outside while it started, by a user or by a kernel short of memory. Another start may
    succeed.
    """


class UnusableFolder(StackError, BadInput):
    """The data folder cannot be written to."""


def unwritable(folder: Path, error: OSError) -> UnusableFolder:
    """The error for a data folder that is full, read-only, owned by another user, or not a folder at all."""
    return UnusableFolder(
        f"The data folder {folder} cannot be used: {error}. "
        "Free some space or fix its permissions, or name another folder in INKLOOM_DATA."
    )
