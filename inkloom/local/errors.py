"""The one error that this package raises on purpose."""

from pathlib import Path

from engine.errors import EngineError


class StackError(EngineError):
    """The local servers cannot be had as asked; the message says what is wrong and what to do about it."""


def unwritable(folder: Path, error: OSError) -> StackError:
    """The data folder does not take files: full, read-only, somebody else's, or not a folder at all."""
    return StackError(
        f"The data folder {folder} cannot be used: {error}. "
        "Free some space or mend its permissions, or name another folder in INKLOOM_DATA."
    )
