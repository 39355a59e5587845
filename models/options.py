"""What a caller may ask of a generation: one model for the CLI, the API and the workflows."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from models.story import Direction, Frozen


class GenerationKind(StrEnum):
    CHAPTER = "chapter"
    SCENE = "scene"
    PANEL = "panel"
    CHARACTER_SHEET = "character_sheet"
    EXPORT = "export"


class GenerationStatus(StrEnum):
    """Where a generation stands. The last four are final."""

    REQUESTED = "requested"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING_REVIEW = "waiting_review"
    WAITING_UNKNOWN = "waiting_unknown"
    BUDGET_EXCEEDED = "budget_exceeded"
    COMPLETED = "completed"
    COMPLETED_WITH_FAILURES = "completed_with_failures"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL_STATUSES = frozenset(
    {
        GenerationStatus.COMPLETED,
        GenerationStatus.COMPLETED_WITH_FAILURES,
        GenerationStatus.FAILED,
        GenerationStatus.CANCELLED,
    }
)

PageFormat = Literal["page", "webtoon"]
Until = Literal["script", "pages"]


class GenerationOptions(Frozen):
    """Everything that decides what a generation makes. Budgets and folders do not: they belong to no identity."""

    llm: str = "offline"
    llm_model: str = ""
    images: str = "offline"
    image_model: str = ""
    drafts: int = Field(default=1, ge=1, le=8)
    max_panels: int | None = Field(default=None, ge=1, le=5000)
    until: Until = "pages"
    format: PageFormat = "page"
    direction: Direction = "ltr"
    priority: int = Field(default=3, ge=1, le=5, description="1 interactive … 5 batch")
