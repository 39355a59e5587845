"""A project as one file: what goes out comes back, goes on at no cost, and a hostile file leaves no trace."""

import hashlib
import io
import json
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from sqlalchemy import text

from engine.db.session import Database, execute
from engine.errors import BadInput
from engine.export.project_archive import Archive
from engine.settings import Settings
from models.tables import Project
from tests.api.conftest import Crew, Json, Made, ended, problem, refused, registered
from tests.support.project_files import exported, imported, opened, packed
from tests.support.uploads import encoded, photo, send
from tests.working import Painter, Writer

pytestmark = pytest.mark.workflow


async def ordered(api: AsyncClient, project_id: str, kind: str, **headers: str) -> Json:
    """A generation of the project's first chapter, to its end."""
    chapter = (await api.get(f"/api/v1/projects/{project_id}/chapters", headers=headers)).json()["items"][0]
    body = {"kind": kind, "target_ids": [chapter["id"]]}
    answer = await api.post("/api/v1/generations", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    previous = dict(api.headers)
    api.headers.update(headers)
    try:
        done = await ended(api, answer.json()["id"])
    finally:
        api.headers.update({"Authorization": previous["authorization"]})
    assert done["status"] == "completed", done
    return done


async def counts(database: Database) -> dict[str, int]:
    names = ("projects", "chapters", "images", "characters", "drafts", "panels", "removals")
    async with database.session() as session:
        return {
            name: (await execute(session, text(f"SELECT count(*) FROM {name}"))).scalar_one()  # noqa: S608 # ours
            for name in names
        }


@pytest.fixture(scope="module")
async def source(api: AsyncClient, made: Made) -> str:
    """A finished project with an uploaded picture that is attached to a character."""
    await send(api, made.project_id, encoded(photo((33, 44))), "reference.png")
    return made.project_id


@pytest.fixture(scope="module")
async def whole(api: AsyncClient, source: str) -> bytes:
    return await exported(api, source)


async def test_the_same_project_is_the_same_file(api: AsyncClient, source: str, whole: bytes) -> None:
    """Byte for byte, with every picture under its hash and no id in it."""
    assert await exported(api, source) == whole
    document, files = opened(whole)
    assert {Path(name).stem for name in files} == {picture["sha256"] for picture in document["pictures"]}
    assert all(hashlib.sha256(data).hexdigest() == Path(name).stem for name, data in files.items())
    assert len(files) > 4
    assert source not in json.dumps(document)


async def test_what_goes_out_comes_back(api: AsyncClient, source: str, whole: bytes) -> None:
    """Exported, imported by somebody else and exported again, it is the same; the importer owns it."""
    headers = {"Authorization": await registered(api)}
    answer = await imported(api, whole, **headers)
    assert answer.status_code == 201, answer.text
    project = answer.json()
    assert answer.headers["Location"] == f"/api/v1/projects/{project['id']}"
    assert await exported(api, project["id"], **headers) == whole
    assert problem(await api.get(answer.headers["Location"])) == refused(404, "not-found")


async def test_a_copy_goes_on_at_no_cost(api: AsyncClient, source: str, crew: Crew, whole: bytes) -> None:
    """Files can be built from it with no call, and so can the whole chapter be ordered again."""
    answer = await api.post(f"/api/v1/projects/{source}/copy")
    assert answer.status_code == 201, answer.text
    copy = answer.json()["id"]
    assert await exported(api, copy) == whole
    writer, painter = Writer(), Painter()
    async with crew(writer, painter):
        await ordered(api, copy, "chapter")
        done = await ordered(api, copy, "export")
    assert (len(writer.asked), len(painter.asked)) == (0, 0)
    assert done["progress"] == 1


async def test_an_import_goes_on_at_no_cost(api: AsyncClient, whole: bytes, crew: Crew) -> None:
    """Of another owner, who has paid for nothing: what is there is kept, and nothing is asked of anybody."""
    headers = {"Authorization": await registered(api)}
    project = (await imported(api, whole, **headers)).json()["id"]
    writer, painter = Writer(), Painter()
    async with crew(writer, painter):
        await ordered(api, project, "chapter", **headers)
    assert (len(writer.asked), len(painter.asked)) == (0, 0)
    chapter = (await api.get(f"/api/v1/projects/{project}/chapters", headers=headers)).json()["items"][0]
    pages = (await api.get(f"/api/v1/chapters/{chapter['id']}/pages", headers=headers)).json()["items"]
    assert pages
    assert all([(await api.get(page["image"], headers=headers)).status_code == 200 for page in pages])


async def test_a_picture_with_words_in_it_is_drawn_anew(api: AsyncClient, whole: bytes) -> None:
    """Pictures of an imported file are uploads like any other: nothing but pixels comes in."""
    document, _ = opened(whole)
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "PLANTED")
    data = encoded(photo((21, 22)), pnginfo=words)
    sha256 = hashlib.sha256(data).hexdigest()
    pictures = [{"sha256": sha256, "media_type": "image/png", "origin": "uploaded", "name": "a.png"}]
    bare = {"format": document["format"], "version": 1, "project": {"title": "Words"}, "pictures": pictures}
    answer = await imported(api, packed(bare, {f"pictures/{sha256}.png": data}))
    assert answer.status_code == 201, answer.text
    _, files = opened(await exported(api, answer.json()["id"]))
    [kept] = files.values()
    assert b"PLANTED" not in kept
    assert Image.open(io.BytesIO(kept)).size == (21, 22)


