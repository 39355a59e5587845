"""Every table, so that importing this package fills the metadata that migrations compare against."""

from models.tables.ledger import ProviderCall, TaskResult
from models.tables.projects import Project, ProjectInstruction, ProjectMember, User
from models.tables.runs import Event, Generation, GenerationStep, Hold
from models.tables.story import Chapter, Character, Draft, Export, Image, Location, Page, Panel, Scene

__all__ = [
    "Chapter",
    "Character",
    "Draft",
    "Event",
    "Export",
    "Generation",
    "GenerationStep",
    "Hold",
    "Image",
    "Location",
    "Page",
    "Panel",
    "Project",
    "ProjectInstruction",
    "ProjectMember",
    "ProviderCall",
    "Scene",
    "TaskResult",
    "User",
]
