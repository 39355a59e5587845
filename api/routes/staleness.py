"""The stale parts of a chapter: what bringing it up to date would make again, and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Owned, Scoped, Session
from api.http.paging import Part, part_of
from api.http.schemas import AN_ID, NOT_FOUND
from engine.freshness.parts import Kind, State
from engine.freshness.remaining import stale_parts_and_calls
from engine.orders.resolve import resolve
from engine.settings import Settings
from engine.store import generations, rows
from engine.store.scope import Scope
from models.options import GenerationOptions
from models.tables import Chapter, Project

router = APIRouter(tags=["directing"])


class StaleOut(BaseModel):
    """A part that is missing, stale, dependent on such a part, or kept because a person wrote it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "kind": "page",
                    "id": AN_ID,
                    "number": 1,
                    "language": "",
                    "part": "page",
                    "state": "affected",
                    "because": ["panels"],
                    "drafts": 0,
                }
            ]
        },
    )

    kind: Kind
    id: UUID | None = Field(
        description=(
            "ID of the chapter, character, scene, panel, page or file; for a translation the panel's, or the "
            "chapter's for its title; null if it does not exist yet"
        )
    )
    number: int | None = Field(description="the number of a page")
    language: str = Field(description="the language of a translation, its pages and files; empty: the original words")
    part: str = Field(
        description="outline, summary, panels, words, prompt, picture, profile, sheet, title, page, a page's layout or"
        " lettering by hand, or a file's format"
    )
    state: State
    because: list[str] = Field(description="the inputs that changed; for `affected`, the part that it depends on")
    drafts: int = Field(description="how many pictures have to be drawn for it")


class StaleParts(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [], "next_cursor": "100", "llm_calls": 3, "image_calls": 2}]}
    )

    items: list[StaleOut]
    next_cursor: str | None
    llm_calls: int = Field(
        description="calls to writers for all items; a text or scene that is read again may need more"
    )
    image_calls: int = Field(description="calls to artists for all items")


@router.get(
    "/chapters/{chapter_id}/stale",
    summary="List a chapter's stale parts",
    responses=NOT_FOUND,
)
async def stale(
    request: Request,
    chapter_id: UUID,
    session: Session,
    scope: Scoped,
    owned: Owned,
    page: Annotated[Part, part_of(100)],
) -> StaleParts:
    """Compares it with the chapter's last generation. A generation of kind `chapter` with the same options brings it up
    to date: it makes these parts, except `protected` ones, and nothing else. `POST /generations/estimate` says what it
    costs.
    """
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    options = await last_options(session, scope, chapter, owned.settings)
    found, llm_calls = await owned.computed.about(request, session, chapter, stale_parts_and_calls, options)
    due = [part for part in found if part.due]
    items, next_cursor = page.of(found)
    return StaleParts(
        items=[StaleOut.model_validate(part) for part in items],
        next_cursor=next_cursor,
        llm_calls=llm_calls,
        image_calls=sum(part.drafts for part in due) + sum(part.part == "sheet" for part in due),
    )


async def last_options(session: AsyncSession, scope: Scope, chapter: Chapter, settings: Settings) -> GenerationOptions:
    """The options of the chapter's last generation; before the first, those of a request without options."""
    latest = await generations.latest_of(session, chapter.id)
    if latest is not None:
        return latest.options
    project = await rows.get(session, scope, Project, chapter.project_id)
    return resolve({}, settings, project=project.options, script=chapter.script)
