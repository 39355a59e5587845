"""`storage move`: everything arrives whole, nothing is missing meanwhile, and an interruption costs nothing."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from engine.errors import BadInput, NotFound, StorageError
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from engine.storage.keys import content_key
from engine.storage.moving import MovingStorage
from engine.storage.open import open_storage
from engine.store.removals import thumbnail_key
from inkloom.storage_move import DONE, WAITS, WITH_FAILURES, move, move_command
from tests.s3_server import BUCKET, KEYS, PATIENCE, S3Server, fresh_prefix

pytestmark = pytest.mark.integration

PROJECT = uuid4()
OLD_KEY = "images/ab/of-an-earlier-version.png"


def picture(text: str) -> tuple[str, bytes]:
    data = text.encode() * 100
    return content_key(PROJECT, "images", hashlib.sha256(data).hexdigest(), "png"), data


async def filled(storage: FolderStorage, many: int = 20) -> dict[str, bytes]:
    """Pictures, a thumbnail, and a key of an earlier version."""
    things = dict(picture(f"picture {number} ") for number in range(many))
    things[thumbnail_key(PROJECT, "ab" * 32, 256)] = b"a thumbnail"
    things[OLD_KEY] = b"an old one"
    for key, data in things.items():
        await storage.put(key, data)
    return things


def local(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def quiet(_: str) -> None:
    pass


class Counting(FolderStorage):
    """Counts what is read and written; fails where a test says so."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.written: list[str] = []
        self.stop_after: int | None = None
        self.alters = ""

    async def put_file(self, key: str, path: Path) -> None:
        if self.stop_after is not None and len(self.written) >= self.stop_after:
            raise RuntimeError("killed by a test")
        self.written.append(key)
        if key == self.alters:
            await super().put(key, b"something else")
        await super().put_file(key, path)


async def test_everything_arrives_and_a_second_run_copies_nothing(tmp_path: Path) -> None:
    old, new = FolderStorage(tmp_path / "old"), Counting(tmp_path / "new")
    things = await filled(old)
    dry = await move(old, new, quiet, dry_run=True)
    assert (dry.objects, dry.copied, new.written) == (len(things), len(things), [])
    moved = await move(old, new, quiet)
    assert (moved.objects, moved.copied, moved.there) == (len(things), len(things), 0)
    assert moved.bytes == dry.bytes == sum(map(len, things.values()))
    assert local(new.root) == local(old.root) == things
    again = await move(old, new, quiet)
    assert (again.copied, again.there, again.repaired) == (0, len(things), 0)
    assert len(new.written) == len(things)


async def test_an_interrupted_run_is_continued(tmp_path: Path) -> None:
    """What had arrived is not copied again, and all of it is compared."""
    old, new = FolderStorage(tmp_path / "old"), Counting(tmp_path / "new")
    things = await filled(old)
    new.stop_after = 7
    with pytest.raises(ExceptionGroup):
        await move(old, new, quiet)
    assert 0 < len(local(new.root)) < len(things)
    new.stop_after = None
    moved = await move(old, new, quiet)
    assert moved.copied + moved.there == len(things)
    assert 0 < moved.there < len(things)
    assert local(new.root) == things


@pytest.mark.parametrize("what", ["picture", "thumbnail"])
async def test_other_bytes_in_the_new_place_are_replaced(tmp_path: Path, what: str) -> None:
    """Whether their key names their hash or not."""
    old, new = FolderStorage(tmp_path / "old"), FolderStorage(tmp_path / "new")
    things = await filled(old)
    key = next(key for key in things if f"/{what[:5]}" in f"/{key.replace('images', 'picture')}")
    await new.put(key, things[key][:-1])
    moved = await move(old, new, quiet)
    assert (moved.there, moved.repaired) == (0, 1)
    assert local(new.root) == things


async def test_bytes_that_do_not_come_back_are_a_failure(tmp_path: Path) -> None:
    """The others are copied all the same."""
    old, new = FolderStorage(tmp_path / "old"), Counting(tmp_path / "new")
    things = await filled(old)
    new.alters = next(iter(things))
    moved = await move(old, new, quiet)
    assert moved.failed == {new.alters: "other bytes came back than were stored"}
    assert moved.copied == len(things) - 1


