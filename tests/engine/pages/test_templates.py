"""Every tier fills its width without cropping anything, at one height."""

import itertools

import pytest

from engine.pages.templates import TIERS, Place, Tier, natural_height, places

pytestmark = pytest.mark.unit

ASPECTS = (1.8, 0.7, 1.1, 0.9)


@pytest.mark.parametrize("tier", TIERS)
def test_at_its_natural_height_a_tier_is_as_wide_as_the_page_and_crops_nothing(tier: Tier) -> None:
    aspects = ASPECTS[: sum(tier)]
    height = natural_height(tier, aspects, 1820, 30)
    found = places(tier, aspects, 1820, height, 30)
    assert max(place.x + place.width for place in found) == pytest.approx(1820)
    assert max(place.y + place.height for place in found) == pytest.approx(height)
    for place, aspect in zip(found, aspects, strict=True):
        assert place.width / place.height == pytest.approx(aspect)


@pytest.mark.parametrize("tier", TIERS)
def test_panels_of_a_tier_are_a_gutter_apart_and_in_columns(tier: Tier) -> None:
    found = iter(places(tier, ASPECTS[: sum(tier)], 1820, 900, 30))
    columns: list[list[Place]] = [[next(found) for _ in range(count)] for count in tier]
    for column in columns:
        assert len({(place.x, place.width) for place in column}) == 1
        assert column[0].y == 0
        assert column[-1].y + column[-1].height == pytest.approx(900)
        for above, below in itertools.pairwise(column):
            assert below.y - above.y - above.height == pytest.approx(30)
    for left, right in itertools.pairwise(columns):
        assert right[0].x - left[0].x - left[0].width == pytest.approx(30)
