"""The API with its pictures in S3: uploaded, read, linked to, made small, copied, taken along, deleted."""

import hashlib
import io
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import anyio
import pytest
from httpx2 import AsyncClient
from PIL import Image
from temporalio.client import Client

from engine.db.session import Database
from engine.settings import Settings
from engine.storage.keys import content_key
from inkloom.removing import remove
from models.exports import ExportFormat
from models.tables import Export
from tests.api.conftest import Json, problem, refused, serving
from tests.s3_server import BUCKET, KEYS, PATIENCE, S3Server, fresh_prefix, s3_server
from tests.support.removals import everything_due
from tests.support.uploads import encoded, photo, send

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(PATIENCE)]

PICTURE = encoded(photo((640, 320)))


@dataclass(frozen=True)
class Shop:
    """An application whose pictures lie below a prefix of a server of its own."""

    api: AsyncClient
    server: S3Server
    prefix: str

    async def below(self, project_id: str) -> dict[str, bytes]:
        """What lies in the bucket of a project: contents by the key behind it."""
        return await self.server.everything(f"{self.prefix}/p/{project_id}")

    async def drawn(self) -> tuple[str, Json, bytes]:
        """A project in which a character has an uploaded picture: its id, the picture, and its bytes as they are read.

        They are not those that were sent: whatever is uploaded is drawn anew.
        """
        project = (await self.api.post("/api/v1/projects", json={"title": "Far away"})).json()["id"]
        picture: Json = (await send(self.api, project, PICTURE)).json()
        body = {"name": "Mara"}
        character = (await self.api.post(f"/api/v1/projects/{project}/characters", json=body)).json()
        attached = await self.api.post(
            f"/api/v1/characters/{character['id']}/images", json={"image_id": picture["id"], "role": "reference"}
        )
        assert attached.status_code == 201, attached.text
        answer = await self.api.get(picture["image"])
        assert answer.status_code == 200, answer.text
        return project, picture, answer.content


@pytest.fixture(scope="module")
async def shop(api_settings: Settings, api: AsyncClient) -> AsyncIterator[Shop]:
    prefix = fresh_prefix()
    with pytest.MonkeyPatch.context() as environment:
        async with s3_server() as server:
            named = {"ACCESS_KEY_ID": KEYS[0], "SECRET_ACCESS_KEY": KEYS[1], "ENDPOINT_URL": server.url}
            for name, value in {**named, "REGION": "us-east-1"}.items():
                environment.setenv(f"AWS_{name}", value)
            settings = api_settings.model_copy(update={"storage": f"s3://{BUCKET}/{prefix}"})
            async with serving(settings, api) as client:
                yield Shop(client, server, prefix)


async def test_what_is_uploaded_lies_in_the_bucket_and_is_read_from_it(shop: Shop) -> None:
    """Byte for byte, under the hash of its content; sent twice it lies there once."""
    project, picture, content = await shop.drawn()
    again = (await send(shop.api, project, PICTURE, "b.png")).json()
    assert again["id"] == picture["id"]
    lies = await shop.below(project)
    [(key, data)] = lies.items()
    assert data == content
    assert hashlib.sha256(content).hexdigest() in key
    assert Image.open(io.BytesIO(content)).size == (640, 320)
    known = {"If-None-Match": f'"{hashlib.sha256(content).hexdigest()}"'}
    assert (await shop.api.get(picture["image"], headers=known)).status_code == 304


