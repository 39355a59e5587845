"""Ids of everything stored: UUID version 7, so that ids sort by time of creation."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh time-ordered id (RFC 9562 version 7)."""
    return uuid_utils.compat.uuid7()


def generation_workflow_id(generation_id: UUID) -> str:
    """The one id that a generation's workflow can have; its children's ids lie below it."""
    return f"generation-{generation_id}"


def delivery_workflow_id(delivery_id: UUID) -> str:
    """The one id that the workflow of a webhook's message can have."""
    return f"webhook-{delivery_id}"


def batch_workflow_id(batch_id: UUID) -> str:
    """The one id that a batch's workflow can have."""
    return f"batch-{batch_id}"
