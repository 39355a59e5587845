"""Which keys storage accepts. It stands before every backend, so that none has to be trusted with a hostile key."""

import re

from engine.errors import BadInput

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
MAX_KEY = 512
# What file systems allow in one name.
MAX_PART = 255


def checked(key: str) -> str:
    """The key, if it is relative, plain and short; raises `BadInput` otherwise."""
    parts = key.split("/")
    if len(key) > MAX_KEY or not all(
        _PART.match(part) and not part.endswith(".") and len(part) <= MAX_PART for part in parts
    ):
        raise BadInput(f"{key[:80]!r} is not a storage key.")
    return key


def content_key(folder: str, sha256: str, suffix: str) -> str:
    """Where content with this hash lies. Two levels of folders keep each of them small."""
    return checked(f"{folder}/{sha256[:2]}/{sha256}.{suffix}")
