"""`admin users`: what an operator does with accounts takes effect where accounts are used."""

import io
import json
import sys
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient, Response

from engine.db.session import Database
from engine.errors import BadInput, Conflict, NotFound
from engine.settings import Settings
from engine.store import operating
from engine.store.projects import local_owner
from inkloom.admin import users
from inkloom.version import PROJECT, version
from tests.api.conftest import PASSWORD, registered, serving
from tests.support.command_line import inkloom_here
from tests.support.servers import NOWHERE, migrated_database

pytestmark = pytest.mark.integration


@pytest.fixture
async def installation(settings: Settings, database_url: str, tmp_path: Any) -> Settings:
    """One with a database of its own, whose first account is its owner."""
    told = {
        "data": tmp_path,
        "storage": str(tmp_path / "pictures"),
        "database_url": await migrated_database(database_url, f"admin_{uuid4().hex[:8]}"),
        "temporal_address": NOWHERE,
        "secret_key": "a secret of the tests",
        "local_owner": True,
    }
    return Settings.model_validate(told)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


async def log_in(api: AsyncClient, email: str, password: str = PASSWORD) -> Response:
    return await api.post("/api/v1/auth/login", data={"username": email, "password": password})


async def test_a_disabled_account_is_out_and_comes_back(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its logins and tokens end and no one can log in; enabled, it logs in again, but its old tokens stay ended."""
    async with serving(installation) as api:
        await registered(api, "owner@example.org")
        login = {"Authorization": await registered(api, "ada@example.org")}
        made = await api.post("/api/v1/auth/tokens", headers=login, json={"name": "script", "scopes": ["read"]})
        token = {"Authorization": f"Bearer {made.json()['token']}"}
        assert (await api.get("/api/v1/projects", headers=token)).status_code == 200
    assert await users.disable_command(installation, "ADA@example.org", as_json=True) == 0
    assert told(capsys)["disabled_at"]
    # Another process of the API: what one remembers about a login lasts seconds.
    async with serving(installation) as api:
        for headers in (login, token):
            assert (await api.get("/api/v1/projects", headers=headers)).status_code == 401
        refusal = await log_in(api, "ada@example.org")
        assert (refusal.status_code, refusal.json()["detail"]) == (
            403,
            "This account is disabled. Ask those who run this installation.",
        )
        assert (await log_in(api, "ada@example.org", "a wrong one")).status_code == 401
        assert await users.enable_command(installation, "ada@example.org", as_json=True) == 0
        assert (await log_in(api, "ada@example.org")).status_code == 200
        assert (await api.get("/api/v1/projects", headers=token)).status_code == 401


async def test_a_password_is_made_or_taken_from_stdin(
    installation: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old one and its logins end. A weak one is refused, and changes nothing."""
    async with serving(installation) as api:
        login = {"Authorization": await registered(api, "ada@example.org")}
    assert await users.password_command(installation, "ada@example.org", None, as_json=True) == 0
    made = told(capsys)["password"]
    async with serving(installation) as api:
        assert (await api.get("/api/v1/projects", headers=login)).status_code == 401
        assert (await log_in(api, "ada@example.org")).status_code == 401
        assert (await log_in(api, "ada@example.org", made)).status_code == 200
        with pytest.raises(BadInput):
            await users.password_command(installation, "ada@example.org", "password12\n", as_json=True)
        assert (await log_in(api, "ada@example.org", made)).status_code == 200
        given = "lantern-orbit-gravel-9"
        assert await users.password_command(installation, "ada@example.org", f"{given}\n", as_json=True) == 0
        assert "password" not in told(capsys)
        assert (await log_in(api, "ada@example.org", given)).status_code == 200


async def test_who_runs_the_installation(installation: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator sees its workers, until that is taken back; another owner takes the place of the present one."""
    async with serving(installation) as api:
        await registered(api, "owner@example.org")
        login = {"Authorization": await registered(api, "ada@example.org")}

        async def status() -> int:
            return (await api.get("/api/v1/workers", headers=login)).status_code

        assert await status() == 403
        await users.operator_command(installation, "ada@example.org", True, as_json=True)
        # There is no Temporal to ask for the workers.
        assert await status() == 503
        await users.operator_command(installation, "ada@example.org", False, as_json=True)
        assert await status() == 403
        await users.owner_command(installation, "ada@example.org", as_json=True)
        assert await status() == 503
    capsys.readouterr()
    await users.list_command(installation, like="", disabled=None, operators=True, as_json=True)
    [listed] = told(capsys)["users"]
    assert (listed["email"], listed["owner"], listed["logins"]) == ("ada@example.org", True, 1)
    with pytest.raises(Conflict, match="Make another account the owner first"):
        await users.disable_command(installation, "ada@example.org", as_json=True)
    with pytest.raises(NotFound, match=r"There is no account nobody@example\.org"):
        await users.disable_command(installation, "nobody@example.org", as_json=True)


async def test_an_owner_whom_no_one_has_claimed_stays(installation: Settings) -> None:
    """Otherwise no one could reach what the command line has made."""
    async with serving(installation.model_copy(update={"local_owner": False})) as api:
        await registered(api, "ada@example.org")
    database = Database(installation.database_url or "", pool_size=1)
    async with database.session() as session:
        owner = await local_owner(session)
        with pytest.raises(Conflict, match="has not been claimed"):
            await operating.make_owner(session, await operating.find(session, "ada@example.org"))
        with pytest.raises(Conflict, match="No one has claimed this account yet"):
            await operating.set_password(session, await operating.find(session, str(owner)), "a hash")
    await database.close()


async def test_accounts_are_found(installation: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """By a part of their address, whatever it contains, and by whether they are disabled; as lines, too."""
    async with serving(installation) as api:
        for name in ("ada", "bob", "100%_sure"):
            await registered(api, f"{name}@example.org")
    await users.disable_command(installation, "bob@example.org", as_json=True)

    async def found(**how: Any) -> list[str]:
        capsys.readouterr()
        await users.list_command(
            installation, **{"like": "", "disabled": None, "operators": False, **how}, as_json=True
        )
        return [one["email"].partition("@")[0] for one in told(capsys)["users"]]

    assert await found() == ["ada", "bob", "100%_sure"]
    assert await found(like="%_s") == ["100%_sure"]
    assert await found(disabled=True) == ["bob"]
    assert await found(disabled=False) == ["ada", "100%_sure"]
    await users.list_command(installation, like="bob", disabled=None, operators=False, as_json=False)
    head, line = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "account"
    assert line.split()[0] == "bob@example.org"
    assert "disabled" in line


def test_what_ends_something_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no one can answer, nothing happens without --yes; a password is no argument."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    commands: list[tuple[str, ...]] = [("disable", "a@b.c"), ("owner", "a@b.c"), ("password", "a@b.c")]
    for command in commands:
        for more in ((), ("--json",)):
            ran = inkloom_here("admin", "users", *command, *more, INKLOOM_DATABASE_URL=f"postgresql://n@{NOWHERE}/n")
            assert ran.returncode == 2
            assert "--yes" in ran.stderr
    assert inkloom_here("admin", "users", "password", "a@b.c", "secret-words").returncode == 2


def test_the_version_is_the_project_s() -> None:
    """`--version` says what `pyproject.toml` says."""
    ran = inkloom_here("--version")
    assert (ran.returncode, ran.stdout) == (0, f"inkloom {version()}\n")
    assert f'version = "{version()}"' in PROJECT.read_text()
