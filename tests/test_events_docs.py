"""`docs/events.md` is true. That events carry what it lists is tried where they happen, in `tests/api`."""

import pytest

from models.events import EventType
from tests.support.listed_events import LISTED

pytestmark = pytest.mark.unit


def test_the_list_is_the_vocabulary() -> None:
    """Clients build against these names: each is listed, in the order of the code, and no other."""
    assert list(LISTED) == [type.value for type in EventType]
