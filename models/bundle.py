"""A project as one file: everything that a person made or paid for, identified by content and position, without ids."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue, model_validator

from models.instructions import InstructionKind
from models.options import GenerationOptions
from models.script import Script
from models.story import MOST_STORED, Box, Frozen, Line, Profile, Shot, check_lettered
from models.tables.story import DraftOrigin, PanelState, SceneState
from models.tables.uploads import AttachmentRole
from models.texts import NamedLanguage, Words
from models.translation import TitleIn

MAX_ROWS = 20_000
SHA256 = r"^[0-9a-f]{64}$"


class Bundled(Frozen):
    """A part of a bundle. Texts hold no NUL, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)

    @model_validator(mode="before")
    @classmethod
    def no_nul(cls, value: Any) -> Any:
        """Refuse NUL in any text field: Postgres cannot store it. And very many fields: each would be an error."""
        if isinstance(value, dict) and len(value) > 2 * len(cls.model_fields) + 10:
            raise ValueError("there are more fields than this has")
        if isinstance(value, dict) and any(isinstance(text, str) and "\0" in text for text in value.values()):
            raise ValueError("texts hold no NUL characters")
        return value


class Picture(Bundled):
    """A picture; its bytes are in the same archive as `pictures/<sha256>.<suffix>`."""

    sha256: str = Field(pattern=SHA256)
    media_type: Literal["image/png", "image/jpeg", "image/webp"]
    origin: Literal["made", "uploaded"] = "made"
    name: str = Field(default="", max_length=200)
    boxes: list[Box] = Field(default_factory=list, fail_fast=True, max_length=1000)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class Attached(Bundled):
    picture: str = Field(pattern=SHA256)
    role: AttachmentRole


class Instruction(Bundled):
    kind: InstructionKind
    body: Words = Field(max_length=10_000)


# What a part was made from: digests by the name of the input.
Basis = dict[Annotated[Words, Field(max_length=400)], Annotated[Words, Field(max_length=64)]]


class BundledCharacter(Bundled):
    name: str = Field(min_length=1, max_length=200)
    aliases: list[str] = Field(default_factory=list, fail_fast=True, max_length=100)
    profile: Profile | None = None
    sheet: str | None = Field(default=None, pattern=SHA256)
    sheet_made_from: str | None = Field(default=None, max_length=64)
    failure: str = Field(default="", max_length=10_000)
    sheet_basis: Basis = Field(default_factory=dict, max_length=1000)
    manual_edits: list[Literal["profile"]] = Field(default_factory=list, max_length=1)
    attached: list[Attached] = Field(default_factory=list, fail_fast=True, max_length=1000)


class BundledLocation(Bundled):
    name: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=20_000)
    sheet: str | None = Field(default=None, pattern=SHA256)
    attached: list[Attached] = Field(default_factory=list, fail_fast=True, max_length=1000)


class Frame(Bundled):
    """The size in pixels of a panel's picture on its page, and the digest of the inputs that determined it."""

    width: int = Field(ge=16, le=8192)
    height: int = Field(ge=16, le=8192)
    decided_by: str = Field(max_length=64)


class BundledDraft(Bundled):
    ordinal: int = Field(ge=1, le=1_000_000)
    picture: str = Field(pattern=SHA256)
    provider: str = Field(max_length=64)
    model: str = Field(max_length=200)
    prompt: str = Field(max_length=100_000)
    seed: int = Field(ge=-(2**63), lt=2**63)
    made_from: str = Field(max_length=64)
    slot: int = Field(default=1, ge=1, le=1_000_000)
    origin: DraftOrigin = DraftOrigin.DRAWN
    parent: int | None = Field(default=None, description="the ordinal of the draft that it was made from")
    notes: str = Field(default="", max_length=100_000)
    scores: dict[str, float | Annotated[Words, Field(max_length=64)]] = Field(default_factory=dict, max_length=100)
    score: float | None = None
    basis: Basis = Field(default_factory=dict, max_length=1000)
    rejected_at: AwareDatetime | None = None


