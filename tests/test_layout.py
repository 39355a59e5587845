"""The house: what lies where, and how big a room may be."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ["api", "workflows", "activities", "engine", "models", "inkloom"]

pytestmark = pytest.mark.unit


def tracked(suffix: str) -> list[Path]:
    """The project's own files, without what was built or installed."""
    return [
        path
        for path in ROOT.rglob(f"*{suffix}")
        if not any(
            part in {".venv", ".git", ".inkloom", "out", "node_modules"} for part in path.relative_to(ROOT).parts
        )
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_resolves_to_this_checkout(package: str) -> None:
    """`models` and the like are common names: the ones that run must be ours."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(ROOT)


@pytest.mark.parametrize(
    "entry",
    [
        "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml", "requirements.lock",
        "requirements-dev.lock", "requirements-setup.lock",
        ".importlinter", "docker-compose.yml", "docker-compose.dev.yml", "Dockerfile", ".dockerignore", ".ci/run",
        "docs/architecture.md", "docs/database.md", "docs/settings.md", "migrations", "examples", "bench", "scripts",
    ],
)  # fmt: skip
def test_every_room_is_there(entry: str) -> None:
    """The layout is a contract: others look for these by name."""
    assert (ROOT / entry).exists()


def test_no_module_is_longer_than_five_hundred_lines() -> None:
    """A file that long holds more than one capability."""
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in tracked(".py")}
    assert {path: length for path, length in lengths.items() if length > 500} == {}


def test_no_room_for_leftovers() -> None:
    """A module is named after what it does."""
    banned = {"utils.py", "util.py", "helpers.py", "common.py", "base.py", "misc.py"}
    assert [path for path in tracked(".py") if path.name in banned] == []


def test_no_test_module_imports_another() -> None:
    """What several need is in tests/support: a test module can be read, moved and run by itself."""
    imports = re.compile(r"^\s*(?:from|import) tests\.(?:\w+\.)*test_\w+", re.MULTILINE)
    found = {path.relative_to(ROOT): imports.findall(path.read_text()) for path in (ROOT / "tests").rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-setup.lock", "requirements-dev.lock"])
def test_a_lock_file_pins_with_hashes_and_names_no_index(lock: str) -> None:
    """Any mirror must do, and nothing may be swapped under way."""
    text = (ROOT / lock).read_text()
    pins = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
    assert pins
    assert all(line.rstrip().endswith("\\") for line in pins)
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index" not in text


def test_import_rules_hold() -> None:
    """api → workflows → activities → engine → models, and the rules of .importlinter."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
