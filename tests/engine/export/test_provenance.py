"""Every file says how its pictures were made and by whom; prompts go with panels unless they are left out."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pikepdf
import pytest
from PIL import Image

from engine.export.build import build
from engine.export.provenance import (
    BY_MODEL,
    BY_RULES,
    COMPOSED,
    EDITED_BY_MODEL,
    IPTC_EXT,
    notes_of,
    notes_together,
    origin_of_pages,
    origin_of_picture,
    with_xmp,
    xmp,
)
from engine.export.webtoon import build_slices
from engine.images.png_text import STORYBOARD
from models.exports import Credit, ExportFormat
from models.tables.story import DraftOrigin
from tests.engine.export.conftest import Bind

pytestmark = pytest.mark.unit

RDF, DC = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/elements/1.1/}"
MIXED = f"Some of the pictures are storyboards. {STORYBOARD}"


@pytest.mark.parametrize(
    ("artists", "notes"),
    [
        pytest.param(set(), "", id="no pictures"),
        pytest.param({"openai"}, "", id="a model"),
        pytest.param({"offline"}, STORYBOARD, id="storyboards"),
        pytest.param({"offline", "openai"}, MIXED, id="both"),
    ],
)
def test_what_is_said_of_pictures(artists: set[str], notes: str) -> None:
    assert notes_of(artists) == notes


@pytest.mark.parametrize(
    ("parts", "notes"),
    [
        pytest.param(["", ""], "", id="models"),
        pytest.param([STORYBOARD, STORYBOARD], STORYBOARD, id="storyboards"),
        pytest.param([STORYBOARD, ""], MIXED, id="a chapter of each"),
        pytest.param([], "", id="no chapters"),
    ],
)
def test_what_is_said_of_chapters_together(parts: list[str], notes: str) -> None:
    assert notes_together(parts) == notes


@pytest.mark.parametrize(
    ("provider", "origin", "type"),
    [
        pytest.param("offline", DraftOrigin.DRAWN, BY_RULES, id="rules"),
        pytest.param("openai", DraftOrigin.REDRAWN, BY_MODEL, id="a model"),
        pytest.param("local", DraftOrigin.EDITED, EDITED_BY_MODEL, id="changed by a model"),
        pytest.param("openai", DraftOrigin.UPLOADED, "", id="brought along: nothing is known of it"),
    ],
)
def test_the_source_type_of_a_picture(provider: str, origin: DraftOrigin, type: str) -> None:
    assert origin_of_picture(provider, origin) == type


@pytest.mark.parametrize(
    ("pictures", "type"),
    [
        pytest.param([BY_RULES, BY_RULES], BY_RULES, id="rules alone"),
        pytest.param([BY_MODEL], COMPOSED, id="a model's, lettered"),
        pytest.param([BY_RULES, ""], COMPOSED, id="with art that was brought along"),
        pytest.param([""], "", id="nothing but such art"),
        pytest.param([], "", id="no pictures"),
    ],
)
def test_the_source_type_of_pages(pictures: list[str], type: str) -> None:
    assert origin_of_pages(pictures) == type


def facts(packet: str) -> dict[str, str | None]:
    """What an XMP packet says."""
    about = ElementTree.fromstring(packet).find(f"{RDF}RDF/{RDF}Description")  # noqa: S314  # our own file
    assert about is not None
    credit = about.find(f"{DC}creator/{RDF}Seq/{RDF}li")
    return {
        "type": about.findtext(f"{{{IPTC_EXT}}}DigitalSourceType"),
        "model": about.findtext(f"{{{IPTC_EXT}}}AISystemUsed"),
        "credit": None if credit is None else credit.text,
    }


def packets(out: Path) -> Iterator[str]:
    """Of every picture in a zip."""
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            if name.endswith((".png", ".jpg")):
                with Image.open(io.BytesIO(archive.read(name))) as picture:
                    found = picture.info["xmp"]
                    yield found.decode() if isinstance(found, bytes) else found


OF_PAGES = {"type": COMPOSED, "model": "openai/ink-1", "credit": "Ada <b> & Co, Ltd (writer)"}


@pytest.mark.parametrize("format", ["cbz", "epub", "webtoon", "png", "jpeg"])
def test_every_picture_in_a_file_carries_it(bind: Bind, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    build(ExportFormat(format), bind(2), tmp_path, out)
    found = [facts(packet) for packet in packets(out)]
    assert found == [OF_PAGES] * 2


@pytest.mark.parametrize("format", ["pdf", "print"])
def test_a_pdf_carries_it(bind: Bind, tmp_path: Path, format: str) -> None:
    out = tmp_path / "a.pdf"
    build(ExportFormat(format), bind(1, notes=STORYBOARD), tmp_path, out)
    with pikepdf.open(out) as pdf:
        assert str(pdf.docinfo["/Subject"]) == STORYBOARD
        with pdf.open_metadata() as told:
            assert told["Iptc4xmpExt:DigitalSourceType"] == COMPOSED
            assert told["Iptc4xmpExt:AISystemUsed"] == "openai/ink-1"
            assert told["dc:creator"][0] == OF_PAGES["credit"]


def test_an_epub_carries_it(bind: Bind, tmp_path: Path) -> None:
    out = tmp_path / "a.epub"
    build(ExportFormat.EPUB, bind(1, notes=STORYBOARD), tmp_path, out)
    with zipfile.ZipFile(out) as archive:
        package = archive.read("book/package.opf").decode()
    assert f'<meta property="Iptc4xmpExt:DigitalSourceType">{COMPOSED}</meta>' in package
    assert '<meta property="Iptc4xmpExt:AISystemUsed">openai/ink-1</meta>' in package
    assert STORYBOARD in package


@pytest.mark.parametrize("size", [pytest.param((800, 900), id="as it is"), pytest.param((1600, 1800), id="smaller")])
def test_slices_in_a_folder_carry_it(bind: Bind, tmp_path: Path, size: tuple[int, int]) -> None:
    [piece] = build_slices(bind(1, size=size), tmp_path / "slices")
    with Image.open(piece) as picture:
        assert facts(picture.info["xmp"].decode()) == OF_PAGES


@pytest.mark.parametrize("prompts", [True, False])
def test_prompts_go_with_panels_and_scripts_unless_left_out(bind: Bind, tmp_path: Path, prompts: bool) -> None:
    bound = bind(1, options={"prompts": prompts})
    build(ExportFormat.PANELS, bound, tmp_path, tmp_path / "panels")
    build(ExportFormat.SCRIPT, bound, tmp_path, tmp_path / "script")
    with zipfile.ZipFile(tmp_path / "panels") as archive:
        data = archive.read("scene-01-panel-01.png")
    with Image.open(io.BytesIO(data)) as picture:
        assert ("parameters" in picture.info) == prompts
        assert (b"a lamp, ink" in data) == prompts
        assert picture.convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    assert [facts(packet)["type"] for packet in packets(tmp_path / "panels")] == [BY_MODEL]
    [scene] = json.loads((tmp_path / "script").read_text())["scenes"]
    assert (scene["panels"][0]["prompt"] == "a lamp, ink") == prompts


def test_a_packet_replaces_the_one_before() -> None:
    png = io.BytesIO()
    Image.new("RGB", (2, 2)).save(png, "PNG")
    twice = with_xmp(with_xmp(png.getvalue(), xmp(origin=BY_RULES)), xmp(origin=BY_MODEL))
    with Image.open(io.BytesIO(twice)) as picture:
        assert facts(picture.info["xmp"].decode())["type"] == BY_MODEL
    assert twice.count(b"XML:com.adobe.xmp") == 1


def test_names_of_users_break_no_packet() -> None:
    told = xmp(title='</x:xmpmeta> & "\x00', credits=[Credit(role="writer", name="<A>]]>")], models=["a & b"])
    assert facts(told) == {"type": None, "model": "a & b", "credit": "<A>]]> (writer)"}