class BundledTranslation(Bundled):
    """A panel's words in another language."""

    language: NamedLanguage
    caption: str = Field(default="", max_length=100_000)
    lines: list[Line] = Field(default_factory=list, fail_fast=True, max_length=1000)
    made_from: str = Field(max_length=64)
    manual: bool = False

    @model_validator(mode="after")
    def can_be_lettered(self) -> "BundledTranslation":
        check_lettered([self.caption, *(line.text for line in self.lines)], MOST_STORED)
        return self


class BundledPanel(Bundled):
    """`selected` is the ordinal of the draft that is shown."""

    first: int = Field(ge=0, lt=2**31)
    last: int = Field(ge=0, lt=2**31)
    shot: Shot
    description: str = Field(max_length=100_000)
    characters: list[str] = Field(default_factory=list, fail_fast=True, max_length=1000)
    dialogue: list[Line] | None = Field(default=None, max_length=1000)
    caption: str = Field(default="", max_length=100_000)
    prompt: str | None = Field(default=None, max_length=100_000)
    negative: str = Field(default="", max_length=100_000)
    state: PanelState
    failure: str = Field(default="", max_length=10_000)
    notes: dict[Literal["words", "picture"], Words] = Field(default_factory=dict)
    manual_edits: list[Literal["description", "words", "prompt"]] = Field(default_factory=list, max_length=3)
    basis: dict[Literal["words", "prompt"], Basis] = Field(default_factory=dict)
    frame: Frame | None = None
    translations: list[BundledTranslation] = Field(default_factory=list, fail_fast=True, max_length=1000)
    selected: int | None = None
    drafts: list[BundledDraft] = Field(default_factory=list, fail_fast=True, max_length=1000)
    attached: list[Attached] = Field(default_factory=list, fail_fast=True, max_length=1000)

    @model_validator(mode="after")
    def whole(self) -> "BundledPanel":
        check_lettered([self.caption, *(line.text for line in self.dialogue or [])], MOST_STORED)
        ordinals = [draft.ordinal for draft in self.drafts]
        if any(draft.parent is not None and draft.parent not in ordinals for draft in self.drafts):
            raise ValueError("a draft is made from one of the panel's drafts")
        tries = {(draft.made_from, draft.slot) for draft in self.drafts}
        if self.last < self.first or len(set(ordinals)) != len(ordinals) or len(tries) != len(ordinals):
            raise ValueError("a panel's sentences and its drafts must be in order")
        languages = [one.language for one in self.translations]
        if len(set(languages)) != len(languages):
            raise ValueError("a panel's words are translated once into a language")
        if self.selected is not None and self.selected not in ordinals:
            raise ValueError("a panel shows one of its drafts")
        return self


class BundledTold(Bundled):
    """A chapter of an earlier book, as writers of later chapters know it."""

    title: Words = Field(default="", max_length=500)
    summary: Words = Field(default="", max_length=100_000)
    threads: list[Words] = Field(default_factory=list, fail_fast=True, max_length=100)


class BundledScene(Bundled):
    title: str = Field(default="", max_length=10_000)
    gist: str = Field(default="", max_length=100_000)
    first: int = Field(default=0, ge=0, lt=2**31)
    last: int = Field(default=0, ge=0, lt=2**31)
    sentences: list[str] = Field(default_factory=list, fail_fast=True, max_length=MAX_ROWS)
    max_panels: int | None = Field(default=None, ge=0, lt=2**31)
    summary: str = Field(default="", max_length=100_000)
    place: str = Field(default="", max_length=10_000)
    time: str = Field(default="", max_length=10_000)
    weather: str = Field(default="", max_length=10_000)
    mood: str = Field(default="", max_length=10_000)
    characters: list[str] = Field(default_factory=list, fail_fast=True, max_length=1000)
    outfits: dict[Words, Words] = Field(default_factory=dict, max_length=1000)
    state: SceneState
    failure: str = Field(default="", max_length=10_000)
    panels_key: str | None = Field(default=None, max_length=64)
    manual_edits: list[Literal["outline", "summary", "panels", "outfits"]] = Field(default_factory=list, max_length=4)
    basis: dict[Literal["summary", "panels"], Basis] = Field(default_factory=dict)
    panels: list[BundledPanel] = Field(default_factory=list, fail_fast=True, max_length=1000)

    @model_validator(mode="after")
    def whole(self) -> "BundledScene":
        if self.last < self.first:
            raise ValueError("a scene ends where it begins, or later")
        return self


