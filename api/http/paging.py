"""Lists: which page of one a request asks for, in which order, and the shape of the answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query, Response
from pydantic import AfterValidator, BaseModel, Field

from engine.errors import BadInput
from engine.store import cursors
from engine.store.rows import Paging

ItemT = TypeVar("ItemT")
ShapeT = TypeVar("ShapeT", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=100, description="at most this many items")]


def _of_a_list(cursor: str) -> str:
    try:
        cursors.decode(cursor)
    except BadInput as error:
        raise ValueError(error.message) from error
    return cursor


Cursor = Annotated[
    Annotated[str, Field(max_length=cursors.LONGEST, pattern=r"^[A-Za-z0-9_-]+$"), AfterValidator(_of_a_list)] | None,
    Query(description="`next_cursor` of the previous page, for the same list in the same order"),
]


async def _paging(cursor: Cursor = None, limit: Limit = 50) -> Paging:
    return Paging(cursor, limit)


# For lists that have one order.
Paged = Annotated[Paging, Depends(_paging)]


def sorted_by(*columns: str) -> Any:
    """The dependency of a list that can be sorted by any of these columns, either way; by default by the first."""
    choices = Literal[tuple(name for column in columns for name in (column, f"-{column}"))]  # type: ignore[valid-type]  # of columns that each list names

    async def paging(sort: choices = columns[0], cursor: Cursor = None, limit: Limit = 50) -> Paging:  # type: ignore[valid-type]  # see above
        return Paging(cursor, limit, sort)

    return Depends(paging)


class Listing(BaseModel, Generic[ItemT]):
    """A page of a list."""

    items: list[ItemT]
    next_cursor: str | None = Field(description="pass as `cursor` for the next page; null at the end")


def listed(shape: type[ShapeT], page: tuple[Iterable[Any], str | None]) -> Listing[ShapeT]:
    """A page of rows in the shape of the answer."""
    rows, next_cursor = page
    return Listing(items=[shape.model_validate(row) for row in rows], next_cursor=next_cursor)


def listed_as_json(page: tuple[Sequence[str], str | None]) -> Response:
    """A page of items that are JSON already."""
    items, next_cursor = page
    following = "null" if next_cursor is None else f'"{next_cursor}"'
    return Response(f'{{"items":[{",".join(items)}],"next_cursor":{following}}}', media_type="application/json")


@dataclass(frozen=True)
class Part:
    """Which part of a list that is computed as a whole. Its cursor is the number of items before it."""

    start: int
    limit: int

    def of(self, items: Sequence[ItemT]) -> tuple[Sequence[ItemT], str | None]:
        """The items, and the next page's cursor if there are more."""
        end = self.start + self.limit
        return items[self.start : end], str(end) if end < len(items) else None


def part_of(default: int) -> Any:
    """The dependency of a list that is computed as a whole; `default` items a page."""

    async def part(
        cursor: Annotated[
            str | None, Query(pattern=r"^[0-9]{1,6}$", description="`next_cursor` of the previous page")
        ] = None,
        limit: Limit = default,
    ) -> Part:
        return Part(int(cursor or 0), limit)

    return Depends(part)
