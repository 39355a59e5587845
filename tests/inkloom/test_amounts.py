"""Amounts in words."""

import pytest

from inkloom.amounts import agree, amount

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 chapters are"), (1, "1 chapter is"), (2, "2 chapters are"), (1234, "1,234 chapters are")]
)
def test_one_is_singular_and_everything_else_plural(count: int, said: str) -> None:
    assert f"{amount(count, 'chapter')} {agree(count, 'is', 'are')}" == said


def test_a_plural_of_its_own_is_taken() -> None:
    assert amount(2, "picture or file", "pictures and files") == "2 pictures and files"
