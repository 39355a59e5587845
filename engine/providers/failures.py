"""What a provider's failure means: may it be tried again, when, by whom, and may it have been billed.

One table for every provider. Adapters make their calls inside `calling`, which tells from an exception's status and
body, or from how far the call came, what is decided here. It knows the vendors' exceptions by their shape, so nothing
here needs a vendor's SDK.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import BaseModel

from engine.errors import (
    LONGEST_DETAIL,
    AnswerLost,
    BadAnswer,
    NotConfigured,
    ProviderBusy,
    ProviderError,
    ProviderRefused,
    ProviderRejected,
    QuotaExhausted,
    RateLimited,
)
from engine.storable import plain

# Nobody waits longer than this for a provider, whatever it asks for.
LONGEST_WAIT = 3600.0

_REFUSED = {"moderation_blocked", "content_policy_violation", "content_filter", "policy_violation"}
_OUT_OF_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_error", "quota_exceeded"}
_NO_SUCH_MODEL = {"model_not_found", "model_retired", "deprecated_model", "not_found_error"}
# Gateways say these when the server behind them did not answer in time: it may have done the work.
_MAYBE_DONE = {504, 524}
_BUSY = {408, 409, 425, 429, 500, 502, 503, 520, 521, 522, 523, 529}
# What HTTP libraries raise before the first byte of a request has left.
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
_TRANSPORT = {"TransportError", "APIConnectionError", "DecodingError"}
# An error is looked for in so many levels of an answer, and in so many parts of each list.
_DEEPEST, _WIDEST = 6, 16


@asynccontextmanager
async def calling(provider: str, where: str, *, seconds: float, secrets: tuple[str, ...] = ()) -> AsyncIterator[None]:
    """Around one call: at most `seconds` long, and whatever goes wrong in it comes out as what it means.

    `secrets` are masked wherever the provider repeats them. What is no failure of a provider passes as it is.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except _Reported as error:
        raise _of_answer(provider, error, secrets) from None
    except ProviderError:
        raise
    except TimeoutError:
        raise lost(provider, f"it took longer than {seconds:g} seconds") from None
    except Exception as error:
        meant = _meaning(provider, where, error, secrets)
        if meant is None:
            raise
        # Not `from error`: a vendor's exception holds its request, with the key and the prompt in it.
        raise meant from None


def _meaning(provider: str, where: str, error: Exception, secrets: tuple[str, ...]) -> ProviderError | None:
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None)
    if response is not None and isinstance(status, int) and status >= 300:
        body = getattr(error, "body", None)
        detail = quoted(words_of(body) or str(error), *secrets)
        return of_status(provider, status, code_of(body), headers=response.headers, detail=detail)
    raised = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
    if raised & _NEVER_SENT:
        return unreachable(provider, where)
    if raised & _TRANSPORT:
        return lost(provider, "the connection was lost or stalled")
    # Half a body, or one that is no JSON: the provider had the request and did something with it.
    if isinstance(error, ValueError) or "APIResponseValidationError" in raised:
        return lost(provider, "it is unreadable")
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def code_of(body: Any) -> str:
    """The provider's own code of an error, from its body: a code where there is one, a type otherwise."""
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(inner, Mapping):
        return ""
    # Anthropic says this as a plain bad request.
    if "credit balance is too low" in str(inner.get("message")):
        return "billing_error"
    return str(inner.get("code") or inner.get("type") or "")


def words_of(body: Any) -> str:
    """What an error's body says to people, in any of the usual shapes."""
    if isinstance(body, str):
        return body
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    if isinstance(inner, Mapping):
        said = str(inner.get("message") or inner.get("detail") or inner.get("errors") or "")
        # A gateway's words, then those of the server behind it.
        behind = inner.get("metadata")
        raw = str(behind.get("raw") or "") if isinstance(behind, Mapping) else ""
        return " ".join(part for part in (said, raw) if part)
    outer = str(body.get("detail") or body.get("errors") or "") if isinstance(body, Mapping) else ""
    return " ".join(part for part in (str(inner or ""), outer) if part)


def quoted(words: str, *secrets: str) -> str:
    """A provider's words as they may be kept: in one line, cut, and with our secrets masked."""
    words = plain(words)
    for secret in secrets:
        words = words.replace(secret, "[masked]") if secret else words
    return words[:LONGEST_DETAIL]


