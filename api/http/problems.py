"""Errors as RFC 9457 `application/problem+json`, with a stable type and the request's ID."""

import logging
import math
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import compile_path
from temporalio.service import RPCError

from api.http.forms import message_of
from engine.errors import Conflict, EngineError, StorageError, StorageNotConfigured, Unauthorized

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


# So many errors of one request are listed.
MOST_ERRORS = 100
# Python renames these between versions; a type must not change.
_HTTP_TYPES = {413: "body-too-large", 414: "uri-too-long", 422: "unprocessable"}


class TemporalAway(Exception):
    """Temporal is unavailable, and the client raised no more specific error."""


def problem(request: HTTPConnection, status: int, type: str, detail: str, **more: Any) -> JSONResponse:
    """A problem. `type` is a path below `/problems/` that names the kind of error for programs."""
    id = request.state.request_id
    body = body_of(status, type, detail, request.scope["path"], id) | more
    headers = {"X-Request-ID": id}
    if status in (429, 503):
        headers["Retry-After"] = "5"
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def body_of(status: int, type: str, detail: str, path: str, request_id: str) -> dict[str, Any]:
    """The members of every problem."""
    return {
        "type": f"/problems/{type}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": path,
        "request_id": request_id,
    }


def kebab(name: str) -> str:
    """`NotFound` → `not-found`."""
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")


_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _methods(request: Request) -> list[str]:
    """The documented methods of a request's path; if several paths match, those of the most specific one."""
    paths: dict[str, Any] = request.app.openapi()["paths"]
    fitting = [path for path in paths if compile_path(path)[0].match(request.url.path)]
    plainest = min(fitting, key=lambda path: path.count("{"), default=None)
    # Paths outside the document can only be read.
    return ["GET"] if plainest is None else sorted(map(str.upper, paths[plainest]), key=_METHODS.index)


def http_type(status: int) -> str:
    """The type of a problem of which only the status is known: 404 → `not-found`."""
    return _HTTP_TYPES.get(status) or kebab(HTTPStatus(status).name.title().replace("_", ""))


def conflicting(request: HTTPConnection, error: Conflict) -> dict[str, Any]:
    """What a conflict adds to its message: `current` is the other user's version, as the route would answer it."""
    more = dict(error.more)
    shape = getattr(request.scope.get("route"), "response_model", None)
    if error.current is not None and isinstance(shape, type) and issubclass(shape, BaseModel):
        with suppress(ValidationError):
            more["current"] = shape.model_validate(error.current, from_attributes=True).model_dump(mode="json")
    return more


def install(app: FastAPI) -> None:
    """Handlers for expected errors of requests; `middleware/errors.py` handles the rest."""

    @app.exception_handler(EngineError)
    async def engine_error(request: Request, error: EngineError) -> JSONResponse:
        more = conflicting(request, error) if isinstance(error, Conflict) else {}
        detail = error.message
        if isinstance(error, StorageError | StorageNotConfigured):
            # Where and how pictures are stored concerns the operator only.
            log.warning("storage cannot be used: %s", detail)
            detail = "Pictures and files cannot be stored or read right now."
        answer = problem(request, error.http_status, kebab(type(error).__name__), detail, **more)
        if isinstance(error, Unauthorized):
            answer.headers["WWW-Authenticate"] = "Bearer"
        if error.retry_after is not None:
            answer.headers["Retry-After"] = str(math.ceil(error.retry_after))
        return answer

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        media_type = request.headers.get("Content-Type", "")
        if any(one["loc"] == ("body",) for one in error.errors()) and media_type and "json" not in media_type:
            return problem(request, 415, "unsupported-media-type", "The body must be JSON, as application/json.")
        if choices := [one for one in error.errors() if one["loc"][0] == "path" and one["type"] == "enum"]:
            named, there_are = choices[0]["loc"][-1], choices[0]["ctx"]["expected"].replace("'", "")
            return problem(request, 404, "not-found", f"There is no such {named}: it is {there_are}.")
        if all(one["loc"][0] == "path" for one in error.errors()):
            # A path with something that cannot be an ID exists for nobody.
            return problem(request, 404, "not-found", "Not found: the path contains an invalid id.")
        shown = error.errors()[:MOST_ERRORS]
        errors = [{"at": ".".join(map(str, one["loc"])), "message": message_of(one)} for one in shown]
        detail = "The request does not match the documented schema."
        if len(error.errors()) > MOST_ERRORS:
            detail += f" It has {len(error.errors()):,} errors; these are the first."
        return problem(request, 422, "validation", detail, errors=errors)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        refusal = problem(request, error.status_code, http_type(error.status_code), str(error.detail))
        refusal.headers.update(error.headers or {})
        if error.status_code == 405:
            # The router names the methods of one route, but several routes share a path.
            refusal.headers["Allow"] = ", ".join(_methods(request))
        return refusal

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    async def database_gone(request: Request, error: Exception) -> JSONResponse:
        log.warning("the database cannot be reached: %s", type(error).__name__)
        return problem(request, 503, "database-unavailable", "The database cannot be reached right now.")

    @app.exception_handler(DataError)
    async def unfit_value(request: Request, error: DataError) -> JSONResponse:
        detail = "A value cannot be stored: texts must not contain NUL characters, and numbers have at most 64 bits."
        return problem(request, 422, "unfit-value", detail)

    @app.exception_handler(RPCError)
    @app.exception_handler(TemporalAway)
    async def temporal_gone(request: Request, error: Exception) -> JSONResponse:
        log.warning("Temporal cannot be reached: %s", error.status.name if isinstance(error, RPCError) else error)
        return problem(request, 503, "temporal-unavailable", "Temporal cannot be reached right now.")
