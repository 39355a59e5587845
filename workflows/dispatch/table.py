"""Every activity and child workflow that workflows call: name, argument, result, queue and pace.

A workflow file cannot import an activity or another workflow, because that would load it into its own sandbox. It
calls them through these descriptors, which mypy checks; a worker refuses to start with an activity or workflow that
differs from its descriptor (`inkloom/described.py`), and a unit test compares all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any, Generic, TypeVar, get_args

from models.batches import BatchRun, BatchStep
from models.options import TaskName
from models.runs import (
    ChapterBrief,
    ChapterRun,
    Decision,
    DraftMade,
    DrawCall,
    Ending,
    ExportCall,
    Failure,
    Holding,
    Outlined,
    PageCall,
    PagesCall,
    PagesPlanned,
    PanelRun,
    PanelsOpened,
    PanelsRun,
    Reviewed,
    Run,
    SceneRun,
    SelectCall,
    SheetRun,
    TaskCall,
    TaskDone,
    TranslationPlanned,
    TranslationRun,
    WebhookDelivery,
)
from models.sweeps import Sweep, Swept
from workflows.dispatch.queues import (
    BACKING_UP,
    COMPOSING,
    DELIVERING,
    DRAWING,
    IO,
    PAGES,
    RECORDING,
    SWEEPING,
    SWEEPS,
    WEBHOOKS,
    WRITING,
    Pace,
    image_queue,
    llm_queue,
)

ArgumentT = TypeVar("ArgumentT", contravariant=True)
ResultT = TypeVar("ResultT", covariant=True)


@dataclass(frozen=True)
class Activity(Generic[ArgumentT, ResultT]):
    """An activity on one queue. `summary` is what the Temporal UI shows unless the caller names another."""

    name: str
    argument: type[Any]
    result: type[ResultT]
    queue: str
    pace: Pace
    summary: str = ""


@dataclass(frozen=True)
class PaidActivity(Generic[ArgumentT, ResultT]):
    """An activity that costs money: each provider has a queue for it."""

    name: str
    argument: type[Any]
    result: type[ResultT]
    queue_of: Callable[[str], str]
    pace: Pace


@dataclass(frozen=True)
class Child(Generic[ArgumentT]):
    """A child workflow. Children report an `Outcome`."""

    name: str
    argument: type[Any]


BEGIN_GENERATION: Activity[Run, None] = Activity(
    "begin_generation", Run, NoneType, IO, RECORDING, "requested → running"
)
FINISH_GENERATION: Activity[Ending, None] = Activity("finish_generation", Ending, NoneType, IO, RECORDING)
OPEN_CHAPTER: Activity[ChapterRun, ChapterBrief] = Activity(
    "open_chapter", ChapterRun, ChapterBrief, IO, RECORDING, "measure the text"
)
ADOPT_SCRIPT: Activity[ChapterRun, Outlined] = Activity(
    "adopt_script", ChapterRun, Outlined, IO, RECORDING, "take scenes and panels from the script"
)
STORE_OUTLINE: Activity[ChapterRun, Outlined] = Activity(
    "store_outline", ChapterRun, Outlined, IO, RECORDING, "store scenes and cast"
)
OPEN_PANELS: Activity[PanelsRun, PanelsOpened] = Activity(
    "open_panels", PanelsRun, PanelsOpened, IO, RECORDING, "find the panels"
)
SELECT_DRAFT: Activity[SelectCall, None] = Activity(
    "select_draft", SelectCall, NoneType, IO, RECORDING, "select a draft"
)
PLAN_TRANSLATION: Activity[TranslationRun, TranslationPlanned] = Activity(
    "plan_translation", TranslationRun, TranslationPlanned, IO, RECORDING
)
HOLD: Activity[Holding, bool] = Activity("hold", Holding, bool, IO, RECORDING)
READ_DECISION: Activity[Holding, Decision] = Activity(
    "read_decision", Holding, Decision, IO, RECORDING, "read the decision"
)
REVIEW: Activity[Holding, Reviewed] = Activity("review", Holding, Reviewed, IO, RECORDING)
FAIL_PANEL: Activity[Failure, None] = Activity(
    "fail_panel", Failure, NoneType, IO, RECORDING, "mark the panel as failed"
)
FAIL_SCENE: Activity[Failure, None] = Activity(
    "fail_scene", Failure, NoneType, IO, RECORDING, "mark the scene as failed"
)
FAIL_SHEET: Activity[Failure, None] = Activity(
    "fail_sheet", Failure, NoneType, IO, RECORDING, "mark the sheet as failed"
)
FAIL_TRANSLATION: Activity[Failure, None] = Activity(
    "fail_translation", Failure, NoneType, IO, RECORDING, "mark the translation as failed"
)
PLAN_PAGES: Activity[PagesCall, PagesPlanned] = Activity(
    "plan_pages", PagesCall, PagesPlanned, PAGES, COMPOSING, "lay out the pages"
)
COMPOSE_PAGE: Activity[PageCall, None] = Activity("compose_page", PageCall, NoneType, PAGES, COMPOSING)
BUILD_EXPORT: Activity[ExportCall, None] = Activity("build_export", ExportCall, NoneType, PAGES, COMPOSING)
DELIVER: Activity[WebhookDelivery, bool] = Activity(
    "deliver", WebhookDelivery, bool, WEBHOOKS, DELIVERING, "send the message"
)
GIVE_UP: Activity[WebhookDelivery, None] = Activity(
    "give_up", WebhookDelivery, NoneType, WEBHOOKS, RECORDING, "mark the message as undelivered"
)
ADVANCE_BATCH: Activity[BatchRun, BatchStep] = Activity(
    "advance_batch", BatchRun, BatchStep, IO, RECORDING, "take note of what has ended, claim the next items"
)
CANCEL_BATCH: Activity[BatchRun, None] = Activity("cancel_batch", BatchRun, NoneType, IO, RECORDING, "cancel the batch")
SWEEP: Activity[Sweep, Swept] = Activity("sweep", Sweep, Swept, SWEEPS, SWEEPING)
# The same activity, with the time that a backup takes.
SWEEP_FOR_BACKUPS: Activity[Sweep, Swept] = Activity("sweep", Sweep, Swept, SWEEPS, BACKING_UP)
ACTIVITIES: tuple[Activity[Any, Any], ...] = (
    BEGIN_GENERATION,
    FINISH_GENERATION,
    OPEN_CHAPTER,
    ADOPT_SCRIPT,
    STORE_OUTLINE,
    OPEN_PANELS,
    SELECT_DRAFT,
    PLAN_TRANSLATION,
    HOLD,
    READ_DECISION,
    REVIEW,
    FAIL_PANEL,
    FAIL_SCENE,
    FAIL_SHEET,
    FAIL_TRANSLATION,
    PLAN_PAGES,
    COMPOSE_PAGE,
    BUILD_EXPORT,
    DELIVER,
    GIVE_UP,
    ADVANCE_BATCH,
    CANCEL_BATCH,
    SWEEP,
)

TASKS: dict[TaskName, PaidActivity[TaskCall, TaskDone]] = {
    task: PaidActivity(task, TaskCall, TaskDone, llm_queue, WRITING) for task in get_args(TaskName)
}
DRAW_PANEL: PaidActivity[DrawCall, DraftMade] = PaidActivity("draw_panel", DrawCall, DraftMade, image_queue, DRAWING)
DRAW_SHEET: PaidActivity[DrawCall, None] = PaidActivity("draw_sheet", DrawCall, NoneType, image_queue, DRAWING)
PAID: tuple[PaidActivity[Any, Any], ...] = (*TASKS.values(), DRAW_PANEL, DRAW_SHEET)

SCENE: Child[SceneRun] = Child("SceneWorkflow", SceneRun)
PANEL: Child[PanelRun] = Child("PanelWorkflow", PanelRun)
SHEET: Child[SheetRun] = Child("CharacterSheetWorkflow", SheetRun)
TRANSLATION: Child[TranslationRun] = Child("TranslationWorkflow", TranslationRun)
CHILDREN: tuple[Child[Any], ...] = (SCENE, PANEL, SHEET, TRANSLATION)
