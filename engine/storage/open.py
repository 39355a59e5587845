"""From settings to storage, for API, workers and the command line alike."""

from pathlib import Path

from engine.errors import BadInput
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.folder import FolderStorage


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name; raises `BadInput` for an address it does not know."""
    if settings.storage is None:
        return FolderStorage(settings.data / "pictures")
    if "://" in settings.storage:
        raise BadInput("INKLOOM_STORAGE must be a folder: other kinds of storage are not part of this version.")
    return FolderStorage(Path(settings.storage))
