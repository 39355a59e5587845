"""Secrets in files: where a setting `NAME` holds a secret, `NAME_FILE` may name a file that holds it instead.

No message says what a variable holds: someone may have put the secret itself where its file belongs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import BadInput

SUFFIX = "_FILE"
# Bytes: more than any key or address, and a certificate, has.
MOST = 64 * 1024


def secret_of(names: Sequence[str], environment: Mapping[str, str | None]) -> str | None:
    """What is in the file that `environment` names for a setting with these `names`; None if it names none.

    A trailing newline, which editors and `echo` add, does not count. Raises `BadInput` if the setting has a value, too,
    or if the file holds none.
    """
    given = [name for name in names if environment.get(name)]
    named = [name for name in names if environment.get(f"{name}{SUFFIX}")]
    if not named:
        return None
    variable = f"{named[0]}{SUFFIX}"
    if given or len(named) > 1:
        other = given[0] if given else f"{named[1]}{SUFFIX}"
        raise BadInput(f"{other} and {variable} are both set. Unset one of them.")
    return _read(variable, Path(environment[variable] or ""))


def _read(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise BadInput(f"The file that {variable} names cannot be read: {reason}.") from None
    if len(raw) > MOST:
        raise BadInput(f"The file that {variable} names has more than {MOST:,} bytes: it is no secret.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"The file that {variable} names is not text in UTF-8.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise BadInput(f"The file that {variable} names is empty.")
    if any(sign in text for sign in "\n\r\x00"):
        raise BadInput(f"The file that {variable} names has more than one line: it must hold the value alone.")
    return text
