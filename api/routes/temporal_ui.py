"""Temporal's web UI, one click away and only for those who run this installation.

The UI commands every workflow of every tenant, and checks neither hosts nor who asks. So it is reachable through this
proxy alone: for the owner of this machine until there are accounts, then for that owner's account and the operators.
Browsers send no token with a link. They bring a ticket once and get a cookie, which only pages of the UI send back.
"""

import hmac
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpcore
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from api.http.deps import Caller, Owned, Resources, account_of, login_of
from api.http.operators import of_ticket, require_operator
from engine.errors import EngineError, Forbidden, NotFound, Unauthorized
from engine.security import derived

router = APIRouter(include_in_schema=False)

AT = "/temporal"
COOKIE = "inkloom_temporal"
LASTS = timedelta(hours=8)
# The UI's own token against forged requests, which it keeps in a cookie that its pages read.
CSRF = "_csrf"
# What the UI sends and needs; above all no credentials of ours go there.
SENT = frozenset(
    {
        *("accept", "accept-language", "content-type", "if-none-match", "if-modified-since"),
        *("x-csrf-token", "caller-type"),
    }
)
GIVEN = ("content-type", "cache-control", "etag", "last-modified", "vary")
# The UI is a program in the page, with scripts in its HTML; it talks to no other server, and no page may frame it.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
PATIENCE = {"connect": 5.0, "read": 70.0, "write": 30.0, "pool": 30.0}
NOT_YOURS = "Temporal's UI shows all projects, so only the owner of this machine and INKLOOM_OPERATORS may use it."
LOG_IN = (
    "Log in, get a ticket with POST /api/v1/auth/ws-ticket, and open /temporal/?ticket=… within 30 seconds. On a"
    " machine without accounts, open it on that machine, by its loopback address."
)


class UnreachableUi(EngineError):
    """Temporal's UI does not answer."""

    http_status = 503


@router.api_route(AT, methods=["GET"])
async def entry() -> Response:
    return RedirectResponse(f"{AT}/", 308)


@router.api_route(AT + "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def ui(path: str, request: Request, owned: Owned) -> Response:
    """What the UI answers, for those who may see it."""
    if owned.settings.temporal_ui_url is None:
        raise NotFound("This installation shows no Temporal UI; INKLOOM_TEMPORAL_UI_URL says where one is.")
    _refuse_other_pages(request)
    if ticket := getattr(request.state, "ticket", None):
        return await _admitted(request, owned, ticket)
    await require_operator(owned, await _asking(request, owned), NOT_YOURS)
    return await _fetched(request, owned.settings.temporal_ui_url, path)


def _refuse_other_pages(request: Request) -> None:
    """A page of another site may link here, and nothing else, not even what only reads."""
    origin, host = request.headers.get("origin"), request.headers.get("host", "")
    own = origin is None or origin.partition("://")[2].lower() == host.lower()
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    link = request.method == "GET" and mode == "navigate" and request.headers.get("sec-fetch-dest") == "document"
    if not own or (site in ("cross-site", "same-site") and not link):
        raise Forbidden("Pages of other origins may not use Temporal's UI.")


async def _asking(request: Request, owned: Resources) -> Caller:
    """Who asks: by cookie, by access token, or from this machine while it has no accounts."""
    if (value := _cookies(request).get(COOKIE)) is not None and (found := await _of_cookie(owned, value)) is not None:
        return found
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        return await account_of(owned, token if scheme.lower() == "bearer" else None, request)
    except Unauthorized as error:
        raise Unauthorized(LOG_IN) from error


async def _admitted(request: Request, owned: Resources, ticket: str) -> Response:
    """Exchange a ticket for a cookie, and go on without it in the address."""
    taken = await of_ticket(owned, ticket)
    if taken is None or taken.family is None:
        raise Unauthorized(f"The ticket is invalid or has expired. {LOG_IN}")
    await require_operator(owned, taken, NOT_YOURS)
    query = request.url.query
    answer = RedirectResponse(quote(request.url.path) + (f"?{query}" if query else ""), 303)
    answer.set_cookie(
        COOKIE,
        _signed(owned, taken.user_id, taken.family, datetime.now(UTC) + LASTS),
        max_age=int(LASTS.total_seconds()),
        path=f"{AT}/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _signed(owned: Resources, user_id: UUID, login: UUID, ends_at: datetime) -> str:
    """The value of a cookie. Useless anywhere else: it is no access token."""
    signed = f"{user_id}.{login}.{int(ends_at.timestamp())}"
    return f"{signed}.{hmac.digest(derived(owned.secret, 'temporal ui'), signed.encode(), 'sha256').hex()}"


async def _of_cookie(owned: Resources, value: str) -> Caller | None:
    """The account of a cookie, while its login lasts."""
    try:
        user_id, login, ends = value.split(".")[:3]
        ends_at = datetime.fromtimestamp(int(ends), UTC)
        good = _signed(owned, UUID(user_id), UUID(login), ends_at)
    except (ValueError, OverflowError, OSError):
        return None
    if not hmac.compare_digest(good.encode(), value.encode("utf-8", "replace")) or ends_at < datetime.now(UTC):
        return None
    return await login_of(owned, Caller(UUID(user_id), UUID(login), ends_at=ends_at))


def _cookies(request: Request) -> dict[str, str]:
    try:
        return {name: one.value for name, one in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        return {}


@cache
def _authorities() -> ssl.SSLContext:
    """The certificate authorities that this machine trusts; `SSL_CERT_FILE` names others."""
    return ssl.create_default_context()


async def _fetched(request: Request, at: str, path: str) -> Response:
    """The answer of the UI, passed on as it comes."""
    place = urlsplit(at)
    secure = place.scheme == "https"
    port = place.port or (443 if secure else 80)
    host = f"{place.hostname}:{port}"
    headers = [(b"host", host.encode()), (b"accept-encoding", b"identity")]
    headers += [(name.encode(), request.headers[name].encode("latin-1")) for name in SENT if name in request.headers]
    if CSRF in (cookies := _cookies(request)):
        headers.append((b"cookie", f"{CSRF}={cookies[CSRF]}".encode("latin-1", "replace")))
    query = f"?{request.url.query}" if request.url.query else ""
    url = httpcore.URL(
        scheme=place.scheme.encode(),
        host=(place.hostname or "").encode(),
        port=port,
        target=f"{AT}/{quote(path)}{query}".encode("latin-1", "replace"),
    )
    body = await request.body()
    if body:
        headers.append((b"content-length", str(len(body)).encode()))
    client = httpcore.AsyncConnectionPool(ssl_context=_authorities() if secure else None, max_connections=1)
    try:
        answer = await client.handle_async_request(
            httpcore.Request(request.method, url, headers=headers, content=body, extensions={"timeout": PATIENCE})
        )
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        await client.aclose()
        raise UnreachableUi("Temporal's UI does not answer.", retry_after=5) from error
    found = StreamingResponse(_passed(client, answer), answer.status)
    for raw_name, raw_value in answer.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in GIVEN:
            found.headers[name] = value
        elif name == "location":
            found.headers[name] = urlsplit(value)._replace(scheme="", netloc="").geturl()
        elif name == "set-cookie" and value.startswith(f"{CSRF}="):
            found.set_cookie(CSRF, value.partition("=")[2].partition(";")[0], path=f"{AT}/", samesite="strict")
    found.headers["content-security-policy"] = POLICY
    return found


async def _passed(client: httpcore.AsyncConnectionPool, answer: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_stream():
            yield part
    finally:
        await answer.aclose()
        await client.aclose()
