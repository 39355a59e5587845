"""All errors of the engine, as one tree. Each says whether and when the operation may be retried.

EngineError
├── BadInput              the user's input cannot be used
│   ├── Unpriced          the cost of a call is unknown, so no budget can hold it
│   └── TooHeavy          it takes more time or memory than it may
├── NotFound              does not exist, or belongs to another user
├── Unauthorized          no valid credentials
├── Forbidden             the member's role does not allow it
├── TooMany               too many attempts
├── Conflict              the current state does not allow it
├── ProviderError         a writer or an artist did not deliver
│   ├── NotConfigured     the provider is unknown, or its key or address is missing
│   │   └── StorageNotConfigured   the same for storage in S3
│   ├── ProviderRefused   refused by policy
│   ├── ProviderRejected  the request or the model is wrong
│   ├── BadAnswer         the answer is cut off, malformed, or fails the task's checks
│   ├── QuotaExhausted    the account has run out of money or quota
│   ├── ProviderDown      unavailable for so long that the fallback is asked
│   ├── ProviderBusy      overloaded or unreachable
│   │   └── RateLimited   a limit of requests or tokens is reached
│   └── AnswerLost        the call was sent, but no whole answer came back: it may have been billed
├── CallInFlight          another attempt at the same paid call has not settled yet
├── WorkerStopping        the worker stops before the call is sent; another worker makes it
├── OutcomeUnknown        a paid call was sent and its answer lost; a user decides
├── NotRequested          no open generation requests this call
├── Paused                a user paused the generation
├── BudgetTight           the call does not fit what is left while others are in flight
├── BudgetExceeded        the next call does not fit the budget
├── SetAside              every process that tried it ended with it
├── WebhookFailed         the receiver of a webhook did not accept it
└── StorageError          a picture could not be stored or read

One interceptor turns these into Temporal failures, one handler into HTTP answers; nothing in between catches them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from engine.storable import plain, storable
from models.options import BudgetOf

# So much of what a provider says is kept.
LONGEST_DETAIL = 500


class EngineError(Exception):
    """An error that the engine can explain."""

    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500
    # What a person can do about it, where the message does not say so.
    advice: ClassVar[str] = ""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        # Providers' words are in it, and it goes into the database and into workflows' histories.
        self.message = storable(message)
        super().__init__(self.message)
        self.retry_after = retry_after


class BadInput(EngineError):
    """The user's input cannot be used; the message says what to change."""

    advice = "Change the input as the reason says, then run it again."

    http_status = 422


class Unpriced(BadInput):
    """The cost of a call is unknown, so no budget can hold it."""


class TooHeavy(BadInput):
    """The work takes more time or memory than it may; the same input would again."""


class NotFound(EngineError):
    """Does not exist, or belongs to another user: the answer is the same."""

    http_status = 404


class Unauthorized(EngineError):
    """There are no credentials, or they are not valid."""

    http_status = 401


class Forbidden(EngineError):
    """The account may see it, but not do this with it."""

    http_status = 403


class TooMany(EngineError):
    """Too many attempts; the next one is allowed after `retry_after` seconds."""

    http_status = 429


class Conflict(EngineError):
    """The current state does not allow it.

    `current` is the row that another user has written meanwhile; `more` are facts beside the message, as JSON.
    """

    http_status = 409

    def __init__(
        self, message: str, *, retry_after: float | None = None, current: object | None = None, **more: Any
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.current = current
        self.more = more


class ProviderError(EngineError):
    """A writer or an artist did not deliver.

    `detail` is the provider's own message, with no secret of ours and no control character in it. It may quote what it
    was sent, so it goes into no history and no log: it is stored with the call, and added there to the reason of what
    failed.
    """

    http_status = 502

    def __init__(self, message: str, *, retry_after: float | None = None, detail: str = "") -> None:
        super().__init__(message, retry_after=retry_after)
        self.detail = plain(detail)[:LONGEST_DETAIL].strip()


class NotConfigured(ProviderError):
    """The provider is unknown, or its key or address is missing or wrong."""

    advice = "Set the key or the address that the reason names, then run it again."

    http_status = 422


class StorageNotConfigured(NotConfigured):
    """Storage cannot be used until a person has changed something; a request for a picture may be repeated after
    that.
    """

    http_status = 503


class ProviderRefused(ProviderError):
    """The provider refused by policy; the same request will be refused again."""

    advice = "Change the words that were refused, ask in milder words (--soften), or name another provider."


class ProviderRejected(ProviderError):
    """The provider reports that the request or the model is wrong."""

    advice = "Choose another model or provider, or change what the provider complains about."


class BadAnswer(ProviderError):
    """The answer is cut off, malformed, or fails the task's checks after every allowed repair."""

    advice = "Choose a stronger model, or read the rejected answers and shorten the text."


class QuotaExhausted(ProviderError):
    """The account has run out of money or quota: waiting does not help, another provider may."""

    advice = "Add credit at the provider, or name a fallback provider; then run it again."


class ProviderDown(ProviderError):
    """It has been unavailable for so long that the next provider is asked, if the generation names one."""

    advice = "Run it again when the provider is back, or name a fallback provider."


class ProviderBusy(ProviderError):
    """Overloaded, limited or unreachable: nothing is billed, and a retry after `retry_after` seconds may succeed."""

    advice = "Run it again when the provider is back, or name a fallback provider."

    retryable = True


class RateLimited(ProviderBusy):
    """A limit of requests or tokens is reached, the provider's or ours: it is up, and the call's turn will come."""

    advice = "Run it again later, or raise the limit at the provider."


class AnswerLost(ProviderError):
    """The call was sent, but no whole answer came back: it may have been billed. The ledger decides about another
    call.
    """

    advice = "Run it again; calls whose answer was lost may have been billed."

    retryable = True


class CallInFlight(EngineError):
    """Another attempt at the same paid call has not settled yet."""

    retryable = True


class WorkerStopping(EngineError):
    """The worker stops before the call is sent; another worker makes it."""

    retryable = True


class OutcomeUnknown(EngineError):
    """The answers to the calls `lost` may have been paid for; a user decides whether to risk paying twice."""

    advice = "Look at the provider's own list of calls, then decide whether to send it again."

    def __init__(self, message: str, *, lost: Sequence[UUID] = (), retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.lost = lost


class NotRequested(EngineError):
    """No open generation requests this call, so it is not made: the input of a workflow is wrong, or comes too late."""


class Paused(EngineError):
    """A user paused the generation: no call is made for it until it is resumed."""


class BudgetTight(EngineError):
    """The call does not fit what is left of the budget, but others in flight may turn out cheaper than reserved."""

    retryable = True


class BudgetExceeded(EngineError):
    """The next call, of `needed` USD at most, does not fit the budget, and nothing in flight could make room for it."""

    advice = "Raise the budget."

    http_status = 402

    def __init__(
        self,
        message: str,
        *,
        needed: Decimal = Decimal(0),
        budget: BudgetOf = BudgetOf.GENERATION,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.needed, self.budget = needed, budget


class SetAside(EngineError):
    """Every process that tried it ended with it, or stopped answering: it is not tried again without a person."""


class WebhookFailed(EngineError):
    """The receiver of a webhook did not accept it; it is sent again later."""

    retryable = True


class StorageError(EngineError):
    """A picture could not be stored or read; the medium may recover."""

    advice = "Check the disk or the bucket, its free space and its permissions; then run it again."

    retryable = True
    http_status = 503
