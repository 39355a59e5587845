"""Pictures that people bring: taken by what they are, drawn anew, bounded, attached to what is theirs."""

import asyncio
import hashlib
import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from PIL import Image, PngImagePlugin

from engine.settings import Settings
from tests.api.conftest import Json, Made, new_chapter, problem, refused, registered
from tests.support.uploads import encoded, photo, send

pytestmark = pytest.mark.workflow


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes a row that says to be enormous."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * min(((width + 7) // 8 + 1) * height, 8 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


async def stored(api: AsyncClient, uploaded: Json) -> Image.Image:
    answer = await api.get(uploaded["image"])
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    return picture


@pytest.fixture(scope="module")
async def project(api: AsyncClient) -> str:
    return (await new_chapter(api))[0]


async def test_an_upload_is_there_once(api: AsyncClient, project: str) -> None:
    """201 with what it is, 200 with the same when it comes again, under whatever name; twenty at once make one."""
    data = encoded(photo())
    first = await send(api, project, data, "Mara.png")
    assert first.status_code == 201
    made = first.json()
    assert (made["width"], made["height"], made["media_type"], made["name"]) == (40, 20, "image/png", "Mara.png")
    assert made["origin"] == "uploaded"
    content = (await api.get(made["image"])).content
    assert (made["sha256"], made["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    again = await send(api, project, data, "other.png")
    assert (again.status_code, again.json()) == (200, made)
    fresh = encoded(photo((30, 10)))
    many = await asyncio.gather(*(send(api, project, fresh) for _ in range(20)))
    assert sorted(answer.status_code for answer in many) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in many}) == 1


async def test_nothing_but_pixels_is_kept(api: AsyncClient, project: str) -> None:
    """Where and when a photo was taken, by whom, what it says in chunks and behind its end: all of it goes."""
    planted = b"PLANTED-51N-0E"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = planted.decode()
    exif.get_ifd(0x8825)[0x001D] = planted.decode()
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", planted.decode())
    words.add_itxt("XML:com.adobe.xmp", planted.decode())
    for data in (
        encoded(photo(), "JPEG", exif=exif, comment=planted, quality=95) + planted,
        encoded(photo(), exif=exif, pnginfo=words) + planted,
        encoded(photo(), "WEBP", exif=exif, xmp=planted, lossless=True),
    ):
        assert planted in data
        answer = await send(api, project, data, "photo")
        assert answer.status_code in (200, 201), answer.text
        content = (await api.get(answer.json()["image"])).content
        assert planted not in content
        picture = await stored(api, answer.json())
        assert not picture.getexif()
        # Turned as it was to be seen: what lay left stands on top.
        assert picture.size == (20, 40)
        red, _, blue = picture.convert("RGB").getpixel((10, 4))  # type: ignore[misc]  # three bands
        assert red > blue


@pytest.mark.parametrize(
    ("mode", "format", "becomes"),
    [
        ("P", "PNG", "RGBA"), ("1", "PNG", "L"), ("I;16", "PNG", "L"), ("LA", "PNG", "RGBA"), ("RGBA", "PNG", "RGBA"),
        ("CMYK", "JPEG", "RGB"), ("L", "JPEG", "L"), ("RGBA", "WEBP", "RGBA"),
    ],
)  # fmt: skip
async def test_every_kind_of_pixel_is_taken(
    api: AsyncClient, project: str, mode: str, format: str, becomes: str
) -> None:
    """Palettes, 16 bits, print colours: what is kept has 8 bits and is grey, RGB or RGBA, and looks the same."""
    if mode == "I;16":
        picture = Image.new(mode, (16, 16), 0x8000)
    else:
        picture = Image.new("RGBA", (16, 16), (128, 128, 128, 100)).convert(mode)
    answer = await send(api, project, encoded(picture, format))
    assert answer.status_code in (200, 201), answer.text
    kept = await stored(api, answer.json())
    assert kept.mode == becomes
    if mode != "1":
        assert abs(kept.convert("RGB").getpixel((8, 8))[1] - 128) < 6  # type: ignore[index]  # three bands