async def test_a_link_leads_to_the_picture_for_whoever_has_it(shop: Shop) -> None:
    """Without a token of ours; changed in any way it leads nowhere."""
    _, picture, content = await shop.drawn()
    link = (await shop.api.get(f"{picture['image']}/link", params={"seconds": 60})).json()["url"]

    def fetched(url: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # the test's own server
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, b""

    assert await anyio.to_thread.run_sync(fetched, link) == (200, content)
    for changed in (link.replace("Expires=60", "Expires=3600"), link.partition("?")[0]):
        assert changed != link
        assert (await anyio.to_thread.run_sync(fetched, changed))[0] == 403


async def test_a_link_leads_to_a_built_file(shop: Shop, database: Database) -> None:
    """Of a chapter and of the whole project, for who may see it; it says when it expires."""
    project, _, _ = await shop.drawn()
    chapter = (
        await shop.api.post(f"/api/v1/projects/{project}/chapters", json={"title": "One", "text": "It rained."})
    ).json()["id"]
    storage = shop.server.storage(shop.prefix)
    for number, chapter_id in enumerate((UUID(chapter), None)):
        content = f"book {number}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        key = content_key(UUID(project), "exports", sha256, "cbz")
        await storage.put(key, content)
        async with database.session() as session:
            session.add(
                Export(
                    project_id=UUID(project),
                    chapter_id=chapter_id,
                    format=ExportFormat.CBZ,
                    key=key,
                    sha256=sha256,
                    bytes=len(content),
                    made_from="0" * 64,
                )
            )
        path = f"/api/v1/chapters/{chapter}" if chapter_id else f"/api/v1/projects/{project}"
        answer = await shop.api.get(f"{path}/exports/cbz/link", params={"seconds": 60})
        assert answer.status_code == 200, answer.text
        left = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
        assert timedelta(0) < left <= timedelta(seconds=60)

        def fetched(url: str) -> bytes:
            with urllib.request.urlopen(url, timeout=10) as found:  # noqa: S310  # the test's own server
                return bytes(found.read())

        assert await anyio.to_thread.run_sync(fetched, answer.json()["url"]) == content
        assert (await shop.api.get(f"{path}/exports/pdf/link")).status_code == 404
        nobody = {"Authorization": "Bearer none"}
        assert (await shop.api.get(f"{path}/exports/cbz/link", headers=nobody)).status_code == 401
    await storage.close()


async def test_a_thumbnail_is_kept_in_the_bucket(shop: Shop) -> None:
    """Beside the picture, so that it is made once."""
    project, picture, whole = await shop.drawn()
    first, second = [await shop.api.get(f"{picture['image']}/thumbnail", params={"size": 128}) for _ in range(2)]
    assert first.status_code == 200
    assert first.content == second.content
    assert Image.open(io.BytesIO(first.content)).size == (128, 64)
    assert sorted((await shop.below(project)).values()) == sorted([whole, first.content])


async def test_a_copy_and_an_import_have_pictures_of_their_own(shop: Shop, database: Database, client: Client) -> None:
    """What is deleted goes from the bucket; what was made from it stays, and is whole."""
    project, picture, content = await shop.drawn()
    assert (await shop.api.get(f"{picture['image']}/thumbnail")).status_code == 200
    copied = await shop.api.post(f"/api/v1/projects/{project}/copy")
    assert copied.status_code == 201, copied.text
    file = (await shop.api.get(f"/api/v1/projects/{project}/export")).content
    taken = await shop.api.post("/api/v1/projects/import", files={"file": ("a.zip", file, "application/zip")})
    assert taken.status_code == 201, taken.text
    others = [copied.json()["id"], taken.json()["id"]]
    assert len(await shop.below(project)) == 2

    assert (await shop.api.delete(f"/api/v1/projects/{project}")).status_code == 204
    storage = shop.server.storage(shop.prefix)
    for _ in range(2):
        await everything_due(database)
        await remove(database, client, storage)
    await storage.close()
    assert await shop.below(project) == {}
    assert problem(await shop.api.get(picture["image"])) == refused(404, "not-found")
    for other in others:
        assert list((await shop.below(other)).values()) == [content]
        [theirs] = (await shop.api.get(f"/api/v1/projects/{other}/images")).json()["items"]
        assert theirs["id"] != picture["id"]
        assert (await shop.api.get(theirs["image"])).content == content


async def test_while_the_bucket_is_away_that_is_said_and_nothing_is_half(shop: Shop) -> None:
    """Pictures cannot be read or sent; rows can. Once it is back, so is everything."""
    project, picture, content = await shop.drawn()
    await shop.server.stop()
    try:
        for answer in (await shop.api.get(picture["image"]), await send(shop.api, project, encoded(photo((64, 32))))):
            assert problem(answer) == refused(503, "storage-error")
            assert BUCKET not in answer.json()["detail"]
        [listed] = (await shop.api.get(f"/api/v1/projects/{project}/images")).json()["items"]
        assert listed["id"] == picture["id"]
    finally:
        await shop.server.start()
    assert (await shop.api.get(picture["image"])).content == content
    assert len(await shop.below(project)) == 1
