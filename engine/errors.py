"""Every error of the engine, as one tree. Each carries the decision: may it be tried again, and when.

EngineError
├── BadInput              what the user gave cannot be used
├── NotFound              no such thing, or somebody else's
├── Conflict              the thing is in a state that does not allow it
├── ProviderError         a writer or an artist did not deliver
│   ├── NotConfigured     the provider is unknown, or its key or address is missing
│   ├── ProviderRefused   refused by policy
│   ├── ProviderRejected  the request or the model is wrong
│   ├── BadAnswer         the answer is cut off, malformed, or fails the task's checks
│   └── ProviderBusy      overloaded, limited or unreachable
├── CallInFlight          another attempt at the same paid call has not settled yet
├── OutcomeUnknown        a paid call was sent and its answer lost; a person decides
├── BudgetExceeded        the next call does not fit the budget
└── StorageError          a picture could not be stored or read

One interceptor turns these into Temporal failures, one handler into HTTP answers; nothing in between catches them.
"""

from typing import ClassVar


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


class NotFound(EngineError):
    """No such thing, or somebody else's: the answer is the same."""

    http_status = 404


class Conflict(EngineError):
    """The thing is in a state that does not allow it."""

    http_status = 409


class ProviderError(EngineError):
    """A writer or an artist did not deliver."""

    http_status = 502


class NotConfigured(ProviderError):
    """The provider is unknown, or its key or address is missing."""

    http_status = 422


class ProviderRefused(ProviderError):
    """The provider refused by policy; asking again unchanged would not help."""


class ProviderRejected(ProviderError):
    """The provider says that the request or the model is wrong."""


class BadAnswer(ProviderError):
    """The answer is cut off, malformed, or fails the task's checks after every allowed repair."""


class ProviderBusy(ProviderError):
    """Overloaded, limited or unreachable: worth another try, after `retry_after` seconds if given."""

    retryable = True


class CallInFlight(EngineError):
    """Another attempt at the same paid call has not settled yet."""

    retryable = True


class OutcomeUnknown(EngineError):
    """A paid call was sent and its answer was lost; a person decides whether to risk paying twice."""


class BudgetExceeded(EngineError):
    """The next call does not fit the budget."""

    http_status = 402


class StorageError(EngineError):
    """A picture could not be stored or read; the medium may recover."""

    retryable = True
    http_status = 503
