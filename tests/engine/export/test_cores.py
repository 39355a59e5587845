"""Work over the cores comes back in its order, holds little in memory, and ends with the first error."""

import threading

import pytest

from engine.export.parallel import over_cores

pytestmark = pytest.mark.unit


def test_results_come_in_the_order_of_the_items() -> None:
    """Also where a later one is done first."""
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            # Where there is one core, nothing comes before.
            later.wait(0.2)
        later.set()
        return item * item

    assert list(over_cores(work, range(20))) == [number * number for number in range(20)]


def test_no_more_is_begun_than_fits_into_memory() -> None:
    """However many pages there are: whoever writes slowly holds up whoever codes."""
    begun = 0

    def work(item: int) -> int:
        nonlocal begun
        begun += 1
        return item

    for done in over_cores(work, range(100)):
        assert begun - done <= 4


def test_the_first_error_ends_it() -> None:
    def work(item: int) -> int:
        return 1 // (3 - item)

    found = []
    with pytest.raises(ZeroDivisionError):
        for one in over_cores(work, range(1000)):
            found.append(one)
    assert found == [0, 0, 1]


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(over_cores(str, [])) == []
