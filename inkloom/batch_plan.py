"""What a `batch` command means: what is said beside the stories, and the stories with their options."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.errors import BadInput
from inkloom.batch_folder import Manuscript
from models.batches import Hours
from models.options import GenerationOptions


@dataclass(frozen=True)
class Actions:
    """What the command line says beside the stories: about a batch that is open, or for the one that it requests."""

    status: bool = False
    pause: bool = False
    resume: bool = False
    cancel: bool = False
    retry: bool = False
    budget: Decimal | None = None
    priority: int | None = None
    at_a_time: int | None = None
    not_before: datetime | None = None
    only_between: Mapping[str, str] | None = None

    @property
    def named(self) -> list[str]:
        """Those that act and exit."""
        return [name for name in ("status", "pause", "resume", "cancel", "retry") if getattr(self, name)]

    @property
    def hours(self) -> Hours | None:
        """Raises `BadInput`."""
        if self.only_between is None:
            return None
        try:
            return Hours.model_validate(dict(self.only_between))
        except ValueError as error:
            raise BadInput('--only-between: write two different times, e.g. "22:00-06:00 Europe/Berlin".') from error


@dataclass(frozen=True)
class Chapter:
    """A manuscript with its options; without options it has failed already."""

    manuscript: Manuscript
    options: GenerationOptions | None