def of_status(
    provider: str, status: int, code: str = "", *, headers: Mapping[str, str] | None = None, detail: str = ""
) -> ProviderError:
    """The error for an HTTP status, the provider's own `code` for it, and the answer's headers."""
    headers = {name.lower(): value for name, value in (headers or {}).items()}
    wait = retry_after(headers)
    said = f"{provider} answered {status}" + (f" ({code})" if code else "")
    if 300 <= status < 400:
        return ProviderRejected(
            f"{said}: it redirects to another address, which is not followed. Set the address where it answers.",
            detail=detail,
        )
    if code in _REFUSED:
        return ProviderRefused(f"{provider} refused this under its content policy.", detail=detail)
    if code in _OUT_OF_QUOTA or status == 402:
        return QuotaExhausted(f"{said}: the account's quota or credit is used up.", detail=detail)
    if status in (401, 403):
        return NotConfigured(f"{said}: the API key is missing, invalid or lacks permission.", detail=detail)
    if code in _NO_SUCH_MODEL:
        return ProviderRejected(f"{said}: it does not have this model.", detail=detail)
    if status in _MAYBE_DONE:
        return AnswerLost(f"{said}: it timed out.", retry_after=wait, detail=detail)
    if status in _BUSY or status >= 500:
        if headers.get("x-should-retry") == "false":
            return ProviderRejected(f"{said} and says that retrying will not help.", detail=detail)
        return (RateLimited if status == 429 else ProviderBusy)(f"{said}.", retry_after=wait, detail=detail)
    return ProviderRejected(f"{said}: it rejected the request.", detail=detail)


def unreachable(provider: str, where: str) -> ProviderError:
    """No connection came about: nothing was sent, nothing is billed. `where` carries no user and password."""
    return ProviderBusy(f"{provider} cannot be reached at {where}.")


class _Reported(ProviderError):
    """A failure with what the answer itself says of it, which may have our secrets in it."""

    def __init__(self, meant: ProviderError, answer: Any) -> None:
        super().__init__(meant.message)
        part = _failed_part(_as_data(answer))
        self.meant, self.words, self.code = meant, words_of(answer if isinstance(answer, str) else part), code_of(part)
        self.failed = bool(part.get("error"))


def lost(provider: str, why: str, answer: Any = None) -> ProviderError:
    """The request was sent and the answer did not come whole: a timeout, a reset, half a body.

    `answer` is what came instead. Servers and gateways report failures under status 200, too; what it says about one
    becomes the detail. Only inside `calling`, which masks secrets.
    """
    meant = AnswerLost(f"The answer of {provider} was lost: {why}.")
    return meant if answer is None else _Reported(meant, answer)


def unusable(provider: str, why: str, answer: Any) -> ProviderError:
    """An answer came, and it is none. If it reports a failure, that counts more; only inside `calling`, as `lost`."""
    return _Reported(BadAnswer(f"{provider} sent an unusable answer: {why}."), answer)


def reports_error(part: Any) -> bool:
    """Whether a part of an answer says that it failed."""
    return bool(_as_data(part).get("error"))


def _failed_part(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of an answer that has an error: the whole, or one of its choices, messages, blocks or pictures."""
    parts: list[Any] = [answer]
    for _ in range(_DEEPEST):
        for part in parts:
            if isinstance(part, Mapping) and part.get("error"):
                return part
        inner = [list(part.values()) if isinstance(part, Mapping) else part for part in parts]
        parts = [one for part in inner if isinstance(part, list) for one in part[:_WIDEST]]
    return answer


def _as_data(answer: Any) -> Mapping[str, Any]:
    """An answer, or a part of one, as the SDKs build it or as it came."""
    if isinstance(answer, BaseModel):
        # Built without validation: what does not suit its type is no reason for a warning.
        return answer.model_dump(warnings=False)
    return answer if isinstance(answer, Mapping) else {}


def _of_answer(provider: str, error: _Reported, secrets: tuple[str, ...]) -> ProviderError:
    """What a failure under status 200 means: where the request itself is to blame, sending it again changes nothing."""
    detail = quoted(error.words, *secrets)
    if not error.failed:
        return type(error.meant)(error.meant.message, detail=detail)
    status = int(error.code) if re.fullmatch("4[0-9][0-9]", error.code) else 0
    if error.code in _REFUSED | _OUT_OF_QUOTA | _NO_SUCH_MODEL:
        return of_status(provider, 200, error.code, detail=detail)
    if status and status not in _BUSY:
        return of_status(provider, status, detail=detail)
    code = f" ({error.code})" if error.code else ""
    return AnswerLost(f"{provider} reported an error{code} instead of a whole answer.", detail=detail)


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
