"""Ids of everything stored: UUID version 7, so that ids sort by time of creation."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh time-ordered id (RFC 9562 version 7)."""
    return uuid_utils.compat.uuid7()
