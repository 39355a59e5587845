"""Files that hold storyboards say so."""

from pathlib import Path

import pikepdf
import pytest
from PIL import Image, PngImagePlugin

from engine.export.pdf import build_pdf
from engine.export.provenance import STORYBOARD, notes_of
from engine.export.webtoon import build_slices
from engine.pages.compose import compose_page
from engine.pages.layout import PageLayout

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("artists", "notes"),
    [
        pytest.param(set(), "", id="no pictures"),
        pytest.param({"openai"}, "", id="a model"),
        pytest.param({"offline"}, STORYBOARD, id="storyboards"),
        pytest.param({"offline", "openai"}, f"Some of the pictures are storyboards. {STORYBOARD}", id="both"),
    ],
)
def test_what_is_said_of_pictures(artists: set[str], notes: str) -> None:
    assert notes_of(artists) == notes


@pytest.mark.parametrize(
    "size", [pytest.param((800, 900), id="as it is"), pytest.param((1600, 1800), id="made smaller")]
)
def test_pages_slices_and_pdf_carry_it(tmp_path: Path, size: tuple[int, int]) -> None:
    """Unseen, but there for whoever looks."""
    page = tmp_path / "page.png"
    page.write_bytes(
        compose_page(PageLayout(number=1, width=size[0], height=size[1], cells=()), {}, "ltr", notes=STORYBOARD).png
    )
    [piece] = build_slices([page], tmp_path / "slices")
    for path in (page, piece):
        with Image.open(path) as picture:
            assert picture.info["Comment"] == STORYBOARD
    build_pdf([page], tmp_path / "a.pdf", title="Lamp", direction="ltr", notes=STORYBOARD)
    with pikepdf.open(tmp_path / "a.pdf") as pdf:
        assert str(pdf.docinfo["/Subject"]) == STORYBOARD


def test_a_slice_that_becomes_a_jpeg_carries_it_too(tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    about = PngImagePlugin.PngInfo()
    about.add_text("Comment", STORYBOARD)
    noise = Image.merge("RGB", [Image.effect_noise((801, 1280), 120) for _ in range(3)])
    noise.save(page, pnginfo=about)
    [piece] = build_slices([page], tmp_path / "slices")
    assert piece.suffix == ".jpg"
    with Image.open(piece) as picture:
        assert picture.info["comment"].decode() == STORYBOARD
