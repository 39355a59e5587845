"""Names that people give to things, made fit for a file's name, a header or a line of a list."""

import re
import unicodedata

# Separators of paths and what some system's file names must not hold.
_UNFIT = re.compile(r'[\\/:*?"<>|]+')
# Device names of Windows, with any extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)


def plain_name(name: str, longest: int = 100) -> str:
    """The name on one line, without paths, control characters or what turns the direction of writing; may be empty.

    What is left is cut to `longest` characters, its extension kept.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    # Control, format (bidi overrides, invisible characters), surrogate, private and unassigned ones.
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
