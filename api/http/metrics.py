"""Prometheus metrics of this process. Not public: they show how much the installation is used, and when."""

from functools import cache
from hmac import compare_digest

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from starlette.exceptions import HTTPException

from api.http.clients import address_of, client_address, passed_on
from api.http.deps import Owned, Resources

router = APIRouter(include_in_schema=False)

# Creation times double the number of series, and no dashboard uses them.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's function has no types

_REQUESTS = Counter("inkloom_http_requests", "Requests answered", ["method", "route", "status"])
_SECONDS = Histogram(
    "inkloom_http_request_seconds",
    "Seconds from a request's first line to the end of its answer",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_PROGRESS = Gauge("inkloom_http_requests_in_progress", "Requests being answered")
SOCKETS = Gauge("inkloom_websockets_open", "WebSockets that are open")
_POOL = Gauge("inkloom_database_connections", "Connections of the database pool", ["state"])

_KNOWN_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request. `route` is the template, so that no client can create series."""
    answered, took = _series(method if method in _KNOWN_METHODS else "other", route, status)
    answered.inc()
    took.observe(seconds)


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looking them up by their labels takes longer than counting.
    return _REQUESTS.labels(method, route, status), _SECONDS.labels(method, route)


@router.get("/metrics")
async def metrics(request: Request, owned: Owned) -> Response:
    if not reads_metrics(request, owned):
        # Like any unknown path.
        raise HTTPException(404)
    SOCKETS.set(owned.hub.sockets)
    pool = owned.database.engine.pool
    for state in ("checkedin", "checkedout"):
        _POOL.labels({"checkedin": "idle", "checkedout": "in use"}[state]).set(getattr(pool, state)())
    whole = await owned.installation.rendered()
    return Response(generate_latest() + whole, headers={"Content-Type": CONTENT_TYPE_LATEST})


def reads_metrics(request: Request, owned: Resources) -> bool:
    """Whether a request may learn how much the installation is used: it comes from this machine, or has the token."""
    token = owned.settings.metrics_token
    return _from_here(request) or bool(token and _bears(request, token.get_secret_value()))


def _from_here(request: Request) -> bool:
    try:
        return address_of(client_address(request.scope)).is_loopback and not passed_on(request)
    except ValueError:
        return False


def _bears(request: Request, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return compare_digest(given.encode(), f"Bearer {token}".encode())
