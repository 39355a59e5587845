"""The options of a generation: one model for the CLI, the API and the workflows."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from models.exports import ExportOptions
from models.numbers import Number, Whole
from models.story import Direction, Frozen
from models.texts import Language, NamedLanguage, Words


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


class HoldReason(StrEnum):
    """Why a part of a generation waits for a person."""

    BUDGET = "budget"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    PAUSED = "paused"
    REVIEW = "review"


class BudgetOf(StrEnum):
    """Whose budget a call did not fit."""

    GENERATION = "generation"
    PROJECT = "project"
    BATCH = "batch"


class DelayReason(StrEnum):
    """Why a part of a generation waits for something other than a person."""

    PROVIDER_DOWN = "provider_down"
    RATE_LIMITED = "rate_limited"
    ANSWER_LOST = "answer_lost"
    CALL_UNDER_WAY = "call_under_way"
    BUDGET_TIGHT = "budget_tight"
    DISK_FULL = "disk_full"
    STORAGE = "storage"
    DATABASE = "database"
    NO_WORKER = "no_worker"
    REPLAY = "replay"
    DEFECT = "defect"


# The status of a generation while a part of it waits.
HELD_STATUSES = {
    HoldReason.BUDGET: GenerationStatus.BUDGET_EXCEEDED,
    HoldReason.UNKNOWN: GenerationStatus.WAITING_UNKNOWN,
    HoldReason.REFUSED: GenerationStatus.WAITING_REVIEW,
    HoldReason.PAUSED: GenerationStatus.PAUSED,
    HoldReason.REVIEW: GenerationStatus.WAITING_REVIEW,
}

PageFormat = Literal["page", "webtoon"]
# The names that printers use; `engine/pages/formats.py` has their measures.
PageSizeName = Literal["us-comic", "manga-b5", "manga-b6", "a4", "square"]
Until = Literal["script", "pages"]
# What a person reviews before the generation continues: `all` is the outline, the sheets, the drafts and the pages.
Review = Literal["none", "outline", "drafts", "all"]
Stage = Literal["outline", "sheets", "drafts", "pages"]
# How many panels our layouts usually put on a page in the middle of a chapter, or in a slice of a strip.
_PANELS_A_PAGE: dict[PageSizeName, int] = {"us-comic": 5, "manga-b5": 5, "manga-b6": 3, "a4": 6, "square": 4}
_PANELS_A_SLICE = 2


TaskName = Literal[
    "ChapterOutline",
    "SceneSummary",
    "CharacterProfile",
    "PanelDescription",
    "Dialogue",
    "VisualPrompt",
    "Translate",
]


class Choice(Frozen):
    """A provider and one of its models; if the model is empty, its default."""

    provider: Words
    model: Words = Field(default="", max_length=200)


class RenderSettings(Frozen):
    """How an artist works. Empty fields follow the backend's own settings; fields that it does not know are ignored."""

    quality: Literal["", "low", "medium", "high", "xhigh", "max"] = Field(default="", description="OpenAI Images")
    steps: Annotated[int, Field(ge=1, le=150), Number] | None = Field(default=None, description="local API")
    guidance: float | None = Field(default=None, strict=True, ge=0, le=30, description="CFG scale of the local API")
    sampler: Words = Field(default="", max_length=100, description="local API")
    scheduler: Words = Field(default="", max_length=100, description="local API")
    hires_scale: float | None = Field(default=None, strict=True, gt=1, le=4, description="local API: draw small first")
    hires_upscaler: Words = Field(default="", max_length=100, description="local API")


