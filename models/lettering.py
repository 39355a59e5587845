"""Lettering as data: which text is set where on a panel, apart from the art under it.

All positions are pixels from the panel's top left corner on its page, so a page can be composed again with other
words, or without any, and a person can move a balloon without changing a picture.
"""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.numbers import Whole
from models.story import Frozen
from models.texts import Words

MOST = 20_000
Pixels = Annotated[float, Field(ge=-1, le=MOST)]


class Set(StrEnum):
    """How a text is set: the kinds of lines, and captions."""

    SPEECH = "speech"
    THOUGHT = "thought"
    SHOUT = "shout"
    WHISPER = "whisper"
    RADIO = "radio"
    OFF = "off"
    SFX = "sfx"
    CAPTION = "caption"


class Area(Frozen):
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


class Spot(Frozen):
    """A point in pixels."""

    x: float
    y: float


class Tail(Frozen):
    """From the body to just short of the speaker's mouth, or to the panel's edge if the speaker is outside the
    picture.
    """

    start: Spot
    tip: Spot
    bend: float = Field(default=1.0, description="how far the tail leans, and to which side; 0 is straight")


class Lettered(Frozen):
    """One balloon, caption or sound effect."""

    order: int = Field(description="place in the panel's reading order, from 0")
    line: int = Field(description="index of its line in the dialogue; -1 for the caption")
    kind: Set
    speaker: str = ""
    text: str = Field(description="the text as it was written")
    lines: list[str] = Field(description="the text broken into lines")
    language: str = Field(default="", description="of the text, as a BCP 47 tag: selects the forms of letters")
    size: int = Field(description="of the letters, in pixels")
    vertical: bool = Field(default=False, description="whether the lines are columns, the first one on the right")
    body: Area = Field(description="the whole body, with spikes and bumps")
    text_box: Area
    roundness: float = Field(description="exponent of the body's superellipse: 2 is an ellipse, more a box")
    from_right: bool = False
    tail: Tail | None = None
    joined: int | None = Field(default=None, description="the order of an earlier balloon that a neck leads to")
    manual: bool = Field(default=False, description="a person placed it")


class GivenArea(BaseModel):
    """A rectangle that a person draws, in pixels from the panel's corner."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"x": 120, "y": 40, "width": 320, "height": 150}]}
    )

    x: Pixels
    y: Pixels
    width: Annotated[float, Field(gt=0, le=MOST)]
    height: Annotated[float, Field(gt=0, le=MOST)]


class GivenSpot(BaseModel):
    """A point that a person sets, in pixels from the panel's corner."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"x": 350, "y": 420}]})

    x: Pixels
    y: Pixels


class Placed(Frozen):
    """The lettering of a panel with manual changes: from then on, nothing in it moves by itself."""

    texts: list[Lettered]
    width: int = Field(description="of the panel on its page when it was placed, in pixels")
    height: int
    made_from: dict[str, str] = Field(default_factory=dict, description="digests of what it rests on")


class BalloonChange(BaseModel):
    """A manual change of a balloon; fields that are not given stay as they are."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "panel_id": "01a20515-2b0e-7c55-9c1f-6f0e5a3d8b24",
                    "order": 0,
                    "body": {"x": 120, "y": 40, "width": 320, "height": 150},
                    "tail_tip": {"x": 350, "y": 420},
                }
            ]
        },
    )

    panel_id: UUID
    order: Whole = Field(ge=0, lt=500, description="the balloon's `order` in `lettering`")
    body: GivenArea | None = Field(default=None, description="where it is; its text must fit in it")
    tail_tip: GivenSpot | None = Field(default=None, description="null removes the tail")
    lines: list[Words] | None = Field(
        default=None, min_length=1, max_length=200, description="the same text with other line breaks"
    )


class PanelLettering(Frozen):
    """Everything that is set in one panel, in reading order, and the problems that would disturb a reader."""

    panel_id: str = ""
    texts: list[Lettered] = Field(default_factory=list)
    unplaced: list[str] = Field(default_factory=list, description="texts that do not fit at a readable size")
    problems: list[str] = Field(default_factory=list)
