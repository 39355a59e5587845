"""What a machine without FriBiDi is told: what to install, before any page."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.pages.shaping import missing

ROOT = Path(__file__).parents[3]
COMMANDS = ("apt-get install libfribidi0", "dnf install fribidi", "apk add fribidi", "brew install fribidi")

ASK = """
from engine.pages.shaping import missing
print(missing())
"""
# Covers the system's libraries in a mount namespace of its own; nothing outside sees it.
HIDE = 'for library in "${@:2}"; do mount --bind /dev/null "$library" || exit 77; done; exec "$0" -c "$1"'


def libraries() -> list[Path]:
    roots = (Path("/usr/lib"), Path("/usr/local/lib"), Path("/lib"))
    return sorted({found.resolve() for root in roots for found in root.glob("**/libfribidi.so*")})


@pytest.mark.unit
def test_here_text_is_shaped() -> None:
    assert missing() is None


@pytest.mark.unit
def test_without_fribidi_it_says_what_to_install() -> None:
    """The library is really hidden; Pillow is asked in a process of its own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("this system has no mount namespaces")
    done = subprocess.run(
        [unshare, "--mount", "--map-root-user", "bash", "-c", HIDE, sys.executable, ASK, *libraries()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this system gives no mount namespace to its users")
    assert done.returncode == 0, done.stderr
    assert "FriBiDi is missing" in done.stdout
    for command in COMMANDS:
        assert command in done.stdout


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the library is hidden by a rule of Linux's loader")
def test_doctor_a_run_and_its_worker_say_so(tmp_path: Path) -> None:
    """Before the first page, on stderr and, for containers, in the worker's log; the chapter is made all the same."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    for name in ("libfribidi.so", "libfribidi.so.0"):
        # The loader stops at the first file of a name, and this is no library.
        (hidden / name).touch()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("INKLOOM_", "TEMPORAL_"))}
    env |= {"LD_LIBRARY_PATH": str(hidden), "INKLOOM_DATA": str(tmp_path / "data")}

    def inkloom(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "inkloom", *arguments, "--json"]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=250)

    checks = json.loads(inkloom("doctor").stdout)["checks"]
    found = next(check for check in checks if check["name"] == "text shaping")
    assert not found["ok"]
    assert all(command in found["fix"] for command in COMMANDS)

    (tmp_path / "story.txt").write_text("It rained on the harbour.")
    done = inkloom("run", str(tmp_path / "story.txt"), "--out", str(tmp_path / "out"), "--max-panels", "1")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Warning: FriBiDi is missing")
    assert all(command in done.stderr for command in COMMANDS)
    assert json.loads(done.stdout)["pages"]
    assert any("FriBiDi is missing" in path.read_text() for path in (tmp_path / "data").rglob("*.log"))
