"""Runs the API with uvicorn on the configured address."""

import ipaddress

import uvicorn

from api.app import create_app
from engine.errors import BadInput
from engine.settings import Settings


def serve_api(settings: Settings) -> None:
    """Serve until a signal comes. Refuses to be reachable from elsewhere unless that is asked for explicitly."""
    if not settings.allow_remote and not _is_loopback(settings.api_host):
        raise BadInput(
            f"INKLOOM_API_HOST={settings.api_host} makes the API reachable from other machines. Set"
            " INKLOOM_ALLOW_REMOTE=true if that is meant, and put something that speaks TLS in front:"
            " passwords and tokens must not travel in the open."
        )
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_level=settings.log_level.lower(),
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
