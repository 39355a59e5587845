"""Search attributes, typed; and how parts of a generation are recognised by those of the whole."""

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from models import search_attributes as names
from models.runs import PanelRun, Run, SceneRun

PROJECT_ID = SearchAttributeKey.for_keyword(names.PROJECT_ID)
CHAPTER_ID = SearchAttributeKey.for_keyword(names.CHAPTER_ID)
BATCH_ID = SearchAttributeKey.for_keyword(names.BATCH_ID)
STATUS = SearchAttributeKey.for_keyword(names.STATUS)
KIND = SearchAttributeKey.for_keyword(names.KIND)
PROJECT_TITLE = SearchAttributeKey.for_keyword(names.PROJECT_TITLE)
CHAPTER_TITLE = SearchAttributeKey.for_keyword(names.CHAPTER_TITLE)

# What a part has in common with its generation. The status is the generation's alone.
_SHARED = (PROJECT_ID, CHAPTER_ID, BATCH_ID, KIND, PROJECT_TITLE, CHAPTER_TITLE)


def of_parent() -> TypedSearchAttributes:
    """The attributes that a child of the current workflow gets, so that a search by title or project finds it, too."""
    own = workflow.info().typed_search_attributes
    found = [(key, own.get(key)) for key in _SHARED]
    return TypedSearchAttributes([SearchAttributePair(key, value) for key, value in found if value is not None])


def headline(part: str) -> str:
    """The summary of a child of the current workflow: which part it is, and of what."""
    own = workflow.info().typed_search_attributes
    whole = " / ".join(title for key in (PROJECT_TITLE, CHAPTER_TITLE) if (title := own.get(key)))
    return f"{part}: {whole}" if whole else part


def details(run: Run) -> str:
    """What the UI shows of a part besides: the generation that it belongs to, and where the API shows it."""
    lines = [f"- part of generation `{run.generation_id}`"]
    match run:
        case SceneRun():
            lines.append(f"- look at it: `/api/v1/scenes/{run.scene_id}`")
        case PanelRun():
            lines.append(f"- look at it: `/api/v1/panels/{run.panel_id}`")
            if run.redraw is not None:
                lines.append(f"- redraw `{run.redraw.id}`, drafts: {run.redraw.drafts}")
    return "\n".join(lines)
