"""Every kind of storage keeps the same promises: what is there stays, what appears is whole, no key leads astray."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from engine.errors import BadInput, NotFound, StorageError
from engine.storage import PAGE, Storage
from engine.storage.folder import FolderStorage
from engine.storage.keys import MAX_KEY, MAX_PART, checked, content_key
from engine.storage.moving import MovingStorage
from tests.s3_server import PATIENCE, S3Server, fresh_prefix

pytestmark = [pytest.mark.integration, pytest.mark.timeout(PATIENCE)]

KEY = "images/ab/abcd.png"


def local(root: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@dataclass
class Place:
    """A storage, and a look behind it: everything that lies there, hidden and half-written things too."""

    storage: Storage
    everything: Callable[[], Awaitable[dict[str, bytes]]]


@pytest.fixture
def in_folder(tmp_path: Path) -> Place:
    root = tmp_path / "pictures"

    async def everything() -> dict[str, bytes]:
        return local(root)

    return Place(FolderStorage(root), everything)


@pytest.fixture
async def in_s3(s3: S3Server) -> AsyncIterator[Place]:
    prefix = fresh_prefix()
    storage = s3.storage(prefix)
    yield Place(storage, lambda: s3.everything(prefix))
    await storage.close()


@pytest.fixture
def in_two(tmp_path: Path) -> Place:
    """While pictures move from one folder to another."""
    first, other = tmp_path / "pictures", tmp_path / "pictures of before"

    async def everything() -> dict[str, bytes]:
        return {**local(other), **local(first)}

    return Place(MovingStorage(FolderStorage(first), FolderStorage(other)), everything)


@pytest.fixture(params=["in_folder", "in_two", pytest.param("in_s3", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


async def test_what_was_put_is_what_one_gets(place: Place, tmp_path: Path) -> None:
    """The same bytes come back, into memory or into a file, and a file goes in as its bytes do."""
    (tmp_path / "given").write_bytes(b"from a file")
    await place.storage.put(KEY, b"one")
    await place.storage.put("empty", b"")
    await place.storage.put_file("exports/a.cbz", tmp_path / "given")
    await place.storage.fetch(KEY, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == await place.storage.get(KEY) == b"one"
    assert await place.everything() == {KEY: b"one", "empty": b"", "exports/a.cbz": b"from a file"}
    assert await place.storage.get("exports/a.cbz") == b"from a file"


async def test_a_large_file_goes_in_and_comes_out(place: Place, tmp_path: Path) -> None:
    """More than fits into one request of S3's smallest servers, and no multiple of anything."""
    data = os.urandom(1 << 20) * 37 + b"and a rest"
    (tmp_path / "given").write_bytes(data)
    await place.storage.put_file(KEY, tmp_path / "given")
    await place.storage.fetch(KEY, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == data
    assert list(await place.everything()) == [KEY]


async def test_the_first_stays(place: Place, tmp_path: Path) -> None:
    """Put-if-absent: whoever comes second, with bytes or a file, changes nothing and leaves nothing lying about."""
    (tmp_path / "small").write_bytes(b"third")
    (tmp_path / "large").write_bytes(b"4" * (17 << 20))
    await place.storage.put(KEY, b"first")
    await place.storage.put(KEY, b"second")
    await place.storage.put_file(KEY, tmp_path / "small")
    await place.storage.put_file(KEY, tmp_path / "large")
    assert await place.everything() == {KEY: b"first"}


@pytest.mark.parametrize(("size", "as_file"), [(200_000, False), (17 << 20, True)], ids=["small", "large"])
async def test_of_twenty_at_once_one_is_kept_whole(place: Place, tmp_path: Path, size: int, as_file: bool) -> None:
    """However they interleave, the key holds what one of them brought, none fails, and the rest is cleaned up."""
    brought = [bytes([number]) * size for number in range(20)]
    if as_file:
        for number, data in enumerate(brought):
            (tmp_path / str(number)).write_bytes(data)
        await asyncio.gather(*(place.storage.put_file(KEY, tmp_path / str(number)) for number in range(20)))
    else:
        await asyncio.gather(*(place.storage.put(KEY, data) for data in brought))
    found = await place.everything()
    assert list(found) == [KEY]
    assert found[KEY] in brought


async def test_a_reader_never_sees_half_a_file(place: Place) -> None:
    """While a large file is being put, its key is missing or complete."""
    data = os.urandom(1 << 20) * 16
    putting = asyncio.create_task(place.storage.put(KEY, data))
    seen: list[int] = []
    while not putting.done():
        try:
            seen.append(len(await place.storage.get(KEY)))
        except NotFound:
            await asyncio.sleep(0)
    await putting
    assert set(seen) <= {len(data)}
    assert await place.storage.get(KEY) == data


async def test_a_missing_key_is_not_found(place: Place, tmp_path: Path) -> None:
    """Reading says so by name; so does fetching, and makes no file."""
    with pytest.raises(NotFound, match=KEY):
        await place.storage.get(KEY)
    with pytest.raises(NotFound, match=KEY):
        await place.storage.fetch(KEY, tmp_path / "got")
    assert local(tmp_path) == {}


async def test_a_source_that_cannot_be_read_leaves_nothing(place: Place, tmp_path: Path) -> None:
    """A put that fails shows no key and no remains; done again, it succeeds."""
    (tmp_path / "folder").mkdir()
    for source in ("folder", "missing"):
        with pytest.raises(StorageError):
            await place.storage.put_file(KEY, tmp_path / source)
    assert await place.everything() == {}
    await place.storage.put(KEY, b"one")
    assert await place.everything() == {KEY: b"one"}


async def test_a_source_that_shrinks_leaves_nothing(place: Place, tmp_path: Path) -> None:
    """Half a file is never kept under the name of the whole."""
    source = tmp_path / "given"
    with source.open("wb") as file:
        file.truncate(400 << 20)
    putting = asyncio.create_task(place.storage.put_file(KEY, source))
    async with asyncio.timeout(30):
        while not await place.everything():  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.01)
    os.truncate(source, 1000)
    with pytest.raises(StorageError, match="changed"):
        await putting
    assert await place.everything() == {}


