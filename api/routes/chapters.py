"""Chapters of a project."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import col

from api.http.apart import read_apart
from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, Paged, listed, sorted_by
from api.http.params import Edition, ExternalId, Facts, Labels, Metadata, Order, Position, labelled
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND
from api.shapes.pages import PageOut
from engine.reading import read_manuscript
from engine.storable import titled
from engine.store import editing, removals, rows
from engine.store.projects import add_chapter
from engine.store.rows import Paging
from models.numbers import Whole
from models.script import NewScript
from models.tables import Chapter, Page, Project
from models.texts import NameIfAny, Said, Words

router = APIRouter(tags=["chapters"])

Thread = Annotated[Said, Field(max_length=200)]


class NewChapter(BaseModel):
    """Either a text or a script."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "One", "text": 'It rained.\n\n"Again?" said Mara.'}]}
    )

    title: NameIfAny = ""
    text: Words | None = Field(default=None, max_length=6_000_000)
    script: NewScript | None = None
    external_id: ExternalId | None = None
    metadata: Metadata = {}
    position: Position = None

    @model_validator(mode="after")
    def one_of_them(self) -> "NewChapter":
        if (self.text is None) == (self.script is None):
            raise ValueError("give either text or script")
        return self


class ChapterChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "title": "Two"}]})

    version: Whole = Field(ge=1, lt=2**31)
    title: NameIfAny | None = None
    text: Words | None = Field(default=None, max_length=6_000_000)
    external_id: ExternalId | None = Field(default=None, description="null removes it")
    metadata: Metadata | None = Field(default=None, description="replaces all previous values")
    threads: list[Thread] | None = Field(default=None, max_length=20, description="what the chapter leaves open")


class ChapterOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "project_id": ANOTHER_ID,
                    "position": 0,
                    "title": "One",
                    "summary": "Mara lights a lamp.",
                    "threads": ["Who has taken the boat?"],
                    "external_id": "book-7/ch-1",
                    "metadata": {"volume": "1"},
                    "version": 1,
                    "created_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    project_id: UUID
    position: int
    title: str
    summary: str
    threads: list[str] = Field(description="what it leaves open; later chapters are given it")
    external_id: str | None
    metadata: Labels
    version: int
    created_at: datetime


@router.post("/projects/{project_id}/chapters", status_code=201, summary="Create a chapter", responses=NOT_FOUND)
async def create(
    project_id: UUID, body: NewChapter, session: Session, scope: Editing, response: Response
) -> ChapterOut:
    """Inserts it at `position`, before the chapter that is there now, or after the last one."""
    text = await _read(body.text) if body.text is not None else ""
    await editing.open_project(session, scope, project_id)
    script = body.script.model_dump(mode="json") if body.script else None
    title = body.title or (titled(body.script.title) if body.script else "")
    chapter = await add_chapter(
        session,
        project_id,
        title=title,
        source_text=text,
        script=script,
        external_id=body.external_id,
        labels=body.metadata,
        at=body.position,
    )
    await editing.announce(session, scope, [chapter])
    response.headers["Location"] = f"/api/v1/chapters/{chapter.id}"
    return ChapterOut.model_validate(chapter)


@router.get("/projects/{project_id}/chapters", summary="List a project's chapters", responses=NOT_FOUND)
async def listing(
    project_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Annotated[Paging, sorted_by("position", "created_at", "title")],
    external_id: Annotated[ExternalId | None, Query()] = None,
    facts: Facts = None,
) -> Listing[ChapterOut]:
    filters = labelled(Chapter, facts, external_id)
    return listed(
        ChapterOut,
        await rows.children(
            session,
            scope,
            Project,
            project_id,
            Chapter,
            *filters,
            columns={*ChapterOut.model_fields, "labels"},
            paging=paging,
        ),
    )


@router.post(
    "/projects/{project_id}/chapters/reorder",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Reorder a project's chapters",
    responses=NOT_FOUND,
)
async def reorder(project_id: UUID, body: Order, session: Session, scope: Editing) -> None:
    """`ids` lists every chapter of the project once. Later writing uses the new story so far."""
    await editing.open_project(session, scope, project_id)
    await editing.reorder(session, scope, Chapter, project_id, project_id, body.ids)


@router.get("/chapters/{chapter_id}", summary="Read a chapter", responses=NOT_FOUND)
async def read(chapter_id: UUID, session: Session, scope: Scoped) -> ChapterOut:
    return ChapterOut.model_validate(await rows.get(session, scope, Chapter, chapter_id))


@router.patch("/chapters/{chapter_id}", summary="Change a chapter", responses={**NOT_FOUND, **CONFLICT})
async def change(chapter_id: UUID, body: ChapterChange, session: Session, scope: Editing) -> ChapterOut:
    """The next generation outlines a new text, and replaces the scenes if the outline differs. After that, `threads`
    are the writer's again.
    """
    values: dict[str, Any] = body.model_dump(include={"title", "external_id"}, exclude_none=True)
    if "external_id" in body.model_fields_set:
        values["external_id"] = body.external_id
    if body.metadata is not None:
        values["labels"] = body.metadata
    if body.threads is not None:
        values["threads"] = body.threads
    if body.text is not None:
        values["source_text"] = await _read(body.text)
        await editing.lock_idle(session, scope, Chapter, chapter_id)
        values["script"] = None
    return ChapterOut.model_validate(await editing.change(session, scope, Chapter, chapter_id, body.version, values))


@router.delete(
    "/chapters/{chapter_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a chapter and everything in it",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(chapter_id: UUID, session: Session, scope: Editing) -> None:
    """Deletes its pictures, files and histories, and what providers answered for it; their costs stay recorded. The
    chapters after it move up. Refused while a generation is running on it.
    """
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    await editing.open_project(session, scope, chapter.project_id)
    chapter = await editing.lock_idle(session, scope, Chapter, chapter_id)
    await removals.delete_chapter(session, chapter)
    await editing.after_deletion(session, scope, chapter)


@router.get("/chapters/{chapter_id}/pages", summary="List a chapter's pages in order", responses=NOT_FOUND)
async def pages(
    chapter_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Paged,
    language: Edition = "",
) -> Listing[PageOut]:
    return listed(
        PageOut,
        await rows.children(
            session,
            scope,
            Chapter,
            chapter_id,
            Page,
            col(Page.language) == language,
            columns=PageOut.model_fields,
            paging=replace(paging, sort="number"),
        ),
    )


async def _read(text: str) -> str:
    return await read_apart(read_manuscript, text.encode("utf-8", "replace"), "text", size=len(text))
