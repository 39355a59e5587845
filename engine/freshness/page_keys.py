"""Content keys of pages: equal keys mean equal pages."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from engine.digest import digest
from engine.export.provenance import notes_of
from engine.pages import manual_lettering
from engine.pages.formats import size_for
from engine.pages.layout import LayoutPanel, PageLayout, lay_out
from engine.pages.manual_layout import kept_pages, with_manual_lettering
from engine.pages.weights import holds, picture_size
from engine.store.panels import Shown
from models.layout import Layout, LayoutCell
from models.options import GenerationOptions
from models.story import Direction
from models.tables.story import DraftOrigin

# Goes up with every change that makes the same panels look different on a page.
LETTERING = 4


def page_key(layout: Layout, direction: Direction, language: str, shown: Mapping[str, Shown]) -> str:
    """The digest of a page's layout, its pictures and their lettering; nothing else of a panel is on the page."""
    return digest(
        LETTERING,
        layout,
        direction,
        language,
        notes_of_page(layout, shown),
        [_lettered(shown[panel_id]) for panel_id in layout.panel_ids],
    )


def notes_of_page(layout: Layout, shown: Mapping[str, Shown]) -> str:
    """What a page's file says of how its pictures were made; empty where there is nothing to say."""
    drafts = (shown[panel_id].draft for panel_id in layout.panel_ids)
    return notes_of({draft.provider for draft in drafts if draft is not None})


def _lettered(one: Shown) -> list[Any]:
    return [
        one.image.sha256 if one.image else None,
        one.image.boxes if one.image else [],
        one.data.dialogue,
        one.data.caption,
        [who.name for who in one.data.characters],
        *(["untranslated"] if one.untranslated else []),
    ]


def laid_out(shown: Sequence[Shown], options: GenerationOptions, before: Sequence[Layout] = ()) -> list[Layout]:
    """The pages that these panels come to, as they are stored; those of `before` where they still do.

    A panel takes the place that it was first drawn for, whoever draws it later; art that was brought along, its own. So
    a word more or less, or another picture, moves nothing: pages are laid out anew when panels, their shapes, the
    format, its size or the direction are others, or when words do not fit into their panel any more. What a person laid
    out stays while its panels follow each other, whatever becomes of the pages around it.
    """
    panels = _panels(shown, options)
    if _still_stands(before, panels, options):
        return list(before)
    frames = {panel.id: (panel.width, panel.height) for panel in panels}
    kept = kept_pages(before, [panel.id for panel in panels], size_for(options.format, options.page_size))
    pages: list[Layout] = []
    first = 0
    for end, by_hand in [*sorted(kept.items()), (len(panels), None)]:
        between = lay_out(panels[first:end], options.format, options.direction, options.page_size)
        pages += [_stored(page, frames, options) for page in between]
        if by_hand is not None:
            pages.append(by_hand.model_copy(update={"direction": options.direction}))
            end += len(by_hand.cells)
        first = end
    return with_manual_lettering(
        before, [page.model_copy(update={"number": number}) for number, page in enumerate(pages, 1)]
    )


def moved_on(
    layout: Layout, shown: Mapping[str, Shown], options: GenerationOptions
) -> dict[Literal["layout", "lettering"], list[str]]:
    """What people placed on a page that is otherwise than it was for: the names of what is, by what they placed."""
    found: dict[Literal["layout", "lettering"], list[str]] = {}
    if layout.manual:
        here = [shown[panel_id] for panel_id in layout.panel_ids]
        # Its shape alone counts: whether it opens a scene is not for a hand to follow.
        panels = [LayoutPanel(str(one.panel.id), *_frame(one, options, opener=False), one.data) for one in here]
        both = list(zip(layout.cells, panels, strict=True))
        pictures = any(cell.frame != (one.width, one.height) for cell, one in both)
        words = not all(_room(cell, one, options) for cell, one in both)
        if pictures or words:
            found["layout"] = [name for name, other in (("pictures", pictures), ("words", words)) if other]
    for cell in layout.cells:
        mine = layout.placed.get(cell.panel_id)
        one = shown[cell.panel_id]
        if mine is not None:
            picture = one.image.sha256 if one.image else None
            why = manual_lettering.moved_on(mine, one.data, picture, cell.width, cell.height)
            found["lettering"] = list(dict.fromkeys([*found.get("lettering", []), *why]))
    return {part: why for part, why in found.items() if why}


def _panels(shown: Sequence[Shown], options: GenerationOptions) -> list[LayoutPanel]:
    found = []
    for number, one in enumerate(shown):
        opens = number == 0 or shown[number - 1].scene.id != one.scene.id
        frame = _frame(one, options, opener=number == 0)
        found.append(LayoutPanel(str(one.panel.id), *frame, one.data, opens=opens))
    return found


def _frame(one: Shown, options: GenerationOptions, *, opener: bool) -> tuple[int, int]:
    brought = one.draft is not None and one.draft.origin == DraftOrigin.UPLOADED
    if one.panel.frame and not (brought and one.image):
        return one.panel.frame["width"], one.panel.frame["height"]
    if one.image:
        return one.image.width, one.image.height
    # A failed panel keeps the place that its picture would have had.
    return picture_size(one.data, options.format, options.page_size, opener=opener)


def _still_stands(before: Sequence[Layout], panels: Sequence[LayoutPanel], options: GenerationOptions) -> bool:
    cells = [cell for page in before for cell in page.cells]
    if [cell.panel_id for cell in cells] != [panel.id for panel in panels]:
        return False
    if any((page.format, page.direction) != (options.format, options.direction) for page in before):
        return False
    size = size_for(options.format, options.page_size)
    if not all(size.is_of(page.width, page.height) for page in before):
        return False
    theirs = [page.manual for page in before for _ in page.cells]
    return all(
        by_hand or (cell.frame == (one.width, one.height) and _room(cell, one, options))
        for cell, one, by_hand in zip(cells, panels, theirs, strict=True)
    )


def _room(cell: LayoutCell, one: LayoutPanel, options: GenerationOptions) -> bool:
    return holds(cell.width, cell.height, one.panel, options.format, options.page_size)


def _stored(page: PageLayout, frames: Mapping[str, tuple[int, int]], options: GenerationOptions) -> Layout:
    return Layout(
        number=page.number,
        width=page.width,
        height=page.height,
        format=options.format,
        direction=options.direction,
        cells=[
            LayoutCell(
                panel_id=cell.id, x=cell.x, y=cell.y, width=cell.width, height=cell.height, frame=frames[cell.id]
            )
            for cell in page.cells
        ],
    )
