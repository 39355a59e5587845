"""Brings the compose file up on a real Docker engine, with the profile `full`, and makes chapters through Caddy:

    make test-containers

One of each of Inkloom's processes is killed on the way, everything is taken down and up again, and the image is
exchanged in the middle of a chapter. Prints what it measures; ends with an error where a promise is broken.
"""

import asyncio
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from inkloom.local.ports import next_free
from tests.support.through_proxy import TEXT, Client, client, repeats

ROOT = Path(__file__).parents[2]
PROJECT = "inkloom-whole"
LARGEST_MB = 450
OURS = ("api", "api-2", "worker-flow", "worker-draw")
# As people choose them. Temporal's own programs take no blanks, double quotes and backslashes here.
PASSWORD, SECRET = "p@ss/w$o#1%41", 's e$c"r'


class Installation:
    """A copy of this checkout with an `.env` of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.http, self.https = next_free(0), next_free(0)
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        (folder / ".env").write_text(
            f"COMPOSE_PROFILES=full\nPOSTGRES_PASSWORD='{PASSWORD}'\n"
            f"AWS_ACCESS_KEY_ID=inkloom\nAWS_SECRET_ACCESS_KEY='{SECRET}'\n"
            f"INKLOOM_HTTP_PORT={self.http}\nINKLOOM_HTTPS_PORT={self.https}\n"
            "INKLOOM_EDGE=172.31.85\nINKLOOM_STOP_GRACE=30s\nINKLOOM_ANSWER_PATIENCE='10'\n"
        )

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    def compose(self, *words: str, quiet: bool = True) -> str:
        """The output of `docker compose`. Raises with its complaint."""
        command = ["docker", "compose", "-p", PROJECT, *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=quiet, text=True, env=environment(), check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done.stdout or ""

    def build(self) -> None:
        self.compose("build")

    def up(self) -> float:
        """Everything, until all of it is healthy; how many seconds that took."""
        began = time.monotonic()
        self.compose("up", "-d", "--no-build", "--wait")
        return time.monotonic() - began

    def kill(self, service: str) -> None:
        """End its first process without a word; the engine starts it again, as after a crash."""
        container = self.compose("ps", "-q", service).split()[0]
        (found,) = json.loads(docker("inspect", container))
        os.kill(found["State"]["Pid"], signal.SIGKILL)

    def authority(self) -> Path:
        target = self.folder / "root.crt"
        self.compose("cp", "caddy:/data/caddy/pki/authorities/local/root.crt", str(target))
        return target


def environment() -> dict[str, str]:
    """Without BuildKit, which Debian's engine lacks."""
    return {**os.environ, "DOCKER_BUILDKIT": "0"}


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def told(what: str, value: Any) -> None:
    print(f"{what:<44}{value}", flush=True)


async def main() -> None:
    with tempfile.TemporaryDirectory(prefix="inkloom-whole-") as name:
        installation = Installation(Path(name))
        try:
            await tried(installation)
        except BaseException:
            print(installation.compose("ps", "-a"), installation.compose("logs", "--tail", "40"), file=sys.stderr)
            raise
        finally:
            installation.compose("down", "--volumes", "--timeout", "5")


