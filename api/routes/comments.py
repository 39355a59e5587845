"""Comments on panels."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field, StrictBool
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from api.http.deps import Commenting, Scoped, Session
from api.http.paging import Listing, Paged
from api.http.schemas import A_MOMENT, AN_ID, ANOTHER_ID, CONFLICT, NOT_FOUND, TOO_MANY
from engine.store import comments, rows
from models.numbers import Whole
from models.tables import Comment, Panel
from models.texts import Said

router = APIRouter(tags=["together"])

Body = Annotated[Said, Field(min_length=1, max_length=5_000)]
Mentions = Annotated[list[UUID], Field(max_length=20, description="IDs of members to notify")]


class NewComment(BaseModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"body": "Is the lamp lit here?", "mentions": [ANOTHER_ID]}]}
    )

    body: Body
    mentions: Mentions = []


class CommentChange(BaseModel):
    """The author can change `body` and `mentions`; editors can change `resolved`, too."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "resolved": True}]})

    version: Whole = Field(ge=1, lt=2**31, description="the version that you read; answers 409 if it has changed since")
    body: Body | None = None
    mentions: Mentions | None = None
    resolved: StrictBool | None = None


class CommentOut(BaseModel):
    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": AN_ID,
                    "panel_id": ANOTHER_ID,
                    "author_id": ANOTHER_ID,
                    "author": "Mara",
                    "body": "Is the lamp lit here?",
                    "mentions": [ANOTHER_ID],
                    "version": 2,
                    "created_at": A_MOMENT,
                    "edited_at": A_MOMENT,
                    "resolved_at": A_MOMENT,
                }
            ]
        },
    )

    id: UUID
    panel_id: UUID
    author_id: UUID | None = Field(description="null: the account was deleted")
    author: str | None = Field(default=None, description="the author's name")
    body: str
    mentions: list[UUID]
    version: int
    created_at: datetime
    edited_at: datetime | None
    resolved_at: datetime | None


@router.post(
    "/panels/{panel_id}/comments",
    status_code=201,
    summary="Comment on a panel",
    responses={**NOT_FOUND, **TOO_MANY},
)
async def create(
    panel_id: UUID, body: NewComment, session: Session, scope: Commenting, response: Response
) -> CommentOut:
    comment = await comments.add(session, scope, panel_id, body.body, body.mentions)
    response.headers["Location"] = f"/api/v1/comments/{comment.id}"
    return (await _out(session, [comment]))[0]


@router.get("/panels/{panel_id}/comments", summary="List the comments on a panel", responses=NOT_FOUND)
async def listing(
    panel_id: UUID,
    session: Session,
    scope: Scoped,
    paging: Paged,
    resolved: Annotated[bool | None, Query(description="only resolved comments, or only open ones")] = None,
) -> Listing[CommentOut]:
    """The oldest first."""
    await rows.get(session, scope, Panel, panel_id)
    filters = [col(Comment.panel_id) == panel_id]
    if resolved is not None:
        filters.append(col(Comment.resolved_at).is_not(None) if resolved else col(Comment.resolved_at).is_(None))
    found, following = await rows.page(session, scope, Comment, *filters, paging=paging)
    return Listing(items=await _out(session, found), next_cursor=following)


@router.get("/comments/{comment_id}", summary="Read a comment", responses=NOT_FOUND)
async def read(comment_id: UUID, session: Session, scope: Scoped) -> CommentOut:
    return (await _out(session, [await rows.get(session, scope, Comment, comment_id)]))[0]


@router.patch("/comments/{comment_id}", summary="Change or resolve a comment", responses={**NOT_FOUND, **CONFLICT})
async def change(comment_id: UUID, body: CommentChange, session: Session, scope: Commenting) -> CommentOut:
    """Only the author can edit the text; editors can resolve and reopen the comment, too."""
    changed = await comments.change(
        session,
        scope,
        comment_id,
        body.version,
        body=body.body,
        mentions=body.mentions,
        resolved=body.resolved,
    )
    return (await _out(session, [changed]))[0]


@router.delete(
    "/comments/{comment_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a comment",
    responses=NOT_FOUND,
)
async def remove(comment_id: UUID, session: Session, scope: Commenting) -> None:
    """Authors can delete their own comments, owners of the project all of them."""
    await comments.remove(session, scope, comment_id)


async def _out(session: AsyncSession, found: Sequence[Comment]) -> list[CommentOut]:
    names = await comments.names(session, found)
    return [
        CommentOut.model_validate(comment).model_copy(
            update={"author": names.get(comment.author_id) if comment.author_id else None}
        )
        for comment in found
    ]
