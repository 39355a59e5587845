"""A page's layout as it is stored: where its panels are, and what people placed manually."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from models.lettering import Placed
from models.options import PageFormat
from models.story import Direction, Frozen

# Absent unless set: most pages are laid out and lettered by the rules alone.
_ABSENT = ("format", "direction", "manual", "placed", "let_go")


class LayoutCell(Frozen):
    """A panel's place on its page, in pixels from the page's top left corner."""

    panel_id: str
    x: int
    y: int
    width: int
    height: int
    frame: tuple[int, int] = Field(default=(0, 0), description="size in pixels of the picture that it was laid out for")


class Layout(Frozen):
    """Page size and cells in pixels, in reading order."""

    number: int = 0
    width: int = 0
    height: int = 0
    format: PageFormat | None = None
    direction: Direction | None = None
    cells: list[LayoutCell] = Field(default_factory=list)
    manual: bool = Field(default=False, description="a person placed the cells")
    placed: dict[str, Placed] = Field(default_factory=dict, description="manual lettering, by panel ID")
    let_go: bool = Field(default=False, description="a manual layout could not be kept")

    @model_serializer(mode="wrap")
    def without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Drop these keys where they are not set: rows of older versions and the digests of pages lack them."""
        return {name: value for name, value in handler(self).items() if value or name not in _ABSENT}

    @property
    def panel_ids(self) -> list[str]:
        return [cell.panel_id for cell in self.cells]
