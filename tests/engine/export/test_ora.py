"""Layered pages: flattened they are the page; art, balloons and texts lie apart, and others can open them."""

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops

from engine.errors import BadInput
from engine.export.book import Bound
from engine.export.build import finished
from engine.export.ora import build_ora
from models.options import PageFormat
from models.story import Line, PanelData
from tests.engine.export.lettered import NOISE, SILENT, SPLASH, TALK, lettered, unlettered

pytestmark = pytest.mark.unit


def opened(bound: Bound, folder: Path, page: int = 0) -> zipfile.ZipFile:
    """One page's file out of the zip."""
    build_ora(finished(bound, folder), folder / "a.ora.zip")
    with zipfile.ZipFile(folder / "a.ora.zip") as archive:
        assert len(archive.namelist()) == len(finished(bound, folder).pages)
        return zipfile.ZipFile(io.BytesIO(archive.read(sorted(archive.namelist())[page])))


def layers_of(file: zipfile.ZipFile) -> list[tuple[str, int, int, Image.Image]]:
    """From the lowest up, as (name, x, y, picture)."""
    found = []
    for layer in reversed(ElementTree.fromstring(file.read("stack.xml")).findall("stack/layer")):  # noqa: S314  # our own
        with Image.open(io.BytesIO(file.read(layer.attrib["src"]))) as picture:
            found.append(
                (layer.attrib["name"], int(layer.attrib["x"]), int(layer.attrib["y"]), picture.convert("RGBA"))
            )
    return found


def flattened(file: zipfile.ZipFile) -> Image.Image:
    root = ElementTree.fromstring(file.read("stack.xml"))  # noqa: S314  # our own
    paper = Image.new("RGBA", (int(root.attrib["w"]), int(root.attrib["h"])))
    for _, x, y, picture in layers_of(file):
        whole = Image.new("RGBA", paper.size)
        whole.paste(picture, (x, y))
        paper = Image.alpha_composite(paper, whole)
    return paper


@pytest.mark.parametrize(
    ("panels", "format", "options"),
    [
        pytest.param((TALK, NOISE, TALK, NOISE), "page", {}, id="page"),
        pytest.param((NOISE, TALK), "webtoon", {}, id="strip"),
        pytest.param((TALK,), "page", {"page_numbers": True}, id="one panel, numbered"),
        pytest.param((SPLASH, *(SILENT,) * 8), "page", {"opener": True}, id="bleeding"),
        pytest.param((SILENT,), "page", {}, id="silent"),
    ],
)
def test_flattened_it_is_the_page(
    tmp_path: Path, panels: tuple[PanelData, ...], format: PageFormat, options: dict[str, Any]
) -> None:
    """To within 2 of 255 where edges are smooth, and exactly almost everywhere."""
    file = opened(lettered(tmp_path, panels, format=format, missing=(1,), **options), tmp_path)
    flat = flattened(file)
    assert flat.getchannel("A").getextrema() == (255, 255)
    with Image.open(io.BytesIO(file.read("mergedimage.png"))) as page:
        apart = ImageChops.difference(flat.convert("RGB"), page.convert("RGB"))
    assert max(high for _, high in apart.getextrema()) <= 2  # type: ignore[misc]  # RGB has three
    exact = sum(count for count, colour in apart.getcolors(1 << 24) or [] if colour == (0, 0, 0))
    assert exact > 0.99 * apart.width * apart.height


def test_the_merged_picture_is_the_page(tmp_path: Path) -> None:
    bound = lettered(tmp_path)
    file = opened(bound, tmp_path)
    with Image.open(io.BytesIO(file.read("mergedimage.png"))) as merged, Image.open(bound.pages[0]) as page:
        assert merged.tobytes() == page.tobytes()
    with Image.open(io.BytesIO(file.read("Thumbnails/thumbnail.png"))) as small:
        assert max(small.size) == 256


def test_it_keeps_to_what_readers_expect(tmp_path: Path) -> None:
    """The type comes first, as it is; every layer named is there, lies on the page, and is plain PNG."""
    file = opened(lettered(tmp_path), tmp_path)
    first = file.infolist()[0]
    assert (first.filename, first.compress_type, file.read(first)) == (
        "mimetype",
        zipfile.ZIP_STORED,
        b"image/openraster",
    )
    root = ElementTree.fromstring(file.read("stack.xml"))  # noqa: S314  # our own
    assert root.tag == "image"
    named = [layer.attrib["src"] for layer in root.findall("stack/layer")]
    kept = {"mimetype", "stack.xml", "mergedimage.png", "Thumbnails/thumbnail.png"}
    assert len(set(named)) == len(named)
    assert set(file.namelist()) == kept | set(named)
    width, height = int(root.attrib["w"]), int(root.attrib["h"])
    for _, x, y, picture in layers_of(file):
        assert x >= 0
        assert y >= 0
        assert x + picture.width <= width
        assert y + picture.height <= height


