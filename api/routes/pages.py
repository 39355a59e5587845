"""Pages: the layout of panels and the lettering over them. Users can change both."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.deps import Editing, Scoped, Session
from api.http.schemas import ANOTHER_ID, CONFLICT, NOT_FOUND
from api.shapes.pages import CELL_EXAMPLE, PageOut, PagePart
from engine.store import pages, rows
from models.layout import LayoutCell
from models.lettering import MOST, BalloonChange
from models.numbers import Whole
from models.tables import Page

router = APIRouter(tags=["pages"])

Pixel = Annotated[Whole, Field(ge=0, le=MOST)]


class NewCell(BaseModel):
    """The position of a panel, in pixels from the page's top left corner."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [CELL_EXAMPLE]})

    panel_id: UUID
    x: Pixel
    y: Pixel
    width: Pixel
    height: Pixel

    def as_stored(self) -> LayoutCell:
        return LayoutCell(panel_id=str(self.panel_id), x=self.x, y=self.y, width=self.width, height=self.height)


class NewLayout(BaseModel):
    """All panels of the page, in reading order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"cells": [CELL_EXAMPLE]}]})

    cells: list[NewCell] = Field(min_length=1, max_length=50)


class PageChange(BaseModel):
    """Changes are manual edits: generations keep them until you `release_edits` them.

    `layout` places every panel; panels that bleed may reach the page's edges. `lettering` moves balloons, points their
    tails and breaks their lines; a panel in which anything was placed keeps all of its lettering.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "version": 1,
                    "layout": {"cells": [CELL_EXAMPLE]},
                    "lettering": [
                        {
                            "panel_id": ANOTHER_ID,
                            "order": 0,
                            "body": {"x": 120, "y": 40, "width": 320, "height": 150},
                            "tail_tip": {"x": 350, "y": 420},
                            "lines": ["The ferry", "is due at nine."],
                        }
                    ],
                }
            ]
        },
    )

    version: Whole = Field(ge=1, lt=2**31)
    layout: NewLayout | None = None
    lettering: list[BalloonChange] = Field(default=[], max_length=500)
    release_edits: list[PagePart] = Field(
        default=[], max_length=2, description="parts to give back to the layout rules"
    )

    @model_validator(mode="after")
    def one_way(self) -> "PageChange":
        changed = {part for part, given in (("layout", self.layout), ("lettering", self.lettering)) if given}
        if both := changed & {*self.release_edits}:
            raise ValueError(f"{min(both)} cannot be changed and released in one request")
        return self


@router.get("/pages/{page_id}", summary="Read a page", responses=NOT_FOUND)
async def read(page_id: UUID, session: Session, scope: Scoped) -> PageOut:
    return PageOut.model_validate(await rows.get(session, scope, Page, page_id))


@router.patch("/pages/{page_id}", summary="Change a page's layout or lettering", responses={**NOT_FOUND, **CONFLICT})
async def change(page_id: UUID, body: PageChange, session: Session, scope: Editing) -> PageOut:
    """The chapter's next generation composes the page accordingly, without a call to a model.

    Later generations keep the change. A layout stays while its panels follow each other, the lettering of a panel while
    its words have room where they are. What cannot be kept is listed in the page's `problems`. Refused while a
    generation is running on the chapter, and while another user has locked one of the panels.
    """
    cells = [cell.as_stored() for cell in body.layout.cells] if body.layout else None
    changed = await pages.change(
        session, scope, page_id, body.version, cells=cells, lettering=body.lettering, release=body.release_edits
    )
    return PageOut.model_validate(changed)
