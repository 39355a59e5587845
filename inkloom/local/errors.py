"""The errors that this package raises on purpose."""

from pathlib import Path

from engine.errors import BadInput, EngineError


class StackError(EngineError):
    """The local servers cannot be had as asked; the message says what is wrong and what to do about it."""


class Killed(StackError):
    """A process was killed from outside while it started, by a person or a kernel short of memory: nothing is wrong
    with it, and another start may go well."""


class UnusableFolder(StackError, BadInput):
    """The data folder does not take files."""


def unwritable(folder: Path, error: OSError) -> UnusableFolder:
    """The data folder is full, read-only, somebody else's, or not a folder at all."""
    return UnusableFolder(
        f"The data folder {folder} cannot be used: {error}. "
        "Free some space or fix its permissions, or name another folder in INKLOOM_DATA."
    )
