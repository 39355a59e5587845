"""Makes text from vendors storable, before it is judged or stored.

Postgres refuses NUL, and neither it nor Temporal can encode half of a surrogate pair. Models really send both.
"""

import re
from collections.abc import Mapping
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")
# Control characters, and those that turn the direction of what follows: in a terminal both change what people read.
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]+")
_REPLACEMENT = "\ufffd"
# Any escape of JSON, so that an escaped backslash is not taken for the beginning of one.
_ESCAPE = re.compile(
    r"\\(?:(?P<nul>u0000)"
    r"|(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|.)",
    re.DOTALL,
)


def storable(text: str) -> str:
    """The text without NUL, and with U+FFFD for lone surrogates."""
    return _LONE.sub(_REPLACEMENT, text.replace("\0", ""))


def plain(text: str) -> str:
    """The same in one line: a space for each run of control characters."""
    return _CONTROL.sub(" ", storable(text))


def fitting(text: str, most_bytes: int) -> str:
    """The same, cut so that it takes at most so many bytes in UTF-8; a cut is marked by an ellipsis."""
    # Only the beginning is looked at, however long the text is: a character takes one byte at least.
    line = plain(text[: most_bytes + 1]).strip()
    if len(line.encode()) <= most_bytes:
        return line
    return line.encode()[: most_bytes - len("…".encode())].decode(errors="ignore").rstrip() + "…"


def titled(text: str, most: int = 200) -> str:
    """A title from a file or a script, which may hold anything, on one line of at most so many characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:most]


def storable_json(text: str) -> str:
    """`storable` for JSON text, which may also hold these characters as escapes."""
    return _ESCAPE.sub(_unescaped, storable(text))


def storable_data(value: Any) -> Any:
    """The same for JSON data: all its texts, and the names of its fields."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable_data(name): storable_data(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_data(item) for item in value]
    return value


def _unescaped(escape: re.Match[str]) -> str:
    if escape["nul"]:
        return ""
    return r"\ufffd" if escape["lone"] else escape[0]