def test_layers_are_named_for_who_looks_for_them(tmp_path: Path) -> None:
    """Paper, art, borders, then what is said: balloons with their tails, and apart from them the words."""
    names = [name for name, *_ in layers_of(opened(lettered(tmp_path, missing=(1,)), tmp_path))]
    assert names[:4] == ["Paper", "Panel 1", "Panel 2 (picture missing)", "Borders"]
    assert names[4:12] == [
        "Panel 1, Caption: Later. (balloon)",
        "Panel 1, Mara: The ferry is due at nine, and no… (balloon)",
        "Panel 1, Joss: Quiet, they hear us. (balloon)",
        "Panel 1, Mara: RUN! (balloon)",
        "Panel 1, Caption: Later. (text)",
        "Panel 1, Mara: The ferry is due at nine, and no… (text)",
        "Panel 1, Joss: Quiet, they hear us. (text)",
        "Panel 1, Mara: RUN! (text)",
    ]
    assert "Panel 2, Sound: KRAKK (text)" in names
    assert "Panel 2, Sound: KRAKK (balloon)" not in names


def test_art_is_free_of_words(tmp_path: Path) -> None:
    """What a panel shows under its balloons is in its layer: the same as on a page where nobody speaks."""
    silent = TALK.model_copy(update={"caption": "", "dialogue": []})
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
    [_, spoken, *_] = layers_of(opened(lettered(tmp_path / "one", (TALK,)), tmp_path / "one"))
    [_, bare, *_] = layers_of(opened(lettered(tmp_path / "other", (silent,)), tmp_path / "other"))
    assert (spoken[0], *spoken[1:3]) == (bare[0], *bare[1:3])
    assert spoken[3].tobytes() == bare[3].tobytes()


def test_art_says_how_it_was_made(tmp_path: Path) -> None:
    file = opened(lettered(tmp_path, (TALK,)), tmp_path)
    assert b"openai/ink-1" in file.read("data/001.png")


@pytest.mark.parametrize("title", ["a/b", "<x> & “y”", "🎉", "\x00\x07\ud800", "x" * 300])
def test_whatever_people_are_called(tmp_path: Path, title: str) -> None:
    """Names go into XML: what XML cannot hold is left out, the rest is as it was written."""
    said = Line.model_construct(speaker=title, kind=TALK.dialogue[0].kind, text=f"Hi {title[:8]}")
    file = opened(lettered(tmp_path, (TALK.model_copy(update={"dialogue": [said]}),)), tmp_path)
    kept = "".join(sign for sign in title if sign.isprintable()) or "Speech"
    names = [name for name, *_ in layers_of(file)]
    assert any(name.startswith(f"Panel 1, {kept[:32]}") for name in names)
    assert max(map(len, names)) < 100
    assert file.testzip() is None


def test_a_title_page_is_one_picture(tmp_path: Path) -> None:
    """And the numbers of the pages behind it begin at 1."""
    bound = lettered(tmp_path, (TALK,), title_page=True, page_numbers=True)
    assert [name for name, *_ in layers_of(opened(bound, tmp_path))] == ["Page"]
    file = opened(bound, tmp_path, 1)
    assert layers_of(file)[-1][0] == "Page number"
    with Image.open(io.BytesIO(file.read("mergedimage.png"))) as page:
        apart = ImageChops.difference(flattened(file).convert("RGB"), page.convert("RGB"))
    assert max(high for _, high in apart.getextrema()) <= 2  # type: ignore[misc]  # RGB has three


def test_a_page_from_before_lettering_was_kept_is_refused(tmp_path: Path) -> None:
    """Its words could not be told from its art: a file without them would be taken for the page."""
    with pytest.raises(BadInput, match="Generate the chapter"):
        build_ora(unlettered(lettered(tmp_path)), tmp_path / "a.ora.zip")
    assert not (tmp_path / "a.ora.zip").exists()
