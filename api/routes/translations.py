"""A chapter's words in other languages: panel by panel, or all of them in one file for a translator."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Part, part_of
from api.http.schemas import AN_ID, CONFLICT, NOT_FOUND
from engine.errors import BadInput
from engine.store import editing, locks, rows, translations, translator
from engine.store.scope import Scope
from engine.store.translations import Worded
from models.numbers import Whole
from models.story import LineKind, check_lettered
from models.tables import Chapter, Panel, Scene
from models.texts import NamedLanguage, Words
from models.translation import TranslationFile

router = APIRouter(tags=["translations"])

# The same pattern as everywhere: a path without a valid language does not exist.
Into = Annotated[NamedLanguage, Path(description="the language, as a BCP 47 tag")]

_LINE: dict[str, Any] = {
    "speaker": "Mara",
    "kind": "speech",
    "source": "Take the small one.",
    "text": "Nimm den kleinen.",
}
_PANEL: dict[str, Any] = {
    "panel_id": AN_ID,
    "scene": 1,
    "panel": 2,
    "caption": {"source": "Late.", "text": "Spät."},
    "lines": [_LINE],
}
_OUT: dict[str, Any] = {**_PANEL, "language": "de", "state": "made", "manual": True, "version": 1}


class TextOut(BaseModel):
    """A text of the story and its translation, which is empty until there is one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"source": "Late.", "text": "Spät."}]})

    source: str
    text: str


class LineOut(TextOut):
    model_config = ConfigDict(json_schema_extra={"examples": [_LINE]})

    speaker: str
    kind: LineKind


class TranslationOut(BaseModel):
    """A panel's words in another language."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OUT]})

    panel_id: UUID
    language: str
    scene: int = Field(description="counted from 1")
    panel: int = Field(description="the panel in its scene, counted from 1")
    caption: TextOut
    lines: list[LineOut]
    state: translations.Standing = Field(
        description=(
            "missing; made: of the current words; stale: of previous words; protected: stale, but a manual edit"
        )
    )
    manual: bool = Field(description="whether it is a manual edit, which generations keep")
    version: int = Field(description="0 while there is none")


class TranslationsOut(BaseModel):
    """The panels of a chapter that have words, in reading order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [_OUT],
                    "next_cursor": "100",
                    "title": {"source": "Two Keys", "text": "Zwei Schlüssel"},
                    "title_state": "made",
                    "counts": {"made": 12, "missing": 3},
                }
            ]
        }
    )

    items: list[TranslationOut]
    next_cursor: str | None
    title: TextOut
    title_state: translations.Standing
    counts: dict[translations.Standing, int] = Field(description="of all panels, by their state")


class TranslationChange(BaseModel):
    """A panel's words, translated one to one. `version` is the version of the translation that you read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"version": 0, "caption": "Spät.", "lines": ["Nimm den kleinen."]}]},
    )

    version: Whole = Field(ge=0, lt=2**31)
    caption: Words = Field(default="", max_length=4_000)
    lines: list[Annotated[Words, Field(max_length=2_000)]] = Field(default_factory=list, max_length=1000)

    @model_validator(mode="after")
    def can_be_lettered(self) -> "TranslationChange":
        check_lettered([self.caption, *self.lines])
        return self


class ChapterTranslation(TranslationFile):
    """All words of a chapter beside their translation: a file for a translator to fill in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "language": "de",
                    "title": {"source": "Two Keys", "text": "Zwei Schlüssel"},
                    "panels": [{**_PANEL, "lines": [_LINE]}],
                }
            ]
        },
    )


class Taken(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "de", "changed": 12, "missing": 3}]})

    language: str
    changed: int = Field(description="panels whose translation changed")
    missing: int = Field(description="panels still without a translation")


@router.get("/panels/{panel_id}/translations/{language}", summary="Read a panel's translation", responses=NOT_FOUND)
async def read(panel_id: UUID, language: Into, session: Session, scope: Scoped) -> TranslationOut:
    """Without a translation, texts are empty, `state` is `missing` and `version` is 0."""
    panel = await rows.get(session, scope, Panel, panel_id)
    return _out(await _words(session, scope, panel, language), language)


