"""Every error as RFC 9457 `application/problem+json`, with a stable type and the request's id."""

import logging
import math
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from engine.errors import EngineError, Unauthorized

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class TemporalAway(Exception):
    """Temporal could not be reached, and the client has no better error for it."""


def problem(request: Request, status: int, type: str, detail: str, **more: Any) -> JSONResponse:
    """One problem. `type` is a path below `/problems/`: it names the kind of error for programs."""
    body = {
        "type": f"/problems/{type}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "request_id": request.state.request_id,
        **more,
    }
    headers = {"X-Request-ID": request.state.request_id}
    if status in (429, 503):
        headers["Retry-After"] = "5"
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def kebab(name: str) -> str:
    """`NotFound` → `not-found`."""
    return "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in name).lstrip("-")


def _documented(app: FastAPI, path: str) -> list[str]:
    """The methods that a path has."""
    found = (
        methods
        for template, methods in app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\\\{[^}]*\}", "[^/]+", re.escape(template)), path)
    )
    return sorted({method.upper() for methods in found for method in methods})


def install(app: FastAPI) -> None:
    """Handlers for all that can go wrong in a request."""

    @app.exception_handler(EngineError)
    async def engine_error(request: Request, error: EngineError) -> JSONResponse:
        answer = problem(request, error.http_status, kebab(type(error).__name__), error.message)
        if isinstance(error, Unauthorized):
            answer.headers["WWW-Authenticate"] = "Bearer"
        if error.retry_after is not None:
            answer.headers["Retry-After"] = str(math.ceil(error.retry_after))
        return answer

    @app.exception_handler(RequestValidationError)
    async def validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [{"at": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
        return problem(request, 422, "validation", "The request does not fit what is documented.", errors=errors)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        answer = problem(
            request,
            error.status_code,
            kebab(HTTPStatus(error.status_code).name.title().replace("_", "")),
            str(error.detail),
        )
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and (methods := _documented(app, request.url.path)):
            # The router names those of one of its routes, and a path has one for each method.
            answer.headers["Allow"] = ", ".join(methods)
        return answer

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    @app.exception_handler(PoolTimeout)
    async def database_gone(request: Request, error: Exception) -> JSONResponse:
        log.warning("the database cannot be reached: %s", type(error).__name__)
        return problem(request, 503, "database-unavailable", "The database cannot be reached right now.")

    @app.exception_handler(DataError)
    async def unfit_value(request: Request, error: DataError) -> JSONResponse:
        detail = "A value cannot be stored: texts hold no NUL characters, and numbers have at most 64 bits."
        return problem(request, 422, "unfit-value", detail)

    @app.exception_handler(RPCError)
    @app.exception_handler(TemporalAway)
    async def temporal_gone(request: Request, error: Exception) -> JSONResponse:
        log.warning("Temporal cannot be reached: %s", error.status.name if isinstance(error, RPCError) else error)
        return problem(request, 503, "temporal-unavailable", "Temporal cannot be reached right now.")

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        log.error("request %s failed", request.state.request_id, exc_info=error)
        return problem(request, 500, "internal", "Something went wrong on our side; the request id is in the log.")
