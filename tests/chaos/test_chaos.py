"""Whatever is killed or broken, whenever: every chapter ends, nothing is lost, and nothing is paid for twice."""

import pytest

from tests.support.storm import STRIKES, storm

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(600)]

# A share of the strikes for each seed; `bench/chaos.py` strikes with all of them, with as many seeds as it is given.
SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_storm_costs_nothing_but_time(seed: int) -> None:
    """Each strike at its moment, in an order of the seed's own."""
    strikes = STRIKES[SEEDS.index(seed) :: len(SEEDS)]
    came = await storm(seed, strikes)
    assert came.broken == []
    assert sorted(came.strikes) == sorted(one.name for one in strikes)
    assert came.paid > 0