async def test_a_fetch_that_fails_keeps_what_was_there(place: Place, tmp_path: Path) -> None:
    """Fetching replaces a file whole or not at all, and says where it could not write."""
    target = tmp_path / "got"
    target.write_bytes(b"old")
    with pytest.raises(NotFound):
        await place.storage.fetch(KEY, target)
    assert target.read_bytes() == b"old"
    await place.storage.put(KEY, b"new")
    with pytest.raises(StorageError, match="below-a-file"):
        await place.storage.fetch(KEY, target / "below-a-file")
    await place.storage.fetch(KEY, target)
    assert target.read_bytes() == b"new"


async def test_what_is_deleted_is_gone_and_the_rest_stays(place: Place) -> None:
    """Keys that are named go, those that were not there are no error, and a key may be put again afterwards."""
    for key in ("p/a/one", "p/a/two", "p/b/one"):
        await place.storage.put(key, b"1")
    await place.storage.delete(["p/a/one", "p/a/three", "p/a/one/below", "p/b/one"])
    assert await place.everything() == {"p/a/two": b"1"}
    await place.storage.delete([])
    await place.storage.put("p/a/one", b"2")
    assert await place.storage.get("p/a/one") == b"2"


async def test_all_below_a_prefix_goes(place: Place) -> None:
    """Everything of one project, however deep, and nothing whose name only begins the same; twice is once."""
    for key in ("p/a/images/ab/1.png", "p/a/exports/cd/2.cbz", "p/ab/images/ab/1.png", "images/ab/1.png", "p/a.txt"):
        await place.storage.put(key, b"1")
    for _ in range(2):
        await place.storage.delete_under("p/a")
        assert set(await place.everything()) == {"p/ab/images/ab/1.png", "images/ab/1.png", "p/a.txt"}