def repr_of(content: bytes) -> str:
    return repr(content[:12])


Broken = Callable[[Json, dict[str, bytes]], bytes]


def _changed(**values: Any) -> Broken:
    return lambda document, files: packed({**document, **values}, files)


def _entry(name: str, data: bytes = b"x", mode: int = 0) -> Broken:
    def build(document: Json, files: dict[str, bytes]) -> bytes:
        buffer = io.BytesIO(packed(document, files))
        with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
            warnings.simplefilter("ignore")
            entry = zipfile.ZipInfo("placeholder")
            entry.filename = entry.orig_filename = name
            entry.external_attr = mode << 16
            archive.writestr(entry, data)
        return buffer.getvalue()

    return build


def _swapped(document: Json, files: dict[str, bytes]) -> bytes:
    first, second, *_ = sorted(files)
    return packed(document, {**files, first: files[second], second: files[first]})


def _no_picture(document: Json, files: dict[str, bytes]) -> bytes:
    """A picture that is none, under its right hash."""
    data = b"no picture"
    sha256 = hashlib.sha256(data).hexdigest()
    pictures = [*document["pictures"], {"sha256": sha256, "media_type": "image/png", "origin": "uploaded"}]
    return packed({**document, "pictures": pictures}, {**files, f"pictures/{sha256}.png": data})


def _lying(document: Json, files: dict[str, bytes]) -> bytes:
    """An entry that says to be small unpacked, and is not."""
    data = bytearray(packed(b"[" + b" " * (300 << 20) + b"]", {}, zipfile.ZIP_DEFLATED))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    return bytes(data)


def _overlapping(document: Json, files: dict[str, bytes]) -> bytes:
    """Two entries of the list that are one in the file."""
    data = bytearray(packed(document, files))
    entries = [at for at in range(len(data)) if data[at : at + 4] == b"PK\x01\x02"]
    first, second = entries[1:3]
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return bytes(data)


