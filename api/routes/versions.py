"""Stored versions of chapters, their differences, and the history of a panel."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Editing, Scoped, Session
from api.http.paging import Listing, Paged, listed
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, NOT_FOUND
from engine.errors import BadInput
from engine.store import history as histories
from engine.store import rows, versions
from engine.store.events import emit
from engine.store.version_diff import compare as compared
from models.events import EventType
from models.tables import Chapter, ChapterVersion, User
from models.texts import Name
from models.version import Change, KeptChapter

router = APIRouter(tags=["history"])

_VERSION: dict[str, Any] = {
    "id": AN_ID,
    "chapter_id": ANOTHER_ID,
    "number": 3,
    "reason": "before the rewrite",
    "generation_id": AN_ID,
    "actor_id": ANOTHER_ID,
    "actor": "Mara",
    "created_at": A_MOMENT,
}
_PANEL: dict[str, Any] = {
    "id": ANOTHER_ID,
    "shot": "medium",
    "description": "Mara lights the lamp.",
    "characters": ["Mara"],
    "dialogue": [{"speaker": "Mara", "kind": "speech", "text": "Again?"}],
    "caption": "",
    "prompt": "Mara lights the lamp, at night",
    "negative": "",
    "picture": {"draft_id": AN_ID, "image_id": ANOTHER_ID, "sha256": "0" * 64},
}
_SCENE: dict[str, Any] = {
    "id": AN_ID,
    "title": "The quay",
    "summary": "Mara lights the lamp.",
    "place": "the quay",
    "time": "night",
    "weather": "rain",
    "mood": "tense",
    "characters": ["Mara"],
    "outfits": {},
    "panels": [_PANEL],
}
_CONTENT: dict[str, Any] = {
    "title": "One",
    "summary": "Mara lights a lamp.",
    "threads": ["Who has taken the boat?"],
    "text_sha256": "0" * 64,
    "characters": [
        {"id": AN_ID, "name": "Mara", "aliases": ["the keeper"], "profile": {"name": "Mara"}, "sheet": "0" * 64}
    ],
    "scenes": [_SCENE],
}
_CHANGE: dict[str, Any] = {
    "kind": "changed",
    "what": "panel",
    "scene": 1,
    "panel": 2,
    "scene_id": AN_ID,
    "panel_id": ANOTHER_ID,
    "field": "caption",
    "before": "",
    "after": "Midnight.",
}


class NewVersion(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"label": "before the rewrite"}]})

    label: Annotated[Name, Field(max_length=64)] = Field(description="why it is stored")


class VersionOut(BaseModel):
    """A stored state of a chapter. `reason` says why it was stored: a user's label, or what was generated."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_VERSION]})

    id: UUID
    chapter_id: UUID
    number: int = Field(description="higher than those of all existing versions of the chapter")
    reason: str
    generation_id: UUID | None = Field(description="the generation after which it was stored")
    actor_id: UUID | None = Field(
        description="the user who stored it; null: stored automatically, or the account was deleted"
    )
    actor: str | None = None
    created_at: datetime


class VersionContent(VersionOut):
    """A version with its content."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_VERSION, "content": _CONTENT}]})

    content: KeptChapter


class Comparison(BaseModel):
    """What differs in the second of two versions. If `after` is null, it is the chapter's current state."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"before": _VERSION, "after": {**_VERSION, "id": ANOTHER_ID, "number": 4}, "changes": [_CHANGE]}
            ]
        }
    )

    before: VersionOut
    after: VersionOut | None
    changes: list[Change]