async def test_more_goes_than_fits_one_request(place: Place) -> None:
    """S3 lists and deletes a thousand keys at a time."""
    await asyncio.gather(*(place.storage.put(f"p/a/{number}", b"1") for number in range(1100)))
    await place.storage.delete_under("p/a")
    assert await place.everything() == {}


async def test_storage_that_can_be_used_passes_its_check_and_keeps_no_trace(place: Place) -> None:
    await place.storage.check()
    assert await place.everything() == {}


HOSTILE = {
    "nothing": "",
    "an absolute path": "/etc/passwd",
    "up": "../secret",
    "up in the middle": "images/../../secret",
    "up and down again": "a/../b",
    "up, encoded": "images/%2e%2e/secret",
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
    "1,025 bytes": "a/" * 512 + "a",
    "one too many": "a/" * (MAX_KEY // 2) + "a",
    "a name too long": "a" * (MAX_PART + 1),
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_no_key_leads_astray(place: Place, tmp_path: Path, name: str) -> None:
    """A key that is not plain and relative is refused by every verb before anything is touched."""
    (tmp_path / "secret").write_bytes(b"untouched")
    (tmp_path / "new").write_bytes(b"new")
    key, storage = HOSTILE[name], place.storage
    for attempt in (
        storage.put(key, b"new"),
        storage.put_file(key, tmp_path / "new"),
        storage.get(key),
        storage.fetch(key, tmp_path / "secret"),
        storage.link(key, 60),
        storage.delete([key]),
        storage.delete_under(key),
    ):
        with pytest.raises(BadInput, match="is not a storage key"):
            await attempt
    assert await place.everything() == {}
    assert local(tmp_path) == {"secret": b"untouched", "new": b"new"}


@pytest.mark.parametrize("key", ["a", "a.b", "images/ab/abcd.png", "0/1-2_3.tar.gz", "a..b", "a" * MAX_PART])
async def test_plain_keys_are_taken_as_they_are(place: Place, key: str) -> None:
    """The rule refuses nothing that content keys need."""
    assert checked(key) == key
    await place.storage.put(key, b"plain")
    assert await place.everything() == {key: b"plain"}


def test_content_lies_under_its_hash() -> None:
    """The same content of a project has the same key, in folders that stay small; each project's lies apart."""
    mine, yours = UUID(int=1), UUID(int=2)
    assert content_key(mine, "images", "abcdef", "png") == f"p/{mine}/images/ab/abcdef.png"
    assert content_key(yours, "images", "abcdef", "png") != content_key(mine, "images", "abcdef", "png")


async def test_a_list_has_everything_below_a_prefix(place: Place) -> None:
    """In pages, each key once, with the time of its storing; not what has a name that only begins alike."""
    assert [page async for page in place.storage.listed("p")] == []
    began = datetime.now(UTC) - timedelta(minutes=1)
    keys = {f"p/{folder}/{name}.png" for folder in ("a", "b/deeper") for name in range(3)}
    for key in (*keys, "pp/other.png", "q/other.png"):
        await place.storage.put(key, b"bytes")
    found = [stored async for page in place.storage.listed("p") for stored in page]
    assert sorted(stored.key for stored in found) == sorted(keys)
    assert all(began < stored.at < datetime.now(UTC) + timedelta(minutes=1) for stored in found)
    with pytest.raises(BadInput):
        _ = [page async for page in place.storage.listed("../up")]


async def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    """Memory holds a page, however much is stored."""
    root = tmp_path / "pictures"
    (root / "p").mkdir(parents=True)
    for number in range(2 * PAGE + 1):
        (root / "p" / f"{number}.png").touch()
    (root / "p" / ".part-half").touch()
    pages = [len(page) async for page in FolderStorage(root).listed("p")]
    assert pages == [PAGE, PAGE, 1]
