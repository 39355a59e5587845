"""What only a folder can do wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import StorageError
from engine.storage.atomic import write_whole
from engine.storage.folder import FolderStorage

pytestmark = pytest.mark.integration

KEY = "images/ab/abcd.png"


def files(root: Path) -> dict[str, bytes]:
    """Everything that lies below a folder, hidden and half-written things too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_whoever_finds_the_name_taken_leaves_it(tmp_path: Path) -> None:
    """Two can find the key free at the same time: the later one yields when it comes to naming its file."""
    write_whole(tmp_path / "key", b"first", replace=False)
    write_whole(tmp_path / "key", b"second", replace=False)
    assert files(tmp_path) == {"key": b"first"}
    write_whole(tmp_path / "key", b"third", replace=True)
    assert files(tmp_path) == {"key": b"third"}


async def test_a_file_where_a_folder_should_be_is_a_storage_error(storage: FolderStorage) -> None:
    """The medium refuses: the error may be tried again, and nothing is visible under the key."""
    storage.root.mkdir()
    (storage.root / "images").write_bytes(b"in the way")
    with pytest.raises(StorageError) as caught:
        await storage.put(KEY, b"one")
    assert caught.value.retryable
    assert files(storage.root) == {"images": b"in the way"}


async def test_a_folder_that_cannot_be_written_to_fails_its_check() -> None:
    """Root may write anywhere; nobody may make a folder inside a file."""
    with pytest.raises(StorageError, match="cannot be written to"):
        await FolderStorage(Path(__file__) / "pictures").check()


# Any file may be made, and no byte written to it: a full disk, as far as a program sees it.
FULL = """
import asyncio, pathlib, resource, sys
from engine.errors import StorageError
from engine.storage.folder import FolderStorage
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    asyncio.run(FolderStorage(pathlib.Path(sys.argv[1])).check())
except StorageError as error:
    sys.exit(error.message)
"""


def test_a_full_disk_fails_the_check(tmp_path: Path) -> None:
    found = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "cannot be written to" in found.stderr
    assert files(tmp_path) == {}


async def test_a_folder_has_no_links(storage: FolderStorage) -> None:
    """It says so instead of giving one that nobody could follow."""
    await storage.put(KEY, b"one")
    assert await storage.link(KEY, 60) is None
