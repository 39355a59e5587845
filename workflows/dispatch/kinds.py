"""Which workflow makes a generation of each kind, and with which input."""

from typing import Any
from uuid import UUID

from models.options import GenerationKind
from models.runs import ChapterRun, ExportRun, GenerationStart, PanelsRun, Run, SceneRun, SheetRun


def workflow_of(start: GenerationStart) -> tuple[str, Run]:
    """The workflow's name and its input."""
    base: dict[str, Any] = {
        "project_id": start.project_id,
        "generation_id": start.generation_id,
        "options": start.options,
    }
    target: UUID | None = start.target_ids[0] if start.target_ids else start.chapter_id
    match start.kind:
        case GenerationKind.CHAPTER:
            return "ChapterWorkflow", ChapterRun(**base, chapter_id=start.chapter_id)
        case GenerationKind.SCENE:
            place = next(iter(start.heading.targets.values()), "")
            return "SceneWorkflow", SceneRun(**base, scene_id=target, own=True, place=place)
        case GenerationKind.PANEL:
            return "PanelsWorkflow", PanelsRun(**base, chapter_id=start.chapter_id)
        case GenerationKind.CHARACTER_SHEET:
            return "CharacterSheetWorkflow", SheetRun(**base, character_id=target, own=True)
        case GenerationKind.EXPORT:
            formats = start.options.export.wanted
            return "ExportWorkflow", ExportRun(**base, chapter_id=start.chapter_id, formats=formats, own=True)