class PanelHistoryItem(BaseModel):
    """A change of a panel. `type` is `selection`, `redraw`, or that of an event."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "at": A_MOMENT,
                    "type": "selection",
                    "actor_id": ANOTHER_ID,
                    "actor": "Mara",
                    "data": {"draft_id": AN_ID, "before_id": ANOTHER_ID, "kind": "person"},
                }
            ]
        },
    )

    id: UUID
    at: datetime
    type: str
    actor_id: UUID | None = Field(description="null: a workflow, or a deleted account")
    actor: str | None
    data: dict[str, Any]


@router.get("/chapters/{chapter_id}/versions", summary="List a chapter's versions", responses=NOT_FOUND)
async def listing(chapter_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[VersionOut]:
    """The newest first, without their content."""
    columns = set(VersionOut.model_fields)
    found, following = await rows.children(
        session,
        scope,
        Chapter,
        chapter_id,
        ChapterVersion,
        columns=columns,
        paging=replace(paging, sort="-number"),
    )
    names = await _names(session, {row["actor_id"] for row in found})
    items = [VersionOut.model_validate({**row, "actor": names.get(row["actor_id"])}) for row in found]
    return Listing(items=items, next_cursor=following)


@router.post(
    "/chapters/{chapter_id}/versions",
    status_code=201,
    summary="Store a version of a chapter",
    responses={200: {"description": "It still is as its newest version.", "model": VersionOut}, **NOT_FOUND},
)
async def keep(chapter_id: UUID, body: NewVersion, session: Session, scope: Editing, response: Response) -> VersionOut:
    """A version is also stored at the end of every generation that changed the chapter. If nothing changed since the
    newest version, the answer is that one, labelled if it has no label yet. At most 50 are kept; automatic ones are
    deleted first.
    """
    await rows.get(session, scope, Chapter, chapter_id)
    kept = await versions.keep_version(session, chapter_id, reason=body.label, actor_id=scope.actor)
    version = await rows.get(session, scope, ChapterVersion, kept.version_id)
    answer = await _out(session, version)
    if kept.fresh:
        data = {"chapter_id": str(chapter_id), "version_id": str(version.id), "number": version.number}
        await emit(session, version.project_id, None, EventType.VERSION_CREATED, data, actor=scope.actor)
    response.status_code = 201 if kept.fresh else 200
    response.headers["Location"] = f"/api/v1/versions/{version.id}"
    return answer


@router.get("/versions/{version_id}", summary="Read a version with its content", responses=NOT_FOUND)
async def read(version_id: UUID, session: Session, scope: Scoped) -> VersionContent:
    version = await rows.get(session, scope, ChapterVersion, version_id)
    shown = (await _out(session, version)).model_dump()
    return VersionContent(**shown, content=KeptChapter.model_validate(version.content))


@router.delete(
    "/versions/{version_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a version",
    responses=NOT_FOUND,
)
async def remove(version_id: UUID, session: Session, scope: Editing) -> None:
    """The chapter stays as it is. What was deleted in the chapter remains in its versions until you delete them."""
    await rows.remove(session, scope, ChapterVersion, version_id)


@router.get("/versions/{version_id}/compare", summary="Compare two versions", responses=NOT_FOUND)
async def compare(
    version_id: UUID,
    session: Session,
    scope: Scoped,
    other: Annotated[
        UUID | None, Query(alias="with", description="another version of the chapter; default: its current state")
    ] = None,
) -> Comparison:
    """Matches scenes and panels by ID; where a text was outlined again, by content and position. Moves name both
    positions.
    """
    before = await rows.get(session, scope, ChapterVersion, version_id)
    after = None if other is None else await rows.get(session, scope, ChapterVersion, other)
    if after is None:
        content = await versions.now(session, before.chapter_id)
    elif after.chapter_id != before.chapter_id:
        raise BadInput("The two versions belong to different chapters.")
    else:
        content = KeptChapter.model_validate(after.content)
    return Comparison(
        before=await _out(session, before),
        after=None if after is None else await _out(session, after),
        changes=compared(KeptChapter.model_validate(before.content), content),
    )


@router.get("/panels/{panel_id}/history", summary="List a panel's history", responses=NOT_FOUND)
async def history(panel_id: UUID, session: Session, scope: Scoped, paging: Paged) -> Listing[PanelHistoryItem]:
    """Lists who selected, changed and redrew what, the newest first."""
    return listed(
        PanelHistoryItem, await histories.of_panel(session, scope, panel_id, after=paging.after, limit=paging.limit)
    )


async def _out(session: AsyncSession, version: ChapterVersion) -> VersionOut:
    names = await _names(session, {version.actor_id})
    shown = VersionOut.model_validate(version)
    return shown.model_copy(update={"actor": names.get(version.actor_id)})


async def _names(session: AsyncSession, ids: Collection[UUID | None]) -> dict[UUID | None, str]:
    query = select(User.id, User.name).where(col(User.id).in_([one for one in ids if one is not None]))
    return dict((await session.exec(query)).all())
