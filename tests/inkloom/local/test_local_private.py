"""Other accounts of the machine read nothing of the data folder, and Postgres still runs."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from engine.settings import Settings
from engine.storage.folder import FolderStorage
from inkloom.local.commands import Commands
from inkloom.local.postgres import Postgres
from inkloom.local.private import close
from inkloom.local.stack import Stack

pytestmark = pytest.mark.integration


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(data: Path) -> dict[str, str]:
    """Everything below the folder that another account may use, and how."""
    return {str(path.relative_to(data)): oct(mode(path)) for path in data.rglob("*") if mode(path) & 0o077}


def made_before(data: Path) -> None:
    """As earlier versions left it."""
    for name in ("logs/api.log", "temporal/temporal.db", "pictures/p/1/a.png", "exports/book.pdf", "stack.json"):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
        path.chmod(0o644)
    for folder in (data, *(path for path in data.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


async def test_old_and_new_files_are_closed(data: Path, commands: Commands) -> None:
    """Those that were there, those that the supervisor writes, and those that its children write."""
    made_before(data)
    program = data / "program"
    program.write_text("#!/bin/sh")
    program.chmod(0o755)
    outside = data.parent / "outside"
    outside.write_text("another's")
    outside.chmod(0o644)
    (data / "link").symlink_to(outside)
    settings = Settings(data=data, api_port=0, database_url="postgresql://nowhere/x", temporal_address="127.0.0.1:1")
    written = data / "written"
    code = f"import os; os.mkdir({str(written)!r}); open({str(written / 'file')!r}, 'w').close()"
    settled = Commands(migrate=(commands.migrate[0], "-c", code), workers=commands.workers, api=commands.api)
    async with Stack(settings, api=True, report=print, commands=settled):
        (data / "link").unlink()
        assert open_to_others(data) == {}
        assert (mode(data), mode(written), mode(written / "file")) == (0o700, 0o700, 0o600)
        assert (mode(data / "logs"), mode(data / "logs" / "api.log"), mode(data / "stack.json")) == (
            0o700,
            0o600,
            0o600,
        )
        assert (mode(program), mode(outside)) == (0o700, 0o644)


async def test_the_database_is_still_reached(data: Path) -> None:
    """Under root, its account passes through a folder that it can neither list nor read."""
    made_before(data)
    close(data, embedded_database=True)
    assert mode(data) == (0o710 if os.geteuid() == 0 else 0o700)
    postgres = Postgres(data, data / "logs" / "postgres.log")
    process = await postgres.launch()
    try:
        assert postgres.home.folder.parent == data
        async with await psycopg.AsyncConnection.connect(postgres.url) as connection:
            await connection.execute("SELECT 1")
        close(data, embedded_database=True)
        if (account := postgres.home.account) is not None:
            assert data.stat().st_gid == account.gid  # noqa: ASYNC240 - a test
            assert account.can("x", data)
            assert not account.can("r", data)
            assert not account.can("r", data / "stack.json")
    finally:
        await postgres.end(process)
    assert open_to_others(data) == {}


async def test_pictures_are_private(tmp_path: Path) -> None:
    """Also where no supervisor closes the folder: pictures and exports are stored like this."""
    storage = FolderStorage(tmp_path / "pictures")
    await storage.put("p/1/a.png", b"a")
    (tmp_path / "book").write_bytes(b"b")
    await storage.put_file("p/1/deep/er/book.pdf", tmp_path / "book")
    assert open_to_others(tmp_path / "pictures") == {}
    assert mode(tmp_path / "pictures") == 0o700
