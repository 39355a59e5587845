"""Books whose pages are really composed and lettered, from panels with every kind of line."""

import io
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from PIL import Image

from engine.export.book import Book, BookPage, Bound, PanelPicture, PlacedPanel
from engine.export.provenance import BY_MODEL
from engine.pages.compose import ComposedPage, LetteredPanel, compose_page
from engine.pages.layout import LayoutPanel, PageLayout, lay_out
from engine.pages.weights import picture_size
from models.exports import ExportOptions
from models.options import PageFormat, PageSizeName
from models.story import Box, Direction, Line, LineKind, PanelData, Profile, Shot

HEADS = (
    Box(kind="head", name="Mara", x=0.3, y=0.45, width=0.12, height=0.2),
    Box(kind="head", name="Joss", x=0.6, y=0.45, width=0.12, height=0.2),
)
TALK = PanelData(
    description="They <talk> & wait",
    characters=[Profile(name="Mara"), Profile(name="Joss")],
    caption="Later.",
    dialogue=[
        Line(speaker="Mara", text="The ferry is due at nine, and *nobody* told <me> & you."),
        Line(speaker="Joss", kind=LineKind.WHISPER, text="Quiet, they hear us."),
        Line(speaker="Mara", kind=LineKind.SHOUT, text="RUN!"),
    ],
)
NOISE = TALK.model_copy(
    update={
        "caption": "",
        "dialogue": [
            Line(speaker="Mara", kind=LineKind.THOUGHT, text="Is this a good idea? But whom could I ask?"),
            Line(kind=LineKind.SFX, text="KRAKK"),
            Line(speaker="Joss", kind=LineKind.RADIO, text="Come in, come in. " * 9),
            Line(speaker="Ada", kind=LineKind.OFF, text="Over here!"),
        ],
    }
)


SILENT = TALK.model_copy(update={"caption": "", "dialogue": []})
# Opens a chapter on a page of its own, over which it bleeds, if enough panels follow.
SPLASH = TALK.model_copy(update={"shot": Shot.ESTABLISHING, "caption": "Night.", "dialogue": []})
# Pages that were composed before, by all that they are made from.
_COMPOSED: dict[str, list[tuple[PageLayout, ComposedPage]]] = {}


def picture() -> bytes:
    """Colours that differ from pixel to pixel, so that nothing is right by chance."""
    grey = Image.radial_gradient("L").resize((640, 512))
    data = io.BytesIO()
    Image.merge(
        "RGB", [grey, grey.transpose(Image.Transpose.ROTATE_180), Image.linear_gradient("L").resize((640, 512))]
    ).save(data, "PNG")
    return data.getvalue()


def composed_pages(
    panels: tuple[PanelData, ...],
    format: PageFormat,
    page_size: PageSizeName,
    direction: Direction,
    language: str,
    missing: tuple[int, ...],
    opener: bool,
) -> list[tuple[PageLayout, ComposedPage]]:
    """The pages of these panels, composed once for all tests: none of them changes a page."""
    key = repr((panels, format, page_size, direction, language, missing, opener))
    if key in _COMPOSED:
        return _COMPOSED[key]
    shapes = [
        picture_size(panel, format, page_size, opener=opener and not number) for number, panel in enumerate(panels)
    ]
    layouts = lay_out(
        [LayoutPanel(str(number), *shapes[number], panel) for number, panel in enumerate(panels)],
        format,
        direction,
        page_size,
    )
    found = []
    for layout in layouts:
        art = {cell.id: None if int(cell.id) in missing else picture() for cell in layout.cells}
        shown = {cell.id: LetteredPanel(art[cell.id], HEADS, panels[int(cell.id)]) for cell in layout.cells}
        found.append((layout, compose_page(layout, shown, direction, language=language)))
    return _COMPOSED.setdefault(key, found)


def lettered(
    folder: Path,
    panels: tuple[PanelData, ...] = (TALK, NOISE),
    *,
    format: PageFormat = "page",
    page_size: PageSizeName = "manga-b6",
    direction: Direction = "ltr",
    language: str = "",
    missing: tuple[int, ...] = (),
    opener: bool = False,
    **options: object,
) -> Bound:
    """A book of these panels, on the smallest pages there are; those whose numbers are `missing` have no picture."""
    drawn = folder / "art.png"
    drawn.write_bytes(picture())
    pages, files = [], []
    for layout, composed in composed_pages(panels, format, page_size, direction, language, missing, opener):
        art = {cell.id: int(cell.id) not in missing for cell in layout.cells}
        files.append(folder / f"lettered-{layout.number}.png")
        files[-1].write_bytes(composed.png)
        placed = [
            PlacedPanel(
                cell.x,
                cell.y,
                cell.width,
                cell.height,
                panels[int(cell.id)].description,
                picture="art.png" if art[cell.id] else "",
                boxes=HEADS if art[cell.id] else (),
                lettering=layer,
            )
            for cell, layer in zip(layout.cells, composed.lettering, strict=True)
        ]
        pages.append(BookPage(layout.width, layout.height, f"{layout.number}.png", "", tuple(placed)))
    book = Book(
        UUID(int=1),
        "Lamp",
        format=format,
        direction=direction,
        pages=tuple(pages),
        pictures=(PanelPicture("art.png", "art.png", BY_MODEL, "openai/ink-1"),),
        options=ExportOptions.model_validate(options),
    )
    return Bound(book, files, [drawn])


def unlettered(bound: Bound) -> Bound:
    """The same, from before lettering was kept."""
    [page, *rest] = bound.book.pages
    bare = replace(page, panels=tuple(replace(panel, lettering=None) for panel in page.panels))
    return replace(bound, book=replace(bound.book, pages=(bare, *rest)))
