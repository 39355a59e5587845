"""The destination: which are whole, with which key, and what goes with an old one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.backup import pictures
from engine.backup.destination import Destination, require_name
from engine.backup.encryption import BackupKey, Damaged, WrongKey, hashed
from engine.backup.manifest import DATABASE, PICTURES, SECRET, VERSION, Manifest, SavedPicture
from engine.errors import BadInput, NotFound
from engine.storage.folder import FolderStorage

pytestmark = pytest.mark.unit

FIRST, SECOND = "20261130T200000Z", "20261130T210000Z"
Destinations = Callable[..., Destination]


@pytest.fixture
def destinations(tmp_path: Path) -> Destinations:
    """The same destination, with a key or without."""

    def destination(key: str | None = None) -> Destination:
        encrypting = None
        if key is not None:
            (tmp_path / "key").write_text(key * 40)
            encrypting = BackupKey.of(tmp_path / "key")
        (tmp_path / "scratch").mkdir(exist_ok=True)
        return Destination(FolderStorage(tmp_path / "destination"), encrypting, tmp_path / "scratch")

    return destination


async def made(destination: Destination, name: str, storage: FolderStorage, contents: list[bytes]) -> Manifest:
    """A backup of these pictures, with a database and a secret of a few bytes."""
    wanted = []
    for content in contents:
        (destination.scratch / "one").write_bytes(content)
        sha256, size = hashed(destination.scratch / "one")
        wanted.append(SavedPicture(key=f"p/x/{sha256}.png", sha256=sha256, bytes=size))
        await storage.put(wanted[-1].key, content)
    listing = destination.scratch / "listing"
    saved = await pictures.save(destination, storage, wanted, listing)
    files = {PICTURES: await destination.put(name, PICTURES, listing)}
    for file in (DATABASE, SECRET):
        (destination.scratch / file).write_text(f"{file} of {name}")
        files[file] = await destination.put(name, file, destination.scratch / file)
    manifest = Manifest(
        name=name,
        revision="0001",
        postgres=18,
        files=files,
        rows={},
        pictures=saved.pictures,
        picture_bytes=saved.bytes,
        lost=saved.lost_count,
    )
    await destination.put_manifest(manifest)
    return manifest


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_backup_comes_back(
    destinations: Destinations, storage: FolderStorage, tmp_path: Path, key: str | None
) -> None:
    """Its manifest, its files and its pictures, byte for byte."""
    destination = destinations(key)
    manifest = await made(destination, FIRST, storage, [b"one", b"two"])
    assert await destination.names() == [FIRST]
    assert await destination.manifest(FIRST) == manifest
    assert await destination.secret(manifest) == f"{SECRET} of {FIRST}"
    target = FolderStorage(tmp_path / "target")
    given = await pictures.give_back(destination, manifest, target)
    assert (given.pictures, given.lost_count) == (2, 0)
    assert files_of(tmp_path / "target") == files_of(storage.root)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_a_later_backup_copies_new_pictures_only(destinations: Destinations, storage: FolderStorage) -> None:
    destination = destinations()
    await made(destination, FIRST, storage, [b"one", b"two"])
    # What is there is not read again.
    for path in storage.root.rglob("*.png"):
        path.unlink()
    manifest = await made(destination, SECOND, storage, [b"three"])
    saved = await pictures.save(
        destination,
        storage,
        [SavedPicture(key="p/x/none.png", sha256="0" * 64, bytes=1)],
        destination.scratch / "listing",
    )
    assert (saved.new, saved.lost_count, saved.lost) == (0, 1, ["p/x/none.png"])
    assert manifest.pictures == 1
    assert len(await destination.pictures()) == 3


async def test_an_encrypted_backup_tells_nothing(
    destinations: Destinations, storage: FolderStorage, tmp_path: Path
) -> None:
    """Neither names nor contents of pictures, nor the secret."""
    await made(destinations("k"), FIRST, storage, [b"a picture of a lamp", b"another"])
    everything = files_of(tmp_path / "destination")
    assert all(name.endswith(".encrypted") or name.startswith("encrypted/") for name in everything)
    assert not any(
        "p/x" in name or hashed(path)[0] in name for path in storage.root.rglob("*.png") for name in everything
    )
    assert not any(word in content for word in (b"lamp", b"database of", b"p/x/") for content in everything.values())


async def test_keys_are_told_apart(destinations: Destinations, storage: FolderStorage) -> None:
    """No key for a encrypted backup, another one, or one for what is not encrypted: each is refused as what it is."""
    await made(destinations("k"), FIRST, storage, [b"one"])
    await made(destinations(), SECOND, storage, [b"one"])
    with pytest.raises(WrongKey, match="--key-file"):
        await destinations().manifest(FIRST)
    with pytest.raises(WrongKey, match="another key file"):
        await destinations("x").manifest(FIRST)
    with pytest.raises(WrongKey, match="not encrypted"):
        await destinations("k").manifest(SECOND)


async def test_only_what_has_a_manifest_is_a_backup(
    destinations: Destinations, storage: FolderStorage, tmp_path: Path
) -> None:
    """One that was cut off before its end is none; the newest whole one is meant if none is named."""
    destination = destinations()
    with pytest.raises(NotFound):
        await require_name(destination, None)
    await made(destination, FIRST, storage, [b"one"])
    await made(destination, SECOND, storage, [b"two"])
    (tmp_path / "destination" / "backups" / SECOND / "manifest.json").unlink()
    assert await require_name(destination, None) == FIRST
    assert await destination.unfinished() == [SECOND]
    with pytest.raises(NotFound, match=FIRST):
        await destination.manifest(SECOND)
    with pytest.raises(BadInput):
        await require_name(destination, "../../etc")


async def test_a_manifest_that_was_changed_is_refused(
    destinations: Destinations, storage: FolderStorage, tmp_path: Path
) -> None:
    """Cut off, edited, or put in another backup's destination; one of a later version says what to do."""
    destination = destinations()
    await made(destination, FIRST, storage, [b"one"])
    path = tmp_path / "destination" / "backups" / FIRST / "manifest.json"
    whole = path.read_text()
    for wrong in (whole[: len(whole) // 2], "", "[]", whole.replace('"postgres": 18', '"postgres": 17'), "null"):
        path.write_text(wrong)
        with pytest.raises(Damaged):
            await destination.manifest(FIRST)
    (path.parent.parent / SECOND).mkdir()
    (path.parent.parent / SECOND / "manifest.json").write_text(whole)
    with pytest.raises(Damaged):
        await destination.manifest(SECOND)
    later = json.loads(whole)
    later["manifest"]["version"] = VERSION + 1
    path.write_text(json.dumps(later))
    with pytest.raises(BadInput, match="later version of Inkloom"):
        await destination.manifest(FIRST)


@pytest.mark.parametrize("key", [None, "k"])
async def test_damaged_pictures_are_found_and_left_out(
    destinations: Destinations, storage: FolderStorage, tmp_path: Path, key: str | None
) -> None:
    """One cut off, one missing; the rest is as it was."""
    destination = destinations(key)
    manifest = await made(destination, FIRST, storage, [b"one", b"two", b"three"])
    stored = sorted((tmp_path / "destination" / ("encrypted" if key else "pictures")).rglob("*"))
    first, second, _ = [path for path in stored if path.is_file()]
    first.write_bytes(first.read_bytes()[:-1])
    second.unlink()
    found = await pictures.damaged(destination, manifest)
    assert (found.pictures, found.lost_count) == (1, 2)
    given = await pictures.give_back(destination, manifest, FolderStorage(tmp_path / "target"))
    assert sorted(given.lost) == sorted(found.lost)
    assert len(files_of(tmp_path / "target")) == 1


async def test_what_storage_has_damaged_is_no_copy(destinations: Destinations, storage: FolderStorage) -> None:
    """A backup with other bytes under a picture's key would pass them off as what was paid for."""
    destination = destinations()
    await storage.put("p/x/one.png", b"other bytes")
    wanted = [SavedPicture(key="p/x/one.png", sha256="0" * 64, bytes=11)]
    saved = await pictures.save(destination, storage, wanted, destination.scratch / "listing")
    assert (saved.pictures, saved.lost) == (0, ["p/x/one.png"])
    assert await destination.pictures() == set()
