"""What README promises of every Python: `make setup`, and a short story becomes a chapter."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.check_lock import PYTHONS
from tests.support.folders import enterable_folder

# The first set-up on an empty cache downloads everything.
PATIENCE = 900
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

ROOT = Path(__file__).parents[1]
STORY = 'Mara lit a lamp.\n\n"Take the small key," said Mara.\n'
# CI's own Python is tested by everything else.
OTHERS = [version for version in PYTHONS if version != "3.11"]


def interpreters(version: str) -> Iterator[Path]:
    """Programs that may be this Python: those on PATH, and those that pyenv keeps."""
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from kept.glob(f"{version}.*/bin/python")


def is_python(program: Path, version: str) -> bool:
    """Whether it runs, is of this version, and can make environments. A shim of pyenv may lie on PATH and not run."""
    asks = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-c", asks], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.strip() == version


def copy_of_tracked_files(folder: Path) -> None:
    """What a fresh clone would hold, with the changes of this checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that Postgres's account may enter, and that is gone afterwards: an environment is large."""
    with enterable_folder("inkloom-checkout-") as made:
        yield made


@pytest.mark.parametrize("version", OTHERS)
def test_setup_and_a_short_run(folder: Path, version: str) -> None:
    """Both commands succeed in a fresh copy of the tracked files, and the run leaves pages and a script."""
    python = next((one for one in interpreters(version) if is_python(one, version)), None)
    if python is None:
        pytest.skip(f"no Python {version} that can make environments, neither on PATH nor in pyenv")
    copy_of_tracked_files(folder)
    (folder / "story.txt").write_text(STORY)
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    for command in (
        ["make", "setup", f"PYTHON={python}"],
        [".venv/bin/python", "-m", "inkloom", "run", "story.txt", "--out", "out"],
    ):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    used = (folder / ".venv" / "pyvenv.cfg").read_text()
    assert f"version = {version}." in used
    made = {path.name for path in (folder / "out").rglob("*") if path.is_file()}
    assert "script.json" in made
    assert any(name.endswith(".png") for name in made)
