"""Chapters: a manuscript on its way to pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response, status
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlmodel import col, select

from api.deps import Editing, Owned, Scoped, Session
from api.downloads import as_download
from api.listing import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND, Cursor, Limit, Listing
from engine.errors import NotFound
from engine.reading import read_manuscript
from engine.store import removals
from engine.store import scope as rows
from engine.store.events import emit
from engine.store.generations import refuse_while_open
from engine.store.projects import add_chapter
from models.events import EventType
from models.script import Script
from models.tables import Chapter, Export, Page, Project, Scene

router = APIRouter(tags=["chapters"])

MEDIA_TYPES = {"cbz": "application/vnd.comicbook+zip", "pdf": "application/pdf"}


class NewChapter(BaseModel):
    """Either a text or a script."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"title": "One", "text": 'It rained.\n\n"Again?" said Mara.'}]}
    )

    title: str = Field(default="", max_length=200)
    text: str | None = Field(default=None, max_length=6_000_000)
    script: Script | None = None

    @model_validator(mode="after")
    def one_of_them(self) -> "NewChapter":
        if (self.text is None) == (self.script is None):
            raise ValueError("give either text or script")
        return self


class ChapterChange(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "title": "Two"}]})

    version: int
    title: str | None = Field(default=None, max_length=200)
    text: str | None = Field(default=None, max_length=6_000_000)


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
    version: int
    created_at: datetime


class SceneOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "chapter_id": ANOTHER_ID,
                    "position": 0,
                    "title": "The lamp",
                    "summary": "Mara lights a lamp and finds two keys.",
                    "place": "the kitchen",
                    "time": "night",
                    "weather": "",
                    "mood": "quiet",
                    "characters": ["Mara"],
                    "state": "described",
                    "failure": "",
                    "version": 1,
                }
            ]
        },
    )

    id: UUID
    chapter_id: UUID
    position: int
    title: str
    summary: str
    place: str
    time: str
    weather: str
    mood: str
    characters: list[str]
    state: str
    failure: str
    version: int


