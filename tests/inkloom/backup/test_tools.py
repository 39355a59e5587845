"""Which of Postgres's programs are taken."""

from pathlib import Path

import pytest

from engine.errors import NotConfigured
from inkloom.backup.tools import tool
from inkloom.local.postgres_home import programs

pytestmark = pytest.mark.unit


def install(folder: Path, version: int) -> None:
    folder.mkdir(parents=True)
    program = folder / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "pg_dump (PostgreSQL) {version}.3"\n')
    program.chmod(0o755)


def test_the_embedded_one_is_taken_for_its_server() -> None:
    """Not the older one that the system has on its PATH."""
    newest = max(programs())
    assert tool("pg_dump", newest) == programs()[newest] / "pg_dump"
    assert tool("pg_restore", newest) == programs()[newest] / "pg_restore"


def test_the_next_later_one_is_taken_and_no_earlier_one(tmp_path: Path) -> None:
    """From where packages install: an earlier one refuses the server."""
    newest = max(programs())
    for version in (newest + 1, newest + 3, newest + 4):
        install(tmp_path / str(version) / "bin", version)
    broken = tmp_path / "broken" / "bin"
    broken.mkdir(parents=True)
    (broken / "pg_dump").write_text("no program")
    found = tool("pg_dump", newest + 2, [f"{tmp_path}/*/bin"])
    assert found == tmp_path / str(newest + 3) / "bin" / "pg_dump"


def test_without_one_the_version_that_is_needed_is_named() -> None:
    with pytest.raises(NotConfigured, match=r"Postgres 99.*postgresql-client-99") as refused:
        tool("pg_dump", 99)
    assert str(max(programs())) in refused.value.message
