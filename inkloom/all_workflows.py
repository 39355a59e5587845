"""The workflows that there are, and how Temporal is asked for them and for nothing of other applications."""

from collections.abc import Sequence

from workflows.batch import BatchWorkflow
from workflows.chapter import ChapterWorkflow
from workflows.character_sheet import CharacterSheetWorkflow
from workflows.dispatch.queues import WORKFLOWS
from workflows.export import ExportWorkflow
from workflows.panel import PanelWorkflow
from workflows.panels import PanelsWorkflow
from workflows.scene import SceneWorkflow
from workflows.sweep import SweepWorkflow
from workflows.translation import TranslationWorkflow
from workflows.webhook import WebhookWorkflow

ALL_WORKFLOWS = [
    BatchWorkflow,
    ChapterWorkflow,
    SceneWorkflow,
    PanelWorkflow,
    PanelsWorkflow,
    CharacterSheetWorkflow,
    TranslationWorkflow,
    ExportWorkflow,
    WebhookWorkflow,
    SweepWorkflow,
]

# What their IDs begin with (models/ids.py, inkloom/schedules.py).
_IDS = ("generation-", "batch-", "webhook-", "sweep-")


def query_of(kinds: Sequence[type] = ALL_WORKFLOWS) -> str:
    """A visibility query for our workflows of these kinds. Other applications may use the namespace, too, and have
    types or queues of the same names: so type, queue and ID all have to be ours.
    """
    types = ", ".join(f"'{kind.__name__}'" for kind in kinds)
    ids = " OR ".join(f"WorkflowId STARTS_WITH '{one}'" for one in _IDS)
    return f"WorkflowType IN ({types}) AND TaskQueue = '{WORKFLOWS}' AND ({ids})"
