"""Requests are made to fit an artist before they are paid for, or refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.images.fitting import size_for
from engine.providers.registry import PROVIDERS, Draws, Sizes

pytestmark = pytest.mark.unit

ARTISTS = [one for one in PROVIDERS if one.kind == "images"]
side = st.integers(16, 5000)


def allowed(width: int, height: int, sizes: Sizes) -> bool:
    return (
        width % sizes.step == height % sizes.step == 0
        and sizes.least <= min(width, height)
        and max(width, height) <= sizes.most
        and sizes.least_area <= width * height <= sizes.area
        and max(width, height) <= sizes.widest * min(width, height)
    )


@pytest.mark.parametrize("draws", [one.draws or Draws() for one in ARTISTS], ids=[one.id for one in ARTISTS])
@given(width=side, height=side)
def test_every_size_becomes_an_allowed_one_of_its_shape(draws: Draws, width: int, height: int) -> None:
    """Whatever is asked for, what is drawn is allowed; and what is no more than 1:3 keeps its shape within 4 %."""
    wide, high = size_for(width, height, draws.sizes)
    assert allowed(wide, high, draws.sizes)
    if max(width, height) <= 2.9 * min(width, height) and min(width, height) >= 200:
        assert abs(math.log(wide / high) - math.log(width / height)) < 0.04


@pytest.mark.parametrize("draws", [one.draws or Draws() for one in ARTISTS], ids=[one.id for one in ARTISTS])
@given(width=side, height=side)
def test_an_allowed_size_stays_as_it_is(draws: Draws, width: int, height: int) -> None:
    if allowed(width, height, draws.sizes):
        assert size_for(width, height, draws.sizes) == (width, height)
