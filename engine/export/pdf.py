"""A chapter as PDF: every page embedded as it is, no pixel decoded and encoded again."""

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import img2pdf
import pikepdf

from engine.export.titles import printable
from models.story import Direction

_DPI = 300
# Pages go through memory this many at a time, however long the chapter is.
_BATCH = 12


def build_pdf(pages: Sequence[Path], out: Path, *, title: str, direction: Direction, notes: str = "") -> None:
    """Writes `out` in one step, a page at 300 dpi for every picture. Same pages, same bytes."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder, ExitStack() as sources:
        whole = sources.enter_context(pikepdf.new())
        for start in range(0, len(pages), _BATCH):
            part = Path(folder) / f"{start:06}.pdf"
            _embed(pages[start : start + _BATCH], part)
            whole.pages.extend(sources.enter_context(pikepdf.open(part)).pages)
        _describe(whole, printable(title), direction, printable(notes))
        finished = Path(folder) / "finished.pdf"
        whole.save(finished, deterministic_id=True)
        with finished.open("rb+") as file:
            os.fsync(file.fileno())
        finished.replace(out)


def _embed(pages: Sequence[Path], part: Path) -> None:
    layout = img2pdf.get_fixed_dpi_layout_fun((_DPI, _DPI))
    with part.open("wb") as file:
        img2pdf.convert([page.read_bytes() for page in pages], layout_fun=layout, nodate=True, outputstream=file)


def _describe(pdf: pikepdf.Pdf, title: str, direction: Direction, notes: str) -> None:
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
        metadata["dc:title"] = title
        metadata["xmp:CreatorTool"] = "Inkloom"
        if notes:
            metadata["dc:description"] = notes
    pdf.docinfo["/Title"] = title
    if notes:
        pdf.docinfo["/Subject"] = notes
    pdf.docinfo["/Creator"] = "Inkloom"
    preferences = pikepdf.Dictionary(DisplayDocTitle=True)
    if direction == "rtl":
        preferences["/Direction"] = pikepdf.Name.R2L
    pdf.Root["/ViewerPreferences"] = preferences
