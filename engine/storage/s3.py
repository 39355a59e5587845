"""Storage in an S3 bucket, or in that of any server that speaks its protocol and supports conditional writes."""

import asyncio
import logging
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from engine.errors import BadInput, StorageError, StorageNotConfigured
from engine.storage import PAGE, Stored
from engine.storage.atomic import write_whole
from engine.storage.keys import checked
from engine.storage.s3_failures import status_of, telling

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

# Calls at a time; more wait for a thread.
PARALLEL = 16
# Larger files are sent in parts of this size, one after another: so much of a file is in memory at a time.
PART = 16 << 20
# The most keys that S3 deletes per request.
AT_ONCE = 1000
# The longest validity of a version 4 signature.
LONGEST_LINK = 7 * 24 * 3600
# S3 answers 409 when two conditional writes to one key collide; a retry finds the winner's bytes.
MEETINGS = 5
# What the name of an object begins with that `doctor` writes and deletes.
TRIAL = "inkloom-trial"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")
# S3 allows 1,024 bytes per key; ours take half of them.
MAX_PREFIX = 500

_CONFIG = Config(
    # By default, boto3 signs links to other servers than Amazon's with the old version, which servers refuse by now.
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=PARALLEL,
    # Temporal retries. This single retry is for a kept connection that the server closed meanwhile, which is no outage;
    # every call of ours may be made twice.
    retries={"mode": "standard", "total_max_attempts": 2},
)


