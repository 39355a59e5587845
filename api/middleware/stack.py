"""The order of the middleware."""

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from api.middleware.access import AccessLog
from api.middleware.callers import KnownCallers, origins_of
from api.middleware.errors import Problems
from api.middleware.head import Heads
from api.middleware.headers import SecurityHeaders
from api.middleware.limits import Limits
from api.middleware.request_id import RequestId
from api.middleware.tickets import Tickets
from api.middleware.values import Values
from engine.settings import Settings

# Compressed already, or too small to gain from it.
_AS_THEY_ARE = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "application/pdf",
    "application/vnd.comicbook+zip",
    "application/octet-stream",
    "application/zip",
)


def install(app: FastAPI, settings: Settings) -> None:
    """Wrap `app`. Raises `BadInput` for invalid origins."""
    origins = origins_of(settings.cors_origins)
    app.user_middleware[:] = [
        # First of all, remove what must not be logged.
        Middleware(Tickets),
        # The request ID next, because the others use it; headers and problems outside everything that may answer.
        Middleware(RequestId),
        Middleware(AccessLog),
        Middleware(SecurityHeaders),
        Middleware(Problems),
        Middleware(KnownCallers, [host.strip().lower() for host in settings.allowed_hosts.split(",")], origins),
        *([_cross_origin(origins)] if origins else []),
        Middleware(
            Limits,
            body=settings.max_body_bytes,
            upload=settings.max_upload_bytes,
            imports=settings.max_import_bytes,
            seconds=settings.request_timeout,
        ),
        Middleware(Values),
        Middleware(Heads),
        Middleware(GZipMiddleware, minimum_size=1024, compresslevel=1, exclude_content_types=_AS_THEY_ARE),
    ]


def _cross_origin(origins: frozenset[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "X-Request-ID"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Request-ID"],
        # Tokens come in a header; no cookie is ever read.
        allow_credentials=False,
    )