async def test_masks_keep_every_pixel(api: AsyncClient, project: str) -> None:
    """As PNG, whatever they came as; another purpose than those there are is refused."""
    answer = await send(api, project, encoded(photo(), "JPEG"), purpose="mask")
    assert (answer.status_code, answer.json()["media_type"]) == (201, "image/png")
    assert problem(await send(api, project, encoded(photo()), purpose="avatar")) == refused(422, "bad-input")


@lru_cache
def hostile() -> dict[str, bytes]:
    whole = encoded(photo((400, 300)))
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (1, 99, 200)]
    return {
        "nothing": b"",
        "words": b"This is no picture.",
        "a page": b"<html><script>alert(1)</script></html>",
        "a vector drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "a format that is not taken": encoded(photo(), "GIF"),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "half of it": whole[: len(whole) // 2],
        "a changed byte": whole[:60] + bytes([whole[60] ^ 255]) + whole[61:],
        "an animated PNG": encoded(frames[0], save_all=True, append_images=frames[1:]),
        "an animated WEBP": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        "a bomb": bomb(60_000, 60_000),
        "a bomb just above the limit": bomb(8_000, 5_001),
        "a long one": bomb(20_000, 10),
        "a bomb of words": whole[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b" * (200 << 20), 9)) + whole[33:],
        "a bomb of a profile": whole[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(b"b" * (99 << 20))) + whole[33:],
        "no sides": bomb(0, 0),
    }


# By name: to make them takes seconds and much memory, and every process of the tests reads this list.
HOSTILE = [
    "nothing", "words", "a page", "a vector drawing", "a format that is not taken", "PostScript", "half of it",
    "a changed byte", "an animated PNG", "an animated WEBP", "a bomb", "a bomb just above the limit", "a long one",
    "a bomb of words", "a bomb of a profile", "no sides",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_is_no_fit_picture_is_refused(api: AsyncClient, project: str, name: str) -> None:
    """With a problem that says so, and quickly; a bomb is seen before it goes off, or in a process that may burst."""
    async with asyncio.timeout(45):
        answer = await send(api, project, hostile()[name], "fine.png")
    assert problem(answer) == refused(422, "bad-input")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\mara\\me.png", "me.png"),
        ("a\u202egnp.exe", "agnp.exe"),
        ("tab\tand\x07bell\x00.png", "tab andbell.png"),
        ("\u200b\ufeff", ""),
        ("Ma\u0308ra — Морт 海.png", "Mära — Морт 海.png"),
        ("x" * 500 + ".png", "x" * 196 + ".png"),
        ("CON.png", "_CON.png"),
        ("...", ""),
    ],
)
def test_names_are_made_plain(given: str, kept: str) -> None:
    """No paths, no control characters, nothing that turns the writing round, and an end."""
    from api.http.filenames import plain_name

    assert plain_name(given, 200) == kept


async def test_the_form_must_be_one(api: AsyncClient, project: str) -> None:
    """JSON, no file, another field's file: each is told what is missing."""
    where = f"/api/v1/projects/{project}/images"
    for answer in (
        await api.post(where, json={"file": "a"}),
        await api.post(where, files={"picture": ("a.png", b"a")}),
        await api.post(where, data={"purpose": "mask"}),
        await api.post(where),
    ):
        assert problem(answer) == refused(422, "bad-input")


async def test_only_editors_upload(api: AsyncClient, project: str) -> None:
    """A stranger's project is not there, before a byte is looked at."""
    headers = {"Authorization": await registered(api)}
    answer = await api.post(f"/api/v1/projects/{project}/images", files={"file": b"junk"}, headers=headers)
    assert problem(answer) == refused(404, "not-found")


