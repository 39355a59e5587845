"""A panel as the API shows it, and as a request brings it."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.http.schemas import AN_ID, ANOTHER_ID
from engine.errors import BadInput
from engine.store import manual_edits
from models.numbers import Whole
from models.story import Line, LineKind, Shot, check_lettered
from models.tables import Panel, Scene
from models.tables.story import PanelState
from models.texts import Name, Words

Sentence = Annotated[Whole, Field(ge=0, lt=2**31, description="a sentence of the scene's text, counted from 0")]


Cast = Annotated[list[Name], Field(max_length=50, description="names of the characters on stage")]


Caption = Annotated[Words, Field(max_length=4_000)]


Prompt = Annotated[Words, Field(max_length=32_000)]


Description = Annotated[Words, Field(min_length=1, max_length=4_000, description="what the picture shows")]


class NewLine(BaseModel):
    """One balloon. If `speaker` is empty, the speaker is outside the picture."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}]},
    )

    speaker: Words = Field(default="", max_length=200)
    kind: LineKind = LineKind.SPEECH
    text: Words = Field(min_length=1, max_length=2_000)


Lines = Annotated[list[NewLine], Field(max_length=50, description="in reading order")]


class NewPanel(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "shot": "close-up",
                    "description": "Mara holds up two keys.",
                    "characters": ["Mara"],
                    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}],
                }
            ]
        },
    )

    shot: Shot = Shot.MEDIUM
    description: Description
    characters: Cast = []
    dialogue: Lines | None = Field(
        default=[], description="null: written by a generation, from the sentences `first` to `last`"
    )
    caption: Caption = ""
    prompt: Prompt | None = Field(default=None, description="null: written by a generation")
    negative: Prompt = Field(default="", description="what the picture must not show")
    first: Sentence = 0
    last: Sentence = 0

    @model_validator(mode="after")
    def in_order(self) -> "NewPanel":
        if self.last < self.first:
            raise ValueError("last must not come before first")
        check_lettered([self.caption, *(line.text for line in self.dialogue or [])])
        return self


PANEL_EXAMPLE: dict[str, Any] = {
    "id": AN_ID,
    "scene_id": ANOTHER_ID,
    "position": 0,
    "shot": "close-up",
    "description": "Mara holds up two keys.",
    "characters": ["Mara"],
    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Take the small one."}],
    "caption": "",
    "prompt": "Clear comic art. Close-up of Mara holding up two keys.",
    "negative": "",
    "first": 4,
    "last": 6,
    "state": "selected",
    "failure": "",
    "selected_draft_id": ANOTHER_ID,
    "notes": {"picture": "Closer."},
    "manual_edits": ["words"],
    "version": 1,
}


class PanelOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [PANEL_EXAMPLE]})

    id: UUID
    scene_id: UUID
    position: int
    shot: Shot
    description: str
    characters: list[str]
    dialogue: list[Line] | None = Field(description="null until written")
    caption: str
    prompt: str | None = Field(description="null until written")
    negative: str
    first: int = Field(description="the first sentence of the scene's text that the panel tells")
    last: int = Field(description="the last one")
    state: PanelState
    failure: str
    selected_draft_id: UUID | None
    notes: dict[str, str] = Field(description="the director's notes on its `words` and its `picture`")
    manual_edits: list[str] = Field(description="manual edits, which generations keep")
    version: int


def panel_of(scene: Scene, body: NewPanel, position: int = 0) -> Panel:
    """The row of a new panel. Raises `BadInput` if it points past the end of the scene's text."""
    if body.last and body.last >= len(scene.sentences):
        raise BadInput(f"The scene's text has {len(scene.sentences)} sentences, so there is no sentence {body.last}.")
    values = body.model_dump(mode="json", exclude={"position"})
    whole = body.dialogue is not None and body.prompt is not None
    state = PanelState.WRITTEN if whole else PanelState.DESCRIBED
    mine = [*manual_edits.parts_filled(Panel, values), *(["words"] if body.dialogue == [] else [])]
    return Panel(
        project_id=scene.project_id,
        scene_id=scene.id,
        position=position,
        state=state,
        manual_edits=list(dict.fromkeys(mine)),
        **values,
    )