async def test_damage_at_the_source_is_told_and_copied(tmp_path: Path) -> None:
    old, new = FolderStorage(tmp_path / "old"), FolderStorage(tmp_path / "new")
    things = await filled(old)
    damaged = next(iter(things))
    (old.root / damaged).write_bytes(b"bits have rotted")
    moved = await move(old, new, quiet)
    assert moved.damaged == [damaged]
    assert local(new.root) == {**things, damaged: b"bits have rotted"}


async def test_what_is_deleted_meanwhile_stays_deleted(tmp_path: Path) -> None:
    """A deletion reaches both places; one that comes between reading and writing does, too."""
    both = MovingStorage(FolderStorage(tmp_path / "new"), FolderStorage(tmp_path / "old"))
    old = FolderStorage(tmp_path / "old")
    things = await filled(old)
    gone = next(iter(things))

    class Late(FolderStorage):
        async def put_file(self, key: str, path: Path) -> None:
            if key == gone:
                await both.delete([key])
            await super().put_file(key, path)

    moved = await move(old, Late(tmp_path / "new"), quiet)
    assert moved.gone == 1
    assert gone not in local(tmp_path / "new")
    with pytest.raises(NotFound):
        await both.get(gone)


async def test_nothing_is_missing_while_it_moves(tmp_path: Path) -> None:
    """A reader finds every picture at any moment, and what is stored meanwhile is where it belongs."""
    old, new = FolderStorage(tmp_path / "old"), FolderStorage(tmp_path / "new")
    both = MovingStorage(new, old)
    things = await filled(old, 40)
    moving = asyncio.create_task(move(old, new, quiet))
    reads = 0
    while not moving.done() or not reads:
        for key, data in things.items():
            assert await both.get(key) == data
            reads += 1
        await both.put(*picture("stored meanwhile"))
    await moving
    assert local(new.root) == {**things, **dict([picture("stored meanwhile")])}


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