class GenerationOptions(Frozen):
    """Everything that decides what a generation makes. Budgets and folders do not, so they are not part of it."""

    llm: Words = "offline"
    llm_model: Words = Field(default="", max_length=200)
    llm_tasks: dict[TaskName, Choice] = Field(
        default_factory=dict, description="another writer or model for single tasks"
    )
    llm_fallback: list[Choice] = Field(
        default_factory=list, max_length=4, description="writers to use when the first is down or its quota is used up"
    )
    images: Words = "offline"
    image_model: Words = Field(default="", max_length=200)
    image_fallback: list[Choice] = Field(
        default_factory=list, max_length=4, description="artists to use when the first is down or its quota is used up"
    )
    render: RenderSettings = Field(default_factory=RenderSettings)
    soften: bool = Field(
        default=False,
        strict=True,
        description="retry once in milder words what a provider refused, before asking the user",
    )
    drafts: Whole = Field(default=1, ge=1, le=8)
    review: Review = Field(default="none", description="stages that wait for a review before the generation continues")
    review_hours: Annotated[int, Field(ge=1, le=8760), Number] | None = Field(
        default=None, description="how long a review waits before `review_default` applies; null: forever"
    )
    review_default: Literal["approve", "cancel"] = "approve"
    remind_hours: Annotated[int, Field(ge=1, le=8760), Number] | None = Field(
        default=None, description="how often to repeat the event and webhook of a pending review"
    )
    max_panels: Annotated[int, Field(ge=1, le=5000), Number] | None = None
    pages: Annotated[int, Field(ge=1, le=1000), Number] | None = Field(
        default=None, description="about how many pages the chapter should have; the outline keeps to it"
    )
    until: Until = "pages"
    format: PageFormat = "page"
    page_size: PageSizeName = Field(default="us-comic", description="of `page`; a strip has one width")
    direction: Direction = "ltr"
    language: Language = Field(
        default="",
        description="of the story, as a BCP 47 tag: controls hyphenation and line breaks; empty: unknown",
    )
    translations: list[NamedLanguage] = Field(
        default_factory=list,
        max_length=20,
        description="additional languages to letter the chapter in, with the same pictures; name each once",
        json_schema_extra={"uniqueItems": True},
    )
    export: ExportOptions = Field(default_factory=ExportOptions, description="which files are built, and how")
    priority: Whole = Field(default=3, ge=1, le=5, description="1 interactive … 5 batch")

    @field_validator("translations")
    @classmethod
    def each_once(cls, languages: list[str]) -> list[str]:
        """Refuse a language that is named twice: `pt-BR` and `pt-br` are the same language."""
        if len({language.casefold() for language in languages}) < len(languages):
            raise ValueError("name each language once")
        return languages

    def writers(self, task: TaskName) -> list[Choice]:
        """The writers of a task: first the one chosen for it, then its fallbacks."""
        first = self.llm_tasks.get(task, Choice(provider=self.llm, model=self.llm_model))
        # The offline writer is a fallback for every task but Translate: it knows no language.
        fallbacks = [choice for choice in self.llm_fallback if task != "Translate" or choice.provider != "offline"]
        return [first, *fallbacks]

    @property
    def edition(self) -> str:
        """The language of the translation that files are built in; empty for the story's own words."""
        return "" if self.export.language == self.language else self.export.language

    def in_edition(self, language: str) -> "GenerationOptions":
        """These options for files in one of the languages: `export.title` is in the language that `export` names."""
        if language == self.edition:
            return self
        return self.model_copy(update={"export": self.export.model_copy(update={"language": language, "title": ""})})

    @property
    def words_language(self) -> str:
        """The language of the words in those files, where it is known."""
        return self.edition or self.language

    def reviews(self, stage: Stage) -> bool:
        """Whether a person reviews a stage before the generation continues."""
        return self.review in (stage, "all")

    @property
    def most_panels(self) -> int | None:
        """How many panels the outline may plan, from the limits on panels and on pages."""
        a_page = _PANELS_A_SLICE if self.format == "webtoon" else _PANELS_A_PAGE[self.page_size]
        by_pages = None if self.pages is None else self.pages * a_page
        named = [most for most in (self.max_panels, by_pages) if most is not None]
        return min(named, default=None)

    def artists(self) -> list[Choice]:
        """The artists: the chosen one first, then its fallbacks."""
        return [Choice(provider=self.images, model=self.image_model), *self.image_fallback]
