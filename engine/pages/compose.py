"""Draws a page: pictures into cells, lettering over them, borders around them, one PNG out."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, PngImagePlugin

from engine.pages import fonts
from engine.pages.balloons import Balloon, Rect
from engine.pages.detail import Detail, detail_of
from engine.pages.formats import WEBTOON, size_of, text_size
from engine.pages.layer import balloons_of, layer_of
from engine.pages.layout import Cell, PageLayout
from engine.pages.lettering import Head, letter, safe_area
from engine.pages.manual_lettering import held_balloons
from engine.pages.painting import INK, paint, write
from models.lettering import PanelLettering, Placed
from models.story import Box, Direction, PanelData

# Measured on a storyboard page: level 1 takes half the time of level 6 and gives a file a fifth larger.
_PNG_LEVEL = 1
_WHITE = (255, 255, 255)
# Rounded sums of fractions lie slightly beside the edge that they mean.
_HAIR = 1e-3


@dataclass(frozen=True)
class LetteredPanel:
    """A panel to compose: its encoded picture (None: failed), its marked regions, its words, and manual lettering."""

    picture: bytes | None
    boxes: Sequence[Box]
    panel: PanelData
    placed: Placed | None = None


@dataclass(frozen=True)
class ComposedPage:
    """A page as PNG bytes, and its lettering by panel; `problems` lists what would disturb a reader."""

    png: bytes
    problems: list[str]
    lettering: list[PanelLettering]


def compose_page(
    layout: PageLayout,
    panels: Mapping[str, LetteredPanel],
    direction: Direction,
    page_number_of: tuple[int, int] | None = None,
    notes: str = "",
    *,
    language: str = "",
    textless: bool = False,
) -> ComposedPage:
    """The finished page. Same input, same bytes. `page_number_of` is (page, pages), printed in the lower margin;
    `notes` go into the file's metadata. `language` is that of the words, a BCP 47 tag. A textless page has its
    lettering as data only.
    """
    page = Image.new("RGB", (layout.width, layout.height), _WHITE)
    problems: list[str] = []
    lettering: list[PanelLettering] = []
    for cell in layout.cells:
        layer = _panel(page, layout, cell, panels[cell.id], direction, language, textless)
        problems += [f"panel {cell.id}: {problem}" for problem in layer.problems]
        lettering.append(layer)
    if page_number_of and layout.width > WEBTOON.width and layout.footed:
        _folio(page, page_number_of)
    return ComposedPage(encoded(page, notes), problems, lettering)


def encoded(page: Image.Image, notes: str = "") -> bytes:
    """A finished page as PNG."""
    data = io.BytesIO()
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", "Inkloom")
    if notes:
        about.add_text("Comment", notes)
    page.save(data, "PNG", compress_level=_PNG_LEVEL, dpi=(300, 300), pnginfo=about)
    return data.getvalue()


def _panel(
    page: Image.Image,
    layout: PageLayout,
    cell: Cell,
    lettered: LetteredPanel,
    direction: Direction,
    language: str,
    textless: bool,
) -> PanelLettering:
    problems: list[str] = []
    heads: list[Head] | None = None
    figures: list[Head] = []
    detail: Detail | None = None
    marked = place_art(page, cell, lettered.picture, lettered.boxes)
    if marked is None:
        if lettered.picture is not None:
            problems.append("the picture cannot be read")
    else:
        heads = marked["head"] if lettered.boxes else None
        figures = marked["figure"]
        right, bottom = cell.x + cell.width, cell.y + cell.height
        detail = detail_of(page.crop((cell.x, cell.y, right, bottom)), cell.width, cell.height)
    size = text_size(layout.width)
    stay: Sequence[Balloon] = ()
    if lettered.placed is not None:
        stay, moved = held_balloons(lettered.placed, lettered.panel, cell.width, cell.height, size)
        problems += moved
    lettering = letter(
        lettered.panel,
        cell.width,
        cell.height,
        heads,
        direction,
        size,
        language=language,
        figures=figures,
        detail=detail,
        room=safe_area(layout, cell),
        held=stay,
    )
    layer = layer_of(lettering, lettered.panel, cell.id)
    if not textless:
        # Drawn from the stored layer, so that the two cannot differ.
        balloons = balloons_of(layer)
        paint(page, balloons, (cell.x, cell.y), Rect(0, 0, cell.width, cell.height))
        write(page, balloons, (cell.x, cell.y))
    width = border_of(layout.width)
    draw_border(ImageDraw.Draw(page), border_box(layout.width, layout.height, cell, width), width)
    return layer.model_copy(update={"problems": problems + layer.problems})


def place_art(
    page: Image.Image, cell: Cell, picture: bytes | None, boxes: Sequence[Box]
) -> dict[str, list[Head]] | None:
    """Fit the picture into its cell; returns heads and figures in the panel's pixels. Without a readable picture, a
    placeholder and None.
    """
    opened = _open(picture)
    if opened is None:
        _placeholder(page, cell)
        return None
    return _fit(page, cell, opened, boxes)


def border_of(page_width: int) -> int:
    """How wide the border of a panel is, all of it within the panel."""
    return 5 if page_width > WEBTOON.width else 3


def border_box(page_width: int, page_height: int, cell: Cell, border: int) -> tuple[int, int, int, int]:
    """The border's box: beyond the page at the edges where the panel bleeds."""
    right, bottom = cell.x + cell.width, cell.y + cell.height
    return (
        cell.x if cell.x > 0 else -border,
        cell.y if cell.y > 0 else -border,
        right - 1 if right < page_width else page_width + border,
        bottom - 1 if bottom < page_height else page_height + border,
    )


