"""A PDF embeds every page as it is, at 300 dpi, and is the same bytes every time."""

import time
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops
from pypdf import PdfReader

from engine.export.pdf import build_pdf
from models.story import Direction

pytestmark = pytest.mark.unit


@pytest.fixture
def pages(tmp_path: Path) -> list[Path]:
    made = []
    for number in range(30):
        made.append(tmp_path / f"in{number}.png")
        Image.radial_gradient("L").resize((200 + number, 300)).convert("RGB").save(made[-1], dpi=(72, 72))
    return made


def test_every_page_has_its_size_at_300_dpi_in_order(pages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    build_pdf(pages, out, title="Lamp", direction="ltr")
    boxes = [page.mediabox for page in PdfReader(out).pages]
    assert len(boxes) == 30
    for number, box in enumerate(boxes):
        assert float(box.width) == pytest.approx((200 + number) * 72 / 300, abs=0.01)
        assert float(box.height) == pytest.approx(72, abs=0.01)


def test_pixels_are_untouched(pages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "a.pdf"
    build_pdf(pages[:1], out, title="Lamp", direction="ltr")
    [embedded] = PdfReader(out).pages[0].images
    with Image.open(pages[0]) as page:
        assert embedded.image is not None
        assert ImageChops.difference(embedded.image.convert("RGB"), page.convert("RGB")).getbbox() is None


def test_the_same_pages_make_the_same_bytes(pages: list[Path], tmp_path: Path) -> None:
    outs = [tmp_path / "a.pdf", tmp_path / "other" / "b.pdf"]
    for out in outs:
        build_pdf(pages, out, title="Lamp", direction="ltr")
        time.sleep(1.1)  # a document id made from the clock would differ by now
    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize(("direction", "reads"), [("ltr", None), ("rtl", "/R2L")])
def test_title_and_reading_direction_are_told(
    pages: list[Path], tmp_path: Path, direction: Direction, reads: str | None
) -> None:
    out = tmp_path / "a.pdf"
    build_pdf(pages[:2], out, title="Die <Lampe>\x00 & ich", direction=direction)
    with pikepdf.open(out) as pdf:
        preferences = pdf.Root["/ViewerPreferences"]
        assert (str(preferences["/Direction"]) if "/Direction" in preferences else None) == reads
        assert str(pdf.docinfo["/Title"]) == "Die <Lampe> & ich"
        with pdf.open_metadata() as metadata:
            assert metadata["dc:title"] == "Die <Lampe> & ich"


def test_a_failed_build_leaves_what_was_there(pages: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "made" / "a.pdf"
    build_pdf(pages[:2], out, title="Lamp", direction="ltr")
    before = out.read_bytes()
    with pytest.raises(FileNotFoundError):
        build_pdf([*pages, tmp_path / "gone.png"], out, title="Lamp", direction="ltr")
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
