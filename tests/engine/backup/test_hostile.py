"""Backups that someone has damaged or made up: each ends as an error in words, and nothing is written elsewhere."""

import asyncio
import gzip
import json
import zlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.backup import pictures
from engine.backup.destination import Destination
from engine.backup.encryption import Damaged, hashed
from engine.backup.manifest import DATABASE, PICTURES, SECRET, Manifest, SavedFile
from engine.digest import digest
from engine.errors import BadInput, EngineError
from engine.storage.folder import FolderStorage

pytestmark = pytest.mark.unit

NAME = "20261130T200000Z"
FILE = {"sha256": "a" * 64, "bytes": 1}
GOOD: dict[str, Any] = {
    "kind": "inkloom-backup",
    "version": 2,
    "name": NAME,
    "installation": None,
    "revision": "0001",
    "postgres": 18,
    "files": {DATABASE: FILE, PICTURES: FILE, SECRET: FILE},
    "rows": {"projects": 1},
    "pictures": 1,
    "picture_bytes": 1,
    "lost": 0,
}


def stored(path: Path, manifest: object) -> None:
    """With the right hash: whoever makes one up computes it, too."""
    path.write_text(json.dumps({"manifest": manifest, "sha256": digest(manifest)}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"pictures": 10**400},
        {"pictures": -1},
        {"pictures": float("nan")},
        {"pictures": float("inf")},
        {"pictures": "1"},
        {"pictures": True},
        {"picture_bytes": 2**64},
        {"lost": None},
        {"postgres": 10**9},
        {"postgres": 0},
        {"postgres": [18]},
        {"revision": "x" * 100_000},
        {"revision": "\x1b[2J"},
        {"revision": "../../etc"},
        {"rows": {"projects": 1e308}},
        {"rows": []},
        {"files": {DATABASE: {"sha256": "../..", "bytes": 1}}},
        {"files": {DATABASE: {"sha256": "a" * 64, "bytes": float("nan")}}},
        {"files": None},
        {"installation": "nobody's"},
        {"name": "../../../etc/passwd"},
        {"name": "20261130T210000Z"},
        {"version": "2"},
        {"version": float("nan")},
        {"version": None},
        {"kind": "something else"},
        {"one more": "field"},
    ],
    ids=str,
)
def test_a_field_that_is_wrong_is_damage(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Whatever a made-up manifest says of sizes, types, names or fields that no version has."""
    path = tmp_path / "manifest.json"
    stored(path, GOOD)
    assert Manifest.read(path, NAME).pictures == 1
    stored(path, {**GOOD, **wrong})
    with pytest.raises(Damaged) as refused:
        Manifest.read(path, NAME)
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b'{"manifest": 3, "sha256": 4}', b"\xff\xfe", b"[" * 200_000, b"1" * 9_000],
    ids=lambda content: repr(content[:10]),
)
def test_what_is_no_manifest_is_damage(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(Damaged):
        Manifest.read(tmp_path / "manifest.json", NAME)


def test_a_manifest_of_a_later_version_is_named_as_one(tmp_path: Path) -> None:
    """Also if it has fields that this version does not know; one of version 1 knew no installation."""
    stored(tmp_path / "later", {**GOOD, "version": 3, "one more": "field"})
    with pytest.raises(BadInput, match="later version"):
        Manifest.read(tmp_path / "later", NAME)
    stored(
        tmp_path / "earlier", {name: value for name, value in GOOD.items() if name != "installation"} | {"version": 1}
    )
    assert Manifest.read(tmp_path / "earlier", NAME).installation is None


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    (tmp_path / "scratch").mkdir()
    return Destination(FolderStorage(tmp_path / "destination"), None, tmp_path / "scratch")


async def with_file(destination: Destination, file: str, content: bytes, **more: Any) -> Manifest:
    """A manifest with the true hash of one file of this content."""
    path = destination.scratch / "made-up"
    path.write_bytes(content)
    await destination.storage.put_file(f"backups/{NAME}/{file}", path)
    sha256, size = hashed(path)
    saved = SavedFile(sha256=sha256, bytes=size)
    return Manifest.model_validate({**GOOD, "files": {file: saved}, **more})


def line_of(key: str) -> bytes:
    return json.dumps({"sha256": "a" * 64, "bytes": 1, "key": key}).encode() + b"\n"


LINE = line_of("p/x/images/aa/a.png")
STREAM = zlib.compressobj(wbits=31)
LISTINGS = {
    "unpacks without end": gzip.compress(LINE * 200_000),
    "cut": gzip.compress(LINE)[:-12],
    "broken inside": STREAM.compress(LINE) + STREAM.flush(zlib.Z_FULL_FLUSH) + b"\xff" * 64,
    "not packed": b"not packed",
    "empty lines": gzip.compress(b"\n" * 100_000),
    "one long line": gzip.compress(b"x" * 50_000_000),
    "nested": gzip.compress(b"[" * 8_000),
    "a hash that is none": gzip.compress(b'{"sha256": "..", "bytes": 1, "key": "p/x.png"}\n'),
    "a size that is none": gzip.compress(b'{"sha256": "%s", "bytes": 1e400, "key": "p/x.png"}\n' % (b"a" * 64)),
    **{
        f"the key {key!r}": gzip.compress(line_of(key))
        for key in ("../../escaped.png", "/etc/passwd", "p/../../x.png", "", "p//x", ".x", "p\\x")
    },
}


@pytest.mark.parametrize("listing", LISTINGS)
async def test_a_list_that_is_made_up_is_damage(destination: Destination, tmp_path: Path, listing: str) -> None:
    """One that unpacks without end, is cut, or leads outside: the target stays as it was, and so does all beside it."""
    manifest = await with_file(destination, PICTURES, LISTINGS[listing])
    before = everything(tmp_path)
    target = FolderStorage(tmp_path / "target")
    for work in (pictures.give_back(destination, manifest, target), pictures.damaged(destination, manifest)):
        with pytest.raises(Damaged):
            await work
    assert everything(tmp_path) == before


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("secret", [b"\xff\xfe\x00", b"x" * 100_000], ids=["no text", "too long"])
async def test_a_secret_that_is_none_is_damage(destination: Destination, secret: bytes) -> None:
    with pytest.raises(Damaged, match="secret key"):
        await destination.secret(await with_file(destination, SECRET, secret))


@pytest.mark.parametrize("to", ["/dev/zero", "manifest.json", "..", "/nothing/there"])
async def test_a_link_in_place_of_a_file_is_not_followed_for_ever(
    destination: Destination, tmp_path: Path, to: str
) -> None:
    """To a device, to itself, to a folder, to nothing: as if it was not there."""
    folder = tmp_path / "destination" / "backups" / NAME
    folder.mkdir(parents=True)
    (folder / "manifest.json").symlink_to(to)
    async with asyncio.timeout(20):
        with pytest.raises(EngineError):
            await destination.manifest(NAME)


async def test_a_link_to_a_file_elsewhere_is_damage(destination: Destination, tmp_path: Path) -> None:
    """What it has is not what was saved."""
    manifest = await with_file(destination, SECRET, b"a secret")
    path = tmp_path / "destination" / "backups" / NAME / SECRET
    path.unlink()
    (tmp_path / "elsewhere").write_text("somebody's")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Damaged, match="was changed"):
        await destination.secret(manifest)
    await destination.delete_backup(NAME)
    assert (tmp_path / "elsewhere").read_text() == "somebody's"


@pytest.mark.parametrize("content", [b"", b"[]", b'{"installation": 3}', b'{"installation": "x"}', b"[" * 100_000])
async def test_an_owner_that_cannot_be_read_is_named(destination: Destination, content: bytes) -> None:
    await destination.storage.put("installation.json", content)
    with pytest.raises(Damaged, match=r"installation\.json"):
        await destination.claim(uuid4())
