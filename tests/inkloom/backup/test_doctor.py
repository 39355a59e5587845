"""What `doctor` says of the scheduled backups."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.backup.manifest import NAME
from engine.settings import Settings
from inkloom.backup.opening import SCRATCH, opened
from inkloom.local.doctor_backups import found

pytestmark = pytest.mark.unit


def settings_of(folder: Path, **more: object) -> Settings:
    return Settings(data=folder / "data", backup_to=str(folder / "destination"), **more)  # type: ignore[arg-type]  # named


def backed_up(folder: Path, hours: float, *, whole: bool = True) -> None:
    """A backup of that age."""
    name = (datetime.now(UTC) - timedelta(hours=hours)).strftime(NAME)
    backup = folder / "destination" / "backups" / name
    backup.mkdir(parents=True)
    (backup / ("manifest.json.encrypted" if whole else "database.dump")).touch()


async def test_no_destination_is_no_fault(tmp_path: Path) -> None:
    ok, said, _ = await found(Settings(data=tmp_path))
    assert ok
    assert "INKLOOM_BACKUP_TO" in said


async def test_its_age_is_told_and_too_old_a_one_is_a_fault(tmp_path: Path) -> None:
    """Twice the period: then at least one was missed. One that was cut off is none."""
    ok, said, fix = await found(settings_of(tmp_path))
    assert (ok, "none yet" in said, "python -m inkloom backup" in fix) == (False, True, True)
    backed_up(tmp_path, 50)
    backed_up(tmp_path, 1, whole=False)
    ok, said, _ = await found(settings_of(tmp_path))
    assert (ok, "50.0 hours old" in said) == (False, True)
    assert (await found(settings_of(tmp_path, backup_hours=26)))[0]
    backed_up(tmp_path, 47)
    assert (await found(settings_of(tmp_path)))[:1] == (True,)
    assert not (tmp_path / "data").exists()


def test_an_empty_setting_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose passes on what is empty in `.env`."""
    monkeypatch.setenv("INKLOOM_BACKUP_TO", "")
    monkeypatch.setenv("INKLOOM_BACKUP_KEY_FILE", "")
    given = Settings(data=tmp_path)
    assert (bool(given.backup_to), given.backup_key_file) == (False, None)


async def test_leftovers_of_killed_backups_go(tmp_path: Path) -> None:
    """What a killed process had on its way. What is in use stays, and so does what users named themselves."""
    for name, days in ((f"{SCRATCH}old", 2), (f"{SCRATCH}new", 0), ("backup-of-may", 2), ("backup-", 2)):
        left = tmp_path / "data" / name
        left.mkdir(parents=True)
        (left / "database").touch()
        at = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        os.utime(left, (at, at))
    async with opened(settings_of(tmp_path), None, None) as destination:
        there = {path.name for path in (tmp_path / "data").iterdir()}
        assert there == {f"{SCRATCH}new", "backup-of-may", "backup-", destination.scratch.name}


async def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the destination and in the key file's path."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "backup.key").write_text("0123456789abcdef" * 4)
    backed_up(tmp_path, 1)
    ok, said, _ = await found(settings_of(Path("~"), backup_key_file=Path("~/backup.key")))
    assert (ok, "1.0 hours old" in said) == (True, True)
    ok, said, _ = await found(settings_of(tmp_path, backup_key_file=Path("~nobody-of-this-name/backup.key")))
    assert (ok, "home folder" in said) == (False, True)


async def test_what_cannot_be_used_is_a_fault(tmp_path: Path) -> None:
    """The key file is gone, the destination is a file, or it lies among the pictures: all lead to backups that fail."""
    backed_up(tmp_path, 1)
    ok, said, _ = await found(settings_of(tmp_path, backup_key_file=tmp_path / "none"))
    assert (ok, "openssl rand" in said) == (False, True)
    (tmp_path / "file").touch()
    ok, said, _ = await found(Settings(data=tmp_path, backup_to=str(tmp_path / "file")))
    assert (ok, "is a file" in said) == (False, True)
    ok, said, _ = await found(Settings(data=tmp_path, backup_to=str(tmp_path / "pictures" / "backups")))
    assert (ok, "INKLOOM_STORAGE" in said) == (False, True)
