"""The events that `docs/events.md` lists, each with the names of its data."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "events.md"
ROW = re.compile(r"^\| (?P<type>[a-z]+\.[a-z]+) \| (?P<data>[a-z_, ?]*)\| (?P<when>[^|]+) \|$", re.MULTILINE)
LISTED = {
    match["type"]: {name.strip() for name in match["data"].split(",") if name.strip()}
    for match in ROW.finditer(DOCS.read_text())
}
