"""A folder as storage: what is there stays, what appears is whole, and no key leads out of it."""

import asyncio
import os
from pathlib import Path

import pytest

from engine.errors import BadInput, NotFound, StorageError
from engine.storage import Storage
from engine.storage.folder import FolderStorage, write_whole
from engine.storage.keys import MAX_KEY, MAX_PART, checked, content_key

pytestmark = pytest.mark.integration

KEY = "images/ab/abcd.png"


def files(root: Path) -> dict[str, bytes]:
    """Everything that lies below a folder, hidden and half-written things too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def test_what_was_put_is_what_one_gets(storage: Storage, tmp_path: Path) -> None:
    """The same bytes come back, into memory or into a file, and a file goes in as its bytes do."""
    (tmp_path / "given").write_bytes(b"from a file")
    await storage.put(KEY, b"one")
    await storage.put_file("exports/a.cbz", tmp_path / "given")
    await storage.fetch(KEY, tmp_path / "got")
    assert (await storage.get(KEY), await storage.get("exports/a.cbz")) == (b"one", b"from a file")
    assert (tmp_path / "got").read_bytes() == b"one"


async def test_the_first_stays(storage: FolderStorage, tmp_path: Path) -> None:
    """Put-if-absent: whoever comes second, with bytes or a file, changes nothing and leaves nothing lying about."""
    (tmp_path / "other").write_bytes(b"third")
    await storage.put(KEY, b"first")
    await storage.put(KEY, b"second")
    await storage.put_file(KEY, tmp_path / "other")
    assert files(storage.root) == {KEY: b"first"}


def test_whoever_finds_the_name_taken_leaves_it(tmp_path: Path) -> None:
    """Two can find the key free at the same time: the later one yields when it comes to naming its file."""
    write_whole(tmp_path / "key", b"first", replace=False)
    write_whole(tmp_path / "key", b"second", replace=False)
    assert files(tmp_path) == {"key": b"first"}
    write_whole(tmp_path / "key", b"third", replace=True)
    assert files(tmp_path) == {"key": b"third"}


async def test_of_twenty_at_once_one_is_kept_whole(storage: FolderStorage) -> None:
    """However they interleave, the file holds what one of them brought, and the rest is cleaned up."""
    brought = [bytes([number]) * 200_000 for number in range(20)]
    await asyncio.gather(*(storage.put(KEY, data) for data in brought))
    found = files(storage.root)
    assert list(found) == [KEY]
    assert found[KEY] in brought


async def test_a_reader_never_sees_half_a_file(storage: FolderStorage) -> None:
    """While a large file is being put, its key is missing or complete."""
    data = os.urandom(1 << 20) * 16
    putting = asyncio.create_task(storage.put(KEY, data))
    seen: list[int] = []
    while not putting.done():
        try:
            seen.append(len(await storage.get(KEY)))
        except NotFound:
            await asyncio.sleep(0)
    await putting
    assert set(seen) <= {len(data)}
    assert await storage.get(KEY) == data


async def test_a_file_where_a_folder_should_be_is_a_storage_error(storage: FolderStorage) -> None:
    """The medium refuses: the error may be tried again, and nothing is visible under the key."""
    storage.root.mkdir()
    (storage.root / "images").write_bytes(b"in the way")
    with pytest.raises(StorageError) as caught:
        await storage.put(KEY, b"one")
    assert caught.value.retryable
    assert files(storage.root) == {"images": b"in the way"}


async def test_a_source_that_breaks_off_leaves_nothing(storage: FolderStorage, tmp_path: Path) -> None:
    """A put that fails half-way shows no key and no remains; done again, it succeeds."""
    with pytest.raises(StorageError):
        await storage.put_file(KEY, tmp_path)  # a folder: it opens with an error after the part file was made
    with pytest.raises(StorageError):
        await storage.put_file(KEY, tmp_path / "missing")
    assert files(storage.root) == {}
    await storage.put(KEY, b"one")
    assert files(storage.root) == {KEY: b"one"}


async def test_a_fetch_that_fails_keeps_what_was_there(storage: FolderStorage, tmp_path: Path) -> None:
    """Fetching replaces a file whole or not at all, and says where it could not write."""
    target = tmp_path / "got"
    target.write_bytes(b"old")
    with pytest.raises(NotFound):
        await storage.fetch(KEY, target)
    assert target.read_bytes() == b"old"
    await storage.put(KEY, b"new")
    with pytest.raises(StorageError):
        await storage.fetch(KEY, target / "below-a-file")
    await storage.fetch(KEY, target)
    assert target.read_bytes() == b"new"


async def test_a_missing_key_is_not_found(storage: Storage, tmp_path: Path) -> None:
    """Reading says so by name; so does fetching, and makes no file."""
    with pytest.raises(NotFound, match=KEY):
        await storage.get(KEY)
    with pytest.raises(NotFound, match=KEY):
        await storage.fetch(KEY, tmp_path / "got")
    assert not (tmp_path / "got").exists()


HOSTILE = {
    "nothing": "",
    "an absolute path": "/etc/passwd",
    "up": "../secret",
    "up in the middle": "images/../../secret",
    "here": "./a",
    "a trailing slash": "images/",
    "an empty part": "images//a.png",
    "a NUL": "images/a\0.png",
    "a line break": "images/a.png\n",
    "a backslash": "images\\a.png",
    "a drive": "C:/a.png",
    "a home": "~/a.png",
    "a trailing dot": "images/a.",
    "a hidden file": "images/.part-1",
    "a space": "images/a b.png",
    "letters of elsewhere": "images/ä.png",
    "a full-width slash": "images／a.png",
    "600 bytes": "a" * 600,
    "one too many": "a/" * (MAX_KEY // 2) + "a",
    "a name too long": "a" * (MAX_PART + 1),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_no_key_leads_astray(storage: FolderStorage, tmp_path: Path, name: str) -> None:
    """A key that is not plain and relative is refused by every verb before any file is touched."""
    (tmp_path / "secret").write_bytes(b"untouched")
    (tmp_path / "new").write_bytes(b"new")
    key = HOSTILE[name]
    for attempt in (
        storage.put(key, b"new"),
        storage.put_file(key, tmp_path / "new"),
        storage.get(key),
        storage.fetch(key, tmp_path / "secret"),
    ):
        with pytest.raises(BadInput, match="is not a storage key"):
            await attempt
    assert files(tmp_path) == {"secret": b"untouched", "new": b"new"}


@pytest.mark.parametrize("key", ["a", "a.b", "images/ab/abcd.png", "0/1-2_3.tar.gz", "a..b", "a" * MAX_PART])
def test_plain_keys_are_taken_as_they_are(key: str) -> None:
    """The rule refuses nothing that content keys need."""
    assert checked(key) == key


def test_content_lies_under_its_hash() -> None:
    """The same content has the same key, in folders that stay small."""
    assert content_key("images", "abcdef", "png") == "images/ab/abcdef.png"
