"""Which keys storage accepts. Checked before every backend, so that none must be trusted with a hostile key."""

import re
from uuid import UUID

from engine.errors import BadInput

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
# Below this, each project has its own prefix.
PROJECTS = "p"
MAX_KEY = 512
# The maximum length of a name in a file system.
MAX_PART = 255
# Suffixes of pictures by media type.
PICTURE_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def checked(key: str) -> str:
    """The key, if it is relative, plain and short; raises `BadInput` otherwise."""
    parts = key.split("/")
    if len(key) > MAX_KEY or not all(
        _PART.match(part) and not part.endswith(".") and len(part) <= MAX_PART for part in parts
    ):
        raise BadInput(f"{key[:80]!r} is not a storage key.")
    return key


def project_prefix(project_id: UUID) -> str:
    """Everything of a project is below this prefix, and nothing of another one, so a project can be deleted as a
    whole.
    """
    return f"{PROJECTS}/{project_id}"


def content_key(project_id: UUID, folder: str, sha256: str, suffix: str) -> str:
    """The key of a project's content with this hash. Two levels of folders keep each of them small."""
    return checked(f"{project_prefix(project_id)}/{folder}/{sha256[:2]}/{sha256}.{suffix}")