async def test_pictures_are_attached_and_taken_away(api: AsyncClient, made: Made) -> None:
    """To a character or a panel of the same project; twice is once; what is in use is not deleted."""
    picture = (await send(api, made.project_id, encoded(photo((48, 24))))).json()
    scene = (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"][0]
    panel = (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"][0]
    where = f"/api/v1/panels/{panel['id']}/images"
    body = {"image_id": picture["id"], "role": "control"}
    first = await api.post(where, json=body)
    assert first.status_code == 201
    again = await api.post(where, json=body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert (await api.get(where)).json() == {"items": [first.json()], "next_cursor": None}
    assert problem(await api.delete(picture["image"])) == refused(409, "conflict")
    page = (await api.get(f"/api/v1/chapters/{made.chapter_id}/pages")).json()["items"][0]
    assert problem(await api.delete(page["image"])) == refused(409, "conflict")
    assert (await api.delete(f"/api/v1/attachments/{first.json()['id']}")).status_code == 204
    assert (await api.get(where)).json() == {"items": [], "next_cursor": None}
    assert (await api.delete(picture["image"])).status_code == 204
    assert problem(await api.get(picture["image"])) == refused(404, "not-found")


async def test_a_picture_of_another_project_cannot_be_attached(api: AsyncClient, made: Made, project: str) -> None:
    """Not even one's own: a project is whole in itself."""
    picture = (await send(api, project, encoded(photo((52, 24))))).json()
    scene = (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"][0]
    panel = (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"][0]
    answer = await api.post(f"/api/v1/panels/{panel['id']}/images", json={"image_id": picture["id"]})
    assert problem(answer) == refused(404, "not-found")


async def test_a_mask_has_the_shape_of_its_picture(api: AsyncClient, made: Made) -> None:
    """In any size; another shape is refused, with both sizes."""
    scene = (await api.get(f"/api/v1/chapters/{made.chapter_id}/scenes")).json()["items"][0]
    panel = (await api.get(f"/api/v1/scenes/{scene['id']}/panels")).json()["items"][0]
    draft = (await api.get(f"/api/v1/panels/{panel['id']}/drafts")).json()["items"][0]
    shown = await stored(api, draft)
    half = encoded(Image.new("L", (shown.width // 2, shown.height // 2), 255))
    for data, status in ((half, 201), (encoded(Image.new("L", (64, 500), 255)), 422)):
        mask = (await send(api, made.project_id, data, purpose="mask")).json()
        body = {"image_id": mask["id"], "role": "mask"}
        answer = await api.post(f"/api/v1/panels/{panel['id']}/images", json=body)
        assert answer.status_code == status, answer.text
        if status == 201:
            await api.delete(f"/api/v1/attachments/{answer.json()['id']}")


async def test_thumbnails_are_made_once(api: AsyncClient, project: str, api_settings: Settings) -> None:
    """Small, WEBP, cached by content; twenty who ask at once are given the same file, which stays as it was."""
    picture = (await send(api, project, encoded(photo((3000, 1500))))).json()
    where = f"{picture['image']}/thumbnail"
    many = await asyncio.gather(*(api.get(where, params={"size": 512}) for _ in range(20)))
    assert {(answer.status_code, answer.content) for answer in many} == {(200, many[0].content)}
    assert Image.open(io.BytesIO(many[0].content)).size == (512, 256)
    assert many[0].headers["Content-Type"] == "image/webp"
    assert "immutable" in many[0].headers["Cache-Control"]
    folder = Path(api_settings.storage or "") / "p" / project / "thumbnails"
    [file] = list(folder.rglob(f"{picture['sha256']}*"))
    before = file.stat().st_mtime_ns
    again = await api.get(where, params={"size": 512}, headers={"If-None-Match": many[0].headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await api.get(where, params={"size": 128}, headers={"If-None-Match": many[0].headers["ETag"]})
    assert (other.status_code, Image.open(io.BytesIO(other.content)).size) == (200, (128, 64))
    head = await api.head(where, params={"size": 512})
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", many[0].headers["ETag"])
    assert file.stat().st_mtime_ns == before
    assert problem(await api.get(where, params={"size": 333})) == refused(422, "validation")


async def test_a_folder_has_no_links(api: AsyncClient, project: str) -> None:
    """409: read the picture here."""
    picture = (await send(api, project, encoded(photo((44, 22))))).json()
    assert problem(await api.get(f"{picture['image']}/link")) == refused(409, "conflict")
