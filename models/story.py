"""The vocabulary of a comic as data: what writers produce and artists draw from.

Plain pydantic, passed between tasks, adapters and files, independent of the database.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.texts import Words


class Frozen(BaseModel):
    """A value: compared by content, immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Direction = Literal["ltr", "rtl"]


class Shot(StrEnum):
    """How the camera frames a panel."""

    ESTABLISHING = "establishing"
    WIDE = "wide"
    MEDIUM = "medium"
    CLOSE_UP = "close-up"
    INSERT = "insert"
    OVER_THE_SHOULDER = "over-the-shoulder"


class LineKind(StrEnum):
    """How a line is said, which decides the shape of its balloon.

    `radio` comes out of a device, `off` from a speaker outside the picture; `sfx` is a sound, set without a balloon.
    """

    SPEECH = "speech"
    THOUGHT = "thought"
    SHOUT = "shout"
    WHISPER = "whisper"
    RADIO = "radio"
    OFF = "off"
    SFX = "sfx"


class Line(Frozen):
    """One balloon: who says what, and how. If the speaker is empty, the speaker is outside the picture."""

    speaker: Words = ""
    kind: LineKind = LineKind.SPEECH
    text: Words


# The characters of a panel's caption and lines together. A page full of words has about two thousand.
MOST_LETTERED = 4_000
# The same of panels from before that limit, which rows and project files still have: a caption and 50 lines.
MOST_STORED = 104_000


def check_lettered(texts: Iterable[str], most: int = MOST_LETTERED) -> None:
    """Raise `ValueError` if a panel has more words than can be lettered: placing them would take minutes.

    Called where words come in, and not by the models that also read rows: those may be older than the limit.
    """
    count = sum(map(len, texts))
    if count > most:
        raise ValueError(
            f"the caption and the lines of a panel have {count:,} characters together; "
            f"at most {most:,} are allowed: spread them over several panels"
        )


class Outfit(Frozen):
    """What a character wears instead of the usual clothes, in the scenes that name it."""

    name: Words
    clothes: Words
    colours: list[Words] = Field(default_factory=list, description="colour words, the most telling first")
    worn: Words = Field(default="", description="when, in a few words: where the text says so, or for which occasion")


class Attributes(Frozen):
    """The fixed attributes of a character: the same in every panel."""

    name: Words
    aliases: list[Words] = Field(default_factory=list)
    role: Words = ""
    age: Words = ""
    build: Words = ""
    hair: Words = ""
    face: Words = ""
    clothes: Words = ""
    props: list[Words] = Field(default_factory=list)
    colours: list[Words] = Field(default_factory=list, description="colour words, the most telling first")

    def sentence(self, where: str = "") -> str:
        """The attributes as one line for a prompt: the name first, then the position in the picture."""
        parts = [self.age, self.build, self.hair, self.face, self.clothes, ", ".join(self.props)]
        looks = "; ".join(part for part in parts if part)
        named = f"{self.name}, {where}" if where else self.name
        return f"{named} ({looks})" if looks else named


class Profile(Attributes):
    """A character: the fixed attributes, with the usual clothes as `clothes`, and other outfits."""

    outfits: list[Outfit] = Field(default_factory=list, description="worn in the scenes that name them")


class PanelData(Frozen):
    """One panel as data, next to its prompt: what the offline artist draws and what the letterer sets."""

    shot: Shot = Shot.MEDIUM
    description: str
    characters: list[Attributes] = Field(
        default_factory=list, description="everybody on stage, in the clothes of the scene"
    )
    place: str = ""
    time: str = ""
    weather: str = ""
    mood: str = ""
    dialogue: list[Line] = Field(default_factory=list)
    caption: str = ""
    direction: Direction = Field(
        default="ltr", description="reading direction of the page: the first speaker stands first"
    )


class Box(Frozen):
    """A marked region of a picture, in fractions (0–1) of its width and height from the top left corner."""

    kind: str = Field(description="head, hand or figure")
    name: str = Field(default="", description="the character it belongs to")
    x: float
    y: float
    width: float
    height: float
