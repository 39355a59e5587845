"""Runs the API with uvicorn on the configured address."""

import gc
import ipaddress
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from activities import tracing
from api.app import create_app
from api.http.clients import also_mapped
from api.http.connections import last_words, limited
from engine.errors import BadInput
from engine.logs import log_to_stderr
from engine.settings import Settings

# The kernel's buffer for a peer that does not read. By default it takes megabytes, all of them before the reason why
# the socket closes.
SEND_BUFFER = 64 * 1024
# In how many frames a message may come; few clients can send it in more than one.
PARTS = 64


class Sockets(WebSocketsSansIOProtocol):
    """WebSockets that buffer little for a slow peer, its pongs included, and that the application can abort.

    Closing a socket waits until the peer has received everything, which a peer that reads nothing delays for ever.
    """

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            self.scope["extensions"]["inkloom.cut"] = {"cut": self.transport.abort}

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            # Otherwise uvicorn logs a handshake that was refused with an answer as a forgotten one, which is an error.
            self.handshake_complete = True

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # The library neither answers nor closes a connection that turns out to be no handshake.
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(last_words(400, "malformed-request", "The WebSocket handshake is malformed."))
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        # The bytes are counted, but frames may be empty, and all are kept until the last has come.
        if len(self.frames) < PARTS:
            super().handle_cont(event)
        else:
            self.transport.abort()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            # The peer reads nothing, so do not wait: drop what would be sent.
            self.conn.data_to_send()


# Events are small, and each goes to many sockets: compressing them costs more time and memory than it saves.
WEBSOCKETS: dict[str, Any] = {
    "ws": Sockets,
    "ws_max_size": 4096,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,
}


def serve_api(settings: Settings) -> None:
    """Serve until a signal comes. Refuses to listen on other interfaces unless that is set explicitly."""
    if not settings.allow_remote and not _is_loopback(settings.api_host):
        raise BadInput(
            f"INKLOOM_API_HOST={settings.api_host} exposes the API to other machines. Set"
            " INKLOOM_ALLOW_REMOTE=true if you want that, and put a TLS proxy in front:"
            " passwords and tokens must not be sent unencrypted."
        )
    log_to_stderr(settings.log_level, settings.log_format)
    tracing.start(settings.traces_endpoint, "inkloom-api")
    server = uvicorn.Server(config_of(settings, create_app(settings)))
    spare_the_collector()
    server.run()
    tracing.stop()


def spare_the_collector() -> None:
    """Exempt everything loaded at start from garbage collection: it lives until the process ends.

    Each collection, every few hundred requests, paused all of them for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    # A body of many values, parsed and validated, is no garbage: by default it is looked through again and again.
    gc.set_threshold(20_000, 20, 20)


def config_of(settings: Settings, app: ASGIApp) -> uvicorn.Config:
    """How uvicorn serves `app`: limits of connections, trusted proxies, and which lines it logs."""
    return uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        http=limited(
            settings.request_timeout,
            settings.max_connections,
            settings.connections_per_address,
            settings.trusted_proxies,
        ),
        # Otherwise uvicorn trusts every process on this machine.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=also_mapped(settings.trusted_proxies),
        log_config=None,
        log_level=settings.log_level.lower(),
        # Our own access log has more fields, and no query.
        access_log=False,
        timeout_graceful_shutdown=8,
        timeout_keep_alive=settings.keep_alive,
        server_header=False,
        **WEBSOCKETS,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