async def tried(installation: Installation) -> None:
    installation.build()
    (image,) = json.loads(docker("image", "inspect", "inkloom:latest"))
    told("image, MB", image["Size"] // 10**6)
    assert image["Size"] <= LARGEST_MB * 10**6
    assert image["Config"]["User"] == "1000:1000"
    told("up and healthy, s", f"{installation.up():.1f}")
    doctor = json.loads(installation.compose("run", "--rm", "--no-deps", "-T", "api", "doctor", "--json"))
    assert doctor["ok"], [check for check in doctor["checks"] if not check["ok"]]
    told("doctor", "green")
    authority = installation.authority()
    async with client(installation.url, authority) as caller:
        await caller.enter()
        first = await killed_on_the_way(installation, caller)
        before = await caller.export(first)
        same_as_outside(installation, before)
        backup = ("backup", "/backups", "--json")
        made = json.loads(installation.compose("run", "--rm", "--no-deps", "-T", "api", *backup))
        told("backup, pictures", made["pictures"])
        installation.compose("down", "--timeout", "30")
        told("up again, s", f"{installation.up():.1f}")
        assert await caller.export(first) == before
        told("the same book after down and up, bytes", len(before))
        await exchanged(installation, caller)
        told("requests", caller.asked)
        told("of these, repeated attempts", dict(caller.repeated))


def same_as_outside(installation: Installation, book: bytes) -> None:
    """The same story, without containers, gives the same pages."""
    (installation.folder / "story.txt").write_text(TEXT.format(n=1))
    out = installation.folder / "out"
    words = [
        "run",
        str(installation.folder / "story.txt"),
        "--title",
        "Chapter 1",
        "--out",
        str(out),
        "--export",
        "cbz",
    ]
    env = {**os.environ, "INKLOOM_DATA": str(installation.folder / "data")}
    subprocess.run([sys.executable, "-m", "inkloom", *words], cwd=ROOT, env=env, capture_output=True, check=True)
    (outside,) = out.rglob("*.cbz")
    assert _pages(outside.read_bytes()) == _pages(book)
    told("the same pages as outside", len(_pages(book)))


def _pages(book: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(book))
    return {name: archive.read(name) for name in archive.namelist() if name.endswith(".png")}


async def killed_on_the_way(installation: Installation, caller: Client) -> dict[str, Any]:
    """Chapters during which one of each is killed; the first of them."""
    began = time.monotonic()
    async with ordering(caller) as ordered:
        for service in OURS:
            await asyncio.to_thread(installation.kill, service)
            await asyncio.sleep(4)
    found = [await caller.finished(one) for one in ordered]
    await checked(caller, found, "killed: one of each", began)
    return found[0]


async def exchanged(installation: Installation, caller: Client) -> None:
    """Another image takes over in the middle of a chapter, one service after the other."""
    (before,) = json.loads(docker("image", "inspect", "inkloom:latest"))
    with (installation.folder / "inkloom" / "version.py").open("a") as file:
        file.write("\n# A new version.\n")
    installation.build()
    (after,) = json.loads(docker("image", "inspect", "inkloom:latest"))
    assert before["Id"] != after["Id"]
    began = time.monotonic()
    async with ordering(caller) as ordered:
        for service in OURS:
            await asyncio.to_thread(installation.compose, "up", "-d", "--no-build", "--no-deps", "--wait", service)
    found = [await caller.finished(one) for one in ordered]
    running = {json.loads(docker("inspect", one))[0]["Image"] for one in _containers(installation)}
    assert running == {after["Id"]}
    await checked(caller, found, "image exchanged", began)


@asynccontextmanager
async def ordering(caller: Client) -> AsyncIterator[list[str]]:
    """Chapters, one every two seconds for as long as the block lasts: some are always on their way."""
    ordered: list[str] = []

    async def order() -> None:
        while True:
            ordered.append(await caller.order(len(ordered) + 1, llm="offline", images="offline"))
            await asyncio.sleep(2)

    ordering = asyncio.create_task(order())
    try:
        yield ordered
    finally:
        ordering.cancel()
        await asyncio.gather(ordering, return_exceptions=True)


def _containers(installation: Installation) -> list[str]:
    return installation.compose("ps", "-q", *OURS).split()


async def checked(caller: Client, found: list[dict[str, Any]], what: str, began: float) -> None:
    assert {one["status"] for one in found} == {"completed"}, found
    each = [repeats(await caller.calls(one["id"])) for one in found]
    again, lost = (sum(numbers) for numbers in zip(*each, strict=True))
    told(f"{what}: chapters", len(found))
    told(f"{what}: seconds", f"{time.monotonic() - began:.1f}")
    told(f"{what}: calls", sum(sum(one["calls"][kind] for kind in ("llm", "image")) for one in found))
    told(f"{what}: made again / answers lost", f"{again} / {lost}")
    assert again <= lost


if __name__ == "__main__":
    asyncio.run(main())
