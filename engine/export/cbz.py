"""A chapter as a comic book archive: stored pages in name order and a ComicInfo 2.0 sheet."""

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from xml.etree import ElementTree

from PIL import Image

from engine.export.titles import printable
from models.story import Direction

# Archives of the same pages are the same bytes, so a rebuilt export is recognised as unchanged.
_TIME = (1980, 1, 1, 0, 0, 0)


def build_cbz(
    pages: Sequence[Path], out: Path, *, title: str, direction: Direction, language: str = "", notes: str = ""
) -> None:
    """Writes `out` in one step: it is complete or it is not there. `language` is an ISO 639 code."""
    digits = max(3, len(str(len(pages))))
    out.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _add(archive, "ComicInfo.xml", _comic_info(pages, title, direction, language, notes))
                for number, page in enumerate(pages, start=1):
                    _add(archive, f"{number:0{digits}}{page.suffix.lower()}", page.read_bytes())
            file.flush()
            os.fsync(file.fileno())
            part = Path(file.name)
            part.chmod(0o644)
            part.replace(out)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)


def _comic_info(pages: Sequence[Path], title: str, direction: Direction, language: str, notes: str) -> bytes:
    root = ElementTree.Element("ComicInfo")
    # The schema is a sequence: these stay in this order.
    told = [
        ("Title", printable(title)),
        ("Notes", printable(notes)),
        ("PageCount", str(len(pages))),
        ("LanguageISO", printable(language)),
        ("Manga", "YesAndRightToLeft" if direction == "rtl" else "No"),
    ]
    for name, value in told:
        if value:
            ElementTree.SubElement(root, name).text = value
    listed = ElementTree.SubElement(root, "Pages")
    for number, page in enumerate(pages):
        with Image.open(page) as picture:
            width, height = picture.size
        attributes = {"Image": str(number)} | ({"Type": "FrontCover"} if number == 0 else {})
        attributes |= {"ImageSize": str(page.stat().st_size), "ImageWidth": str(width), "ImageHeight": str(height)}
        ElementTree.SubElement(listed, "Page", attributes)
    ElementTree.indent(root)
    sheet: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return sheet + b"\n"
