"""`docs/events.md` is true. That events carry what it lists is tried where they happen, in `tests/api`."""

import re
from pathlib import Path

import pytest

from models.events import EventType

pytestmark = pytest.mark.unit

DOCS = Path(__file__).parent.parent / "docs" / "events.md"
ROW = re.compile(r"^\| (?P<type>[a-z]+\.[a-z]+) \| (?P<data>[a-z_, ?]*)\| (?P<when>[^|]+) \|$", re.MULTILINE)
LISTED = {
    match["type"]: {name.strip() for name in match["data"].split(",") if name.strip()}
    for match in ROW.finditer(DOCS.read_text())
}


def test_the_list_is_the_vocabulary() -> None:
    """Clients build against these names: each is listed, in the order of the code, and no other."""
    assert list(LISTED) == [type.value for type in EventType]
