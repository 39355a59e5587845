"""A real S3 server on loopback, versitygw: it checks signatures, their age, and the conditions of a write.

It is built with Go on its first use and kept in the user's cache folder. Where that cannot be, the tests that want it
fail and say what to do.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.config import Config

from engine.storage.s3 import S3Storage
from inkloom.local.ports import answers, next_free
from inkloom.local.temporal_binary import cache

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = "v1.8.0"
GO_PACKAGE = f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"
KEYS = ("AKIDINKLOOMTESTS", "the-secret-of-the-tests")
BUCKET = "pictures"
# Building takes minutes, and whichever test comes first waits for it.
PATIENCE = 1800
WAYS_OUT = f"install Go 1.25 or newer and run them again, or put a build of {GO_PACKAGE} there"


def program() -> Path:
    """The server's program, built once per machine; raises with what to do about it."""
    built = cache() / f"versitygw-{VERSION}"
    if built.exists():
        return built
    go = shutil.which("go")
    if go is None:
        raise RuntimeError(f"These tests talk to an S3 server, {built}, and there is no Go to build it: {WAYS_OUT}.")
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / ".versitygw-lock").open("w") as lock, tempfile.TemporaryDirectory(dir=cache()) as draft:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            environment = os.environ | {"GOBIN": draft, "CGO_ENABLED": "0"}
            command = [go, "install", GO_PACKAGE]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"`go install {GO_PACKAGE}` failed:\n{done.stderr[-2000:]}\nMend it, or {WAYS_OUT}.")
            (Path(draft) / "versitygw").replace(built)
    return built


@dataclass
class S3Server:
    """The server and its one bucket, below one folder; `start` and `stop` as often as a test likes."""

    folder: Path
    port: int = field(default_factory=lambda: next_free(0))
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        assert self.process is None or self.process.returncode is not None
        path = await asyncio.to_thread(program)
        for name in ("data", "notes"):
            (self.folder / name).mkdir(exist_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            path, "--quiet", "--keep-alive", "--port", f"127.0.0.1:{self.port}",
            "posix", "--sidecar", self.folder / "notes", self.folder / "data",
            env={"ROOT_ACCESS_KEY_ID": KEYS[0], "ROOT_SECRET_ACCESS_KEY": KEYS[1], "PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(30):
            while not await answers(self.port):
                assert self.process.returncode is None, "the S3 server ended at once; its words are above"
                await asyncio.sleep(0.02)
        if not await asyncio.to_thread((self.folder / "data" / BUCKET).exists):
            await self.ask("create_bucket")

    async def stop(self) -> None:
        """At once: whatever is under way breaks off."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.client.close()

    def storage(self, prefix: str = "", *, bucket: str = BUCKET, keys: tuple[str, str] = KEYS) -> S3Storage:
        return S3Storage(bucket, prefix, endpoint=self.url, keys=keys)

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """What the server says itself, without our storage in between."""
        return await asyncio.to_thread(getattr(self.client, operation), Bucket=BUCKET, **arguments)

    @cached_property
    def client(self) -> "S3Client":
        session = boto3.Session(*KEYS, region_name="us-east-1")
        return session.client("s3", endpoint_url=self.url, config=Config(signature_version="s3v4"))

    async def everything(self, prefix: str) -> dict[str, bytes]:
        """Whatever lies below a prefix, uploads that nobody finished too."""
        listed = await self.ask("list_objects_v2", Prefix=prefix)
        found = {}
        for one in listed.get("Contents", []):
            path = self.folder / "data" / BUCKET / one["Key"]
            found[one["Key"].removeprefix(f"{prefix}/")] = await asyncio.to_thread(path.read_bytes)
        return found | {f"unfinished {upload}": b"" for upload in await self.uploads(prefix)}

    async def uploads(self, prefix: str) -> list[str]:
        """The ids of uploads in parts that are under way below a prefix."""
        listed = await self.ask("list_multipart_uploads", Prefix=prefix)
        return [one["UploadId"] for one in listed.get("Uploads", [])]


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3Server]:
    """A server with an empty bucket, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="inkloom-s3-") as folder:
        server = S3Server(Path(folder))
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


def fresh_prefix() -> str:
    """A prefix that no other test uses."""
    return f"tests/{uuid4().hex}"
