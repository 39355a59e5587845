"""Opaque cursors: where a page of a list ended.

A cursor holds the list's order and the place of the last row in it, but no permission: each page checks the scope
again.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from uuid import UUID

from engine.errors import BadInput

# A title has 500 characters of up to 4 bytes, and base64 turns 3 bytes into 4 characters.
LONGEST = 3_000
FOREIGN = "This cursor is for another list or order. Pass `next_cursor` of the previous page unchanged."


@dataclass(frozen=True)
class Mark:
    """The last row of a page: its id, and its value in the sort column. A list in order of creation is sorted by the
    id.
    """

    order: str
    value: int | str | None
    id: UUID


def encode(mark: Mark) -> str:
    """The mark as a cursor, in characters that need no escaping in a URL."""
    mark_json = json.dumps([mark.order, mark.value, mark.id.hex], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(mark_json.encode()).decode().rstrip("=")


def decode(cursor: str) -> Mark:
    """Decode a cursor. Raises `BadInput` for anything that `encode` would not have produced."""
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        order, value, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(order, str) or not (value is None or type(value) in (int, str)):
            raise ValueError("another shape")
        mark = Mark(order, value, UUID(hex=row_id))
        if encode(mark) != cursor:
            raise ValueError("written otherwise")
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise BadInput(FOREIGN) from error
    return mark


def decode_by_id(cursor: str, order: str) -> Mark:
    """Decode a cursor of a list that is sorted by id. Raises `BadInput` for a cursor of another list."""
    mark = decode(cursor)
    if mark.order != order or mark.value is not None:
        raise BadInput(FOREIGN)
    return mark
