"""Pages of the docs: their lines of prose, and their anchors."""

import re
from collections.abc import Iterator
from pathlib import Path

# Their tables are held against the code, which decides how long a row is.
GENERATED = {"database.md", "events.md", "providers.md", "settings.md", "tasks.md"}


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside code blocks, and outside tables that come from the code."""
    in_code = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not (page.name in GENERATED and line.startswith("|")):
            yield number, line


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub derives them."""
    headings = (line.lstrip("#").strip().lower() for _, line in prose(page) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}
