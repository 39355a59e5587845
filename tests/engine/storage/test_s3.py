"""What only S3 can do, and do wrong: links, keys, regions, uploads that break off, servers that are away."""

import asyncio
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from engine.errors import BadInput, EngineError, NotConfigured, NotFound, StorageError
from engine.storage.s3 import LONGEST_LINK, MAX_PREFIX, MEETINGS, S3Storage
from tests.fakes.server import Answer, Asked, Server
from tests.s3_server import KEYS, PATIENCE, S3Server, fresh_prefix, s3_server

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

KEY = "images/ab/abcd.png"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def prefix() -> str:
    return fresh_prefix()


@pytest.fixture
async def bucket(s3: S3Server, prefix: str) -> AsyncIterator[S3Storage]:
    """The real server's bucket, below a prefix of the test's own."""
    storage = s3.storage(prefix)
    yield storage
    await storage.close()


async def refusal(storage: S3Storage, folder: Path) -> EngineError:
    """The one error that every verb raises that asks the server."""
    (folder / "given").write_bytes(b"given")
    (folder / "large").write_bytes(b"5" * (17 << 20))
    raised = []
    for attempt in (
        storage.put(KEY, b"one"),
        storage.put_file(KEY, folder / "given"),
        storage.put_file(KEY, folder / "large"),
        storage.get(KEY),
        storage.fetch(KEY, folder / "got"),
        storage.check(),
    ):
        with pytest.raises(EngineError) as caught:
            await attempt
        raised.append(caught.value)
    await storage.close()
    assert not await asyncio.to_thread((folder / "got").exists)
    assert len({type(one) for one in raised}) == 1, raised
    return raised[0]


# --- links -----------------------------------------------------------------------------------------------------------


async def test_a_link_is_followed_without_keys_until_it_expires(bucket: S3Storage) -> None:
    """Whoever has it reads the bytes, and the browser is told what they are; afterwards nobody does."""
    await bucket.put(KEY, b"a picture")
    link = await bucket.link(KEY, 2)
    async with httpx.AsyncClient(trust_env=False) as client:
        found = await client.get(link)
        assert (found.status_code, found.content, found.headers["content-type"]) == (200, b"a picture", "image/png")
        async with asyncio.timeout(20):
            while (await client.get(link)).status_code != 403:  # noqa: ASYNC110  # the server's clock
                await asyncio.sleep(0.1)


async def test_a_link_that_was_tampered_with_is_refused(bucket: S3Storage) -> None:
    """Another key, a longer life, another verb or another signature: the server refuses them all."""
    await bucket.put(KEY, b"a picture")
    await bucket.put("other.png", b"another")
    link = await bucket.link(KEY, 60)
    assert "X-Amz-Signature=" in link
    assert KEYS[1] not in link
    async with httpx.AsyncClient(trust_env=False) as client:
        tampered = [
            link.replace(KEY, "other.png"),
            link.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
            link[:-4] + ("0000" if link[-4:] != "0000" else "1111"),
            link.partition("?")[0],
        ]
        assert link not in tampered
        assert {(await client.get(one)).status_code for one in tampered} == {403}
        assert (await client.put(link, content=b"theirs")).status_code == 403
    assert await bucket.get(KEY) == b"a picture"


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_LINK + 1])
async def test_a_link_holds_as_long_as_a_signature_can(bucket: S3Storage, seconds: int) -> None:
    with pytest.raises(BadInput, match="1 to 604800 seconds"):
        await bucket.link(KEY, seconds)


# --- keys and buckets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [(KEYS[0], "hunter2-not-the-secret"), ("AKIDNOBODY", KEYS[1])], ids=["secret", "id"])
async def test_wrong_keys_are_refused_and_never_repeated(s3: S3Server, tmp_path: Path, keys: tuple[str, str]) -> None:
    """The message says what to check; neither it nor what hangs on it holds a key, for it goes into histories."""
    error = await refusal(s3.storage("", keys=keys), tmp_path)
    assert isinstance(error, NotConfigured)
    assert "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in error.message
    assert error.__cause__ is None
    assert not any(key in f"{error!r}{error.detail}" for key in keys)
    assert KEY not in await s3.everything("")


