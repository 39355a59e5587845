"""What a machine without FriBiDi is told: what to install, before any page."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.pages.shaping import missing

pytestmark = pytest.mark.unit

ASK = """
from engine.pages.shaping import missing
print(missing())
"""
# Covers the system's libraries in a mount namespace of its own; nothing outside sees it.
HIDE = 'for library in "${@:2}"; do mount --bind /dev/null "$library" || exit 77; done; exec "$0" -c "$1"'


def libraries() -> list[Path]:
    roots = (Path("/usr/lib"), Path("/usr/local/lib"), Path("/lib"))
    return sorted({found.resolve() for root in roots for found in root.glob("**/libfribidi.so*")})


def test_here_text_is_shaped() -> None:
    assert missing() is None


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
    for command in ("apt-get install libfribidi0", "dnf install fribidi", "apk add fribidi", "brew install fribidi"):
        assert command in done.stdout
