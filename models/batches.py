"""Batches: their states, and what travels between a batch's workflow and its activities."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from models.runs import GenerationStart
from models.story import Frozen
from models.texts import Clock, Zone

# The most items of a batch: each is one row, and a request names them all.
MAX_ITEMS = 10_000
# The most items that a batch works on side by side.
MAX_AT_A_TIME = 100
AT_A_TIME = 4
# How often an item is tried before it is set aside: the first attempt, and one that keeps all finished parts.
ATTEMPTS = 2


class BatchStatus(StrEnum):
    """Where a batch stands. The last three are final."""

    REQUESTED = "requested"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    CANCELLED = "cancelled"


ENDED = frozenset({BatchStatus.COMPLETED, BatchStatus.COMPLETED_WITH_FAILURES, BatchStatus.CANCELLED})


class ItemState(StrEnum):
    """Where an item stands. `held`: its generation waits for a person, and leaves its place to others."""

    WAITING = "waiting"
    RUNNING = "running"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Items whose generation is under way.
AT_WORK = (ItemState.RUNNING, ItemState.HELD)
OVER = (ItemState.COMPLETED, ItemState.FAILED, ItemState.CANCELLED)


class Hours(Frozen):
    """Hours of the day in which a batch starts items: from 22:00 to 06:00 includes midnight."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        serialize_by_alias=True,
        json_schema_extra={"examples": [{"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}]},
    )

    start: Clock = Field(alias="from")
    end: Clock = Field(alias="to")
    zone: Zone = Field(default="UTC", description="a name of the IANA database of time zones")

    @model_validator(mode="after")
    def some_time(self) -> "Hours":
        if self.start == self.end:
            raise ValueError("`from` and `to` are the same: leave only_between out to allow the whole day")
        return self


class BatchRun(Frozen):
    """A batch, as its workflow and activities are given it."""

    model_config = ConfigDict(extra="ignore")

    owner_id: UUID
    batch_id: UUID


class BatchStep(Frozen):
    """What a batch's workflow does next."""

    ended: bool = False
    starts: list[GenerationStart] = Field(default_factory=list)
    cancels: list[UUID] = Field(default_factory=list, description="generations to cancel")
    running: int = Field(default=0, description="generations under way that need no person")
    next_look: datetime | None = Field(default=None, description="when something is due, such as the batch's hours")
    details: str = Field(default="", description="how it stands, in one line")
