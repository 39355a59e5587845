"""Check that every entry of the lock files has a wheel for every Python and platform that README promises.

    python -m scripts.check_lock

Asks the configured package index and downloads nothing but metadata. Without this, an entry that lacks a wheel is found
out by whoever has that Python.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-setup.lock", "requirements-dev.lock")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# The oldest glibc and macOS that every wheel takes.
LINUX = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28")
MACOS = ("aarch64-apple-darwin",)
OLDEST_MACOS = "15.0"


def refusal(locks: Sequence[Path], python: str, platform: str) -> str | None:
    """What uv says where these lock files cannot be installed from wheels; None where they can."""
    named = [word for lock in locks for word in ("-r", lock)]
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run(
        [uv, "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:",
         "--python-version", python, "--python-platform", platform, "--target", ROOT / ".venv" / "nothing", *named],
        env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return done.stderr if done.returncode else None


def unanswered(said: str) -> str | None:
    """Why uv could not ask the index, if that is why it refused."""
    reasons = ("Failed to fetch", "network was disabled")
    return next((line.strip() for line in said.splitlines() if any(reason in line for reason in reasons)), None)


def main() -> int:
    locks = [ROOT / lock for lock in LOCKS]
    asked = list(product(PYTHONS, (*LINUX, *MACOS)))
    # Once before all: where nothing answers, each question would wait for its own retries.
    if why := unanswered(refusal(locks, *asked[0]) or ""):
        print(f"The package index does not answer, so no wheel was checked. Check the network and try again.\n{why}")
        return 1
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda one: refusal(locks, *one), asked)
    refused = [(one, said) for one, said in zip(asked, answers, strict=True) if said is not None]
    for (python, platform), said in refused:
        print(f"The lock files cannot be installed from wheels with Python {python} on {platform}:\n{said}")
    if not refused:
        print(f"Every entry of {' and '.join(LOCKS)} has a wheel for Python {', '.join(PYTHONS)}.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
