"""Folders for servers that tests start."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def enterable_folder(prefix: str = "inkloom-tests-") -> Iterator[Path]:
    """A folder that is gone afterwards. Started by root, Postgres runs under another account, which may enter it;
    pytest's own folders are closed to it.
    """
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
