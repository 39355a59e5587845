"""Titles and names as file names, in headers and in lists."""

import re
import unicodedata

from engine.normal_form import normal_form

# Path separators, and characters that some system forbids in file names.
_UNFIT = re.compile(r'[\\/:*?"<>|]+')
# Windows device names, with any extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)


def plain_name(name: str, longest: int = 100) -> str:
    """The name on one line, without paths, control characters and bidi overrides; may be empty.

    A longer name is cut to `longest` characters and keeps its extension.
    """
    text = normal_form(name.encode("utf-8", "replace").decode())
    # Control, format (bidi overrides, invisible characters), surrogate, private and unassigned characters.
    text = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or not _hidden(sign))
    text = _UNFIT.sub(" ", text.replace("\\", "/").rstrip("/").rpartition("/")[2])
    text = re.sub(r"\s+", " ", text).strip(" .")
    if _DEVICE.match(text):
        text = f"_{text}"
    if len(text) > longest:
        stem, dot, extension = text.rpartition(".")
        short = bool(dot) and len(extension) < 10
        text = f"{stem[: longest - len(extension) - 1].rstrip()}.{extension}" if short else text[:longest].rstrip()
    return text


def _hidden(sign: str) -> bool:
    return unicodedata.category(sign).startswith("C")
