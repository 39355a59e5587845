"""What a backup says about itself."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.backup.encryption import Damaged
from engine.digest import digest
from engine.errors import BadInput

VERSION = 1
# A manifest has some 2 kB.
LONGEST = 1 << 20
DATABASE = "database.dump"
PICTURES = "pictures.jsonl.gz"
SECRET = "secret_key"  # noqa: S105  # the name of a file
# Names of backups: when they were begun, in UTC.
NAME = "%Y%m%dT%H%M%SZ"


class SavedFile(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class SavedPicture(SavedFile):
    """A picture or a built file, under its key in storage. `lost`: storage did not have it as its row says, so the
    backup does not have it.
    """

    key: str = Field(max_length=1024)
    lost: bool = False


class Manifest(BaseModel):
    """The content of a backup, and what it takes to restore it."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["inkloom-backup"] = "inkloom-backup"
    version: int = VERSION
    name: str
    revision: str = Field(description="migration that the database was at")
    postgres: int = Field(description="major version of the server")
    files: dict[str, SavedFile]
    rows: dict[str, int] = Field(description="how many there are of what people count")
    pictures: int
    picture_bytes: int
    lost: int = Field(description="pictures that storage did not have as their rows say")

    @property
    def made_at(self) -> datetime:
        """When it was begun: it has all that was committed by then."""
        made = moment_of(self.name)
        if made is None:
            raise Damaged(f"{self.name!r} is not the name of a backup.")
        return made

    def write(self, path: Path) -> None:
        """With a hash of its own: a manifest that was changed is refused."""
        path.write_text(json.dumps({"manifest": self.model_dump(mode="json"), "sha256": self._digest()}, indent=1))

    @classmethod
    def read(cls, path: Path, name: str) -> "Manifest":
        """Raises `Damaged`, or `BadInput` for one of a later version of Inkloom."""
        try:
            with path.open("rb") as file:
                content = json.loads(file.read(LONGEST))
            if content["manifest"]["version"] > VERSION:
                raise BadInput(
                    f"The backup {name} was made by a later version of Inkloom. Install that version, then restore it."
                )
            found = cls.model_validate(content["manifest"])
            whole = found._digest() == content["sha256"] and found.name == name
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise Damaged(f"The manifest of the backup {name} is cut off or was changed.") from error
        if not whole:
            raise Damaged(f"The manifest of the backup {name} was changed.")
        return found

    def _digest(self) -> str:
        return digest(self)


def moment_of(name: str) -> datetime | None:
    """When the backup of this name was begun; None if it is not the name of one."""
    try:
        return datetime.strptime(name, NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
