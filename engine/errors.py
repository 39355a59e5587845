"""Every error of the engine, as one tree. Each carries the decision: may it be tried again, and when.

EngineError
├── BadInput              what the user gave cannot be used
│   └── Unpriced          what a call would cost is not known, so no budget can hold it
├── NotFound              no such thing, or somebody else's
├── Unauthorized          nobody was named, or who was named was not believed
├── Forbidden             a member may see it and not do this
├── TooMany               too many tries
├── Conflict              the thing is in a state that does not allow it
├── ProviderError         a writer or an artist did not deliver
│   ├── NotConfigured     the provider is unknown, or its key or address is missing
│   │   └── StorageNotConfigured   the same of storage in S3
│   ├── ProviderRefused   refused by policy
│   ├── ProviderRejected  the request or the model is wrong
│   ├── BadAnswer         the answer is cut off, malformed, or fails the task's checks
│   ├── QuotaExhausted    the account has run out of money or of its quota
│   ├── ProviderDown      it has not delivered for so long that another one is asked
│   ├── ProviderBusy      overloaded, limited or unreachable
│   └── AnswerLost        the call was sent, and no whole answer came back: it may have been billed
├── CallInFlight          another attempt at the same paid call has not settled yet
├── OutcomeUnknown        a paid call was sent and its answer lost; a person decides
├── Paused                somebody paused the generation
├── BudgetTight           the call does not fit what is left while others are in flight
├── BudgetExceeded        the next call does not fit the budget
├── CallbackFailed        somebody whom a callback is for did not take it
└── StorageError          a picture could not be stored or read

One interceptor turns these into Temporal failures, one handler into HTTP answers; nothing in between catches them.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID


class EngineError(Exception):
    """Something the engine can explain."""

    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class BadInput(EngineError):
    """What the user gave cannot be used; the message says what to change."""

    http_status = 422


class Unpriced(BadInput):
    """What a call would cost is not known, so no budget can hold it."""


class NotFound(EngineError):
    """No such thing, or somebody else's: the answer is the same."""

    http_status = 404


class Unauthorized(EngineError):
    """Nobody was named, or who was named was not believed."""

    http_status = 401


class Forbidden(EngineError):
    """It may be seen, but not this may be done with it."""

    http_status = 403


class TooMany(EngineError):
    """Too many tries; after `retry_after` seconds there is another."""

    http_status = 429


class Conflict(EngineError):
    """The thing is in a state that does not allow it.

    `current` is the row that somebody else has written meanwhile; `more` are facts beside the message, as JSON.
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

    `detail` is what the provider says itself. It may quote what it was sent, so it stays with the call in the database
    and goes into no history and no log.
    """

    http_status = 502

    def __init__(self, message: str, *, retry_after: float | None = None, detail: str = "") -> None:
        super().__init__(message, retry_after=retry_after)
        self.detail = detail


class NotConfigured(ProviderError):
    """The provider is unknown, or its key or address is missing or wrong."""

    http_status = 422


class StorageNotConfigured(NotConfigured):
    """Storage cannot be used until a person has changed something; whoever asks for a picture may ask again then."""

    http_status = 503


class ProviderRefused(ProviderError):
    """The provider refused by policy; asking again unchanged would not help."""


class ProviderRejected(ProviderError):
    """The provider says that the request or the model is wrong."""


class BadAnswer(ProviderError):
    """The answer is cut off, malformed, or fails the task's checks after every allowed repair."""


class QuotaExhausted(ProviderError):
    """The account has run out of money or of its quota: waiting does not help, another provider may."""


class ProviderDown(ProviderError):
    """It has not delivered for so long that the next provider is asked, where a generation names one."""


class ProviderBusy(ProviderError):
    """Overloaded, limited or unreachable: nothing is billed, and another try, after `retry_after` seconds, may do."""

    retryable = True


class AnswerLost(ProviderError):
    """The call was sent, and no whole answer came back: it may have been billed. The ledger decides about another."""

    retryable = True


class CallInFlight(EngineError):
    """Another attempt at the same paid call has not settled yet."""

    retryable = True


class OutcomeUnknown(EngineError):
    """The answers to the calls `lost` may have been paid for; a person decides whether to risk paying twice."""

    def __init__(self, message: str, *, lost: Sequence[UUID] = (), retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.lost = lost


class Paused(EngineError):
    """Somebody paused the generation: no call is made for it until it is resumed."""


class BudgetTight(EngineError):
    """The call does not fit what is left of the budget, but others in flight may turn out cheaper than reserved."""

    retryable = True


class BudgetExceeded(EngineError):
    """The next call, of `needed` USD at most, does not fit the budget, and nothing in flight could make room for it."""

    http_status = 402

    def __init__(self, message: str, *, needed: Decimal = Decimal(0), retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.needed = needed


class CallbackFailed(EngineError):
    """Somebody whom a callback is for did not take it; it is tried again."""

    retryable = True


class StorageError(EngineError):
    """A picture could not be stored or read; the medium may recover."""

    retryable = True
    http_status = 503
