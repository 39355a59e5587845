"""Sweeps: what travels between a sweep's workflow, its activity and the operators who look at it."""

from datetime import timedelta
from enum import StrEnum

from pydantic import ConfigDict, Field

from models.story import Frozen


class SweepKind(StrEnum):
    """What a sweep looks for."""

    GENERATIONS = "generations"
    DELIVERIES = "deliveries"
    REMOVALS = "removals"
    OBJECTS = "objects"
    EXPIRED = "expired"
    EVENTS = "events"
    BACKUPS = "backups"
    HISTORIES = "histories"
    # New ones come last: a kind's place is its lock, which workers of other versions take too.
    DRAFTS = "drafts"


# How often each is scheduled, and what it does, in words.
SWEEPS: dict[SweepKind, tuple[timedelta, str]] = {
    SweepKind.GENERATIONS: (
        timedelta(minutes=5),
        "start what was requested, start lost workflows again, repeat lost decisions, end overdue reviews",
    ),
    SweepKind.DELIVERIES: (timedelta(minutes=5), "start the workflows of messages to webhooks"),
    SweepKind.REMOVALS: (timedelta(minutes=5), "delete pictures, files and histories of what was deleted"),
    SweepKind.OBJECTS: (timedelta(days=1), "delete pictures and files in storage that no row refers to"),
    SweepKind.EXPIRED: (timedelta(hours=1), "delete expired logins, tokens, keys, messages and old sweeps"),
    SweepKind.EVENTS: (timedelta(days=1), "delete events older than INKLOOM_EVENT_DAYS"),
    SweepKind.BACKUPS: (timedelta(hours=1), "make a backup if one is due, and delete old ones"),
    SweepKind.HISTORIES: (
        timedelta(days=1),
        "delete the histories of workflows that ended longer than INKLOOM_HISTORY_DAYS ago",
    ),
    SweepKind.DRAFTS: (timedelta(days=1), "delete drafts older than INKLOOM_DRAFT_DAYS that no panel has shown"),
}
# Those that delete what is only kept for a time, and what nothing refers to.
PRUNING = (SweepKind.EVENTS, SweepKind.HISTORIES, SweepKind.DRAFTS, SweepKind.OBJECTS, SweepKind.EXPIRED)


class Sweep(Frozen):
    """One round of one kind; with `dry_run`, it only counts."""

    model_config = ConfigDict(extra="ignore")

    kind: SweepKind
    dry_run: bool = False


class Swept(Frozen):
    """What a round found, by what it is, and how much of it was put right."""

    model_config = ConfigDict(extra="ignore")

    kind: SweepKind
    dry_run: bool = False
    found: dict[str, int] = Field(default_factory=dict)
    handled: int = 0
    failed: int = 0

    @property
    def in_words(self) -> str:
        """In one line, for people."""
        found = ", ".join(f"{what.replace('_', ' ')}: {count}" for what, count in self.found.items() if count)
        done = "nothing was changed" if self.dry_run else f"{self.handled} put right, {self.failed} failed"
        return f"{self.kind}: {found}; {done}" if found else f"{self.kind}: nothing found"
