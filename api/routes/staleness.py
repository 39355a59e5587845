"""What of a chapter is not as what it is made from, and why: what bringing it up to date would make again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Owned, Scoped, Session
from api.http.schemas import AN_ID, NOT_FOUND
from api.routes.generations_create import chosen
from engine.freshness import staleness
from engine.settings import Settings
from engine.store import generations
from engine.store import scope as rows
from engine.store.scope import Scope
from models.options import GenerationOptions
from models.tables import Chapter, Project

router = APIRouter(tags=["directing"])

# What takes a call of a writer each. Translations are asked for by the scene.
_WRITTEN = frozenset({"outline", "summary", "panels", "words", "prompt", "profile"})


class StaleOut(BaseModel):
    """A part that is missing, stale, about to follow from one that is, or kept because a person wrote it."""

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
                    "state": "follows",
                    "because": ["panels"],
                    "drafts": 0,
                }
            ]
        },
    )

    kind: staleness.Kind
    id: UUID | None = Field(
        description="of the chapter, character, scene, panel, page or file; of a translation the panel's, or the"
        " chapter's for its title; null where there is none yet"
    )
    number: int | None = Field(description="of a page")
    language: str = Field(description="of a translation, and of its pages and files; empty: the story's own words")
    part: str = Field(
        description="outline, summary, panels, words, prompt, picture, profile, sheet, title, page, a page's layout or"
        " lettering by hand, or a file's format"
    )
    state: staleness.State
    because: list[str] = Field(description="the inputs that are others now; of what follows, the part that comes first")
    drafts: int = Field(description="how many pictures it takes")


class StaleParts(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [], "next_cursor": "100", "llm_calls": 3, "image_calls": 2}]}
    )

    items: list[StaleOut]
    next_cursor: str | None
    llm_calls: int = Field(
        description="calls to writers for all items; a text or a scene that is read anew may bring more"
    )
    image_calls: int = Field(description="calls to artists, of all items")


@router.get(
    "/chapters/{chapter_id}/stale",
    summary="What of a chapter is out of date",
    responses=NOT_FOUND,
)
async def stale(
    chapter_id: UUID,
    session: Session,
    scope: Scoped,
    owned: Owned,
    cursor: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,6}$", description="`next_cursor` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> StaleParts:
    """Compared with the chapter's last order. An order of kind `chapter` with the same options brings it up to date:
    it makes these parts, but for what is `kept`, and nothing else. `POST /generations/estimate` says for how much."""
    chapter = await rows.get(session, scope, Chapter, chapter_id)
    options = await last_options(session, scope, chapter, owned.settings)
    found = await staleness.of(session, chapter, options)
    due = [part for part in found if part.due]
    start = int(cursor or 0)
    return StaleParts(
        items=[StaleOut.model_validate(part) for part in found[start : start + limit]],
        next_cursor=str(start + limit) if start + limit < len(found) else None,
        llm_calls=sum(part.kind != "translation" and part.part in _WRITTEN for part in due)
        + await staleness.translate_calls(session, chapter, options, due),
        image_calls=sum(part.drafts for part in due) + sum(part.part == "sheet" for part in due),
    )


async def last_options(session: AsyncSession, scope: Scope, chapter: Chapter, settings: Settings) -> GenerationOptions:
    """Those of the chapter's last order; before the first, those that an order would have."""
    latest = await generations.latest_of(session, chapter.id)
    if latest is not None:
        return GenerationOptions.model_validate(latest.options)
    project = await rows.get(session, scope, Project, chapter.project_id)
    return chosen(GenerationOptions(), project, settings)
