"""A book as OpenRaster for letterers: one file per page, with art, borders, balloons and texts as layers.

Balloons and texts are drawn by the code that drew them on the page, once on white and once on black: from the
difference follows the alpha of each pixel. So a layer shows exactly what the page shows.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image, ImageChops, ImageDraw

from engine.errors import BadInput
from engine.export.book import Book, BookPage, Bound, PanelPicture, PlacedPanel
from engine.export.clean_text import printable
from engine.export.front import footed, print_number
from engine.export.parallel import over_cores
from engine.export.pictures import packet_of, packet_of_panel
from engine.export.provenance import with_xmp
from engine.export.zipped import Zipped, numbered, zipped
from engine.pages import fonts
from engine.pages.balloons import Balloon, Rect
from engine.pages.compose import border_box, border_of, draw_border, place_art
from engine.pages.layer import balloons_of
from engine.pages.layout import Cell
from engine.pages.painting import joined, paint_body, write
from models.lettering import Lettered, PanelLettering, Set

_MEDIA_TYPE = "image/openraster"
_VERSION = "0.0.6"
_DPI = 300
_THUMBNAIL = 256
_PNG_LEVEL = 1
# Letters may extend this many pixels over the edge of their panel.
_OVER = 64
_NAMED = 32
_UNSPOKEN = {Set.SFX: "Sound"}


@dataclass(frozen=True)
class _Layer:
    """A picture at its place on the page."""

    name: str
    x: int
    y: int
    png: bytes


def build_ora(bound: Bound, out: Path) -> None:
    """The pages as a zip of OpenRaster files, in name order, a few of them at a time. Same book, same bytes.

    Raises `BadInput` for a page whose lettering is unknown.
    """
    book, packet = bound.book, packet_of(bound.book)
    art = {picture.key: (picture, file) for picture, file in zip(book.pictures, bound.pictures, strict=True)}

    def layered(one: tuple[int, tuple[BookPage, Path]]) -> bytes:
        number, (page, file) = one
        # The title page comes before the first page.
        printed = number - bool(book.options.title_page)
        folio = printed if book.options.page_numbers and book.format == "page" else 0
        merged = with_xmp(file.read_bytes(), packet)
        return _file(page, merged, _layers(book, page, art, folio) if page.panels else [_Layer("Page", 0, 0, merged)])

    pages = enumerate(zip(book.pages, bound.pages, strict=True), 1)
    with zipped(out) as archive:
        for number, data in enumerate(over_cores(layered, pages), 1):
            archive.add(numbered(number, len(book.pages), ".ora"), data)


def _file(page: BookPage, merged: bytes, layers: Iterable[_Layer]) -> bytes:
    """One OpenRaster file; `layers` from the paper up."""
    data, stacked = io.BytesIO(), []
    with closing(Zipped(data)) as archive:
        # The media type comes first and uncompressed, so that the first bytes identify the file.
        archive.add("mimetype", _MEDIA_TYPE)
        for number, layer in enumerate(layers):
            place = f"data/{number:03}.png"
            archive.add(place, layer.png)
            stacked.append((layer, place))
        archive.add("stack.xml", _stack(page, stacked), deflated=True)
        archive.add("mergedimage.png", merged)
        archive.add("Thumbnails/thumbnail.png", _thumbnail(merged))
    return data.getvalue()


def _stack(page: BookPage, layers: list[tuple[_Layer, str]]) -> bytes:
    root = ElementTree.Element("image", version=_VERSION, w=str(page.width), h=str(page.height))
    root.attrib |= {"xres": str(_DPI), "yres": str(_DPI)}
    stack = ElementTree.SubElement(root, "stack")
    # Here the uppermost layer comes first.
    for layer, place in reversed(layers):
        ElementTree.SubElement(
            stack,
            "layer",
            {
                "name": layer.name,
                "src": place,
                "x": str(layer.x),
                "y": str(layer.y),
                "opacity": "1.0",
                "visibility": "visible",
                "composite-op": "svg:src-over",
            },
        )
    ElementTree.indent(root)
    encoded: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return encoded + b"\n"


def _layers(book: Book, page: BookPage, art: Mapping[str, tuple[PanelPicture, Path]], folio: int) -> Iterator[_Layer]:
    """From the paper up: the art of every panel, the borders, then for each panel the balloons and the texts over
    them.
    """
    width = border_of(page.width)
    cells = [Cell(str(number), one.x, one.y, one.width, one.height) for number, one in enumerate(page.panels, 1)]
    yield _Layer("Paper", 0, 0, _png(Image.new("RGB", (page.width, page.height), "white")))
    for panel, cell in zip(page.panels, cells, strict=True):
        yield _art(book, panel, cell, art)
    borders = Image.new("RGBA", (page.width, page.height))
    for cell in cells:
        draw_border(ImageDraw.Draw(borders), border_box(page.width, page.height, cell, width), width)
    yield _Layer("Borders", 0, 0, _png(borders))
    for panel, cell in zip(page.panels, cells, strict=True):
        if panel.lettering is None:
            raise BadInput("A page was composed before lettering was stored. Generate the chapter, then export again.")
        yield from _lettered(panel.lettering, cell, page, width)
    if folio and footed(page):
        yield from _clear("Page number", lambda canvas: print_number(canvas, folio), (page.width, page.height))


def _art(book: Book, panel: PlacedPanel, cell: Cell, art: Mapping[str, tuple[PanelPicture, Path]]) -> _Layer:
    """The panel as the page shows it, without words, and with its metadata."""
    picture, file = art.get(panel.picture, (None, None))
    shown = Image.new("RGB", (cell.width, cell.height))
    data = file.read_bytes() if file is not None else None
    found = place_art(shown, Cell(cell.id, 0, 0, cell.width, cell.height), data, panel.boxes)
    name = f"Panel {cell.id}" if found is not None else f"Panel {cell.id} (picture missing)"
    png = _png(shown)
    if picture is not None and found is not None:
        png = with_xmp(png, packet_of_panel(book, picture))
    return _Layer(name, cell.x, cell.y, png)


def _lettered(lettering: PanelLettering, cell: Cell, page: BookPage, border: int) -> Iterator[_Layer]:
    balloons = balloons_of(lettering)
    names = [_name(cell, text, balloon) for text, balloon in zip(lettering.texts, balloons, strict=True)]
    room = (cell.width + 2 * _OVER, cell.height + 2 * _OVER)
    place = (cell.x - _OVER, cell.y - _OVER)
    left, top, right, bottom = border_box(page.width, page.height, cell, border)
    within = (left - place[0], top - place[1], right - place[0], bottom - place[1])

    def body(group: list[Balloon]) -> Callable[[Image.Image], None]:
        clip = Rect(0, 0, cell.width, cell.height)
        return lambda canvas: paint_body(canvas, balloons, group, (_OVER, _OVER), clip)

    def words(balloon: Balloon) -> Callable[[Image.Image], None]:
        return lambda canvas: write(canvas, [balloon], (_OVER, _OVER))

    for group in joined(balloons):
        first = next(number for number, one in enumerate(balloons) if one is group[0])
        yield from _clear(f"{names[first]} (balloon)", body(group), room, place, within, border)
    for name, balloon in zip(names, balloons, strict=True):
        yield from _clear(f"{name} (text)", words(balloon), room, place, within, border)


def _clear(
    name: str,
    draw: Callable[[Image.Image], None],
    size: tuple[int, int],
    place: tuple[int, int] = (0, 0),
    within: tuple[int, int, int, int] | None = None,
    border: int = 0,
) -> Iterator[_Layer]:
    """What is drawn, on a transparent ground, cropped; no layer if nothing is drawn. `within` is the panel's border
    on the canvas, which is left free here because a page draws it last.
    """
    white, black = Image.new("RGB", size, "white"), Image.new("RGB", size)
    draw(white)
    draw(black)
    # All three colours give the same alpha.
    seen = ImageChops.invert(ImageChops.subtract(white, black)).getchannel("G")
    if within is not None:
        draw_border(ImageDraw.Draw(seen), within, border, 0)
    box = seen.getbbox()
    if box is None:
        return
    layer = Image.merge("RGBa", [*black.crop(box).split(), seen.crop(box)]).convert("RGBA")
    yield _Layer(name, place[0] + box[0], place[1] + box[1], _png(layer))


def _name(cell: Cell, text: Lettered, balloon: Balloon) -> str:
    """The speaker and the first words. Each balloon of a long line has its own words."""
    who = printable(text.speaker) or _UNSPOKEN.get(text.kind, text.kind.value.capitalize())
    said = printable(fonts.plain(" ".join(balloon.block.lines)))
    return f"Panel {cell.id}, {_short(who)}: {_short(said)}"


def _short(text: str) -> str:
    return text if len(text) <= _NAMED else f"{text[:_NAMED].rstrip()}…"


def _thumbnail(merged: bytes) -> bytes:
    with Image.open(io.BytesIO(merged)) as opened:
        small = opened.convert("RGB")
    small.thumbnail((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return _png(small)


def _png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=_PNG_LEVEL, dpi=(_DPI, _DPI))
    return data.getvalue()
