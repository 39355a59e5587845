"""Signs and sends webhooks as Standard Webhooks (standardwebhooks.com)."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpcore

from engine.errors import BadInput
from engine.security import derived
from engine.webhooks.guarded_network import GuardedNetwork, Network, check_url

# Seconds for each of: resolving and connecting, sending, the answer.
PATIENCE = 10.0
GONE = 410


def signing_key(secret: str, webhook_id: UUID, number: int) -> bytes:
    """The key of one address, derived from the installation's secret, so that no key is stored."""
    return derived(secret, f"callback {webhook_id} {number}")


def as_receivers_read(key: bytes) -> str:
    """The secret in the format of Standard Webhooks."""
    return f"whsec_{base64.b64encode(key).decode()}"


def message_id(webhook_id: UUID, seq: int) -> str:
    """The same for every attempt at a message, so that receivers can recognize repetitions."""
    return f"msg_{webhook_id.hex}_{seq}"


def signed(keys: Sequence[bytes], message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a message. During a rotation several keys sign it: receivers accept any."""
    content = f"{message}.{at}.".encode() + body
    signatures = [f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}" for key in keys]
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": " ".join(signatures)}


@dataclass(frozen=True)
class Answer:
    """The result of one attempt. `status` is None if there was no answer; `error` says why."""

    status: int | None
    error: str
    ms: int
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Sends webhooks to public and listed addresses, without following redirects."""

    def __init__(self, allowed: Sequence[Network] = (), *, patience: float = PATIENCE) -> None:
        self._allowed = allowed
        self._patience = patience
        # No connection is kept, because a checked address counts for one message. The caller limits how many run: a
        # limit here would let slow receivers delay all others.
        self._pool = httpcore.AsyncConnectionPool(
            network_backend=GuardedNetwork(allowed), max_connections=None, max_keepalive_connections=0, http2=False
        )

    async def send(self, url: str, keys: Sequence[bytes], message: str, payload: dict[str, Any]) -> Answer:
        """One attempt. Never raises for what the receiver does."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("content-type", "application/json"),
            ("user-agent", "Inkloom-Webhooks"),
            *signed(keys, message, int(time.time()), body).items(),
        ]
        began = time.monotonic()
        status, error, retry_after = None, "", None
        try:
            check_url(url, self._allowed)
            timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._patience)
            # These apply to each read; a receiver that sends one byte a second would be waited for all day.
            async with (
                asyncio.timeout(3 * self._patience),
                self._pool.stream(
                    "POST", url, headers=headers, content=body, extensions={"timeout": timeouts}
                ) as answer,
            ):
                status = answer.status
                said = {name.lower(): value for name, value in answer.headers}
                retry_after = _retry_after(said.get(b"retry-after", b""))
                error = "" if 200 <= status < 300 else f"answered with {status}"
                if 300 <= status < 400:
                    error += "; redirects are not followed"
        except BadInput as refused:
            error = refused.message
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failure:
            error = f"no answer: {type(failure).__name__}"
        return Answer(status, error, round((time.monotonic() - began) * 1000), retry_after)

    async def close(self) -> None:
        await self._pool.aclose()


def _retry_after(header: bytes) -> float | None:
    """Seconds; a date counts from now. An unreadable header counts as absent."""
    text = header.decode("latin-1").strip()
    if text.isascii() and text.isdigit() and len(text) < 8:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
