"""A page as the API shows it."""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, computed_field

from api.http.schemas import AN_ID, ANOTHER_ID
from models.layout import Layout
from models.lettering import PanelLettering

PagePart = Literal["layout", "lettering"]


CELL_EXAMPLE: dict[str, Any] = {"panel_id": ANOTHER_ID, "x": 84, "y": 84, "width": 1820, "height": 1400}


class PageOut(BaseModel):
    """A composed page. `layout` has the cells of its panels in pixels, in reading order; `lettering` has their text and
    balloons, in pixels from each panel's corner.
    """

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "number": 1,
                    "image_id": AN_ID,
                    "image": f"/api/v1/images/{AN_ID}",
                    "layout": {
                        "number": 1,
                        "width": 1988,
                        "height": 3075,
                        "cells": [{**CELL_EXAMPLE, "frame": [1820, 1400]}],
                    },
                    "lettering": [
                        {
                            "panel_id": ANOTHER_ID,
                            "texts": [
                                {
                                    "order": 0,
                                    "line": 0,
                                    "kind": "speech",
                                    "speaker": "Mara",
                                    "text": "The ferry is due at nine.",
                                    "lines": ["The ferry is", "due at nine."],
                                    "language": "en",
                                    "size": 38,
                                    "vertical": False,
                                    "body": {"x": 120, "y": 40, "width": 320, "height": 150},
                                    "text_box": {"x": 160, "y": 69, "width": 240, "height": 92},
                                    "roundness": 2.6,
                                    "from_right": False,
                                    "tail": {"start": {"x": 300, "y": 188}, "tip": {"x": 350, "y": 420}, "bend": 1},
                                    "joined": None,
                                    "manual": False,
                                }
                            ],
                            "unplaced": [],
                            "problems": [],
                        }
                    ],
                    "problems": [],
                    "manual_edits": [],
                    "version": 1,
                }
            ]
        },
    )

    id: UUID
    number: int
    image_id: UUID | None
    layout: Layout
    lettering: list[PanelLettering] = Field(description="empty until composed")
    problems: list[str]
    version: int

    @computed_field(description="path of the picture, null until composed")  # type: ignore[prop-decorator]  # pydantic's way
    @property
    def image(self) -> str | None:
        return f"/api/v1/images/{self.image_id}" if self.image_id else None

    @computed_field(description="manual edits, which generations keep")  # type: ignore[prop-decorator]  # as above
    @property
    def manual_edits(self) -> list[PagePart]:
        found: list[PagePart] = ["layout"] if self.layout.manual else []
        return [*found, "lettering"] if self.layout.placed else found