async def test_a_bucket_that_is_not_there_is_named(s3: S3Server, tmp_path: Path) -> None:
    error = await refusal(s3.storage(bucket="nowhere-at-all"), tmp_path)
    assert isinstance(error, NotConfigured)
    assert "nowhere-at-all" in error.message
    assert "Create it, or name another bucket" in error.message


async def test_prefixes_do_not_see_each_other(s3: S3Server, prefix: str, bucket: S3Storage) -> None:
    """The same key below another prefix is another object, also where one prefix begins like the other."""
    other, longer = s3.storage(fresh_prefix()), s3.storage(f"{prefix}2")
    await bucket.put(KEY, b"ours")
    for stranger in (other, longer):
        with pytest.raises(NotFound):
            await stranger.get(KEY)
        await stranger.put(KEY, b"theirs")
        await stranger.close()
    assert await bucket.get(KEY) == b"ours"
    assert await s3.everything(f"{prefix}/") == {f"{prefix}/{KEY}": b"ours"}


@pytest.mark.parametrize(
    ("bucket", "prefix"),
    [
        ("", ""),
        ("ab", ""),
        ("Capitals", ""),
        ("un_der", ""),
        ("a" * 64, ""),
        ("key:secret@bucket", ""),
        ("bucket?x=y", ""),
        ("bucket", ".."),
        ("bucket", "a/../b"),
        ("bucket", "/a"),
        ("bucket", "a//b"),
        ("bucket", "a/" * (MAX_PREFIX // 2) + "a"),
    ],
)
def test_no_bucket_and_prefix_lead_astray(bucket: str, prefix: str) -> None:
    """Prefix and key together fit the 1,024 bytes that S3 allows, and neither leads out of its place."""
    with pytest.raises(BadInput):
        S3Storage(bucket, prefix, keys=KEYS)


# --- what breaks off -------------------------------------------------------------------------------------------------

UPLOAD = """
import asyncio, sys
from pathlib import Path
from engine.storage.s3 import S3Storage
endpoint, prefix, key, path, *keys = sys.argv[1:]
asyncio.run(S3Storage("pictures", prefix, endpoint=endpoint, keys=tuple(keys)).put_file(key, Path(path)))
"""


def large(folder: Path) -> Path:
    """A file that takes seconds to store."""
    path = folder / "large.pdf"
    with path.open("wb") as file:
        file.truncate(600 << 20)
    return path


async def test_a_process_that_dies_while_uploading_leaves_nothing_to_see(
    s3: S3Server, prefix: str, bucket: S3Storage, tmp_path: Path
) -> None:
    """Killed half-way: the key stays free, and the next attempt stores the whole."""
    key = "exports/a.pdf"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", UPLOAD, s3.url, prefix, key, large(tmp_path), *KEYS, cwd=ROOT
    )
    try:
        await until_parts_arrive(s3, prefix, key)
    finally:
        process.kill()
        await process.wait()
    with pytest.raises(NotFound):
        await bucket.get(key)
    (tmp_path / "whole").write_bytes(b"6" * (20 << 20))
    await bucket.put_file(key, tmp_path / "whole")
    await bucket.fetch(key, tmp_path / "got")
    assert await asyncio.to_thread((tmp_path / "got").read_bytes) == b"6" * (20 << 20)


async def test_a_server_that_dies_while_it_is_written_to_has_nothing_to_show(tmp_path: Path) -> None:
    """The upload fails in a way that may be tried again; once the server is back, the key is free."""
    async with s3_server() as server:
        storage = server.storage("a")
        putting = asyncio.create_task(storage.put_file("exports/a.pdf", large(tmp_path)))
        await until_parts_arrive(server, "a", "exports/a.pdf")
        await server.stop()
        with pytest.raises(StorageError, match="does not answer as it should") as caught:
            await putting
        assert caught.value.retryable
        await server.start()
        with pytest.raises(NotFound):
            await storage.get("exports/a.pdf")
        await storage.put("exports/a.pdf", b"again")
        assert await storage.get("exports/a.pdf") == b"again"
        await storage.close()


async def until_parts_arrive(server: S3Server, prefix: str, key: str) -> None:
    """Wait until two parts of the upload are there."""
    async with asyncio.timeout(60):
        while True:
            for upload in await server.uploads(prefix):
                listed = await server.ask("list_parts", Key=f"{prefix}/{key}", UploadId=upload)
                if len(listed.get("Parts", [])) > 1:
                    return
            await asyncio.sleep(0.01)


# --- what servers say ------------------------------------------------------------------------------------------------


class Told(Server):
    """Answers what it is told, one after the other, and then that all is well."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = deque(answers)

    async def respond(self, asked: Asked) -> Answer:
        return self.answers.popleft() if self.answers else Answer(status=200, headers={"ETag": '"1"'})

    def storage(self) -> S3Storage:
        return S3Storage("bucket", "p", endpoint=self.url, keys=KEYS)


def no(status: int, code: str) -> Answer:
    """A refusal as S3 words it."""
    body = f"<Error><Code>{code}</Code><Message>{KEYS[0]} and what was signed</Message></Error>"
    return Answer(body, status, {"content-type": "application/xml"})


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (no(503, "SlowDown"), StorageError, "503 (SlowDown)"),
        (no(500, "InternalError"), StorageError, "500 (InternalError)"),
        (no(400, "RequestTimeout"), StorageError, "400 (RequestTimeout)"),
        (no(404, "NoSuchUpload"), StorageError, "404 (NoSuchUpload)"),
        (no(507, "XNoSpace"), StorageError, "507 (XNoSpace)"),
        (Answer("<html>a proxy's words", 502), StorageError, "502"),
        (Answer(reset=True), StorageError, "does not answer as it should"),
        (no(403, "AccessDenied"), NotConfigured, "may list the bucket, read, write and delete"),
        (no(403, "SignatureDoesNotMatch"), NotConfigured, "keys are invalid"),
        (no(400, "ExpiredToken"), NotConfigured, "expired"),
        (no(403, "RequestTimeTooSkewed"), NotConfigured, "clock"),
        (no(400, "AuthorizationHeaderMalformed"), NotConfigured, "Set AWS_REGION"),
        (no(404, "NoSuchBucket"), NotConfigured, "Create it"),
        (no(404, "NoSuchKey"), NotFound, KEY),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
async def test_what_a_server_says_comes_out_as_what_it_means(
    answer: Answer, kind: type[EngineError], said: str
) -> None:
    """May it be tried again, or has a person to change something first? The server's own words are not passed on."""
    async with Told(*[answer] * 4) as server:
        storage = server.storage()
        with pytest.raises(kind) as caught:
            await storage.get(KEY)
        await storage.close()
    assert said in caught.value.message
    assert KEYS[0] not in f"{caught.value!r}"
    assert caught.value.__cause__ is None


async def test_an_answer_that_breaks_off_is_no_answer(tmp_path: Path) -> None:
    """Half a picture is never taken for a whole one, in memory or in a file."""
    async with Told(*[Answer(b"x" * 100_000, cut=50_000)] * 8) as server:
        storage = server.storage()
        with pytest.raises(StorageError):
            await storage.get(KEY)
        with pytest.raises(StorageError):
            await storage.fetch(KEY, tmp_path / "got")
        await storage.close()
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_nobody_there_is_a_storage_error() -> None:
    """It may come back: the work waits."""
    async with Told() as server:
        storage = server.storage()
    with pytest.raises(StorageError, match="does not answer"):
        await storage.check()
    await storage.close()


async def test_where_two_writes_meet_one_is_tried_again() -> None:
    """S3 refuses conditional writes that meet with 409: then one of them looks again, and finds the other's bytes."""
    async with Told(no(409, "ConditionalRequestConflict"), no(412, "PreconditionFailed")) as server:
        storage = server.storage()
        await storage.put(KEY, b"one")
        assert [asked.headers["if-none-match"] for asked in server.asked] == ["*", "*"]
        server.answers.extend([no(409, "ConditionalRequestConflict")] * MEETINGS)
        with pytest.raises(StorageError, match="409"):
            await storage.put(KEY, b"one")
        await storage.close()


async def test_all_below_the_prefix_is_asked_for_by_name() -> None:
    async with Told() as server:
        storage = server.storage()
        await storage.put(KEY, b"one")
        await storage.close()
    assert [asked.path for asked in server.asked] == [f"/bucket/p/{KEY}"]


async def test_a_failed_upload_is_taken_away_again() -> None:
    """The parts of an upload that failed would be paid for, and nobody sees them."""
    started = Answer("<R><UploadId>u1</UploadId></R>", headers={"content-type": "application/xml"})
    async with Told(started, Answer(headers={"ETag": '"1"'}), no(403, "AccessDenied")) as server:
        storage = server.storage()
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(40 << 20)
            with pytest.raises(NotConfigured):
                await storage.put_file(KEY, Path(file.name))
        await storage.close()
    assert [asked.method for asked in server.asked] == ["POST", "PUT", "PUT", "DELETE"]


# --- what is written stays as it is ----------------------------------------------------------------------------------


class Forgetful(Server):
    """A server that takes every write, whatever its condition, and keeps nothing."""

    async def respond(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            body = '<?xml version="1.0"?><ListBucketResult><Name>pictures</Name></ListBucketResult>'
            return Answer(body, headers={"Content-Type": "application/xml"})
        return Answer("", status=204 if asked.method == "DELETE" else 200, headers={"ETag": '"x"'})


async def test_a_server_that_ignores_conditions_is_found_out() -> None:
    """It answers everything with success, and would let two workers replace each other's bytes."""
    async with Forgetful() as server:
        storage = S3Storage("pictures", endpoint=server.url, region="us-east-1", keys=KEYS)
        await storage.check()
        with pytest.raises(NotConfigured, match="ignores conditional writes"):
            await storage.trial()
        await storage.close()
        assert [one.method for one in server.asked][-3:] == ["PUT", "PUT", "DELETE"]
        assert {one.headers.get("if-none-match") for one in server.asked if one.method == "PUT"} == {"*"}


async def test_a_trial_leaves_nothing_behind(s3: S3Server, bucket: S3Storage, prefix: str) -> None:
    """On a server that keeps its promises, twice."""
    await bucket.trial()
    await bucket.trial()
    assert await s3.everything(prefix) == {}


async def test_unfinished_uploads_are_aborted_when_they_are_old(s3: S3Server, bucket: S3Storage, prefix: str) -> None:
    """Those of this prefix alone, and none that may be under way."""
    for name in (f"{prefix}/exports/a.cbz", f"{fresh_prefix()}/exports/b.cbz"):
        begun = await s3.ask("create_multipart_upload", Key=name)
        await s3.ask("upload_part", Key=name, UploadId=begun["UploadId"], PartNumber=1, Body=b"a part")
    now = datetime.now(UTC)
    assert await bucket.drop_unfinished(now - timedelta(hours=1)) == 0
    later = now + timedelta(hours=1)
    assert await bucket.drop_unfinished(later, dry_run=True) == 1
    assert await bucket.drop_unfinished(later) == 1
    assert await bucket.drop_unfinished(later) == 0
