"""The types of events, past participles by noun. Clients build against these names."""

from enum import StrEnum


class EventType(StrEnum):
    GENERATION_REQUESTED = "generation.requested"
    GENERATION_STARTED = "generation.started"
    GENERATION_PROGRESSED = "generation.progressed"
    GENERATION_WAITING = "generation.waiting"
    GENERATION_RESUMED = "generation.resumed"
    GENERATION_COMPLETED = "generation.completed"
    GENERATION_FAILED = "generation.failed"
    GENERATION_CANCELLED = "generation.cancelled"
    CHAPTER_OUTLINED = "chapter.outlined"
    CHARACTER_PROFILED = "character.profiled"
    CHARACTER_DRAWN = "character.drawn"
    CHARACTER_FAILED = "character.failed"
    SCENE_WRITTEN = "scene.written"
    SCENE_FAILED = "scene.failed"
    PANEL_WRITTEN = "panel.written"
    PANEL_DRAFTED = "panel.drafted"
    PANEL_SELECTED = "panel.selected"
    PANEL_FAILED = "panel.failed"
    PAGE_COMPOSED = "page.composed"
    EXPORT_BUILT = "export.built"
