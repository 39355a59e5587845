"""Files that appear whole or not at all, whatever crashes while they are written."""

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO, Protocol

# What the names of files that are being written begin with. A killed process leaves them.
UNFINISHED = ".part-"


class Readable(Protocol):
    """A stream that raises if it ends early."""

    def read(self, amount: int = ..., /) -> bytes: ...


Source = bytes | Path | Readable


def write_whole(target: Path, source: Source, *, replace: bool, private: bool = False) -> None:
    """Write beside the target, flush to disk, then rename: a crash leaves the old state or the new one.

    Only its owner can read a private file. Without `replace`, an existing target stays as it is.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=UNFINISHED)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            _pour(source, file)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o600 if private else 0o644)
        if replace:
            part.replace(target)
        else:
            try:
                # A hard link fails if the name is taken; a rename would silently replace the other file.
                target.hardlink_to(part)
            except FileExistsError:
                return
            except OSError:
                part.replace(target)
        _flush_folder(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _pour(source: Source, file: IO[bytes]) -> None:
    if isinstance(source, bytes):
        file.write(source)
    elif isinstance(source, Path):
        with source.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            shutil.copyfileobj(opened, file, 1 << 20)
            if opened.tell() != size:
                raise OSError(errno.EAGAIN, f"{source.name} changed while it was copied")
    else:
        shutil.copyfileobj(source, file, 1 << 20)


def _flush_folder(folder: Path) -> None:
    """The name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
