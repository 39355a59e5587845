"""The LLM tasks, by name. Each lives in one file: input, output, instructions, check and limits."""

from typing import Any

from engine.tasks import dialogue, outline, panels, profile, prompt, summary
from engine.tasks.task import Task, TaskInput

ALL: dict[str, Task[Any, Any]] = {
    "chapter_outline": outline.TASK,
    "scene_summary": summary.TASK,
    "character_profile": profile.TASK,
    "panel_description": panels.TASK,
    "dialogue": dialogue.TASK,
    "visual_prompt": prompt.TASK,
}

__all__ = ["ALL", "Task", "TaskInput"]
