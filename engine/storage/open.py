"""Opens the configured storage, for API, workers and command line alike."""

from pathlib import Path

from engine.errors import BadInput
from engine.settings import Settings
from engine.storage import Storage
from engine.storage.folder import FolderStorage
from engine.storage.moving import MovingStorage

S3 = "s3://"


def open_storage(settings: Settings) -> Storage:
    """The configured storage, to be closed by the caller; does not contact a server yet.

    Raises `BadInput` for an unknown address, `NotConfigured` for invalid S3 settings.
    """
    first = storage_at(place_of(settings), settings, "INKLOOM_STORAGE")
    if not settings.storage_also:
        return first
    return MovingStorage(first, storage_at(settings.storage_also, settings, "INKLOOM_STORAGE_ALSO"))


def place_of(settings: Settings) -> str:
    """Where pictures are written to: a folder, or s3://bucket/prefix."""
    return settings.storage or str(settings.data / "pictures")


def storage_at(address: str, settings: Settings, named: str) -> Storage:
    """The storage at an address, a folder or `s3://bucket/prefix`; errors call the address as it is `named`."""
    if address.startswith(S3):
        # Imported here, so that installations with a folder do not load boto3.
        from engine.storage.s3 import S3Storage

        bucket, _, prefix = address.removeprefix(S3).partition("/")
        try:
            return S3Storage(bucket, prefix.removesuffix("/"), region=settings.aws_region)
        except BadInput as error:
            raise BadInput(f"{named} must be a folder or s3://bucket/prefix. {error.message}") from None
    if "://" in address:
        raise BadInput(f"{named} must be a folder or s3://bucket/prefix.")
    return FolderStorage(folder_at(address))


def folder_at(address: str) -> Path:
    """The folder or file at an address; a leading `~` is a home folder. Raises `BadInput` for one of no account."""
    try:
        return Path(address).expanduser()
    except RuntimeError as error:
        raise BadInput(
            f"{address} begins with ~ and names no home folder of this machine. Give the whole path."
        ) from error


def same_place(one: str, other: str) -> bool:
    """Whether two addresses name the same place, however they are spelt."""
    if S3 in (one[: len(S3)], other[: len(S3)]):
        return one.rstrip("/") == other.rstrip("/")
    return folder_at(one).resolve() == folder_at(other).resolve()
