"""An estimate as the API shows it."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class RangeOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True, json_schema_extra={"examples": [{"low": "22", "expected": "31", "high": "53"}]}
    )

    low: Decimal
    expected: Decimal
    high: Decimal


class EstimateOut(BaseModel):
    """What is still to be made. The three figures are equal where the number is known."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "llm": {"low": "61", "expected": "61", "high": "61"},
                    "image": {"low": "30", "expected": "30", "high": "30"},
                    "usd": {"low": "1.9100", "expected": "3.4200", "high": "7.2600"},
                    "basis": ["counted from the script"],
                }
            ]
        },
    )

    llm: RangeOut = Field(description="calls to writers")
    image: RangeOut = Field(description="calls to artists")
    usd: RangeOut
    basis: list[str] = Field(description="the basis of the figures")
