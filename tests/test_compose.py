"""The compose files pass on what can be set, guard what they run, and name nothing that is not there."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own, which nothing else needs
from dotenv import dotenv_values

from engine.settings import Settings, names_of
from models import search_attributes
from scripts.env_example import FOR_COMPOSE

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
FILES = ("docker-compose.yml", "docker-compose.dev.yml")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / FILES[0]).read_text())
DEVELOPMENT: dict[str, Any] = yaml.safe_load((ROOT / FILES[1]).read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EVERY = [(file, name) for file in FILES for name in yaml.safe_load((ROOT / file).read_text())["services"]]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("inkloom:")]
# They do their work and end.
JOBS = [name for name, service in SERVICES.items() if service.get("restart") == "no"]
KNOWN = {name for field in Settings.model_fields for name in names_of(field)}
# What libraries read, beside the settings.
LIBRARIES = {"PGPASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"}


def service_of(file: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"][name]
    return found


@pytest.mark.parametrize("service", OURS)
def test_every_setting_reaches_it(service: str) -> None:
    """What the profile sets, then `.env`, whatever it holds: a new setting is not forgotten here."""
    assert SERVICES[service]["env_file"] == [
        {"path": "deploy/compose/${COMPOSE_PROFILES:-small}.env"},
        {"path": ".env", "required": False},
    ]
    assert SERVICES[service]["environment"].keys() <= KNOWN | LIBRARIES
    assert SERVICES[service]["environment"] == SERVICES["api"]["environment"]


@pytest.mark.parametrize("profile", ["small", "full"])
def test_what_a_profile_sets_is_a_setting(profile: str) -> None:
    """And nothing that the compose file would override."""
    given = dotenv_values(ROOT / "deploy" / "compose" / f"{profile}.env", interpolate=False)
    assert given.keys() <= KNOWN | LIBRARIES
    assert given.keys() & SERVICES["api"]["environment"].keys() == set()


@pytest.mark.parametrize("file", FILES)
def test_every_name_outside_of_it_is_described(file: str) -> None:
    """In `.env.example`, as a setting or as what the compose file alone reads, with the same default."""
    text = re.sub(r"^\s*#.*", "", (ROOT / file).read_text(), flags=re.MULTILINE).replace("$$", "")
    found = re.findall(r"\$\{(\w+)(?:(:[-?])((?:\$\{[^}]*\}|[^${}])*))?\}", text)
    assert {name for name, _, _ in found} <= FOR_COMPOSE.keys() | KNOWN
    for name, how, default in found:
        if name in FOR_COMPOSE and how == ":-" and default:
            assert FOR_COMPOSE[name][0] == default, name


def test_nothing_is_described_that_nothing_reads() -> None:
    text = (ROOT / FILES[0]).read_text() + (ROOT / "deploy" / "compose" / "full.env").read_text()
    assert [name for name in FOR_COMPOSE if f"${{{name}" not in text] == []


def test_a_password_may_have_any_characters() -> None:
    """It stands in no address, where it would have to be escaped; and without one, nothing starts."""
    for service in OURS:
        given = SERVICES[service]["environment"]
        assert "POSTGRES_PASSWORD" not in given["INKLOOM_DATABASE_URL"]
    given = {value for one in SERVICES.values() for value in one.get("environment", {}).values()}
    assert {value for value in given if "POSTGRES_PASSWORD" in value} == {
        "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in .env}"
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_guarded(service: str) -> None:
    """It writes where it has to, has no rights of root that it does not use, and takes no more than it is given."""
    given = SERVICES[service]
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]
    assert given["tmpfs"]
    assert {"mem_limit", "cpus", "pids_limit"} <= given.keys()
    assert "privileged" not in given
    assert given["networks"]


@pytest.mark.parametrize(("file", "service"), EVERY)
def test_no_log_fills_the_disk(file: str, service: str) -> None:
    assert service_of(file, service)["logging"]["options"].keys() >= {"max-size", "max-file"}


@pytest.mark.parametrize(("file", "service"), [one for one in EVERY if one[1] not in JOBS])
def test_what_runs_is_asked_whether_it_works(file: str, service: str) -> None:
    assert {"test", "interval", "timeout", "retries"} <= service_of(file, service)["healthcheck"].keys()


@pytest.mark.parametrize(("file", "service"), EVERY)
def test_a_service_waits_for_what_it_needs(file: str, service: str) -> None:
    """For its health, or for its end: never for a mere start."""
    for needed, how in service_of(file, service).get("depends_on", {}).items():
        expected = "service_completed_successfully" if needed in JOBS else "service_healthy"
        assert how["condition"] == expected
        # What a profile leaves out is not waited for by what it has.
        may_lack = service_of(file, needed).get("profiles") not in (None, service_of(file, service).get("profiles"))
        assert how.get("required", True) is not may_lack


def test_workers_have_time_to_finish() -> None:
    """More than the longest answer that they may wait for, by default."""
    grace = SERVICES["worker-draw"]["stop_grace_period"]
    seconds = int(grace.removeprefix("${INKLOOM_STOP_GRACE:-").removesuffix("s}"))
    default = Settings.model_construct()
    assert seconds >= max(default.writer_patience, default.artist_patience) + 30


def test_only_caddy_has_ports() -> None:
    """Temporal's servers, the database and the rest ask nobody who they are; Caddy begins on this host alone."""
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"caddy"}
    assert all(port.startswith("${INKLOOM_BIND:-127.0.0.1}:") for port in SERVICES["caddy"]["ports"])
    for service in DEVELOPMENT["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_the_api_believes_caddy_and_nobody_else() -> None:
    address = SERVICES["caddy"]["networks"]["edge"]["ipv4_address"]
    assert SERVICES["api"]["environment"]["INKLOOM_TRUSTED_PROXIES"] == f"${{INKLOOM_TRUSTED_PROXIES:-{address}}}"
    assert {name for name, service in SERVICES.items() if "edge" in service["networks"]} == {"caddy", "api", "api-2"}


def test_caddy_knows_every_process_of_the_api() -> None:
    commands = {name for name in OURS if SERVICES[name].get("command") == ["api"]}
    assert set(SERVICES["caddy"]["environment"]["INKLOOM_API_ADDRESSES"].split()) == {f"{one}:8420" for one in commands}


@pytest.mark.parametrize("service", ["worker-flow", "worker-draw"])
def test_a_worker_is_asked_about_its_own_queues(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][-1] == SERVICES[service]["command"][-1]


def test_temporal_has_every_search_attribute() -> None:
    """A workflow with one that is not registered is refused."""
    registered = " ".join(SERVICES["temporal-namespace"]["command"])
    names = registered.partition("for name in ")[2].partition(";")[0].split()
    assert names == list(search_attributes.ALL)
    options = DEVELOPMENT["services"]["temporal"]["command"]
    assert [f"--search-attribute={name}=Keyword" for name in search_attributes.ALL] == [
        option for option in options if "search-attribute" in option
    ]


def test_files_that_are_mounted_are_there() -> None:
    mounted = [volume for one in SERVICES.values() for volume in one.get("volumes", ()) if volume.startswith("./")]
    assert mounted
    assert [volume for volume in mounted if not (ROOT / volume.partition(":")[0]).is_file()] == []


def test_every_image_has_a_tag_and_was_looked_at() -> None:
    """`deploy/images.toml` lists all of them, and no others."""
    listed = tomllib.loads((ROOT / "deploy" / "images.toml").read_text())
    named = {one["image"] for one in (*SERVICES.values(), *DEVELOPMENT["services"].values())}
    named |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert {one for one in named if not one.startswith("inkloom:")} == listed.keys()
    for tag, how in listed.items():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+[\w.-]*", tag)
        assert isinstance(how["checked"], date)
        assert how["checked"] <= datetime.now(UTC).date()
        assert how["how"] in ("pulled", "named")


def composes(*words: str, env: dict[str, str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What Compose's own loader says of the file."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker client with Compose 2")
    command = [docker, "compose", "--project-directory", str(folder), "-f", str(ROOT / FILES[0]), *words]
    home = {name: os.environ[name] for name in ("PATH", "HOME")}
    return subprocess.run(command, env=home | env, capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder beside which Compose looks for `.env`, without the one of this checkout."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    return tmp_path


def test_compose_refuses_to_start_without_a_password(checkout: Path) -> None:
    said = composes("config", env={}, folder=checkout)
    assert said.returncode != 0
    assert "set POSTGRES_PASSWORD in .env" in said.stderr
    said = composes("config", env={"POSTGRES_PASSWORD": "x", "COMPOSE_PROFILES": "full"}, folder=checkout)
    assert said.returncode != 0
    assert "set AWS_ACCESS_KEY_ID in .env" in said.stderr


def test_compose_passes_on_what_an_env_file_says(checkout: Path) -> None:
    """Quotes, blanks, `#` and `$` in single quotes mean themselves."""
    hostile = {"POSTGRES_PASSWORD": "p@ss/w$o#1%41", "INKLOOM_RATES": '{"a $b": {"requests": 5}}'}
    lines = [f"{name}='{value}'" for name, value in hostile.items()]
    (checkout / ".env").write_text("\n".join([*lines, "INKLOOM_HOST=comics.example.org", "INKLOOM_STORAGE=/data/else"]))
    said = composes("config", "--format", "json", env={}, folder=checkout)
    assert said.returncode == 0, said.stderr
    services = json.loads(said.stdout)["services"]
    given = services["worker-flow"]["environment"]
    # As a compose file would have it, in which a dollar sign is doubled.
    assert given["PGPASSWORD"].replace("$$", "$") == hostile["POSTGRES_PASSWORD"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == given["PGPASSWORD"]
    assert given["INKLOOM_RATES"].replace("$$", "$") == hostile["INKLOOM_RATES"]
    assert given["INKLOOM_ALLOWED_HOSTS"] == "comics.example.org,127.0.0.1"
    assert given["INKLOOM_STORAGE"] == "/data/else"
    assert "object-store" not in services


def test_compose_starts_more_with_the_full_profile(checkout: Path) -> None:
    env = {
        "POSTGRES_PASSWORD": "x",
        "COMPOSE_PROFILES": "full",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    said = composes("config", "--format", "json", env=env, folder=checkout)
    assert said.returncode == 0, said.stderr
    services = json.loads(said.stdout)["services"]
    assert services.keys() == SERVICES.keys()
    assert services["api-2"]["environment"]["INKLOOM_CACHE_URL"] == "redis://redis:6379/0"
    assert services["object-store"]["environment"]["AWS_ACCESS_KEY_ID"] == "key"
