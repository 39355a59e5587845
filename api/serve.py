"""Runs the API with uvicorn on the configured address."""

import ipaddress

import uvicorn
from starlette.types import ASGIApp

from activities import tracing
from api.app import create_app
from api.connections import limited
from engine.errors import BadInput
from engine.logs import log_to_stderr
from engine.settings import Settings


def serve_api(settings: Settings) -> None:
    """Serve until a signal comes. Refuses to be reachable from elsewhere unless that is asked for explicitly."""
    if not settings.allow_remote and not _is_loopback(settings.api_host):
        raise BadInput(
            f"INKLOOM_API_HOST={settings.api_host} makes the API reachable from other machines. Set"
            " INKLOOM_ALLOW_REMOTE=true if that is meant, and put something that speaks TLS in front:"
            " passwords and tokens must not travel in the open."
        )
    log_to_stderr(settings.log_level, settings.log_format)
    tracing.start(settings.traces_endpoint, "inkloom-api")
    uvicorn.Server(config_of(settings, create_app(settings))).run()
    tracing.stop()


def config_of(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves `app`: what may connect, whose word about a client is believed, and which lines are logged."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=limited(settings.request_timeout, settings.max_connections),
        # Otherwise it believes whatever runs on this machine.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        log_config=None,
        log_level=settings.log_level.lower(),
        # Ours tells more, and no query.
        access_log=False,
        timeout_graceful_shutdown=8,
        server_header=False,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
