"""What a backup says about itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.backup.encryption import Damaged
from engine.digest import digest
from engine.errors import BadInput
from engine.storage.keys import MAX_KEY, checked

VERSION = 2
# A manifest has some 2 kB.
LONGEST = 1 << 20
DATABASE = "database.dump"
PICTURES = "pictures.jsonl.gz"
SECRET = "secret_key"  # noqa: S105  # the name of a file
# Names of backups: when they were begun, in UTC.
NAME = "%Y%m%dT%H%M%SZ"


# No number of a real backup comes near: larger ones would only break what counts or prints them.
Count = Annotated[int, Field(ge=0, lt=1 << 53, strict=True)]


class SavedFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: Count


class SavedPicture(SavedFile):
    """A picture or a built file, under its key in storage. `lost`: storage did not have it as its row says, so the
    backup does not have it.
    """

    key: str = Field(max_length=MAX_KEY)
    lost: bool = False

    @field_validator("key")
    @classmethod
    def is_a_key(cls, value: str) -> str:
        """A list that someone changed leads nowhere outside of storage."""
        try:
            return checked(value)
        except BadInput as error:
            raise ValueError(error.message) from error


class Manifest(BaseModel):
    """The content of a backup, and what it takes to restore it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["inkloom-backup"] = "inkloom-backup"
    version: int = VERSION
    name: str
    installation: UUID | None = Field(default=None, description="whose backup it is; none before version 2")
    revision: str = Field(description="migration that the database was at", pattern=r"^[\w.-]{1,64}$")
    postgres: int = Field(description="major version of the server", ge=1, le=999)
    files: dict[str, SavedFile]
    rows: dict[str, Count] = Field(description="how many there are of what people count")
    pictures: Count
    picture_bytes: Count
    lost: Count = Field(description="pictures that storage did not have as their rows say")

    @property
    def made_at(self) -> datetime:
        """When it was begun: it has all that was committed by then."""
        made = moment_of(self.name)
        if made is None:
            raise Damaged(f"{self.name!r} is not the name of a backup.")
        return made

    def write(self, path: Path) -> None:
        """With a hash of its own: a manifest that was changed is refused."""
        content: dict[str, Any] = self.model_dump(mode="json")
        path.write_text(json.dumps({"manifest": content, "sha256": digest(content)}, indent=1))

    @classmethod
    def read(cls, path: Path, name: str) -> "Manifest":
        """Raises `Damaged`, or `BadInput` for one of a later version of Inkloom."""
        try:
            with path.open("rb") as file:
                content = json.loads(file.read(LONGEST))
            found = content["manifest"]
            if found["version"] > VERSION:
                raise BadInput(
                    f"The backup {name} was made by a later version of Inkloom. Install that version, then restore it."
                )
            whole = digest(found) == content["sha256"]
            manifest = cls.model_validate(found)
        # One that is nested without end exceeds the parser's stack.
        except (ValueError, KeyError, TypeError, ValidationError, RecursionError) as error:
            raise Damaged(f"The manifest of the backup {name} is cut off or was changed.") from error
        if not whole or manifest.name != name:
            raise Damaged(f"The manifest of the backup {name} was changed.")
        return manifest


def moment_of(name: str) -> datetime | None:
    """When the backup of this name was begun; None if it is not the name of one."""
    try:
        return datetime.strptime(name, NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
