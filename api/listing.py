"""The shape of every list: items, and where to go on."""

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

ItemT = TypeVar("ItemT")

Limit = Annotated[int, Query(ge=1, le=100, description="how many at most")]
Cursor = Annotated[UUID | None, Query(description="`next_cursor` of the page before")]

Responses = dict[int | str, dict[str, Any]]

PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
NOT_FOUND: Responses = {404: {"description": "No such thing, or somebody else's.", **PROBLEM}}
CONFLICT: Responses = {409: {"description": "The thing is in a state that does not allow it.", **PROBLEM}}


class Listing(BaseModel, Generic[ItemT]):
    """A page of a list."""

    items: list[ItemT]
    next_cursor: UUID | None = Field(description="pass as `cursor` for the next page; null at the end")