HOSTILE: dict[str, Broken] = {
    "nothing": lambda document, files: b"",
    "no zip": lambda document, files: b"PK\x03\x04 but no",
    "half of it": lambda document, files: packed(document, files)[:40_000],
    "no project": lambda document, files: packed(document, files).replace(b"project.json", b"Project.json"),
    "no JSON": lambda document, files: packed(b"{", files),
    "a list": lambda document, files: packed(b"[]", files),
    "deep JSON": lambda document, files: packed(b"[" * 200_000, files),
    "another format": _changed(format="a-calendar"),
    "a version to come": _changed(version=2),
    "an unknown field": _changed(owner_id="me"),
    "a title too long": lambda document, files: packed({**document, "project": {"title": "a" * 501}}, files),
    "a NUL": lambda document, files: packed({**document, "project": {"title": "a\0b"}}, files),
    "unknown options": _changed(project={"title": "a", "options": {"pages": -1}}),
    "a title of two lines": _changed(project={"title": "a\r\nb"}),
    "a title without a letter": _changed(project={"title": "\u2003"}),
    "a name of two lines": _changed(characters=[{"name": "a\nb"}]),
    "an alias with a control character": _changed(characters=[{"name": "a", "aliases": ["\x1b[2J"]}]),
    "a location of two lines": _changed(locations=[{"name": "a\x85b"}]),
    "a chapter's title of two lines": _changed(chapters=[{"title": "a\nb"}]),
    "a lone surrogate": lambda document, files: packed({**document, "project": {"title": "\ud800"}}, files),
    "many unknown fields": lambda document, files: packed(document | {f"x{n}": n for n in range(200_000)}, files),
    "many bad parts": _changed(chapters=[{"scenes": [{"panels": [{}] * 900}] * 30}] * 20),
    "a picture that is missing": lambda document, files: packed(document, dict(list(files.items())[1:])),
    "a picture that nobody named": _entry("pictures/" + "0" * 64 + ".png"),
    "a picture named twice": lambda document, files: packed(
        {**document, "pictures": document["pictures"] + document["pictures"][:1]}, files
    ),
    "exchanged pictures": _swapped,
    "a picture that is none": _no_picture,
    "a way out": _entry("../../evil.png"),
    "a way out behind a good name": _entry("pictures/../../evil.png"),
    "an absolute path": _entry("/etc/passwd"),
    "a drive": _entry("C:\\evil.png"),
    "a NUL in a name": _entry("project.json\0.png"),
    "a folder": _entry("pictures/", b""),
    "a link": _entry("pictures/" + "0" * 64 + ".png", b"/etc/passwd", 0o120777),
    "the same name twice": _entry("project.json", b"{}"),
    "a bomb": lambda document, files: packed(b"[" + b" " * (300 << 20) + b"]", {}, zipfile.ZIP_DEFLATED),
    "a bomb that lies": _lying,
    "entries that overlap": _overlapping,
}


