"""Every LLM task with what it reads and writes, by name."""

from engine.steps import characters, outline, panels, scenes, translating
from engine.steps.step import CONTEXT_TOKENS, Loaded, Made, Step

STEPS: dict[str, Step] = {
    "ChapterOutline": outline.STEP,
    "SceneSummary": scenes.SUMMARY,
    "CharacterProfile": characters.STEP,
    "PanelDescription": scenes.PANELS,
    "Dialogue": panels.DIALOGUE,
    "VisualPrompt": panels.PROMPT,
    "Translate": translating.STEP,
}

__all__ = ["CONTEXT_TOKENS", "STEPS", "Loaded", "Made", "Step"]
