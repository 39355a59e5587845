"""`docker-compose.yml` passes on what can be set, leaves time to finish, and lets no log fill the disk."""

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its types are a package of their own, which nothing else needs

from engine.secret_files import SUFFIX
from engine.settings import Settings, is_secret, variable_of
from models import search_attributes

pytestmark = pytest.mark.unit

FILE = Path(__file__).parent.parent / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
DEVELOPMENT: dict[str, Any] = yaml.safe_load(FILE.with_name("docker-compose.dev.yml").read_text())
OURS = ("api", "worker-flow", "worker-draw")
# What the file decides itself, or what means nothing in a container.
DECIDED = {
    *(
        "INKLOOM_DATA",
        "INKLOOM_DATABASE_URL",
        "INKLOOM_DATABASE_PASSWORD",
        "INKLOOM_STORAGE",
        "TEMPORAL_ADDRESS",
        "TEMPORAL_NAMESPACE",
    ),
    *("INKLOOM_API_HOST", "INKLOOM_API_PORT", "INKLOOM_ALLOW_REMOTE", "INKLOOM_LOCAL_OWNER"),
    *("INKLOOM_TEMPORAL_UI_PORT", "INKLOOM_TEMPORAL_UI_URL"),
    # Files, which need a volume: name both in an override of this file.
    *("INKLOOM_C2PA_CERTIFICATE", "INKLOOM_C2PA_KEY", "INKLOOM_C2PA_ALGORITHM", "INKLOOM_C2PA_TIMESTAMPS"),
}


@pytest.mark.parametrize("service", OURS)
def test_every_setting_is_passed_on(service: str) -> None:
    """From the shell or `.env`, to the API and all workers alike; a new setting is not forgotten here."""
    given = COMPOSE["services"][service]["environment"]
    passed = {name for name, value in given.items() if value is None}
    wanted = {variable_of(name) for name in Settings.model_fields} - DECIDED
    # Secrets may be in files, which Compose mounts under /run/secrets.
    wanted |= {f"{variable_of(name)}{SUFFIX}" for name in Settings.model_fields if is_secret(name)} - {
        f"{name}{SUFFIX}" for name in DECIDED
    }
    assert wanted - passed == set()


def test_a_password_may_have_any_characters() -> None:
    """It stands in no address, where it would have to be escaped."""
    for service in (*OURS, "migrate"):
        given = COMPOSE["services"][service]["environment"]
        assert "POSTGRES_PASSWORD" not in given["INKLOOM_DATABASE_URL"]
        assert given["PGPASSWORD"].startswith("${POSTGRES_PASSWORD:?")


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if "restart" in COMPOSE["services"][name]])
def test_no_log_fills_the_disk(service: str) -> None:
    assert COMPOSE["services"][service]["logging"]["options"].keys() >= {"max-size", "max-file"}


def test_workers_have_time_to_finish() -> None:
    """More than the longest answer that they may wait for, by default."""
    grace = COMPOSE["services"]["worker-draw"]["stop_grace_period"]
    seconds = int(grace.removeprefix("${INKLOOM_STOP_GRACE:-").removesuffix("s}"))
    default = Settings.model_construct()
    assert seconds >= max(default.writer_patience, default.artist_patience) + 30


def test_temporal_has_no_port_outside() -> None:
    """Its own servers ask nobody who they are."""
    open_services = {name for name, service in COMPOSE["services"].items() if "ports" in service}
    assert open_services == {"api"}
    assert COMPOSE["services"]["api"]["ports"] == ["127.0.0.1:8420:8420"]


def test_temporal_has_every_search_attribute() -> None:
    """A workflow with one that is not registered is refused."""
    registered = " ".join(COMPOSE["services"]["temporal-namespace"]["command"])
    names = registered.partition("for name in ")[2].partition(";")[0].split()
    assert names == list(search_attributes.ALL)
    options = DEVELOPMENT["services"]["temporal"]["command"]
    assert [f"--search-attribute={name}=Keyword" for name in search_attributes.ALL] == [
        option for option in options if "search-attribute" in option
    ]
