"""Numbers as JSON has them. pydantic by default accepts `true` as 1 and "7" as 7, which no JSON schema does."""

from typing import Annotated, Any

from pydantic import BeforeValidator


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("this must be a number")
    return value


# 7 and 7.0, which are the same in JSON. The bounds of an optional number stand before `Number`: after it, the document
# would not show them.
Number = BeforeValidator(_number)
Whole = Annotated[int, Number]
