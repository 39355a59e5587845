"""How much is in a JSON text, without building any of it."""

import json
import re

_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# A value is the first, or follows one of these; what belongs to a key is one with it.
_BEFORE = ",[{"


def values_in(body: bytes) -> int:
    """How many values a JSON body has at most; 0 if it cannot be read at all. Takes linear time."""
    try:
        # As it will be read: in UTF-16, a sign of a text may hold the byte of a quotation mark.
        text = body.decode(json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError:
        return 0
    return 1 + sum(map(_TEXT.sub("", text).count, _BEFORE))


def at_most(body: bytes) -> int:
    """A quick upper bound of `values_in`, which counts the commas and brackets in texts, too."""
    return 1 + sum(body.count(sign.encode()) for sign in _BEFORE)
