"""Opens the configured storage, for API, workers and command line alike."""

from pathlib import Path

from engine.errors import BadInput
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.folder import FolderStorage

S3 = "s3://"


def open_storage(settings: Settings) -> Storage:
    """The configured storage, to be closed by the caller; does not contact a server yet.

    Raises `BadInput` for an unknown address, `NotConfigured` for invalid S3 settings.
    """
    if settings.storage is None:
        return FolderStorage(settings.data / "pictures")
    if settings.storage.startswith(S3):
        # Imported here, so that installations with a folder do not load boto3.
        from engine.storage.s3 import S3Storage

        bucket, _, prefix = settings.storage.removeprefix(S3).partition("/")
        try:
            return S3Storage(bucket, prefix.removesuffix("/"), region=settings.aws_region)
        except BadInput as error:
            raise BadInput(f"INKLOOM_STORAGE must be a folder or s3://bucket/prefix. {error.message}") from None
    if "://" in settings.storage:
        raise BadInput("INKLOOM_STORAGE must be a folder or s3://bucket/prefix.")
    return FolderStorage(Path(settings.storage))
