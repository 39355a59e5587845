"""Every table, so that importing this package fills the metadata that migrations compare against."""

from models.tables.accounts import AccessToken, IdempotentRequest, RefreshToken, Throttle, Ticket, User
from models.tables.batches import Batch, BatchEvent, BatchItem
from models.tables.directing import ChapterVersion, Redraw, Selection
from models.tables.ledger import Circuit, ProviderCall, TaskResult
from models.tables.projects import Invitation, Project, ProjectInstruction, ProjectMember
from models.tables.runs import (
    Delay,
    Event,
    FailedPart,
    Generation,
    GenerationStep,
    Hold,
    InstallationId,
    Removal,
    Round,
    Unheard,
)
from models.tables.story import Chapter, Character, Draft, Export, Image, Location, Page, Panel, Scene, Translation
from models.tables.together import Comment, PanelLock, Presence
from models.tables.uploads import Attachment
from models.tables.webhooks import Delivery, Webhook

__all__ = [
    "AccessToken",
    "Attachment",
    "Batch",
    "BatchEvent",
    "BatchItem",
    "Chapter",
    "ChapterVersion",
    "Character",
    "Circuit",
    "Comment",
    "Delay",
    "Delivery",
    "Draft",
    "Event",
    "Export",
    "FailedPart",
    "Generation",
    "GenerationStep",
    "Hold",
    "IdempotentRequest",
    "Image",
    "InstallationId",
    "Invitation",
    "Location",
    "Page",
    "Panel",
    "PanelLock",
    "Presence",
    "Project",
    "ProjectInstruction",
    "ProjectMember",
    "ProviderCall",
    "Redraw",
    "RefreshToken",
    "Removal",
    "Round",
    "Scene",
    "Selection",
    "TaskResult",
    "Throttle",
    "Ticket",
    "Translation",
    "Unheard",
    "User",
    "Webhook",
]