def draw_border(
    pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], width: int, ink: fonts.Colour | int = INK
) -> None:
    """The border of a panel."""
    pen.rectangle(box, outline=ink, width=width)


def _open(data: bytes | None) -> Image.Image | None:
    if data is None:
        return None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                clear = picture.convert("RGBA")
                paper = Image.new("RGBA", clear.size, _WHITE)
                return Image.alpha_composite(paper, clear).convert("RGB")
            return picture.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _fit(page: Image.Image, cell: Cell, picture: Image.Image, boxes: Sequence[Box]) -> dict[str, list[Head]]:
    """Scale the picture to cover the cell and crop the rest, faces last; returns heads and figures in its pixels."""
    scale = max(cell.width / picture.width, cell.height / picture.height)
    seen_width, seen_height = cell.width / scale, cell.height / scale
    marked = [box for box in boxes if box.kind == "head"]
    left = _crop(
        picture.width, seen_width, [(box.x * picture.width, (box.x + box.width) * picture.width) for box in marked]
    )
    top = _crop(
        picture.height,
        seen_height,
        [(box.y * picture.height, (box.y + box.height) * picture.height) for box in marked],
    )
    # Rounded sums of fractions may lie slightly beyond the edge, which Pillow refuses.
    window = (left, top, min(left + seen_width, picture.width), min(top + seen_height, picture.height))
    # Reducing first would soften lines at these factors; a bicubic fit keeps ink crisp and is fast enough.
    page.paste(
        picture.resize((cell.width, cell.height), Image.Resampling.BICUBIC, box=window, reducing_gap=2.0),
        (cell.x, cell.y),
    )
    found: dict[str, list[Head]] = {"head": [], "figure": []}
    for box in boxes:
        if box.kind not in found:
            continue
        x, y = (box.x * picture.width - left) * scale, (box.y * picture.height - top) * scale
        width, height = box.width * picture.width * scale, box.height * picture.height * scale
        if x + width > 0 and y + height > 0 and x < cell.width and y < cell.height:
            found[box.kind].append(Head(box.name, Rect(x, y, width, height)))
    return found


def _crop(whole: float, seen: float, spans: Sequence[tuple[float, float]]) -> float:
    """The start of the visible part along one side, in pixels: centred, moved only as far as faces require.

    First no face may be cut; then faces are shown, with their hair where there is room.
    """
    middle, most = (whole - seen) / 2, max(whole - seen, 0.0)
    hair = [0.12 * (high - low) for low, high in spans]
    edges = [
        edge for (low, high), more in zip(spans, hair, strict=True) for edge in (low - more, low, high, high + more)
    ]
    starts = {min(max(start, 0.0), most) for start in (middle, 0.0, most, *edges, *(edge - seen for edge in edges))}

    def loss(start: float) -> tuple[int, int, int, float]:
        end = start + seen
        cut = sum(_across(low, high, start, end) for low, high in spans)
        hidden = sum(high <= start + _HAIR or low >= end - _HAIR for low, high in spans)
        tight = sum(_across(low - more, high + more, start, end) for (low, high), more in zip(spans, hair, strict=True))
        return cut, hidden, tight, abs(start - middle)

    return min(sorted(starts), key=loss)


def _across(low: float, high: float, start: float, end: float) -> bool:
    """Whether an edge of the visible part cuts through a face."""
    return any(low + _HAIR < edge < high - _HAIR for edge in (start, end))


def _placeholder(page: Image.Image, cell: Cell) -> None:
    pen = ImageDraw.Draw(page)
    x, y, right, bottom = cell.x, cell.y, cell.x + cell.width - 1, cell.y + cell.height - 1
    pen.rectangle((x, y, right, bottom), fill=(233, 235, 238))
    tint = Image.new("L", (cell.width, cell.height), 0)
    hatch = ImageDraw.Draw(tint)
    for start in range(-cell.height, cell.width, 46):
        hatch.line((start, cell.height, start + cell.height, 0), fill=110, width=3)
    page.paste((214, 217, 222), (x, y), tint)
    size = max(16, round(min(0.045 * cell.width, 44)))
    text = "picture missing"
    width = fonts.width(text, size)
    middle, low = x + cell.width / 2, y + 0.72 * cell.height
    pen.rounded_rectangle(
        (middle - width / 2 - size, low - 1.35 * size, middle + width / 2 + size, low + 0.65 * size),
        radius=size,
        fill=(246, 247, 249),
    )
    fonts.draw(pen, middle - width / 2, low, text, size, (110, 116, 126))


def _folio(page: Image.Image, page_number_of: tuple[int, int]) -> None:
    text, size = str(page_number_of[0]), 30
    x = (page.width - fonts.width(text, size)) / 2
    fonts.draw(ImageDraw.Draw(page), x, page.height - 0.42 * size_of(*page.size).margin, text, size, (90, 90, 96))
