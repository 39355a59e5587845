"""Parameters that several operations share: storable texts, the client's own IDs and metadata, a new order."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import AliasChoices, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ColumnElement
from sqlmodel import col

from api.http.schemas import AN_ID, ANOTHER_ID
from models.numbers import Number
from models.texts import Language, Words

Position = Annotated[
    Annotated[int, Field(ge=0, lt=2**31), Number] | None,
    Field(description="where to insert it, counted from 0; default: after the last one"),
]
ExternalId = Annotated[Words, Field(min_length=1, max_length=200, description="the client's own ID for it")]
Metadata = Annotated[
    dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")], Annotated[Words, Field(max_length=500)]],
    Field(
        max_length=20,
        description="the client's own data: up to 20 values, under names of up to 40 letters, digits and `_.-`",
        json_schema_extra={"additionalProperties": False},
    ),
]
# In which of a chapter's languages.
Edition = Annotated[
    Language, Query(description="one of the languages that it is translated into; empty: the original words")
]
# Its name in answers. The tables call it `labels`, because SQLAlchemy reserves `metadata`.
Labels = Annotated[dict[str, str], Field(validation_alias=AliasChoices("labels", "metadata"))]
Facts = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}:[^\x00]{0,500}$")]] | None,
    Query(alias="metadata", max_length=20, description="`name:value`, repeatable: only items that have all of them"),
]


def labelled(model: Any, facts: list[str] | None, external_id: str | None) -> list[ColumnElement[bool]]:
    """The filters of `metadata=name:value` and of `external_id`."""
    pairs = (fact.partition(":") for fact in facts or ())
    filters = [col(model.labels).contains({name: value}) for name, _, value in pairs]
    return filters if external_id is None else [*filters, col(model.external_id) == external_id]


def _dated(value: Any) -> Any:
    """Refuse strings that are not RFC 3339 date-times."""
    if isinstance(value, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        raise ValueError("use a date and time with offset, e.g. 2026-01-31T12:00:00Z")
    return value


# RFC 3339; pydantic alone accepts any number as seconds since 1970.
Moment = Annotated[Annotated[AwareDatetime, BeforeValidator(_dated)] | None, Query(description="with offset from UTC")]


class Order(BaseModel):
    """All IDs, in the new order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ids": [ANOTHER_ID, AN_ID]}]})

    ids: list[UUID] = Field(min_length=1, max_length=10_000)