class S3Storage:
    """Objects under one prefix of a bucket. boto3 finds the keys itself: in `AWS_*`, a profile, or the machine's
    role.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        region: str | None = None,
        endpoint: str | None = None,
        keys: tuple[str, str] | None = None,
    ) -> None:
        """Does not contact the server. Raises `BadInput` for invalid bucket names and prefixes, and
        `StorageNotConfigured` for an invalid profile, region or endpoint; `keys` are the access key's id and its
        secret.
        """
        if not BUCKET.match(bucket):
            raise BadInput("A bucket name has 3 to 63 lowercase letters, digits, dots and hyphens.")
        if prefix and len(checked(prefix)) > MAX_PREFIX:
            raise BadInput(f"The prefix may have at most {MAX_PREFIX} characters.")
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        with telling("S3", bucket):
            key_id, secret = keys or (None, None)
            session = boto3.Session(key_id, secret, region_name=region)
            self._client: S3Client = session.client("s3", endpoint_url=endpoint, config=_CONFIG)
        # Without user and password, in case the address contains them.
        self._where = urlsplit(self._client.meta.endpoint_url).netloc.rpartition("@")[2]
        self._threads = ThreadPoolExecutor(PARALLEL, thread_name_prefix="s3")

    async def put(self, key: str, data: bytes) -> None:
        name = self._name(key)
        await self._in_thread(lambda: self._unless_there(lambda: self._put(name, data)))

    async def put_file(self, key: str, path: Path) -> None:
        name = self._name(key)
        await self._in_thread(lambda: self._put_file(name, path))

    async def get(self, key: str) -> bytes:
        name = self._name(key)
        return await self._in_thread(lambda: self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read(), key)

    async def fetch(self, key: str, path: Path) -> None:
        name = self._name(key)
        await self._in_thread(lambda: self._fetch(name, path), key)

    async def link(self, key: str, seconds: int) -> str:
        """Raises `BadInput` if a signature cannot be valid that long. Temporary keys may expire earlier."""
        name = self._name(key)
        if not 1 <= seconds <= LONGEST_LINK:
            raise BadInput(f"A link can be valid for 1 to {LONGEST_LINK} seconds.")
        asked = {"Bucket": self._bucket, "Key": name}
        # In a thread: boto3 may have to fetch the keys that it signs with.
        return await self._in_thread(
            lambda: self._client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds)
        )

    async def delete(self, keys: Sequence[str]) -> None:
        names = [self._name(key) for key in keys]
        await self._in_thread(lambda: self._delete(names))

    async def delete_under(self, prefix: str) -> None:
        name = f"{self._name(prefix)}/"
        await self._in_thread(lambda: self._delete_under(name))

    async def listed(self, prefix: str) -> AsyncIterator[Sequence[Stored]]:
        name, after = f"{self._name(prefix)}/", ""
        while page := await self._in_thread(partial(self._page, name, after)):
            yield page
            after = self._prefix + page[-1].key

    async def drop_unfinished(self, before: datetime, *, dry_run: bool = False) -> int:
        """Abort uploads in parts that were never completed: their parts are invisible, and billed.

        0 if the keys may not list them: a lifecycle rule of the bucket can abort them, too.
        """
        try:
            left = await self._in_thread(lambda: self._unfinished(before))
            if not dry_run:
                await self._in_thread(lambda: self._abort(left))
        except StorageNotConfigured as refusal:
            log.warning("unfinished uploads were not looked for: %s", refusal.message)
            return 0
        return len(left)

    async def check(self) -> None:
        """Listing needs the permission without which S3 reports missing keys as forbidden; unlike HEAD, it names the
        reason.
        """
        await self._in_thread(lambda: self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1))

    async def trial(self) -> None:
        """Write one key twice: the second write must change nothing, or two workers could replace each other's bytes.

        Raises `StorageNotConfigured` if the server does not see to that, or if the keys may not write or delete.
        """
        await self.check()
        await self._in_thread(self._try)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    def _name(self, key: str) -> str:
        return self._prefix + checked(key)

    async def _in_thread(self, work: Callable[[], ResultT], key: str = "") -> ResultT:
        def translated() -> ResultT:
            with telling(self._where, self._bucket, key):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, translated)

    def _unless_there(self, write: Callable[[], None]) -> None:
        """A conditional write; if the bytes exist already, that is success."""
        for tries_left in reversed(range(MEETINGS)):
            try:
                return write()
            except ClientError as error:
                status = status_of(error)
                if status == 412:
                    return None
                if status != 409 or not tries_left:
                    raise
        return None

    def _put(self, name: str, data: bytes) -> None:
        self._client.put_object(
            Bucket=self._bucket, Key=name, Body=data, IfNoneMatch="*", ContentType=_media_type(name)
        )

    def _put_file(self, name: str, path: Path) -> None:
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size <= PART:
                    data = file.read()
                    self._unless_there(lambda: self._put(name, data))
                else:
                    self._unless_there(lambda: self._put_parts(name, file, size))
        except OSError as error:
            raise StorageError(f"{path.name} could not be read: {error.strerror or error}") from error

    def _put_parts(self, name: str, file: IO[bytes], size: int) -> None:
        """Parts are invisible until all are uploaded; a failure before that removes them."""
        file.seek(0)
        # Amazon's servers reject checksums of parts, which boto3 adds, unless they were announced.
        upload = self._client.create_multipart_upload(
            Bucket=self._bucket, Key=name, ContentType=_media_type(name), ChecksumAlgorithm="CRC32"
        )["UploadId"]
        try:
            parts: list[CompletedPartTypeDef] = []
            while data := file.read(PART):
                number = len(parts) + 1
                done = self._client.upload_part(
                    Bucket=self._bucket,
                    Key=name,
                    UploadId=upload,
                    PartNumber=number,
                    Body=data,
                    ChecksumAlgorithm="CRC32",
                )
                part: CompletedPartTypeDef = {"PartNumber": number, "ETag": done["ETag"]}
                if "ChecksumCRC32" in done:
                    part["ChecksumCRC32"] = done["ChecksumCRC32"]
                parts.append(part)
            if file.tell() != size:
                raise StorageError(f"{Path(file.name).name} changed while it was stored.")
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=name, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        except Exception:
            # The original error matters, not that cleaning up failed as well.
            with suppress(BotoCoreError, ClientError):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload)
            raise

    def _try(self) -> None:
        name = f"{self._prefix}{TRIAL}-{secrets.token_hex(8)}"
        try:
            self._put(name, b"first")
            try:
                self._put(name, b"second")
            except ClientError as error:
                if status_of(error) not in (409, 412):
                    raise
            else:
                raise StorageNotConfigured(
                    f"{self._where} ignores conditional writes (`If-None-Match: *`): it replaced an object that was"
                    " there. Use a server that supports them, or storage in a folder."
                )
        finally:
            with suppress(BotoCoreError, ClientError):
                self._client.delete_object(Bucket=self._bucket, Key=name)

    def _unfinished(self, before: datetime) -> list[tuple[str, str]]:
        """The names and the IDs of uploads that began so long ago."""
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=self._prefix)
        return [
            (one["Key"], one["UploadId"])
            for page in pages
            for one in page.get("Uploads", [])
            if one["Initiated"] < before
        ]

    def _abort(self, uploads: Sequence[tuple[str, str]]) -> None:
        for name, upload in uploads:
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload)
            except ClientError as error:
                # It was completed or aborted meanwhile.
                if status_of(error) != 404:
                    raise

    def _delete(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), AT_ONCE):
            gone = self._client.delete_objects(
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": name} for name in names[start : start + AT_ONCE]], "Quiet": True},
            )
            # It answers 200, and lists each key that it could not delete with the reason.
            if errors := gone.get("Errors", []):
                if any(error.get("Code") == "AccessDenied" for error in errors):
                    raise StorageNotConfigured(
                        f"The keys are not allowed to delete objects in the bucket {self._bucket}."
                    )
                raise StorageError(f"{len(errors)} objects of the bucket {self._bucket} could not be deleted.")

    def _page(self, prefix: str, after: str) -> list[Stored]:
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=PAGE)
        return [
            Stored(one["Key"].removeprefix(self._prefix), one["LastModified"]) for one in listed.get("Contents", [])
        ]

    def _delete_under(self, prefix: str) -> None:
        for listed in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            self._delete([one["Key"] for one in listed.get("Contents", [])])

    def _fetch(self, name: str, path: Path) -> None:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        try:
            write_whole(path, body, replace=True)
        except OSError as error:
            raise StorageError(f"{path} could not be written: {error.strerror or error}") from error
        finally:
            body.close()


def _media_type(name: str) -> str:
    """The media type that a browser gets with a link."""
    return guess_type(name)[0] or "application/octet-stream"
