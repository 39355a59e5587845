"""The schema of errors, and the IDs and times that examples use."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from models.exports import MEDIA_TYPES

Responses = dict[int | str, dict[str, Any]]

# Media types that clients read as bytes.
FILES = ("image/png", "image/jpeg", "image/webp", "application/zip", *dict.fromkeys(MEDIA_TYPES.values()))

AN_ID = "01a20515-1871-760d-a740-02d3946ca91d"
ANOTHER_ID = "01a20515-2b0e-7c55-9c1f-6f0e5a3d8b24"
A_MOMENT = "2026-01-31T12:00:00Z"


def file_of(*media_types: str) -> dict[str, Any]:
    """The answer of an operation that returns a file."""
    return {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in media_types}}


class Mistake(BaseModel):
    """One validation error."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field(description="the location, e.g. `body.title`")
    message: str


class Problem(BaseModel):
    """Every error (RFC 9457). `type` is stable and for programs, `detail` is for people."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="path of the request")
    request_id: str = Field(description="the client's X-Request-ID, or a new one; it is in the log")
    errors: list[Mistake] | None = Field(default=None, description="for `/problems/validation`: all errors")
    current: dict[str, Any] | None = Field(default=None, description="for a version conflict: the current state")
    changed: dict[str, str | None] | None = Field(
        default=None, description="who made that change, if known: `user_id`, `name`, `at`"
    )
    held: dict[str, str] | None = Field(
        default=None, description="for a panel that another user has locked: `user_id`, `name`, `expires_at`"
    )


def refusal(status: int, type: str, when: str, detail: str, **more: Any) -> Responses:
    """One error of an operation, with an example."""
    example = {
        "type": f"/problems/{type}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": f"/api/v1/chapters/{AN_ID}",
        "request_id": "7d3f9c2e51a84b06",
        **more,
    }
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    return {status: {"description": when, "content": content}}


NOT_FOUND = refusal(404, "not-found", "It does not exist, or belongs to another user.", f"There is no chapter {AN_ID}.")
UNAUTHORIZED = refusal(
    401,
    "unauthorized",
    "There is no access token, or it is not valid.",
    "The access token is invalid or has expired.",
)
FORBIDDEN = refusal(
    403,
    "forbidden",
    "The caller may not do this: the role in the project is too low, or the token is read-only.",
    "This requires the role editor in the project, or a higher one.",
)
CONFLICT = refusal(
    409,
    "conflict",
    "The current state does not allow this.",
    "This chapter was changed in the meantime: it is at version 2, not 1.",
    current={"id": AN_ID, "title": "Two", "version": 2},
    changed={"user_id": ANOTHER_ID, "name": "Mara", "at": A_MOMENT},
)
INVALID = refusal(
    422,
    "validation",
    "The request does not match the documented schema.",
    "The request does not match the documented schema.",
    errors=[{"at": "body.title", "message": "Field required"}],
)
TOO_MANY = refusal(429, "too-many", "Too many attempts; `Retry-After` says when to try again.", "Too many attempts.")
AWAY = refusal(
    503,
    "database-unavailable",
    "A server that this needs is unavailable; `Retry-After` says when to try again.",
    "The database cannot be reached right now.",
)
