"""A stored picture as the API shows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID


class ImageOut(BaseModel):
    """A stored picture: its bytes are at `image`."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "image": f"/api/v1/images/{AN_ID}",
                    "width": 1024,
                    "height": 768,
                    "media_type": "image/png",
                    "bytes": 482133,
                    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "name": "mara.png",
                    "origin": "uploaded",
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project_id: UUID
    image: str = Field(description="path of the picture")
    width: int
    height: int
    media_type: str
    bytes: int
    sha256: str = Field(description="of the stored bytes")
    name: str = Field(description="of the uploaded file; empty for generated pictures")
    origin: Literal["made", "uploaded"]
    created_at: datetime

    @staticmethod
    def of(row: Mapping[str, Any]) -> "ImageOut":
        """The answer for a row's columns."""
        return ImageOut.model_validate({**row, "image": f"/api/v1/images/{row['id']}"})
