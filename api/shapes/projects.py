"""A project as the API shows it."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.http.params import Labels
from api.http.schemas import A_MOMENT, AN_ID
from models.tables.projects import UnknownPolicy


class ProjectOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "title": "The Clock That Waited",
                    "description": "",
                    "style": "ink and wash",
                    "budget_usd": "25.000000",
                    "unknown_policy": "auto",
                    "options": {"llm": "offline", "drafts": 2},
                    "external_id": "book-7",
                    "metadata": {"shelf": "mystery"},
                    "version": 1,
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    title: str
    description: str
    style: str
    budget_usd: Decimal | None
    unknown_policy: UnknownPolicy
    options: dict[str, Any] = Field(description="options set here; the others follow the installation's settings")
    external_id: str | None
    metadata: Labels
    version: int
    created_at: datetime
