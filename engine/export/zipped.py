"""Zip files with reproducible bytes that appear whole or not at all."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

# The earliest time that a zip can store: archives of the same content are the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


class Zipped:
    """An archive being written. Pictures are compressed already, so entries are stored."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def add(self, name: str, data: bytes | str, *, deflated: bool = False) -> None:
        """Add an entry. Names are ours: none contains text of a user."""
        entry = zipfile.ZipInfo(name, _TIME)
        entry.create_system = 3
        entry.external_attr = 0o644 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
        self._archive.writestr(entry, data)

    def close(self) -> None:
        self._archive.close()


@contextmanager
def zipped(out: Path) -> Iterator[Zipped]:
    """The archive, which becomes `out` if the block succeeds; otherwise the previous file stays."""
    with whole_file(out) as file:
        archive = Zipped(file)
        try:
            yield archive
        finally:
            archive.close()


@contextmanager
def whole_file(out: Path) -> Iterator[IO[bytes]]:
    """A file that becomes `out` in one step if the block succeeds; otherwise the previous file stays."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name[:80]}.", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(out)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def numbered(number: int, count: int, suffix: str) -> str:
    """A name that sorts by its number among `count` names: 007.png."""
    return f"{number:0{max(3, len(str(count)))}}{suffix}"
