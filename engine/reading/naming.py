"""Whether a text names a person."""

import re
from collections.abc import Iterable
from functools import lru_cache


def names(text: str, people: Iterable[str]) -> bool:
    """Whether one of the names is in the text as a word, ignoring case; "I" only as itself."""
    return any(_pattern(name).search(text) for name in people if name)


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str]:
    flags = re.IGNORECASE if len(name) > 1 else 0
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", flags)
