"""A chapter as it was at one moment, and the differences between two such moments.

Versions are written once and read for years: a field that a newer format adds has a default, one that it drops is
ignored.
"""

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Kept(BaseModel):
    """A part of a version."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class KeptPicture(Kept):
    """The draft that a panel shows. The picture itself may be gone since; its hash says whether it is the same."""

    draft_id: UUID
    image_id: UUID
    sha256: str


class KeptPanel(Kept):
    id: UUID
    shot: str = ""
    description: str = ""
    characters: list[str] = []
    dialogue: list[dict[str, Any]] | None = Field(default=None, description="null: not written yet")
    caption: str = ""
    prompt: str | None = Field(default=None, description="null: not written yet")
    negative: str = ""
    picture: KeptPicture | None = None


class KeptScene(Kept):
    id: UUID
    title: str = ""
    summary: str = ""
    place: str = ""
    time: str = ""
    weather: str = ""
    mood: str = ""
    characters: list[str] = []
    outfits: dict[str, str] = {}
    panels: list[KeptPanel] = []


class KeptCharacter(Kept):
    """Somebody who appears in the chapter. `sheet` is the SHA-256 of the reference sheet's picture."""

    id: UUID
    name: str
    aliases: list[str] = []
    profile: dict[str, Any] | None = None
    sheet: str | None = None


class KeptChapter(Kept):
    """All of a chapter that can change. Of its text the SHA-256 is kept, not the text."""

    title: str = ""
    summary: str = ""
    threads: list[str] = []
    text_sha256: str = ""
    characters: list[KeptCharacter] = []
    scenes: list[KeptScene] = []


class Change(BaseModel):
    """One difference. Numbers count from 1 and say where it is afterwards; of what was removed, where it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["changed", "added", "removed", "moved"]
    what: Literal["chapter", "character", "scene", "panel"]
    scene: int | None = None
    panel: int | None = None
    scene_id: UUID | None = None
    panel_id: UUID | None = None
    name: str | None = Field(default=None, description="the character's")
    field: str | None = Field(default=None, description="which, of something that was changed")
    before: Any = None
    after: Any = None