@pytest.mark.parametrize("name", list(HOSTILE))
async def test_a_hostile_file_leaves_no_trace(
    api: AsyncClient, database: Database, whole: bytes, api_settings: Settings, name: str
) -> None:
    """Refused with a problem; no row, no picture of it is left, not even of those before the bad one."""
    before = await counts(database)
    stored = {path for path in (Path(api_settings.storage or "") / "p").rglob("*") if path.is_file()}
    answer = await imported(api, HOSTILE[name](*opened(whole)))
    assert problem(answer) == refused(422, "bad-input"), answer.text
    after = await counts(database)
    assert {path for path in (Path(api_settings.storage or "") / "p").rglob("*") if path.is_file()} == stored
    # An order to remove what is not there may wait.
    assert {**after, "removals": 0} == {**before, "removals": 0}


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe{", b'{"a": ', b"[" * 200_000, b'{"format": "inkloom-project"}'], ids=repr_of
)
async def test_what_is_labelled_as_json_is_refused_in_words(
    api: AsyncClient, database: Database, content: bytes
) -> None:
    """As a file of a form, as a body in place of a form, and as the body of a new chapter: nothing is half there."""
    project = (await api.post("/api/v1/projects", json={"title": "Here"})).json()["id"]
    before = await counts(database)
    labelled = {"Content-Type": "application/json"}
    for answer in (
        await api.post("/api/v1/projects/import", files={"file": ("a.json", content, "application/json")}),
        await api.post("/api/v1/projects/import", content=content, headers=labelled),
        await api.post(f"/api/v1/projects/{project}/chapters", content=content, headers=labelled),
    ):
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert await counts(database) == before


def test_one_entry_inside_of_another_is_seen(tmp_path: Path) -> None:
    """Bombs that hold the same bytes many times over are zips whose checksums are right."""
    inner = tmp_path / "inner.zip"
    names = [f"pictures/{digit * 64}.png" for digit in "01"]
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(names[0], b"inside")
        within = archive.getinfo(names[0])
        length = archive.start_dir
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr(names[1], inner.read_bytes()[:length])
        within.header_offset = 30 + len(names[1])
        archive.filelist.append(within)
    with zipfile.ZipFile(outer) as archive:
        assert archive.testzip() is None
    with pytest.raises(BadInput, match="overlap"):
        Archive(outer, 1 << 20)


DENSE = {
    "objects": b"{},",
    "lists": b"[],",
    "numbers": b"7,",
    "texts": b'"",',
    "escaped texts": b'"\\"",',
    "keys": b'{"a":1},',
}


@pytest.mark.parametrize("part", list(DENSE))
def test_a_document_of_tiny_parts_is_refused_before_it_is_built(tmp_path: Path, part: str) -> None:
    """60 MB of them would be gigabytes in memory: nothing is built, whether the file is packed or not."""
    document = b'{"format":"inkloom-project","version":1,"x":['
    document += DENSE[part] * ((60 << 20) // len(DENSE[part])) + b"0]}"
    path = tmp_path / "dense.zip"
    path.write_bytes(packed(document, {}, zipfile.ZIP_DEFLATED))
    with pytest.raises(BadInput, match="packed too tightly"):
        Archive(path, 512 << 20)
    path.write_bytes(packed(document, {}))
    del document
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="more parts"):
            Archive(path, 512 << 20).bundle()
        assert tracemalloc.get_traced_memory()[1] < 450 << 20
    finally:
        tracemalloc.stop()


def test_texts_full_of_commas_are_texts(tmp_path: Path) -> None:
    """Prompts are lists of words: they count as what they are, however many there are."""
    document: Json = {"format": "inkloom-project", "version": 1, "project": {"title": "a"}}
    document["chapters"] = [{"text": '[a, {b", ' * 600_000}] * 6
    path = tmp_path / "commas.zip"
    path.write_bytes(packed(document, {}))
    assert len(Archive(path, 512 << 20).bundle().chapters) == 6


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
async def test_any_changed_file_is_read_or_refused(whole: bytes, tmp_path: Path, data: st.DataObject) -> None:
    """Bytes changed, cut or doubled anywhere: it is a project with the pictures that it names, or `BadInput`."""
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        # The lists at both ends are where archives lie.
        at = data.draw(st.one_of(st.integers(0, 200), st.integers(len(changed) - 3000, len(changed) - 1)))
        changed[max(at, 0)] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.zip"
    path.write_bytes(bytes(changed[: data.draw(st.integers(len(changed) - 50, len(changed)))]))
    try:
        archive = Archive(path, 512 << 20)
        bundle = archive.bundle()
        for picture in bundle.pictures:
            suffix = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}[picture.media_type]
            archive.picture(f"pictures/{picture.sha256}.{suffix}", tmp_path / "picture", picture.sha256)
    except BadInput:
        return


@pytest.mark.parametrize(
    ("title", "header"),
    [
        ("Plain", 'attachment; filename="Plain.inkloom.zip"'),
        ("Ünï", "attachment; filename=\"Uni.inkloom.zip\"; filename*=UTF-8''%C3%9Cn%C3%AF.inkloom.zip"),
        ("海", "attachment; filename=\"inkloom.inkloom.zip\"; filename*=UTF-8''%E6%B5%B7.inkloom.zip"),
        (
            'a"; filename="b\r\nX: y',
            "attachment; filename=\"a filename= b X y.inkloom.zip\"; filename*=UTF-8''"
            "a%20%3B%20filename%3D%20b%20X%20y.inkloom.zip",
        ),
        ("../../etc", 'attachment; filename="etc.inkloom.zip"'),
    ],
)
async def test_a_download_has_a_plain_name(api: AsyncClient, database: Database, title: str, header: str) -> None:
    """The title, in ASCII and as it is; nothing in it becomes a path or another header."""
    project = (await api.post("/api/v1/projects", json={"title": "a"})).json()
    async with database.session() as session:
        # An imported one may have a title that is not taken elsewhere.
        (await session.get_one(Project, UUID(project["id"]))).title = title
    answer = await api.get(f"/api/v1/projects/{project['id']}/export")
    assert answer.headers["Content-Disposition"].split("; filename*")[0] == header.split("; filename*")[0]
    assert ("filename*" in header) == ("filename*" in answer.headers["Content-Disposition"])
    if "filename*" in header:
        assert answer.headers["Content-Disposition"] == header
    assert "x" not in answer.headers
