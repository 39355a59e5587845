"""The Dockerfile: what hadolint says of it, and that what it removes is neither needed nor forgotten."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.folders import enterable_folder

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SCRIPTS = Path(sysconfig.get_path("scripts"))
# Of the environment alone: with the base image and the code, which have 130 MB, that is less than 450.
LARGEST = 320 * 10**6


@pytest.mark.unit
def test_hadolint_finds_nothing() -> None:
    said = subprocess.run(
        [SCRIPTS / "hadolint", "--failure-threshold", "style", ROOT / "Dockerfile"], capture_output=True, text=True
    )
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.unit
def test_it_runs_as_nobody_special() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.*)", last, re.MULTILINE) == ["1000:1000"]
    assert last.index("USER") > last.index("RUN")


@pytest.mark.unit
def test_nothing_but_what_it_copies_gets_into_its_context() -> None:
    """A data folder, a secret or `.env` must never end up in an image."""
    patterns = (ROOT / ".dockerignore").read_text().split("\n")
    allowed = {line[1:] for line in patterns if line.startswith("!")}
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert "*" in patterns
    assert allowed == copied


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """What the build stage makes: the locked packages, less what slim.py removes."""
    if shutil.which("strip") is None:
        pytest.skip("no `strip`, which the build stage installs")
    with enterable_folder("inkloom-image-") as folder:
        made = folder / "venv"
        uv = SCRIPTS / "uv"
        for words in (
            [uv, "venv", "--quiet", "--seed", "--python", sys.executable, made],
            [
                *(uv, "pip", "install", "--quiet", "--python", made / "bin" / "python", "--require-hashes"),
                # Copies, not links into uv's cache: slim.py changes files.
                *("--link-mode", "copy", "--only-binary", ":all:", "-r", ROOT / "requirements.lock"),
            ],
            [made / "bin" / "python", "-B", ROOT / "deploy" / "image" / "slim.py", made],
        ):
            subprocess.run([str(word) for word in words], check=True, env=plain(made))
        yield made


def plain(environment: Path) -> dict[str, str]:
    """As in the image: of this environment's programs, not those of the tests."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("INKLOOM_", "VIRTUAL_ENV"))}
    return {
        **keep,
        "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def said_by(environment: Path, *words: str) -> str:
    command = [str(environment / "bin" / words[0]), *words[1:]]
    done = subprocess.run(command, cwd=ROOT, env=plain(environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_left_is_small_and_enough(environment: Path) -> None:
    """Every module of ours can be imported, backups have their programs, and no server is left."""
    size = sum(path.lstat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < LARGEST
    said_by(environment, "python", str(ROOT / "deploy" / "image" / "compile.py"))
    for program in ("pg_dump", "pg_restore", "psql"):
        assert "(PostgreSQL) 18." in said_by(environment, program, "--version")
    for command in ("worker", "api", "init-db", "backup", "restore", "doctor"):
        assert "Usage" in said_by(environment, "python", "-m", "inkloom", command, "--help")
    assert not (environment / "bin" / "temporal").exists()
    assert not list(environment.rglob("pginstall*/bin/postgres"))
    assert not list(environment.rglob("pytest"))


@pytest.mark.integration
@pytest.mark.slow
def test_a_rule_that_removes_nothing_is_an_error(environment: Path) -> None:
    """Removed once, nothing is there for a second time."""
    command = [str(environment / "bin" / "python"), "-B", str(ROOT / "deploy" / "image" / "slim.py"), str(environment)]
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode != 0
    assert "change the list" in again.stderr
