"""`script.json`: a chapter as data that a person can read, edit and run again."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models.options import PageFormat, PageSizeName
from models.story import Direction, Line, Profile, Shot, check_lettered
from models.texts import Language, Words

# The IDs of all scenes of a chapter travel in one payload, which stays well below Temporal's size limit.
MAX_SCENES = 1_500


class ScriptModel(BaseModel):
    """Unknown fields are refused with their place in the file, so that no typo is lost silently."""

    model_config = ConfigDict(extra="forbid")


class ScriptPanel(ScriptModel):
    shot: Shot = Shot.MEDIUM
    description: Words = Field(min_length=1, max_length=4000)
    characters: list[Words] = Field(default_factory=list, max_length=50)
    dialogue: list[Line] = Field(default_factory=list, max_length=50)
    caption: Words = Field(default="", max_length=4000)
    prompt: Words = Field(default="", max_length=32000, description="empty: the writer writes it")
    negative: Words = Field(default="", max_length=32000, description="what the picture must not show")
    image: Words = Field(default="", description="path of the picture, relative to this file; written, not read")


class ScriptScene(ScriptModel):
    title: Words = ""
    summary: Words = ""
    place: Words = ""
    time: Words = ""
    weather: Words = ""
    mood: Words = ""
    outfits: dict[Words, Words] = Field(
        default_factory=dict,
        max_length=50,
        description="character → the outfit worn here, if not the usual clothes",
    )
    panels: list[ScriptPanel] = Field(min_length=1, max_length=500)


class Script(ScriptModel):
    """The whole chapter. `version` is the version of this format."""

    version: Literal[1] = 1
    title: Words = ""
    format: PageFormat = "page"
    page_size: PageSizeName = "us-comic"
    direction: Direction = "ltr"
    language: Language = ""
    characters: list[Profile] = Field(default_factory=list)
    scenes: list[ScriptScene] = Field(min_length=1, max_length=MAX_SCENES)


def checked_script(script: Script) -> Script:
    """The script, if all its panels can be lettered; raises `ValueError` with the place of one that cannot."""
    for scene_number, scene in enumerate(script.scenes, 1):
        for number, panel in enumerate(scene.panels, 1):
            try:
                check_lettered([panel.caption, *(line.text for line in panel.dialogue)])
            except ValueError as error:
                raise ValueError(f"scene {scene_number}, panel {number}: {error}") from None
    return script


# A script that comes in; rows and exports have a `Script`, whose panels may be older than the limit.
NewScript = Annotated[Script, AfterValidator(checked_script)]