async def test_the_settings_make_the_switch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each run says which setting comes next, until the old place is not needed any more."""
    old, new = str(tmp_path / "old"), str(tmp_path / "new")
    things = await filled(FolderStorage(Path(old)))
    settings = Settings(data=tmp_path, storage=old)
    with pytest.raises(BadInput, match="INKLOOM_STORAGE_ALSO="):
        await move_command(settings, new, dry_run=False, as_json=True)
    assert await move_command(settings, new, dry_run=True, as_json=True) == DONE
    assert told(capsys)["copied"] == len(things)
    assert local(Path(new)) == {}
    reading_both = Settings(data=tmp_path, storage=old, storage_also=new)
    assert await move_command(reading_both, new, dry_run=False, as_json=True) == WAITS
    assert f"INKLOOM_STORAGE={new} and INKLOOM_STORAGE_ALSO={old}" in told(capsys)["next"]
    await open_storage(reading_both).put(*picture("stored since"))
    switched = Settings(data=tmp_path, storage=new, storage_also=old)
    assert await open_storage(switched).get(picture("stored since")[0]) == picture("stored since")[1]
    assert await move_command(switched, f"{new}/", dry_run=False, as_json=True) == DONE
    answer = told(capsys)
    assert (answer["copied"], answer["there"]) == (1, len(things))
    assert "Unset INKLOOM_STORAGE_ALSO" in answer["next"]
    assert len(local(Path(new))) == len(things) + 1
    with pytest.raises(BadInput, match="already"):
        await move_command(Settings(data=tmp_path, storage=new), new, dry_run=False, as_json=True)
    with pytest.raises(BadInput, match="DESTINATION must be a folder or s3://"):
        await move_command(settings, "ftp://elsewhere", dry_run=True, as_json=True)
    (Path(old) / next(iter(things))).write_bytes(b"rotten")
    (Path(new) / next(iter(things))).unlink()
    assert await move_command(switched, new, dry_run=False, as_json=False) == WITH_FAILURES
    assert "damaged at the source" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
async def test_from_a_folder_to_s3_and_back(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same keys and the same bytes in all three places."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    prefix = fresh_prefix()
    places = [str(tmp_path / "old"), f"s3://{BUCKET}/{prefix}", str(tmp_path / "new")]
    things = await filled(FolderStorage(Path(places[0])))
    for here, there in pairwise(places):
        settings = Settings(data=tmp_path, storage=there, storage_also=here, aws_region="us-east-1")
        assert await move_command(settings, there, dry_run=False, as_json=True) == DONE
        assert told(capsys)["copied"] == len(things)
    assert await s3.everything(prefix) == things == local(Path(places[2]))


async def test_a_place_that_is_away_is_an_error_and_not_a_missing_picture(tmp_path: Path) -> None:
    """Only where the new place says that it has nothing is the old one asked."""

    class Away(FolderStorage):
        async def get(self, key: str) -> bytes:
            raise StorageError("It does not answer.")

        async def delete(self, keys: Sequence[str]) -> None:
            raise StorageError("It does not answer.")

    old = FolderStorage(tmp_path / "old")
    things = await filled(old, 1)
    both = MovingStorage(Away(tmp_path / "new"), old)
    with pytest.raises(StorageError):
        await both.get(next(iter(things)))


async def test_a_source_that_goes_away_costs_nothing_that_was_copied(tmp_path: Path) -> None:
    """An unmounted disk looks like a folder in which all was deleted: the copies may be all that is left."""
    old, new = FolderStorage(tmp_path / "old"), FolderStorage(tmp_path / "new")
    things = await filled(old)

    class Unmounted(FolderStorage):
        left = len(things)

        async def put_file(self, key: str, path: Path) -> None:
            await super().put_file(key, path)
            self.left -= 1
            if not self.left:
                old.root.rename(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match="lists nothing any more"):
        await move(old, Unmounted(tmp_path / "new"), quiet)
    assert local(new.root) == things


@pytest.mark.parametrize("switched", [False, True])
async def test_an_empty_source_is_no_reason_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], switched: bool
) -> None:
    """It may not be mounted: then nothing is said that would lead to deleting it, or to switching."""
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    settings = Settings(storage=other if switched else one, storage_also=one if switched else other)
    assert await move_command(settings, other, dry_run=False, as_json=False) == WAITS
    said = capsys.readouterr().out
    assert "check that it is mounted" in said
    assert "may be deleted" not in said


async def test_an_empty_second_place_is_none(tmp_path: Path) -> None:
    """Compose passes on `INKLOOM_STORAGE_ALSO=`, which is not the folder that the command happens to run in."""
    settings = Settings(storage=str(tmp_path), storage_also="")
    with pytest.raises(BadInput, match="INKLOOM_STORAGE_ALSO"):
        await move_command(settings, str(tmp_path), dry_run=False, as_json=False)


async def test_a_move_can_be_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the middle, and after the switch, with pictures stored in the new place since: all of them come back."""
    first, second = FolderStorage(tmp_path / "first"), Counting(tmp_path / "second")
    things = await filled(first)
    second.stop_after = 5
    with pytest.raises(ExceptionGroup):
        await move(first, second, quiet)
    late = picture("stored after the switch ")
    switched = Settings(storage=str(second.root), storage_also=str(first.root))
    await open_storage(switched).put(*late)
    assert await move_command(switched, str(first.root), dry_run=False, as_json=False) == WAITS
    assert f"INKLOOM_STORAGE={first.root}" in capsys.readouterr().out
    assert local(first.root) == {**things, late[0]: late[1]}
    back = Settings(storage=str(first.root), storage_also=str(second.root))
    assert await move_command(back, str(first.root), dry_run=False, as_json=False) == DONE
    assert local(first.root) == {**things, late[0]: late[1]}


async def test_moves_in_both_directions_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two operators who disagree: each place has everything in the end."""
    one, other = FolderStorage(tmp_path / "one"), FolderStorage(tmp_path / "other")
    things = await filled(one)
    more = dict(picture(f"only there {number} ") for number in range(20))
    for key, data in more.items():
        await other.put(key, data)
    both = await asyncio.gather(move(one, other, quiet), move(other, one, quiet))
    assert [moved.failed for moved in both] == [{}, {}]
    assert local(one.root) == local(other.root) == {**things, **more}