class BundledChapter(Bundled):
    title: str = Field(default="", max_length=500)
    text: str = Field(default="", max_length=6_000_000)
    script: Script | None = None
    summary: str = Field(default="", max_length=100_000)
    threads: list[Words] = Field(default_factory=list, fail_fast=True, max_length=100)
    outline: dict[str, JsonValue] = Field(default_factory=dict, max_length=MAX_ROWS)
    outline_key: str | None = Field(default=None, max_length=64)
    external_id: str | None = Field(default=None, max_length=200)
    labels: dict[str, str] = Field(default_factory=dict, max_length=100)
    titles: dict[NamedLanguage, TitleIn] = Field(default_factory=dict, max_length=1000)
    scenes: list[BundledScene] = Field(default_factory=list, fail_fast=True, max_length=2000)


class BundledProject(Bundled):
    title: str = Field(min_length=1, max_length=500)
    description: str = Field(default="", max_length=10_000)
    style: str = Field(default="", max_length=2_000)
    options: dict[str, JsonValue] = Field(default_factory=dict)
    series: list[BundledTold] = Field(default_factory=list, fail_fast=True, max_length=2000)
    external_id: str | None = Field(default=None, max_length=200)
    labels: dict[str, str] = Field(default_factory=dict, max_length=100)

    @model_validator(mode="after")
    def known_options(self) -> "BundledProject":
        GenerationOptions.model_validate(self.options)
        return self


class Bundle(Bundled):
    """`project.json` of a project file."""

    format: Literal["inkloom-project"] = "inkloom-project"
    version: Literal[1] = 1
    project: BundledProject
    instructions: list[Instruction] = Field(default_factory=list, fail_fast=True, max_length=1000)
    characters: list[BundledCharacter] = Field(default_factory=list, fail_fast=True, max_length=5000)
    locations: list[BundledLocation] = Field(default_factory=list, fail_fast=True, max_length=5000)
    chapters: list[BundledChapter] = Field(default_factory=list, fail_fast=True, max_length=2000)
    pictures: list[Picture] = Field(default_factory=list, fail_fast=True, max_length=MAX_ROWS)

    def shown(self) -> set[str]:
        """The hashes of all pictures that anything in the bundle refers to."""
        panels = [panel for chapter in self.chapters for scene in chapter.scenes for panel in scene.panels]
        found = {draft.picture for panel in panels for draft in panel.drafts}
        found |= {character.sheet for character in self.characters if character.sheet is not None}
        found |= {location.sheet for location in self.locations if location.sheet is not None}
        holders: list[Any] = [*self.characters, *self.locations, *panels]
        return found | {attached.picture for holder in holders for attached in holder.attached}

    @model_validator(mode="after")
    def complete(self) -> "Bundle":
        known = [picture.sha256 for picture in self.pictures]
        if len(set(known)) != len(known) or not self.shown() <= set(known):
            raise ValueError("every picture that is shown is listed, and once")
        for cast in (self.characters, self.locations):
            names = [member.name.casefold() for member in cast]
            if len(set(names)) != len(names):
                raise ValueError("two characters, or two places, have the same name")
        if sum(len(scene.panels) for chapter in self.chapters for scene in chapter.scenes) > MAX_ROWS:
            raise ValueError(f"there are more than {MAX_ROWS} panels")
        return self