class PageOut(BaseModel):
    """A composed page. `layout` has the cells of its panels in pixels, in reading order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 1,
                    "image_id": AN_ID,
                    "image": f"/api/v1/images/{AN_ID}",
                    "layout": {
                        "number": 1,
                        "width": 1600,
                        "height": 2400,
                        "cells": [{"panel_id": ANOTHER_ID, "x": 60, "y": 60, "width": 1480, "height": 1120}],
                    },
                    "problems": [],
                }
            ]
        }
    )

    number: int
    image_id: UUID | None
    image: str | None = Field(description="path of the picture, null until composed")
    layout: dict[str, Any]
    problems: list[str]


@router.post("/projects/{project_id}/chapters", status_code=201, summary="Create a chapter", responses=NOT_FOUND)
async def create(
    project_id: UUID, body: NewChapter, session: Session, scope: Editing, response: Response
) -> ChapterOut:
    await rows.get(session, scope, Project, project_id)
    text = read_manuscript(body.text.encode("utf-8", "replace"), "text") if body.text is not None else ""
    script = body.script.model_dump(mode="json") if body.script else None
    title = body.title or (body.script.title if body.script else "")
    chapter = await add_chapter(session, project_id, title=title, source_text=text, script=script)
    await session.refresh(chapter)
    response.headers["Location"] = f"/api/v1/chapters/{chapter.id}"
    return ChapterOut.model_validate(chapter)


@router.get("/projects/{project_id}/chapters", summary="List a project's chapters", responses=NOT_FOUND)
async def listing(
    project_id: UUID, session: Session, scope: Scoped, cursor: Cursor = None, limit: Limit = 50
) -> Listing[ChapterOut]:
    await rows.get(session, scope, Project, project_id)
    within = col(Chapter.project_id) == project_id
    found, following = await rows.page(session, scope, Chapter, within, after=cursor, limit=limit)
    return Listing(items=[ChapterOut.model_validate(row) for row in found], next_cursor=following)


@router.get("/chapters/{chapter_id}", summary="Read a chapter", responses=NOT_FOUND)
async def read(chapter_id: UUID, session: Session, scope: Scoped) -> ChapterOut:
    return ChapterOut.model_validate(await rows.get(session, scope, Chapter, chapter_id))


@router.patch("/chapters/{chapter_id}", summary="Change a chapter", responses={**NOT_FOUND, **CONFLICT})
async def change(chapter_id: UUID, body: ChapterChange, session: Session, scope: Editing) -> ChapterOut:
    values: dict[str, Any] = body.model_dump(include={"title"}, exclude_none=True)
    if body.text is not None:
        chapter = await rows.get(session, scope, Chapter, chapter_id)
        await refuse_while_open(session, project_id=chapter.project_id, chapter_id=chapter_id)
        values["source_text"] = read_manuscript(body.text.encode("utf-8", "replace"), "text")
        values["script"] = None
    return ChapterOut.model_validate(await rows.change(session, scope, Chapter, chapter_id, body.version, values))


@router.delete(
    "/chapters/{chapter_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a chapter with all that is in it",
    responses={**NOT_FOUND, **CONFLICT},
)
async def remove(chapter_id: UUID, session: Session, scope: Editing) -> None:
    """With its pictures, files and histories, and what providers answered for it; what they were paid stays known."""
    chapter = await rows.get(session, scope, Chapter, chapter_id, lock=True)
    await refuse_while_open(session, project_id=chapter.project_id, chapter_id=chapter_id)
    told = {"chapter_id": str(chapter_id)}
    await removals.chapter_goes(session, chapter)
    await emit(session, chapter.project_id, None, EventType.CHAPTER_DELETED, told, actor=scope.actor)


@router.get("/chapters/{chapter_id}/scenes", summary="List a chapter's scenes", responses=NOT_FOUND)
async def scenes(
    chapter_id: UUID, session: Session, scope: Scoped, cursor: Cursor = None, limit: Limit = 50
) -> Listing[SceneOut]:
    await rows.get(session, scope, Chapter, chapter_id)
    within = col(Scene.chapter_id) == chapter_id
    found, following = await rows.page(session, scope, Scene, within, after=cursor, limit=limit)
    return Listing(items=[SceneOut.model_validate(row) for row in found], next_cursor=following)


@router.get("/chapters/{chapter_id}/pages", summary="List a chapter's pages in order", responses=NOT_FOUND)
async def pages(chapter_id: UUID, session: Session, scope: Scoped) -> list[PageOut]:
    await rows.get(session, scope, Chapter, chapter_id)
    query = select(Page).where(Page.chapter_id == chapter_id).order_by(col(Page.number))
    return [
        PageOut(
            number=page.number,
            image_id=page.image_id,
            image=f"/api/v1/images/{page.image_id}" if page.image_id else None,
            layout=page.layout,
            problems=page.problems,
        )
        for page in (await session.exec(query)).all()
    ]


@router.get(
    "/chapters/{chapter_id}/exports/{format}",
    summary="Download a built file",
    response_class=Response,
    responses={200: {"content": {media: {} for media in MEDIA_TYPES.values()}}, **NOT_FOUND},
)
async def export(chapter_id: UUID, format: str, session: Session, scope: Scoped, owned: Owned) -> Response:
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    query = select(Export).where(Export.chapter_id == chapter_id, Export.format == format)
    found = (await session.exec(query)).one_or_none() if format in MEDIA_TYPES else None
    if found is None:
        raise NotFound(f"This chapter has no {format} yet. Order a generation of kind export to build it.")
    return Response(
        await owned.storage.get(found.key),
        media_type=MEDIA_TYPES[format],
        headers={
            "Content-Disposition": as_download(chapter.title or "chapter", format),
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
