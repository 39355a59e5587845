"""Numbers as JSON has them. pydantic by itself takes `true` for 1 and "7" for 7, which no document says."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("this must be a number")
    return value


# 7 and 7.0, which are the same in JSON. Bounds of one that may be absent stand before `Number`: behind it the document
# would not show them.
Number = BeforeValidator(_number)
Whole = Annotated[int, Number]
