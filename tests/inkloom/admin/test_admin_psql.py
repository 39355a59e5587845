"""`admin psql` opens the configured database; the password is in the environment alone."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import URL

from engine.errors import NotConfigured
from engine.settings import Settings
from inkloom.admin.psql import environment, psql_command, psql_program
from tests.support.command_line import inkloom

pytestmark = pytest.mark.integration


def test_it_runs_what_follows_on_the_database(database_url: str) -> None:
    """The database of the settings answers, and psql's exit code is the command's."""
    ran = inkloom("admin", "psql", "--", "-XAtc", "SELECT current_database()", INKLOOM_DATABASE_URL=database_url)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == database_url.partition("?")[0].rpartition("/")[2]
    wrong = inkloom("admin", "psql", "--", "-Xc", "SELECT nothing", INKLOOM_DATABASE_URL=database_url)
    assert wrong.returncode == 1


@pytest.mark.parametrize("password", ["plain", "p@ss/word#1", "abc%41d", "a b'c\"$d", "mit-ü"])
def test_any_password_reaches_psql_whole(password: str) -> None:
    """As the address has it, percent signs undone."""
    url = URL.create("postgresql", "ada", password, "db.example.org", 5433, "comics", {"sslmode": "require"})
    with environment(url.render_as_string(hide_password=False)) as given:
        found = given
    names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE")
    assert [found[name] for name in names] == ["ada", password, "db.example.org", "5433", "comics", "require"]


def test_another_address_in_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of psql that the address does not set would lead elsewhere."""
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGPASSWORD", "of another server")
    with environment("postgresql://ada@localhost/comics") as given:
        found = given
    assert "PGHOSTADDR" not in found
    assert "PGPASSWORD" not in found


async def test_an_embedded_database_that_is_down_is_not_started(tmp_path: Path) -> None:
    """It would stop with the process that becomes psql."""
    with pytest.raises(NotConfigured, match="python -m inkloom up"):
        await psql_command(Settings(data=tmp_path), [])


def test_the_program_is_there() -> None:
    """The one of the embedded Postgres."""
    said = subprocess.run([psql_program(), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("psql (PostgreSQL)")


def test_a_parameter_without_a_variable_reaches_psql_too(tmp_path: Path) -> None:
    """Such as the password of a client's key: in a file that has no name."""
    with environment("postgresql://ada@localhost/comics?sslpassword=a%20secret&keepalives=1") as given:
        assert "a secret" not in str(given)
        shell = ["/bin/sh", "-c", 'cat "$PGSERVICEFILE"']
        said = subprocess.run(shell, env=given, close_fds=False, capture_output=True, text=True, check=True).stdout
        assert set(said.splitlines()) == {f"[{given['PGSERVICE']}]", "sslpassword=a secret", "keepalives=1"}
