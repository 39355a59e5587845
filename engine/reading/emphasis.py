"""Where a text is emphasized: between two signs, as in `*bold*` and `_slanted_`."""

import re
from functools import lru_cache

# Scripts without spaces between words: a sign may stand between any two of their letters.
UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"


@lru_cache(maxsize=4)
def stretches(sign: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Emphasized parts around whole words, with the words as group 1; then those beside scripts without spaces, with
    the words as group 1 or 2.
    """
    own = re.escape(sign)
    inner = rf"{own}(?=[^\s{own}])([^{own}]+)(?<=\S){own}"
    return (
        re.compile(rf"(?<![^\W_]){inner}(?![^\W_])"),
        re.compile(rf"(?<=[{UNSPACED}]){inner}|{inner}(?=[{UNSPACED}])"),
    )
