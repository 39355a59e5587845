"""What providers do wrong, and what an adapter must make of it: one table for writers and artists."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from engine.errors import (
    AnswerLost,
    NotConfigured,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
    QuotaExhausted,
    RateLimited,
)
from tests.fakes.server import Answer

KEY = "sk-0123456789-very-secret"
# How a fake forms an error: status, code, message, headers.
Erring = Callable[..., Answer]


@dataclass(frozen=True)
class Wrong:
    """An answer, made with the fake's own form of errors, and what it means: an error, and seconds to wait."""

    name: str
    answer: Callable[[Erring], Answer]
    means: type[ProviderError]
    wait: float | None = None
    # Errors that only some vendors have a code for, or clients that only some adapters have.
    only: tuple[str, ...] = field(default=())
    # What the provider says of it.
    says: str = ""


def _date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


def _with_error(body: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Erring], Answer]:
    """An answer of status 200 with an error in it, where `body` puts it."""
    return lambda error: Answer(body({"code": 502, "message": f"No room for {KEY} now."}))


_INSIDE: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "in a choice": lambda said: {"choices": [{"index": 0, "finish_reason": "error", "error": said}]},
    "in a message": lambda said: {
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "", "error": said}}],
        "message": {"content": "", "error": said},
    },
    "in a picture": lambda said: {"created": 1, "data": [{"error": said}], "images": [{"error": said}]},
    "beside no end": lambda said: {
        "stop_reason": "error",
        "done": True,
        "done_reason": "error",
        "content": [],
        "message": {"content": ""},
        "choices": [{"index": 0, "finish_reason": "error", "message": {"content": ""}}],
        "error": said,
    },
}
WRONG = [
    Wrong("408", lambda error: error(408, "timeout"), ProviderBusy),
    Wrong("409", lambda error: error(409, "conflict"), ProviderBusy),
    Wrong("429 in seconds", lambda error: error(429, "rate", retry_after="7"), RateLimited, 7),
    Wrong("429 in milliseconds", lambda error: error(429, "rate", retry_after_ms="1500"), RateLimited, 1.5),
    Wrong("429 as a date", lambda error: error(429, "rate", retry_after=_date(60)), RateLimited, 60),
    Wrong("429 beyond reason", lambda error: error(429, "rate", retry_after="99999"), RateLimited, 3600),
    Wrong("429 with nonsense", lambda error: error(429, "rate", retry_after="soon"), RateLimited),
    Wrong("500", lambda error: error(500, "server_error"), ProviderBusy),
    Wrong("503", lambda error: error(503, "unavailable", retry_after="3"), ProviderBusy, 3),
    Wrong("529", lambda error: error(529, "overloaded_error"), ProviderBusy),
    Wrong("503 for good", lambda error: error(503, "x", x_should_retry="false"), ProviderRejected),
    Wrong("504", lambda error: error(504, "timeout_error"), AnswerLost),
    Wrong("401", lambda error: error(401, "invalid_api_key", f"Incorrect API key: {KEY}"), NotConfigured),
    Wrong("403", lambda error: error(403, "permission_error"), NotConfigured),
    Wrong("400", lambda error: error(400, "invalid_request_error", "x" * 5000), ProviderRejected),
    Wrong("402", lambda error: error(402, "billing_error"), QuotaExhausted),
    Wrong("quota", lambda error: error(429, "insufficient_quota"), QuotaExhausted, None, ("openai",)),
    Wrong("spending limit", lambda error: error(400, "billing_hard_limit_reached"), QuotaExhausted, None, ("openai",)),
    Wrong(
        "no credit",
        lambda error: error(400, "invalid_request_error", "Your credit balance is too low to access the API."),
        QuotaExhausted,
        None,
        ("anthropic",),
    ),
    Wrong("moderation", lambda error: error(400, "moderation_blocked"), ProviderRefused, None, ("openai",)),
    Wrong("policy", lambda error: error(400, "content_policy_violation"), ProviderRefused, None, ("openai",)),
    Wrong("no such model", lambda error: error(404, "model_not_found"), ProviderRejected, None, ("openai",)),
    Wrong("no such model", lambda error: error(404, "not_found_error"), ProviderRejected, None, ("anthropic",)),
    Wrong("a page of a proxy", lambda error: Answer("<html>", 502, {"content-type": "text/html"}), ProviderBusy),
    Wrong("somewhere else", lambda error: Answer("", 301, {"location": "/there"}), ProviderRejected),
    Wrong(
        "somewhere else, asked the same way", lambda error: Answer("", 307, {"location": "/there"}), ProviderRejected
    ),
    Wrong("reset", lambda error: Answer(reset=True), AnswerLost),
    Wrong("half a body", lambda error: Answer({"id": "x" * 500}, cut=40), AnswerLost),
    Wrong("no JSON", lambda error: Answer('{"id": "chatcmpl'), AnswerLost),
    Wrong("JSON of another kind", lambda error: Answer("[]"), AnswerLost),
    Wrong("an empty object", lambda error: Answer({}), AnswerLost),
    Wrong(
        "an error with status 200",
        lambda error: Answer({"type": "error", "error": {"type": "overloaded", "message": f"No room for {KEY} now."}}),
        AnswerLost,
        says="No room for [masked] now.",
    ),
    Wrong("an error in a word", lambda error: Answer({"error": "no room"}), AnswerLost, says="no room"),
    Wrong("an error in detail", lambda error: Answer({"detail": "no room"}), AnswerLost, says="no room"),
    *(
        Wrong(
            f"an error {where}, with status 200",
            _with_error(body),
            AnswerLost,
            says="No room for [masked] now.",
        )
        for where, body in _INSIDE.items()
    ),
    Wrong(
        "a refusal with status 200",
        lambda error: Answer({"choices": [{"index": 0, "error": {"code": "content_filter", "message": "Not that."}}]}),
        ProviderRefused,
        says="Not that.",
    ),
    Wrong(
        "no credit with status 200",
        lambda error: Answer({"choices": [{"index": 0, "error": {"code": 402, "message": "Pay first."}}]}),
        QuotaExhausted,
        says="Pay first.",
    ),
    Wrong("text", lambda error: Answer("hello", 200, {"content-type": "text/plain"}), AnswerLost),
    Wrong("too slow", lambda error: Answer({}, delay=30), AnswerLost),
]


def cases(*providers: str) -> list[Any]:
    """Every provider with everything that can go wrong with it, for `parametrize`."""
    import pytest

    return [
        pytest.param(provider, wrong, id=f"{provider} {wrong.name}")
        for provider in providers
        for wrong in WRONG
        if not wrong.only or provider in wrong.only
    ]


def nobody() -> str:
    """An address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def told(error: ProviderError) -> str:
    """Everything that an error may give away, wherever it is printed."""
    import traceback

    return "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__) + repr(error.__cause__)