@router.put(
    "/panels/{panel_id}/translations/{language}",
    summary="Write a panel's translation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def write(
    panel_id: UUID, language: Into, body: TranslationChange, session: Session, scope: Editing
) -> TranslationOut:
    """A manual edit: generations keep it, even if the panel's own words change. It costs nothing, and pages show it
    when they are composed again. Refused while a generation is running on the chapter.
    """
    panel = await editing.lock_idle(session, scope, Panel, panel_id)
    await locks.refuse_if_held(session, panel_id, scope.actor)
    words = await _words(session, scope, panel, language)
    await translator.write(session, scope, words, language, body.caption, body.lines, body.version)
    return _out(await _words(session, scope, panel, language), language)


@router.delete(
    "/panels/{panel_id}/translations/{language}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Discard a panel's manual translation",
    responses={**NOT_FOUND, **CONFLICT},
)
async def give_back(panel_id: UUID, language: Into, session: Session, scope: Editing) -> None:
    """The next generation that names the language translates the panel again."""
    panel = await editing.lock_idle(session, scope, Panel, panel_id)
    await locks.refuse_if_held(session, panel_id, scope.actor)
    await translator.give_back(session, scope, await _words(session, scope, panel, language), language)


@router.get("/chapters/{chapter_id}/translations", summary="List a chapter's words in a language", responses=NOT_FOUND)
async def listing(
    chapter_id: UUID,
    session: Session,
    scope: Scoped,
    page: Annotated[Part, part_of(50)],
    language: Annotated[NamedLanguage, Query(description="a BCP 47 tag")],
    state: Annotated[translations.Standing | None, Query(description="only those in this state")] = None,
) -> TranslationsOut:
    """Panel by panel, with what is missing or stale."""
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    panels = await translations.panels_with_words(session, chapter_id, language)
    states = [panel.state for panel in panels]
    items, next_cursor = page.of([panel for panel in panels if state is None or panel.state == state])
    title = translations.title_in(chapter, language)
    return TranslationsOut(
        items=[_out(panel, language) for panel in items],
        next_cursor=next_cursor,
        title=TextOut(source=chapter.title, text="" if title is None else title.text),
        title_state=translations.title_state(chapter, language),
        counts={state: states.count(state) for state in translations.Standing if state in states},
    )


@router.get(
    "/chapters/{chapter_id}/translations/{language}",
    summary="Export a chapter's text for translation",
    responses=NOT_FOUND,
)
async def export(chapter_id: UUID, language: Into, session: Session, scope: Scoped) -> ChapterTranslation:
    """Returns one file with existing translations; `text` is empty where there is none. PUT imports it."""
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    return ChapterTranslation.model_validate(vars(await translator.file_of(session, chapter, language)))


@router.put(
    "/chapters/{chapter_id}/translations/{language}",
    summary="Import a translator's file",
    responses={**NOT_FOUND, **CONFLICT},
)
async def take(chapter_id: UUID, language: Into, body: ChapterTranslation, session: Session, scope: Editing) -> Taken:
    """Finds panels by their IDs, or by scene and panel if the file has none. Filled-in texts are manual edits, as if
    written panel by panel; empty or unchanged texts change nothing. Imports everything or nothing.
    """
    if body.language != language:
        raise BadInput(f"The file is in {body.language}, but the path says {language}.")
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    changed = await translator.import_file(session, scope, chapter, body)
    panels = await translations.panels_with_words(session, chapter_id, language)
    missing = sum(one.state == translations.Standing.MISSING for one in panels)
    return Taken(language=language, changed=changed, missing=missing)


async def _words(session: AsyncSession, scope: Scope, panel: Panel, language: str) -> Worded:
    """Raises `BadInput` if the panel has no words."""
    scene = await rows.get(session, scope, Scene, panel.scene_id)
    words = await translator.of_panel(session, panel, scene.chapter_id, language)
    if words is None:
        raise BadInput("The panel has no words, so there is nothing to translate.")
    return words


def _out(one: Worded, language: str) -> TranslationOut:
    panel, there = translator.translated_panel(one), one.translation
    return TranslationOut(
        **panel.model_dump(),
        language=language,
        state=one.state,
        manual=there is not None and there.manual,
        version=0 if there is None else there.version,
    )
