"""What travels through Temporal: ids, options and small facts. Prompts, answers and pixels never do.

Fields are only ever added, with defaults: a running workflow must be able to read what an older version wrote.
"""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import ConfigDict, Field

from models.options import Choice, GenerationKind, GenerationOptions, GenerationStatus, HoldReason
from models.story import Frozen


class Run(Frozen):
    """The project and the generation that work is done for: carried by every workflow and activity."""

    # A field added by a newer version must not stop an older worker, nor a subclass's field an activity that takes only
    # this class.
    model_config = ConfigDict(extra="ignore")

    project_id: UUID
    generation_id: UUID
    options: GenerationOptions


class Heading(Frozen):
    """Titles as users wrote them, and the first targets in words ("scene 2, panel 3") by id, in reading order."""

    project: str = ""
    chapter: str = ""
    targets: dict[UUID, str] = Field(default_factory=dict)


class GenerationStart(Run):
    """A generation whose workflow is to be started, with what Temporal shows of it."""

    kind: GenerationKind
    chapter_id: UUID | None = None
    target_ids: list[UUID] = Field(default_factory=list)
    status: GenerationStatus = GenerationStatus.REQUESTED
    budget_usd: Decimal | None = None
    requested_by: UUID | None = None
    retry_of: UUID | None = None
    batch_id: UUID | None = None
    heading: Heading = Heading()


class ChapterRun(Run):
    chapter_id: UUID


class SceneRun(Run):
    scene_id: UUID
    # A generation of its own, or part of a chapter's.
    own: bool = False
    place: str = Field(default="", description="where it is in the chapter, in words: scene 2")


class RedrawRequest(Frozen):
    """What a redraw makes again: the words, the prompt, and how many drafts."""

    id: UUID
    panel_id: UUID
    words: bool = False
    prompt: bool = False
    drafts: int = 0
    place: str = Field(default="", description="where the panel is, in words: scene 2, panel 3")


class PanelRun(Run):
    panel_id: UUID
    redraw: RedrawRequest | None = None


class PanelsRun(Run):
    """Some panels of a chapter, or redraws of some: the first activity says which."""

    chapter_id: UUID


class PanelsOpened(Frozen):
    panel_ids: list[UUID] = Field(default_factory=list)
    places: list[str] = Field(default_factory=list, description="where each of them is, in words: scene 2, panel 3")
    redraws: list[RedrawRequest] = Field(default_factory=list)


class SheetRun(Run):
    character_id: UUID
    own: bool = False


class ExportRun(Run):
    chapter_id: UUID | None = Field(default=None, description="none: all chapters of the project, as their pages are")
    formats: list[str]
    own: bool = False


class TranslationRun(ChapterRun):
    """One language of a chapter: its words, its pages, and with `files` its exports."""

    language: str
    files: bool = True


class TaskCall(Run):
    """Run one LLM task for one target. `part` numbers the windows of a text that is read in several."""

    target_id: UUID
    part: int = 0
    language: str = Field(default="", description="what a translation is into")
    title: bool = Field(default=False, description="the chapter's title is translated along with it")
    softer: bool = Field(default=False, description="again, in milder words: what came of it was refused")
    by: Choice | None = Field(default=None, description="the writer, where it is not the generation's")
    gives_way: bool = Field(default=False, description="another writer is asked when this one is down")
    accepted: list[UUID] = Field(default_factory=list, description="lost calls that a person lets be made again")


class TaskDone(Frozen):
    cached: bool
    attempts: int = 0
    made: list[UUID] = Field(default_factory=list, description="rows that the workflow goes on with, in their order")
    places: list[str] = Field(default_factory=list, description="where each of them is, in words: scene 2, panel 3")


class ChapterBrief(Frozen):
    """What the chapter workflow must know before it starts."""

    windows: int = Field(description="in how many windows the text is read")
    has_script: bool


class Outlined(Frozen):
    scene_ids: list[UUID]
    character_ids: list[UUID]
    has_script: bool = False
    places: list[str] = Field(default_factory=list, description="where each scene is, in words: scene 2")


class DrawCall(Run):
    """Draw one draft of a panel, or with `ordinal` 0 the reference sheet of a character."""

    target_id: UUID
    ordinal: int = 1
    many: int = Field(default=1, description="of so many drafts it is the `ordinal`-th")
    redraw_id: UUID | None = Field(default=None, description="the redraw that it is for")
    choose: bool = Field(default=False, description="the only draft: show it at once")
    by: Choice | None = Field(default=None, description="the artist, where it is not the generation's")
    gives_way: bool = Field(default=False, description="another artist is asked when this one is down")
    accepted: list[UUID] = Field(default_factory=list, description="lost calls that a person lets be made again")


class DraftMade(Frozen):
    draft_id: UUID


class SelectCall(Run):
    """Show the best of these drafts of a panel, or with `wait` let a person choose."""

    target_id: UUID
    draft_ids: list[UUID]
    wait: bool = False
    redraw_id: UUID | None = None


class Failure(Run):
    """A panel or a scene that failed permanently, with a reason that a person can act on."""

    target_id: UUID
    reason: str
    kind: str = Field(default="", description="the class of the error")
    redraw_id: UUID | None = Field(default=None, description="the redraw that failed: the panel stays as it was")
    language: str = Field(default="", description="of a translation that failed: the scene itself is as it was")


class Holding(Run):
    """A part that waits for a person's decision. `needed_usd` is the amount that did not fit the budget."""

    target_id: UUID
    purpose: str
    reason: HoldReason
    message: str
    needed_usd: Decimal = Decimal(0)


class WebhookDelivery(Frozen):
    """One message to one webhook."""

    model_config = ConfigDict(extra="ignore")

    project_id: UUID
    delivery_id: UUID


class Reviewed(Frozen):
    """The state of a review, and what is to be redrawn meanwhile."""

    approved: bool
    redraws: list[RedrawRequest] = Field(default_factory=list)


class Decision(StrEnum):
    """What was decided about a part that waited for a person."""

    WAIT = "wait"
    AGAIN = "again"
    SKIP = "skip"


class Outcome(Frozen):
    """The result of a part: counts that add up over the parts."""

    panels: int = 0
    failed: int = 0


class SceneDue(Frozen):
    """A scene with words to translate: the numbers of its parts, and whether the chapter's title goes with it."""

    scene_id: UUID
    parts: list[int]
    title: bool = False


class TranslationPlanned(Frozen):
    scenes: list[SceneDue] = Field(default_factory=list)


class PagesCall(ChapterRun):
    """Plan the pages of a chapter, in the story's own words or in a language that it is translated into."""

    language: str = ""


class PagesPlanned(Frozen):
    pages: int
    due: list[int] = Field(default_factory=list, description="the numbers of those that are to be composed")
    exports: list[str] = Field(default_factory=list, description="the formats that a chapter's order builds")


class PageCall(ChapterRun):
    number: int
    language: str = ""


class ExportCall(Run):
    """Build a file of a chapter, or without one of the project. `anew` builds it with the generation's own options,
    not with those of the existing file.
    """

    chapter_id: UUID | None = None
    format: str
    language: str = ""
    anew: bool = False


class Ending(Run):
    """How a generation ended."""

    status: GenerationStatus
    kind: GenerationKind = GenerationKind.CHAPTER
    error: str = ""
    error_kind: str = Field(default="", description="the class of the error")
