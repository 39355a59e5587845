"""The comic itself: chapters, scenes, panels, drafts, pictures, characters and locations."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from models.exports import ExportFormat, ExportOptions
from models.layout import Layout
from models.story import Profile, Shot
from models.tables.columns import (
    ABSENT_JSON,
    PydanticJson,
    Row,
    StrEnumType,
    held,
    json_list,
    json_model,
    json_object,
    moment,
    one_of,
    ordered,
    scoped,
    within_project,
)


class SceneState(StrEnum):
    OUTLINED = "outlined"
    SUMMARISED = "summarised"
    DESCRIBED = "described"
    FAILED = "failed"


class PanelState(StrEnum):
    """How far a panel is. `written`: its words and its prompt are there; `drafted`: a person is to choose a draft."""

    DESCRIBED = "described"
    WRITTEN = "written"
    DRAFTED = "drafted"
    SELECTED = "selected"
    FAILED = "failed"


class DraftOrigin(StrEnum):
    """How a draft came to be: drawn from the prompt, again on request, from another draft, or brought along."""

    DRAWN = "drawn"
    REDRAWN = "redrawn"
    EDITED = "edited"
    UPLOADED = "uploaded"


# The exports of all chapters of a project.
WHOLE_PROJECT = text("chapter_id IS NULL")


class Chapter(Row, table=True):
    """A chapter: a manuscript, or a script, to be turned into pages."""

    __tablename__ = "chapters"
    __table_args__ = (
        scoped(),
        ordered("project_id"),
        Index("uq_chapters_identity", "project_id", "identity_key", unique=True),
        Index("ix_chapters_external_id", "project_id", "external_id", postgresql_where=text("external_id IS NOT NULL")),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    position: int
    title: str = Field(default="", max_length=500, sa_column_kwargs={"server_default": ""})
    source_text: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    script: dict[str, Any] | None = Field(
        default=None, sa_type=ABSENT_JSON, description="a hand-written or edited script that replaces the writer's"
    )
    summary: str = Field(default="", sa_column_kwargs={"server_default": ""})
    identity_key: str | None = Field(
        default=None, max_length=64, description="SHA-256 of story, title and options of a command line run"
    )
    external_id: str | None = Field(default=None, max_length=200, description="the caller's own name for it")
    labels: dict[str, str] = json_object("the caller's own facts: `metadata` in the API")
    outline: dict[str, Any] = json_object("what each window of the text was outlined as, by its number")
    outline_key: str | None = Field(default=None, max_length=64, description="SHA-256 of what the scenes came from")
    threads: list[str] = json_list("what the chapter leaves open for later ones")
    titles: dict[str, Any] = json_object("the title in other languages: `models.translation.TitleIn` by language")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Scene(Row, table=True):
    """A part of the chapter at one location and time: paragraphs `first` to `last`, inclusive."""

    __tablename__ = "scenes"
    __table_args__ = (
        scoped(),
        ordered("chapter_id"),
        within_project("chapter_id", "chapters"),
        one_of("state", SceneState),
        CheckConstraint("first >= 0 AND last >= first", name="span"),
    )

    project_id: UUID
    chapter_id: UUID
    position: int
    title: str = Field(default="", sa_column_kwargs={"server_default": ""})
    gist: str = Field(default="", sa_column_kwargs={"server_default": ""})
    first: int = 0
    last: int = 0
    sentences: list[str] = json_list("the scene's text; panels point into it")
    max_panels: int | None = Field(default=None, description="0: left out when the chapter was condensed")
    summary: str = Field(default="", sa_column_kwargs={"server_default": ""})
    place: str = Field(default="", sa_column_kwargs={"server_default": ""})
    time: str = Field(default="", sa_column_kwargs={"server_default": ""})
    weather: str = Field(default="", sa_column_kwargs={"server_default": ""})
    mood: str = Field(default="", sa_column_kwargs={"server_default": ""})
    characters: list[str] = json_list("names of who appears")
    state: SceneState = Field(default=SceneState.OUTLINED, sa_type=StrEnumType(SceneState, 16))
    failure: str = Field(default="", sa_column_kwargs={"server_default": ""})
    panels_key: str | None = Field(default=None, max_length=64, description="SHA-256 of what the panels came from")
    outfits: dict[str, str] = json_object("what people wear here, by name, where it is not what they always wear")
    manual_edits: list[str] = json_list("what people wrote themselves: `outline`, `summary`, `outfits`")
    basis: dict[str, Any] = json_object("what `summary` and `panels` were made from: digests by name of the input")
    untranslated: dict[str, str] = json_object("why its words could not be translated, by language")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Panel(Row, table=True):
    """One picture with its words: sentences `first` to `last` of the scene, inclusive."""

    __tablename__ = "panels"
    __table_args__ = (
        scoped(),
        ordered("scene_id"),
        within_project("scene_id", "scenes"),
        # A panel outlives the draft it shows: only this column is set to null, and the panel is drawn again.
        ForeignKeyConstraint(
            ["selected_draft_id"],
            ["drafts.id"],
            name="fk_panels_selected_draft_id",
            ondelete="SET NULL",
            use_alter=True,
        ),
        one_of("state", PanelState),
        one_of("shot", Shot),
        CheckConstraint("first >= 0 AND last >= first", name="span"),
        Index("ix_panels_selected_draft_id", "selected_draft_id"),
    )

    project_id: UUID
    scene_id: UUID
    position: int
    first: int = 0
    last: int = 0
    shot: Shot = Field(default=Shot.MEDIUM, sa_type=StrEnumType(Shot, 24))
    description: str = Field(default="", sa_column_kwargs={"server_default": ""})
    characters: list[str] = json_list("names of who is on stage")
    dialogue: list[dict[str, Any]] | None = Field(
        default=None, sa_type=ABSENT_JSON, description="lines in order; null until written"
    )
    caption: str = Field(default="", sa_column_kwargs={"server_default": ""})
    prompt: str | None = Field(default=None, description="null until written")
    negative: str = Field(default="", sa_column_kwargs={"server_default": ""})
    state: PanelState = Field(default=PanelState.DESCRIBED, sa_type=StrEnumType(PanelState, 16))
    failure: str = Field(default="", sa_column_kwargs={"server_default": ""})
    selected_draft_id: UUID | None = None
    notes: dict[str, str] = json_object("what a director asked for, about its `words` and its `picture`")
    manual_edits: list[str] = json_list("what people wrote themselves: `description`, `words`, `prompt`")
    basis: dict[str, Any] = json_object("what `words` and `prompt` were made from: digests by name of the input")
    frame: dict[str, Any] = json_object("the size in pixels that its place on the page has, and what decided it")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Translation(Row, table=True):
    """A panel's words in another language. The panel's own words stay unchanged."""

    __tablename__ = "translations"
    __table_args__ = (
        scoped(),
        UniqueConstraint("panel_id", "language"),
        within_project("panel_id", "panels"),
    )

    project_id: UUID
    panel_id: UUID
    language: str = Field(max_length=35)
    caption: str = Field(default="", sa_column_kwargs={"server_default": ""})
    lines: list[dict[str, Any]] = json_list("lines in order, as the panel has them, with their texts translated")
    made_from: str = Field(max_length=64, description="SHA-256 of the words that it translates")
    manual: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Image(Row, table=True):
    """A stored picture. The bytes are in storage under `key`; the row describes them."""

    __tablename__ = "images"
    __table_args__ = (
        scoped(),
        UniqueConstraint("project_id", "sha256"),
        CheckConstraint("width > 0 AND height > 0 AND bytes > 0", name="size"),
        one_of("origin", ("made", "uploaded")),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    sha256: str = Field(max_length=64)
    key: str = Field(max_length=1024)
    media_type: str = Field(max_length=64)
    width: int
    height: int
    bytes: int
    boxes: list[dict[str, Any]] = json_list("where heads, hands and figures are")
    parameters: dict[str, Any] = json_object("what made the picture")
    origin: str = Field(default="made", max_length=16, sa_column_kwargs={"server_default": "made"})
    name: str = Field(
        default="", max_length=200, sa_column_kwargs={"server_default": ""}, description="of the uploaded file"
    )


class Draft(Row, table=True):
    """One draft of a panel: one picture."""

    __tablename__ = "drafts"
    __table_args__ = (
        scoped(),
        UniqueConstraint("panel_id", "ordinal"),
        UniqueConstraint("panel_id", "made_from", "slot"),
        one_of("origin", DraftOrigin),
        ForeignKeyConstraint(["parent_id"], ["drafts.id"], name="fk_drafts_parent_id", ondelete="SET NULL"),
        Index("ix_drafts_parent_id", "parent_id"),
        within_project("panel_id", "panels"),
        held("image_id", "images"),
        Index("ix_drafts_image_id", "image_id"),
        Index("ix_drafts_call_id", "call_id"),
        CheckConstraint("ordinal >= 1", name="ordinal"),
    )

    project_id: UUID
    panel_id: UUID
    ordinal: int
    image_id: UUID
    call_id: UUID | None = Field(default=None, foreign_key="provider_calls.id", ondelete="SET NULL")
    provider: str = Field(max_length=64)
    model: str = Field(default="", max_length=200)
    prompt: str
    seed: int = Field(sa_type=BigInteger)
    made_from: str = Field(max_length=64, description="SHA-256 of everything the picture depends on")
    slot: int = Field(default=1, sa_column_kwargs={"server_default": "1"}, description="which try of the same request")
    origin: DraftOrigin = Field(
        default=DraftOrigin.DRAWN,
        sa_type=StrEnumType(DraftOrigin, 16),
        sa_column_kwargs={"server_default": DraftOrigin.DRAWN},
    )
    parent_id: UUID | None = Field(default=None, description="the draft that it was made from")
    generation_id: UUID | None = Field(default=None, description="the order it was drawn for, which may be gone")
    notes: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="what it was asked to change")
    scores: dict[str, Any] = json_object("what the scorers say, 0 (bad) to 1, by their names")
    score: float | None = Field(default=None, description="all of them in one number")
    basis: dict[str, Any] = json_object("what it was made from: digests by name of the input")
    rejected_at: datetime | None = moment("a person does not want it")


class Character(Row, table=True):
    """A character of the story, the same in every panel."""

    __tablename__ = "characters"
    __table_args__ = (
        scoped(),
        UniqueConstraint("project_id", "name_key"),
        within_project("sheet_image_id", "images", ondelete="SET NULL"),
        Index("ix_characters_sheet_image_id", "sheet_image_id"),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    name: str = Field(max_length=200)
    name_key: str = Field(max_length=400, description="the name, case folded")
    aliases: list[str] = json_list()
    profile: Profile | None = Field(default=None, sa_type=PydanticJson(Profile))
    sheet_image_id: UUID | None = None
    sheet_made_from: str | None = Field(default=None, max_length=64)
    failure: str = Field(default="", sa_column_kwargs={"server_default": ""}, description="why there is no sheet")
    sheet_basis: dict[str, Any] = json_object("what the sheet was made from: digests by name of the input")
    sheet_approved_at: datetime | None = moment("a person has looked at the sheet")
    manual_edits: list[str] = json_list("what people wrote themselves: `profile`")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Location(Row, table=True):
    """A location of the story."""

    __tablename__ = "locations"
    __table_args__ = (
        scoped(),
        UniqueConstraint("project_id", "name_key"),
        within_project("sheet_image_id", "images", ondelete="SET NULL"),
        Index("ix_locations_sheet_image_id", "sheet_image_id"),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    name: str = Field(max_length=200)
    name_key: str = Field(max_length=400, description="the name, case folded")
    description: str = Field(default="", sa_column_kwargs={"server_default": ""})
    sheet_image_id: UUID | None = Field(default=None, description="the picture that shows what the place looks like")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Page(Row, table=True):
    """A composed page of a chapter, or a slice of its strip."""

    __tablename__ = "pages"
    __table_args__ = (
        scoped(),
        UniqueConstraint("chapter_id", "language", "number"),
        within_project("chapter_id", "chapters"),
        held("image_id", "images"),
        Index("ix_pages_image_id", "image_id"),
        CheckConstraint("number >= 1", name="number"),
    )

    project_id: UUID
    chapter_id: UUID
    language: str = Field(
        default="", max_length=35, sa_column_kwargs={"server_default": ""}, description="empty: the story's own words"
    )
    number: int
    image_id: UUID | None = Field(default=None, description="null until composed")
    layout: Layout = json_model(Layout, "page size and cells in pixels, in reading order, and what people placed")
    lettering: list[dict[str, Any]] = json_list("what is set in each panel: `models.lettering.PanelLettering`")
    problems: list[str] = json_list("what lettering could not do well")
    made_from: str | None = Field(default=None, max_length=64, description="SHA-256 of layout, pictures and words")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class Export(Row, table=True):
    """An export: a built file of a chapter, or of the whole project, in storage under `key`."""

    __tablename__ = "exports"
    __table_args__ = (
        scoped(),
        UniqueConstraint("chapter_id", "language", "format"),
        within_project("chapter_id", "chapters"),
        one_of("format", ExportFormat),
        Index(
            "uq_exports_project_id_language_format",
            "project_id",
            "language",
            "format",
            unique=True,
            postgresql_where=WHOLE_PROJECT,
        ),
    )

    project_id: UUID = Field(foreign_key="projects.id", ondelete="CASCADE")
    chapter_id: UUID | None = Field(default=None, description="null: of all chapters")
    language: str = Field(
        default="", max_length=35, sa_column_kwargs={"server_default": ""}, description="empty: the story's own words"
    )
    format: ExportFormat = Field(sa_type=StrEnumType(ExportFormat, 16))
    key: str = Field(max_length=1024)
    sha256: str = Field(max_length=64)
    bytes: int = Field(sa_type=BigInteger)
    made_from: str = Field(max_length=64, description="SHA-256 of all that it was built from")
    options: ExportOptions = json_model(ExportOptions, "how it was requested: it is built again that way")
    built_at: datetime | None = moment()
