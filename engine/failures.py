"""What a provider's failure means: may it be tried again, when, by whom, and may it have been billed.

One table for every provider. Adapters translate their vendor's exceptions into a status and a code, or into how far
the call came, and raise what is decided here.
"""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from engine.errors import (
    AnswerLost,
    BadAnswer,
    NotConfigured,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
    QuotaExhausted,
)

# Nobody waits longer than this for a provider, whatever it asks for.
LONGEST_WAIT = 3600.0

_REFUSED = {"moderation_blocked", "content_policy_violation", "content_filter", "policy_violation"}
_OUT_OF_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_error", "quota_exceeded"}
_NO_SUCH_MODEL = {"model_not_found", "model_retired", "deprecated_model", "not_found_error"}
# Gateways say these when the server behind them did not answer in time: it may have done the work.
_MAYBE_DONE = {504, 524}
_BUSY = {408, 409, 425, 429, 500, 502, 503, 520, 521, 522, 523, 529}


def of_status(
    provider: str, status: int, code: str = "", *, headers: Mapping[str, str] | None = None, detail: str = ""
) -> ProviderError:
    """The error for an HTTP status, the provider's own `code` for it, and the answer's headers."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    wait = retry_after(headers)
    said = f"{provider} answered {status}" + (f" ({code})" if code else "")
    if code in _REFUSED:
        return ProviderRefused(f"{provider} refused this by its content policy.", detail=detail)
    if code in _OUT_OF_QUOTA or status == 402:
        return QuotaExhausted(f"{said}: the account's quota or credit is used up.", detail=detail)
    if status in (401, 403):
        return NotConfigured(f"{said}: the key is missing, wrong or not allowed to do this.", detail=detail)
    if code in _NO_SUCH_MODEL:
        return ProviderRejected(f"{said}: it has no such model.", detail=detail)
    if status in _MAYBE_DONE:
        return AnswerLost(f"{said}: it gave up waiting.", retry_after=wait, detail=detail)
    if status in _BUSY or status >= 500:
        if headers.get("x-should-retry") == "false":
            return ProviderRejected(f"{said} and says that another try is of no use.", detail=detail)
        return ProviderBusy(f"{said}.", retry_after=wait, detail=detail)
    return ProviderRejected(f"{said}: it does not accept the request.", detail=detail)


def unreachable(provider: str, where: str) -> ProviderError:
    """No connection came about: nothing was sent, nothing is billed."""
    return ProviderBusy(f"{provider} cannot be reached at {where}.")


def lost(provider: str, why: str) -> ProviderError:
    """The request was sent and the answer did not come whole: a timeout, a reset, half a body."""
    return AnswerLost(f"The answer of {provider} was lost: {why}.")


def unusable(provider: str, why: str) -> ProviderError:
    """An answer came, and it is none."""
    return BadAnswer(f"{provider} answered with something that is no answer: {why}.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that an answer's headers ask to wait: in milliseconds, in seconds or as a date; None if they do not."""
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = float(headers.get("retry-after", ""))
    except ValueError:
        try:
            seconds = parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time()
        except ValueError:
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None
