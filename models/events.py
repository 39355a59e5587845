"""The types of events: a noun and a past participle. Clients rely on these names."""

from enum import StrEnum


class EventType(StrEnum):
    GENERATION_REQUESTED = "generation.requested"
    GENERATION_STARTED = "generation.started"
    GENERATION_PROGRESSED = "generation.progressed"
    GENERATION_PAUSED = "generation.paused"
    GENERATION_WAITING = "generation.waiting"
    GENERATION_RESUMED = "generation.resumed"
    GENERATION_DELAYED = "generation.delayed"
    GENERATION_COMPLETED = "generation.completed"
    GENERATION_FAILED = "generation.failed"
    GENERATION_CANCELLING = "generation.cancelling"
    GENERATION_CANCELLED = "generation.cancelled"
    PROJECT_CHANGED = "project.changed"
    CHAPTER_CREATED = "chapter.created"
    CHAPTER_CHANGED = "chapter.changed"
    CHAPTER_DELETED = "chapter.deleted"
    CHAPTER_REORDERED = "chapter.reordered"
    CHAPTER_OUTLINED = "chapter.outlined"
    CHAPTER_APPROVED = "chapter.approved"
    VERSION_CREATED = "version.created"
    CHARACTER_CREATED = "character.created"
    CHARACTER_CHANGED = "character.changed"
    CHARACTER_DELETED = "character.deleted"
    CHARACTER_PROFILED = "character.profiled"
    CHARACTER_DRAWN = "character.drawn"
    CHARACTER_FAILED = "character.failed"
    LOCATION_CREATED = "location.created"
    LOCATION_CHANGED = "location.changed"
    LOCATION_DELETED = "location.deleted"
    INSTRUCTION_CREATED = "instruction.created"
    INSTRUCTION_CHANGED = "instruction.changed"
    INSTRUCTION_DELETED = "instruction.deleted"
    INSTRUCTION_REORDERED = "instruction.reordered"
    SCENE_CREATED = "scene.created"
    SCENE_CHANGED = "scene.changed"
    SCENE_DELETED = "scene.deleted"
    SCENE_REORDERED = "scene.reordered"
    SCENE_WRITTEN = "scene.written"
    SCENE_FAILED = "scene.failed"
    SCENE_TRANSLATED = "scene.translated"
    PANEL_CREATED = "panel.created"
    PANEL_CHANGED = "panel.changed"
    PANEL_DELETED = "panel.deleted"
    PANEL_REORDERED = "panel.reordered"
    PANEL_LOCKED = "panel.locked"
    PANEL_UNLOCKED = "panel.unlocked"
    PANEL_WRITTEN = "panel.written"
    PANEL_DRAFTED = "panel.drafted"
    PANEL_SELECTED = "panel.selected"
    PANEL_FAILED = "panel.failed"
    TRANSLATION_CHANGED = "translation.changed"
    TRANSLATION_DELETED = "translation.deleted"
    TRANSLATION_IMPORTED = "translation.imported"
    TRANSLATION_FAILED = "translation.failed"
    DRAFT_ADDED = "draft.added"
    DRAFT_REJECTED = "draft.rejected"
    DRAFT_DELETED = "draft.deleted"
    PANEL_REDRAWN = "panel.redrawn"
    IMAGE_UPLOADED = "image.uploaded"
    IMAGE_DELETED = "image.deleted"
    COMMENT_ADDED = "comment.added"
    COMMENT_CHANGED = "comment.changed"
    COMMENT_DELETED = "comment.deleted"
    MEMBER_INVITED = "member.invited"
    MEMBER_JOINED = "member.joined"
    MEMBER_CHANGED = "member.changed"
    MEMBER_LEFT = "member.left"
    PRESENCE_CHANGED = "presence.changed"
    PAGE_COMPOSED = "page.composed"
    PAGE_CHANGED = "page.changed"
    EXPORT_BUILT = "export.built"
    BATCH_REQUESTED = "batch.requested"
    BATCH_STARTED = "batch.started"
    BATCH_PROGRESSED = "batch.progressed"
    BATCH_PAUSED = "batch.paused"
    BATCH_RESUMED = "batch.resumed"
    BATCH_CHANGED = "batch.changed"
    BATCH_CANCELLING = "batch.cancelling"
    BATCH_COMPLETED = "batch.completed"
    BATCH_CANCELLED = "batch.cancelled"
    ITEM_COMPLETED = "item.completed"
    ITEM_FAILED = "item.failed"
    ITEM_HELD = "item.held"


# The events that integrators wait for are sent to webhooks; the others are too frequent, and a WebSocket suits them.
WEBHOOK_EVENTS = frozenset(
    {
        EventType.GENERATION_STARTED,
        EventType.GENERATION_PAUSED,
        EventType.GENERATION_WAITING,
        EventType.GENERATION_RESUMED,
        EventType.GENERATION_DELAYED,
        EventType.GENERATION_COMPLETED,
        EventType.GENERATION_FAILED,
        EventType.GENERATION_CANCELLED,
        EventType.CHAPTER_OUTLINED,
        EventType.SCENE_FAILED,
        EventType.PANEL_FAILED,
        EventType.TRANSLATION_FAILED,
        EventType.EXPORT_BUILT,
        EventType.BATCH_STARTED,
        EventType.BATCH_PAUSED,
        EventType.BATCH_COMPLETED,
        EventType.BATCH_CANCELLED,
        EventType.ITEM_COMPLETED,
        EventType.ITEM_FAILED,
        EventType.ITEM_HELD,
        EventType.COMMENT_ADDED,
        EventType.MEMBER_JOINED,
    }
)
