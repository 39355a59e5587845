"""Amounts of money as they are given: a number, or a string, which loses nothing on the way."""

import re
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_AMOUNT = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"


def _plain(value: Any) -> Any:
    """Only what the document says of strings: no exponents, signs or blanks, which a decimal would take too."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.match(_AMOUNT, value)):
        raise ValueError("Write an amount like 12.5, with at most six digits before and after the point.")
    return value


Usd = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(ge=0, lt=1_000_000),
    # As it is kept: a millionth more would not be held by the books.
    AfterValidator(lambda amount: amount.quantize(Decimal("0.000001"), ROUND_DOWN)),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1_000_000},
                {"type": "string", "pattern": _AMOUNT},
            ],
            "description": "US dollars",
        },
        mode="validation",
    ),
]
