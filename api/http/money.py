"""Amounts of money in requests: a number, or a string, which loses no digits."""

import re
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_AMOUNT = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"


def _plain(value: Any) -> Any:
    """Accept only the documented strings. `Decimal` would also take exponents, signs and blanks."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.match(_AMOUNT, value)):
        raise ValueError("Write an amount like 12.5, with at most six digits before and after the point.")
    return value


Usd = Annotated[
    Decimal,
    BeforeValidator(_plain),
    Field(ge=0, lt=1_000_000),
    # Six decimals, as in the database; a limit that is off by a millionth could not be enforced.
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
