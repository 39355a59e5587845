"""The LLM tasks, by name. Each lives in one file: input, output, instructions, check and limits."""

from typing import Any

from engine.tasks import dialogue, outline, panels, profile, prompt, summary, translate
from engine.tasks.task import Task, TaskInput

ALL: dict[str, Task[Any, Any]] = {
    "ChapterOutline": outline.TASK,
    "SceneSummary": summary.TASK,
    "CharacterProfile": profile.TASK,
    "PanelDescription": panels.TASK,
    "Dialogue": dialogue.TASK,
    "VisualPrompt": prompt.TASK,
    "Translate": translate.TASK,
}

__all__ = ["ALL", "Task", "TaskInput"]
