"""A member of a project as the API shows it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.http.schemas import A_MOMENT, AN_ID
from models.tables.projects import Role

_OUT: dict[str, Any] = {
    "user_id": AN_ID,
    "name": "Mara",
    "email": "mara@example.org",
    "role": "editor",
    "belongs": False,
    "since": A_MOMENT,
}


class MemberOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_OUT]})

    user_id: UUID
    name: str
    email: str | None = Field(description="shown to owners only; null for others")
    role: Role
    belongs: bool = Field(description="whether the project belongs to this account, which therefore cannot leave it")
    since: datetime
