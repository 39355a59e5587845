"""A chapter's words in another language, as one file that a translator fills in, and its translated title."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.story import Frozen, LineKind
from models.texts import NamedLanguage, Words


class TitleIn(Frozen):
    """A chapter's title in another language."""

    text: Words
    made_from: Words = Field(max_length=64, description="SHA-256 of the title that it translates")
    manual: bool = False


class FilePart(BaseModel):
    """Unknown fields are refused, so that no typo is lost silently."""

    model_config = ConfigDict(extra="forbid")


class TranslatedText(FilePart):
    """`source` is the original text; an empty `text` is not translated yet."""

    source: Words = Field(default="", max_length=100_000)
    text: Words = Field(default="", max_length=4_000)


class TranslatedLine(TranslatedText):
    speaker: Words = Field(default="", max_length=10_000)
    kind: LineKind = LineKind.SPEECH


class TranslatedPanel(FilePart):
    """A panel's words in both languages. It is found by its ID, or by its scene and panel if the file has none."""

    panel_id: UUID | None = None
    scene: int = Field(ge=1, lt=2**31, description="counted from 1")
    panel: int = Field(ge=1, lt=2**31, description="in its scene, counted from 1")
    caption: TranslatedText = Field(default_factory=TranslatedText)
    lines: list[TranslatedLine] = Field(default_factory=list, max_length=1000)


class TranslationFile(FilePart):
    """The words of a whole chapter, panel by panel in reading order."""

    language: NamedLanguage
    title: TranslatedText = Field(default_factory=TranslatedText)
    panels: list[TranslatedPanel] = Field(default_factory=list, max_length=20_000)
